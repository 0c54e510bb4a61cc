"""Predictions against closed forms, other quadratures, brute force, and simulated nets."""

from itertools import pairwise

import numpy as np
import pytest
import scipy.integrate
import scipy.special

import naive
from gradient_horizon.gradients import bounds, mean_field
from gradient_horizon.networks.activations import ACTIVATIONS, Activation
from gradient_horizon.networks.cells import rnn

every = pytest.mark.parametrize("name", sorted(ACTIVATIONS))


def normal_cdf(x):
    return scipy.special.ndtr(x)


def normal_density(x):
    return np.exp(-0.5 * x**2) / np.sqrt(2.0 * np.pi)


def custom(value, slope, value_bound=np.inf):
    """An activation that is not registered."""
    return Activation("test", value, slope, None, 1.0, value_bound=value_bound)


def by_adaptive_quadrature(function, variance):
    """E f(z) by QUADPACK, from -12 to 12 standard deviations, with breaks around 0."""
    deviation = np.sqrt(variance)
    breaks = np.array([-30.0, -5.0, -1.0, 0.0, 1.0, 5.0, 30.0])
    edges = np.unique(np.clip([-np.inf, *breaks, np.inf], -12 * deviation, 12 * deviation))

    def integrand(z):
        return function(np.array([z]))[0] * normal_density(z / deviation) / deviation

    parts = [
        scipy.integrate.quad(integrand, low, high, epsabs=1e-15, epsrel=1e-13, limit=200)[0]
        for low, high in pairwise(edges)
    ]
    return sum(parts)


CLOSED_FORMS = {
    "second moment of ReLU": (lambda z: np.maximum(z, 0) ** 2, lambda q: q / 2),
    "sixth moment": (lambda z: z**6, lambda q: 15 * q**3),
    # Williams (1997), equation 11, with the input 0 and the bias' variance q.
    "erf squared": (
        lambda z: scipy.special.erf(z) ** 2,
        lambda q: 2 / np.pi * np.arcsin(2 * q / (1 + 2 * q)),
    ),
    "slope of hard tanh": (
        lambda z: 1.0 * (abs(z) < 1),
        lambda q: scipy.special.erf(1 / np.sqrt(2 * q)),
    ),
}


@pytest.mark.parametrize("variance", [1e-8, 1e-3, 0.3, 1.0, 7.0, 1e3, 1e9])
@pytest.mark.parametrize("name", CLOSED_FORMS)
def test_means_over_the_normal_distribution(name, variance):
    function, expected = CLOSED_FORMS[name]
    result = mean_field.gaussian_mean(function, variance)
    assert result == pytest.approx(expected(variance), rel=1e-12)


@every
@pytest.mark.parametrize("variance", [1e-4, 0.3, 5.0, 400.0])
def test_moments_of_every_activation_by_adaptive_quadrature(name, variance):
    """Fails for an activation that bends elsewhere than at the kinks."""
    activation = ACTIVATIONS[name]
    for function in (activation.value, activation.slope):

        def square(z, function=function):
            return np.square(function(z))

        expected = by_adaptive_quadrature(square, variance)
        assert mean_field.gaussian_mean(square, variance) == pytest.approx(expected, rel=1e-11)


def test_gain_by_hand():
    assert bounds.gain(np.array([[0.0, 3.0], [4.0, 0.0]])) == pytest.approx(5 / np.sqrt(2))
    drawn = np.random.default_rng(0).normal(0.0, 1.7 / np.sqrt(400), (400, 400))
    # The relative standard error of the root of a mean of n squares is 1 / sqrt(2 n).
    assert bounds.gain(drawn) == pytest.approx(1.7, rel=4 / np.sqrt(2 * 400**2))


def recursion(name, gain, drive_variance, steps=500):
    """The variance after many steps from h_0 = 0, by the trapezoidal rule."""
    u = np.linspace(-10.0, 10.0, 1001)
    weights = normal_density(u) * (u[1] - u[0])
    variance = drive_variance
    for _ in range(steps):
        value = ACTIVATIONS[name].value(np.sqrt(variance) * u)
        following = gain**2 * (weights @ value**2) + drive_variance
        if following > 1e9 or following == variance:
            return following
        variance = following
    return variance


@every
@pytest.mark.parametrize("gain", [0.0, 0.6, 1.0, 1.25, 2.5])
@pytest.mark.parametrize("drive_variance", [0.02, 1.0])
def test_the_fixed_point_is_where_the_recursion_ends(name, gain, drive_variance):
    found = mean_field.mean_field(ACTIVATIONS[name], gain, drive_variance)
    expected = recursion(name, gain, drive_variance)
    if name == "linear" and gain == 1.0:  # q grows by sigma_u^2 a step
        expected = np.inf
    if expected > 1e9:
        assert found.variance == np.inf
    else:
        # The trapezoidal rule is off by h^2 / 12, h = .02, times the bend at a kink, and the fixed
        # point by ten times that where the recursion contracts by a tenth a step.
        assert found.variance == pytest.approx(expected, rel=4e-4)
        residual = gain**2 * by_adaptive_quadrature(
            lambda z: ACTIVATIONS[name].value(z) ** 2, found.variance
        )
        assert found.variance == pytest.approx(residual + drive_variance, rel=1e-11)


@pytest.mark.parametrize("drive_variance", [1e-6, 0.3, 50.0])
def test_homogeneous_nets_in_closed_form(drive_variance):
    for gain in (0.2, 0.9, 1.4):
        relu = mean_field.mean_field(ACTIVATIONS["relu"], gain, drive_variance)
        assert relu.variance == pytest.approx(drive_variance / (1 - gain**2 / 2), rel=1e-12)
        assert relu.slope == pytest.approx(np.log(gain / np.sqrt(2)), rel=1e-13)
    for gain in (0.2, 1.0, 4.0):
        linear = mean_field.mean_field(ACTIVATIONS["linear"], gain, drive_variance)
        grows = gain >= 1.0
        expected = np.inf if grows else drive_variance / (1 - gain**2)
        assert linear.variance == pytest.approx(expected, rel=1e-12)
        assert linear.slope == pytest.approx(np.log(gain), rel=1e-13, abs=1e-15)


def test_the_autonomous_chaotic_net():
    """x' = W tanh(x) with g = 1.5: .0652 by mean field; .0650 measured at N = 4,096."""
    found = mean_field.mean_field(ACTIVATIONS["tanh"], 1.5, 0.0)
    assert found.slope == pytest.approx(0.0652, abs=5e-5)


def test_nets_without_a_drive():
    at_rest = {"tanh": (0.0, 0.0), "softsign": (0.0, 0.0), "relu": (0.0, -0.5 * np.log(2))}
    for name, (variance, slope) in at_rest.items():
        for gain in (0.5, 1.0):
            found = mean_field.mean_field(ACTIVATIONS[name], gain, 0.0)
            assert found.variance == variance
            assert found.slope == pytest.approx(slope + np.log(gain), abs=1e-14)
    # The sigmoid drives itself: h = 1/2 at a = 0.
    sigmoid = mean_field.mean_field(ACTIVATIONS["sigmoid"], 1.0, 0.0)
    assert sigmoid.variance == pytest.approx(recursion("sigmoid", 1.0, 0.0), rel=1e-12)
    assert sigmoid.variance > 0.25
    assert mean_field.mean_field(ACTIVATIONS["tanh"], 0.0, 0.0) == mean_field.MeanField(
        0.0, -np.inf
    )


def test_of_several_fixed_points_the_first_from_the_drive_up():
    """phi = a^3 / (1 + |a|^3), g = 4: small states die out, large ones stay large."""
    activation = custom(
        lambda a: a**3 / (1 + abs(a) ** 3),
        lambda a: 3 * a**2 / (1 + abs(a) ** 3) ** 2,
        value_bound=1.0,
    )

    def excess(q, drive_variance):
        return 16 * by_adaptive_quadrature(lambda z: activation.value(z) ** 2, q) + (
            drive_variance - q
        )

    # Three fixed points with the small drive, one with the larger: the signs change so often.
    assert [excess(q, 0.01) > 0 for q in (0.01, 0.04, 1.0, 20.0)] == [True, False, True, False]
    assert [excess(q, 0.5) > 0 for q in (0.5, 1.0, 5.0, 20.0)] == [True, True, True, False]
    low, high = (mean_field.mean_field(activation, 4.0, drive).variance for drive in (0.01, 0.5))
    assert 0.01 < low < 0.04
    assert 5.0 < high < 20.0
    assert mean_field.mean_field(activation, 4.0, 0.0).variance == 0.0
    for q, drive_variance in ((low, 0.01), (high, 0.5)):
        assert excess(q, drive_variance) == pytest.approx(0.0, abs=1e-10)


def test_a_net_that_only_a_larger_drive_makes_explode():
    """phi = a Phi(a) (GELU) has slope 1/2 near 0 and is a ReLU far out; 2 < g^2 < 4 between."""
    gelu = custom(lambda a: a * normal_cdf(a), lambda a: normal_cdf(a) + a * normal_density(a))
    small, large = (mean_field.mean_field(gelu, 1.6, drive) for drive in (1e-4, 1.0))
    assert small.variance == pytest.approx(1e-4 / (1 - 1.6**2 / 4), rel=1e-2)
    assert small.slope == pytest.approx(np.log(1.6 / 2), abs=1e-2)
    assert large.variance == np.inf
    assert large.slope == pytest.approx(np.log(1.6 / np.sqrt(2)), abs=1e-14)


def simulated_transport(name, gain, drive, size, seed, distances=10, targets=20):
    """Mean ln norm(g_{t,t-d}) over targets, of one driven net; random unit errors."""
    rng = np.random.default_rng(seed)
    recurrent = rng.normal(0.0, gain / np.sqrt(size), (size, size))
    state, slopes = np.zeros(size), []
    for _ in range(60 + 5 * targets):
        a = recurrent @ state + rng.normal(0.0, drive, size)
        state = naive.PHI[name](a)
        slopes.append(naive.SLOPE[name](a))
    rows = []
    for t in range(len(slopes) - 1, len(slopes) - 1 - 5 * targets, -5):
        g = rng.standard_normal(size)
        norms = [np.linalg.norm(g)]
        for d in range(distances):
            g = recurrent.T @ (slopes[t - d] * g)
            norms.append(np.linalg.norm(g))
        rows.append(np.log(norms) - np.log(norms[0]))
    return np.mean(rows, axis=0)


@pytest.mark.parametrize("name", ["tanh", "sigmoid"])
@pytest.mark.parametrize("gain", [1.0, 1.5])
@pytest.mark.parametrize("drive", [0.5, 1.0])
def test_driven_nets_follow_the_mean_field(name, gain, drive):
    """N = 200: within .006, once what 200 units take off is counted."""
    activation, size, seeds = ACTIVATIONS[name], 200, range(20)
    found = mean_field.mean_field(activation, gain, drive**2)
    correction = mean_field.finite_size_correction(activation, found.variance, size)
    curves = [simulated_transport(name, gain, drive, size, seed) for seed in seeds]
    slopes = [np.polyfit(np.arange(curve.size), curve, 1)[0] for curve in curves]
    error = np.std(slopes, ddof=1) / np.sqrt(len(seeds))
    assert error < 0.003  # else .006 says little
    difference = np.mean(slopes) - found.slope
    assert difference - correction == pytest.approx(0.0, abs=0.006)
    assert difference - correction == pytest.approx(0.0, abs=3 * error)


def test_finite_size_in_closed_form():
    """Newman (1986): products of Gaussian matrices grow by [psi(N/2) + ln(2/N)] / 2 a step."""
    for size in (10, 32, 1000):
        exact = 0.5 * (scipy.special.digamma(size / 2) + np.log(2 / size))
        found = mean_field.finite_size_correction(ACTIVATIONS["linear"], np.inf, size)
        # -1/(2N) + 1/(2N^2) - ... for -1/(2N) - 1/(6N^2) - ...
        assert found == pytest.approx(exact, rel=1.4 / size)
        relu = mean_field.finite_size_correction(ACTIVATIONS["relu"], np.inf, size)
        assert relu == pytest.approx(-5 / (4 * size), rel=2.6 / size)


def bound_of(recurrent, gamma, steps):
    net = {"W_hh": recurrent, "W_s": np.zeros((1, len(recurrent)))}
    return bounds.log10_bound(rnn.Dynamics(ACTIVATIONS["tanh"], net).step_bound(gamma), steps)


def test_the_worst_case_by_hand():
    recurrent = np.array([[0.0, 3.0], [0.0, 0.0]])  # sigma_max is 3 though the radius is 0
    expected = np.log10([1.0, 0.75, 0.75**2, 0.75**3])
    np.testing.assert_allclose(bound_of(recurrent, 0.25, 4), expected, rtol=1e-14)
    nothing = bound_of(np.zeros((2, 2)), 1.0, 3)
    np.testing.assert_array_equal(nothing, [0.0, -np.inf, -np.inf])


@every
def test_a_matrix_at_the_vanishing_threshold_has_a_flat_bound(name):
    """sigma_max = 1 / gamma: 4 for the sigmoid (Pascanu, Mikolov and Bengio, 2013, section 2.1)."""
    activation = ACTIVATIONS[name]
    steepest = activation.slope(np.linspace(-40.0, 40.0, 800_001)).max()
    flat = bound_of(np.eye(3) / steepest, activation.slope_bound, 50)
    np.testing.assert_allclose(flat, 0.0, atol=50 * 1e-8)
    if name == "sigmoid":
        flat = bound_of(4.0 * np.eye(3), activation.slope_bound, 50)
        np.testing.assert_array_equal(flat, 0.0)


def test_limits_of_large_gaussian_matrices():
    """Of N = 1,000, over 20 draws: radius 1.026 +- .012 and sigma_max 1.991 +- .008, for g = 1."""
    gain, size = 1.5, 1000
    drawn = np.random.default_rng(4).normal(0.0, gain / np.sqrt(size), (size, size))
    radius = abs(np.linalg.eigvals(drawn)).max() / bounds.gaussian_spectral_radius(gain)
    sigma_max = np.linalg.svd(drawn, compute_uv=False)[0]
    assert radius == pytest.approx(1.026, abs=4 * 0.012)
    assert sigma_max / bounds.gaussian_largest_singular_value(gain) == pytest.approx(
        1.991 / 2, abs=4 * 0.008 / 2
    )
