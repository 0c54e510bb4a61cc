"""Reading a trained net from PyTorch: which tensors are what, and what is refused."""

import json
import re

import numpy as np
import pytest
from safetensors.numpy import save_file

import reference_checkpoints as reference
import user_sequences
from gradient_horizon.checkpoints import checkpoint, tensor_file
from gradient_horizon.ground.files import FileError
from gradient_horizon.ground.user_files import OwnFileError

STORED = dict(np.load(reference.STORED))
PROBE = {name: STORED[name] for name in ("inputs", "targets", "loss_mask")}
N, D, V = reference.SIZE, reference.WIDTH, reference.OUTPUTS
GATES = {"rnn_tanh": 1, "rnn_relu": 1, "gru": 3, "lstm": 4}


def tensors_of(kind):
    names = [name.removeprefix(f"{kind}/") for name in STORED if name.startswith(f"{kind}/")]
    return {name: STORED[f"{kind}/{name}"] for name in names if "." in name}


@pytest.fixture
def read(tmp_path):
    """Write a net and a batch, read them."""

    def start(tensors, probe=PROBE, metadata=None, **names):
        save_file(tensors, tmp_path / "net.safetensors", metadata)
        np.savez(tmp_path / "probe.npz", **probe)
        return checkpoint.read(tmp_path / "net.safetensors", tmp_path / "probe.npz", **names)

    return start


@pytest.fixture
def refused(read, tmp_path):
    """Whatever is wrong is said in one line that names the file."""

    def start(tensors, line, file="net.safetensors", **others):
        with pytest.raises(FileError) as caught:
            read(tensors, **others)
        text = str(caught.value)
        assert text.startswith(f"cannot use {tmp_path / file}: ") and "\n" not in text
        assert line in text

    return start


@pytest.mark.parametrize("kind", reference.KINDS)
def test_the_parts_are_found(read, kind):
    tensors = tensors_of(kind)
    net = read(tensors)
    assert net.cell == kind.removesuffix("_tanh").removesuffix("_relu")
    assert (net.layer, net.readout, net.embedding, net.unused) == ("rnn", "head", "emb", ())
    shapes = {name: array.shape for name, array in net.weights.items()}
    rows = GATES[kind] * N
    assert shapes == {
        "W_hh": (rows, N),
        "W_hx": (rows, D),
        "b_h": (rows,),
        "W_s": (V, N),
        "b_s": (V,),
        "embedding": (reference.SYMBOLS, D),
        **({"b_n": (N,)} if kind == "gru" else {}),
    }
    assert {array.dtype for array in net.weights.values()} == {np.dtype(float)}
    np.testing.assert_array_equal(net.weights["W_hh"], tensors["rnn.weight_hh_l0"])
    mask = PROBE["loss_mask"]
    np.testing.assert_array_equal(net.probe["inputs"], PROBE["inputs"])
    np.testing.assert_array_equal(
        net.probe["targets"], np.where(mask[:, None], PROBE["targets"], 0)
    )
    np.testing.assert_array_equal(net.probe["loss_mask"], mask)


def test_the_two_biases_of_a_gru(read):
    """b_hn alone stands within r * (W_hn h + b_hn), so it cannot be added to the others."""
    tensors = tensors_of("gru")
    net = read(tensors).weights
    of_input, of_state = (
        tensors[f"rnn.bias_{side}_l0"].astype(float).reshape(3, N) for side in ("ih", "hh")
    )
    np.testing.assert_array_equal(net["b_n"], of_state[2])
    np.testing.assert_array_equal(
        net["b_h"].reshape(3, N), [*(of_input + of_state)[:2], of_input[2]]
    )


@pytest.mark.parametrize("kind", reference.KINDS)
@pytest.mark.parametrize("prefix", ["", "module.encoder."])
def test_any_name_and_no_biases(read, kind, prefix):
    tensors = {
        name.replace("rnn.", prefix): array
        for name, array in tensors_of(kind).items()
        if "bias" not in name
    }
    net = read(tensors, readout="head")
    assert net.layer == prefix.rstrip(".")
    biases = [net.weights[name] for name in ("b_h", "b_s", "b_n") if name in net.weights]
    assert not np.concatenate(biases).any()


def test_symbols_without_an_embedding_are_unit_vectors(read):
    tensors = tensors_of("lstm")
    vectors = tensors.pop("emb.weight")
    tensors["rnn.weight_ih_l0"] = tensors["rnn.weight_ih_l0"] @ vectors.T
    net = read(tensors)
    assert net.embedding is None and "embedding" not in net.weights
    assert net.weights["W_hx"].shape == (4 * N, reference.SYMBOLS)


def test_vectors_are_read_as_they_are(read):
    tensors = tensors_of("gru")
    vectors = tensors.pop("emb.weight")[PROBE["inputs"]]
    net = read(tensors, PROBE | {"inputs": vectors})
    assert net.embedding is None and "embedding" not in net.weights
    np.testing.assert_array_equal(net.probe["inputs"], vectors)


def test_without_a_mask_every_step_carries_a_loss(read):
    probe = {name: PROBE[name] for name in ("inputs", "targets")}
    assert read(tensors_of("gru"), probe).probe["loss_mask"].tolist() == [True] * reference.STEPS


@pytest.mark.parametrize(("half", "digits"), [("F16", 11), ("BF16", 8)])
def test_half_precision_is_cast_up_exactly(tmp_path, half, digits):
    """The file is put together by hand: NumPy has no bfloat16 to save."""
    values = np.array([[1.0, -0.1, 3e-3], [65280.0, 0.0, 2.0**-10]], dtype=np.float32)
    if half == "F16":
        content, expected = values.astype("<f2").tobytes(), values.astype(np.float16)
    else:
        bits = values.view(np.uint32) & 0xFFFF0000
        content, expected = (bits >> 16).astype("<u2").tobytes(), bits.view(np.float32)
    header = {"w": {"dtype": half, "shape": [2, 3], "data_offsets": [0, len(content)]}}
    text = json.dumps(header).encode()
    path = tmp_path / "net.safetensors"
    path.write_bytes(len(text).to_bytes(8, "little") + text + content)
    read = tensor_file.read(path).values("w")
    np.testing.assert_array_equal(read, expected)
    np.testing.assert_allclose(read, values, rtol=2.0 ** (1 - digits), atol=0)


def tied(kind="lstm"):
    """A net whose read-out has the embedding's weight, as PyTorch saves it: once."""
    tensors = tensors_of(kind)
    shared = np.arange(reference.SYMBOLS * N, dtype=np.float32).reshape(-1, N) / 10.0
    tensors |= {
        "emb.weight": shared,
        "head.bias": np.zeros(reference.SYMBOLS, np.float32),
        "rnn.weight_ih_l0": np.ones((4 * N, N), np.float32),
    }
    del tensors["head.weight"]
    return tensors


def test_weights_that_are_shared_and_saved_once(read):
    net = read(tied(), metadata={"head.weight": "emb.weight"})
    assert (net.embedding, net.readout) == ("emb", "head")
    np.testing.assert_array_equal(net.weights["W_s"], net.weights["embedding"])


def test_names_are_asked_for_where_several_fit(read, refused):
    tensors = tensors_of("gru") | {"aux.weight": np.ones((V, N), np.float32)}
    tensors["aux.bias"] = np.zeros(V, np.float32)
    refused(tensors, "aux, head all fit as the readout: name the one with --readout")
    refused(tensors, "aux.bias, aux.weight would take no part", readout="head")
    net = read(tensors, readout="head", ignore=["aux"])
    assert net.readout == "head" and net.unused == ("aux.bias", "aux.weight")
    refused(tensors, "there is no readout 'haed'; allowed: ", readout="haed")
    refused(tensors, "did you mean 'head'?", readout="haed")
    refused(tensors, f"the readout emb has the shape {(reference.SYMBOLS, D)}", readout="emb")
    refused(tensors, f"the embedding aux has the shape {(V, N)}", embedding="aux")


def test_two_embeddings(read, refused):
    tensors = tensors_of("gru") | {"emb2.weight": np.ones((reference.SYMBOLS, D), np.float32)}
    refused(tensors, "emb, emb2 all fit as the embedding: name the one with --embedding")
    refused(tensors, "emb2.weight would take no part", embedding="emb")
    assert read(tensors, embedding="emb", ignore=["emb2.weight"]).unused == ("emb2.weight",)


def test_a_tensor_that_would_be_left_over(read, refused):
    """A net that does more than what is measured is not measured without a word."""
    tensors = tensors_of("lstm") | {"norm.weight": np.ones(N, np.float32)}
    line = "norm.weight would take no part in a net of embedding emb, recurrent layers and read-out"
    refused(tensors, line)
    refused(tensors, line, readout="head", embedding="emb")
    refused(tensors, "say so with --ignore norm.weight")
    assert read(tensors, ignore=["norm.weight"]).unused == ("norm.weight",)
    refused(tensors, "there is no tensor or module 'nrom' to ignore", ignore=["nrom"])


@pytest.mark.parametrize(
    ("extra", "line"),
    [
        ("rnn.weight_hh_l1", "rnn.weight_ih_l1 is missing"),
        ("rnn.weight_hh_l0_reverse", "rnn.weight_ih_l0_reverse is missing"),
        ("rnn.weight_hr_l0", "rnn.weight_hr_l0 has the shape (16, 4); allowed: (4, 4)"),
        ("other.weight_hh_l0", "there are 2 recurrent modules, other, rnn; how they are put"),
    ],
)
def test_layers_of_another_kind(refused, extra, line):
    refused(tensors_of("lstm") | {extra: np.ones((4 * N, N), np.float32)}, line)


@pytest.mark.parametrize(
    ("name", "array", "line"),
    [
        ("rnn.weight_hh_l0", None, "rnn.weight_hh_l0 is missing"),
        ("rnn.weight_ih_l0", None, "rnn.weight_ih_l0 is missing"),
        ("rnn.weight_hh_l0", np.ones((2 * N, N)), "rnn.weight_hh_l0 has the shape (8, 4)"),
        ("rnn.weight_hh_l0", np.ones(N), "rnn.weight_hh_l0 has the shape (4,)"),
        ("rnn.weight_ih_l0", np.ones((N, D)), "rnn.weight_ih_l0 has the shape (4, 3)"),
        ("rnn.bias_hh_l0", np.ones(N), "rnn.bias_hh_l0 has the shape (4,)"),
        ("head.weight", None, "there is no read-out: no name ends in .weight"),
        ("head.weight", np.ones((V, N + 1)), "there is no read-out: no name ends in .weight"),
        ("head.bias", np.ones(V + 1), "head.bias has the shape (6,); allowed: (5,)"),
        ("head.bias", np.full(V, np.nan), "head.bias is not finite"),
        ("rnn.weight_hh_l0", np.full((3 * N, N), np.inf), "rnn.weight_hh_l0 is not finite"),
        ("rnn.weight_hh_l0", np.ones((3 * N, N), np.int8), "weight_hh_l0 is of the type I8"),
    ],
)
def test_parts_that_do_not_go_together(refused, name, array, line):
    tensors = tensors_of("gru") | {name: array}
    refused({name: array for name, array in tensors.items() if array is not None}, line)


@pytest.mark.parametrize("kind", ["gru", "lstm"])
def test_gated_layers_have_no_other_activation(refused, kind):
    line = f"the recurrent layer is an nn.{kind.upper()}, whose activation is tanh, not relu"
    refused(tensors_of(kind), line, activation="relu")


def test_no_recurrent_layer(refused):
    refused(
        {"rnn.W_hh": np.ones((N, N))}, "there is no recurrent layer: no name ends in weight_hh_l0"
    )


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 not at all", None])
def test_no_safetensors_file(tmp_path, content):
    path = tmp_path / "net.safetensors"
    if content is not None:
        path.write_bytes(content)
    line = "No such file" if content is None else "not a safetensors file"
    with pytest.raises(FileError, match=f"^cannot read {re.escape(str(path))}: {line}"):
        tensor_file.read(path)


@pytest.fixture
def refused_batch(read, tmp_path):
    """What is wrong with a batch, in the words that a task has for it."""

    def start(line, probe, **names):
        with pytest.raises(OwnFileError) as caught:
            read(tensors_of("gru"), probe, **names)
        assert str(caught.value) == line.replace("FILE", str(tmp_path / "probe.npz"))

    return start


@pytest.mark.parametrize(("changes", "line"), user_sequences.DEFECTS_ANYWHERE)
def test_batches_that_nobody_can_read(refused_batch, changes, line):
    refused_batch(line, user_sequences.good(**changes))


@pytest.mark.parametrize("names", [{}, {"readout": "head"}])
@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"inputs": PROBE["inputs"] + 1}, "inputs are integers from 1 to 6; allowed: 0 to 5"),
        ({"inputs": PROBE["inputs"] - 1}, "inputs are integers from -1 to 4; allowed: 0 to 5"),
        (
            {"inputs": PROBE["inputs"] * 1.0},
            "inputs are vectors of length 1; allowed: length 3, or integers for symbols",
        ),
        (
            {"inputs": np.ones((7, 3, D + 1))},
            "inputs are vectors of length 4; allowed: length 3, or integers for symbols",
        ),
        (
            {"targets": np.full((7, 3), V)},
            "targets are integers from 5 to 5; allowed: 0 to 4",
        ),
        (
            {"targets": np.full((7, 3), -99)},
            "targets are integers from -99 to -99; allowed: 0 to 4",
        ),
        (
            {"targets": np.full((7, 3), -100)},
            "no step has a target that counts: nothing carries a loss",
        ),
        (
            {"targets": np.ones((7, 3))},
            "targets are vectors of length 1; allowed: length 5, or integers for classes",
        ),
    ],
)
def test_batches_that_the_net_cannot_read(refused_batch, change, line, names):
    refused_batch(f"in FILE {line}", PROBE | change, **names)


def test_one_number_a_step_needs_no_third_axis(read):
    """A probe may be what a task may be: floats (T, S) are vectors of length 1."""
    tensors = {name: array for name, array in tensors_of("gru").items() if name != "emb.weight"}
    tensors |= {"rnn.weight_ih_l0": np.ones((3 * N, 1), np.float32)}
    tensors |= {"head.weight": np.ones((1, N), np.float32), "head.bias": np.zeros(1, np.float32)}
    inputs, targets = np.random.default_rng(0).random((2, 7, 3))
    net = read(tensors, PROBE | {"inputs": inputs, "targets": targets})
    np.testing.assert_array_equal(net.probe["inputs"], inputs[..., None])
    mask = PROBE["loss_mask"]
    np.testing.assert_array_equal(net.probe["targets"][mask], targets[mask][..., None])


def test_an_embedding_of_vectors(refused):
    probe = PROBE | {"inputs": np.ones((reference.STEPS, reference.BATCH, D))}
    refused(tensors_of("gru"), "no embedding is needed", probe=probe, embedding="emb")


def test_targets_without_a_loss_may_be_anything(read):
    """Such as PyTorch's index -100 of what is to be ignored."""
    mask = PROBE["loss_mask"]
    targets = np.where(mask[:, None], PROBE["targets"], -100)
    found = read(tensors_of("gru"), PROBE | {"targets": targets}).probe["targets"]
    np.testing.assert_array_equal(found[mask], targets[mask])
