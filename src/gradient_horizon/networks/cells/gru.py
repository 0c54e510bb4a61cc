"""The gated recurrent unit (Cho et al., 2014), its reset gate after the product as in cuDNN.

r_t, z_t = sigmoid(W h_{t-1} + U x_t + b), each its own             reset and update gate
n_t = phi(a_t),  a_t = U_n x_t + b_h,n + r_t m_t                    candidate
m_t = W_n h_{t-1} + b_n
h_t = (1 - z_t) n_t + z_t h_{t-1},    h_0 = 0

The three stand below each other in `W_hh`, `W_hx` and `b_h` in the order r, z, n.
"""

import numpy as np

from ...numerics.population import Weights
from ..activations import Activation
from ..initialisations import largest_singular_value
from . import dynamics, gates
from .cell import Cell
from .gates import sigmoid, sigmoid_slope, sigmoid_slope_from_value


class Recurrence(gates.Recurrence):
    """The recurrence of a population, and its gradient.

    The derivatives by the products with W_hh and those by the sums differ in the third part.
    """

    def __init__(
        self, activation: Activation, steps: int, batch: int, weights: Weights, options: dict
    ):
        super().__init__(activation, steps, batch, weights, options)
        self._m = np.empty_like(self.gradient)  # m_t
        self._unbiased = gates.by_gate(self._products, 3)[2]  # W_n h_{t-1}
        self._send_back(np.zeros_like(self.drive))
        self._delta_by_gate = gates.by_gate(self._delta, 3)

    def forward(self) -> None:
        """Turn the drive into the states h_1 ... h_T."""
        self._transpose()
        sums, products = self._buffer, self._products
        products[...] = 0.0
        for t, rows in enumerate(self.drive):
            if t > 0:
                self._onward[t]()
            # The candidate's drive and product, which r is between, are not added yet.
            np.copyto(sums[2], self._drive_by_gate[t, 2])
            rows += products
            np.copyto(sums[:2], self._drive_by_gate[t, :2])
            r, z, n = self.gates[t]
            sigmoid(sums[:2], out=self.gates[t, :2])
            m = np.add(self._unbiased, self.weights["b_n"], out=self._m[t])
            sums[2] += np.multiply(r, m, out=self._scratch)
            self._activate(t, sums[2], out=n)
            state = np.subtract(self.states[t], n, out=self.states[t + 1])
            state *= z
            state += n

    def backward(self) -> np.ndarray:
        """Go back from dE_t/dh_t in `gradient` and return dE/d(drive), which takes its place.

        `gradient` becomes dE/dh_t through all later steps.
        """
        scratch, carried, delta = self._scratch, self._carried, self._buffer
        of_r, of_z, of_n = delta
        for t in reversed(range(len(self.gradient))):
            signal = self.gradient[t]
            if self.goes_on(t):
                self._back[t + 1]()
                signal += scratch
                signal += carried
            r, z, n = self.gates[t]
            np.multiply(signal, z, out=carried)
            self._slope_of(n, self._pre_activations[t], out=of_n)
            # (1 - z) times the signal, of which z times has just been taken.
            of_n *= np.subtract(signal, carried, out=scratch)
            sigmoid_slope_from_value(self.gates[t, :2], out=delta[:2])
            of_r *= self._m[t]
            of_r *= of_n
            of_z *= np.subtract(self.states[t], n, out=scratch)
            of_z *= signal
            np.multiply(of_n, r, out=scratch)
            np.copyto(self._drive_by_gate[t], delta)
            np.copyto(self._delta[t], self.drive[t])
            np.copyto(self._delta_by_gate[t, 2], scratch)
        return self.drive

    def weight_gradient(self, slopes: Weights) -> None:
        """Write dE/dW_hh and dE/db_n, after `backward`."""
        super().weight_gradient(slopes)
        self._delta_by_gate[:, 2].sum(axis=(0, 1), out=slopes["b_n"])


class Dynamics(dynamics.Dynamics):
    """One net of gated recurrent units."""

    @property
    def recurrent(self) -> np.ndarray:
        """The candidate's block of W_hh, (N, N)."""
        return self._blocks()[2]

    def _blocks(self) -> np.ndarray:
        return self.weights["W_hh"].reshape(3, self.hidden_size, self.hidden_size)

    def _sums(self, state, drive):
        """Return the sums of r and z, m, and the drive of n."""
        r, z, n = gates.parts(drive, 3)
        of_r, of_z, of_n = gates.parts(state @ self.weights["W_hh"].T, 3)
        return of_r + r, of_z + z, of_n + self.weights["b_n"], n

    def advance(self, state, drive):
        """Return the states one step on."""
        r, z, m, n = self._sums(state, drive)
        new = self.activation.value(n + sigmoid(r) * m)
        return sigmoid(-z) * new + sigmoid(z) * state

    def step_bound(self, slope_bound: float) -> float:
        """Return 1 + gamma (sigma_n + max|m| sigma_r / 4) + sup|phi| sigma_z / 2.

        By the triangle inequality, each sigma the largest singular value of its block: gates and
        1 - z are at most 1, their slopes 1/4, and every state lies, as a mean of values of phi and
        of h_0 = 0, within sup|phi|, which also bounds m.  nan where phi has no bounds.
        """
        height = self.activation.value_bound
        if not np.isfinite(height):
            return float("nan")
        of_r, of_z, of_n = (largest_singular_value(block) for block in self._blocks())
        rows = np.abs(self._blocks()[2]).sum(axis=1)
        largest = (height * rows + np.abs(self.weights["b_n"])).max()
        return 1.0 + slope_bound * (of_n + 0.25 * largest * of_r) + 0.5 * height * of_z

    def unrolled(self, states, drive):
        """Return the net unrolled."""
        return Unrolled(self, states, *self._sums(states[:-1], drive))


class Unrolled(dynamics.Unrolled):
    """A net of gated recurrent units unrolled.

    delta_k = [delta_n r, delta_r, delta_z, delta_n], dE/d(the product W_n h_{k-1}) and dE/d(the
    sums of r, z, n): the first three belong to W_hh, the last three to W_hx.  The rows of W_hh are
    therefore taken in the order n, r, z.
    """

    def __init__(self, net: Dynamics, state, r, z, m, n):
        """Take states (T+1, B, N), the sums of r and z, m and the drive of n, each (T, B, N)."""
        size = net.hidden_size
        gate = sigmoid(r)
        pre_activation = n + gate * m
        slope = net.activation.slope(pre_activation)
        exponent = np.zeros(state.shape[:2], dtype=np.int64)
        super().__init__(state, exponent, slope, state[1:], 4 * size)
        self.recurrent = np.roll(net.weights["W_hh"], size, axis=0)
        self.kept = sigmoid(z)
        of_candidate = sigmoid(-z) * slope
        change = state[:-1] - net.activation.value(pre_activation)
        self.factors = np.concatenate(
            [
                of_candidate * gate,
                of_candidate * m * sigmoid_slope(r),
                change * sigmoid_slope(z),
                of_candidate,
            ],
            axis=-1,
        )

    def back(self, run, signal):
        """Return delta_k, and W_hh^T times its first three parts beside z_k g_k."""
        delta = self.factors[run] * np.concatenate([signal] * 4, axis=-1)
        farther = delta[..., : len(self.recurrent)] @ self.recurrent
        farther += self.kept[run] * signal
        return delta, farther

    def pairs(self, inputs):
        """W_hh meets h_{k-1}, W_hx meets x_k."""
        height = len(self.recurrent)
        zeros = np.zeros_like(self.exponent[:-1])
        of_state, of_input = slice(0, height), slice(self.delta_size - height, None)
        return {
            "W_hh": dynamics.Outer(self.state[:-1], self.exponent[:-1], of_state),
            "W_hx": dynamics.Outer(inputs.copy(), zeros, of_input),
        }


class Gru(Cell):
    """The gated recurrent unit."""

    BLOCKS = 3
    Recurrence, Dynamics = Recurrence, Dynamics

    def shapes(self, hidden_size, input_size):
        """Return the shapes of the stacked weights and of b_n."""
        return super().shapes(hidden_size, input_size) | {"b_n": (hidden_size,)}

    def initialise(self, net, rng, draw_recurrent, radius, scale, options):
        """Draw the weights.

        With `chrono` in the options the biases of z, here the gate that keeps, are drawn (Tallec
        and Ollivier, 2018, section 2).
        """
        super().initialise(net, rng, draw_recurrent, radius, scale, options)
        if options.get("chrono") is not None:
            _, update, _ = gates.parts(net["b_h"], 3)
            update[...] = gates.chrono_bias(rng, len(update), options["chrono"])
