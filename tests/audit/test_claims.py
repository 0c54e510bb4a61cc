"""The verdict on a claim, and what the paper and the table say of it."""

import re
from pathlib import Path

import numpy as np
import pytest

from audit_cases import MEASURES, draw
from gradient_horizon.audit import claims, over_the_grid
from gradient_horizon.audit.claims import (
    CORRECTED,
    FAILS,
    HOLDS,
    UNDECIDED,
    AuditedClaim,
    Errors,
)
from gradient_horizon.ground import latex


@pytest.mark.parametrize(
    ("errors", "expected"),
    [
        (Errors(1e-10, 1e-10), HOLDS),
        (Errors(1e-9, 1.0), HOLDS),
        (Errors(1.1e-9, 1e-9), CORRECTED),
        (Errors(1.0, 1.1e-9), FAILS),
        (Errors(1.0, 0.0, contradicts=True), FAILS),
        (Errors(0.0, 0.0, contradicts=True), HOLDS),
        (Errors(1.0, None), CORRECTED),
        (Errors(1.0, None, contradicts=True), FAILS),
        (Errors(np.nan, 0.0), UNDECIDED),
        (Errors(0.0, np.nan), UNDECIDED),
        (Errors(np.nan, None), UNDECIDED),
        (Errors(np.inf, np.inf), FAILS),
    ],
)
def test_the_verdict_follows_from_the_errors(errors, expected):
    assert claims.CLAIMS[6].tolerance == 1e-9
    assert AuditedClaim(6, errors).verdict == expected


def test_several_nets():
    parts = [
        Errors(0.1, 2e-9, numbers={"a": 1.0, "b": np.nan}),
        Errors(np.nan, np.nan),
        Errors(0.3, 1e-9, contradicts=True, numbers={"a": -1.0}),
    ]
    whole = claims.worst(parts)
    assert (whole.note, whole.correct, whole.contradicts) == (0.3, 2e-9, True)
    assert whole.numbers["a"] == 1.0 and np.isnan(whole.numbers["b"])
    assert AuditedClaim(6, claims.worst([])).verdict == UNDECIDED
    assert not claims.worst([parts[0]]).contradicts


# Rows and macros

SECTION = Path(__file__).parents[2] / "paper"


@pytest.fixture(scope="module")
def audited():
    net = draw()
    errors = {
        **{number: claims.worst([measure(net)]) for number, measure in MEASURES.items()},
        13: over_the_grid.phase_diagram(np.array([-0.1, 0.1]), np.array([-1.0, -0.01])),
        15: over_the_grid.learning_signal(np.full(3, 4.0), np.full(3, 7.0)),
        16: over_the_grid.explosion(np.array([-1.0, 1.0]), 30, 120, 0, 100),
    }
    return [AuditedClaim(number, errors[number]) for number in sorted(errors)]


def test_every_claim_is_measured(audited):
    assert [part.number for part in audited] == list(claims.CLAIMS) == list(range(1, 17))
    for part in audited:
        assert set(part.claim.numbers) == set(part.errors.numbers), part.claim.name


def test_the_rows(audited):
    for part in audited:
        row = part.row()
        assert tuple(row) == claims.COLUMNS
        assert row["verdict"] == part.verdict
        assert row["note_value"] == part.errors.note and row["tolerance"] == part.claim.tolerance
    assert audited[9].row()["measured"] == "terms=45; steps=9"


def test_the_macros_of_a_claim(audited):
    macros = claims.macros(audited)
    assert macros["AuditDoubleSumVerdict"] == HOLDS
    assert (macros["AuditDoubleSumTerms"], macros["AuditDoubleSumSteps"]) == ("45", "9")
    assert macros["AuditNormalisationNote"] == "8.0"
    # The correct statement only denies the note's.
    assert macros["AuditLearningSignalCorrect"] == "--"


def test_what_was_not_measured_has_no_numbers():
    macros = claims.macros([AuditedClaim(15, Errors(0.5, np.nan))])
    assert macros["AuditLearningSignalVerdict"] == UNDECIDED
    names = ("Note", "Correct", "Points", "Longer")
    assert [macros[f"AuditLearningSignal{name}"] for name in names] == 4 * ["--"]
    assert (macros["AuditUndecided"], macros["AuditHolding"]) == ("1", "0")


def test_the_verdicts_are_counted(audited):
    macros = claims.macros(audited)
    names = ("Holding", "Corrected", "Failing", "Undecided")
    assert [macros[f"Audit{name}"] for name in names] == ["6", "8", "2", "0"]


def test_the_macros_are_those_of_the_section(audited):
    source = "".join((SECTION / f"{name}.tex").read_text() for name in ("audit", "audit_claims"))
    used = set(re.findall(r"\\(Audit\w+)", source))
    rows = re.findall(r"^\\claim\{(\d+)\}\{(\w+)\}", source, re.MULTILINE)
    assert [(int(number), name) for number, name in rows] == [
        (number, claim.name) for number, claim in claims.CLAIMS.items()
    ]
    used |= {f"Audit{name}{cell}" for _, name in rows for cell in ("Verdict", "Note", "Correct")}
    macros = latex.Macros()
    macros.add(claims.macros(audited))
    assert used == {*macros, "AuditExperiment", "AuditNets"}
