"""Which files a run leaves, by its configuration; tests of the workflow show that it does."""

import pytest

from gradient_horizon.config import configuration
from gradient_horizon.report.targets import Targets

GRID = {"activations": ["tanh"], "spectral_radii": [0.5, 1.0], "seeds": 2}
ECHO = {"task": {"name": "delayed_echo"}, "grid": GRID}


def targets(typeset=True, nets=(), **experiments):
    resolved = configuration.resolve({"experiments": experiments})["experiments"]
    return Targets(resolved, nets, typeset)


def figures(made):
    return {file.split("/")[-1] for file in made.figures if file.endswith(".png")}


def test_one_experiment():
    made = targets(echo=ECHO)
    runs = [f"results/echo/rnn_tanh_gaussian_rho{radius}" for radius in ("0.50", "1.00")]
    assert [file for file in made.runs if file.endswith(".npz")] == [f"{r}/train.npz" for r in runs]
    assert len(made.runs) == 10 and len(made.data) == 4
    assert "transport_echo.png" in figures(made) and len(made.figures) == 2 * len(figures(made))
    assert {"results/paper/slopes_echo.tex", "results/paper/numbers.tex"} < {*made.paper_parts}
    assert made.papers == ["results/paper/paper.pdf", "results/paper/supplement.pdf"]
    assert made.published == made.nets == made.reports == []


@pytest.mark.parametrize(
    ("change", "figure"),
    [
        ({"task": {"name": "words", "unit": "word"}}, "sentence_map_own.png"),
        ({"task": {"name": "words", "unit": "character"}}, None),
        ({"grid": GRID | {"cells": ["rnn", "lstm"]}}, "transport_parts_own.png"),
    ],
)
def test_some_figures_are_of_some_experiments_alone(change, figure):
    more = figures(targets(own=ECHO | change)) - figures(targets(own=ECHO))
    assert more == ({figure} if figure else set())


def test_remedies_that_are_compared_have_a_table():
    grid = GRID | {"remedies": {"none": {}, "adam": {"optimiser": "adam"}}}
    compared = targets(own=ECHO | {"grid": grid}).paper_parts
    assert set(compared) - set(targets(own=ECHO).paper_parts) == {"results/paper/remedies_own.tex"}


def test_what_was_published_where_it_is_asked_for():
    made = targets(own=ECHO | {"task": {"name": "adding"}, "published": {"comparison": "irnn2015"}})
    assert made.published == [
        f"results/{file}" for file in ("tables/published.csv", "tables/published.txt")
    ] + ["results/paper/published_table.tex"]


def test_nothing_is_typeset_without_tex():
    made = targets(typeset=False, nets=["mine"], echo=ECHO)
    assert not made.papers and not made.reports
    pdfs = [file for file in made.everything if file.endswith(".pdf")]
    assert pdfs and all(file in {*made.figures, *made.nets} for file in pdfs)


def test_nets_alone():
    made = Targets({}, ["mine"], typeset=True)
    assert made.everything == [*made.nets, "results/checkpoints/mine/report.pdf"]
    folder = "results/checkpoints/mine"
    assert {f"{folder}/numbers.json", f"{folder}/spectra.png", f"{folder}/summary.csv"} < {
        *made.nets
    }


def test_everything_is_each_file_once():
    made = targets(nets=["mine"], echo=ECHO, again=ECHO)
    parts = (made.data, made.runs, made.tables, made.figures, made.paper_parts, made.records)
    assert {file for part in parts for file in part} < set(made.everything)
    assert len(made.everything) == len(set(made.everything))
