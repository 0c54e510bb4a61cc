"""What the gated cells share: how their gates are stacked and drawn, run and trained."""

import numpy as np

from ...numerics.population import Weights
from ..activations import ACTIVATIONS, Activation
from . import dynamics, recurrence

sigmoid = ACTIVATIONS["sigmoid"].value
sigmoid_slope = ACTIVATIONS["sigmoid"].slope
sigmoid_slope_from_value = ACTIVATIONS["sigmoid"].slope_from_value


def parts(rows: np.ndarray, count: int) -> list[np.ndarray]:
    """View the last axis of `rows` (..., count * N) as `count` parts (..., N)."""
    size = rows.shape[-1] // count
    return [rows[..., number * size : (number + 1) * size] for number in range(count)]


def by_gate(rows: np.ndarray, count: int) -> np.ndarray:
    """View rows (..., B, P, count * N) as (..., count, B, P, N)."""
    return np.moveaxis(rows.reshape(*rows.shape[:-1], count, -1, copy=False), -2, -4)


def draw_stacked(net: dict, rng, draw_recurrent, radius: float, scale: float) -> None:
    """Draw `W_hh` (k N, N), each N x N block with the exact radius, and `W_hx`, in place.

    Parameters
    ----------
    net, rng, draw_recurrent, radius, scale : as for the simple cell's `initialise`.
    """
    size = net["W_hh"].shape[1]
    for block in net["W_hh"].reshape(-1, size, size):
        block[...] = draw_recurrent(rng, size, radius)
    net["W_hx"][...] = rng.normal(0.0, scale, net["W_hx"].shape)


def chrono_bias(rng: np.random.Generator, size: int, longest: float) -> np.ndarray:
    """Draw the biases (N,) of gates that keep: ln U[1, T_max - 1], `longest` being T_max.

    Tallec and Ollivier (2018), equation 16: a gate sigmoid(ln(T - 1)) = 1 - 1/T forgets within
    about T steps, so that the units' times are spread evenly up to T_max.  The draws are from a
    stream of their own: all weights drawn from `rng` are the same with them and without.
    """
    return np.log(rng.spawn(1)[0].uniform(1.0, longest - 1.0, size))


class Recurrence(recurrence.Recurrence):
    """What the gated cells' recurrences have in common; parameters as of the simple cell's.

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
        population, height, size = weights["W_hh"].shape
        dtype, count = weights.flat.dtype, height // size
        self.activation, self.weights = activation, weights
        self.state_bound = activation.value_bound
        self.states = np.zeros((steps + 1, batch, population, size), dtype)
        self.gradient = np.zeros_like(self.states[1:])
        self.drive = np.zeros((steps, batch, population, height), dtype)
        self._drive_by_gate = by_gate(self.drive, count)
        self.gates = self.drive.reshape(self._drive_by_gate.shape, copy=False)
        # a_t, kept only where phi(a_t) does not tell the slope.
        self._keeps = activation.slope_from_value is None
        self._pre_activations = np.empty_like(self.gradient) if self._keeps else [None] * steps
        self._transposed = np.empty((population, size, height), dtype)
        self._sum = recurrence.OuterSum(steps, batch, population, height, size, dtype)
        self._rows = np.empty_like(self.drive[0])
        self._onward = recurrence.step_products(self.states[:-1], self._transposed, self._rows)
        self._buffer = np.empty_like(self.gates[0])
        self._signal, self._scratch, self._carried = np.empty((3, *self.gradient.shape[1:]), dtype)

    def _activate(self, t: int, sums: np.ndarray, out: np.ndarray) -> None:
        """Write phi(a_t) for the sums a_t of the candidates, which are kept if need be."""
        if self._keeps:
            self._pre_activations[t] = sums
        self.activation.value(sums, out=out)

    def _slope(self, value: np.ndarray, argument: np.ndarray, out: np.ndarray) -> None:
        """Write the slope of phi, from its value where that tells it."""
        if self._keeps:
            out[...] = self.activation.slope(argument)
        else:
            self.activation.slope_from_value(value, out=out)


class Dynamics(dynamics.Dynamics):
    """One net of gated cells; a cell defines `advance` and `unrolled`."""

    def unroll(self, drive: np.ndarray) -> dynamics.Unrolled:
        """Run the net over drives (T, B, A), from a state of zeros.

        Raises
        ------
        InexactError : an activation without bounds lets the states grow beyond all floats.
        """
        steps, batch, _ = drive.shape
        states = np.zeros((steps + 1, batch, self.state_size))
        with np.errstate(over="ignore", invalid="ignore"):
            for t, own in enumerate(drive):
                states[t + 1] = self.advance(states[t], own)
            finite = np.isfinite(states).all(axis=(1, 2))
            if not finite.all():
                raise dynamics.InexactError(
                    f"the states leave the floating-point numbers at step {np.argmin(finite)} of "
                    f"{steps}; such a gated net cannot be taken apart: a smaller radius or a "
                    "bounded activation, such as tanh, keeps them"
                )
            return self.unrolled(states, drive)

    def unrolled(self, states: np.ndarray, drive: np.ndarray) -> dynamics.Unrolled:
        """Return the net unrolled, given s_0 ... s_T (T+1, B, S) and drives (T, B, A)."""
        raise NotImplementedError
