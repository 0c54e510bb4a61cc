"""The leaky integrator (Jaeger, Lukosevicius, Popovici and Siewert, 2007, equation 2).

a_t = W_hh h_{t-1} + W_hx x_t + b_h,    h_t = (1 - alpha) h_{t-1} + alpha phi(a_t),    h_0 = 0

alpha is the key `leak` of the configuration's `model`.  At alpha = 1 it is the simple cell.
"""

import numpy as np

from . import recurrence, rnn
from .rnn import initialise, shapes  # noqa: F401  those of the simple cell


def parts(options: dict) -> tuple[float, float]:
    """Return the parts of the old state and of phi(a_t) in the new state."""
    return 1.0 - options["leak"], options["leak"]


class Recurrence(recurrence.Recurrence):
    """The recurrence of a population, and its gradient; parameters as of the simple cell's.

    `forward` turns `drive` into phi(a_t), or a_t where the gradient needs that; `backward` turns
    it into delta_t = dE/da_t.
    """

    parts = staticmethod(parts)

    def __init__(self, activation, steps, batch, weights, options):
        population, size, _ = weights["W_hh"].shape
        dtype = weights.flat.dtype
        self.activation, self.weights = activation, weights
        self.kept_part, self.added_part = (dtype.type(part) for part in self.parts(options))
        if sum(self.parts(options)) == 1.0:  # a mean of old state and phi(a_t)
            self.state_bound = activation.value_bound
        self.states = np.zeros((steps + 1, batch, population, size), dtype)
        self.gradient = np.zeros((steps, batch, population, size), dtype)
        self.drive = np.zeros_like(self.gradient)
        self._transposed = np.empty((population, size, size), dtype)
        self._sum = recurrence.OuterSum(steps, batch, population, size, size, dtype)
        self._scratch = np.empty((batch, population, size), dtype)
        self._onward = recurrence.step_products(self.states[:-1], self._transposed, self._scratch)
        self._back = recurrence.step_products(self.drive, weights["W_hh"], self._scratch)

    def forward(self) -> None:
        """Turn the drive into the states h_1 ... h_T."""
        np.copyto(self._transposed, self.weights["W_hh"].swapaxes(1, 2))
        steps = zip(self._onward, self.states[:-1], self.drive, self.states[1:], strict=True)
        for multiply, before, drive, state in steps:
            multiply()
            drive += self._scratch
            self.activation.value(drive, out=state)
            if self.activation.slope_from_value is not None:
                drive[...] = state
            state *= self.added_part
            state += self.kept_part * before

    def backward(self) -> np.ndarray:
        """Go back from dE_t/dh_t in `gradient` and return delta_t, which takes the drive's place.

        `gradient` becomes dE/dh_t through all later steps.
        """
        for t in reversed(range(len(self.gradient))):
            signal = self.gradient[t]
            if self.goes_on(t):
                self._back[t + 1]()
                signal += self._scratch
                signal += self.kept_part * self.gradient[t + 1]
            np.multiply(self._slope(t), signal, out=self.drive[t])
            self.drive[t] *= self.added_part
        return self.drive

    def _slope(self, t: int) -> np.ndarray:
        if self.activation.slope_from_value is None:
            return self.activation.slope(self.drive[t])
        return self.activation.slope_from_value(self.drive[t], out=self._scratch)

    def weight_gradient(self, slopes) -> None:
        """Write dE/dW_hh = sum over t of delta_t h_{t-1}^T, after `backward`."""
        self._sum.write(self.drive, self.states, out=slopes["W_hh"])


class Dynamics(rnn.Dynamics):
    """One net of leaky integrators."""

    def __init__(self, activation, weights, options=None):
        super().__init__(activation, weights, options)
        self.kept_part, self.added_part = parts(self.options)
