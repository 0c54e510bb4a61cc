"""Trained nets from PyTorch: the numbers are those of its autograd, and all files are written."""

import json
import re

import measure_checkpoint
import numpy as np
import pytest
import reference_checkpoints as reference
from gradient_horizon import (
    checkpoint,
    checkpoint_findings,
    checkpoint_tables,
    contributions,
    files,
    forward_pass,
)
from gradient_horizon.cells import CELLS, net_of
from safetensors.numpy import save_file

STORED = dict(np.load(reference.STORED))
PROBE = {name: STORED[name] for name in ("inputs", "targets", "loss_mask")}
# PyTorch and the library add up the same numbers in another order: a few dozen roundings.
ROUNDING = 1e-13


MEASURED = [kind for kind in reference.KINDS if kind.partition("_")[0] in CELLS]


@pytest.fixture(params=MEASURED)
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


def traced(kind, paths):
    read = checkpoint.read(*paths)
    settings = {"cell": read.cell, "activation": activation_of(kind), "model": {}}
    return forward_pass.trace(net_of(settings, read.weights), **read.probe)


def test_loss_accuracy_and_gradient_are_those_of_autograd(kind, files_of):
    path = traced(kind, files_of(kind))
    assert path.loss == pytest.approx(STORED[f"{kind}/loss"].item(), rel=ROUNDING)
    assert path.accuracy == pytest.approx(STORED[f"{kind}/accuracy"].item(), rel=ROUNDING)
    gradients = contributions.gradient_through_time(path)
    for weight, name in (("W_hh", "gradient_hh"), ("W_hx", "gradient_ih")):
        expected = STORED[f"{kind}/{name}"]
        if (kind, weight) == ("gru", "W_hh"):
            expected = np.roll(expected, reference.SIZE, axis=0)  # n before r and z
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
    weights, probe = files_of(kind, PROBE | {"inputs": vectors})
    read = checkpoint.read(weights, probe, readout="head")
    assert read.unused == ("emb.weight",)
    settings = {"cell": read.cell, "activation": activation_of(kind), "model": {}}
    path = forward_pass.trace(net_of(settings, read.weights), **read.probe)
    assert path.loss == embedded.loss
    np.testing.assert_array_equal(path.error, embedded.error)


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Run the script; the folder that it has written."""

    def start(paths, *arguments):
        weights, probe = map(str, paths)
        given = ["--weights", weights, "--probe", probe, "--output", str(tmp_path / "out")]
        monkeypatch.setattr("sys.argv", ["measure_checkpoint.py", *given, *arguments])
        measure_checkpoint.main()
        return tmp_path / "out"

    return start


FIGURES = {"contribution", "influence", "spectra", "transport", "truncation"}
WRITTEN = {
    *(f"{figure}.{ending}" for figure in FIGURES for ending in ("pdf", "png")),
    *(f"{table}.{ending}" for table in checkpoint_tables.NAMES for ending in ("csv", "parquet")),
    *("numbers.json", "numbers.tex"),
}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("kind", MEASURED[1:4:2])
def test_everything_but_the_report(kind, files_of, run):
    folder = run(files_of(kind), "--engine", "none", "--activation", activation_of(kind))
    assert {path.name for path in folder.iterdir()} == WRITTEN
    summary = files.read_table(folder / "summary.parquet").iloc[0]
    assert summary["probe_loss"] == pytest.approx(STORED[f"{kind}/loss"].item(), rel=ROUNDING)
    rows = files.read_table(folder / "contributions.csv")
    norms = np.linalg.norm(STORED[f"{kind}/contributions_hh"], axis=(1, 2))
    np.testing.assert_allclose(rows["contribution"], norms, rtol=1e-12)
    macros = json.loads((folder / "numbers.json").read_text())
    used = re.findall(r"\\([A-Z]\w+)", (measure_checkpoint.PAPER / "report.tex").read_text())
    assert set(used) == set(macros)
    assert macros["Name"] == "net"


def macros_of(paths):
    read = checkpoint.read(*paths)
    tables = checkpoint_tables.measure(read, "tanh", [1, 2])
    return checkpoint_findings.macros("my_net", read, tables)


@pytest.mark.filterwarnings("error")
def test_the_smallest_batches(kind, files_of):
    two_steps = {name: PROBE[name][:2] for name in ("inputs", "targets")}
    assert macros_of(files_of(kind, two_steps))["Steps"] == "2 steps"
    one = {name: PROBE[name][:, :1] for name in ("inputs", "targets")}
    sentence = macros_of(files_of(kind, one))["InfluenceSentence"]
    assert sentence.startswith("For the rise of the loss the batch has too few sequences")


def test_the_report_says_what_the_net_is(kind, files_of):
    macros = macros_of(files_of(kind))
    assert macros["Name"] == r"my\_net"
    assert macros["Layer"].startswith(rf"\texttt{{nn.{kind[:4].strip('_').upper()}}}")
    assert macros["Inputs"] == "6 symbols, embedded in 3 numbers each"
    assert (macros["HiddenUnits"], macros["Outputs"]) == ("4 hidden units", "5 classes")
    assert macros["Masked"] == "5 of the steps carry a loss"
    has_cell = "cell state" in macros["TransportSentence"]
    assert has_cell == (kind == "lstm")
