"""Nets that read vectors and give numbers, taken apart: loops, differences and closed forms."""

import numpy as np
import pytest

import loops
import naive
from gradient_horizon.gradients import contributions, forward_pass, measurement
from gradient_horizon.gradients.forward_influence import forward_influence
from gradient_horizon.networks.activations import ACTIVATIONS
from gradient_horizon.networks.cells import CELLS, rnn
from gradient_horizon.networks.losses.squared_error import SquaredError
from new_losses import NAIVE, NEW

STEPS, BATCH, SIZE, WIDTH, OUTPUTS = 7, 3, 5, 2, 3
MASKS = {"dense": np.ones(STEPS, dtype=bool), "holes": np.arange(STEPS) % 3 == 2}
LOSSES = NEW | {"squared_error": SquaredError}
NAIVE_LOSSES = NAIVE | {"squared_error": lambda answer, wanted: np.square(answer - wanted).sum()}

# Every cell, and every loss.
every = pytest.mark.parametrize(
    ("cell", "loss"),
    [*((cell, "squared_error") for cell in CELLS), *(("rnn", loss) for loss in NEW)],
)
quiet = pytest.mark.filterwarnings("error")


def draw(cell="rnn", seed=0):
    """A net of the cell, vectors (T, B, D) and numbers (T, B, O)."""
    rng = np.random.default_rng(seed)
    net = loops.draw_cell(cell, rng, SIZE, WIDTH, scale=0.7)
    net["W_s"] = 0.5 * rng.standard_normal((OUTPUTS, SIZE))
    net["b_s"] = 0.3 * rng.standard_normal(OUTPUTS)
    inputs = rng.standard_normal((STEPS, BATCH, WIDTH))
    return net, inputs, rng.standard_normal((STEPS, BATCH, OUTPUTS))


def answers(one, inputs):
    """What the net gives at every step, by plain loops: (T, B, O)."""
    outputs = [one.output(state) for state in loops.states(one, inputs)[1:]]
    return np.array(outputs) @ one.weights["W_s"].T + one.weights["b_s"]


def losses(name, one, inputs, targets):
    """E_t of every sequence, (T, B)."""
    given = answers(one, inputs)
    naive_loss = NAIVE_LOSSES[name]
    return np.array(
        [
            [naive_loss(given[t, b], targets[t, b]) for b in range(given.shape[1])]
            for t in range(len(given))
        ]
    )


@every
@quiet
def test_all_distances_together_are_the_gradient_by_differences(cell, loss):
    net, inputs, targets = draw(cell)
    if loss.startswith("binary"):
        targets = (targets > 0).astype(float)
    one, mask = loops.dynamics(cell, "tanh", net), MASKS["holes"]
    path = forward_pass.trace(one, inputs, targets, mask, LOSSES[loss]())

    def mean_loss():
        return losses(loss, one, inputs, targets)[mask].mean()

    assert path.loss == pytest.approx(mean_loss(), rel=1e-12)
    measured = contributions.by_weight_and_distance(path)
    gradients = contributions.gradient_through_time(path)
    for name in measured:
        expected = naive.central_differences(mean_loss, loops.varied(one, name))
        norm, (mantissas, exponent) = np.linalg.norm(expected), gradients[name]
        assert norm > 1e-2
        assert np.linalg.norm(np.ldexp(mantissas, exponent)) == pytest.approx(norm, rel=1e-8)
        assert measured[name].residual < 1e-13
        assert measured[name].signed_share.sum() == pytest.approx(1.0, rel=1e-12)
        if cell == "rnn":
            # Differences of a loss of about 1: 1e-16 / 1e-4 and a little.
            np.testing.assert_allclose(np.ldexp(mantissas, exponent), expected, rtol=0, atol=1e-10)


@pytest.mark.parametrize("tolerance", [0.5, 1.0])
def test_answers_that_are_near_enough(tolerance):
    net, inputs, targets = draw()
    given = answers(loops.dynamics("rnn", "tanh", net), inputs)
    right = (abs(given - targets) < tolerance).all(axis=2)[MASKS["holes"]].mean()
    path = forward_pass.trace(
        loops.dynamics("rnn", "tanh", net), inputs, targets, MASKS["holes"], SquaredError(tolerance)
    )
    assert path.accuracy == pytest.approx(right, rel=1e-15)
    everything = forward_pass.trace(
        loops.dynamics("rnn", "tanh", net), inputs, given, MASKS["dense"], SquaredError(1e-12)
    )
    assert everything.accuracy == 1.0 and everything.loss < 1e-25


@quiet
def test_unit_vectors_are_symbols():
    net, symbols, classes = naive.draw_batch(4)
    one = rnn.Dynamics(ACTIVATIONS["tanh"], net)
    mask = np.ones(len(symbols), dtype=bool)
    vectors = np.eye(naive.SYMBOLS)[symbols].astype(np.float32)
    expected, expected_row = measurement.measure(one, _probe(symbols, classes, mask))
    rows, row = measurement.measure(one, _probe(vectors, classes, mask))
    for name, values in (expected | expected_row).items():
        # Products of seven numbers, in another order.
        np.testing.assert_allclose((rows | row)[name], values, rtol=1e-9, atol=1e-12, err_msg=name)


def _probe(inputs, targets, loss_mask):
    return {"inputs": inputs, "targets": targets, "loss_mask": loss_mask}


@pytest.mark.parametrize("steps", [20, 1000])
@pytest.mark.parametrize("weight", [0.5, 4.0])
@quiet
def test_a_scalar_linear_net_of_any_size(steps, weight):
    """Pascanu, Mikolov and Bengio (2013), section 2, with numbers beyond floating point.

    The first input alone is not zero: h_t = w^(t-1) u x, and all T - 1 distances add the same.
    With a target of zero e_T = 2 s^2 h_T, and the gradient is (T - 1) e_T w^(T-2) u x.
    """
    u, s, x = 0.3, 0.7, 1.5
    net = {
        "W_hh": np.array([[weight]]),
        "W_hx": np.array([[u]]),
        "b_h": np.zeros(1),
        "W_s": np.array([[s]]),
        "b_s": np.zeros(1),
    }
    inputs, targets = np.zeros((steps, 1, 1)), np.zeros((steps, 1, 1))
    inputs[0] = x
    mask = np.arange(steps) == steps - 1
    rows, row = measurement.measure(
        loops.dynamics("rnn", "linear", net), _probe(inputs, targets, mask)
    )
    far = (steps - 1) * np.log10(weight)
    log10_error = np.log10(2 * s**2 * u * x) + far
    log10_gradient = log10_error + np.log10((steps - 1) * u * x / weight) + far
    # A thousand steps of 4 are 2000 doublings: the state has over 600 digits before the point.
    assert row["log10_gradient_norm"] == pytest.approx(log10_gradient, rel=1e-12)
    np.testing.assert_allclose(rows["share"][:-1], 1 / (steps - 1), rtol=1e-10)
    assert rows["share"][-1] == 0.0  # h_0 = 0
    expected = np.arange(steps) * np.log10(weight)
    np.testing.assert_allclose(rows["log10_transport"], expected, rtol=1e-12, atol=1e-10)
    if weight > 1 and steps == 1000:
        assert row["probe_loss"] == np.inf
    else:
        loss = 10.0 ** (2 * (np.log10(s * u * x) + far))
        assert row["probe_loss"] == pytest.approx(loss, rel=1e-9)


@every
@quiet
def test_forward_influence_is_that_of_really_replacing_the_inputs(cell, loss):
    net, inputs, targets = draw(cell, 3)
    if loss.startswith("binary"):
        targets = (targets > 0).astype(float)
    distances, donors = [0, 2, 3], np.array([1, 2, 0])
    one = loops.dynamics(cell, "tanh", net)
    given = inputs, targets, MASKS["dense"], distances, donors
    result = forward_influence(one, *given, loss=LOSSES[loss]())
    before = losses(loss, one, inputs, targets)
    for row, d in enumerate(distances):
        rises = []
        for t in range(distances[-1] + 1, STEPS):
            mixed = inputs.copy()
            mixed[: t - d] = inputs[: t - d, donors]
            rises.append(losses(loss, one, mixed, targets)[t] - before[t])
        np.testing.assert_allclose(result[row], np.mean(rises, axis=0), rtol=0, atol=1e-12)
    assert abs(result).max() > 1e-3


def test_the_variance_of_the_drive():
    net, inputs, targets = draw()
    _, row = measurement.measure(
        loops.dynamics("rnn", "tanh", net), _probe(inputs, targets, MASKS["dense"])
    )
    drive = np.einsum("nd,tbd->tbn", net["W_hx"], inputs) + net["b_h"]
    assert row["drive_variance"] == pytest.approx(np.square(drive).mean(), rel=1e-13)
