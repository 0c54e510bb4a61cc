"""What the paper reads: the macros that its sources use, each of them, and which parts it has."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import phrases
import small_run
from gradient_horizon.ground.latex import macro_prefix
from gradient_horizon.report import paper_parts
from gradient_horizon.tasks import TASKS, Percentage, Task

PAPER = Path(__file__).parents[2] / "paper"
COMMON = ("main", "supplement", "preamble", "forms", "experiment", "details", "remedies")
OPTIONAL = ("remedies_details", "sentence_map", "transport_parts", "task_other")


def used(*names):
    """The experiment's macros that these sources use."""
    source = "".join((PAPER / f"{name}.tex").read_text() for name in names)
    return set(re.findall(r"\\this\{([A-Z]\w*)\}", source))


@pytest.fixture(scope="module")
def numbers():
    return small_run.numbers()


def of_experiment(numbers, name):
    prefix = macro_prefix(name)
    return {
        macro.removeprefix(prefix): value
        for macro, value in numbers.items()
        if macro.startswith(prefix)
    }


# Of texts, of arrays and of tasks from elsewhere.
OF_OTHERS = {"TokenCount", "Tokens", "UnknownRate", "Unit", "DataFile", "TaskDescription"}


@pytest.mark.parametrize("name", ["echo", "cures"])
def test_the_macros_of_an_experiment_are_those_that_its_sections_use(numbers, name):
    experiment = small_run.SETTINGS["experiments"][name]
    remedies = {"RemedyStarts", "RemedyChanges", "CostliestRemedy", "LargestCost", "SolvedAccuracy"}
    task = f"task_{experiment['task']['name']}"
    expected = used(*COMMON, *OPTIONAL, task) - OF_OTHERS
    if name == "echo":
        expected -= remedies
    assert set(of_experiment(numbers, name)) == expected


def test_no_macro_is_a_sentence(numbers):
    assert phrases.sentences(numbers) == []


@pytest.mark.parametrize(
    "value",
    [
        "All of the 4 grid points have a bound that grows with distance before training",
        "No net diverged.",
        r"for the \emph{best} networks the estimate lies above zero with its whole interval",
    ],
)
def test_sentences_are_told_from_phrases(value):
    assert phrases.sentences({"Name": value}) == ["Name"]


@pytest.mark.parametrize(
    "value",
    [
        r"\ensuremath{\ge}10 (tanh networks of radius 1.2)",
        "sigmoid, tanh, ReLU, softsign and linear",
        r"\baseline{the unigram}{2.93}{18.6}{0}\baseline{the bigram}{2.45}{11.6}{0}",
        "adam: optimiser adam, learning rate 0.01; truncated: truncation 10",
    ],
)
def test_lists_of_phrases_are_no_sentences(value):
    assert phrases.sentences({"Name": value}) == []


@pytest.mark.parametrize("name", TASKS)
def test_every_task_has_its_paragraph(name):
    assert (PAPER / f"task_{name}.tex").is_file()


def test_the_list_of_experiments():
    assert paper_parts.experiment_list(small_run.SETTINGS["experiments"]) == (
        "\\newcommand{\\everyexperiment}[1]{%\n"
        "\\experimentis{echo}{Echo}#1%\n"
        "\\experimentis{cures}{Cures}#1%\n"
        "}\n"
    )


def test_only_experiments_without_remedies_count(numbers):
    assert (numbers["EchoCounted"], numbers["CuresCounted"]) == ("yes", "no")
    assert (numbers["ExperimentNames"], numbers["PointCount"]) == ("echo", "4")


def parts(task=None, facts=None, **columns):
    """The macros of one experiment, with another task, other facts, or more columns."""
    experiment = small_run.SETTINGS["experiments"]["echo"]
    experiment = experiment | {"task": experiment["task"] | (task or {})}
    tables = small_run.tables()
    medians = [tables[name][tables[name]["experiment"] == "echo"] for name in paper_parts.MEDIANS]
    medians[1] = medians[1].assign(**columns)
    facts = small_run.FACTS["echo"] | (facts or {})
    return paper_parts.experiment_parts("echo", experiment, facts, *medians)


@pytest.mark.parametrize(
    ("task", "mapped"),
    [
        ({"name": "words", "unit": "word"}, "tanh networks of radius 0.5"),
        ({"name": "words", "unit": "character"}, "--"),
        ({}, "--"),
    ],
)
def test_sentences_are_mapped_word_by_word_only(task, mapped):
    assert parts(task)["MappedPoint"] == mapped


def test_the_parts_of_the_state_are_shown_where_they_are_known():
    assert parts()["PartsKnown"] == "no"
    assert parts(log10_transport_cell=np.nan)["PartsKnown"] == "no"
    assert parts(log10_transport_cell=-np.inf)["PartsKnown"] == "yes"


def test_the_digest_of_what_was_read():
    digests = [parts(facts=facts) for facts in ({"corpus_sha256": "a"}, {"file_sha256": "b"}, {})]
    assert [(own["TextDigest"], own["FileDigest"]) for own in digests] == [
        ("a", "--"),
        ("--", "b"),
        ("--", "--"),
    ]


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (None, "--"),
        (True, "yes"),
        (False, "no"),
        (1234567, r"1\,234\,567"),
        (1.38629, "1.386"),
        (Percentage(0.125), r"12.5\,\%"),
        ("my_data.npz", r"my\_data.npz"),
        (("X_X", "XY", "YX"), r"X\_X, XY and YX"),
    ],
)
def test_what_a_task_says_as_latex(monkeypatch, value, written):
    monkeypatch.setattr(TASKS["parity"], "numbers", lambda options, facts: {"Name": value})
    assert paper_parts.task_macros({"name": "parity"}, {}) == {"Name": written}


def test_a_task_from_elsewhere_is_described_by_its_docstring(monkeypatch):
    class Guess(Task):
        """Guess the 1st
        of 2 symbols, 50 % of them.
        """

    monkeypatch.setattr(paper_parts, "TASKS", {"my_tasks:guess": Guess()})
    assert paper_parts.task_macros({"name": "my_tasks:guess"}, {}) == {
        "TaskDescription": r"Guess the 1st of 2 symbols, 50 \% of them."
    }


def test_without_ranked_experiments_there_is_no_table():
    tables = small_run.tables()
    nothing = pd.DataFrame(columns=tables["learnability"].columns)
    written = paper_parts.result_tables(small_run.FACTS, tables | {"learnability": nothing}, {})
    assert written["learnability.tex"] == ""
    assert r"\caption{\gridcaption{Echo}}" in written["grids.tex"]
