"""The input side of a population: symbols, words or vectors turned into the drive W_hx x_t + b_h.

Integer inputs are one-hot, or rows of a trained embedding where the weights have one.  Either way
there are only V_in different drives, so they are computed once a step and then looked up.  Float
inputs are vectors, taken as they are.  A cell without b_h reads W_hx x_t.
"""

import numpy as np

from ..numerics.population import LONGEST_SUM, Weights, by_net, outer_products, product, runs

# So few symbols are added up faster by a product with one-hot vectors than by a sparse one.
FEW_SYMBOLS = 8


class SymbolInputs:
    """Drive and gradient for integer inputs.

    Parameters
    ----------
    weights : the population's; `W_hx` (P, N, D) and, if they are there, `b_h` (P, N) and
        `embedding` (P, V_in, D) are used.  Without an embedding V_in = D.
    """

    def __init__(self, weights: Weights):
        population, size, width = weights["W_hx"].shape
        self.weights = weights
        self.embedded = "embedding" in weights
        self.symbols = weights["embedding"].shape[1] if self.embedded else width
        self._table = np.empty((population, self.symbols, size), weights.flat.dtype)
        self._first_row = np.arange(population) * self.symbols

    def drive(self, symbols: np.ndarray, out: np.ndarray) -> None:
        """Write W_hx x_t + b_h into `out` (T, B, P, N) for symbols (T, B, P)."""
        columns = self.weights["W_hx"].swapaxes(1, 2)
        if self.embedded:
            np.matmul(self.weights["embedding"], columns, out=self._table)
        else:
            self._table[...] = columns
        if "b_h" in self.weights:
            self._table += self.weights["b_h"][:, None, :]
        rows = self._table.reshape(-1, self._table.shape[2])
        np.take(rows, symbols + self._first_row, axis=0, out=out, mode="clip")

    def gradient(self, symbols: np.ndarray, delta: np.ndarray, slopes: Weights) -> None:
        """Write the gradients of `W_hx`, `b_h` and `embedding`, given delta (T, B, P, N)."""
        add_up = self._add_up_few if self.symbols <= FEW_SYMBOLS else self._add_up_many
        summed = add_up(symbols, delta)
        if "b_h" in self.weights:
            slopes["b_h"][...] = summed.sum(axis=1)
        flipped = summed.swapaxes(1, 2)
        if self.embedded:
            np.matmul(flipped, self.weights["embedding"], out=slopes["W_hx"])
            np.matmul(summed, self.weights["W_hx"], out=slopes["embedding"])
        else:
            slopes["W_hx"][...] = flipped

    def _add_up_few(self, symbols: np.ndarray, delta: np.ndarray) -> np.ndarray:
        """Add delta up by symbol, (P, V_in, N), as a product with one-hot vectors."""
        one_hot = by_net(symbols[..., None]).swapaxes(1, 2) == np.arange(self.symbols)[:, None]
        return np.matmul(one_hot.astype(delta.dtype), by_net(delta))

    def _add_up_many(self, symbols: np.ndarray, delta: np.ndarray) -> np.ndarray:
        """Add delta up by symbol, (P, V_in, N), as a sparse product: one non-zero a column."""
        # Not above: it takes a tenth of a second, which nets of few symbols do without.
        from scipy.sparse import csc_array

        population, _, size = self._table.shape
        rows = (symbols + self._first_row).reshape(-1)
        ones = np.ones(len(rows), delta.dtype)
        pick = csc_array(
            (ones, rows, np.arange(len(rows) + 1)), shape=(population * self.symbols, len(rows))
        )
        return (pick @ delta.reshape(-1, size)).reshape(self._table.shape)


class VectorInputs:
    """Drive and gradient for inputs that are vectors of numbers.

    Parameters
    ----------
    weights : the population's; `W_hx` (P, N, D) and, if it is there, `b_h` (P, N) are used.
    """

    def __init__(self, weights: Weights):
        population, size, width = weights["W_hx"].shape
        self.weights = weights
        # The bias is the weight of one more input, which is always 1.
        self._columns = np.zeros((population, width + 1, size), weights.flat.dtype)
        self._slope = np.empty((population, size, width + 1), weights.flat.dtype)
        self._term = np.empty_like(self._slope)

    def drive(self, vectors: np.ndarray, out: np.ndarray) -> None:
        """Write W_hx x_t + b_h into `out` (T, B, P, N) for vectors (T, B, P, D)."""
        self._columns[:, :-1] = self.weights["W_hx"].swapaxes(1, 2)
        if "b_h" in self.weights:
            self._columns[:, -1] = self.weights["b_h"]
        product(by_net(self._extended(vectors)), self._columns, out=by_net(out))

    def gradient(self, vectors: np.ndarray, delta: np.ndarray, slopes: Weights) -> None:
        """Write the gradients of `W_hx` and `b_h`, given delta (T, B, P, N)."""
        steps, batch = vectors.shape[:2]
        extended = self._extended(vectors)
        self._slope[...] = 0.0
        for run in runs(range(steps), max(1, LONGEST_SUM // batch)):
            outer_products(by_net(delta[run]), by_net(extended[run]), out=self._term)
            self._slope += self._term
        slopes["W_hx"][...] = self._slope[..., :-1]
        if "b_h" in self.weights:
            slopes["b_h"][...] = self._slope[..., -1]

    def _extended(self, vectors: np.ndarray) -> np.ndarray:
        """Return the vectors in the weights' precision, each with a 1 at its end."""
        extended = np.ones((*vectors.shape[:-1], vectors.shape[-1] + 1), self._columns.dtype)
        extended[..., :-1] = vectors
        return extended


def kind(values: np.ndarray) -> type[SymbolInputs] | type[VectorInputs]:
    """Return what reads such inputs: integers are symbols, floats make up vectors."""
    return VectorInputs if values.dtype.kind == "f" else SymbolInputs
