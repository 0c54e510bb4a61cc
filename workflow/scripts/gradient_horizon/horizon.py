"""The horizon: the distance within which nearly all of the gradient arises."""

import numpy as np


def horizon(share: np.ndarray, level: float = 0.99) -> tuple[float, bool]:
    """Smallest distance D whose cumulative share reaches `level`, and whether it is censored.

    Parameters
    ----------
    share : (T,), the share of every distance; sums to 1.
    level : 0.99 for h99.

    Returns
    -------
    D, and True where the sequence is too short to tell: the shares add up to 1 over the distances
    that the sequence has, so a signal that reaches farther shows as a horizon that moves with the
    length.  It is called censored if leaving out the farthest quarter of the distances moves it
    by more than a tenth (or one step).  A censored horizon is a lower bound.  Where no share is
    defined (a gradient of exactly zero), (nan, False).
    """
    if not np.isfinite(share).all():
        return float("nan"), False
    whole = _first_reach(share, level)
    nearer = share[: max(1, (3 * len(share)) // 4)]
    total = nearer.sum()
    if total <= 0.0:
        return float(whole), True
    moved = whole - _first_reach(nearer / total, level)
    return float(whole), bool(moved > max(1.0, 0.1 * whole))


def _first_reach(share: np.ndarray, level: float) -> int:
    """First index whose cumulative sum reaches `level`."""
    return min(int(np.searchsorted(np.cumsum(share), level)), len(share) - 1)
