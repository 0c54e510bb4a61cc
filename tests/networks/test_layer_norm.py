"""Layer normalisation: what it leaves out of the sums, and what it shares with the simple cell."""

import numpy as np
import pytest

from gradient_horizon.config.configuration import resolve
from gradient_horizon.config.grid import run_settings, runs
from gradient_horizon.gradients import contributions, forward_pass
from gradient_horizon.networks.activations import ACTIVATIONS
from gradient_horizon.networks.cells import layer_norm
from gradient_horizon.networks.initialisations import gaussian
from gradient_horizon.numerics.population import Weights
from gradient_horizon.training import grid_point
from gradient_horizon.training.network import Network

STEPS, BATCH, SIZE, SYMBOLS, OUTPUTS = 9, 4, 6, 5, 3
MASK = np.ones(STEPS, dtype=bool)
FACTS = {"input_size": 4, "output_size": 4, "embedded": False}


def draw(seed=0, size=SIZE):
    """A net with all its weights random, one-hot inputs and targets (T, B)."""
    rng = np.random.default_rng(seed)
    net = {
        name: np.zeros(shape)
        for name, shape in layer_norm.LayerNorm().shapes(size, SYMBOLS).items()
    }
    layer_norm.LayerNorm().initialise(net, rng, gaussian, 0.9, 1.0, {})
    net["gain"] += 0.3 * rng.standard_normal(size)
    net["shift"] += 0.3 * rng.standard_normal(size)
    net |= {"W_s": rng.standard_normal((OUTPUTS, size)), "b_s": rng.standard_normal(OUTPUTS)}
    inputs = rng.integers(0, SYMBOLS, (STEPS, BATCH))
    return net, inputs, rng.integers(0, OUTPUTS, inputs.shape)


def path_of(net, inputs, targets):
    return forward_pass.trace(layer_norm.Dynamics(ACTIVATIONS["tanh"], net), inputs, targets, MASK)


def gradient_in_training(net, inputs, targets):
    shapes = {name: array.shape for name, array in net.items()}
    weights, gradient = (Weights(shapes, 1, np.dtype(np.float64)) for _ in range(2))
    for name, array in net.items():
        weights[name][0] = array
    network = Network("layer_norm", "tanh", weights, MASK, BATCH)
    network.loss_and_gradient(inputs[..., None], targets[..., None], gradient)
    return {name: gradient[name][0] for name in net}


def gradient_in_measuring(net, inputs, targets):
    found = contributions.gradient_through_time(path_of(net, inputs, targets))
    return {name: np.ldexp(*part) for name, part in found.items()}


gradients = pytest.mark.parametrize("gradient", [gradient_in_training, gradient_in_measuring])


def along_the_weights(gradient, given):
    """The slope of E where W_hh and W_hx are scaled together, and the norms of both sides."""
    slopes, net = gradient(*given), given[0]
    names = ("W_hh", "W_hx")
    along = sum(np.vdot(slopes[name], net[name]) for name in names)
    sides = [np.sqrt(sum(np.vdot(part[n], part[n]) for n in names)) for part in (slopes, net)]
    return along, *sides


@gradients
def test_without_epsilon_the_gradient_is_orthogonal_to_the_weights(gradient, monkeypatch):
    """The loss does not change when W_hh and W_hx are scaled together (Ba et al., section 5.1).

    Each of the STEPS projections is exact to some rounding errors of its largest number.
    """
    monkeypatch.setattr(layer_norm, "EPSILON", 0.0)
    net, *batch = draw(1)
    along, slope, size = along_the_weights(gradient, (net, *batch))
    assert slope > 1e-2
    assert abs(along) < 1e-14 * slope * size
    scaled = net | {name: 8.0 * net[name] for name in ("W_hh", "W_hx")}
    assert path_of(scaled, *batch).loss == pytest.approx(path_of(net, *batch).loss, rel=1e-14)


@gradients
def test_with_epsilon_scaling_the_weights_is_dividing_epsilon(gradient, monkeypatch):
    """E(c W, epsilon) = E(W, epsilon / c^2), so that <G, W> = -2 epsilon dE/d(epsilon)."""
    given = draw(2)
    losses, epsilon, step = {}, 0.3, 1e-3
    for factor in (1, -1, 2, -2):
        monkeypatch.setattr(layer_norm, "EPSILON", epsilon * (1.0 + factor * step))
        losses[factor] = path_of(*given).loss
    slope = (8.0 * (losses[1] - losses[-1]) - (losses[2] - losses[-2])) / (12.0 * step)
    monkeypatch.setattr(layer_norm, "EPSILON", epsilon)
    along, *sides = along_the_weights(gradient, given)
    assert abs(along) > 1e-3 * np.prod(sides)
    # The losses' rounding errors over the step.
    assert along == pytest.approx(-2.0 * slope, abs=1e-12)


def test_normalised_sums_have_mean_zero_and_almost_unit_variance():
    sums = 3.0 * np.random.default_rng(3).standard_normal((7, 40)) + 5.0
    variance = sums.var(axis=1)
    spread = layer_norm.normalise(sums)
    np.testing.assert_allclose(spread[:, 0], np.sqrt(variance + 1e-5), rtol=1e-14)
    np.testing.assert_allclose(sums.mean(axis=1), 0.0, atol=1e-15)
    np.testing.assert_allclose(sums.var(axis=1), variance / (variance + 1e-5), rtol=1e-13)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_sums_whose_squares_overflow(dtype):
    """Beside such sums epsilon is nothing: n is that of sums of any smaller size."""
    small = np.random.default_rng(6).standard_normal((4, 8)).astype(dtype)
    small[3] = 0.0
    power = 3 * np.finfo(dtype).maxexp // 4
    large = np.ldexp(small, [[power], [0], [power], [0]])
    with np.errstate(all="raise"):
        spread = layer_norm.normalise(large)
    small -= small.mean(axis=1, keepdims=True)
    deviation = np.sqrt(np.square(small).mean(axis=1, keepdims=True))
    expected = small[:3] / deviation[:3]
    tolerance = 10 * np.finfo(dtype).eps
    np.testing.assert_allclose(large[[0, 2]], expected[[0, 2]], rtol=tolerance, atol=tolerance)
    np.testing.assert_allclose(large[1], expected[1], rtol=1e-4)
    np.testing.assert_array_equal(large[3], 0.0)
    np.testing.assert_allclose(np.ldexp(spread[0], -power), deviation[0], rtol=tolerance)


def test_a_single_unit_hears_nothing():
    """Its sum is its mean: the state is phi(shift), and no signal goes back."""
    net, inputs, targets = draw(4, size=1)
    path = path_of(net, inputs, targets)
    np.testing.assert_array_equal(path.unrolled.output, np.tanh(net["shift"][0]))
    measured = contributions.by_weight_and_distance(path)
    for part in measured.values():
        assert np.isneginf(part.log10_contribution).all()
        assert part.residual == 0.0
    np.testing.assert_array_equal(measured["W_hh"].extinct, (np.arange(STEPS) > 0).astype(float))


def test_no_step_back_keeps_a_signal_along_the_normalised_sums():
    """But for epsilon the Jacobian's rows, divided by gain and slope, are orthogonal to n and 1."""
    net, inputs, targets = draw(5)
    unrolled = path_of(net, inputs, targets).unrolled
    for t in (1, STEPS - 1):
        rows = unrolled.jacobian(t) / (net["gain"] * unrolled.slope[t])[..., None]
        variance = np.square(unrolled.spread[t, :, 0]) - 1e-5
        lost = np.vecdot(unrolled.normalised[t][..., None], rows, axis=1)
        z_slope = np.einsum("bi,ij->bj", unrolled.normalised[t], net["W_hh"])
        left = (1e-5 / (variance + 1e-5))[:, None] * z_slope / unrolled.spread[t]
        np.testing.assert_allclose(lost, left, rtol=0, atol=1e-14)
        np.testing.assert_allclose(rows.sum(axis=1), 0.0, rtol=0, atol=1e-13)


def test_as_a_remedy_it_starts_from_the_weights_of_the_simple_cell():
    remedies = {"none": {}, "layer_norm": {"cell": "layer_norm"}}
    whole = resolve(
        {
            "experiments": {
                "echo": {
                    "task": {"name": "delayed_echo", "lag": 3, "sequence_length": 12},
                    "model": {"hidden_size": 8},
                    "grid": {
                        "spectral_radii": [1.2],
                        "activations": ["tanh"],
                        "seeds": 3,
                        "remedies": remedies,
                    },
                }
            }
        }
    )
    plain, remedy = (
        grid_point.weights_of(run_settings(whole, "echo", run), FACTS)
        for run in runs(whole["experiments"]["echo"])
    )
    for name in ("W_hh", "W_hx", "W_s"):
        assert plain[name].std() > 0.1
        np.testing.assert_array_equal(remedy[name], plain[name])
    np.testing.assert_array_equal(remedy["gain"], np.ones((3, 8)))
    np.testing.assert_array_equal(remedy["shift"], np.zeros((3, 8)))
    assert "b_h" not in remedy
