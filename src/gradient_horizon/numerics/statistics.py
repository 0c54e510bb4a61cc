"""Medians over seeds with bootstrap confidence intervals, also of values that are lower bounds."""

import numpy as np


def median_interval(
    values: np.ndarray, confidence: float, resamples: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Median over the last axis with a percentile bootstrap interval (Efron, 1979).

    Parameters
    ----------
    values : (..., P), one value a seed; nan or infinite where a seed has none.
    confidence : such as 0.95.
    resamples : how often the seeds are drawn again.

    Returns
    -------
    median, low and high, each (...).  Where a seed has no finite value, they are taken over the
    seeds that have one; they are nan if none has, the interval also if only one has.  The seeds
    are resampled alike for all rows, with a fixed generator: equal values, equal intervals.
    """
    values = np.asarray(values, dtype=np.float64)
    return _medians(np.where(np.isfinite(values), values, np.nan), confidence, resamples)


def censored_median(
    values: np.ndarray, censored: np.ndarray, confidence: float, resamples: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Median over the last axis of values some of which are lower bounds (right-censored).

    Nothing is assumed of what lies beyond a bound.  The median of the true values is at least that
    of the values as they stand, and at most that with every censored value put to infinity
    (worst-case bounds: Manski, 2003, Partial identification of probability distributions).  Where
    the two agree the median is known, and Kaplan and Meier's (1958) is the same.  Where they
    differ, theirs lies between them; but it takes what is censored to be independent of what is
    measured, and horizons are censored just where the signal still reaches the sequence's end.

    Parameters
    ----------
    values : (..., P), one value a seed; nan or infinite where a seed has none.
    censored : (..., P) bool, True where the value is a lower bound.
    confidence : such as 0.95.
    resamples : how often the seeds are drawn again.

    Returns
    -------
    median, low, high and `bound`, each (...).  `bound` is True where the median is but a lower
    bound itself.  `low` is the lower end of the interval of the smallest possible median and
    `high` the upper end of that of the largest (as Imbens and Manski, 2004): together they cover
    the median at least as often as `median_interval`, whatever the true values.  `high` is
    infinite where the censored seeds leave the interval open.  Without censored values this is
    `median_interval`, whose rules on seeds without a value and on resampling hold.
    """
    values, censored = np.asarray(values, dtype=np.float64), np.asarray(censored, dtype=bool)
    smallest = np.where(np.isfinite(values), values, np.nan)
    largest = np.where(censored & np.isfinite(values), np.inf, smallest)
    median, low, _ = _medians(smallest, confidence, resamples)
    highest, _, high = _medians(largest, confidence, resamples)
    return median, low, high, highest > median


def _medians(values: np.ndarray, confidence: float, resamples: int) -> tuple[np.ndarray, ...]:
    """Median and interval over the last axis of values above -inf, nan left out."""
    flat = values.reshape(-1, values.shape[-1])
    median, low, high = (np.full(len(flat), np.nan) for _ in range(3))
    counts = flat.shape[1] - np.isnan(flat).sum(axis=1)
    ordered = np.sort(flat, axis=1)
    for count in np.unique(counts[counts > 0]):
        rows = counts == count
        kept = ordered[rows, :count]
        median[rows] = np.median(kept, axis=1)
        if count > 1:
            low[rows], high[rows] = _interval(kept, confidence, resamples)
    return tuple(part.reshape(values.shape[:-1]) for part in (median, low, high))


def _interval(ordered: np.ndarray, confidence: float, resamples: int):
    """Percentile bootstrap of the median of rows in ascending order, (R, P).

    The median of a resample is that of its ranks, whatever the values: so the seeds are drawn
    once for all rows, and only the few pairs of middle ranks that occur are looked at.
    """
    size = ordered.shape[1]
    ranks = np.sort(np.random.default_rng(0).integers(0, size, (resamples, size)), axis=1)
    middle = ranks[:, [(size - 1) // 2, size // 2]]
    pairs, times = np.unique(middle, axis=0, return_counts=True)
    medians = ordered[:, pairs].mean(axis=2)
    order = np.argsort(medians, axis=1, kind="stable")
    medians = np.take_along_axis(medians, order, axis=1)
    reached = np.cumsum(times[order], axis=1) / resamples
    tail = (1.0 - confidence) / 2.0
    rows = np.arange(len(ordered))
    return [medians[rows, (reached >= level).argmax(axis=1)] for level in (tail, 1.0 - tail)]
