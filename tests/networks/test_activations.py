"""Values and slopes of every activation against central differences and closed forms."""

import numpy as np
import pytest
import scipy.optimize
import scipy.special

import naive
from gradient_horizon.networks.activations import ACTIVATIONS

# No grid point lies at a kink, where slopes jump, nor nearer to it than a difference reaches.
GRID = np.linspace(-8.0, 8.0, 4000)
KINKS = np.array([-1.0, 0.0, 1.0])
# Of those without the slope by value: two are not monotone, and erf's would need its inverse.
BY_ARGUMENT = {"gelu", "silu", "erf"}
NAMES_WITHOUT_BOUNDS = {name for name, phi in ACTIVATIONS.items() if np.isinf(phi.value_bound)}

every = pytest.mark.parametrize("name", sorted(ACTIVATIONS))
precisions = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def value(name, a):
    return ACTIVATIONS[name].value(a.copy())


def slopes(name, a, h):
    """The slope by argument and, where there is one, by value."""
    activation = ACTIVATIONS[name]
    by_argument = activation.slope(a)
    if activation.slope_from_value is None:
        return [by_argument]
    return [by_argument, activation.slope_from_value(h)]


def test_the_reference_knows_every_activation():
    assert naive.NAMES == sorted(naive.SLOPE) == sorted(ACTIVATIONS)
    without = {name for name, phi in ACTIVATIONS.items() if phi.slope_from_value is None}
    assert without == BY_ARGUMENT


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
    away = (abs(GRID[:, None] - KINKS) > step).all(axis=1)
    assert away.sum() > 3900
    np.testing.assert_allclose(slope[away], ((4 * near - far) / 3)[away], rtol=0, atol=1e-11)


@every
def test_curvatures_by_central_differences(name):
    step, slope = 1e-3, ACTIVATIONS[name].slope
    near, far = (
        (slope(GRID + distance) - slope(GRID - distance)) / (2 * distance)
        for distance in (step / 2, step)
    )
    curvature = ACTIVATIONS[name].curvature(GRID)
    away = (abs(GRID[:, None] - KINKS) > step).all(axis=1)
    np.testing.assert_allclose(curvature[away], ((4 * near - far) / 3)[away], rtol=0, atol=1e-11)


@every
@pytest.mark.filterwarnings("error")
def test_curvatures_end_at_zero(name):
    far = np.array([-1e300, -1e6, 1e6, 1e300])
    assert abs(ACTIVATIONS[name].curvature(far)).max() < 1e-17
    assert np.isfinite(ACTIVATIONS[name].curvature(np.array([-1.0, 0.0, 1.0]))).all()


@every
@precisions
def test_slopes_from_values(name, dtype):
    a = GRID.astype(dtype)
    h = value(name, a)
    expected = ACTIVATIONS[name].slope(a.astype(float))
    tolerance = 2e-6 if dtype == np.float32 else 4e-15
    for slope in slopes(name, a, h):
        assert slope.dtype == dtype
        np.testing.assert_allclose(slope, expected, rtol=0, atol=tolerance)


@every
def test_the_largest_slope(name):
    # So fine that the place of the largest is missed by 2.5e-5 at most, its height by 1e-9.
    fine = np.linspace(-40.0, 40.0, 1_600_001)
    bound, slope = naive.GAMMA.get(name, 1.0), abs(ACTIVATIONS[name].slope(fine))
    assert ACTIVATIONS[name].slope_bound == pytest.approx(bound, rel=4e-16)
    assert slope.max() == pytest.approx(bound, rel=1e-9)
    assert (slope <= bound * (1 + 1e-15)).all()


def test_the_steepest_places_of_gelu_and_silu():
    """Where phi'' = 0: a = sqrt 2, and a tanh(a / 2) = 2, whose slope is 1/2 + a / 4."""
    a = scipy.optimize.brentq(lambda x: x * np.tanh(x / 2) - 2, 2.0, 3.0, xtol=1e-15, rtol=1e-15)
    for name, place in (("gelu", np.sqrt(2)), ("silu", a)):
        slope = ACTIVATIONS[name].slope(np.array([place, place - 1e-4, place + 1e-4]))
        assert slope[0] == pytest.approx(ACTIVATIONS[name].slope_bound, rel=1e-15)
        assert (slope[1:] < slope[0]).all()
    assert ACTIVATIONS["silu"].slope_bound == pytest.approx(0.5 + a / 4, rel=1e-15)


@every
def test_the_largest_value(name):
    bound = ACTIVATIONS[name].value_bound
    values = abs(value(name, np.array([-1e30, -50.0, 50.0, 1e30])))
    assert values.max() == (bound if np.isfinite(bound) else 1e30)
    assert (abs(value(name, GRID)) <= bound).all()


@every
@precisions
def test_results_go_where_they_are_asked_to(name, dtype):
    activation, a = ACTIVATIONS[name], GRID.astype(dtype)
    h = value(name, a)
    cases = [(activation.value, a, h)]
    if name not in BY_ARGUMENT:
        cases.append((activation.slope_from_value, h, activation.slope_from_value(h.copy())))
    for function, given, expected in cases:
        original, out = given.copy(), np.full_like(given, np.nan)
        assert function(original, out=out) is out
        np.testing.assert_array_equal(out, expected)
        np.testing.assert_array_equal(original, given)  # and only there
    assert activation.value(a, out=a) is a
    np.testing.assert_array_equal(a, h)


@every
def test_without_out_the_argument_is_left_alone(name):
    activation, a = ACTIVATIONS[name], GRID.copy()
    for function in filter(None, (activation.value, activation.slope, activation.slope_from_value)):
        assert not np.shares_memory(function(a), a)
        np.testing.assert_array_equal(a, GRID)


@every
@precisions
@pytest.mark.filterwarnings("error")
def test_extreme_values_give_limits_without_warnings(name, dtype):
    most = np.finfo(dtype).max
    a = np.array([-most, -1e30, -1e4, -800, -0.0, 0.0, 800, 1e4, 1e30, most], dtype=dtype)
    h = value(name, a)
    limits = {"sigmoid": (0, 1), "linear": (-most, most), "elu": (-1, most)}
    limits |= dict.fromkeys(["relu", "softplus", "gelu", "silu"], (0, most))
    limits |= dict.fromkeys(["tanh", "softsign", "hard_tanh", "erf"], (-1, 1))
    limits["leaky_relu"] = dtype(0.01) * -most, most
    assert (h[0], h[-1]) == limits[name]
    ends = dict.fromkeys(["relu", "softplus", "elu", "gelu", "silu"], (0, 1))
    ends |= {"linear": (1, 1), "leaky_relu": (dtype(0.01), 1)}
    for slope in slopes(name, a, h):
        assert (abs(slope) <= dtype(ACTIVATIONS[name].slope_bound)).all()
        assert (slope[0], slope[-1]) == pytest.approx(ends.get(name, (0, 0)), abs=1e-30)


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


@pytest.mark.parametrize("a", [19.0, 25.0, 26.5, 100.0, 300.0])
def test_nor_do_those_of_units_without_bounds_that_are_off(a):
    """Logarithms in closed form; of GELU by the scaled complementary error function."""
    decay, mills = np.exp(-a), np.sqrt(np.pi / 2) * scipy.special.erfcx(a / np.sqrt(2))
    off = {"softplus": -a - np.log1p(decay), "elu": -a}
    off["silu"] = -a - 2 * np.log1p(decay) + np.log(a - 1 - decay)
    if a < 37:  # farther off it is below the smallest number
        off["gelu"] = -0.5 * a**2 - 0.5 * np.log(2 * np.pi) + np.log(a - mills)
    if a < 27:
        off["erf"] = np.log(2 / np.sqrt(np.pi)) - a**2
    for name, expected in off.items():
        slope = ACTIVATIONS[name].slope(np.array([-a]))
        assert (slope < 0) == (name in ("gelu", "silu"))
        np.testing.assert_allclose(np.log(abs(slope)), expected, rtol=1e-13)


@every
def test_homogeneous_is_what_scales(name):
    scales = all(
        np.allclose(value(name, c * GRID), c * value(name, GRID), rtol=1e-12)
        for c in (1e-3, 0.5, 2.0, 1e3)
    )
    assert ACTIVATIONS[name].homogeneous == scales


@pytest.mark.parametrize("name", sorted(NAMES_WITHOUT_BOUNDS))
@pytest.mark.parametrize("side", [-1.0, 1.0])
def test_activations_without_bounds_have_asymptotes(name, side):
    """Lines, whose height above the origin no longer shows at 2^500: the forward pass needs it."""
    near, far = side * np.array([1e5, 2e5]), side * np.array([2.0**500, 2.0**501])
    slope = ACTIVATIONS[name].slope(np.concatenate([near, far]))
    assert (slope == slope[0]).all()
    np.testing.assert_allclose(np.diff(value(name, near)), slope[0] * np.diff(near), rtol=1e-10)
    if slope[0] != 0.0:
        np.testing.assert_allclose(value(name, far), slope[0] * far, rtol=1e-15)
    else:
        assert value(name, near)[0] == value(name, far)[0]
