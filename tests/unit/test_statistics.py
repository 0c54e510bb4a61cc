"""Bootstrap intervals of medians against drawing the resamples one by one, and SciPy."""

import numpy as np
import pytest
import scipy.stats
from gradient_horizon.statistics import median_interval


def one_by_one(values, confidence, resamples):
    """Draw seeds with the library's generator, take medians, sort them, count from both ends."""
    rng = np.random.default_rng(0)
    chosen = rng.integers(0, len(values), (resamples, len(values)))
    # Indices refer to the seeds in ascending order of their values.
    medians = sorted(float(np.median(np.sort(values)[row])) for row in chosen)
    tail = (1 - confidence) / 2
    low = next(m for i, m in enumerate(medians) if (i + 1) / resamples >= tail)
    high = next(m for i, m in enumerate(medians) if (i + 1) / resamples >= 1 - tail)
    return float(np.median(values)), low, high


@pytest.mark.parametrize("size", [2, 3, 4, 5, 10, 11])
@pytest.mark.parametrize("confidence", [0.5, 0.9, 0.95])
@pytest.mark.parametrize("resamples", [100, 777])
def test_intervals_are_those_of_the_resamples(size, confidence, resamples):
    values = np.random.default_rng(size).exponential(size=(3, size))
    result = np.array(median_interval(values, confidence, resamples))
    expected = np.transpose([one_by_one(row, confidence, resamples) for row in values])
    np.testing.assert_allclose(result, expected, rtol=1e-15)


@pytest.mark.parametrize("size", [7, 10])
def test_intervals_are_near_those_of_scipy(size):
    values = np.random.default_rng(1).standard_normal(size)
    _, low, high = median_interval(values, 0.9, 5000)
    other = scipy.stats.bootstrap(
        (values,),
        np.median,
        confidence_level=0.9,
        n_resamples=5000,
        method="percentile",
        rng=np.random.default_rng(2),
    ).confidence_interval
    spread = np.ptp(values)
    assert low == pytest.approx(other.low, abs=0.05 * spread)
    assert high == pytest.approx(other.high, abs=0.05 * spread)


@pytest.mark.parametrize("size", [5, 10, 40])
def test_coverage_of_simulated_data(size):
    values = np.random.default_rng(3).standard_normal((4000, size))
    _, low, high = median_interval(values, 0.95, 2000)
    assert 0.93 < ((low <= 0) & (high >= 0)).mean() < 0.96


def test_three_seeds_cannot_cover_more_than_their_range_does():
    """The median is outside of the range of three draws with probability 2 / 2^3."""
    values = np.random.default_rng(3).standard_normal((4000, 3))
    _, low, high = median_interval(values, 0.95, 2000)
    np.testing.assert_array_equal((low, high), (values.min(axis=1), values.max(axis=1)))
    assert ((low <= 0) & (high >= 0)).mean() == pytest.approx(0.75, abs=0.03)


@pytest.mark.parametrize("nothing", [np.nan, np.inf, -np.inf])
def test_seeds_without_a_value_are_left_out(nothing):
    values = np.array([3.0, nothing, 1.0, 7.0, nothing, 2.0])
    result = median_interval(values, 0.9, 500)
    expected = median_interval(values[np.isfinite(values)], 0.9, 500)
    assert result == expected and result[0] == 2.5


@pytest.mark.filterwarnings("error")
def test_rows_with_one_value_or_none():
    values = np.array([[np.nan, 4.0, np.nan], [np.nan] * 3, [1.0, 2.0, 3.0]])
    median, low, high = median_interval(values, 0.95, 200)
    np.testing.assert_array_equal(median, [4.0, np.nan, 2.0])
    np.testing.assert_array_equal(np.isnan(low), [True, True, False])
    np.testing.assert_array_equal(np.isnan(high), [True, True, False])


def test_shapes_order_and_repetition():
    values = np.random.default_rng(4).standard_normal((2, 3, 9))
    first = median_interval(values, 0.95, 300)
    for part in first:
        assert part.shape == (2, 3)
    assert ((first[1] <= first[0]) & (first[0] <= first[2])).all()
    mixed = median_interval(values[:, :, ::-1], 0.95, 300)
    alone = median_interval(values[1, 2], 0.95, 300)
    for part, other, single in zip(first, mixed, alone, strict=True):
        np.testing.assert_array_equal(part, other)
        assert part[1, 2] == single
    constant = median_interval(np.full((1, 5), 0.3), 0.95, 300)
    assert [float(part[0]) for part in constant] == [0.3, 0.3, 0.3]
