"""Medians over seeds with bootstrap confidence intervals."""

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
    flat = values.reshape(-1, values.shape[-1])
    median, low, high = (np.full(len(flat), np.nan) for _ in range(3))
    counts = np.isfinite(flat).sum(axis=1)
    ordered = np.sort(np.where(np.isfinite(flat), flat, np.inf), axis=1)
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
