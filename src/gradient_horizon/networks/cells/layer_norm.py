"""The simple cell with layer normalisation (Ba, Kiros and Hinton, 2016, equation 4).

z_t = W_hh h_{t-1} + W_hx x_t,    n_t = (z_t - mean of z_t) / sqrt(variance of z_t + epsilon),
a_t = gain * n_t + shift,    h_t = phi(a_t),    h_0 = 0

Mean and variance are over the N units, at every step and for every sequence on their own.  `gain`
and `shift` (N,) are trained; no bias is added before the normalisation, which has one after it.
Epsilon is not in the paper's equation; it is 1e-5, as usual, in training and in measuring.  But for
epsilon the net does not change when W_hh and W_hx are scaled together.
"""

import numpy as np

from ...numerics import scaled
from . import dynamics, recurrence
from .cell import Cell

EPSILON = 1e-5


def normalise(sums: np.ndarray) -> np.ndarray:
    """Replace z (..., N) by n in place.

    Returns
    -------
    (..., 1), what z less its mean was divided by: sqrt(variance + epsilon).
    """
    size = sums.shape[-1]
    sums -= np.add.reduce(sums, axis=-1, keepdims=True) / size
    with np.errstate(over="ignore"):
        spread = np.sqrt(np.vecdot(sums, sums)[..., None] / size + EPSILON)
    beyond = np.isinf(spread)
    if beyond.any():  # the squares; beside such sums epsilon has no digits
        largest = np.abs(sums).max(axis=-1, keepdims=True)
        parts = sums / np.maximum(largest, 1.0)
        np.copyto(
            spread, largest * np.sqrt(np.vecdot(parts, parts)[..., None] / size), where=beyond
        )
    sums /= spread
    return spread


def through_norm(slope: np.ndarray, normalised: np.ndarray, spread: np.ndarray) -> np.ndarray:
    """Turn dE/dn (..., N) into dE/dz, in place.

    dn_i/dz_j = (1 if i = j, less 1/N, less n_i n_j / N) / sqrt(variance + epsilon).

    Parameters
    ----------
    slope : dE/dn, overwritten and returned.
    normalised, spread : n and what `normalise` has returned with it.
    """
    size = slope.shape[-1]
    along = np.vecdot(slope, normalised)[..., None] / size
    slope -= np.add.reduce(slope, axis=-1, keepdims=True) / size
    slope -= along * normalised
    slope /= spread
    return slope


class Recurrence(recurrence.MatrixRecurrence):
    """The recurrence of a population, and its gradient.

    `forward` turns `drive` into n_t; `backward` turns `gradient` into dE/da_t.
    """

    def __init__(self, activation, steps, batch, weights, options):
        super().__init__(activation, steps, batch, weights, options)
        self._spread = np.zeros_like(self.drive[..., :1])
        self._send_back(np.zeros_like(self.drive))

    def forward(self) -> None:
        """Turn the drive into the states h_1 ... h_T."""
        self._transpose()
        for t, sums in enumerate(self.drive):
            self._onward[t]()
            sums += self._products
            self._spread[t] = normalise(sums)
            self.activation.value(self._argument(t), out=self.states[t + 1])

    def backward(self) -> np.ndarray:
        """Go back from dE_t/dh_t in `gradient` and return delta_t = dE/dz_t."""
        for t in reversed(range(len(self.gradient))):
            signal = self.gradient[t]
            if self.goes_on(t):
                self._back[t + 1]()
                signal += self._scratch
            signal *= self._slope(t)
            np.multiply(self.weights["gain"], signal, out=self._delta[t])
            through_norm(self._delta[t], self.drive[t], self._spread[t])
        return self._delta

    def _argument(self, t: int) -> np.ndarray:
        np.multiply(self.weights["gain"], self.drive[t], out=self._scratch)
        self._scratch += self.weights["shift"]
        return self._scratch

    def weight_gradient(self, slopes) -> None:
        """Write the gradients of the cell's other weights, after `backward`; spends `gradient`."""
        super().weight_gradient(slopes)
        slopes["shift"][...] = self.gradient.sum(axis=(0, 1))
        self.gradient *= self.drive
        slopes["gain"][...] = self.gradient.sum(axis=(0, 1))


class Dynamics(dynamics.Dynamics):
    """One net of simple cells with layer normalisation."""

    def advance(self, state, drive):
        """Return the states one step on."""
        with np.errstate(over="ignore", invalid="ignore"):
            sums = state @ self.weights["W_hh"].T + drive
            normalise(sums)
            return self.activation.value(self.weights["gain"] * sums + self.weights["shift"])

    def unroll(self, drive: np.ndarray) -> "Unrolled":
        """Run the net over drives (T, B, N); the normalisation keeps its states in bounds."""
        steps, batch, size = drive.shape
        state = np.zeros((steps + 1, batch, size))
        slope, normalised = np.empty((2, steps, batch, size))
        spread = np.empty((steps, batch, 1))
        recurrent = self.weights["W_hh"].T.copy()
        for t in range(steps):
            sums = np.matmul(state[t], recurrent, out=normalised[t])
            sums += drive[t]
            spread[t] = normalise(sums)
            pre_activation = self.weights["gain"] * sums + self.weights["shift"]
            state[t + 1] = self.activation.value(pre_activation)
            slope[t] = self.activation.slope(pre_activation)
        slope[np.abs(slope) < dynamics.SMALLEST_SLOPE] = 0.0
        return Unrolled(self, state, slope, normalised, spread)


class Unrolled(dynamics.Unrolled):
    """A net unrolled: delta_k = dE_t/dz_k, the normalisation within it; g_{k-1} = W_hh^T delta_k.

    The normalisation takes the parts along 1 and along n_k from a signal.  One that has hardly any
    other, as in nets that have run away without clipping, loses as many digits as it is shortened
    by, and measuring refuses the net if those that are left are too few.

    Attributes
    ----------
    normalised, spread : (T, B, N) and (T, B, 1), n_k and what it was divided by.
    """

    def __init__(self, net: Dynamics, state, slope, normalised, spread):
        exponent = np.zeros(state.shape[:2], dtype=np.int64)
        super().__init__(state, exponent, slope, state[1:], delta_size=state.shape[2])
        self.recurrent, self.gain = net.weights["W_hh"], net.weights["gain"]
        self.normalised, self.spread = normalised, spread

    def back(self, run, signal):
        """Return dE_t/dz_k and W_hh^T delta_k."""
        delta = self._through_norm(run, self.slope[run] * signal)
        return delta, delta @ self.recurrent

    def pairs(self, inputs):
        """W_hh meets h_{k-1}, W_hx meets x_k."""
        return {
            "W_hh": dynamics.Outer(self.state[:-1], self.exponent[:-1]),
            "W_hx": dynamics.Outer(inputs.copy(), np.zeros_like(self.exponent[:-1])),
        }

    def step_back(self, run, signal, exponent, delta, farther):
        """Go one step back; small signals keep all their digits."""
        exponent = exponent.copy()
        scaled.multiply(self.slope[run], signal, exponent, out=delta)
        delta[...] = self._through_norm(run, delta)
        squares = scaled.squared_norms(delta, exponent)
        farther[...] = (delta @ self.recurrent)[len(delta) - len(farther) :]
        return squares, exponent, exponent

    def _through_norm(self, run, signal):
        """Turn dE_t/da_k into dE_t/dz_k."""
        return through_norm(self.gain * signal, self.normalised[run], self.spread[run])


class LayerNorm(Cell):
    """The simple cell with layer normalisation."""

    Recurrence, Dynamics = Recurrence, Dynamics

    def shapes(self, hidden_size, input_size):
        """Return those of the simple cell, `gain` and `shift` (N,) in place of its bias."""
        shapes = super().shapes(hidden_size, input_size)
        del shapes["b_h"]
        return shapes | {"gain": (hidden_size,), "shift": (hidden_size,)}

    def initialise(self, net, rng, draw_recurrent, radius, scale, options):
        """Draw W_hh and W_hx as those of the simple cell; every gain is 1."""
        super().initialise(net, rng, draw_recurrent, radius, scale, options)
        net["gain"][...] = 1.0
