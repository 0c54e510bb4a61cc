"""What holds for every loss: its slope is the derivative, in training and at any scale."""

import numpy as np
import pytest

import naive
import new_losses
from gradient_horizon.networks.losses import LOSSES, default, loss_of
from gradient_horizon.numerics.population import Weights

STEPS, BATCH, POPULATION, SIZE, OUTPUTS = 6, 3, 2, 4, 3
MASKS = {"dense": np.ones(STEPS, dtype=bool), "holes": np.arange(STEPS) % 3 == 0}
ALL = LOSSES | new_losses.NEW
every = pytest.mark.parametrize("name", ALL)
quiet = pytest.mark.filterwarnings("error")


def draw_targets(rng, name, shape):
    """Targets of such a shape: classes, numbers or, for logits, zeros and ones."""
    if ALL[name].of_classes:
        return rng.integers(0, OUTPUTS, shape)
    numbers = rng.standard_normal((*shape, OUTPUTS))
    return (numbers > 0).astype(float) if name.startswith("binary") else numbers


@every
@quiet
@pytest.mark.parametrize("power", [0, 3, -40])
def test_the_slope_is_the_derivative_of_the_mean(name, power):
    rng = np.random.default_rng(0)
    loss, rows = ALL[name](0.5), 7
    outputs, bias = 2.0 * rng.standard_normal((rows, OUTPUTS)), rng.standard_normal(OUTPUTS)
    targets = draw_targets(rng, name, (rows,))
    powers = power * (np.arange(rows) % 2)  # every other row has it
    products = np.ldexp(outputs - bias, -powers[:, None])
    values, hits, slope, slope_power = loss.at_any_scale(products, bias, powers, targets)
    np.testing.assert_allclose(values, loss.value(outputs, targets), rtol=1e-13)
    np.testing.assert_array_equal(hits, loss.hits(outputs, targets))
    found = np.ldexp(slope, slope_power[:, None])
    expected = naive.central_differences(lambda: loss.value(outputs, targets).mean(), outputs)
    assert abs(expected).max() > 0.01
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-10)


@every
@quiet
@pytest.mark.parametrize("mask", MASKS)
def test_training_and_measuring_have_the_same_loss(name, mask):
    """The read-out of a population against rows, one net, step and sequence at a time."""
    rng = np.random.default_rng(1)
    loss, mask = ALL[name](0.5), MASKS[mask]
    shapes = {"W_s": (OUTPUTS, SIZE), "b_s": (OUTPUTS,)}
    weights, slopes = (Weights(shapes, POPULATION, np.float64) for _ in range(2))
    weights.flat[...] = rng.standard_normal(weights.flat.shape)
    slopes.flat[...] = np.nan
    states = rng.standard_normal((STEPS + 1, BATCH, POPULATION, SIZE))
    targets = draw_targets(rng, name, (STEPS, BATCH, POPULATION))
    readout = loss.readout(mask, BATCH, weights)
    errors = np.full_like(states[1:], np.nan)
    means = readout.backward(states, targets, errors, slopes)
    values, hits = readout.loss(states, targets)
    assert values.shape == hits.shape == (POPULATION, mask.sum(), BATCH)
    for p in range(POPULATION):
        net = weights["W_s"][p], weights["b_s"][p]
        own, wanted = states[1:, :, p][mask].reshape(-1, SIZE), targets[:, :, p][mask]
        wanted = wanted.reshape(-1, *wanted.shape[2:])

        def value(own=own, wanted=wanted, net=net):
            return loss.value(own @ net[0].T + net[1], wanted)

        np.testing.assert_allclose(values[p].reshape(-1), value(), rtol=1e-13)
        assert means[p] == pytest.approx(value().mean(), rel=1e-13)
        zero = np.zeros(len(own), dtype=int)
        _, right, slope, power = loss.at_any_scale(own @ net[0].T, net[1], zero, wanted)
        np.testing.assert_array_equal(hits[p].reshape(-1), right)
        sent = errors[:, :, p][mask].reshape(-1, SIZE)
        expected = np.ldexp(slope, power[:, None]) @ net[0]
        np.testing.assert_allclose(sent, expected, rtol=0, atol=1e-14)
        assert not errors[:, :, p][~mask].any()
        for array, gradient in zip(net, (slopes["W_s"][p], slopes["b_s"][p]), strict=True):
            expected = naive.central_differences(lambda value=value: value().mean(), array)
            assert abs(expected).max() > 1e-3
            np.testing.assert_allclose(gradient, expected, rtol=0, atol=1e-9)


@pytest.mark.parametrize("name", ["squared_error", *new_losses.NEW])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_net_has_the_same_bits_whatever_stands_beside_it(name, dtype):
    rng, mask, shapes = np.random.default_rng(2), MASKS["holes"], {"W_s": (3, 4), "b_s": (3,)}

    def start(weights, states, targets):
        slopes, errors = Weights(shapes, len(weights.flat), dtype), np.empty_like(states[1:])
        readout = ALL[name]().readout(mask, BATCH, weights)
        return readout.backward(states, targets, errors, slopes), errors, slopes

    weights = Weights(shapes, 5, dtype)
    weights.flat[...] = rng.standard_normal(weights.flat.shape)
    states = rng.standard_normal((STEPS + 1, BATCH, 5, SIZE)).astype(dtype)
    targets = draw_targets(rng, name, (STEPS, BATCH, 5))
    means, errors, slopes = start(weights, states, targets)
    assert slopes.flat.dtype == errors.dtype == dtype and means.dtype == np.float64
    alone = Weights(shapes, 1, dtype)
    alone.flat[...] = weights.flat[3]
    mean, error, slope = start(alone, states[:, :, 3:4].copy(), targets[:, :, 3:4].copy())
    assert mean[0] == means[3]
    np.testing.assert_array_equal(error[:, :, 0], errors[:, :, 3])
    np.testing.assert_array_equal(slope.flat[0], slopes.flat[3])


def test_which_loss_a_task_has():
    classes, numbers = np.zeros((4, 2), int), np.zeros((4, 2, 1))
    assert isinstance(loss_of({}, classes), LOSSES["cross_entropy"])
    assert isinstance(loss_of({"tolerance": 0.3}, numbers), LOSSES["squared_error"])
    assert loss_of({"tolerance": 0.3}, numbers).tolerance == 0.3
    for targets in (classes, numbers):
        assert LOSSES[default(targets)].of_classes == (targets is classes)
    with pytest.raises(ValueError, match=r"'squared' is not known; .*did you mean 'squared_error'"):
        loss_of({"loss": "squared"}, numbers)
