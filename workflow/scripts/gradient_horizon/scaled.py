"""Numbers too large or too small for a float: a mantissa and a power of two, row by row.

Over 2,000 steps a sigmoid net of radius 0.1 shrinks its gradient by thousands of decades, and a
ReLU net of radius 4 grows it as much.  Rescaling by exact powers of two loses nothing.
"""

import numpy as np

LOG10_OF_2 = np.log10(2.0)


def normalise(rows: np.ndarray, exponent: np.ndarray) -> None:
    """Bring the largest entry of every row into [1/2, 1), in place.

    Parameters
    ----------
    rows : (..., N) mantissas.
    exponent : (...) int, the row's power of two; changed so that rows * 2**exponent stays equal.
    """
    shift = np.frexp(np.maximum(rows.max(axis=-1), -rows.min(axis=-1)))[1]
    np.ldexp(rows, -shift[..., None], out=rows)
    exponent += shift


def log10_norm(rows: np.ndarray, exponent: np.ndarray) -> np.ndarray:
    """log10 of the Euclidean norm of each row; -inf where a row is zero."""
    with np.errstate(divide="ignore"):
        return 0.5 * np.log10(np.vecdot(rows, rows)) + exponent * LOG10_OF_2


def outer_sum(left, left_exponent, right, right_exponent) -> tuple[np.ndarray, int]:
    """Sum over rows of left^T right, each row with its own power of two.

    Parameters
    ----------
    left, left_exponent : (R, M) and (R,) int.
    right, right_exponent : (R, N) and (R,) int.

    Returns
    -------
    (M, N) and its power of two.  A row smaller than the largest by over 2**1000 adds nothing,
    as in any floating-point sum.
    """
    exponent = left_exponent + right_exponent
    alive = (left != 0.0).any(axis=-1) & (right != 0.0).any(axis=-1)
    if not alive.any():
        return np.zeros((left.shape[1], right.shape[1])), 0
    largest = int(exponent[alive].max())
    weight = np.ldexp(1.0, np.minimum(exponent - largest, 0))
    return (left * weight[:, None]).T @ right, largest


def add(one, one_exponent, other, other_exponent) -> tuple[np.ndarray, np.ndarray]:
    """Sum of two sets of rows (..., N) with powers of two (...): the sum and its powers."""
    # A row of zeros has no size: the power of two is the other row's.
    smallest = np.minimum(one_exponent, other_exponent)
    one_exponent = np.where(one.any(axis=-1), one_exponent, smallest)
    other_exponent = np.where(other.any(axis=-1), other_exponent, smallest)
    largest = np.maximum(one_exponent, other_exponent)
    one = np.ldexp(one, (one_exponent - largest)[..., None])
    return one + np.ldexp(other, (other_exponent - largest)[..., None]), largest
