"""A cell that tells one step and its derivative: trained, and taken apart, by these alone."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ..activations import Activation
from . import dynamics, recurrence

# The step finds these in its drive.
DRIVE = ("W_hx", "b_h")


@dataclass(frozen=True)
class Net:
    """What a step reads beside state and drive.

    Attributes
    ----------
    phi : the activation: `phi.value(a)` and `phi.slope(a)`.
    weights : by name, all but those in the drive: matrices (M, N) and vectors (N,) of one net, or
        (P, M, N) and (P, 1, N) of a population, which go with states (P, B, S).
    options : the configuration's `model`.
    """

    phi: Activation
    weights: Mapping[str, np.ndarray]
    options: Mapping


class Recurrence(recurrence.Recurrence):
    """The recurrence of a population of nets of any cell, and its gradient.

    Parameters
    ----------
    cell : tells the step and its derivative.
    activation, steps, batch, weights, options : as of `recurrence.MatrixRecurrence`.
    """

    def __init__(self, cell, activation, steps, batch, weights, options):
        population, height, width = weights["W_hx"].shape
        size, dtype = weights["W_s"].shape[2], weights.flat.dtype
        self.cell, self.size = cell, size
        names = cell.shapes(size, width).keys() - set(DRIVE)
        own = {name: weights[name] for name in sorted(names)}
        self.net = Net(
            activation,
            {name: view[:, None] if view.ndim == 2 else view for name, view in own.items()},
            options,
        )
        self.states = np.zeros((steps + 1, batch, population, size), dtype)
        self.gradient = np.zeros_like(self.states[1:])
        self.drive = np.zeros((steps, batch, population, height), dtype)
        self._start = np.zeros((population, batch, len(cell.PARTS) * size), dtype)
        self._kept = [()] * steps
        self._slopes = {name: np.zeros_like(view) for name, view in own.items()}

    def forward(self) -> None:
        """Turn the drive into h_1 ... h_T."""
        state = self._start
        for t, drive in enumerate(self.drive):
            state, self._kept[t] = self.cell.step(self.net, state, drive.swapaxes(0, 1))
            state = state.astype(self.drive.dtype, copy=False)
            self.states[t + 1] = state[..., : self.size].swapaxes(0, 1)

    def backward(self) -> np.ndarray:
        """Go back from dE_t/dh_t in `gradient` and return dE/d(drive), which takes its place."""
        for total in self._slopes.values():
            total[...] = 0.0
        farther = self._start
        for t in reversed(range(len(self.gradient))):
            signal = farther.copy() if self.goes_on(t) else np.zeros_like(self._start)
            signal[..., : self.size] += self.gradient[t].swapaxes(0, 1)
            farther, delta, slopes = self.cell.back(self.net, self._kept[t], signal)
            self.drive[t] = delta.swapaxes(0, 1)
            for name, slope in slopes.items():
                self._slopes[name] += _summed(slope)
        return self.drive

    def weight_gradient(self, slopes) -> None:
        """Write the gradients of all weights but those in the drive, after `backward`."""
        for name, total in self._slopes.items():
            slopes[name][...] = total


def _summed(slope) -> np.ndarray:
    """Sum a weight's derivative over the batch, (P, M, N) or (P, N)."""
    if isinstance(slope, list):
        return np.concatenate([delta.mT @ source for delta, source in slope], axis=1)
    return slope.sum(axis=1)


class Dynamics(dynamics.Dynamics):
    """One net of any cell, in float64.

    Parameters
    ----------
    cell : tells the step and its derivative.
    activation, weights, options : as of `dynamics.Dynamics`.
    """

    def __init__(self, cell, activation, weights, options=None):
        super().__init__(activation, weights, options)
        self.cell = cell
        width = self.weights["W_hx"].shape[1]
        names = cell.shapes(self.hidden_size, width).keys() - set(DRIVE)
        self.net = Net(activation, {name: self.weights[name] for name in names}, self.options)

    @property
    def state_size(self) -> int:
        """N numbers for each part of the state."""
        return len(self.cell.PARTS) * self.hidden_size

    @property
    def recurrent(self) -> np.ndarray:
        """The matrix (N, N) whose spectral radius is set at the start."""
        return self.cell.recurrent(self.weights)

    def advance(self, state, drive):
        """Return the states one step on."""
        return self.cell.step(self.net, state, drive)[0]

    def output(self, state):
        """Return the first N numbers."""
        return state[..., : self.hidden_size]

    def unrolled(self, states, drive):
        """Return the net unrolled."""
        return Unrolled(self, states, self.cell.step(self.net, states[:-1], drive)[1])


class Unrolled(dynamics.Unrolled):
    """A net of any cell unrolled; delta_k = dE/d(what W_hh has made) and dE/d(drive).

    Attributes
    ----------
    kept : what the steps have kept, each (T, B, any).
    """

    def __init__(self, net: Dynamics, states, kept):
        self.cell, self.net, self.kept = net.cell, net.net, kept
        size, names = net.hidden_size, net.cell.PARTS
        _, drive, slopes = self.cell.back(self.net, kept, np.zeros_like(states[1:]))
        self.recurrent = slopes["W_hh"]
        exponent = np.zeros(states.shape[:2], dtype=np.int64)
        super().__init__(
            states,
            exponent,
            self.net.phi.slope(kept[0]),
            states[1:, :, :size].copy(),
            delta_size=sum(delta.shape[-1] for delta in (*self._deltas(slopes), drive)),
            parts={name: slice(at * size, (at + 1) * size) for at, name in enumerate(names)},
        )

    @staticmethod
    def _deltas(slopes) -> list[np.ndarray]:
        """Return the parts of delta that belong to W_hh."""
        of_matrix = slopes["W_hh"]
        return [pair[0] for pair in of_matrix] if isinstance(of_matrix, list) else [of_matrix]

    def back(self, run, signal):
        """Return delta_k and g_{k-1} as the cell has them."""
        kept = tuple(part[run] for part in self.kept)
        farther, drive, slopes = self.cell.back(self.net, kept, signal)
        return np.concatenate([*self._deltas(slopes), drive], axis=-1), farther

    def pairs(self, inputs):
        """Rows of W_hh meet what the cell says, W_hx meets x_k."""
        exponent = np.zeros_like(self.exponent[:-1])
        if isinstance(self.recurrent, list):
            blocks, first = [], 0
            for delta, source in self.recurrent:
                columns = slice(first, first + delta.shape[-1])
                blocks.append(dynamics.Outer(source.copy(), exponent.copy(), columns))
                first = columns.stop
            recurrent = blocks[0] if len(blocks) == 1 else dynamics.Stacked(blocks)
        else:
            first = self.recurrent.shape[-1]
            ones = np.ones((*exponent.shape, 1))
            own = slice(0, first)
            recurrent = dynamics.Elementwise(
                lambda delta, one: delta[..., own] * one, ones, exponent
            )
        of_drive = slice(first, self.delta_size)
        return {
            "W_hh": recurrent,
            "W_hx": dynamics.Outer(inputs.copy(), exponent.copy(), of_drive),
        }

    def from_output(self, error):
        """Return the error of what is read out, and nothing of the rest of the state."""
        rest = self.state.shape[-1] - error.shape[-1]
        return np.pad(error, ((0, 0), (0, 0), (0, rest)))
