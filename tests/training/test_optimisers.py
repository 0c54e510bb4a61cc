"""Clipping and updates by hand."""

import numpy as np
import pytest

from gradient_horizon.training.optimisers import (
    OPTIMISERS,
    Adam,
    Momentum,
    clip_by_global_norm,
    clip_by_value,
)


def test_only_long_gradients_are_shortened():
    gradient = np.array([[3.0, 4.0], [0.3, 0.4], [0.0, 0.0], [0.0, -1.0]])
    norms = clip_by_global_norm(gradient, 1.0)
    np.testing.assert_allclose(norms, [5.0, 0.5, 0.0, 1.0], rtol=1e-15)
    expected = [[0.6, 0.8], [0.3, 0.4], [0.0, 0.0], [0.0, -1.0]]
    np.testing.assert_allclose(gradient, expected, rtol=1e-15)


def test_without_a_threshold_only_norms_are_taken():
    gradient = np.array([[3.0, 4.0], [1e3, 0.0]])
    before = gradient.copy()
    np.testing.assert_allclose(clip_by_global_norm(gradient, None), [5.0, 1e3], rtol=1e-15)
    np.testing.assert_array_equal(gradient, before)


@pytest.mark.parametrize(("dtype", "large"), [(np.float32, 1e25), (np.float64, 1e120)])
def test_large_gradients_keep_their_direction(dtype, large):
    gradient = np.array([[3.0 * large, 4.0 * large], [0.3, 0.4]], dtype=dtype)
    with np.errstate(over="ignore"):
        norms = clip_by_global_norm(gradient, 2.0)
    np.testing.assert_allclose(norms, [5.0 * large, 0.5], rtol=1e-6)
    np.testing.assert_allclose(gradient, [[1.2, 1.6], [0.3, 0.4]], rtol=1e-6)
    assert gradient.dtype == dtype


def test_what_is_not_finite_shows_in_the_norm():
    gradient = np.array([[np.nan, 1.0], [np.inf, 1.0], [3.0, 4.0]], dtype=np.float32)
    with np.errstate(invalid="ignore"):
        norms = clip_by_global_norm(gradient, 1.0)
    assert np.isnan(norms[0]) and np.isposinf(norms[1])
    np.testing.assert_allclose(gradient[2], [0.6, 0.8], rtol=1e-6)


def test_the_norm_of_a_net_does_not_depend_on_the_others():
    """Not even in its last bit: a neighbour that overflows is computed apart."""
    rng = np.random.default_rng(0)
    alone = rng.standard_normal((1, 1001)).astype(np.float32)
    together = np.concatenate([alone, np.full((1, 1001), 1e30, dtype=np.float32)])
    with np.errstate(over="ignore"):
        assert clip_by_global_norm(alone, 1.0)[0] == clip_by_global_norm(together, 1.0)[0]
    np.testing.assert_array_equal(alone[0], together[0])


def test_every_entry_is_cut_by_itself():
    gradient = np.array([[3.0, -4.0, 0.3], [-0.5, 0.5, 0.0]], dtype=np.float32)
    clip_by_value(gradient, 0.5)
    expected = np.array([[0.5, -0.5, 0.3], [-0.5, 0.5, 0.0]], dtype=np.float32)
    np.testing.assert_array_equal(gradient, expected)
    clip_by_value(gradient, None)
    np.testing.assert_array_equal(gradient, expected)


def test_gradient_descent():
    weights, gradient = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[10.0, 0.0], [-2.0, 1.0]])
    OPTIMISERS["sgd"](0.5).update(weights, gradient)
    assert weights.tolist() == [[-4.0, 2.0], [4.0, 3.5]]


@pytest.mark.parametrize("name", OPTIMISERS)
def test_every_optimiser_goes_downhill_and_rests_at_the_bottom(name):
    optimiser = OPTIMISERS[name](0.1)
    weights = np.array([[3.0, -2.0]])
    for _ in range(200):
        optimiser.update(weights, 2.0 * weights)
    assert abs(weights).max() < 0.05
    still = np.array([[1.0, 1.0]])
    OPTIMISERS[name](0.1).update(still, np.zeros((1, 2)))
    assert still.tolist() == [[1.0, 1.0]]


# Momentum


def test_momentum_under_a_constant_gradient():
    """The step grows to 1 / (1 - momentum) times that of plain descent, as a geometric series."""
    optimiser, weights = Momentum(0.5, 0.8), np.zeros((1, 1))
    speed = [0.5 * 3.0 * (1 - 0.8**step) / (1 - 0.8) for step in range(1, 41)]
    for step in range(40):
        optimiser.update(weights, np.full((1, 1), 3.0))
        # Each of at most 40 steps rounds to 2^-53 of numbers below 300.
        np.testing.assert_allclose(weights, -sum(speed[: step + 1]), rtol=1e-13)


@pytest.mark.parametrize("momentum", [0.0, 0.5, 0.95])
def test_momentum_in_a_bowl_is_the_heavy_ball(momentum):
    """Polyak's second-order recursion: w+ = w + momentum (w - w-) - learning_rate w'."""
    rate, curvature = 0.3, 2.0
    recursion = np.array([[1 + momentum - rate * curvature, -momentum], [1.0, 0.0]])
    optimiser, weights = Momentum(rate, momentum), np.ones((1, 1))
    for step in range(1, 30):
        optimiser.update(weights, curvature * weights)
        expected = (np.linalg.matrix_power(recursion, step) @ [1.0, 1.0])[0]
        np.testing.assert_allclose(weights, expected, rtol=0, atol=1e-13)


# Adam


def by_the_letter(gradients, rate):
    """Algorithm 1 of Kingma and Ba (2015) for one number."""
    weight = first = second = 0.0
    path = []
    for step, gradient in enumerate(gradients, start=1):
        first = 0.9 * first + (1 - 0.9) * gradient
        second = 0.999 * second + (1 - 0.999) * gradient * gradient
        corrected = first / (1 - 0.9**step), second / (1 - 0.999**step)
        weight -= rate * corrected[0] / (corrected[1] ** 0.5 + 1e-8)
        path.append(weight)
    return path


def test_adam_by_the_letter():
    rng = np.random.default_rng(0)
    gradients = rng.standard_normal((60, 3, 2)) * 10.0 ** rng.integers(-9, 3, (1, 3, 2))
    optimiser, weights = Adam(0.02), np.zeros((3, 2))
    paths = np.empty_like(gradients)
    for step, gradient in enumerate(gradients):
        optimiser.update(weights, gradient.copy())
        paths[step] = weights
    for net in np.ndindex(3, 2):
        expected = by_the_letter(gradients[(slice(None), *net)].tolist(), 0.02)
        np.testing.assert_allclose(paths[(slice(None), *net)], expected, rtol=0, atol=1e-14)


@pytest.mark.parametrize("gradient", [1e-3, -7.0, 1e4])
def test_adam_under_a_constant_gradient_goes_the_learning_rate(gradient):
    """With the bias corrected, both moments are those of the constant from the first step on."""
    optimiser, weights = Adam(0.01), np.zeros((1, 1))
    for step in range(1, 21):
        optimiser.update(weights, np.full((1, 1), gradient))
        expected = -step * 0.01 * gradient / (abs(gradient) + 1e-8)
        np.testing.assert_allclose(weights, expected, rtol=1e-12)


def test_adam_goes_the_wrong_way_where_it_is_known_to():
    """Reddi, Kale and Kumar (2018), section 5: a large gradient every 101st step is forgotten."""
    adam, descent = Adam(0.01), OPTIMISERS["sgd"](0.01)
    adam.second_decay = 0.99
    wrong, right = np.zeros((1, 1)), np.zeros((1, 1))
    for gradient in 20 * [1010.0, *100 * [-10.0]]:
        adam.update(wrong, np.full((1, 1), gradient))
        descent.update(right, np.full((1, 1), gradient))
    assert right[0, 0] < 0.0 < wrong[0, 0]


def test_adam_of_gradients_whose_square_is_too_large_for_their_format():
    optimiser, weights = Adam(0.25), np.zeros((1, 1), dtype=np.float32)
    for _ in range(2):
        optimiser.update(weights, np.full((1, 1), 1e30, dtype=np.float32))
    assert weights.tolist() == [[-0.5]] and weights.dtype == np.float32


@pytest.mark.parametrize("name", OPTIMISERS)
def test_a_net_is_trained_alike_alone_and_beside_others(name):
    rng = np.random.default_rng(0)
    gradients = rng.standard_normal((5, 3, 7)).astype(np.float32)
    alone, together = np.zeros((1, 7), np.float32), np.zeros((3, 7), np.float32)
    one, all_of_them = OPTIMISERS[name](0.1), OPTIMISERS[name](0.1)
    for gradient in gradients:
        one.update(alone, gradient[1:2].copy())
        all_of_them.update(together, gradient.copy())
    np.testing.assert_array_equal(together[1], alone[0])
