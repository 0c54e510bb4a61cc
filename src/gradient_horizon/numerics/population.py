"""A population of nets trained side by side: its weights, and products over all its nets at once.

Arrays over time are laid out (T, B, P, N): time first, the P nets beside each other in every row.
One time step is then one contiguous block, which NumPy's elementwise functions need to be fast,
while `by_net` views any run of steps as one matrix a net, which BLAS takes as it is.
"""

from collections.abc import Callable, Mapping
from functools import partial
from itertools import pairwise

import numpy as np

# Up to so many multiplications OpenBLAS goes without copying the matrices first, which makes small
# products up to a quarter faster.
SMALL_PRODUCT = 1_000_000
SHORTEST_PIECE = 8
# A piece of a sum writes a whole matrix, which shorter ones spend most of their time with.
SHORTEST_SUM = 64
# A sum of outer products over more rows leaves the cache.
LONGEST_SUM = 128
PAGE = 4096  # bytes


class Weights:
    """The weights of P nets: named views into one buffer.

    Parameters
    ----------
    shapes : the shape of every array of one net, by name.
    population : P.
    dtype : float32 or float64.

    Attributes
    ----------
    flat : (P, M), everything; clipping and updating work on it.
    """

    def __init__(self, shapes: Mapping[str, tuple[int, ...]], population: int, dtype):
        sizes = [int(np.prod(shape)) for shape in shapes.values()]
        self.flat = np.zeros((population, sum(sizes)), dtype)
        ends = np.cumsum(sizes)
        self._views = {
            name: self.flat[:, end - size : end].reshape(population, *shape)
            for (name, shape), size, end in zip(shapes.items(), sizes, ends, strict=True)
        }

    def __getitem__(self, name: str) -> np.ndarray:
        """Return the array `name` of all nets, (P, ...)."""
        return self._views[name]

    def __contains__(self, name: str) -> bool:
        """Tell whether there is an array of that name."""
        return name in self._views

    def names(self) -> list[str]:
        """Return the names of the arrays."""
        return list(self._views)

    def zeros_like(self) -> "Weights":
        """Return zeros of the same shapes, such as for a gradient."""
        shapes = {name: view.shape[1:] for name, view in self._views.items()}
        return Weights(shapes, len(self.flat), self.flat.dtype)


def by_net(rows: np.ndarray) -> np.ndarray:
    """View (..., P, N) as (P, rows, N): each net's rows as one matrix, without copying."""
    return rows.reshape(-1, *rows.shape[-2:]).transpose(1, 0, 2)


def product(left: np.ndarray, right: np.ndarray, out: np.ndarray) -> None:
    """Write left @ right for each net, the rows of `left` in pieces small enough for BLAS.

    Parameters
    ----------
    left : (P, R, M), as `by_net` gives it.
    right : (P, M, N).
    out : (P, R, N), overwritten.
    """
    prepared_product(left, right, out)()


def prepared_product(left: np.ndarray, right: np.ndarray, out: np.ndarray) -> Callable:
    """Return a function that does the `product` of these arrays: for one that is done again.

    To cut the arrays takes half as long as to multiply those of one time step of small nets.
    """
    population, rows, width = left.shape
    count = pieces(rows, right.shape[1] * right.shape[2])
    cut = population, count, rows // count
    out = out.reshape(*cut, right.shape[2], copy=False)
    return partial(np.matmul, left.reshape(*cut, width, copy=False), right[:, None], out=out)


def outer_products(left: np.ndarray, right: np.ndarray, out: np.ndarray) -> None:
    """Write the sum over rows of left^T right for each net, its columns in such pieces.

    Parameters
    ----------
    left : (P, R, M), as `by_net` gives it; best `LONGEST_SUM` rows at the most.
    right : (P, R, N).
    out : (P, M, N), overwritten.
    """
    columns = right.shape[2]
    count = pieces(columns, left.shape[1] * left.shape[2])
    right, out = (
        part.reshape(*part.shape[:2], count, columns // count).swapaxes(1, 2)
        for part in (right, out)
    )
    np.matmul(left.swapaxes(1, 2)[:, None], right, out=out)


def gathered(rows: np.ndarray, buffer: np.ndarray) -> np.ndarray:
    """Return (P, R, N) with each net's rows one after the other, copied only where it pays.

    Rows that lie a page of memory apart leave the cache before a sum over them is done.
    """
    if rows.strides[1] < PAGE:
        return rows
    copy = buffer[: rows.size].reshape(rows.shape)
    np.copyto(copy, rows)
    return copy


def runs(steps: range, longest: int) -> list[slice]:
    """Cut consecutive steps into as few runs as it takes, none longer than `longest`."""
    count = -(-len(steps) // longest)
    ends = [steps.start + len(steps) * number // max(count, 1) for number in range(count + 1)]
    return [slice(*pair) for pair in pairwise(ends)]


def pieces(length: int, operations: int, shortest: int = SHORTEST_PIECE) -> int:
    """The fewest equal pieces, of so many operations for each unit of length, that are small.

    One piece where none of at least the shortest length is: BLAS's way for large products is better
    than many tiny ones.
    """
    longest = SMALL_PRODUCT // max(operations, 1)
    for count in range(1, length // shortest + 1):
        if length % count == 0 and length // count <= longest:
            return count
    return 1
