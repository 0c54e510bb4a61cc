"""`gradient-horizon check`: what files are, what is wrong with them, and the exit code."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml
from safetensors.numpy import load_file, save_file

import reference_checkpoints as reference

ROOT = Path(__file__).parents[2]
VECTORS = ROOT / "tests/reference/vectors"
STORED = dict(np.load(reference.STORED))
MINE = {
    "experiments": {
        **dict.fromkeys(("words", "temporal_order", "remedies")),
        "delayed_echo": {"grid": {"activations": ["tanh", "relu"], "spectral_radii": [0.5, 1, 2]}},
    }
}
NET = {"file": "net.safetensors", "probe": "probe.npz"}


@pytest.fixture
def check(tmp_path):
    """Start the command where the files are: exit code, lines of output, lines of errors."""

    def start(*arguments):
        done = subprocess.run(
            [sys.executable, "-m", "gradient_horizon", "check", *arguments],
            **{"cwd": tmp_path, "capture_output": True, "text": True, "timeout": 120},
        )
        assert "Traceback" not in done.stderr
        return done.returncode, done.stdout.splitlines(), done.stderr.splitlines()

    return start


@pytest.fixture
def lstm(tmp_path):
    """A trained LSTM with an embedding, and its batch, in the folder."""
    names = [name.removeprefix("lstm/") for name in STORED if name.startswith("lstm/")]
    tensors = {name: STORED[f"lstm/{name}"] for name in names if "." in name}
    save_file(tensors, tmp_path / "net.safetensors")
    probe = {name: STORED[name] for name in ("inputs", "targets", "loss_mask")}
    np.savez(tmp_path / "probe.npz", **probe)
    return probe


def write_yaml(file, content):
    file.write_text(yaml.safe_dump(content))


def test_a_net_and_its_batch(check, lstm):
    code, lines, errors = check("net.safetensors", "probe.npz")
    steps, sequences = lstm["inputs"].shape
    mask = lstm["loss_mask"]
    classes = lstm["targets"][mask]
    assert (code, errors) == (0, [])
    assert lines == [
        "net.safetensors: a trained nn.LSTM",
        "  recurrent layer: rnn, units 4, inputs 3",
        "  embedding: emb, symbols 6",
        "  read-out: head, outputs 5",
        f"probe.npz: sequences {sequences}, steps {steps}",
        f"  inputs: symbols, from {lstm['inputs'].min()} to {lstm['inputs'].max()}",
        f"  targets: classes, from {classes.min()} to {classes.max()}",
        f"  loss: at {mask.sum()} of the {steps} steps",
        "net.safetensors can read probe.npz",
    ]


def test_a_net_of_vectors(check):
    code, lines, errors = check(VECTORS / "net.safetensors", VECTORS / "probe.npz")
    assert (code, errors) == (0, [])
    assert lines[1:5] == [
        "  recurrent layer: rnn, units 6, inputs 3",
        "  activation: taken to be tanh; the file does not say it",
        "  embedding: none; it reads vectors of length 3, or 3 symbols one-hot",
        "  read-out: out, outputs 5",
    ]
    probe = np.load(VECTORS / "probe.npz")
    inputs, targets = probe["inputs"], probe["targets"]
    assert lines[6:9] == [
        f"  inputs: vectors of length 3, from {inputs.min():.4g} to {inputs.max():.4g}",
        f"  targets: vectors of length 5, from {targets.min():.4g} to {targets.max():.4g}",
        "  loss: at all of the 12 steps",
    ]


def test_a_stack_whose_batch_is_of_several_lengths(check, lstm, tmp_path):
    tensors = load_file(tmp_path / "net.safetensors")
    for name in ("weight_hh", "bias_ih", "bias_hh"):
        tensors[f"rnn.{name}_l1"] = tensors[f"rnn.{name}_l0"].copy()
    tensors["rnn.weight_ih_l1"] = tensors["rnn.weight_hh_l0"].copy()
    save_file(tensors | {"h0": np.ones((2, 4))}, tmp_path / "net.safetensors")
    del lstm["loss_mask"]
    np.savez(tmp_path / "probe.npz", **lstm, lengths=np.array([7, 4, 2]))
    code, lines, errors = check("net.safetensors", "probe.npz")
    assert (code, errors) == (0, [])
    assert lines == [
        "net.safetensors: a trained nn.LSTM, 2 layers",
        "  recurrent layer: rnn, units 4, inputs 3",
        "  embedding: emb, symbols 6",
        "  read-out: head, outputs 5",
        "  initial state: h0 is h0",
        *lines[5:8],
        "  loss: at 13 of the 21 targets",
        "  lengths from 2 to 7; steps beyond are not read",
        "net.safetensors can read probe.npz",
    ]
    write_yaml(tmp_path / "my.yaml", {"checkpoints": {"mine": NET}})
    code, _, (line,) = check("my.yaml")
    assert code == 1
    assert line.startswith("config error: checkpoints.mine: the tables, figures and report of a ")


def test_tensors_that_take_no_part_are_named(check, tmp_path):
    tensors = load_file(VECTORS / "net.safetensors")
    save_file(tensors | {"scale": np.ones(2, np.float32)}, tmp_path / "net.safetensors")
    code, lines, errors = check("net.safetensors")
    assert (code, lines) == (1, [])
    assert "scale would take no part" in errors[0] and "--ignore scale; " in errors[0]
    code, lines, errors = check("net.safetensors", "--ignore", "scale")
    assert (code, errors) == (0, [])
    assert lines[-1] == "  not used: scale"


def test_a_batch_that_the_net_cannot_read(check, lstm, tmp_path):
    np.savez(tmp_path / "probe.npz", **(lstm | {"inputs": lstm["inputs"] + 3}))
    code, lines, errors = check("net.safetensors", "probe.npz")
    assert code == 1
    assert lines[4].startswith("probe.npz: ") and not lines[-1].endswith("can read probe.npz")
    assert errors == ["error: in probe.npz inputs are integers from 3 to 8; allowed: 0 to 5"]


def test_classes_below_0_are_said_without_a_net(check, lstm, tmp_path):
    np.savez(tmp_path / "probe.npz", **(lstm | {"targets": lstm["targets"] - 99}))
    code, lines, errors = check("probe.npz")
    assert (code, lines) == (1, [])
    lowest, highest = (f(lstm["targets"][lstm["loss_mask"]]) - 99 for f in (np.min, np.max))
    (line,) = errors
    assert line.startswith(f"error: in probe.npz targets are integers from {lowest} to {highest};")


def test_every_file_is_looked_at_and_every_mistake_is_one_line(check, lstm, tmp_path):
    (tmp_path / "broken.safetensors").write_bytes(b"\0" * 20)
    (tmp_path / "net.pt").touch()
    np.savez(tmp_path / "other.npz", **(lstm | {"mask": lstm["loss_mask"]}))
    code, lines, errors = check(
        *("missing.npz", "broken.safetensors", "net.pt", "other.npz", "probe.npy", "probe.npz")
    )
    assert code == 1 and lines[0].startswith("probe.npz: ") and len(lines) == 4
    starts = (
        "cannot tell from its ending what probe.npy is; allowed: .yaml, .yml, .json, .safetensors",
        "cannot read broken.safetensors: not a safetensors file",
        "cannot read net.pt: not a safetensors file",
        "missing.npz does not exist",
        "in other.npz the array mask is not known; allowed: inputs, targets, loss_mask, ",
    )
    assert len(errors) == len(starts)
    for error, start in zip(errors, starts, strict=True):
        assert error.startswith(f"error: {start}")
    assert errors[0].endswith("did you mean '.npz'?")


def test_a_configuration(check, lstm, tmp_path):
    write_yaml(tmp_path / "my.yaml", MINE | {"checkpoints": {"mine": NET}})
    code, lines, errors = check("my.yaml")
    assert (code, errors) == (0, [])
    assert lines == [
        f"my.yaml over {ROOT / 'config/config.yaml'}: a configuration",
        "  delayed_echo: task delayed_echo, grid points 6, seeds 10, steps 600, checkpoints 5",
        "  mine: a trained nn.LSTM, net.safetensors",
    ]


def test_configurations_are_laid_over_one_another(check, tmp_path):
    write_yaml(tmp_path / "my.yaml", MINE)
    write_yaml(tmp_path / "fewer.yaml", {"experiments": {"delayed_echo": {"grid": {"seeds": 2}}}})
    code, lines, _ = check("my.yaml", "fewer.yaml")
    assert code == 0 and lines[0].startswith("fewer.yaml over my.yaml over ")
    assert "grid points 6, seeds 2," in lines[1]


def test_the_folders_own_default_and_none_at_all(check, tmp_path):
    (tmp_path / "config").mkdir()
    alone = {"mine": {"task": {"name": "parity"}, "grid": {"spectral_radii": [1.0]}}}
    write_yaml(tmp_path / "config/config.yaml", {"experiments": alone})
    write_yaml(tmp_path / "my.yaml", {"experiments": alone | {"other": alone["mine"]}})
    code, lines, _ = check("my.yaml")
    assert code == 0 and lines[0] == "my.yaml over config/config.yaml: a configuration"
    assert [line.split(":")[0] for line in lines[1:]] == ["  mine", "  other"]
    code, lines, _ = check("my.yaml", "--replace-workflow-config")
    assert code == 0 and lines[0] == "my.yaml: a configuration"


def test_mistakes_in_a_configuration_are_those_of_a_run(check, lstm, tmp_path):
    grid = {"spectral_radii": [-1], "activations": ["tahn"]}
    write_yaml(tmp_path / "my.yaml", {"experiments": {"delayed_echo": {"grid": grid}}})
    code, lines, errors = check("my.yaml")
    assert (code, lines) == (1, [])
    where = "config error: experiments.delayed_echo.grid"
    assert errors[0].startswith(f"{where}.activations[0]: 'tahn'")
    assert errors[0].endswith("; did you mean 'tanh'?")
    assert errors[1].startswith(f"{where}.spectral_radii[0]: -1") and len(errors) == 2
    (tmp_path / "ring.yaml").write_text("a: &a {b: *a}")
    assert check("ring.yaml")[2] == ["config error: ring.yaml: a mapping contains itself"]
    (tmp_path / "twice.yaml").write_text("a: 1\na: 2")
    code, lines, errors = check("twice.yaml")
    assert (code, lines) == (1, [])
    assert errors == ["config error: twice.yaml: the key 'a' is given twice (line 2, column 1)"]


def test_a_net_in_a_configuration_that_cannot_be_measured(check, lstm, tmp_path):
    write_yaml(tmp_path / "my.yaml", {"checkpoints": {"mine": NET | {"readout": "haed"}}})
    code, lines, errors = check("my.yaml")
    assert (code, lines) == (1, [])
    (line,) = errors
    assert line.startswith(
        "config error: checkpoints.mine: cannot use net.safetensors: there is no readout 'haed'"
    )
    assert line.endswith("did you mean 'head'?")
