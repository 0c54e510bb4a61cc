"""What the gated cells share: how their gates are stacked and drawn, run and trained."""

import numpy as np

from ...numerics.population import Weights
from ..activation_functions import (  # noqa: F401  for the gated cells
    sigmoid,
    sigmoid_slope,
    sigmoid_slope_from_value,
)
from ..activations import Activation
from . import recurrence


def parts(rows: np.ndarray, count: int) -> list[np.ndarray]:
    """View the last axis of `rows` (..., count * N) as `count` parts (..., N)."""
    size = rows.shape[-1] // count
    return [rows[..., number * size : (number + 1) * size] for number in range(count)]


def by_gate(rows: np.ndarray, count: int) -> np.ndarray:
    """View rows (..., B, P, count * N) as (..., count, B, P, N)."""
    return np.moveaxis(rows.reshape(*rows.shape[:-1], count, -1, copy=False), -2, -4)


def chrono_bias(rng: np.random.Generator, size: int, longest: float) -> np.ndarray:
    """Draw the biases (N,) of gates that keep: ln U[1, T_max - 1], `longest` being T_max.

    Tallec and Ollivier (2018), equation 16: a gate sigmoid(ln(T - 1)) = 1 - 1/T forgets within
    about T steps, so that the units' times are spread evenly up to T_max.  The draws are from a
    stream of their own: all weights drawn from `rng` are the same with them and without.
    """
    return np.log(rng.spawn(1)[0].uniform(1.0, longest - 1.0, size))


class Recurrence(recurrence.MatrixRecurrence):
    """What the gated cells' recurrences have in common.

    NumPy's functions are two to three times as fast on a gate's numbers beside each other as on
    columns of the stacked rows.  So the memory of `drive` holds rows only outside: `forward` copies
    each step's gate by gate into `_buffer` and leaves the gates' values in their place, also gate
    by gate, and `backward` puts rows there again.

    Attributes
    ----------
    gates : (T, k, B, P, N), the values of the k gates from `forward` to `backward`.
    """

    def __init__(
        self, activation: Activation, steps: int, batch: int, weights: Weights, options: dict
    ):
        super().__init__(activation, steps, batch, weights, options)
        _, height, size = weights["W_hh"].shape
        self._drive_by_gate = by_gate(self.drive, height // size)
        self.gates = self.drive.reshape(self._drive_by_gate.shape, copy=False)
        # a_t, kept only where phi(a_t) does not tell the slope.
        self._keeps = activation.slope_from_value is None
        self._pre_activations = np.empty_like(self.gradient) if self._keeps else [None] * steps
        self._buffer = np.empty_like(self.gates[0])
        self._carried = np.empty_like(self._scratch)

    def _activate(self, t: int, sums: np.ndarray, out: np.ndarray) -> None:
        """Write phi(a_t) for the sums a_t of the candidates, which are kept if need be."""
        if self._keeps:
            self._pre_activations[t] = sums
        self.activation.value(sums, out=out)

    def _slope_of(self, value: np.ndarray, argument: np.ndarray, out: np.ndarray) -> None:
        """Write the slope of phi, from its value where that tells it."""
        if self._keeps:
            out[...] = self.activation.slope(argument)
        else:
            self.activation.slope_from_value(value, out=out)
