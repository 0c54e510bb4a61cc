"""Two thousand steps: nothing under- or overflows, and memory grows with T, not with T^2."""

import tracemalloc
from itertools import pairwise

import numpy as np
import pytest

import naive
from gradient_horizon.gradients import contributions, forward_pass
from gradient_horizon.networks.activations import ACTIVATIONS
from gradient_horizon.networks.cells import rnn

# Numbers with an exponent of 15 bits reach from 1e-4932 to 1e4932.
needs_extended = pytest.mark.skipif(
    np.finfo(np.longdouble).maxexp < 16000, reason="no extended precision on this machine"
)
STEPS, SIZE = 2000, 3


def draw(radius, steps=STEPS, batch=1, size=SIZE, seed=2):
    rng = np.random.default_rng(seed)
    net = naive.draw_net(rng, size, symbols=4, outputs=3, radius=radius)
    net["W_hx"], net["W_s"] = abs(net["W_hx"]), 0.1 * net["W_s"]
    inputs = rng.integers(0, 4, (steps, batch))
    return net, inputs, rng.integers(0, 3, inputs.shape)


def extended_precision(activation, net, inputs, targets):
    """Dense loss, one sequence: norms of C_d, mean log10 transports, incoherent sums, plainly."""
    net = {name: array.astype(np.longdouble) for name, array in net.items()}
    pre_activations, states, logits = naive.forward(activation, net, inputs[:, 0])
    slopes = naive.SLOPE[activation](pre_activations)
    steps = len(inputs)
    probability = np.exp(logits - logits.max(axis=1, keepdims=True))
    probability /= probability.sum(axis=1, keepdims=True)
    probability[np.arange(steps), targets[:, 0]] -= 1.0
    error = signal = probability @ net["W_s"] / steps

    def norm(rows):
        largest = abs(rows).max(axis=-1)  # squares have less room
        return largest * np.sqrt(((rows / largest[..., None]) ** 2).sum(axis=-1))

    columns = []
    for d in range(steps):
        delta = slopes[: steps - d] * signal
        term = np.einsum("ti,tj->ij", delta, states[: steps - d])
        before = np.sqrt((states[: steps - d] ** 2).sum(axis=1))
        columns.append(
            (
                norm(term.reshape(-1)) if d + 1 < steps else 0.0,  # h_0 = 0
                np.log10(norm(signal) / norm(error[d:])).mean(),
                (norm(delta) * before).sum(),
            )
        )
        signal = (delta @ net["W_hh"])[1:]
    return np.array(columns).T


@needs_extended
@pytest.mark.parametrize(
    ("activation", "radius", "least", "most"),
    [
        ("sigmoid", 0.1, -4000, -3000),
        ("relu", 4.0, 1000, 1500),
        ("linear", 2.0, 590, 610),
        ("softplus", 4.0, 1000, 1500),
        ("elu", 4.0, 1000, 1500),
        ("gelu", 4.0, 1000, 1500),
    ],
)
@pytest.mark.filterwarnings("error")
def test_columns_stay_finite_and_right(activation, radius, least, most):
    net, inputs, _ = draw(radius)
    if radius == 4.0:  # all units stay on
        net["W_hh"] = abs(net["W_hh"])
        net["W_hh"] *= radius / abs(np.linalg.eigvals(net["W_hh"])).max()
    # Always the least likely class: where states of 1e600 make a net sure and right, e_t is 0.
    extended = {name: array.astype(np.longdouble) for name, array in net.items()}
    targets = naive.forward(activation, extended, inputs[:, 0])[2].argmin(axis=1)[:, None]
    path = forward_pass.trace(
        rnn.Dynamics(ACTIVATIONS[activation], net), inputs, targets, np.ones(STEPS, dtype=bool)
    )
    result = contributions.by_distance(path)
    assert result.residual < 1e-9
    for column in (result.log10_contribution, result.log10_incoherent):
        assert np.isfinite(column[:-1]).all()
        assert np.isneginf(column[-1])  # it is paired with h_0 = 0
    assert np.isfinite(result.log10_transport).all()
    assert least < result.log10_transport[-1] < most
    assert result.share.sum() == pytest.approx(1.0, rel=1e-12)
    assert result.signed_share.sum() == pytest.approx(1.0, rel=1e-9)

    contribution, transport, incoherent = extended_precision(activation, net, inputs, targets)
    np.testing.assert_allclose(result.log10_transport, transport, rtol=0, atol=1e-9)
    with np.errstate(divide="ignore"):
        for actual, expected in (
            (result.log10_contribution, contribution),
            (result.log10_incoherent, incoherent),
        ):
            np.testing.assert_allclose(actual, np.log10(expected), rtol=0, atol=1e-9)


@pytest.mark.filterwarnings("error")
def test_flat_asymptotes_keep_their_height_beside_huge_states():
    """Units far above and far below 0, and a third that reads the one below: ELU is -1 there."""
    net = {
        "W_hh": np.array([[0.0, 0.0, 0.0], [0.0, 0.0, 0.0], [0.0, 0.7, 0.5]]),
        "W_hx": np.array([[1e200], [-1e200], [0.0]]),
        "b_h": np.zeros(3),
        "W_s": np.zeros((2, 3)),
        "b_s": np.zeros(2),
    }
    symbols = np.zeros((6, 1), dtype=int)
    path = forward_pass.trace(
        rnn.Dynamics(ACTIVATIONS["elu"], net), symbols, symbols, np.ones(6, dtype=bool)
    )
    pre_activations, states, _ = naive.forward("elu", net, symbols[:, 0])
    assert states[-1, 1] == -1.0 and -0.7 < states[-1, 2] < -0.5
    state = np.ldexp(path.unrolled.state, path.unrolled.exponent[..., None])[:, 0]
    np.testing.assert_allclose(state, states, rtol=1e-14)
    slopes = naive.SLOPE["elu"](pre_activations)
    np.testing.assert_allclose(path.slope[:, 0], slopes, rtol=1e-14)


@pytest.mark.filterwarnings("error")
def test_a_scalar_sigmoid_against_a_sum_of_logarithms():
    net, inputs, targets = draw(0.1, size=1, seed=3)
    loss_mask = np.arange(STEPS) == STEPS - 1
    path = forward_pass.trace(rnn.Dynamics(ACTIVATIONS["sigmoid"], net), inputs, targets, loss_mask)
    result = contributions.by_distance(path)
    pre_activations, _, _ = naive.forward("sigmoid", net, inputs[:, 0])
    steps = np.log10(naive.SLOPE["sigmoid"](pre_activations[:, 0]) * abs(net["W_hh"][0, 0]))
    expected = np.array([0.0, *np.cumsum(steps[::-1])[:-1]])
    np.testing.assert_allclose(result.log10_transport, expected, rtol=1e-12)
    assert expected[-1] < -3000


def peak_memory(steps):
    net, inputs, targets = draw(1.0, steps, batch=8, size=16)
    path = forward_pass.trace(
        rnn.Dynamics(ACTIVATIONS["tanh"], net), inputs, targets, np.ones(steps, dtype=bool)
    )
    tracemalloc.start()
    try:
        contributions.by_distance(path)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_memory_grows_with_the_length_and_not_with_its_square():
    peaks = [peak_memory(steps) for steps in (200, 400, 800)]
    for less, more in pairwise(peaks):
        assert 1.5 < more / less < 2.2
    # A handful of arrays (T, B, N): far less than T matrices (N, N).
    assert peaks[-1] < 12 * 800 * 8 * 16 * 8
