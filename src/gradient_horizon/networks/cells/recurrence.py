"""What the cells have in common in training: a population's recurrence over a batch."""

from collections.abc import Callable

import numpy as np

from ...numerics.population import (
    LONGEST_SUM,
    by_net,
    gathered,
    outer_products,
    prepared_product,
    runs,
)


class Recurrence:
    """Which signals go back in time, and the sums of outer products that weights' gradients are.

    A cell's recurrence has

    `drive`
        (T, B, P, A), into which the caller writes W_hx x_t + b_h; overwritten by `forward`;
    `forward()`
        goes from the drives to `states`, (T+1, B, P, N), h_0 ... h_T;
    `gradient`
        (T, B, P, N), into which the caller writes dE_t/dh_t;
    `backward()`
        returns dE/d(drive), (T, B, P, A), which `W_hx` and `b_h` get their gradients from;
    `weight_gradient(slopes)`
        then writes the gradients of all other weights of the cell.

    Attributes
    ----------
    truncation : K, how many steps a signal goes back: counted from the end of the sequence,
        backpropagation is cut after every K steps: the BPTT(h; h') of Williams and Peng (1990)
        with h = h' = K, and not the sum over all distances below K.  None for all.
    state_bound : no entry of a state is larger.
    """

    truncation: int | None = None
    state_bound: float = np.inf

    def goes_on(self, t: int) -> bool:
        """Tell whether the signal at step t + 1 reaches step t, counted from 0."""
        after = len(self.gradient) - 1 - t
        return after > 0 and (self.truncation is None or after % self.truncation != 0)


def step_products(rows: np.ndarray, matrix: np.ndarray, out: np.ndarray) -> list[Callable]:
    """Return, for every step, a function that writes the step's rows times the matrix of each net.

    Parameters
    ----------
    rows : (T, B, P, M).
    matrix : (P, M, N).
    out : (B, P, N), overwritten whichever step it is.
    """
    return [prepared_product(by_net(step), matrix, by_net(out)) for step in rows]


class OuterSum:
    """The sum over t >= 1 of delta_t h_{t-1}^T of every net, a stretch of steps at a time.

    Parameters
    ----------
    steps, batch, population : T, B and P.
    height, width : the lengths of delta and h.
    dtype : of both.
    """

    def __init__(self, steps, batch, population, height, width, dtype):
        longest = max(1, LONGEST_SUM // batch)
        self._runs = runs(range(1, steps), longest)
        rows = longest * batch * population
        self._buffers = np.empty(rows * height, dtype), np.empty(rows * width, dtype)
        self._term = np.empty((population, height, width), dtype)

    def write(self, delta: np.ndarray, states: np.ndarray, out: np.ndarray) -> None:
        """Write the sum for delta (T, B, P, M) and h_0 ... (T+1, B, P, N) into `out` (P, M, N).

        The step from h_0 = 0 adds nothing.
        """
        out[...] = 0.0
        for run in self._runs:
            left = gathered(by_net(delta[run]), self._buffers[0])
            right = gathered(by_net(states[run]), self._buffers[1])
            outer_products(left, right, self._term)
            out += self._term
