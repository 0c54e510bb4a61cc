"""An activation of the user's own, from end to end."""

import csv
import re

import pytest

import project

MODULE = """
import numpy as np
from my_helper import rise


def my_mish(a):
    return a * rise(a)


def my_mish_slope(a):
    return rise(a) + a * (1 - rise(a) ** 2) * (1 + np.tanh(a / 2)) / 2
"""
HELPER = """
import numpy as np


def rise(a):
    return np.tanh(np.logaddexp(a, 0))
"""
NAME = "my_activations:my_mish"
ECHO = project.TINY["experiments"]["delayed_echo"]
GRID = {"activations": ["tanh", NAME], "spectral_radii": [0.5, 1.0], "seeds": 2}
OPTIONS = {**project.TINY["experiments"], "delayed_echo": {**ECHO, "grid": GRID}}
RUNS = {f"delayed_echo/rnn_my_activations.my_mish_gaussian_rho{radius}" for radius in (0.5, 1.0)}
RUNS = {f"{run}0" for run in RUNS}
ONCE = {""}
DOWNSTREAM = {
    "measure_gradients": RUNS,
    "collect_tables": ONCE,
    "audit_claims": ONCE,
    "draw_figures": {"delayed_echo"},
    "write_numbers": ONCE,
    "record_provenance": ONCE,
    "build_paper": ONCE,
}


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    """A finished run with the activation, whatever there is of TeX."""
    changes = project.TINY | {"experiments": OPTIONS}
    folder = project.tiny_copy(tmp_path_factory.mktemp("own") / "project", changes)
    (folder / "my_activations.py").write_text(MODULE)
    (folder / "my_helper.py").write_text(HELPER)
    project.succeed(project.RUN_WORKFLOW, folder, "--configfile", "tiny.yaml")
    return folder


def plan(folder):
    output = project.succeed(project.SNAKEMAKE, folder, "-n", "--configfile", "tiny.yaml")
    return project.jobs(output)


def test_it_is_in_the_tables_and_the_paper(own):
    with (own / "results/tables/summary.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["activation"] == NAME]
    assert len(rows) == 2 * 2 * 2  # radii, seeds, checkpoints
    assert all(float(row["residual"]) < 1e-12 for row in rows)
    with (own / "results/tables/slopes.csv").open() as file:
        assert NAME in {row["activation"] for row in csv.DictReader(file)}
    for table in ("activations_delayed_echo", "slopes_delayed_echo", "grids"):
        assert "my mish" in (own / f"results/paper/{table}.tex").read_text()
    assert not list(own.glob("__pycache__"))


@pytest.mark.parametrize("file", ["my_activations.py", "my_helper.py"])
@pytest.mark.parametrize("mtime", [None, 1577836800], ids=["now", "2020"])
def test_an_edit(own, file, mtime):
    assert plan(own) == {}
    with project.changed(own / file, lambda text: text + "# changed\n", mtime):
        expected = {"train_networks": RUNS, **DOWNSTREAM}
        if not (own / "results/paper/paper.pdf").exists():
            del expected["build_paper"]
        assert plan(own) == expected
    assert plan(own) == {}


def test_an_edit_of_another_module(own):
    (own / "my_other.py").write_text("# changed\n")
    assert plan(own) == {}


def test_an_edit_that_makes_it_wrong(own):
    with project.changed(own / "my_helper.py", lambda text: text.replace("logaddexp", "hypot")):
        output, code = project.call(
            project.SNAKEMAKE, own, "--cores", "1", "--configfile", "tiny.yaml"
        )
    assert code == 1 and "Traceback" not in output
    (line,) = re.findall(r"^config error: (.*)$", output, re.MULTILINE)
    where = "experiments.delayed_echo.grid.activations[1]"
    assert line.startswith(f"{where}: '{NAME}': my_mish_slope is ")
    assert plan(own) == {}
