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
    nearer = share[: _nearer(len(share))]
    total = nearer.sum()
    if total <= 0.0:
        return float(whole), True
    return float(whole), _moves(whole, _first_reach(nearer / total, level))


def truncation_horizon(truncation_bias: np.ndarray, level: float = 0.01) -> tuple[float, bool]:
    """Smallest K from which on the truncation bias is at most `level`, and whether it is censored.

    The bias of backpropagation truncated to the distances below K is relative, as in Aicher, Foti
    and Fox (2019), Adaptively truncating backpropagation through time to control gradient bias:
    norm(G - S_K) / norm(G) with S_K = sum over j < K of C_j.  It need not fall with K: far
    contributions may cancel at one K and not at the next.  A K is therefore counted only if every
    longer truncation keeps to the level too, so that who truncates at K or beyond never loses more.

    Parameters
    ----------
    truncation_bias : (T,), the bias at K = 0 ... T-1; at K = T it is 0 by definition.
    level : 0.01 for k01.

    Returns
    -------
    K, from 0 to T, and True where the sequence is too short to tell, by the rule of `horizon`:
    leaving out the farthest quarter of the distances moves K by more than a tenth (or one step).
    The gradient of the nearer distances is S_n, n the first of those left out, and with b the bias
    at n, the triangle inequality bounds its own bias at K from below by (bias at K - b) / (1 + b).
    The shortest K that this allows is what K is compared with: where the far contributions might
    have moved it, it is called censored.  A censored K is a lower bound.  Where no bias is defined
    (a gradient of exactly zero), (nan, False).
    """
    if np.isnan(truncation_bias).any():
        return float("nan"), False
    bias = np.append(truncation_bias, 0.0)
    nearer = _nearer(len(truncation_bias))
    whole = _last_above(bias, level)
    return float(whole), _moves(
        whole, _last_above(bias[:nearer], level * (1.0 + bias[nearer]) + bias[nearer])
    )


def _nearer(steps: int) -> int:
    """Count the distances that stay when the farthest quarter is left out."""
    return max(1, (3 * steps) // 4)


def _moves(whole: int, shorter: int) -> bool:
    """Tell whether a horizon grows with the length of the sequence."""
    return bool(whole - shorter > max(1.0, 0.1 * whole))


def _first_reach(share: np.ndarray, level: float) -> int:
    """First index whose cumulative sum reaches `level`."""
    return min(int(np.searchsorted(np.cumsum(share), level)), len(share) - 1)


def _last_above(bias: np.ndarray, level: float) -> int:
    """First index from which on no value lies above `level`; the length if the last one does."""
    above = np.flatnonzero(bias > level)
    return int(above[-1]) + 1 if len(above) else 0
