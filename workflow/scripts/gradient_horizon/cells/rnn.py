"""The simple recurrent cell (Elman, 1990), for a whole population of nets.

a_t = W_hh h_{t-1} + W_hx x_t + b_h,    h_t = phi(a_t),    h_0 = 0
"""

import numpy as np

from ..activations import Activation
from ..population import LONGEST_SUM, Weights, by_net, gathered, outer_products, product, runs


def shapes(hidden_size: int, input_size: int) -> dict[str, tuple[int, ...]]:
    """Shapes of the cell's weights in one net."""
    return {
        "W_hh": (hidden_size, hidden_size),
        "W_hx": (hidden_size, input_size),
        "b_h": (hidden_size,),
    }


class Recurrence:
    """The recurrence over T steps of B sequences in P nets, and its gradient.

    The caller writes the input drive W_hx x_t + b_h into `drive`, from which `forward` goes on to
    the states; then the caller writes dE_t/dh_t into `gradient`, and `backward` turns it into
    delta_t = dE/da_t in place.

    Attributes
    ----------
    states : (T+1, B, P, N), h_0 ... h_T.
    drive : (T, B, P, N), overwritten by `forward`: the same memory as `states[1:]`, or a_1 ... a_T
        beside the states where the gradient needs them.
    gradient : (T, B, P, N).
    """

    def __init__(self, activation: Activation, steps: int, batch: int, weights: Weights):
        population, size, _ = weights["W_hh"].shape
        dtype = weights.flat.dtype
        self.activation = activation
        self.weights = weights
        self.states = np.zeros((steps + 1, batch, population, size), dtype)
        self.gradient = np.zeros((steps, batch, population, size), dtype)
        in_place = activation.slope_from_value is not None
        self.drive = self.states[1:] if in_place else np.zeros_like(self.gradient)
        self._transposed = np.empty((population, size, size), dtype)
        self._term = np.empty_like(self._transposed)
        longest = max(1, LONGEST_SUM // batch)
        self._runs = runs(range(1, steps), longest)
        self._buffers = np.empty((2, longest * batch * population * size), dtype)
        self._scratch = np.empty((batch, population, size), dtype)

    def forward(self) -> None:
        """Turn the drive into the states h_1 ... h_T."""
        # A contiguous copy: the plain product runs at twice the speed of the transposed one.
        np.copyto(self._transposed, self.weights["W_hh"].swapaxes(1, 2))
        carried = by_net(self._scratch)
        self.activation.value(self.drive[0], out=self.states[1])
        steps = zip(self.states[1:-1], self.drive[1:], self.states[2:], strict=True)
        for before, pre_activation, state in steps:
            product(by_net(before), self._transposed, out=carried)
            pre_activation += self._scratch
            self.activation.value(pre_activation, out=state)

    def backward(self) -> np.ndarray:
        """Turn dE_t/dh_t in `gradient` into delta_t = dE/da_t and return it."""
        carried = by_net(self._scratch)
        for t in reversed(range(len(self.gradient))):
            delta = self.gradient[t]
            if t + 1 < len(self.gradient):
                product(by_net(self.gradient[t + 1]), self.weights["W_hh"], out=carried)
                delta += self._scratch
            delta *= self._slope(t)
        return self.gradient

    def _slope(self, t: int) -> np.ndarray:
        if self.activation.slope_from_value is None:
            return self.activation.slope(self.drive[t])
        return self.activation.slope_from_value(self.states[t + 1], out=self._scratch)

    def recurrent_gradient(self, out: np.ndarray) -> None:
        """Write dE/dW_hh = sum over t of delta_t h_{t-1}^T, after `backward`.

        `out` is (P, N, N).  The step from h_0 = 0 adds nothing.
        """
        out[...] = 0.0
        for run in self._runs:
            delta = gathered(by_net(self.gradient[run]), self._buffers[0])
            before = gathered(by_net(self.states[run]), self._buffers[1])
            outer_products(delta, before, self._term)
            out += self._term
