"""Intervals of proportions: published examples, the equation they solve, and what they cover."""

from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradient_horizon.numerics.intervals import difference_interval, wilson_interval

# Newcombe (1998), Two-sided confidence intervals for the single proportion, table I, method 3, and
# Interval estimation for the difference, table II, method 10; both to four decimals.
SINGLE = {
    (81, 263): (0.2553, 0.3662),
    (15, 148): (0.0624, 0.1605),
    (0, 20): (0.0, 0.1611),
    (1, 29): (0.0061, 0.1718),
}
DIFFERENCES = {
    ((56, 70), (48, 80)): (0.0524, 0.3339),
    ((9, 10), (3, 10)): (0.1705, 0.8090),
    ((5, 56), (0, 29)): (-0.0381, 0.1926),
    ((0, 10), (0, 20)): (-0.1611, 0.2775),
    ((10, 10), (0, 20)): (0.6791, 1.0),
}
COUNTS = st.integers(1, 60).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@pytest.mark.parametrize("counts", SINGLE)
def test_published_proportions(counts):
    assert wilson_interval(*counts, 0.95) == pytest.approx(SINGLE[counts], abs=5.1e-5)


@pytest.mark.parametrize("counts", DIFFERENCES)
def test_published_differences(counts):
    assert difference_interval(*counts, 0.95) == pytest.approx(DIFFERENCES[counts], abs=5.1e-5)


@given(COUNTS)
def test_the_ends_are_where_the_score_test_turns(counts):
    """Rounding alone separates the two sides: the numbers are of order 1."""
    successes, trials = counts
    rate, z = successes / trials, 1.959963984540054
    for end in wilson_interval(successes, trials, 0.95):
        assert (rate - end) ** 2 == pytest.approx(z**2 * end * (1 - end) / trials, abs=1e-12)


@given(COUNTS, COUNTS)
def test_the_other_way_round(one, other):
    low, high = difference_interval(one, other, 0.95)
    assert difference_interval(other, one, 0.95) == pytest.approx((-high, -low), abs=1e-12)
    assert low <= one[0] / one[1] - other[0] / other[1] <= high


def test_it_covers_what_it_is_said_to():
    """Exactly, over all outcomes of 20 nets: the mean coverage over rates is near 95 % (Agresti
    and Coull, 1998, put it within 1 % of that)."""
    intervals = [wilson_interval(k, 20, 0.95) for k in range(21)]
    rates = [number / 200 for number in range(1, 200)]
    covered = [
        sum(
            comb(20, k) * rate**k * (1 - rate) ** (20 - k)
            for k, (low, high) in enumerate(intervals)
            if low <= rate <= high
        )
        for rate in rates
    ]
    assert sum(covered) / len(covered) == pytest.approx(0.95, abs=0.01)


def test_of_nothing_nothing_is_known():
    assert wilson_interval(0, 0, 0.95) == (0.0, 1.0)
    assert difference_interval((0, 0), (3, 4), 0.95) == (-1.0, 1.0)
    assert difference_interval((3, 4), (0, 0), 0.95) == (-1.0, 1.0)
