"""`gradient-horizon measure` on nets of any depth: what it prints, writes and refuses."""

import subprocess
import sys

import numpy as np
import pytest
from safetensors.numpy import save_file

from gradient_horizon.checkpoints import checkpoint, stacked
from gradient_horizon.commands import measure
from gradient_horizon.gradients.stacks import words
from gradient_horizon.ground import files
from gradient_horizon.ground.files import FileError
from gradient_horizon.ground.user_files import OwnFileError

SYMBOLS, WIDTH, SIZE, OUTPUTS, STEPS, BATCH = 6, 3, 4, 5, 9, 3
TABLES = {
    f"{name}.{ending}"
    for name in ("distances", "summary", "truncations")
    for ending in ("csv", "parquet")
}


def layers(levels, reverse, prefix="rnn.", gates=4, seed=0):
    rng = np.random.default_rng(seed)
    found = {}
    for level in range(levels):
        read = SIZE * (1 + reverse) if level else WIDTH
        for end in ("", "_reverse")[: 1 + reverse]:
            for name, shape in (
                ("weight_ih", (gates * SIZE, read)),
                ("weight_hh", (gates * SIZE, SIZE)),
                ("bias_ih", (gates * SIZE,)),
                ("bias_hh", (gates * SIZE,)),
            ):
                found[f"{prefix}{name}_l{level}{end}"] = rng.standard_normal(shape) / 2.0
    return found


def ends(columns=SIZE):
    rng = np.random.default_rng(1)
    return {
        "emb.weight": rng.standard_normal((SYMBOLS, WIDTH)),
        "head.weight": rng.standard_normal((OUTPUTS, columns)),
        "head.bias": rng.standard_normal(OUTPUTS),
    }


def symbols(**others):
    rng = np.random.default_rng(2)
    return {
        "inputs": rng.integers(SYMBOLS, size=(STEPS, BATCH)),
        "targets": rng.integers(OUTPUTS, size=(STEPS, BATCH)),
        **others,
    }


@pytest.fixture
def paths(tmp_path):
    """Write a net and a batch."""

    def write(tensors, probe):
        save_file(tensors, tmp_path / "net.safetensors")
        np.savez(tmp_path / "probe.npz", **probe)
        return tmp_path / "net.safetensors", tmp_path / "probe.npz"

    return write


@pytest.fixture
def said(paths, tmp_path):
    """Start the command; its exit code and all that it prints."""

    def start(tensors, probe, *arguments):
        weights, batch = paths(tensors, probe)
        command = [sys.executable, "-W", "error", "-m", "gradient_horizon", "measure"]
        given = ["--weights", weights, "--probe", batch, "--output", tmp_path / "out"]
        done = subprocess.run(
            [*command, *given, "--engine", "none", *arguments],
            **{"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True},
            timeout=300,
        )
        return done.returncode, done.stdout

    return start


def test_a_bidirectional_stack(said, tmp_path):
    code, printed = said(layers(2, True) | ends(2 * SIZE), symbols(), "--truncation", "4")
    assert code == 0, printed
    lines = printed.splitlines()
    assert lines[0] == "read as 3 sequences of 9 steps, steps first"
    assert lines[1] == ("nn.LSTM, 2 layers, both directions (rnn); embedding emb; read-out head")
    assert {path.name for path in (tmp_path / "out").iterdir()} == TABLES | {"answer.txt"}
    summary = files.read_table(tmp_path / "out/summary.csv").set_index("parameter")
    whole = summary.loc["all"]
    assert lines[2].startswith(
        f"loss {whole['probe_loss']:.4g}, h99 {whole['h99']:g}, k01 {whole['k01']:g} of all weights"
    )
    rows = files.read_table(tmp_path / "out/truncations.csv").set_index("k")
    kept, angle = rows.loc[4, "kept"], rows.loc[4, "angle"]
    assert lines[3].startswith(
        f"99 % of the gradient of `rnn` arises within {whole['h99']:g} steps"
    )
    answer = f"; truncating at 4 keeps {100 * kept:.1f} % of it, {angle:.1f} degrees off (in "
    assert answer in lines[3] and 0 < kept < 1 and angle > 0
    assert (tmp_path / "out/answer.txt").read_text() == f"{lines[3]}\n"
    assert "weight_hh_l1_reverse" in summary.index and summary["residual"].max() < 1e-12


def test_truncation_in_words_for_one_layer(said, tmp_path):
    """The report's tables are of W_hh alone; the words are of all weights, as of other nets."""
    code, printed = said(layers(1, False) | ends(), symbols(), "--truncation", "3")
    assert code == 0, printed
    assert "; truncating at 3 keeps " in printed and (tmp_path / "out/contributions.csv").exists()
    code, printed = said(layers(1, False) | ends(), symbols(), "--truncation", "35")
    assert "; truncating at 35 loses nothing of sequences so short; to keep 95 % take " in printed


def test_a_stateful_net(said):
    code, printed = said(layers(1, False) | ends(), symbols(), "--stateful", "4")
    assert code == 0 and "\nthe state is carried on every 4 steps, the gradient is not\n" in printed


@pytest.mark.filterwarnings("error")
def test_a_stack_that_is_off(paths):
    """Nothing to see, but no error: its gradient is exactly zero."""
    tensors = layers(2, False, gates=1) | ends()
    tensors["rnn.bias_hh_l0"] = tensors["rnn.bias_hh_l1"] = np.full(SIZE, -1e3)
    net = checkpoint.read(*paths(tensors, symbols()), activation="relu")
    measured = stacked.measure(net)
    assert words.answer(measured.rows, 4).endswith("is exactly zero on this batch")
    assert set(stacked.tables(measured)["summary"]["gradient_norm"]) == {0.0}


def test_a_stack_that_explodes_is_refused(said, tmp_path):
    """Its states are beyond floats, or its gradient alone."""
    tensors = layers(2, False, gates=1) | ends()
    for name in ("rnn.weight_hh_l0", "rnn.weight_hh_l1"):
        tensors[name] = 10.0 * np.abs(tensors[name])
    rng = np.random.default_rng(0)
    for steps, what in ((700, "what the layers give"), (140, "the gradient of ")):
        probe = {
            "inputs": rng.integers(SYMBOLS, size=(steps, BATCH)),
            "targets": rng.standard_normal((steps, BATCH, OUTPUTS)),
        }
        code, printed = said(tensors, probe, "--activation", "relu")
        assert code == 1 and not (tmp_path / "out").exists()
        last = printed.splitlines()[-1]
        assert last.startswith(f"error: {what}"), last
        assert "leaves the floating-point numbers on this batch" in last


@pytest.mark.filterwarnings("error")
def test_a_gradient_of_zero_below_living_signals(paths):
    """No weight multiplies anything but zeros, and yet the signal goes all the way back."""
    shapes = {"weight_ih_l0": (SIZE, WIDTH), "weight_hh_l0": (SIZE, SIZE)}
    rng = np.random.default_rng(0)
    tensors = {f"rnn.{name}": rng.standard_normal(shape) for name, shape in shapes.items()}
    zeros = {"inputs": np.zeros((STEPS, BATCH, WIDTH)), "h0": np.zeros((1, BATCH, SIZE))}
    tensors |= {name: values for name, values in ends().items() if name != "emb.weight"}
    rows = stacked.measure(checkpoint.read(*paths(tensors, symbols() | zeros))).rows
    assert words.answer(rows, None).endswith("is exactly zero on this batch")
    summary = {row["parameter"]: row for row in rows.summary()}
    assert summary["weight_hh_l0"]["gradient_norm"] == 0.0 < summary["h0"]["gradient_norm"]


@pytest.mark.parametrize("first", [False, True])
@pytest.mark.parametrize("lengths", [None, [9, 6, 2]])
@pytest.mark.parametrize("numbers", [False, True])
def test_one_target_for_each_sequence(paths, first, lengths, numbers):
    """It is that of the last step: the same as with a mask."""
    rng = np.random.default_rng(3)
    last = rng.integers(OUTPUTS, size=BATCH)
    tensors = layers(1, False) | ends()
    if numbers:
        last = rng.standard_normal(BATCH)
        tensors |= {"head.weight": np.ones((1, SIZE)), "head.bias": np.ones(1)}
    where = np.arange(STEPS)[:, None] == np.array(lengths or [STEPS] * BATCH) - 1
    each = {"inputs": symbols()["inputs"], "targets": np.where(where, last, 0), "loss_mask": where}
    if first:
        each = {name: array.T for name, array in each.items()}
    if lengths:
        each["lengths"] = np.array(lengths)
    one = {name: array for name, array in each.items() if name != "loss_mask"} | {"targets": last}
    expected, found = (
        checkpoint.read(*paths(tensors, probe), batch_first=first) for probe in (each, one)
    )
    assert "every sequence has one target, at its last step" in found.batch.lines
    assert found.is_plain == expected.is_plain == (lengths is None)
    for name, array in expected.batch.arrays().items():
        np.testing.assert_array_equal(found.batch.arrays()[name], array)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("lengths", [None, [2], [1]])
def test_the_smallest_batches(paths, lengths):
    small = {name: array[:2, :1] for name, array in symbols().items()}
    if lengths:
        small["lengths"] = np.array(lengths)
    net = checkpoint.read(*paths(layers(2, True) | ends(2 * SIZE), small))
    rows = stacked.tables(stacked.measure(net))["summary"].set_index("parameter")
    assert rows.loc["all", "h99"] <= 2 and rows["residual"].max() < 1e-12
    # A sequence of one step puts no recurrent weight to use.
    used = rows.loc["weight_hh_l0", "gradient_norm"] > 0.0
    assert used == (lengths != [1])


def test_what_a_run_cannot_report_is_said_before_it_is_measured(said, tmp_path):
    code, printed = said(layers(2, False) | ends(), symbols(), "--complete")
    assert code == 1 and printed.splitlines()[-1].startswith("error: ")
    assert printed.endswith(f"{checkpoint.INCOMPLETE}\n")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("steps", ["0", "-1", "many"])
def test_numbers_of_steps(steps, capsys):
    with pytest.raises(SystemExit):
        measure.main(["--weights", "a", "--probe", "b", "--output", "c", f"--truncation={steps}"])
    assert f"'{steps}' is not possible; allowed: 1, 2, ... steps" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("change", "options", "line"),
    [
        (
            {"head2.weight": np.ones((OUTPUTS, OUTPUTS)), "head2.bias": np.ones(OUTPUTS)},
            {},
            "head2.bias, head2.weight would take no part in a net of embedding emb, recurrent "
            "layers and read-out head; if it is meant that they take no part, say so with "
            "--ignore head2.bias --ignore head2.weight; if they do (a norm, attention, a head of "
            "several maps), measure the model live, where PyTorch is: gh.live.measure(model, ",
        ),
        (
            {"head.weight": np.ones((OUTPUTS, SIZE + 1))},
            {},
            "; a head of several maps (head) is not read: measure the model live, ",
        ),
        (
            {"initial": np.ones((1, 2, SIZE))},
            {"initial_state": ["initial"]},
            "the initial state initial has the shape (1, 2, 4); allowed: 4 numbers for h0",
        ),
        (
            {"initial": np.ones((SIZE, 2)), "rnn.weight_hh_l1": np.ones((4 * SIZE, SIZE))}
            | {"rnn.weight_ih_l1": np.ones((4 * SIZE, SIZE))},
            {"initial_state": ["initial"]},
            "the initial state initial has the shape (4, 2); allowed: 8 numbers for h0",
        ),
        ({"h0": np.ones(SIZE)}, {"initial_state": ["ho"]}, "no tensor 'ho'; did you mean 'h0'?"),
        (
            {"h0": np.ones(SIZE), "enc.h0": np.ones(SIZE)},
            {},
            "enc.h0, h0 all fit as the initial state h0: name the one with --initial-state",
        ),
        ({"h0": np.ones(SIZE + 1)}, {}, "an initial state is named with --initial-state NAME"),
        ({}, {"initial_state": ["a", "b", "c"]}, "3 initial states are given; allowed: h0 and c0"),
        ({}, {"ignore": ["emb"]}, "inputs are integers from 0 to 5; allowed: 0 to 2"),
    ],
)
def test_what_does_not_go_together_is_said(paths, change, options, line):
    with pytest.raises(FileError) as caught:
        checkpoint.read(*paths(layers(1, False) | ends() | change, symbols()), **options)
    assert line in str(caught.value)


def test_what_is_ignored_is_as_if_it_were_not_there(paths):
    """Another recurrent module, weights in another form, and also a bias that is in use."""
    others = layers(1, False, "decoder.") | {"rnn.weight_hh_l0_raw": np.ones((4 * SIZE, SIZE))}
    files = paths(layers(1, False) | ends() | others, symbols())
    net = checkpoint.read(*files, ignore=["decoder", "rnn.weight_hh_l0_raw", "rnn.bias_hh_l0"])
    assert net.layer == "rnn" and set(others) < set(net.unused)
    np.testing.assert_array_equal(net.weights["b_h"], net.tensors[0, 0]["bias_ih"])


@pytest.mark.parametrize("prefix", ["module.", "model.net.", "_orig_mod."])
def test_a_prefix_may_be_forgotten(paths, prefix):
    tensors = {f"{prefix}{name}": value for name, value in (layers(1, False) | ends()).items()}
    net = checkpoint.read(*paths(tensors, symbols()), readout="head", embedding="emb")
    assert (net.readout, net.embedding) == (f"{prefix}head", f"{prefix}emb")
    assert net.layer == f"{prefix}rnn"


def test_a_matrix_that_may_be_read_out_alone_or_tied(paths):
    """Saved once under one name, a tied matrix looks like a read-out of one-hot symbols."""
    tensors = layers(1, False, gates=1) | {"emb.weight": ends()["emb.weight"]}
    tensors["rnn.weight_ih_l0"] = np.ones((SIZE, SIZE))
    tensors["emb.weight"] = np.ones((SYMBOLS, SIZE))
    files = paths(tensors, symbols(inputs=np.zeros((STEPS, BATCH), int)))
    with pytest.raises(FileError, match=r"say --embedding none\), and as embedding and read-out"):
        checkpoint.read(*files)
    assert checkpoint.read(*files, embedding="emb", readout="emb").embedding == "emb"
    assert checkpoint.read(*files, embedding="none").embedding is None


@pytest.mark.parametrize("said", [None, "head"])
def test_a_tied_read_out_of_vectors_that_were_embedded_before(paths, said):
    """The file holds the embedding's matrix, and the batch what it made of the symbols."""
    own = ends()
    tensors = layers(1, False) | {"enc.weight": own["head.weight"], "head.bias": own["head.bias"]}
    vectors = symbols(inputs=np.ones((STEPS, BATCH, WIDTH)))
    net = checkpoint.read(*paths(tensors, vectors), readout=said)
    assert (net.embedding, net.readout, net.parts.readout.tied_to) == (None, "head", "enc")
    np.testing.assert_array_equal(net.matrix, own["head.weight"])
    np.testing.assert_array_equal(net.bias, own["head.bias"])


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("rnn.weight_hh_l0_orig", "rnn.weight_hh_l0 has a spectral norm; before saving: "),
        ("rnn.weight_hh_l0_raw", "rnn.weight_hh_l0_raw is a recurrent weight under weight drop"),
        ("rnn.parametrizations.weight_hh_l0.0._u", "rnn.weight_hh_l0 is parametrised (spectral"),
        ("rnn.parametrizations.weight_hh_l0.0.x", "is parametrised (not a weight norm): "),
    ],
)
def test_other_forms_of_a_weight_are_named(paths, name, line):
    tensors = layers(1, False) | ends() | {name: np.ones((4 * SIZE, SIZE))}
    tensors["rnn.weight_hh_l0_u"] = np.ones(SIZE)
    with pytest.raises(FileError) as caught:
        checkpoint.read(*paths(tensors, symbols()))
    assert line in str(caught.value)


@pytest.mark.parametrize(
    ("others", "options", "line"),
    [
        (
            {"loss_mask": np.ones((BATCH, STEPS), bool)},
            {},
            "loss_mask is bool (3, 9); allowed: bool (9,), one for each step, or (9, 3), one for "
            "each target; if the sequences come first, say --batch-first",
        ),
        (
            {"loss_mask": np.ones(STEPS, bool)},
            {"batch_first": True},
            "or (9, 3), one for each target; if the steps come first, leave out --batch-first",
        ),
        (
            {"lengths": np.array([9, 4, 0])},
            {},
            "lengths are from 0 to 9; allowed: 1 to 9",
        ),
        ({"lengths": np.ones(3)}, {}, "lengths are float64 (3,); allowed: integers (3,), one "),
        (
            {"targets": np.zeros(STEPS, int)},
            {},
            "targets are int64 (9,); allowed: (3,), one for the last step of each sequence",
        ),
        (
            {"targets": np.zeros(BATCH, int), "loss_mask": np.ones(STEPS, bool)},
            {},
            "without a loss_mask, or (9, 3), one for each step",
        ),
        ({"h0": np.ones((1, 9, SIZE))}, {}, "if the sequences come first, say --batch-first"),
        ({"h0": np.ones((2, 3, SIZE))}, {}, "h0 is (2, 3, 4); allowed: (1, 3, 4)"),
        ({"lengths": np.array([9, 4, 2])}, {"stateful": 3}, "lengths are given, but a stateful"),
        ({"targets": np.ones((STEPS, BATCH, 4))}, {}, "targets are vectors of length 4; allowed: "),
        ({}, {"loss": "mse"}, "targets are integers, one for 5 numbers of the read-out, and --los"),
        (
            {"targets": np.ones((STEPS, BATCH, OUTPUTS))},
            {"loss": "cross_entropy"},
            "targets are numbers, and --loss cross_entropy is of classes",
        ),
        (
            {"targets": np.full((STEPS, BATCH, OUTPUTS), 2.0)},
            {"loss": "bce"},
            "targets are from 2 to 2, and --loss bce is of probabilities; allowed: 0 to 1",
        ),
    ],
)
def test_batches_that_do_not_go_together(paths, others, options, line):
    with pytest.raises(OwnFileError) as caught:
        checkpoint.read(*paths(layers(1, False) | ends(), symbols(**others)), **options)
    assert line in str(caught.value) and "\n" not in str(caught.value)
