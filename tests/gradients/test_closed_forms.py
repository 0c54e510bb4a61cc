"""Random matrices, layers, the critical gain of ReLU and chance levels against closed forms."""

import numpy as np
import pytest

from gradient_horizon.gradients import contributions, forward_pass
from gradient_horizon.networks.activations import ACTIVATIONS
from gradient_horizon.networks.cells import rnn
from gradient_horizon.networks.initialisations import gaussian, largest_singular_value
from gradient_horizon.tasks import TASKS

SETTINGS = {"base_seed": 3, "experiment": "sample", "measurement": {"probe_batch": 7}}


def log10_transport(activation, net, inputs):
    """Over every distance, of a loss at the last step only."""
    steps = len(inputs)
    targets = np.zeros_like(inputs)
    loss_mask = np.arange(steps) == steps - 1
    path = forward_pass.trace(
        rnn.Dynamics(ACTIVATIONS[activation], net), inputs, targets, loss_mask
    )
    return contributions.by_distance(path).log10_transport


def test_radius_and_singular_value_of_a_thousand_units():
    """With variance 1/N 1.026 +- .012 and 1.991 +- .008 over draws, published for N = 1000.

    A matrix that is rescaled to radius 1 tells both by the variance of its entries, which stands
    for that of the draw to a relative 1/N.
    """
    draws, size = 3, 1000
    radius, largest = np.empty((2, draws))
    for i in range(draws):
        matrix = gaussian(np.random.default_rng(i), size, 1.0)
        scale = np.sqrt(size) * matrix.std()
        radius[i], largest[i] = 1.0 / scale, largest_singular_value(matrix) / scale
    for values, mean, deviation in ((radius, 1.026, 0.012), (largest, 1.991, 0.008)):
        # The published mean is over 20 draws.
        assert abs(values.mean() - mean) < 3 * deviation * np.sqrt(1 / draws + 1 / 20)
        assert values.std(ddof=1) < 3 * deviation


def test_a_fresh_gaussian_matrix_at_every_step():
    """E transport^2 is g^{2d}, not g^4 (1 + 2/N^2) at d = 2 as with the same matrix again.

    A net whose units are layers, each driven by the one before, has a matrix for every step.
    """
    width, layers, draws, g = 2, 4, 1500, 0.8
    size = width * layers
    rng = np.random.default_rng(0)
    net = {"W_hx": rng.standard_normal((size, 2)), "b_h": np.zeros(size), "b_s": np.zeros(2)}
    net["W_s"] = np.zeros((2, size))
    net["W_s"][:, -width:] = 0.1 * rng.standard_normal((2, width))
    inputs = rng.integers(0, 2, (layers, 1))
    squares = np.empty((draws, layers))
    for i in range(draws):
        blocks = np.zeros((layers, width, layers, width))
        for layer in range(1, layers):
            matrix = rng.normal(0.0, g / np.sqrt(width), (width, width))
            blocks[layer, :, layer - 1] = matrix
        net["W_hh"] = blocks.reshape(size, size)
        squares[i] = 10.0 ** (2 * log10_transport("linear", net, inputs))
    errors = squares.std(axis=0) / np.sqrt(draws)
    expected = g ** (2.0 * np.arange(layers))
    assert squares[:, 0] == pytest.approx(1.0, rel=1e-12)
    assert (abs(squares.mean(axis=0) - expected)[1:] < 3.5 * errors[1:]).all()
    assert g**4 * (1 + 2 / width**2) - squares[:, 2].mean() > 5 * errors[2]


@pytest.mark.parametrize("gain", [1.2, np.sqrt(2.0), 1.65])
def test_relu_neither_shrinks_nor_grows_at_a_gain_of_the_root_of_two(gain):
    """Half of the units are on, so that a step takes g^2 / 2 of the squared signal.

    Over ten nets, to three standard errors and 2/N, the order of what is left out.
    """
    size, draws, farthest = 200, 10, 8
    rng = np.random.default_rng(1)
    slopes = np.empty(draws)
    for i in range(draws):
        net = {
            "W_hh": rng.normal(0.0, gain / np.sqrt(size), (size, size)),
            "W_hx": 5.0 * rng.standard_normal((size, 50)),
            "b_h": np.zeros(size),
            "W_s": 0.01 * rng.standard_normal((3, size)),
            "b_s": np.zeros(3),
        }
        log10 = log10_transport("relu", net, rng.integers(0, 50, (farthest + 2, 8)))
        slopes[i] = np.log(10.0) * log10[farthest] / farthest
    error = slopes.std(ddof=1) / np.sqrt(draws)
    assert error < 0.01
    assert abs(slopes.mean() - np.log(gain / np.sqrt(2.0))) < 3 * error + 2 / size


@pytest.mark.parametrize(
    ("name", "changes", "classes"),
    [
        ("delayed_echo", {}, 4),
        ("temporal_order", {}, 4),
        ("temporal_order", {"relevant_symbols": 3}, 8),
        ("parity", {}, 2),
        ("parity", {"asked": "every_step"}, 2),
    ],
)
@pytest.mark.parametrize("activation", sorted(ACTIVATIONS))
def test_a_net_that_says_nothing_has_the_loss_of_chance(name, changes, classes, activation):
    """The logarithm of how many classes there are, at every net without a read-out."""
    options = {key: part["default"] for key, part in TASKS[name].OPTIONS.items()} | changes
    prepared = TASKS[name].prepare(options, SETTINGS)
    rng = np.random.default_rng(2)
    inputs, outputs = (prepared.facts[f"{side}_size"] for side in ("input", "output"))
    net = {
        "W_hh": gaussian(rng, 5, 1.0),
        "W_hx": rng.standard_normal((5, inputs)),
        "b_h": rng.standard_normal(5),
        "W_s": np.zeros((outputs, 5)),
        "b_s": np.full(outputs, 0.3),
    }
    arrays = prepared.arrays
    path = forward_pass.trace(
        rnn.Dynamics(ACTIVATIONS[activation], net),
        arrays["probe_inputs"],
        arrays["probe_targets"],
        arrays["loss_mask"],
    )
    assert path.loss == pytest.approx(np.log(classes), rel=1e-15)
    assert [path.loss] == pytest.approx(list(prepared.facts["baselines"].values()), rel=1e-15)
    # Equal logits name the first class.
    first = (arrays["probe_targets"][arrays["loss_mask"]] == 0).mean()
    assert path.accuracy == pytest.approx(first, rel=1e-15)
