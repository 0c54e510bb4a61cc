"""The residual, or skip, cell: every step adds to the state.

a_t = W_hh h_{t-1} + W_hx x_t + b_h,    h_t = h_{t-1} + phi(a_t),    h_0 = 0

He, Zhang, Ren and Sun (2016), Identity mappings in deep residual networks, equation 1, with the
same weights in every layer: the Jacobian is I + diag(phi'(a_t)) W_hh, so that a signal has a way
back on which nothing changes it.
"""

from . import leaky, rnn
from .cell import Cell


class Recurrence(leaky.Recurrence):
    """The recurrence of a population, and its gradient."""

    @staticmethod
    def parts(options: dict) -> tuple[float, float]:
        """Return the parts of the old state and of phi(a_t) in the new state."""
        return 1.0, 1.0


class Dynamics(rnn.Dynamics):
    """One net of residual cells."""

    kept_part, added_part = 1.0, 1.0


class Residual(Cell):
    """The residual cell."""

    Recurrence, Dynamics = Recurrence, Dynamics
