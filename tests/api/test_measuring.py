"""`gh.measure`: the tables of a run and of the command, figures that leave all settings alone."""

import json
import subprocess
import sys
from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import save_file

import gradient_horizon as gh
import naive
import reference_checkpoints as reference
from gradient_horizon.checkpoints import checkpoint
from gradient_horizon.gradients import measurement
from gradient_horizon.ground import files
from gradient_horizon.networks.cells.dynamics import InexactError

SCRIPTS = Path(__file__).parents[2] / "workflow" / "scripts"
STORED = dict(np.load(reference.STORED))
ECHO = {"lag": 3, "sequence_length": 12}


def script(name, **arguments):
    options = [part for key, value in arguments.items() for part in (f"--{key}", str(value))]
    done = subprocess.run(
        [sys.executable, SCRIPTS / f"{name}.py", *options], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def trained():
    return gh.train(
        gh.task("delayed_echo", **ECHO), hidden_size=8, seeds=2, steps=12, probe_batch=6, radius=1.2
    )


@pytest.fixture(scope="module")
def measured(trained):
    return gh.measure(trained.net(), trained.probe)


def test_the_tables_are_those_of_a_run(tmp_path, trained):
    trained.save(tmp_path / "train.npz")
    files.write_arrays(tmp_path / "probe.npz", trained.probe)
    held_out = {f"evaluation_{part}": array for part, array in trained.held_out.items()}
    files.write_arrays(
        tmp_path / "data.npz",
        {"loss_mask": held_out.pop("evaluation_loss_mask"), **held_out},
    )
    files.write_json(tmp_path / "task.json", {})
    names = ("contributions", "summary", "spectra", "influence")
    script(
        "measure_gradients",
        settings=json.dumps(
            {"cell": "rnn", "activation": "tanh", "model": {}, "jacobian_distances": [1, 5]}
        ),
        train=tmp_path / "train.npz",
        probe=tmp_path / "probe.npz",
        data=tmp_path / "data.npz",
        facts=tmp_path / "task.json",
        **{name: tmp_path / f"{name}.parquet" for name in names},
    )
    tables = {name: pd.read_parquet(tmp_path / f"{name}.parquet") for name in names}
    for seed in range(2):
        for step in trained.steps:
            answer = gh.measure(trained.net(seed, step), trained.probe, jacobian_distances=(1, 5))
            for name, ours in (("contributions", answer.distances), ("summary", answer.summary)):
                rows = tables[name].query("seed == @seed and step == @step")
                rows = rows[[column for column in ours if column not in ("cell", "activation")]]
                pd.testing.assert_frame_equal(
                    ours[rows.columns], rows.reset_index(drop=True), check_exact=True
                )
        rows = tables["spectra"].query("seed == @seed and step == @step")
        rows = rows.drop(columns=["seed", "step"]).reset_index(drop=True)
        pd.testing.assert_frame_equal(answer.spectra, rows, check_exact=True)


def test_the_files_are_those_of_the_command(tmp_path):
    """A net of PyTorch: read from a file by the command, and given as arrays here."""
    kind = "rnn_relu"
    names = [name.removeprefix(f"{kind}/") for name in STORED if name.startswith(f"{kind}/")]
    save_file({n: STORED[f"{kind}/{n}"] for n in names if "." in n}, tmp_path / "net.safetensors")
    probe = {name: STORED[name] for name in ("inputs", "targets", "loss_mask")}
    np.savez(tmp_path / "probe.npz", **probe)
    paths = tmp_path / "net.safetensors", tmp_path / "probe.npz"
    script(
        "measure_checkpoint",
        weights=paths[0],
        probe=paths[1],
        output=tmp_path / "command",
        activation="relu",
        engine="none",
    )
    read = checkpoint.read(*paths, "relu")
    net = gh.net(read.cell, read.weights, activation=read.activation)
    gh.measure(net, np.load(paths[1])).save(tmp_path / "ours")
    compared = [path for path in (tmp_path / "ours").iterdir() if path.suffix in (".csv", ".png")]
    assert len(compared) == 9
    for path in compared:
        assert path.read_bytes() == (tmp_path / "command" / path.name).read_bytes(), path.name


@pytest.mark.parametrize("cell", ["rnn", "lstm"])
def test_the_measure_is_that_of_the_library(cell):
    trained = gh.train("delayed_echo", cell=cell, hidden_size=6, seeds=1, steps=2)
    net = trained.net()
    rows, row = measurement.measure(net.dynamics, trained.probe)
    answer = gh.measure(net, trained.probe)
    for name, values in rows.items():
        np.testing.assert_array_equal(answer.distances[name], values)
    for name, value in row.items():
        np.testing.assert_array_equal(answer.summary[name].item(), value)


def test_what_an_answer_costs_is_that_of_its_targets():
    weights = gh.train("delayed_echo", hidden_size=4, seeds=1, steps=1).net().weights
    inputs = np.zeros((5, 2), dtype=int)
    net = gh.net("rnn", weights, loss="squared_error")
    gh.measure(net, (inputs, np.ones((5, 2, 4))))
    with pytest.raises(ValueError, match="targets are int64; the net's loss, squared_error, is of"):
        gh.measure(net, (inputs, inputs))


def test_a_scalar_net_by_hand():
    """h = .9, .18, .036: every distance brings the same, .036, and they add up to .108."""
    net = gh.net(
        "rnn",
        {"W_hh": [[0.2]], "W_hx": [[1.0]], "b_h": [0.0], "W_s": [[1.0]], "b_s": [0.0]},
        activation="linear",
    )
    inputs = np.array([0.9, 0.0, 0.0, 0.0]).reshape(4, 1, 1)
    mask = np.arange(4) == 3
    # The squared error has the slope 2 (h - y): 1 for y = h - 1/2.
    targets = np.full((4, 1, 1), 0.9 * 0.2**3 - 0.5)
    answer = gh.measure(net, (inputs, targets, mask))
    np.testing.assert_allclose(answer.distances["share"], [1 / 3, 1 / 3, 1 / 3, 0.0], atol=1e-15)
    np.testing.assert_allclose(answer.distances["contribution"][:3], 0.036, rtol=1e-14)
    assert 10.0 ** answer.summary["log10_gradient_norm"].item() == pytest.approx(0.108, rel=1e-14)


def test_the_answer_in_two_lines(measured):
    row, bias = measured.summary.iloc[0], measured.distances["truncation_bias"]
    kept = f"{100 * (1 - bias[int(row['k01'])]):.1f} %"
    first, second = repr(measured).splitlines()
    answer = f"99 % of the gradient arises within {row['h99']:.0f} steps; truncating at "
    answer += f"{row['k01']:.0f} steps keeps {kept} of it"
    if row["h99_censored"] or row["k01_censored"]:
        answer += "; longer sequences may show more"
    assert first == answer
    assert second.startswith(f"loss {row['probe_loss']:.4g} on 6 sequences of 12 steps; ")
    assert second.endswith(f"the gradient to {row['residual']:.0e}")


def test_answers_that_are_none():
    """No gradient at all, and one that no truncation keeps."""
    weights = {
        "W_hh": 0.9 * np.eye(1),
        "W_hx": np.ones((1, 1)),
        "b_h": np.zeros(1),
        "W_s": np.zeros((1, 1)),
        "b_s": np.zeros(1),
    }
    batch = np.eye(8, 1)[:, :, None], np.ones((8, 1, 1)), np.arange(8) == 7
    answer = gh.measure(gh.net("rnn", weights, activation="linear"), batch)
    assert repr(answer).startswith("the gradient is exactly zero on this batch\n")
    weights |= {"W_s": np.ones((1, 1))}
    answer = gh.measure(gh.net("rnn", weights, activation="linear"), batch)
    assert "; truncating at 7 steps keeps 100.0 % of it" in repr(answer)
    mean = 0.9 ** np.arange(7)
    assert answer.summary["h99"].item() == 6.0 and mean[6] > 0.01 * mean.sum()


def test_what_does_not_add_up_is_no_answer(monkeypatch, trained):
    net = trained.net()
    monkeypatch.setattr(measurement, "LARGEST_RESIDUAL", 0.0)
    with pytest.raises(InexactError, match="the contributions differ from the gradient by a rela"):
        gh.measure(net, trained.probe)


def test_numbers_of_one_axis_less_are_vectors_of_one_number():
    rng = np.random.default_rng(0)
    inputs, targets = rng.normal(size=(2, 10, 5))
    net = naive.draw_batch(0)[0]
    net |= {"W_hx": net["W_hx"][:, :1], "W_s": net["W_s"][:1], "b_s": net["b_s"][:1]}
    net.pop("embedding", None)
    flat, deep = (
        gh.measure(gh.net("rnn", net), batch).distances
        for batch in ((inputs, targets), (inputs[..., None], targets[..., None]))
    )
    pd.testing.assert_frame_equal(flat, deep)


# Figures


@pytest.mark.parametrize(
    ("figure", "label"),
    [
        ("contribution", "share of gradient"),
        ("transport", r"$\log_{10}$ transport"),
        ("truncation", "truncation bias"),
        ("influence", "relative to $d = 0$"),
        ("spectra", r"Lyapunov $\lambda_i$"),
    ],
)
def test_figures_are_objects_and_settings_stay_as_they_are(measured, figure, label):
    with matplotlib.rc_context({"font.size": 31.0, "axes.grid": True}):
        before = dict(matplotlib.rcParams)
        drawn = measured.plot(figure)
        assert dict(matplotlib.rcParams) == before
    assert drawn.axes[0].get_ylabel() == label
    sizes = {text.get_size() for axes in drawn.axes for text in axes.get_xticklabels()}
    assert max(sizes) < 12.0
    assert drawn._repr_png_()[:8] == b"\x89PNG\r\n\x1a\n"
