"""The simple recurrent cell (Elman, 1990).

a_t = W_hh h_{t-1} + W_hx x_t + b_h,    h_t = phi(a_t),    h_0 = 0
"""

import numpy as np

from ...numerics import scaled
from ...numerics.population import product
from ..initialisations import largest_singular_value
from . import dynamics, recurrence
from .cell import Cell
from .dynamics import SMALLEST_SLOPE

# Pre-activations of a larger size lie, to all digits, on the activation's asymptotes.
LARGEST_BEND = 2.0**500
# Smaller slopes there are those of an asymptote that is level, approached like a power of a.
LEVEL_SLOPE = 2.0**-100


class Recurrence(recurrence.MatrixRecurrence):
    """The recurrence of a population, and its gradient.

    `drive` is overwritten by `forward`: the same memory as `states[1:]`, or a_1 ... a_T beside the
    states where the gradient needs them.  `backward` turns `gradient` into delta_t = dE/da_t.
    """

    def __init__(self, activation, steps, batch, weights, options):
        super().__init__(activation, steps, batch, weights, options)
        if activation.slope_from_value is not None:
            self.drive = self.states[1:]
        self._send_back(self.gradient)

    def forward(self) -> None:
        """Turn the drive into the states h_1 ... h_T."""
        self._transpose()
        self.activation.value(self.drive[0], out=self.states[1])
        steps = zip(self._onward[1:], self.drive[1:], self.states[2:], strict=True)
        for multiply, pre_activation, state in steps:
            multiply()
            pre_activation += self._products
            self.activation.value(pre_activation, out=state)

    def backward(self) -> np.ndarray:
        """Turn dE_t/dh_t in `gradient` into delta_t = dE/da_t and return it."""
        for t in reversed(range(len(self.gradient))):
            delta = self.gradient[t]
            if self.goes_on(t):
                self._back[t + 1]()
                delta += self._scratch
            delta *= self._slope(t)
        return self.gradient


class Dynamics(dynamics.Dynamics):
    """One net of simple cells, and of those whose state is kept_part h_{t-1} + added_part phi(a_t).

    Attributes
    ----------
    kept_part, added_part : 0 and 1 for the simple cell.
    """

    kept_part, added_part = 0.0, 1.0

    def advance(self, state, drive):
        """Return the states one step on."""
        with np.errstate(over="ignore", invalid="ignore"):
            new = self.activation.value(state @ self.weights["W_hh"].T + drive)
            return new if self.kept_part == 0.0 else self.kept_part * state + self.added_part * new

    def step_bound(self, slope_bound: float) -> float:
        """Return kept_part + added_part sigma_max(W_hh) gamma.

        Pascanu, Mikolov and Bengio (2013), section 2.1, and the triangle inequality.
        """
        new = largest_singular_value(self.weights["W_hh"]) * slope_bound
        return self.kept_part + self.added_part * new

    def unroll(self, drive: np.ndarray) -> "Unrolled":
        """Run the net over drives (T, B, N).

        States of an activation without bounds are carried with a power of two.
        """
        activation = self.activation
        steps, batch, size = drive.shape
        state = np.zeros((steps + 1, batch, size))
        exponent = np.zeros((steps + 1, batch), dtype=np.int64)
        slope = np.empty((steps, batch, size))
        recurrent = self.weights["W_hh"].T.copy()
        for t in range(steps):
            pre_activation = np.matmul(state[t], recurrent, out=slope[t])
            if np.isfinite(activation.value_bound):
                pre_activation += drive[t]
                activation.value(pre_activation, out=state[t + 1])
                slope[t] = activation.slope(pre_activation)
                self._leave_part(state, t)
                continue
            # In units of the state's power of two, which a homogeneous phi keeps.
            pre_activation += drive[t] * np.ldexp(1.0, -exponent[t])[:, None]
            if activation.homogeneous:
                activation.value(pre_activation, out=state[t + 1])
                slope[t] = activation.slope(pre_activation)
            else:
                state[t + 1], slope[t] = _in_units(activation, pre_activation, exponent[t])
            self._leave_part(state, t)
            # The unit never goes below 1, so that the drive stays representable.
            large = np.maximum(np.frexp(np.abs(state[t + 1]).max(axis=1))[1], -exponent[t])
            np.ldexp(state[t + 1], -large[:, None], out=state[t + 1])
            exponent[t + 1] = exponent[t] + large
        slope[np.abs(slope) < SMALLEST_SLOPE] = 0.0
        return Unrolled(self, state, exponent, slope)

    def _leave_part(self, state, t: int) -> None:
        """Turn phi(a_t), in the units of the state before, into the state."""
        if self.kept_part != 0.0:
            state[t + 1] *= self.added_part
            state[t + 1] += self.kept_part * state[t]


def _in_units(activation, pre_activation, exponent):
    """phi(a) / 2**exponent and phi'(a) for a = pre_activation * 2**exponent, of any size."""
    power = exponent[:, None]
    with np.errstate(over="ignore"):
        a = np.ldexp(pre_activation, power)
    within = np.clip(a, -LARGEST_BEND, LARGEST_BEND)
    slope = activation.slope(within)
    value = np.ldexp(activation.value(within), -power)
    # Where the asymptote is flat its height is the value, elsewhere it is beyond all digits.
    rising = (a != within) & (np.abs(slope) > LEVEL_SLOPE)
    return np.where(rising, slope * pre_activation, value), slope


class Unrolled(dynamics.Unrolled):
    """A net of simple cells unrolled: delta_k = phi'(a_k) g_k and g_{k-1} = W_hh^T delta_k."""

    def __init__(self, net: Dynamics, state, exponent, slope):
        super().__init__(state, exponent, slope, state[1:], delta_size=state.shape[2])
        self.recurrent = net.weights["W_hh"]
        self.kept_part, self.added_part = net.kept_part, net.added_part

    def back(self, run, signal):
        """Return added_part phi'(a_k) g_k, and kept_part g_k + W_hh^T delta_k."""
        delta = self.slope[run] * signal
        if self.added_part != 1.0:
            delta = self.added_part * delta
        farther = delta @ self.recurrent
        return delta, farther if self.kept_part == 0.0 else farther + self.kept_part * signal

    def pairs(self, inputs):
        """W_hh meets h_{k-1}, W_hx meets x_k."""
        return {
            "W_hh": dynamics.Outer(self.state[:-1], self.exponent[:-1]),
            "W_hx": dynamics.Outer(inputs.copy(), np.zeros_like(self.exponent[:-1])),
        }

    def step_back(self, run, signal, exponent, delta, farther):
        """Go one step back; where nothing is kept, small signals keep all their digits."""
        if self.kept_part != 0.0:
            return super().step_back(run, signal, exponent, delta, farther)
        delta_exponent = exponent.copy()
        squares = scaled.multiply(self.slope[run], signal, delta_exponent, out=delta)
        size = delta.shape[2]
        later = delta[len(delta) - len(farther) :].reshape(1, -1, size)
        product(later, self.recurrent[None], farther.reshape(1, -1, size))
        return squares, delta_exponent, delta_exponent


class Rnn(Cell):
    """The simple cell."""

    Recurrence, Dynamics = Recurrence, Dynamics
