"""What the readings of a claim are compared with: a plain loop, and central differences."""

from dataclasses import replace

import numpy as np
import pytest

import naive
from audit_cases import draw
from gradient_horizon.audit import audited_net, jacobians


@pytest.mark.parametrize("activation", naive.NAMES)
@pytest.mark.parametrize("embedding_size", [None, 3])
def test_the_loop_and_its_signals(activation, embedding_size):
    net = draw(activation, embedding_size=embedding_size)
    loop = audited_net.forward(net)
    signals = {(b, t): (e, deltas) for t, b, e, deltas in audited_net.signals(net, loop)}
    for b, symbols in enumerate(net.inputs.T):
        pre_activations, states, logits = naive.forward(activation, net.weights, symbols)
        np.testing.assert_allclose(loop.pre_activation[:, b], pre_activations, rtol=1e-13)
        # A rounding of a changes GELU(a) a^2 times as much far below 0, where it is nearly nothing.
        np.testing.assert_allclose(loop.state[:, b], states, rtol=1e-13, atol=1e-16)
        np.testing.assert_allclose(audited_net.logits(net, loop.state[1:, b]), logits, rtol=1e-12)
    pairs = naive.pairs(activation, net.weights, net.inputs, net.targets, net.loss_mask)
    for (b, t, k), error, _, delta, _ in pairs:
        np.testing.assert_allclose(signals[b, t][0], error, rtol=1e-11, atol=1e-16)
        np.testing.assert_allclose(signals[b, t][1][k], delta, rtol=1e-11, atol=1e-16)


@pytest.mark.parametrize("activation", ["tanh", "sigmoid"])
def test_the_gradient_beside_differences(activation):
    """The formula of fourth order with steps of 1e-4 is right to about 1e-11 here."""
    net = draw(activation)
    gradient = audited_net.backpropagated(net)

    def loss():
        return naive.loss_and_accuracy(
            activation, net.weights, net.inputs, net.targets, net.loss_mask
        )[0]

    for name in ("W_hh", "W_s", "W_hx"):
        expected = naive.central_differences(loss, net.weights[name])
        np.testing.assert_allclose(gradient[name], expected, atol=1e-10)


def test_differences_are_exact_for_polynomials_of_the_fourth_degree():
    result = audited_net.derivative(
        lambda rows: np.stack([rows[:, 0] ** 4, rows[:, 1] ** 3], axis=1),
        np.array([2.0, 3.0]),
        1,
        0.1,
    )
    assert result.shape == (1, 2)
    np.testing.assert_allclose(result, [[32.0, 0.0]], rtol=1e-13, atol=1e-13)


def test_differences_without_digits_decide_nothing():
    """1e-3 * 1e-9 beside 1: the difference has four digits left of sixteen."""

    def beside_one(scale):
        return audited_net.derivative(lambda rows: 1.0 + scale * rows, np.zeros(2), 2, 1e-3)

    with_digits, without = beside_one(1e-3), beside_one(1e-9)
    np.testing.assert_allclose(with_digits, 1e-3 * np.eye(2), atol=1e-12)
    assert np.isnan(without).all()


def test_a_window_ends_with_the_last_loss():
    net = replace(draw(), loss_mask=np.arange(9) == 6)
    part = net.window(3, 2)
    np.testing.assert_array_equal(part.inputs, net.inputs[4:7, :2])
    np.testing.assert_array_equal(part.targets, net.targets[4:7, :2])
    assert part.loss_mask.tolist() == [False, False, True]
    assert net.window(100, 100).inputs.shape == (7, 4)


def test_the_clearest_stretch_is_far_from_kinks():
    net = draw("relu")
    stretch = jacobians.clearest_stretch(net, 2)
    margins = np.abs(audited_net.forward(net).pre_activation).min(axis=2)
    best = np.minimum(margins[:-1], margins[1:]).max()
    assert np.abs(stretch.pre_activation).min() == best
    assert jacobians.clearest_stretch(net, 99).drive.shape == (9, naive.SIZE)
    expected = stretch.state[:-1] @ stretch.recurrent.T + stretch.drive
    np.testing.assert_allclose(stretch.pre_activation, expected, rtol=1e-13)
