"""A population of nets trained side by side: its weights, and products over all its nets at once.

Arrays over time are laid out (T, B, P, N): time first, the P nets beside each other in every row.
One time step is then one contiguous block, which NumPy's elementwise functions need to be fast,
while `by_net` views any run of steps as one matrix a net, which BLAS takes as it is.
"""

from collections.abc import Mapping

import numpy as np


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


def by_net(rows: np.ndarray) -> np.ndarray:
    """View (..., P, N) as (P, rows, N): each net's rows as one matrix, without copying."""
    return rows.reshape(-1, *rows.shape[-2:]).transpose(1, 0, 2)


def sum_of_outer_products(left: np.ndarray, right: np.ndarray, out: np.ndarray) -> None:
    """Sum over all rows of left^T right, for each net.

    Parameters
    ----------
    left : (..., P, M).
    right : (..., P, N), the same rows.
    out : (P, M, N), overwritten.
    """
    np.matmul(by_net(left).swapaxes(1, 2), by_net(right), out=out)
