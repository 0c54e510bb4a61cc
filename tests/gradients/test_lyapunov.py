"""Lyapunov exponents and singular values against eigenvalues, determinants and exact integers."""

import math
from fractions import Fraction
from itertools import combinations

import numpy as np
import pytest

import naive
from gradient_horizon.gradients import contributions, forward_pass
from gradient_horizon.gradients.lyapunov import jacobian_log10_singular_values, lyapunov_spectrum
from gradient_horizon.networks.activations import ACTIVATIONS
from gradient_horizon.networks.cells import rnn
from gradient_horizon.networks.initialisations import gaussian
from naive import draw_batch

LN10 = np.log(10.0)
quiet = pytest.mark.filterwarnings("error")


def rng(seed=0):
    return np.random.default_rng(seed)


def orthogonal(seed, size):
    return np.linalg.qr(rng(seed).standard_normal((size, size)))[0]


def slopes(seed, steps, batch, size, decades=1.0):
    """Slopes between 10**-decades and 1."""
    return 10.0 ** -rng(seed).uniform(0.0, decades, (steps, batch, size))


def jacobians(slope, recurrent):
    """diag(slope) W of slopes (T, B, N), (T, B, N, N)."""
    return slope[..., None] * recurrent


class Jacobians:
    """The same, each made when it is asked for: all of a large net take a gigabyte."""

    def __init__(self, slope, recurrent):
        self.slope, self.recurrent = slope, recurrent

    def __len__(self):
        return len(self.slope)

    def __getitem__(self, t):
        return jacobians(self.slope[t], self.recurrent)


def log_determinant(slope, recurrent):
    """Sum over the units of ln |J|, (T, B)."""
    return np.log(slope).sum(axis=2) + np.linalg.slogdet(recurrent)[1]


# Exact integers: every float is one, times a power of two.


def coarse(array):
    """Floats rounded to eight binary digits, so that their exact products do not grow too fast."""
    mantissa, exponent = np.frexp(array)
    return np.ldexp(np.round(256 * mantissa) / 256, exponent)


def integers(matrix):
    """A matrix of floats as Python integers and the power of two they are to be multiplied by."""
    entries = [[Fraction(float(value)) for value in row] for row in matrix]
    power = max(value.denominator for row in entries for value in row).bit_length() - 1
    return [[int(value * 2**power) for value in row] for row in entries], -power


def times(left, right):
    columns = list(zip(*right, strict=True))
    return [
        [sum(a * b for a, b in zip(row, column, strict=True)) for column in columns] for row in left
    ]


def exact_product(slope, recurrent):
    """J_T ... J_1 of slopes (T, N) in integers, and its power of two."""
    weights, power = integers(recurrent)
    product, total = [[int(i == j) for j in range(len(weights))] for i in range(len(weights))], 0
    for row in slope:
        (factors,), shift = integers([row])
        product = times(weights, product)
        product = [
            [factor * x for x in line] for factor, line in zip(factors, product, strict=True)
        ]
        total += power + shift
    return product, total


def symmetric_functions(product):
    """e_1 ... e_N of the squared singular values, by Faddeev and LeVerrier's recursion.

    They are the coefficients of the characteristic polynomial of P^T P.  All the integers are
    exact, and together they fix all singular values.
    """
    size = len(product)
    gram = times(list(zip(*product, strict=True)), product)
    result, carried = [], [[0] * size for _ in range(size)]
    coefficient = 1
    for k in range(1, size + 1):
        carried = times(gram, carried)
        for i in range(size):
            carried[i][i] += coefficient
        trace = sum(times(gram, carried)[i][i] for i in range(size))
        coefficient = -trace // k
        result.append((-1) ** k * coefficient)
    return result


def log10_symmetric_functions(log10_values):
    """log10 of e_1 ... e_N of the squares of numbers given by their log10."""
    logs = 2.0 * LN10 * np.asarray(log10_values)
    sums = ([sum(part) for part in combinations(logs, k)] for k in range(1, len(logs) + 1))
    return np.array([np.logaddexp.reduce(part) for part in sums]) / LN10


# Singular values


@pytest.mark.parametrize("distance", [0, 1, 2, 5])
@pytest.mark.parametrize("activation", naive.NAMES)
@quiet
def test_singular_values_of_a_plain_product(activation, distance):
    """Of an actual net, by the decomposition of the product: right to 2e-16 of the largest."""
    net, inputs, targets = draw_batch(1)
    path = forward_pass.trace(
        rnn.Dynamics(ACTIVATIONS[activation], net),
        inputs,
        targets,
        np.ones(len(inputs), dtype=bool),
    )
    result = jacobian_log10_singular_values(jacobians(path.slope, net["W_hh"]), distance)
    assert result.shape == (naive.BATCH, naive.SIZE)
    for b, log10_values in enumerate(result):
        pre_activations, _, _ = naive.forward(activation, net, inputs[:, b])
        product = np.eye(naive.SIZE)
        for a in pre_activations[len(inputs) - distance :]:
            product = naive.SLOPE[activation](a)[:, None] * net["W_hh"] @ product
        expected = np.linalg.svd(product, compute_uv=False)
        np.testing.assert_allclose(10.0**log10_values, expected, rtol=0, atol=1e-14 * expected[0])


@pytest.mark.parametrize(
    ("size", "steps", "decades", "spread"),
    [
        (2, 300, 1.0, 10),
        (4, 100, 1.0, 60),
        (8, 20, 1.0, 10),
        # Apart by more than floating-point numbers reach.
        (3, 800, 1.0, 320),
        (5, 25, 60.0, 600),
        (6, 20, 30.0, 300),
    ],
)
@quiet
def test_singular_values_of_any_size_against_exact_integers(size, steps, decades, spread):
    """Off by about d 2**-53 times the condition number of the factors, here up to 100."""
    slope = coarse(slopes(size, steps, 1, size, decades))
    recurrent = coarse(rng(size).standard_normal((size, size)) / np.sqrt(size))
    result = jacobian_log10_singular_values(jacobians(slope, recurrent), steps)[0]
    assert (np.diff(result) <= 0).all() and result[0] - result[-1] > spread
    product, power = exact_product(slope[:, 0], recurrent)
    expected = [math.log10(value) for value in symmetric_functions(product)]
    expected += 2 * power * np.arange(1, size + 1) * np.log10(2.0)
    # The logarithms themselves are rounded, by a relative 2**-53.
    np.testing.assert_allclose(
        log10_symmetric_functions(result), expected, rtol=1e-14, atol=steps * 1e-14
    )


@quiet
def test_slopes_before_a_rotation_are_the_singular_values():
    """diag(s) Q for orthogonal Q, over 800 decades: 280 of them within a step."""
    size = 40
    wanted = -np.linspace(0.0, 280.0, size)
    slope = np.full((4, 2, size), 1e-260)
    slope[3, 0] = 10.0 ** rng(4).permutation(wanted)
    slope[3, 1] = 10.0 ** wanted[::-1]
    result = jacobian_log10_singular_values(jacobians(slope, orthogonal(4, size)), 4)
    expected = np.broadcast_to(wanted - 780.0, result.shape)
    np.testing.assert_allclose(result, expected, rtol=1e-14, atol=0)


@pytest.mark.parametrize("size", [1, 4, 7])
@quiet
def test_directions_that_are_lost_have_no_singular_value(size):
    """Units that are off: as many zeros as the exact rank leaves, in every trajectory."""
    steps, batch = 12, 8
    slope = (rng(size).random((steps, batch, size)) > 0.15).astype(float)
    slope[:, 0], slope[4, 1] = 1.0, 0.0
    for recurrent in (coarse(rng(5).standard_normal((size, size))), np.eye(size)):
        result = jacobian_log10_singular_values(jacobians(slope, recurrent), steps)
        for b in range(batch):
            product, _ = exact_product(slope[:, b], recurrent)
            rank = sum(value > 0 for value in symmetric_functions(product))
            assert np.isfinite(result[b]).sum() == rank
            assert np.isneginf(result[b, rank:]).all()
        assert np.isfinite(result[0]).all() and np.isneginf(result[1]).all()
    # What lies before the product does not count.
    recent = jacobian_log10_singular_values(jacobians(slope[:, :2], recurrent), steps - 5)
    assert np.isfinite(recent[0]).all() and np.isfinite(recent[1]).any()


# Exponents


@pytest.mark.parametrize(
    ("size", "decades", "steps"),
    [(3, 1.0, 2000), (12, 3.0, 40), (12, 20.0, 40), (5, 200.0, 300), (30, 1.0, 11)],
)
@quiet
def test_the_exponents_add_up_to_the_logarithm_of_the_determinant(size, decades, steps):
    slope = slopes(8, steps, 4, size, decades)
    recurrent = gaussian(rng(8), size, 0.9)
    exponents, _ = lyapunov_spectrum(jacobians(slope, recurrent), 10)
    expected = log_determinant(slope[10:], recurrent).mean()
    assert (np.diff(exponents) <= 0).all()
    assert exponents.sum() == pytest.approx(expected, rel=1e-13, abs=1e-12)


def periodic(seed, size, period, repeats):
    """Slopes that come back after a period, and ln |eigenvalues| / period of the product over it.

    The first seed from this one on whose eigenvalues are real and apart by 10 % is taken.
    """
    while True:
        slope, recurrent = slopes(seed, period, 1, size), rng(seed).standard_normal((size, size))
        product = np.linalg.multi_dot([row[:, None] * recurrent for row in slope[::-1, 0]])
        eigenvalues = np.linalg.eigvals(product)
        logarithms = -np.sort(-np.log(abs(eigenvalues)))
        if np.isrealobj(eigenvalues) and (np.diff(logarithms) < -0.1).all():
            return np.tile(slope, (repeats, 1, 1)), recurrent, logarithms / period
        seed += 1000


@pytest.mark.parametrize("seed", range(4))
def test_periodic_trajectories_have_the_logarithms_of_eigenvalues(seed):
    slope, recurrent, expected = periodic(seed, 4, 3, 600)
    exponents, errors = lyapunov_spectrum(jacobians(slope, recurrent), 1500)
    np.testing.assert_allclose(exponents, expected, rtol=0, atol=1e-12)
    assert np.isnan(errors).all()  # of one trajectory
    leading, _ = lyapunov_spectrum(jacobians(slope, recurrent), 1500, 2)
    np.testing.assert_allclose(leading, expected[:2], rtol=0, atol=1e-12)
    # From the first step on, a start in other directions is spread over all steps.
    early, _ = lyapunov_spectrum(jacobians(slope, recurrent), 0)
    assert 1e-6 < abs(early - expected).max() < 10 / len(slope)


def random_autonomous(seed, steps, size=512, burn_in=200):
    """x' = W tanh(x), W_ij ~ N(0, 1.5^2/N): the slopes and W."""
    generator = rng(seed)
    recurrent = generator.normal(0.0, 1.5 / np.sqrt(size), (size, size))
    x, slope = generator.standard_normal(size), np.empty((steps, 1, size))
    for t in range(-burn_in, steps):
        h = np.tanh(x)
        if t >= 0:
            slope[t] = 1.0 - h * h
        x = recurrent @ h
    return slope, recurrent


def test_the_largest_exponent_of_random_autonomous_nets_is_the_published_one():
    """At 512 units .057 to .061.

    The median, as a draw in ten of this size is caught by a cycle and is not chaotic at all; to
    three standard errors, 1.25 sigma / sqrt(draws), sigma by the quartiles, 1.35 sigma apart.
    """
    draws, exponents = 9, []
    for seed in range(draws):
        steps = Jacobians(*random_autonomous(100 + seed, 500))
        exponents.append(lyapunov_spectrum(steps, 100, leading=1)[0][0])
    quarter, median, three_quarters = np.quantile(exponents, [0.25, 0.5, 0.75])
    error = 1.25 * (three_quarters - quarter) / 1.35 / np.sqrt(draws)
    assert error < 0.003
    assert 0.057 - 3 * error < median < 0.061 + 3 * error


@quiet
def test_directions_that_are_lost_have_no_exponent():
    """As many are finite as units are on when fewest are."""
    slope, recurrent = slopes(11, 40, 3, 6), rng(11).standard_normal((6, 6))
    slope[20, 1, [0, 3]] = slope[30, 1, 2] = 0.0
    exponents, errors = lyapunov_spectrum(jacobians(slope, recurrent), 5)
    assert np.isfinite(exponents[:4]).all() and np.isneginf(exponents[4:]).all()
    assert (errors[:4] > 0).all() and not errors[4:].any()
    for leading in (2, 5):
        some, _ = lyapunov_spectrum(jacobians(slope, recurrent), 5, leading)
        np.testing.assert_allclose(some, exponents[:leading], rtol=1e-12)
    # Before the counted steps a zero loses no direction.
    assert np.isfinite(lyapunov_spectrum(jacobians(slope, recurrent), 31)[0]).all()
    exponents, errors = lyapunov_spectrum(jacobians(0.0 * slope, recurrent), 0)
    assert np.isneginf(exponents).all() and not errors.any()
    # Units apart from each other: what one has lost no other brings back.
    slope = np.ones((4, 1, 3))
    slope[0, 0, 0] = slope[2, 0, 1] = 0.0
    exponents, _ = lyapunov_spectrum(jacobians(slope, np.diag([1.0, 2.0, 3.0])), 0)
    assert np.isneginf(exponents[1:]).all() and exponents[0] == pytest.approx(np.log(3), abs=1)


def test_the_standard_error_by_hand():
    """The usual formula, of the means of single units and of nets by themselves."""
    slope, recurrent = slopes(12, 12, 3, 4), np.diag([1.0, 0.5, 0.2, 0.1])[::-1]
    exponents, errors = lyapunov_spectrum(jacobians(slope[:, :, :1], np.array([[-0.7]])), 2)
    means = np.log(0.7 * slope[2:, :, 0]).mean(axis=0)
    assert exponents == pytest.approx([means.mean()], rel=1e-13)
    assert errors == pytest.approx([means.std(ddof=1) / np.sqrt(3)], rel=1e-12)
    _, errors = lyapunov_spectrum(jacobians(slope, recurrent), 2)
    alone = [
        lyapunov_spectrum(jacobians(slope[:, b : b + 1], recurrent), 2, 1)[0][0] for b in range(3)
    ]
    assert errors[0] == pytest.approx(np.std(alone, ddof=1) / np.sqrt(3), rel=1e-12)


# Both of them, and the transport


@pytest.mark.parametrize("activation", naive.NAMES)
def test_transport_lies_between_the_singular_values_and_falls_by_the_largest_exponent(activation):
    steps = 200
    net, inputs, targets = draw_batch(15, batch=1, steps=steps, radius=0.9)
    if activation == "relu":
        net["b_h"] += 1.0  # no direction is lost
    loss_mask = np.arange(steps) == steps - 1
    path = forward_pass.trace(
        rnn.Dynamics(ACTIVATIONS[activation], net), inputs, targets, loss_mask
    )
    transport = contributions.by_distance(path).log10_transport
    for distance in (1, 2, 5, 20, 100, steps - 1):
        # g_{t,t-d} has gone through the newest d Jacobians.
        values = jacobian_log10_singular_values(jacobians(path.slope, net["W_hh"]), distance)[0]
        assert values[-1] - 1e-12 <= transport[distance] <= values[0] + 1e-12
        assert values[0] - values[-1] > 0.3
    exponents, _ = lyapunov_spectrum(jacobians(path.slope, net["W_hh"]), 1, leading=1)
    # Both ends of the product lie askew, by a factor of less than e^4.
    slope = transport[-1] * LN10 / (steps - 1)
    assert slope == pytest.approx(exponents[0], abs=4 / steps)
