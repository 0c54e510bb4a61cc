"""Vectors in, numbers out: adding, digits and the user's own arrays, from end to end."""

import csv
import json
import re

import numpy as np
import pytest

import project

COMMON = {
    "model": {"hidden_size": 4},
    "grid": {"activations": ["tanh"], "spectral_radii": [1.0], "seeds": 2},
    "training": {"steps": 5, "batch_size": 4},
    "measurement": {"checkpoints": 2, "probe_batch": 2},
}
TASKS = {
    "adding": {"name": "adding", "sequence_length": 6},
    "digits": {"name": "digits"},
    "own": {"name": "arrays", "file": "my data.npz", "relevant_distance": 2},
}
EXPERIMENTS = {name: {"task": task, **COMMON} for name, task in TASKS.items()}
EXPERIMENTS |= dict.fromkeys(["words", "delayed_echo", "temporal_order", "remedies"])
RUN = "own/rnn_tanh_gaussian_rho1.00"
BOTH = ("adding", "own")


def write_arrays(folder, seed):
    """Vectors, and as targets a part of the vector two steps before."""
    rng = np.random.default_rng(seed)
    inputs = rng.standard_normal((8, 40, 3))
    targets = np.zeros((8, 40, 1))
    targets[2:] = inputs[:-2, :, :1]
    np.savez(folder / "my data.npz", inputs=inputs, targets=targets, loss_mask=np.arange(8) >= 2)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A finished run, whatever there is of TeX."""
    changes = project.TINY | {"experiments": EXPERIMENTS}
    folder = project.tiny_copy(tmp_path_factory.mktemp("vectors") / "project", changes)
    write_arrays(folder, 0)
    project.succeed(project.RUN_WORKFLOW, folder, "--configfile", "tiny.yaml")
    return folder


def plan(folder):
    return project.dry_run(folder, "--configfile", "tiny.yaml")


def test_every_gradient_is_measured(run):
    lines = (run / "results" / "tables" / "summary.csv").read_text().splitlines()
    header, rows = lines[0].split(","), [line.split(",") for line in lines[1:]]
    assert len(rows) == 3 * 2 * 2
    for column in ("loss", "probe_loss", "log10_gradient_norm", "drive_variance", "h99"):
        values = np.array([float(row[header.index(column)]) for row in rows])
        assert np.isfinite(values).all()
    residuals = [float(row[header.index("residual")]) for row in rows]
    assert max(residuals) < 1e-13


def test_the_paper_speaks_of_mean_squared_errors(run):
    numbers = json.loads((run / "results" / "paper" / "numbers.json").read_text())
    squared = {name: numbers[f"{name.capitalize()}NumbersOut"] for name in TASKS}
    assert squared == {"adding": "yes", "digits": "no", "own": "yes"}
    assert numbers["AddingBaselines"].startswith(r"\baseline{guessing the mean}{0.167}{--}")
    assert numbers["OwnBaselines"].startswith(r"\baseline{the training mean}")
    assert numbers["AnySquaredError"] == "yes"
    for name in BOTH:
        table = (run / "results" / "paper" / f"activations_{name}.tex").read_text()
        assert "mean squared error" in table and "perplexity" not in table


def test_nothing_is_said_of_the_lecture_notes_equations(run):
    """It is about symbols and classes."""
    with (run / "results" / "tables" / "audit.csv").open() as file:
        verdicts = {int(row["claim"]): row["verdict"] for row in csv.DictReader(file)}
    assert {verdicts[claim] for claim in range(1, 12)} == {"undecided"}


@pytest.mark.tex
def test_the_paper_is_whole(run):
    said = {
        "paper": (
            "The mean squared error of guessing the mean is 0.167;",
            "Where the targets are numbers, the read-out is linear",
            "Equations are not tested in this run",
            "The sequences are those of the file my data.npz: 40 of 8 steps.",
        ),
        "supplement": ("mean squared error", "The sequences of own are my data.npz, whose sha256"),
    }
    for document, sentences in said.items():
        pdf = run / "results" / "paper" / f"{document}.pdf"
        text, code = project.call(["pdftotext"], run, "-layout", pdf, "-")
        assert code == 0 and not re.search(r"\b(?:nan|inf)\b|\?\?", text, re.IGNORECASE)
        text = " ".join(text.split())
        for sentence in sentences:
            assert sentence in text, sentence


def test_other_arrays(run):
    assert plan(run) == {}
    before = (run / "my data.npz").read_bytes()
    write_arrays(run, 1)
    jobs = plan(run)
    (run / "my data.npz").write_bytes(before)
    assert jobs["prepare_task"] == {"own"} and jobs["train_networks"] == {RUN}
    assert plan(run) == {}


def test_arrays_that_cannot_be_read_stop_the_run_before_it_begins(run):
    before = (run / "my data.npz").read_bytes()
    (run / "my data.npz").write_bytes(before[:100])
    output, code = project.call(project.SNAKEMAKE, run, "-n", "--configfile", "tiny.yaml")
    (run / "my data.npz").write_bytes(before)
    assert code == 1 and "Traceback" not in output
    (line,) = [line for line in output.splitlines() if line.startswith("config error: ")]
    assert line.startswith("config error: experiments.own.task.file: my data.npz is not an .npz")
