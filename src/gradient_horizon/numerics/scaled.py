"""Numbers too large or too small for a float: a mantissa and a power of two, row by row.

Over 2,000 steps a sigmoid net of radius 0.1 shrinks its gradient by thousands of decades, and a
ReLU net of radius 4 grows it as much.  Rescaling by exact powers of two loses nothing.
"""

import numpy as np

from .population import SHORTEST_SUM, pieces

LOG10_OF_2 = np.log10(2.0)
LOG10_OF_E = np.log10(np.e)
# So far may the square of a row's norm go from 1 before the row is rescaled: products of two such
# squares are still far from the ends of the floating-point numbers.
SMALLEST_SQUARE, LARGEST_SQUARE = 2.0**-200, 2.0**200


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


def squared_norms(rows: np.ndarray, exponent: np.ndarray) -> np.ndarray:
    """Squared norm of each row's mantissas, after rescaling the rows that need it.

    Parameters
    ----------
    rows : (..., N) mantissas; changed in place.
    exponent : (...) int, the row's power of two; changed so that rows * 2**exponent stays equal.

    Returns
    -------
    (...), 0 or between `SMALLEST_SQUARE` and `LARGEST_SQUARE`.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        squares = np.vecdot(rows, rows)
    if squares.size and not _moderate(squares.min(), squares.max()):
        extreme = ~_moderate(squares, squares)
        few, few_exponents = rows[extreme], exponent[extreme]
        normalise(few, few_exponents)
        rows[extreme], exponent[extreme] = few, few_exponents
        squares[extreme] = np.vecdot(few, few)
    return squares


def multiply(factor, rows, exponent, out) -> np.ndarray:
    """Write factor * rows; return the squared norms of the result as `squared_norms` does.

    Parameters
    ----------
    factor : (..., N), of a size up to 2.
    rows, exponent : (..., N) and (...) int; `exponent` is changed into the result's.
    out : (..., N), overwritten.
    """
    np.multiply(factor, rows, out=out)
    squares = np.vecdot(out, out)
    if squares.size and not _moderate(squares.min(), squares.max()):
        extreme = ~_moderate(squares, squares)
        few, few_exponents = rows[extreme], exponent[extreme]
        # Before and after: neither tiny factors nor tiny rows may lose digits in the product.
        normalise(few, few_exponents)
        few *= factor[extreme]
        normalise(few, few_exponents)
        out[extreme], exponent[extreme] = few, few_exponents
        squares[extreme] = np.vecdot(few, few)
    return squares


def _moderate(smallest, largest):
    return (smallest > SMALLEST_SQUARE) & (largest < LARGEST_SQUARE)


def log10_norm(squares: np.ndarray, exponent) -> np.ndarray:
    """log10 of norms, given the squares of their mantissas; -inf where a norm is zero."""
    with np.errstate(divide="ignore"):
        return 0.5 * LOG10_OF_E * np.log(squares) + exponent * LOG10_OF_2


def log10_sum(values: np.ndarray, exponent: np.ndarray) -> float:
    """log10 of the sum of positive numbers values * 2**exponent; -inf where it is zero."""
    rows, largest = of_one_size(values[..., None], exponent)
    with np.errstate(divide="ignore"):
        return float(np.log10(rows.sum()) + largest * LOG10_OF_2)


def of_one_size(rows, exponent, partners=None) -> tuple[np.ndarray, int]:
    """Rows (..., N) with powers of two (...) brought to one power of two: the rows, the power.

    It is that of the largest row, not counting rows of zeros or with a partner of zeros.  A row
    smaller by over 2**1000 becomes zero: it adds nothing, as in any floating-point sum.
    """
    largest = int(exponent.max())
    if exponent.min() == largest:
        return rows, largest
    alive = rows.any(axis=-1)
    if partners is not None:
        alive &= partners.any(axis=-1)
    if not alive.any():
        return np.zeros_like(rows), 0
    largest = int(exponent[alive].max())
    return np.ldexp(rows, np.minimum(exponent - largest, 0)[..., None]), largest


def outer_sum(left, left_exponent, right, right_exponent) -> tuple[np.ndarray, int]:
    """Sum over rows of left^T right, each row with its own power of two.

    Parameters
    ----------
    left, left_exponent : (..., M) and (...) int.
    right, right_exponent : (..., N) and (...) int, the same rows.

    Returns
    -------
    (M, N) and its power of two.
    """
    left, exponent = of_one_size(left, left_exponent + right_exponent, partners=right)
    height, width = left.shape[-1], right.shape[-1]
    left, right = left.reshape(-1, height), right.reshape(-1, width)
    count = pieces(len(left), height * width, SHORTEST_SUM)
    left = left.reshape(count, len(left) // count, height)
    right = right.reshape(count, len(right) // count, width)
    return np.matmul(left.swapaxes(1, 2), right).sum(axis=0), exponent


def outer_sums(left, left_exponent, right, right_exponent) -> tuple[np.ndarray, int]:
    """Sum over steps of left^T right for each sequence, each row with its own power of two.

    Parameters
    ----------
    left, left_exponent : (R, B, M) and (R, B) int.
    right, right_exponent : (R, B, N) and (R, B) int, the same rows.

    Returns
    -------
    (B, M, N) and their common power of two.
    """
    left, exponent = of_one_size(left, left_exponent + right_exponent, partners=right)
    return np.matmul(left.transpose(1, 2, 0), right.swapaxes(0, 1)), exponent


def add(one, one_exponent, other, other_exponent) -> tuple[np.ndarray, np.ndarray]:
    """Sum of two sets of rows (..., N) with powers of two (...): the sum and its powers."""
    if np.equal(one_exponent, other_exponent).all():
        return one + other, one_exponent
    # A row of zeros has no size: the power of two is the other row's.
    smallest = np.minimum(one_exponent, other_exponent)
    one_exponent = np.where(one.any(axis=-1), one_exponent, smallest)
    other_exponent = np.where(other.any(axis=-1), other_exponent, smallest)
    largest = np.maximum(one_exponent, other_exponent)
    one = np.ldexp(one, (one_exponent - largest)[..., None])
    return one + np.ldexp(other, (other_exponent - largest)[..., None]), largest
