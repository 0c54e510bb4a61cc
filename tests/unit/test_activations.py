"""Values and slopes of every activation against central differences and closed forms."""

import naive
import numpy as np
import pytest
from gradient_horizon.activations import ACTIVATIONS

# No grid point lies at 0, where two slopes jump, nor nearer to it than a difference reaches.
GRID = np.linspace(-8.0, 8.0, 4000)
BOUNDS = {"sigmoid": 0.25, "tanh": 1.0, "relu": 1.0, "softsign": 1.0, "linear": 1.0}

every = pytest.mark.parametrize("name", sorted(ACTIVATIONS))
precisions = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def value(name, a):
    return ACTIVATIONS[name].value(a.copy())


def test_the_reference_knows_every_activation():
    assert naive.NAMES == sorted(BOUNDS) == sorted(ACTIVATIONS)


@every
@precisions
def test_values(name, dtype):
    a = GRID.astype(dtype)
    result = value(name, a)
    assert result.dtype == dtype
    tolerance = 2e-7 if dtype == np.float32 else 1e-15
    np.testing.assert_allclose(result, naive.PHI[name](a.astype(float)), rtol=0, atol=8 * tolerance)


@every
def test_slopes_by_central_differences(name):
    step = 1e-3
    near, far = (
        (value(name, GRID + distance) - value(name, GRID - distance)) / (2 * distance)
        for distance in (step / 2, step)
    )
    slope = ACTIVATIONS[name].slope(GRID)
    away = abs(GRID) > step
    np.testing.assert_allclose(slope[away], ((4 * near - far) / 3)[away], rtol=0, atol=1e-11)


@every
@precisions
def test_slopes_from_values(name, dtype):
    a = GRID.astype(dtype)
    h, activation = value(name, a), ACTIVATIONS[name]
    expected = activation.slope(a.astype(float))
    tolerance = 2e-6 if dtype == np.float32 else 4e-15
    for slope in (activation.slope(a), activation.slope_from_value(h)):
        assert slope.dtype == dtype
        np.testing.assert_allclose(slope, expected, rtol=0, atol=tolerance)


@every
def test_the_largest_slope(name):
    fine = np.linspace(-1.0, 1.0, 200_001)
    largest = ACTIVATIONS[name].slope(fine).max()
    assert ACTIVATIONS[name].slope_bound == BOUNDS[name]
    assert largest == pytest.approx(BOUNDS[name], rel=1e-9)
    assert (ACTIVATIONS[name].slope(GRID) <= BOUNDS[name]).all()


@every
@precisions
def test_results_go_where_they_are_asked_to(name, dtype):
    activation, a = ACTIVATIONS[name], GRID.astype(dtype)
    h, slope = value(name, a), activation.slope_from_value(value(name, a))
    for function, given, expected in (
        (activation.value, a, h),
        (activation.slope_from_value, h, slope),
    ):
        original, out = given.copy(), np.full_like(given, np.nan)
        assert function(original, out=out) is out
        np.testing.assert_array_equal(out, expected)
        np.testing.assert_array_equal(original, given)  # and only there
    assert activation.value(a, out=a) is a
    np.testing.assert_array_equal(a, h)


@every
def test_without_out_the_argument_is_left_alone(name):
    activation, a = ACTIVATIONS[name], GRID.copy()
    for function in (activation.value, activation.slope, activation.slope_from_value):
        assert not np.shares_memory(function(a), a)
        np.testing.assert_array_equal(a, GRID)


@every
@precisions
@pytest.mark.filterwarnings("error")
def test_extreme_values_give_limits_without_warnings(name, dtype):
    most = np.finfo(dtype).max
    a = np.array([-most, -1e30, -1e4, -800, -0.0, 0.0, 800, 1e4, 1e30, most], dtype=dtype)
    h = value(name, a)
    limits = {"sigmoid": (0, 1), "tanh": (-1, 1), "softsign": (-1, 1)}
    limits |= {"relu": (0, most), "linear": (-most, most)}
    assert (h[0], h[-1]) == limits[name]
    for slope in (ACTIVATIONS[name].slope(a), ACTIVATIONS[name].slope_from_value(h)):
        assert ((slope >= 0) & (slope <= 1)).all()
        ends = {"relu": (0, 1), "linear": (1, 1)}.get(name, (0, 0))
        assert (slope[0], slope[-1]) == pytest.approx(ends, abs=1e-30)


@pytest.mark.parametrize("a", [0.5, 19.0, 25.0, 40.0, 100.0, 300.0])
def test_slopes_of_saturated_units_do_not_cancel(a):
    """sech^2 a -> 4 exp(-2 |a|) and sigmoid' a -> exp(-|a|), in their logarithms."""
    both = np.array([a, -a])
    tanh = np.log(4) - 2 * a - 2 * np.log1p(np.exp(-2 * a))
    sigmoid = -a - 2 * np.log1p(np.exp(-a))
    for name, expected in {"tanh": tanh, "sigmoid": sigmoid}.items():
        slope = ACTIVATIONS[name].slope(both)
        assert (slope > 0).all()
        np.testing.assert_allclose(np.log(slope), expected, rtol=1e-13)
    np.testing.assert_allclose(ACTIVATIONS["softsign"].slope(both), (1 + a) ** -2.0, rtol=1e-15)


@every
def test_homogeneous_is_what_scales(name):
    scales = all(
        np.allclose(value(name, c * GRID), c * value(name, GRID), rtol=1e-12)
        for c in (1e-3, 0.5, 2.0, 1e3)
    )
    assert ACTIVATIONS[name].homogeneous == scales
