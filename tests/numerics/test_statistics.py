"""Medians and their bootstrap intervals against resamples drawn one by one."""

import numpy as np
import pytest

from gradient_horizon.numerics.statistics import censored_median, median_interval


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


@pytest.mark.parametrize("size", [5, 10, 40])
def test_coverage_of_simulated_data(size):
    values = np.random.default_rng(3).standard_normal((4000, size))
    _, low, high = median_interval(values, 0.95, 2000)
    assert 0.93 < ((low <= 0) & (high >= 0)).mean() < 0.96


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


def drawn(rng, size):
    """Values with ties, any of them censored, the large ones mostly: a row of each."""
    values = rng.integers(0, 15, size).astype(float)
    return values, rng.random(size) < rng.uniform(0, 0.1) + 0.06 * values * rng.integers(0, 2)


def test_without_censoring_it_is_the_median_interval():
    values = np.random.default_rng(5).standard_normal((3, 4, 10))
    values[0, 0, :7], values[1, 1], values[2, 2, 1:] = np.nan, np.nan, np.inf
    *result, bound = censored_median(values, np.zeros(values.shape, bool), 0.95, 300)
    np.testing.assert_array_equal(result, median_interval(values, 0.95, 300))
    assert bound.shape == (3, 4) and bound.dtype == bool and not bound.any()


@pytest.mark.parametrize("size", [1, 2, 5, 10, 11])
def test_a_median_is_known_if_no_completion_changes_it(size):
    """Every true value lies at or above its lower bound: try none, some and all far above."""
    rng = np.random.default_rng(size)
    found = {True: 0, False: 0}
    for _ in range(150):
        values, censored = drawn(rng, size)
        median, _, _, bound = censored_median(values, censored, 0.9, 2)
        beyond = rng.integers(0, 2, (60, size)) * rng.choice([0.5, 3.0, 100.0], (60, size))
        beyond[0] = 100.0
        completed = np.median(values + censored * beyond, axis=1)
        assert median == np.median(values) and (completed >= median).all()
        assert bound == (completed != median).any()
        found[bool(bound)] += 1
    assert min(found.values()) > 15


@pytest.mark.parametrize(
    ("values", "censored", "median", "bound"),
    [
        ([10, 20, 39, 39, 39], [0, 0, 0, 1, 1], 39, False),  # the one seen is the smallest
        ([10, 20, 30, 39, 39], [0, 0, 0, 1, 1], 30, False),
        ([10, 20, 39, 39], [0, 0, 1, 1], 29.5, True),
        ([10, 20, 20, 39], [0, 0, 0, 1], 20, False),
        ([5, 7, 7, 7, 9], [1, 0, 0, 0, 0], 7, False),  # wherever the first one lies
        ([39, 39, 39], [1, 1, 1], 39, True),
        ([39, np.nan, np.nan], [1, 1, 0], 39, True),
        ([10, np.nan, np.inf], [0, 1, 1], 10, False),
        ([np.nan, np.nan], [1, 0], np.nan, False),
    ],
)
@pytest.mark.filterwarnings("error")
def test_censored_medians_by_hand(values, censored, median, bound):
    result = censored_median(values, censored, 0.9, 50)
    np.testing.assert_array_equal([result[0], result[3]], [median, bound])


@pytest.mark.parametrize("size", [5, 10])
def test_censored_intervals_are_those_of_the_smallest_and_largest_values(size):
    values, censored = (
        np.array(part)
        for part in zip(*(drawn(np.random.default_rng(i), size) for i in range(40)), strict=True)
    )
    _, low, high, _ = censored_median(values, censored, 0.9, 200)
    largest = np.where(censored, np.inf, values)
    np.testing.assert_array_equal(low, [one_by_one(row, 0.9, 200)[1] for row in values])
    np.testing.assert_array_equal(high, [one_by_one(row, 0.9, 200)[2] for row in largest])
    assert np.isinf(high).any() and np.isfinite(high).any()
