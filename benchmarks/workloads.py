"""What is timed: networks of several shapes, with random weights and data.

h_t = tanh(W_hh h_{t-1} + W_hx x_t + b_h), x_t a row of a trained embedding; soft-max read-out and
cross-entropy at every step; P nets side by side, each on its own data.  A training step is the
loss, its gradient, a clip by each net's global norm and a step of gradient descent, for all P.
"""

from dataclasses import dataclass

import numpy as np

LEARNING_RATE, LARGEST_NORM = 0.1, 1.0


@dataclass(frozen=True)
class Workload:
    """P nets of N units, D wide embeddings, V words, T steps and B sequences."""

    name: str
    population: int
    size: int
    width: int
    words: int
    steps: int
    batch: int

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Shapes of one net's weights."""
        return {
            "W_hh": (self.size, self.size),
            "W_hx": (self.size, self.width),
            "b_h": (self.size,),
            "W_s": (self.words, self.size),
            "b_s": (self.words,),
            "embedding": (self.words, self.width),
        }

    def training_operations(self) -> float:
        """Additions and multiplications of the matrix products in a training step.

        Those of the workload as it is written, whatever a contestant makes of it: the products
        with W_hh, W_s and W_hx at every step, each once forward and twice back.
        """
        products = self.size**2 + self.size * self.words + self.size * self.width
        return 6.0 * self.population * self.steps * self.batch * products

    def decomposition_operations(self) -> float:
        """Those of the decomposition: for every pair k <= t a step back and an outer product."""
        pairs = self.steps * (self.steps + 1) / 2 * self.batch
        return 2.0 * self.population * pairs * 2 * self.size**2


TRAINING = [
    Workload("A", 8, 64, 32, 64, 50, 32),
    Workload("A-1k", 8, 64, 32, 1000, 50, 32),
    Workload("A-large", 8, 128, 32, 64, 100, 64),
    Workload("A-tiny", 16, 32, 32, 64, 30, 16),
]
DECOMPOSITION = [
    Workload("D50", 1, 64, 32, 64, 50, 32),
    Workload("D200", 1, 64, 32, 64, 200, 32),
]


def draw(workload: Workload) -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray]:
    """Draw weights by name (P, ...) in float64, and inputs and targets (T, B, P)."""
    rng = np.random.default_rng(0)
    weights = {
        name: rng.standard_normal((workload.population, *shape)) / np.sqrt(shape[-1])
        for name, shape in workload.shapes().items()
    }
    symbols = (workload.steps, workload.batch, workload.population)
    inputs, targets = rng.integers(0, workload.words, (2, *symbols))
    return weights, inputs, targets
