"""The squared error of a population against loops and closed forms.

Its gradient is tested beside those of all losses, in `test_losses.py`.
"""

import numpy as np
import pytest

from gradient_horizon.networks import readout
from gradient_horizon.networks.losses.squared_error import SquaredError
from gradient_horizon.numerics.population import Weights

STEPS, BATCH, POPULATION, SIZE = 6, 3, 2, 4
MASKS = {
    "dense": np.ones(STEPS, dtype=bool),
    "last": np.arange(STEPS) == STEPS - 1,
    "holes": np.array([True, False, False, True, True, False]),
}
masks = pytest.mark.parametrize("mask", MASKS)
widths = pytest.mark.parametrize("outputs", [1, 3])


def draw(outputs, dtype=np.float64, population=POPULATION, seed=0):
    """Weights, states (T+1, B, P, N) and targets (T, B, P, O)."""
    rng = np.random.default_rng(seed)
    weights = Weights({"W_s": (outputs, SIZE), "b_s": (outputs,)}, population, dtype)
    weights.flat[...] = rng.standard_normal(weights.flat.shape)
    states = rng.standard_normal((STEPS + 1, BATCH, population, SIZE)).astype(dtype)
    return weights, states, rng.standard_normal((STEPS, BATCH, population, outputs))


def backward(weights, states, targets, mask):
    """Loss, e_t and the gradient; what is not overwritten stays nan."""
    shapes = {name: weights[name].shape[1:] for name in weights.names()}
    slopes = Weights(shapes, len(weights.flat), weights.flat.dtype)
    error = np.full_like(states[1:], np.nan)
    slopes.flat[...] = np.nan
    one = SquaredError().readout(MASKS[mask], BATCH, weights)
    return one.backward(states, targets, error, slopes), error, slopes


def naive_losses(weights, states, targets, p):
    """The squares, summed over the outputs, of every step and sequence of net p: (T, B)."""
    losses = np.empty((STEPS, BATCH))
    for t, b in np.ndindex(losses.shape):
        answer = weights["W_s"][p] @ states[t + 1, b, p] + weights["b_s"][p]
        losses[t, b] = sum((answer[o] - targets[t, b, p, o]) ** 2 for o in range(len(answer)))
    return losses


@masks
@widths
def test_losses_and_answers_row_by_row(mask, outputs):
    weights, states, targets = draw(outputs)
    for p in range(POPULATION):  # half of the answers a little off, within the tolerance or beyond
        answers = states[1:, :, p] @ weights["W_s"][p].T + weights["b_s"][p]
        off = np.array([0.039, 0.041])[np.arange(BATCH) % 2]
        targets[:, ::2, p] = answers[:, ::2] + off[::2, None]
        targets[:, 1::2, p] = answers[:, 1::2] - off[1::2, None]
    losses, hits = SquaredError(0.04).readout(MASKS[mask], BATCH, weights).loss(states, targets)
    assert losses.shape == hits.shape == (POPULATION, MASKS[mask].sum(), BATCH)
    for p in range(POPULATION):
        expected = naive_losses(weights, states, targets, p)[MASKS[mask]]
        np.testing.assert_allclose(losses[p], expected, rtol=1e-12)
    assert (hits == [True, False, True]).all()
    wide = SquaredError(0.05).readout(MASKS[mask], BATCH, weights)
    assert wide.loss(states, targets)[1].all()


def test_one_output_off_is_a_wrong_answer():
    weights, states, targets = draw(3)
    for p in range(POPULATION):
        targets[:, :, p] = states[1:, :, p] @ weights["W_s"][p].T + weights["b_s"][p]
    targets[2, 1, 0, 2] += 0.05
    one = SquaredError(0.04).readout(MASKS["dense"], BATCH, weights)
    _, hits = one.loss(states, targets)
    assert np.argwhere(~hits).tolist() == [[0, 2, 1]]


def test_guessing_the_mean_loses_the_variance():
    """With W_s = 0 and the best b_s the loss is the targets' variance, summed over the outputs."""
    weights, states, targets = draw(3)
    weights["W_s"][...] = 0.0
    weights["b_s"][...] = targets.mean(axis=(0, 1))
    loss, error, slopes = backward(weights, states, targets, "dense")
    np.testing.assert_allclose(loss, targets.var(axis=(0, 1)).sum(axis=1), rtol=1e-14)
    assert abs(slopes["b_s"]).max() < 1e-15 and not error.any()


def test_sums_over_steps_that_are_cut(monkeypatch):
    drawn = draw(3)
    loss, error, slopes = backward(*drawn, "dense")
    monkeypatch.setattr(readout, "LONGEST_SUM", 1)
    cut_loss, cut_error, cut = backward(*drawn, "dense")
    # Sums of eighteen terms of the size of one, in another order.
    np.testing.assert_allclose(cut_loss, loss, rtol=1e-14)
    np.testing.assert_allclose(cut_error, error, rtol=0, atol=1e-14)
    np.testing.assert_allclose(cut.flat, slopes.flat, rtol=0, atol=1e-14)


def test_single_precision_agrees_with_double():
    weights, states, targets = draw(3, np.float32)
    double = Weights({name: weights[name].shape[1:] for name in weights.names()}, 2, np.float64)
    double.flat[...] = weights.flat
    loss, error, slopes = backward(weights, states, targets, "dense")
    assert loss.dtype == np.float64 and slopes.flat.dtype == np.float32
    exact_loss, exact_error, exact = backward(double, states.astype(float), targets, "dense")
    # Some units of 6e-8, of sums of at most eighteen terms of size one.
    np.testing.assert_allclose(loss, exact_loss, rtol=1e-5)
    np.testing.assert_allclose(error, exact_error, rtol=0, atol=1e-5)
    np.testing.assert_allclose(slopes.flat, exact.flat, rtol=0, atol=1e-5)
