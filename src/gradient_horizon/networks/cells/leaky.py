"""The leaky integrator (Jaeger, Lukosevicius, Popovici and Siewert, 2007, equation 2).

a_t = W_hh h_{t-1} + W_hx x_t + b_h,    h_t = (1 - alpha) h_{t-1} + alpha phi(a_t),    h_0 = 0

alpha is the key `leak` of the configuration's `model`.  At alpha = 1 it is the simple cell.
"""

import numpy as np

from . import recurrence, rnn
from .cell import Cell


def parts(options: dict) -> tuple[float, float]:
    """Return the parts of the old state and of phi(a_t) in the new state."""
    return 1.0 - options["leak"], options["leak"]


class Recurrence(recurrence.MatrixRecurrence):
    """The recurrence of a population, and its gradient.

    `forward` turns `drive` into phi(a_t), or a_t where the gradient needs that; `backward` turns
    it into delta_t = dE/da_t.
    """

    parts = staticmethod(parts)

    def __init__(self, activation, steps, batch, weights, options):
        super().__init__(activation, steps, batch, weights, options)
        kept, added = self.parts(options)
        self.kept_part, self.added_part = map(weights.flat.dtype.type, (kept, added))
        if kept + added != 1.0:  # no mean of old state and phi(a_t)
            self.state_bound = np.inf
        self._send_back(self.drive)

    def forward(self) -> None:
        """Turn the drive into the states h_1 ... h_T."""
        self._transpose()
        steps = zip(self._onward, self.states[:-1], self.drive, self.states[1:], strict=True)
        for multiply, before, drive, state in steps:
            multiply()
            drive += self._products
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

    def _value(self, t: int) -> np.ndarray:
        return self.drive[t]


class Dynamics(rnn.Dynamics):
    """One net of leaky integrators."""

    def __init__(self, activation, weights, options=None):
        super().__init__(activation, weights, options)
        self.kept_part, self.added_part = parts(self.options)


class Leaky(Cell):
    """The leaky integrator."""

    Recurrence, Dynamics = Recurrence, Dynamics
