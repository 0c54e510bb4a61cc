"""What holds of every figure, of a run and of a net; and that its name is the same everywhere."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import figure_tables as tables
from figure_tables import panels
from gradient_horizon.report.figures import FIGURES, OF_A_NET

ROOT = Path(__file__).parents[3]
MAP = {
    "log10_contribution": np.full((2, 3, 3), -1.0),
    "words": np.array(["the", "same", "shape", "again"]),
}
OF_A_RUN = {
    "contributions_median": tables.parts,
    "influence_median": tables.rises,
    "learning_curves": tables.learning_curves,
    "sentence_map": lambda: MAP,
    "slopes": tables.slopes,
    "spectra_median": tables.spectra,
    "summary_median": tables.summary,
    "task": lambda: {"baselines": {"guessing": 1.0}, "loss": "cross_entropy"},
}
OF_ONE_NET = {
    "contributions": tables.of_net,
    "influence": tables.rises_of_net,
    "spectra": tables.spectra_of_net,
}


def spoilt(made):
    """Of one activation, at each radius another number that is none, in what may be one."""
    if isinstance(made, dict):
        return made
    columns = {name.removesuffix("_low") for name in made if name.endswith("_low")}
    columns -= {"share", "truncation_bias", "loss"}
    for radius, worst in zip(tables.RADII, (np.nan, np.inf, -np.inf), strict=True):
        rows = (made["activation"] == "tanh") & (made["radius"] == radius)
        made.loc[rows, [*columns, *(f"{name}_high" for name in columns)]] = worst
    return made


@pytest.mark.parametrize("name", FIGURES)
def test_numbers_that_are_not_finite_break_no_figure(name):
    figure = FIGURES[name].draw(*(spoilt(OF_A_RUN[source]()) for source in FIGURES[name].run))
    for panel in panels(figure):
        assert np.isfinite([*panel.get_xlim(), *panel.get_ylim()]).all()
    figure.draw_without_rendering()


@pytest.mark.parametrize("name", OF_A_NET)
def test_every_figure_of_one_net(name):
    figure = FIGURES[name].draw(*(OF_ONE_NET[source]() for source in FIGURES[name].net))
    figure.draw_without_rendering()
    assert all(panel.lines and panel.get_xlabel() for panel in panels(figure))


def test_names_are_those_of_the_papers_and_captions():
    """LaTeX and the page of a run cannot ask for them."""
    text = {path.name: path.read_text() for path in (ROOT / "paper").glob("*.tex")}
    of_net = re.findall(r"\\includegraphics.*?\{(\w+)\}", text.pop("report.tex"))
    assert sorted(of_net) == OF_A_NET
    of_runs = re.findall(r"\\includegraphics.*?\{(\w+)_\\experiment\}", "".join(text.values()))
    assert set(of_runs) == set(FIGURES)
    captions = {path.stem for path in (ROOT / "workflow/report/figures").glob("*.rst")}
    assert captions == set(FIGURES)


def test_names_cost_no_start():
    """Rules ask for them whenever Snakemake starts."""
    heavy = "{'matplotlib', 'pandas', 'scipy'}"
    statement = f"import sys, gradient_horizon.report.targets; print({heavy} & {{*sys.modules}})"
    done = subprocess.run([sys.executable, "-c", statement], capture_output=True, check=True)
    assert done.stdout.decode().strip() == "set()"
