"""Mantissas with powers of two against exact arithmetic in whole numbers and fractions."""

import math
from fractions import Fraction

import numpy as np
import pytest

from gradient_horizon.numerics import scaled


def exact(value, exponent):
    """A float and a power of two as a fraction."""
    return Fraction(float(value)) * Fraction(2) ** int(exponent)


def exact_rows(rows, exponents):
    return [
        [exact(value, exponent) for value in row]
        for row, exponent in zip(rows, exponents, strict=True)
    ]


def log10(fraction):
    """log10 of a positive fraction of any size."""
    shift = fraction.numerator.bit_length() - fraction.denominator.bit_length()
    return math.log10(fraction / Fraction(2) ** shift) + shift * math.log10(2)


def draw(rng, rows, size, spread):
    """Rows of very different size, some of them zero, with zeros in others."""
    values = rng.standard_normal((rows, size)) * 10.0 ** rng.uniform(-150, 150, (rows, 1))
    values[rng.random((rows, size)) < 0.2] = 0.0
    values[rng.random(rows) < 0.2] = 0.0
    return values, rng.integers(-spread, spread + 1, rows)


@pytest.mark.parametrize("seed", range(5))
def test_normalising_changes_no_number(seed):
    rows, exponents = draw(np.random.default_rng(seed), 20, 4, 10_000)
    before = exact_rows(rows, exponents)
    scaled.normalise(rows, exponents)
    assert exact_rows(rows, exponents) == before
    largest = abs(rows).max(axis=1)
    assert ((largest >= 0.5) & (largest < 1.0) | (largest == 0.0)).all()


def test_normalising_the_smallest_and_the_largest_floats():
    rows = np.array([[5e-324, 0.0], [-1.7e308, 1.0], [2.0**-1074, -(2.0**-1073)], [0.0, -0.0]])
    exponents = np.zeros(4, dtype=np.int64)
    before = exact_rows(rows, exponents)
    scaled.normalise(rows, exponents)
    assert exact_rows(rows[:, :1], exponents) == [row[:1] for row in before]
    assert rows[0, 0] == 0.5 and rows[2].tolist() == [0.25, -0.5]
    assert exponents.tolist() == [-1073, 1024, -1072, 0]
    assert not rows[3].any()


@pytest.mark.parametrize("seed", range(5))
def test_norms_of_any_size(seed):
    rng = np.random.default_rng(seed)
    rows, exponents = draw(rng, 20, 4, 100_000)
    rows_before = exact_rows(rows, exponents)
    squares = scaled.squared_norms(rows, exponents)
    assert exact_rows(rows, exponents) == rows_before
    assert ((squares == 0.0) | (abs(np.log2(np.maximum(squares, 1e-300))) < 200)).all()
    expected = [
        0.5 * log10(sum(value**2 for value in row)) if any(row) else -math.inf
        for row in exact_rows(rows, exponents)
    ]
    result = scaled.log10_norm(squares, exponents)
    np.testing.assert_allclose(result, expected, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.filterwarnings("error")
def test_products_with_tiny_factors(seed):
    rng = np.random.default_rng(seed)
    rows, exponents = draw(rng, 20, 4, 10_000)
    scaled.squared_norms(rows, exponents)
    factor = 10.0 ** rng.uniform(-290, 0, (20, 1)) * rng.random((20, 4))
    factor[rng.random((20, 4)) < 0.2] = 0.0
    before, out, product_exponents = rows.copy(), np.empty_like(rows), exponents.copy()
    squares = scaled.multiply(factor, rows, product_exponents, out)
    np.testing.assert_array_equal(rows, before)
    exact_factors = exact_rows(factor, np.zeros(20, dtype=int))
    products = zip(exact_rows(rows, exponents), exact_factors, strict=True)
    expected = [[a * b for a, b in zip(*pair, strict=True)] for pair in products]
    for row, result, square in zip(
        expected, exact_rows(out, product_exponents), squares, strict=True
    ):
        size = max(map(abs, row))
        assert all(
            abs(a - b) <= size * Fraction(2) ** -52 for a, b in zip(row, result, strict=True)
        )
        assert (square == 0.0) == (size == 0)
        assert square == 0.0 or 2.0**-200 < square < 2.0**200


@pytest.mark.parametrize("spread", [0, 40, 30_000])
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.filterwarnings("error")
def test_log10_of_a_sum(seed, spread):
    rng = np.random.default_rng(seed)
    values, exponents = rng.uniform(0.1, 10.0, 30), rng.integers(-spread, spread + 1, 30)
    values[::4] = 0.0
    expected = log10(sum(map(exact, values, exponents)))
    assert scaled.log10_sum(values, exponents) == pytest.approx(expected, rel=1e-13, abs=1e-13)
    assert scaled.log10_sum(0.0 * values, exponents) == -math.inf


@pytest.mark.parametrize("spread", [0, 5, 60, 5000])
@pytest.mark.parametrize("seed", range(4))
@pytest.mark.filterwarnings("error")
def test_sum_of_outer_products(seed, spread):
    rng = np.random.default_rng(seed)
    left, left_exponents = draw(rng, 12, 3, spread)
    right, right_exponents = draw(rng, 12, 2, spread)
    scaled.normalise(left, left_exponents)
    scaled.normalise(right, right_exponents)
    result, exponent = scaled.outer_sum(left, left_exponents, right, right_exponents)
    terms = [
        (one, other)
        for one, other in zip(
            exact_rows(left, left_exponents), exact_rows(right, right_exponents), strict=True
        )
    ]
    size = max(abs(a * b) for one, other in terms for a in one for b in other)
    for i in range(3):
        for j in range(2):
            expected = sum(one[i] * other[j] for one, other in terms)
            assert abs(exact(result[i, j], exponent) - expected) <= size * Fraction(2) ** -48


def test_rows_of_zeros_have_no_say_in_the_power():
    left, right = np.array([[0.0, 0.0], [0.5, 0.75]]), np.array([[1.0], [0.5]])
    result, exponent = scaled.outer_sum(left, np.array([9000, -3]), right, np.array([0, -4000]))
    assert result.tolist() == [[0.25], [0.375]] and exponent == -4003
    left, right = np.array([[1.0, 1.0], [0.5, 0.75]]), np.array([[0.0], [0.5]])
    result, exponent = scaled.outer_sum(left, np.array([0, -3]), right, np.array([9000, -4000]))
    assert result.tolist() == [[0.25], [0.375]] and exponent == -4003
    result, _ = scaled.outer_sum(left[:1], np.array([9000]), right[:1], np.array([0]))
    assert result.tolist() == [[0.0], [0.0]]


@pytest.mark.parametrize("spread", [0, 40, 3000])
@pytest.mark.parametrize("seed", range(4))
@pytest.mark.filterwarnings("error")
def test_sums_of_rows(seed, spread):
    rng = np.random.default_rng(seed)
    one, other = (draw(rng, 30, 3, spread) for _ in range(2))
    for part in (one, other):
        scaled.normalise(*part)
    result, exponents = scaled.add(*one, *other)
    rows = zip(exact_rows(*one), exact_rows(*other), exact_rows(result, exponents), strict=True)
    for first, second, total in rows:
        size = max(abs(value) for value in (*first, *second))
        for a, b, c in zip(first, second, total, strict=True):
            assert abs(c - (a + b)) <= size * Fraction(2) ** -52


@pytest.mark.parametrize(("one", "other"), [(0, -9000), (-9000, 0), (9000, -9000), (5, 5)])
def test_adding_nothing_keeps_the_other_number(one, other):
    zero, row = np.zeros(2), np.array([0.5, -0.25])
    for result, exponent in (
        scaled.add(zero, one, row, other),
        scaled.add(row, other, zero, one),
    ):
        np.testing.assert_array_equal(result, row)
        assert exponent == other
    result, _ = scaled.add(zero, one, zero, other)
    assert not result.any()
