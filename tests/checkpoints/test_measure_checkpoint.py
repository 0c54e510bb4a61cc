"""Trained nets from PyTorch: the numbers are those of its autograd, and all files are written."""

import json
import re
import subprocess
import sys

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

import phrases
import reference_checkpoints as reference
from gradient_horizon.checkpoints import checkpoint, measuring
from gradient_horizon.gradients import contributions, forward_pass
from gradient_horizon.ground import files
from gradient_horizon.networks.cells import net_of
from gradient_horizon.report import net_numbers, net_report

STORED = dict(np.load(reference.STORED))
PROBE = {name: STORED[name] for name in ("inputs", "targets", "loss_mask")}
# PyTorch and the library add up the same numbers in another order: a few dozen roundings.
ROUNDING = 1e-13


@pytest.fixture(params=reference.KINDS)
def kind(request):
    return request.param


@pytest.fixture
def files_of(tmp_path):
    """Write the net of a kind, and a batch; the arguments that name the two."""

    def write(kind, probe=PROBE):
        names = [name.removeprefix(f"{kind}/") for name in STORED if name.startswith(f"{kind}/")]
        tensors = {name: STORED[f"{kind}/{name}"] for name in names if "." in name}
        paths = tmp_path / "net.safetensors", tmp_path / "probe.npz"
        save_file(tensors, paths[0])
        np.savez(paths[1], **probe)
        return paths

    return write


def activation_of(kind):
    return "relu" if kind == "rnn_relu" else "tanh"


def traced(kind, paths, **names):
    read = checkpoint.read(*paths, activation_of(kind), **names)
    settings = {"cell": read.cell, "activation": read.activation, "model": {}}
    return forward_pass.trace(net_of(settings, read.weights), **read.probe)


def test_loss_accuracy_and_gradient_are_those_of_autograd(kind, files_of):
    path = traced(kind, files_of(kind))
    assert path.loss == pytest.approx(STORED[f"{kind}/loss"].item(), rel=ROUNDING)
    assert path.accuracy == pytest.approx(STORED[f"{kind}/accuracy"].item(), rel=ROUNDING)
    gradients = contributions.gradient_through_time(path)
    for weight, name in (("W_hh", "gradient_hh"), ("W_hx", "gradient_ih")):
        expected = STORED[f"{kind}/{name}"]
        if (kind, weight) == ("gru", "W_hh"):  # its rows come in the order n, r, z
            expected = np.roll(expected, reference.SIZE, axis=0)
        gradient, exponent = gradients[weight]
        np.testing.assert_allclose(
            np.ldexp(gradient, exponent), expected, rtol=0, atol=ROUNDING * abs(expected).max()
        )


def test_contributions_are_those_of_a_copy_of_the_weights_for_each_step(kind, files_of):
    measured = contributions.by_weight_and_distance(traced(kind, files_of(kind)))
    for weight, side in (("W_hh", "hh"), ("W_hx", "ih")):
        terms = STORED[f"{kind}/contributions_{side}"]
        norms = np.linalg.norm(terms, axis=(1, 2))
        gradient = STORED[f"{kind}/gradient_{side}"]
        found = measured[weight]
        np.testing.assert_allclose(10.0**found.log10_contribution, norms, rtol=1e-12, atol=0)
        np.testing.assert_allclose(found.share, norms / norms.sum(), rtol=1e-12, atol=0)
        along = (terms * gradient).sum(axis=(1, 2)) / np.square(gradient).sum()
        np.testing.assert_allclose(found.signed_share, along, rtol=0, atol=1e-12)
        rest = gradient - np.concatenate([np.zeros_like(terms[:1]), terms.cumsum(axis=0)[:-1]])
        bias = np.linalg.norm(rest, axis=(1, 2)) / np.linalg.norm(gradient)
        np.testing.assert_allclose(found.truncation_bias, bias, rtol=0, atol=1e-12)


def test_what_is_stored_is_what_pytorch_computes():
    pytest.importorskip("torch")
    fresh = reference.compute()
    assert fresh.keys() == STORED.keys()
    for name, array in fresh.items():
        np.testing.assert_allclose(array, STORED[name], rtol=1e-12, atol=1e-15, err_msg=name)


def test_vectors_give_the_same_as_the_embedding_that_they_come_from(kind, files_of):
    embedded = traced(kind, files_of(kind))
    vectors = STORED[f"{kind}/emb.weight"][PROBE["inputs"]]
    paths = files_of(kind, PROBE | {"inputs": vectors})
    path = traced(kind, paths, ignore=["emb"])
    assert path.loss == pytest.approx(embedded.loss, rel=ROUNDING)
    np.testing.assert_allclose(path.error, embedded.error, rtol=0, atol=ROUNDING)
    macros = macros_of(paths, ignore=["emb"])
    assert (macros["InputKind"], macros["InputWidth"]) == ("vectors", "3")
    assert (macros["Steps"], macros["Batch"]) == ("7", "3")


def test_a_net_that_gives_numbers(files_of):
    """The squared error by a plain loop over the steps of a simple net."""
    rng = np.random.default_rng(0)
    targets = rng.standard_normal((*PROBE["inputs"].shape, reference.OUTPUTS))
    targets[~PROBE["loss_mask"]] = np.nan  # nobody asks for these
    paths = files_of("rnn_tanh", PROBE | {"targets": targets})
    net = {
        name.partition("/")[2]: array.astype(float)
        for name, array in STORED.items()
        if name.startswith("rnn_tanh/")
    }
    state, errors = np.zeros((reference.BATCH, reference.SIZE)), []
    for symbols, wanted in zip(PROBE["inputs"], targets, strict=True):
        sums = net["emb.weight"][symbols] @ net["rnn.weight_ih_l0"].T + net["rnn.bias_ih_l0"]
        sums += state @ net["rnn.weight_hh_l0"].T + net["rnn.bias_hh_l0"]
        state = np.tanh(sums)
        answers = state @ net["head.weight"].T + net["head.bias"]
        errors.append(np.square(answers - wanted).mean(axis=1))
    loss = np.array(errors)[PROBE["loss_mask"]].mean()
    assert traced("rnn_tanh", paths).loss == pytest.approx(loss, rel=ROUNDING)
    macros = macros_of(paths)
    assert (macros["NumbersOut"], macros["Outputs"]) == ("yes", "5")
    assert (macros["Loss"], macros["Perplexity"]) == (f"{loss:.3f}", "--")


@pytest.fixture
def run(tmp_path):
    """Run the command, in which a warning is an error; the folder that it has written."""

    def start(paths, *arguments):
        command = [sys.executable, "-W", "error", "-m", "gradient_horizon", "measure"]
        given = ["--weights", paths[0], "--probe", paths[1], "--output", tmp_path / "out"]
        subprocess.run([*command, *given, *arguments], check=True, timeout=300)
        return tmp_path / "out"

    return start


FIGURES = {"contribution", "influence", "spectra", "transport", "truncation"}
WRITTEN = {
    *(f"{figure}.{ending}" for figure in FIGURES for ending in ("pdf", "png")),
    *(f"{table}.{ending}" for table in measuring.NAMES for ending in ("csv", "parquet")),
    *("numbers.json", "numbers.tex"),
}


@pytest.mark.parametrize("kind", ["rnn_relu", "lstm"])
def test_everything_but_the_report(kind, files_of, run):
    folder = run(files_of(kind), "--engine", "none", "--activation", activation_of(kind))
    assert {path.name for path in folder.iterdir()} == WRITTEN
    summary = files.read_table(folder / "summary.parquet").iloc[0]
    assert summary["probe_loss"] == pytest.approx(STORED[f"{kind}/loss"].item(), rel=ROUNDING)
    rows = files.read_table(folder / "contributions.csv")
    norms = np.linalg.norm(STORED[f"{kind}/contributions_hh"], axis=(1, 2))
    np.testing.assert_allclose(rows["contribution"], norms, rtol=1e-12)
    macros = json.loads((folder / "numbers.json").read_text())
    used = re.findall(r"\\([A-Z]\w+)", net_report.SOURCES[0].read_text())
    assert set(used) == set(macros)
    assert macros["Name"] == "net"


def macros_of(paths, **names):
    read = checkpoint.read(*paths, **names)
    tables = measuring.measure(read, [1, 2])
    return net_numbers.macros("my_net", read, tables)


def test_a_net_that_is_off(files_of, run):
    """Nothing to see, but no error: its gradient is exactly zero."""
    weights, probe = files_of("rnn_relu")
    tensors = load_file(weights)
    tensors["rnn.bias_hh_l0"] = np.full_like(tensors["rnn.bias_hh_l0"], -1e3)
    save_file(tensors, weights)
    folder = run((weights, probe), "--engine", "none", "--activation", "relu")
    macros = json.loads((folder / "numbers.json").read_text())
    unknown = ("Horizon", "HorizonDistance", "KeptSteps", "SlopeFactor")
    assert [macros[name] for name in unknown] == 4 * ["--"]


@pytest.mark.filterwarnings("error")
def test_the_smallest_batches(kind, files_of):
    two_steps = {name: PROBE[name][:2] for name in ("inputs", "targets")}
    assert macros_of(files_of(kind, two_steps))["Steps"] == "2"
    one = {name: PROBE[name][:, :1] for name in ("inputs", "targets")}
    assert macros_of(files_of(kind, one))["RiseMeasured"] == "no"


def test_the_report_says_what_the_net_is(kind, files_of):
    macros = macros_of(files_of(kind))
    assert macros["Name"] == r"my\_net"
    assert macros["Layer"] == f"nn.{kind[:4].strip('_').upper()}"
    assert macros["Activation"] == ("tanh" if kind.startswith("rnn") else "--")
    inputs = [macros[name] for name in ("InputKind", "InputSymbols", "InputWidth")]
    assert inputs == ["embedded", "6", "3"]
    modules = [macros[f"{part}Module"] for part in ("Layer", "Readout", "Embedding")]
    assert modules == ["rnn", "head", "emb"] and macros["UnusedTensors"] == "--"
    assert (macros["HiddenUnits"], macros["Outputs"]) == ("4", "5")
    assert (macros["NumbersOut"], macros["LossSteps"], macros["Steps"]) == ("no", "5", "7")
    assert (macros["CellPart"] != "--") == (kind == "lstm")
    assert phrases.sentences(macros) == []
