"""Vectors in, numbers out, through the script: what autograd finds, and every file of the report.

`tests/reference/vectors` holds an nn.RNN with ReLU, a batch, and what PyTorch's autograd makes of
them in float64 with a separate copy of W_hh for every step.
"""

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from gradient_horizon.checkpoints import measuring
from gradient_horizon.ground import files

ROOT = Path(__file__).parents[2]
CASE = ROOT / "tests/reference/vectors"
RIGHT = json.loads((CASE / "right.json").read_text())
FIGURES = ("contribution", "influence", "spectra", "transport", "truncation")
WRITTEN = {
    *(f"{figure}.{ending}" for figure in FIGURES for ending in ("pdf", "png")),
    *(f"{table}.{ending}" for table in measuring.NAMES for ending in ("csv", "parquet")),
    *("numbers.json", "numbers.tex"),
}


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """The script, started as a user does: what it printed, and the folder that it has written."""
    folder = tmp_path_factory.mktemp("vectors") / "out"
    done = subprocess.run(
        [
            *(sys.executable, "-W", "error", ROOT / "workflow/scripts/measure_checkpoint.py"),
            *("--weights", CASE / "net.safetensors", "--probe", CASE / "probe.npz"),
            *("--output", folder, "--activation", "relu", "--engine", "none"),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout, folder


def test_it_ends_well_and_leaves_every_file(measured):
    printed, folder = measured
    assert printed.startswith("read as 4 sequences of 12 steps, steps first\nnn.RNN (rnn); ")
    assert "\nloss 1.011, h99 3, k01 4: " in printed
    assert {path.name for path in folder.iterdir()} == WRITTEN


def test_every_distance_is_that_of_autograd(measured):
    """Both add up the same numbers in float64 in another order."""
    rows = files.read_table(measured[1] / "contributions.csv")
    for name in ("share", "truncation_bias"):
        np.testing.assert_allclose(rows[name], RIGHT[name], rtol=1e-12, atol=1e-15)


def test_the_horizons_the_loss_and_the_gradient_are_those_of_autograd(measured):
    row = files.read_table(measured[1] / "summary.csv").iloc[0]
    assert (row["h99"], row["k01"]) == (RIGHT["h99"], RIGHT["k01"])
    assert row["probe_loss"] == pytest.approx(RIGHT["loss"], rel=1e-13)
    norm = 10.0 ** row["log10_gradient_norm"]
    assert norm == pytest.approx(RIGHT["gradient_norm"], rel=1e-12)


def test_the_report_has_all_its_words(measured):
    macros = json.loads((measured[1] / "numbers.json").read_text())
    used = re.findall(r"\\([A-Z]\w+)", (ROOT / "paper/report.tex").read_text())
    assert set(macros) == set(used)
    assert (macros["InputKind"], macros["InputWidth"]) == ("vectors", "3")
    assert (macros["NumbersOut"], macros["Outputs"]) == ("yes", "5")
    assert (macros["Steps"], macros["Batch"]) == ("12", "4")
