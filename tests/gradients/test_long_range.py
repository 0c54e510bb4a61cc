"""Two thousand steps: nothing under- or overflows, and memory grows with T, not with T^2."""

import tracemalloc
from itertools import pairwise

import numpy as np
import pytest

import naive
from gradient_horizon.gradients import contributions, forward_pass
from gradient_horizon.networks.activations import ACTIVATIONS
from gradient_horizon.networks.cells import rnn

STEPS = 2000


def draw(radius, steps=STEPS, batch=1, size=3, seed=2):
    rng = np.random.default_rng(seed)
    net = naive.draw_net(rng, size, symbols=4, outputs=3, radius=radius)
    net["W_hx"], net["W_s"] = abs(net["W_hx"]), 0.1 * net["W_s"]
    inputs = rng.integers(0, 4, (steps, batch))
    return net, inputs, rng.integers(0, 3, inputs.shape)


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
