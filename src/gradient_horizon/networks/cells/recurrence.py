"""What the cells have in common in training: a population's recurrence over a batch."""

from collections.abc import Callable, Mapping

import numpy as np

from ...numerics.population import (
    LONGEST_SUM,
    Weights,
    by_net,
    gathered,
    outer_products,
    prepared_product,
    runs,
)
from ..activations import Activation


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

    def _slope(self, t: int) -> np.ndarray:
        """Return phi' at step t, from the value of phi where that tells it."""
        if self.activation.slope_from_value is None:
            return self.activation.slope(self._argument(t))
        return self.activation.slope_from_value(self._value(t), out=self._scratch)

    def _argument(self, t: int) -> np.ndarray:
        """Return what phi was taken of at step t, kept where its value does not tell the slope."""
        return self.drive[t]

    def _value(self, t: int) -> np.ndarray:
        """Return the value of phi at step t."""
        return self.states[t + 1]


class MatrixRecurrence(Recurrence):
    """The recurrence of cells whose sums have a product W_hh h_{t-1} of all rows in them.

    Parameters
    ----------
    activation : phi.
    steps, batch : T and B.
    weights : the population's.
    options : the configuration's `model`.
    """

    def __init__(
        self, activation: Activation, steps: int, batch: int, weights: Weights, options: Mapping
    ):
        population, height, size = weights["W_hh"].shape
        dtype = weights.flat.dtype
        self.activation, self.weights = activation, weights
        self.state_bound = activation.value_bound
        self.states = np.zeros((steps + 1, batch, population, size), dtype)
        self.gradient = np.zeros_like(self.states[1:])
        self.drive = np.zeros((steps, batch, population, height), dtype)
        self._scratch = np.empty_like(self.gradient[0])
        # A contiguous copy: the plain product runs at twice the speed of the transposed one.
        self._transposed = np.empty((population, size, height), dtype)
        self._products = np.empty_like(self.drive[0])
        self._onward = step_products(self.states[:-1], self._transposed, self._products)
        self._sum = OuterSum(steps, batch, population, height, size, dtype)

    def _send_back(self, delta: np.ndarray) -> None:
        """Make `_back[t]` write W_hh^T delta_t, of dE/d(the products) (T, B, P, A), to `_scratch`.

        `weight_gradient` pairs the same delta_t with h_{t-1}.
        """
        self._delta = delta
        self._back = step_products(delta, self.weights["W_hh"], self._scratch)

    def _transpose(self) -> None:
        """Bring the transposed copy of W_hh up to date, before the first of `_onward`."""
        np.copyto(self._transposed, self.weights["W_hh"].swapaxes(1, 2))

    def weight_gradient(self, slopes: Weights) -> None:
        """Write dE/dW_hh = sum over t of delta_t h_{t-1}^T, after `backward`."""
        self._sum.write(self._delta, self.states, out=slopes["W_hh"])


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
