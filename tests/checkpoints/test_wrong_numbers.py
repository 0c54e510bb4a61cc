"""Nets and batches that look like others: measured as they are, or refused, never taken for others.

Each folder below `cases` holds weights, batches and, as `right.json`, what PyTorch's autograd makes
of them in float64, with a separate copy of W_hh for every step.
"""

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from gradient_horizon.ground import files

CASES = Path(__file__).parent / "cases"
VECTORS = Path(__file__).parents[1] / "reference/vectors"


@pytest.fixture
def measure(tmp_path):
    """Start the command as a user does; its exit code, and all that it prints."""

    def start(weights, probe, *arguments):
        command = [sys.executable, "-W", "error", "-m", "gradient_horizon", "measure"]
        given = ["--weights", weights, "--probe", probe, "--output", tmp_path / "out"]
        done = subprocess.run(
            [*command, *given, "--engine", "none", *arguments],
            **{"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True},
            timeout=300,
        )
        assert "Traceback" not in done.stdout
        assert (tmp_path / "out").exists() == (done.returncode == 0)
        return done.returncode, done.stdout

    return start


@pytest.fixture
def right(tmp_path, measure):
    """Measure, and compare every number with that of autograd; all that is printed."""

    def start(weights, probe, *arguments, of=None):
        code, printed = measure(weights, probe, *arguments)
        assert code == 0, printed
        expected = json.loads(((of or weights.parent) / "right.json").read_text())
        summary = files.read_table(tmp_path / "out/summary.csv")
        if (tmp_path / "out/contributions.csv").exists():
            rows, row = files.read_table(tmp_path / "out/contributions.csv"), summary.iloc[0]
            norm = 10.0 ** row["log10_gradient_norm"]
        else:
            rows = files.read_table(tmp_path / "out/distances.csv")
            rows = rows[rows["parameter"] == "weight_hh_l0"]
            row = summary.set_index("parameter").loc["weight_hh_l0"]
            norm = row["gradient_norm"]
        assert row["probe_loss"] == pytest.approx(expected["loss"], rel=1e-12)
        assert norm == pytest.approx(expected["gradient_norm"], rel=1e-11)
        assert (row["h99"], row["k01"]) == (expected["h99"], expected["k01"])
        for name in ("share", "truncation_bias"):
            # Of what is not walked nothing is said; it is below 1e-9 of the gradient.
            found = np.append(rows[name], np.zeros(len(expected[name]) - len(rows)))
            np.testing.assert_allclose(found, expected[name], rtol=1e-10, atol=2e-9)
        line = f"loss {expected['loss']:.4g}, h99 {expected['h99']}, k01 {expected['k01']}: "
        assert f"\n{line}" in printed
        return printed

    return start


def case(name, weights="net.safetensors", probe="probe.npz"):
    return CASES / name / weights, CASES / name / probe


@pytest.mark.parametrize("said", [[], ["--readout", "decoder"], ["--embedding", "encoder"]])
def test_a_tied_read_out_whose_matrix_is_left_out_keeps_its_bias(right, said):
    printed = right(*case("tied_read_out"), *said)
    assert "embedding encoder; read-out decoder, with the matrix of encoder\n" in printed


def test_the_bias_of_a_tied_read_out_is_not_dropped_in_silence(measure):
    tied = "--readout", "encoder", "--embedding", "encoder"
    code, printed = measure(*case("tied_read_out"), *tied)
    assert code == 1 and "decoder.bias would take no part" in printed
    assert "if decoder.bias is the bias of the tied read-out, say --readout decoder" in printed
    code, printed = measure(*case("tied_read_out"), *tied, "--ignore", "decoder.bias")
    assert code == 0 and "\nignored: decoder.bias\n" in printed and "\nloss 2.987" in printed


def test_a_learnt_initial_state_is_used(right):
    assert "; h0 starts from h0; " in right(*case("learnt_initial_state"))


def test_a_learnt_initial_state_of_any_name(right, measure, tmp_path):
    weights, probe = case("learnt_initial_state")
    tensors = load_file(weights)
    tensors["start"] = tensors.pop("h0")
    (tmp_path / "right.json").write_bytes((weights.parent / "right.json").read_bytes())
    save_file(tensors, tmp_path / "net.safetensors")
    code, printed = measure(tmp_path / "net.safetensors", probe, "--readout", "out")
    assert code == 1 and "start would take no part" in printed and "--ignore start;" in printed
    right(tmp_path / "net.safetensors", probe, "--initial-state", "start")


def test_a_learnt_initial_state_that_is_ignored_is_told(measure):
    code, printed = measure(*case("learnt_initial_state"), "--ignore", "h0")
    assert code == 0 and "\nignored: h0\n" in printed and "\nloss 1.673, h99 6, k01 6: " in printed


@pytest.mark.parametrize("probe", ["ignore_index", "lengths", "mask_2d"])
def test_sequences_of_several_lengths(right, probe):
    printed = right(*case("padded_batch", probe=f"{probe}.npz"))
    assert printed.startswith("read as 3 sequences of 10 steps, steps first\n")
    assert "warning" not in printed
    said = {
        "ignore_index": "\n9 of 30 targets are -100: they do not count\n",
        "lengths": "\nlengths from 4 to 10; steps beyond are not read\n",
    }
    assert said.get(probe, "") in printed


def test_padding_that_counts_is_warned_of(measure):
    code, printed = measure(*case("padded_batch", probe="padded_with_0.npz"))
    assert code == 0
    assert "\nwarning: 2 of 3 sequences end in up to 6 steps of one same input and t" in printed


def test_a_mask_of_integers_is_a_mask(measure, tmp_path):
    weights, probe = case("padded_batch", probe="mask_of_integers.npz")
    _, printed = measure(weights, probe)
    arrays = dict(np.load(probe))
    np.savez(tmp_path / "bools.npz", **arrays | {"loss_mask": arrays["loss_mask"].astype(bool)})
    assert measure(weights, tmp_path / "bools.npz") == (0, printed)


def test_sequences_first(right, measure, tmp_path):
    weights, probe = case("learnt_initial_state")
    arrays = {name: array.swapaxes(0, 1) for name, array in np.load(probe).items()}
    np.savez(tmp_path / "probe.npz", **arrays)
    printed = right(weights, tmp_path / "probe.npz", "--batch-first", of=weights.parent)
    assert printed.startswith("read as 4 sequences of 12 steps, sequences first\n")
    code, printed = measure(weights, tmp_path / "probe.npz")
    assert code == 0
    assert printed.startswith(
        "read as 12 sequences of 4 steps, steps first; the first axis is the shorter one: if it is "
        "the sequences, the numbers are wrong without --batch-first\n"
    )


@pytest.mark.parametrize("probe", ["lengths", "mask_2d"])
def test_sequences_first_where_the_shapes_say_so(right, measure, tmp_path, probe):
    """What has one number for each sequence fits only one axis; a mask goes with the targets."""
    weights, file = case("padded_batch", probe=f"{probe}.npz")
    arrays = {
        name: array.T if name in ("inputs", "targets", "loss_mask") else array
        for name, array in np.load(file).items()
    }
    np.savez(tmp_path / "probe.npz", **arrays)
    if probe == "lengths":
        code, printed = measure(weights, tmp_path / "probe.npz")
        assert code == 1 and "lengths are (3,); allowed: integers (10,)" in printed
        assert printed.endswith("; if the sequences come first, say --batch-first\n")
    right(weights, tmp_path / "probe.npz", "--batch-first", of=weights.parent)


def test_the_squared_error_is_the_mean_over_outputs(right):
    right(VECTORS / "net.safetensors", VECTORS / "probe.npz", "--activation", "relu")


@pytest.mark.parametrize("kind", ["integers", "booleans"])
def test_which_loss_one_logit_has_is_asked_for(right, measure, kind):
    paths = case("one_logit", probe=f"targets_{kind}.npz")
    code, printed = measure(*paths)
    assert code == 1 and "say which loss is meant, --loss bce (" in printed
    right(*paths, "--loss", "bce")


@pytest.mark.parametrize("kind", ["rnn", "gru", "lstm"])
def test_a_cell_is_the_layer_of_the_same_tensors(measure, tmp_path, kind):
    weights, probe = case("cells_in_a_loop", f"{kind}.safetensors")
    code, printed = measure(weights, probe)
    assert code == 0
    tensors = {
        re.sub(r"cell\.(\w+)", r"cell.\1_l0", name): tensor
        for name, tensor in load_file(weights).items()
    }
    assert "cell.weight_hh_l0" in tensors
    save_file(tensors, tmp_path / "layer.safetensors")
    assert measure(tmp_path / "layer.safetensors", probe) == (0, printed)


@pytest.mark.parametrize("kind", ["weight_norm", "weight_norm_of_old"])
def test_a_weight_norm_is_worked_out(measure, tmp_path, kind):
    weights, probe = case("parametrised", f"{kind}.safetensors")
    tensors = load_file(weights)
    names = {
        "weight_norm": "parametrizations.weight_hh_l0.original{}",
        "weight_norm_of_old": "weight_hh_l0_{}",
    }
    ends = (0, 1) if kind == "weight_norm" else "gv"
    size, direction = (tensors.pop(f"rnn.{names[kind].format(end)}").astype(float) for end in ends)
    rows = [g * v / np.sqrt((v * v).sum()) for g, v in zip(size, direction, strict=True)]
    save_file(tensors | {"rnn.weight_hh_l0": np.array(rows)}, tmp_path / "plain.safetensors")
    code, printed = measure(weights, probe)
    assert code == 0 and measure(tmp_path / "plain.safetensors", probe) == (0, printed)


def test_another_parametrisation_is_named_with_what_to_do(measure):
    code, printed = measure(*case("parametrised", "orthogonal.safetensors"))
    assert code == 1
    assert "rnn.weight_hh_l0 is parametrised (orthogonal): " in printed
    assert '\n    parametrize.remove_parametrizations(net.rnn, "weight_hh_l0")\n' in printed
