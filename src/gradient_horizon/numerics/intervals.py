"""Proportions of nets, such as a rate of success, with intervals that hold for few nets too."""

from math import sqrt
from statistics import NormalDist


def wilson_interval(successes: int, trials: int, confidence: float) -> tuple[float, float]:
    """Interval of a proportion by the score test (Wilson, 1927).

    Parameters
    ----------
    successes, trials : counts.
    confidence : such as 0.95.

    Returns
    -------
    low and high: the proportions that the score test does not reject, (p - q)^2 = z^2 q (1 - q) / n
    at both ends.  Of no trials everything from 0 to 1.
    """
    if trials == 0:
        return 0.0, 1.0
    z = NormalDist().inv_cdf((1.0 + confidence) / 2.0)
    rate = successes / trials
    centre = rate + z**2 / (2 * trials)
    half = z * sqrt(rate * (1.0 - rate) / trials + z**2 / (4 * trials**2))
    scale = 1.0 + z**2 / trials
    # At the ends the two terms are equal but for rounding.
    low = 0.0 if successes == 0 else (centre - half) / scale
    high = 1.0 if successes == trials else (centre + half) / scale
    return low, high


def difference_interval(
    one: tuple[int, int], other: tuple[int, int], confidence: float
) -> tuple[float, float]:
    """Interval of the difference of two proportions of different nets.

    Parameters
    ----------
    one, other : successes and trials of each.
    confidence : such as 0.95.

    Returns
    -------
    low and high of the first less the second, put together from the two Wilson intervals
    (Newcombe, 1998, Interval estimation for the difference between independent proportions,
    method 10).  Of no trials on either side everything from -1 to 1.
    """
    if not (one[1] and other[1]):
        return -1.0, 1.0
    (first, second) = (successes / trials for successes, trials in (one, other))
    (first_low, first_high), (second_low, second_high) = (
        wilson_interval(*counts, confidence) for counts in (one, other)
    )
    below = sqrt((first - first_low) ** 2 + (second_high - second) ** 2)
    above = sqrt((first_high - first) ** 2 + (second - second_low) ** 2)
    return first - second - below, first - second + above
