"""What training in chunks keeps: the state is carried from chunk to chunk, and the signal is not.

An error at place p of its chunk goes back p steps and no farther.  Averaged over where chunks of k
steps may begin, a contribution from distance d is kept in k - d of k cases, and the gradient is

    sum over d < k of (1 - d/k) C_d = (S_1 + ... + S_k) / k,    S_j = C_0 + ... + C_{j-1},

which is less than S_k, what is kept where every error goes back k steps.
"""

import numpy as np

from ...numerics import scaled
from ..distance_sum import DistanceSum, Term


class ChunkedSum(DistanceSum):
    """A sum over distances that keeps the sum of its partial sums, too."""

    def __init__(self, gradient: np.ndarray, exponent: int = 0):
        super().__init__(gradient, exponent)
        self.partial, self.partial_exponent = np.zeros(gradient.size), 0
        self.missing: list[float] = []

    def add(self, term: Term) -> None:
        """Take C_d in."""
        super().add(term)
        self.partial, self.partial_exponent = scaled.add(
            self.partial, self.partial_exponent, self.total, self.total_exponent
        )
        whole = -(len(self.missing) + 1.0) * self.gradient
        rest, exponent = scaled.add(self.partial, self.partial_exponent, whole, self.exponent)
        self.missing.append(float(scaled.log10_norm(np.vdot(rest, rest), exponent)))

    def chunk_bias(self) -> np.ndarray:
        """Return norm(G - (S_1 + ... + S_k) / k) / norm(G) for k = 1 ... D."""
        k = np.arange(1, len(self.missing) + 1)
        with np.errstate(invalid="ignore"):  # a gradient of exactly zero has nothing to lose
            size = scaled.log10_norm(self.squared_gradient, self.exponent)
            return 10.0 ** (np.array(self.missing) - size) / k
