"""All nets of a grid point, through the script: tables, what is refused, and nets that diverged."""

import json
import os
import re
import subprocess
import sys

import numpy as np
import pytest

import measure_gradients
import naive
from gradient_horizon.gradients import measurement
from gradient_horizon.gradients.population import TABLES
from gradient_horizon.ground import digests, files

INPUTS = ("train.npz", "probe.npz", "data.npz", "facts.json")
WEIGHTS = ("W_hh", "W_hx", "b_h", "W_s", "b_s", "embedding")
SEEDS, CHECKPOINTS = (3, 4), (0, 7)


@pytest.fixture
def trained_and_probe():
    """Four nets as training keeps them, two seeds at two steps, and a probe batch."""
    rng = np.random.default_rng(10)
    nets = [
        [naive.draw_net(rng, naive.SIZE, naive.SYMBOLS, naive.OUTPUTS, 2) for _ in SEEDS]
        for _ in CHECKPOINTS
    ]
    trained = {
        name: np.array([[net[name] for net in row] for row in nets], dtype=np.float32)
        for name in WEIGHTS
    }
    trained |= {
        "step": np.array(CHECKPOINTS),
        "seed": np.array(SEEDS),
        "held_out_loss": np.full((2, 2), 1.0),
        "held_out_accuracy": np.full((2, 2), 0.5),
        "diverged_at": np.full(2, -1),
    }
    inputs = rng.integers(0, naive.SYMBOLS, (naive.STEPS, naive.BATCH))
    targets = rng.integers(0, naive.OUTPUTS, inputs.shape)
    # Every symbol is there: the largest is allowed.
    inputs[: naive.SYMBOLS, 0] = range(naive.SYMBOLS)
    targets[: naive.OUTPUTS, 0] = range(naive.OUTPUTS)
    mask = np.ones(naive.STEPS, dtype=bool)
    return trained, {"inputs": inputs, "targets": targets, "loss_mask": mask}


def arguments(folder, trained, probe):
    """Write what the script reads; its arguments."""
    data = {f"evaluation_{name}": probe[name] for name in ("inputs", "targets")}
    files.write_arrays(folder / "train.npz", trained)
    files.write_arrays(folder / "probe.npz", probe)
    files.write_arrays(folder / "data.npz", data | {"loss_mask": probe["loss_mask"]})
    files.write_json(folder / "facts.json", {})
    net = {"cell": "rnn", "activation": "tanh", "model": {}}
    given = ["--settings", json.dumps({**net, "jacobian_distances": [1, 2]})]
    for name in (*INPUTS, *(f"{table}.parquet" for table in TABLES)):
        given += [f"--{name.split('.')[0]}", str(folder / name)]
    return given


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Run the script on a trained population and a probe batch; its summary."""

    def start(trained, probe):
        given = arguments(tmp_path, trained, probe)
        monkeypatch.setattr("sys.argv", ["measure_gradients.py", *given])
        measure_gradients.main()
        return files.read_table(tmp_path / "summary.parquet")

    return start


def call(folder, trained, probe):
    """Start the script as a job does; its exit code, and what it says."""
    command = [sys.executable, measure_gradients.__file__, *arguments(folder, trained, probe)]
    environment = {**os.environ, "PYTHONPATH": str(digests.PACKAGE.parent)}
    process = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=100)
    return process.returncode, process.stdout + process.stderr


def test_the_script_as_a_job_starts_it(trained_and_probe, run, tmp_path):
    trained, probe = trained_and_probe
    run(trained, probe)
    tables = {path: path.read_bytes() for path in tmp_path.glob("*.parquet")}
    for path in tables:
        path.unlink()
    assert call(tmp_path, trained, probe) == (0, "")
    assert {path: path.read_bytes() for path in tables} == tables and len(tables) == 4
    code, said = call(tmp_path, trained, probe | {"inputs": probe["inputs"] + 1})
    line = f"error: in {tmp_path}/probe.npz inputs are integers from 1 to 5; allowed: 0 to 4\n"
    assert (code, said) == (1, line)


def refused(run, folder, trained, probe, line):
    """The script ends with one line, which begins so, and has written nothing."""
    with pytest.raises(files.FileError, match=f"^{re.escape(line)}") as error:
        run(trained, probe)
    assert "\n" not in str(error.value)
    assert {path.name for path in folder.iterdir()} == {*INPUTS}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("name", WEIGHTS)
def test_a_weight_that_is_not_finite_is_named(trained_and_probe, run, tmp_path, name, value):
    trained, probe = trained_and_probe
    kept, net = 1, 0
    trained[name][kept, net].reshape(-1)[-1] = value
    line = f"cannot use {tmp_path}/train.npz: {name} of seed 3 at step 7 is not finite"
    refused(run, tmp_path, trained, probe, line)


def test_the_first_of_several_is_named(trained_and_probe, run, tmp_path):
    trained, probe = trained_and_probe
    trained["b_s"][0] = np.nan
    trained["W_s"][0, 1], trained["W_s"][1] = np.nan, np.nan
    line = f"cannot use {tmp_path}/train.npz: W_s of seed 4 at step 0 is not finite"
    refused(run, tmp_path, trained, probe, line)


def test_losses_may_be_anything(trained_and_probe, run):
    """Those of a net that has diverged; its weights stayed at the last finite ones."""
    trained, probe = trained_and_probe
    finite = run(trained, probe)
    losses = np.array([[1.0, np.inf], [np.nan, 2.0]])
    summary = run(trained | {"held_out_loss": losses}, probe)
    np.testing.assert_array_equal(summary["loss"], losses.T.reshape(-1))
    rest = [name for name in finite if name != "loss"]
    assert summary[rest].equals(finite[rest]) and np.isfinite(summary["probe_loss"]).all()


@pytest.mark.parametrize(
    ("name", "change", "what"),
    [
        ("inputs", lambda array: array - 1, "inputs are integers from -1 to 3; allowed: 0 to 4"),
        ("inputs", lambda array: array + 1, "inputs are integers from 1 to 5; allowed: 0 to 4"),
        ("inputs", lambda array: array / 1, "inputs are vectors of length 1; allowed: length "),
        ("targets", lambda array: array - 1, "targets are integers from -1 to 1; allowed: 0 to 2"),
        ("targets", lambda array: array + 1, "targets are integers from 1 to 3; allowed: 0 to 2"),
        ("targets", lambda array: array * np.nan, "targets are not all finite: nan at [0, 0]"),
        ("targets", lambda array: array > 0, "targets are of type bool; allowed: integers (T, S)"),
        ("targets", lambda array: array.astype(str), "targets are of type <U21; allowed: integers"),
        # Taken for indices, they would pick the second step again and again.
        ("loss_mask", lambda array: array.astype(int), "loss_mask is int64 (9,); allowed: bool"),
    ],
)
@pytest.mark.parametrize("embedded", [True, False])
def test_a_probe_that_the_nets_cannot_read(
    trained_and_probe, run, tmp_path, name, change, what, embedded
):
    trained, probe = trained_and_probe
    if not embedded:
        trained["W_hx"] = trained["W_hx"] @ trained.pop("embedding").swapaxes(2, 3)
    assert len(run(trained, probe)) == 4
    for left in tmp_path.glob("*.parquet"):
        left.unlink()
    changed = probe | {name: change(probe[name])}
    refused(run, tmp_path, trained, changed, f"in {tmp_path}/probe.npz {what}")


def one_cannot_be_measured(trained, monkeypatch):
    """Seed 3 at step 7 is a net whose parts do not add up."""
    marker = 0.375
    trained["b_s"][1, 0, 0] = marker
    exact = measurement.measure

    def measure_or_fail(net, probe):
        if net.weights["b_s"][0] == marker:
            raise measurement.InexactError("the contributions differ")
        return exact(net, probe)

    monkeypatch.setattr(measurement, "measure", measure_or_fail)


def test_what_has_diverged_beyond_measure_is_missing(trained_and_probe, run, monkeypatch, tmp_path):
    trained, probe = trained_and_probe
    whole = run(trained, probe)
    one_cannot_be_measured(trained, monkeypatch)
    trained["diverged_at"][0] = 5
    summary = run(trained, probe)
    broken = (summary["seed"] == 3) & (summary["step"] == 7)
    assert broken.sum() == 1 and list(summary) == list(whole)
    others = summary[~broken].drop(columns="diverged_at")
    assert others.equals(whole[~broken].drop(columns="diverged_at"))
    row = summary[broken].iloc[0]
    assert row["loss"] == 1.0 and row["diverged_at"] == 5 and row["hidden_size"] == naive.SIZE
    for name in ("residual", "h99", "k01", "slope", "spectral_radius", "forward_horizon"):
        assert np.isnan(row[name])
    for name, columns in {
        "contributions": ["share", "log10_transport"],
        "spectra": ["value"],
        "influence": ["rise"],
    }.items():
        table = files.read_table(tmp_path / f"{name}.parquet")
        rows = table[(table["seed"] == 3) & (table["step"] == 7)]
        same = table[(table["seed"] == 4) & (table["step"] == 7)]
        assert len(rows) == len(same) > 0 and rows[columns].isna().all(axis=None)


@pytest.mark.parametrize("diverged_at", [-1, 8])
def test_what_has_not_diverged_must_be_measured(trained_and_probe, run, monkeypatch, diverged_at):
    trained, probe = trained_and_probe
    one_cannot_be_measured(trained, monkeypatch)
    trained["diverged_at"][0] = diverged_at
    with pytest.raises(measurement.InexactError):
        run(trained, probe)
