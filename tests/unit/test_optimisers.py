"""Clipping and updates by hand."""

import numpy as np
import pytest
from gradient_horizon.optimisers import OPTIMISERS, clip_by_global_norm


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
