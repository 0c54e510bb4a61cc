"""Pascanu, Mikolov and Bengio (2013): success on temporal order, by length and remedy.

Section 4.1.1 and figure 7 of the version at ICML: nets of 50 units from three initialisations,
trained by plain stochastic gradient descent (MSGD), with clipping (MSGD-C), and with clipping and
the regulariser (MSGD-CR).  A run succeeds if it misclassifies fewer than 1 % of new sequences.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..numerics.intervals import difference_interval, wilson_interval
from . import UNDECIDED, Claim, Measured, verdict
from .counts import NOT_MEASURED, by_length, fraction, interval, tally

if TYPE_CHECKING:
    import pandas as pd

PAPER = "Pascanu, Mikolov and Bengio (2013)"
CITATION = "pascanu2013"
TASK = "temporal_order"

LARGEST_ERROR = 0.01
# Whether there is clipping and the regulariser, by the paper's names; it has none for the last.
REMEDIES = {
    "MSGD": (False, False),
    "MSGD-C": (True, False),
    "MSGD-CR": (True, True),
    "MSGD-R": (False, True),
}
# What tells two nets apart that differ in the remedy alone: they start from the same weights.
NET = ["experiment", "activation", "initialisation", "radius", "seed"]


def solved(nets: pd.DataFrame) -> pd.Series:
    """Tell which nets misclassify fewer than 1 % of the held-out sequences."""
    return 1.0 - nets["accuracy"] < LARGEST_ERROR


def trained_by(nets: pd.DataFrame, name: str) -> pd.DataFrame:
    """Keep the nets of one of `REMEDIES`."""
    clipped, regularised = REMEDIES[name]
    return nets[(nets["clipped"] == clipped) & (nets["regularised"] == regularised)]


def started_as(nets: pd.DataFrame, name: str) -> pd.DataFrame:
    """Keep the nets that started as the paper's sigmoid, basic tanh or smart tanh."""
    sparse = nets["initialisation"] == "sparse"
    if name == "sigmoid":
        return nets[nets["activation"] == "sigmoid"]
    return nets[(nets["activation"] == "tanh") & (sparse if name == "smart tanh" else ~sparse)]


def solved_by_both(nets: pd.DataFrame, one: str, other: str) -> pd.DataFrame:
    """Put side by side which nets two remedies solve the task with, from the same weights.

    Returns
    -------
    A row a net that was trained by both, with its `length` and the Boolean columns `one` and
    `other`.
    """
    both = {
        key: trained_by(nets, name)
        .assign(**{key: lambda rows: solved(rows)})
        .set_index([*NET, "length"])[key]
        for key, name in (("one", one), ("other", other))
    }
    joined = both["one"].to_frame().join(both["other"], how="inner")
    return joined.reset_index("length").reset_index(drop=True)


def regularised_success(nets: pd.DataFrame, confidence: float) -> Measured:
    """Whether most nets that start as basic tanh solve the longest sequences with MSGD-CR."""
    chosen = started_as(trained_by(nets, "MSGD-CR"), "basic tanh")
    if not len(chosen):
        return Measured(NOT_MEASURED, UNDECIDED)
    longest = chosen[chosen["length"] == chosen["length"].max()]
    ends = wilson_interval(*tally(solved(longest)), confidence)
    here = f"{by_length(chosen, solved(chosen))}; at the longest {interval(*ends, confidence)}"
    return Measured(here, verdict(*ends, 0.5))


def clipping_by_length(nets: pd.DataFrame, confidence: float) -> Measured:
    """Whether more nets need clipping to solve the longest sequences than the shortest."""
    pairs = solved_by_both(nets, "MSGD-C", "MSGD")
    if pairs["length"].nunique() < 2:
        return Measured(NOT_MEASURED, UNDECIDED)
    needed, hindered = pairs["one"] & ~pairs["other"], pairs["other"] & ~pairs["one"]
    shortest, longest = (
        tally(needed[pairs["length"] == length])
        for length in (pairs["length"].min(), pairs["length"].max())
    )
    ends = difference_interval(longest, shortest, confidence)
    here = (
        f"nets that only clipping solves: {by_length(pairs, needed)} (that only plain descent "
        f"does: {fraction(tally(hindered))}); longest less shortest {interval(*ends, confidence)}"
    )
    return Measured(here, verdict(*ends, 0.0))


def remedies_help(nets: pd.DataFrame, confidence: float) -> Measured:
    """Whether, where MSGD-CR and MSGD differ from the same weights, it is MSGD-CR that succeeds.

    The exact comparison of paired proportions: what both solve, or neither does, tells nothing
    (McNemar, 1947).
    """
    pairs = solved_by_both(nets, "MSGD-CR", "MSGD")
    if not len(pairs):
        return Measured(NOT_MEASURED, UNDECIDED)
    differing = pairs[pairs["one"] != pairs["other"]]
    ends = wilson_interval(*tally(differing["one"]), confidence)
    here = (
        f"MSGD-CR {fraction(tally(pairs['one']))}, MSGD {fraction(tally(pairs['other']))}; where "
        f"they differ MSGD-CR in {fraction(tally(differing['one']))}, {interval(*ends, confidence)}"
    )
    return Measured(here, verdict(*ends, 0.5))


def regulariser_alone(nets: pd.DataFrame, confidence: float) -> Measured:
    """Whether the regulariser without clipping fails on most nets that it solves with clipping."""
    pairs = solved_by_both(nets, "MSGD-R", "MSGD-CR")
    pairs = pairs[pairs["other"]]
    if not len(pairs):
        return Measured(NOT_MEASURED, UNDECIDED)
    ends = wilson_interval(*tally(~pairs["one"]), confidence)
    here = (
        f"of the nets that MSGD-CR solves, without clipping fail "
        f"{by_length(pairs, ~pairs['one'])}; all together {interval(*ends, confidence)}"
    )
    return Measured(here, verdict(*ends, 0.5))


def sigmoid_is_hardest(nets: pd.DataFrame, confidence: float) -> Measured:
    """Whether both tanh initialisations succeed more often than the sigmoid one, by MSGD-CR."""
    chosen = trained_by(nets, "MSGD-CR")
    chosen = chosen if len(chosen) else trained_by(nets, "MSGD-C")
    counts = {
        name: tally(solved(started_as(chosen, name)))
        for name in ("sigmoid", "basic tanh", "smart tanh")
    }
    sigmoid, *others = counts.values()
    if not sigmoid[1] or not any(trials for _, trials in others):
        return Measured(NOT_MEASURED, UNDECIDED)
    ends = [difference_interval(other, sigmoid, confidence) for other in others if other[1]]
    low, high = min(low for low, _ in ends), min(high for _, high in ends)
    here = (
        ", ".join(f"{name} {fraction(count)}" for name, count in counts.items() if count[1])
        + f"; the nearest tanh less sigmoid {interval(low, high, confidence)}"
    )
    return Measured(here, verdict(low, high, 0.0))


CLAIMS = (
    Claim(
        "section 4.1.1",
        "MSGD-CR from basic tanh solves lengths of 50 to 200, mixed, with 5 of 5 nets",
        regularised_success,
    ),
    Claim(
        "section 4.1.1, figure 7",
        "the longer the sequence, the more clipping matters for success",
        clipping_by_length,
    ),
    Claim(
        "section 5, figure 7",
        "clipping and the regulariser together improve on plain descent",
        remedies_help,
    ),
    Claim(
        "section 4.1.1, footnote 4",
        "with the regulariser alone, without clipping, learning usually fails",
        regulariser_alone,
    ),
    Claim(
        "section 4.1.1, figure 7",
        "sigmoid is the most adversarial of three initialisations",
        sigmoid_is_hardest,
    ),
)
