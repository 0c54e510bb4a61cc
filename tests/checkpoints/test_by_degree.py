"""Nets of any depth from a file, through the command: every distance against plain loops.

Neither PyTorch nor backpropagation takes part in what they are compared with.
"""

import numpy as np
import pytest
from safetensors.numpy import save_file

import by_degree
from gradient_horizon import cli
from gradient_horizon.ground import files

STEPS, BATCH, WIDTH, SIZE, SYMBOLS, CLASSES = 5, 2, 2, 2, 4, 3
GATES = {"tanh": 1, "relu": 1, "gru": 3, "lstm": 4}


def draw(kind, layers=1, directions=1, projection=0, bias=True, seed=0):
    """Weights of a net in float64: layers of directions, and head."""
    rng = np.random.default_rng(seed)
    rows, output = GATES[kind] * SIZE, projection or SIZE
    stack, read = [], WIDTH
    for _ in range(layers):
        level = []
        for _ in range(directions):
            shapes = {"weight_ih": (rows, read), "weight_hh": (rows, output)}
            if bias:
                shapes |= {"bias_ih": (rows,), "bias_hh": (rows,)}
            if projection:
                shapes["weight_hr"] = (projection, SIZE)
            level.append({name: rng.normal(size=shape) for name, shape in shapes.items()})
        stack.append(level)
        read = directions * output
    return stack, (rng.normal(size=(CLASSES, read)), rng.normal(size=CLASSES))


def tensors_of(stack, head, prefix="rnn."):
    named = {
        f"{prefix}{name}_l{level}{'_reverse' * k}": values
        for level, directions in enumerate(stack)
        for k, weights in enumerate(directions)
        for name, values in weights.items()
    }
    return named | {"head.weight": head[0], "head.bias": head[1]}


def draw_batch(seed=1):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(STEPS, BATCH, WIDTH))
    return x, rng.integers(0, CLASSES, (STEPS, BATCH)), np.ones((STEPS, BATCH), bool)


@pytest.fixture
def measured(tmp_path, capsys):
    """Save a net and a batch, call the command; what it printed, and two of its tables."""

    def start(tensors, arrays, *arguments):
        save_file(tensors, tmp_path / "net.safetensors")
        np.savez(tmp_path / "probe.npz", **arrays)
        paths = {"weights": "net.safetensors", "probe": "probe.npz", "output": "out"}
        given = [part for key, name in paths.items() for part in (f"--{key}", tmp_path / name)]
        cli.main(["measure", *map(str, given), "--engine", "none", *arguments])
        tables = [
            files.read_table(tmp_path / f"out/{name}.csv") for name in ("distances", "summary")
        ]
        return capsys.readouterr().out, *tables

    return start


def same(distances, summary, loss, terms):
    """Every column of every parameter is that of its terms C_d (D, M)."""
    assert summary["probe_loss"].to_numpy() == pytest.approx(loss, rel=1e-12)
    assert set(summary["parameter"]) == {"all", *terms}
    weights = [part for name, part in terms.items() if name not in ("h0", "c0")]
    for name, part in {"all": np.concatenate(weights, axis=1), **terms}.items():
        rows = distances[distances["parameter"] == name]
        count, whole = len(rows), part.sum(axis=0)
        norms, size = np.linalg.norm(part, axis=1), np.linalg.norm(whole)
        assert norms[count:].sum() <= 1e-8 * size  # what is not walked
        part, norms = part[:count], norms[:count]
        close = {"rtol": 1e-9, "atol": 1e-13 * size}
        np.testing.assert_allclose(rows["contribution"], norms, **close)
        np.testing.assert_allclose(rows["share"], norms / norms.sum(), rtol=1e-9, atol=1e-13)
        np.testing.assert_allclose(rows["signed_share"], part @ whole / size**2, atol=1e-12)
        along = norms > 1e-12 * size
        cosine = (part @ whole)[along] / norms[along] / size
        np.testing.assert_allclose(rows["cosine"][along], cosine, rtol=1e-9, atol=1e-12)
        rest = whole - np.concatenate([0.0 * part[:1], part.cumsum(axis=0)[:-1]])
        bias = np.linalg.norm(rest, axis=1) / size
        np.testing.assert_allclose(rows["truncation_bias"], bias, rtol=1e-9, atol=1e-12)
        row = summary[summary["parameter"] == name].iloc[0]
        assert row["gradient_norm"] == pytest.approx(size, rel=1e-10)
        assert row["residual"] < 1e-12 and row["remainder"] < 1e-8
        assert row["h99"] == np.searchsorted(norms.cumsum() / norms.sum(), 0.99)


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("tanh", {"layers": 3}),
        ("relu", {"layers": 2, "seed": 5}),
        ("gru", {"layers": 2, "directions": 2, "bias": False}),
        ("lstm", {"layers": 2, "directions": 2}),
        ("lstm", {"projection": 1, "layers": 2}),
        ("gru", {"directions": 2}),
    ],
)
def test_layers_and_directions(measured, kind, options):
    stack, head = draw(kind, **options)
    x, targets, counts = draw_batch()
    activation = ("--activation", "relu") if kind == "relu" else ()
    printed, *tables = measured(
        tensors_of(stack, head), {"inputs": x, "targets": targets}, *activation
    )
    assert (f"{len(stack)} layers" in printed) == (len(stack) > 1)
    assert ("both directions" in printed) == (len(stack[0]) > 1)
    same(*tables, *by_degree.Net(kind, stack, head).by_degree(x, targets, counts))


@pytest.mark.parametrize("form", ["lengths", "loss_mask", "ignore"])
@pytest.mark.parametrize("directions", [1, 2])
def test_sequences_of_any_length(measured, form, directions):
    """Beyond a sequence's end nothing is read, which only a length tells both directions."""
    stack, head = draw("gru", layers=2, directions=directions)
    x, targets, counts = draw_batch()
    counts[3:, 1] = False
    arrays = {"inputs": x, "targets": targets}
    if form == "lengths":
        arrays |= {"inputs": np.where(counts[..., None], x, np.nan), "lengths": np.array([5, 3])}
    elif form == "loss_mask":
        arrays["loss_mask"] = counts
    else:
        arrays["targets"] = np.where(counts, targets, -100)
    _, *tables = measured(tensors_of(stack, head), arrays)
    lengths = arrays.get("lengths")
    net = by_degree.Net("gru", stack, head)
    same(*tables, *net.by_degree(x, targets, counts, lengths))


@pytest.mark.parametrize("kind", ["tanh", "lstm"])
def test_initial_states_that_are_given(measured, kind):
    stack, head = draw(kind, layers=2)
    x, targets, counts = draw_batch()
    names = ("h0", "c0") if kind == "lstm" else ("h0",)
    given = {name: np.random.default_rng(2).normal(size=(2, BATCH, SIZE)) for name in names}
    printed, *tables = measured(tensors_of(stack, head), {"inputs": x, "targets": targets, **given})
    assert f"\nthe first step starts from the {' and '.join(names)} that are given\n" in printed
    net = by_degree.Net(kind, stack, head, given)
    same(*tables, *net.by_degree(x, targets, counts))


@pytest.mark.parametrize(("kind", "directions"), [("gru", 1), ("lstm", 2)])
def test_initial_states_that_are_learnt(measured, kind, directions):
    stack, head = draw(kind, layers=2, directions=directions)
    x, targets, counts = draw_batch()
    names = ("h0", "c0") if kind == "lstm" else ("h0",)
    starts = {
        name: np.random.default_rng(3).normal(size=(2 * directions, 1, SIZE)) for name in names
    }
    _, *tables = measured(tensors_of(stack, head) | starts, {"inputs": x, "targets": targets})
    net = by_degree.Net(kind, stack, head, starts)
    same(*tables, *net.by_degree(x, targets, counts))


@pytest.mark.parametrize("loss", ["mse", "bce"])
def test_losses_are_means_over_outputs(measured, loss):
    stack, head = draw("lstm", layers=2)
    x, _, counts = draw_batch()
    targets = np.random.default_rng(4).random((STEPS, BATCH, CLASSES))
    _, *tables = measured(
        tensors_of(stack, head), {"inputs": x, "targets": targets}, "--loss", loss
    )
    same(*tables, *by_degree.Net("lstm", stack, head).by_degree(x, targets, counts, loss=loss))


@pytest.mark.parametrize("given", [False, True])
@pytest.mark.parametrize("kind", ["lstm", "gru"])
def test_a_state_that_is_carried_on(measured, kind, given):
    """Every two steps, and no gradient; the last chunk is shorter, and some targets are none."""
    stack, head = draw(kind, layers=2)
    x, targets, counts = draw_batch()
    counts[3:, 1] = False
    states = {"h0": np.random.default_rng(5).normal(size=(2, BATCH, SIZE))} if given else {}
    arrays = {"inputs": x, "targets": targets, "loss_mask": counts, **states}
    _, distances, summary = measured(tensors_of(stack, head), arrays, "--stateful", "2")
    assert distances["distance"].max() == 1
    net = by_degree.Net(kind, stack, head, states)
    same(distances, summary, *net.by_degree(x, targets, counts, chunk=2))
