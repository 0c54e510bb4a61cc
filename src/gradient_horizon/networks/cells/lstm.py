"""Long short-term memory (Hochreiter and Schmidhuber, 1997; the forget gate of Gers et al., 2000).

i_t, f_t, o_t = sigmoid(W h_{t-1} + U x_t + b), each its own    input, forget and output gate
g_t = phi(a_t),  a_t = W_g h_{t-1} + U_g x_t + b_g              candidate
c_t = f_t c_{t-1} + i_t g_t,    h_t = o_t phi(c_t),    h_0 = c_0 = 0

The four stand below each other in `W_hh`, `W_hx` and `b_h` in the order i, f, g, o.
"""

import numpy as np

from ...numerics.population import Weights
from ..activations import Activation
from . import dynamics, gates
from .cell import Cell
from .gates import sigmoid, sigmoid_slope, sigmoid_slope_from_value


class Recurrence(gates.Recurrence):
    """The recurrence of a population, and its gradient."""

    def __init__(
        self, activation: Activation, steps: int, batch: int, weights: Weights, options: dict
    ):
        super().__init__(activation, steps, batch, weights, options)
        self.cells = np.zeros_like(self.states)
        self.squashed = np.empty_like(self.gradient)  # phi(c_t)
        self._signal = np.empty_like(self._scratch)
        self._send_back(self.drive)

    def forward(self) -> None:
        """Turn the drive into the states h_1 ... h_T."""
        self._transpose()
        sums = self._buffer
        for t, rows in enumerate(self.drive):
            if t > 0:
                self._onward[t]()
                rows += self._products
            np.copyto(sums, self._drive_by_gate[t])
            i, f, g, o = self.gates[t]
            sigmoid(sums[:2], out=self.gates[t, :2])
            self._activate(t, sums[2], out=g)
            sigmoid(sums[3], out=o)
            cell = np.multiply(f, self.cells[t], out=self.cells[t + 1])
            cell += np.multiply(i, g, out=self._scratch)
            self.activation.value(cell, out=self.squashed[t])
            np.multiply(o, self.squashed[t], out=self.states[t + 1])

    def backward(self) -> np.ndarray:
        """Go back from dE_t/dh_t in `gradient` and return dE/d(drive), which takes its place.

        `gradient` becomes dE/dh_t through all later steps.
        """
        signal, scratch, carried, delta = self._signal, self._scratch, self._carried, self._buffer
        of_i, of_f, of_g, of_o = delta
        for t in reversed(range(len(self.gradient))):
            output_signal, squashed = self.gradient[t], self.squashed[t]
            goes_on = self.goes_on(t)
            if goes_on:
                self._back[t + 1]()
                output_signal += scratch
            i, f, g, o = self.gates[t]
            self._slope_of(squashed, self.cells[t + 1], out=signal)
            signal *= output_signal
            signal *= o
            if goes_on:
                signal += carried
            np.multiply(signal, f, out=carried)
            sigmoid_slope_from_value(self.gates[t, :2], out=delta[:2])
            self._slope_of(g, self._pre_activations[t], out=of_g)
            sigmoid_slope_from_value(o, out=of_o)
            of_i *= g
            of_f *= self.cells[t]
            of_g *= i
            of_o *= squashed
            delta[:3] *= signal
            of_o *= output_signal
            np.copyto(self._drive_by_gate[t], delta)
        return self.drive


class Dynamics(dynamics.Dynamics):
    """One net of LSTM cells; its state is h_t and c_t.

    `step_bound` knows nothing: the slope by the forget gate is as large as the state c_{t-1}.
    """

    @property
    def state_size(self) -> int:
        """2 N."""
        return 2 * self.hidden_size

    @property
    def recurrent(self) -> np.ndarray:
        """The candidate's block of W_hh, (N, N)."""
        return gates.parts(self.weights["W_hh"].T, 4)[2].T

    def advance(self, state, drive):
        """Return the states one step on."""
        new = np.empty((*np.broadcast_shapes(state.shape[:-1], drive.shape[:-1]), self.state_size))
        hidden, cell = gates.parts(new, 2)
        before, cell_before = gates.parts(state, 2)
        i, f, g, o = gates.parts(before @ self.weights["W_hh"].T + drive, 4)
        cell[...] = sigmoid(f) * cell_before + sigmoid(i) * self.activation.value(g)
        hidden[...] = sigmoid(o) * self.activation.value(cell)
        return new

    def output(self, state):
        """Return h."""
        return state[..., : self.hidden_size]

    def unrolled(self, states, drive):
        """Return the net unrolled."""
        hidden, _ = gates.parts(states[:-1], 2)
        return Unrolled(self, states, hidden @ self.weights["W_hh"].T + drive)


class Unrolled(dynamics.Unrolled):
    """A net of LSTM cells unrolled; delta_k = dE/d(the sums of i, f, g, o).

    With g_k = (signal of h_k, signal of c_k) all signal that reaches c_k is

        s = signal of c_k + o_k phi'(c_k) * signal of h_k

    and delta_k = [g_k i'_k s, c_{k-1} f'_k s, i_k phi'(a_k) s, phi(c_k) o'_k * signal of h_k], from
    which W_hh^T leads to h_{k-1}, while c_{k-1} gets f_k s.
    """

    def __init__(self, net: Dynamics, state, sums):
        """Take states (T+1, B, 2 N) and the sums (T, B, 4 N) of the four."""
        size = net.hidden_size
        parts = dict(zip(dynamics.PARTS, (slice(0, size), slice(size, 2 * size)), strict=True))
        i, f, g, o = gates.parts(sums, 4)
        cell = state[1:, :, size:]
        slope = net.activation.slope(g)
        exponent = np.zeros(state.shape[:2], dtype=np.int64)
        super().__init__(state, exponent, slope, state[1:, :, :size], 4 * size, parts)
        self.recurrent = net.weights["W_hh"]
        self.kept = sigmoid(f)
        self.to_cell = sigmoid(o) * net.activation.slope(cell)
        self.of_cell = np.concatenate(
            [
                sigmoid_slope(i) * net.activation.value(g),
                sigmoid_slope(f) * state[:-1, :, size:],
                sigmoid(i) * slope,
            ],
            axis=-1,
        )
        self.of_output = sigmoid_slope(o) * net.activation.value(cell)

    def back(self, run, signal):
        """Return dE/d(the sums), and W_hh^T delta_k beside f_k times the signal through c_k."""
        hidden, cell = gates.parts(signal, 2)
        through_cell = cell + self.to_cell[run] * hidden
        delta = np.empty((*through_cell.shape[:-1], self.delta_size))
        for part, factor in zip(
            gates.parts(delta, 4), gates.parts(self.of_cell[run], 3), strict=False
        ):
            np.multiply(factor, through_cell, out=part)
        np.multiply(self.of_output[run], hidden, out=gates.parts(delta, 4)[3])
        farther = np.empty_like(signal)
        hidden, cell = gates.parts(farther, 2)
        np.matmul(delta, self.recurrent, out=hidden)
        np.multiply(self.kept[run], through_cell, out=cell)
        return delta, farther

    def pairs(self, inputs):
        """W_hh meets h_{k-1}, W_hx meets x_k."""
        hidden, _ = gates.parts(self.state[:-1], 2)
        exponent = self.exponent[:-1]
        return {
            "W_hh": dynamics.Outer(hidden.copy(), exponent.copy()),
            "W_hx": dynamics.Outer(inputs.copy(), np.zeros_like(exponent)),
        }

    def from_output(self, error):
        """Return the error of h_t, and nothing of c_t."""
        return np.concatenate([error, np.zeros_like(error)], axis=-1)


class Lstm(Cell):
    """Long short-term memory."""

    BLOCKS = 4
    PARTS = dynamics.PARTS
    Recurrence, Dynamics = Recurrence, Dynamics

    def initialise(self, net, rng, draw_recurrent, radius, scale, options):
        """Draw the weights.

        With `chrono` in the options the forget gates' biases are drawn, and those of the input
        gates are minus them (Tallec and Ollivier, 2018, equation 16).
        """
        super().initialise(net, rng, draw_recurrent, radius, scale, options)
        if options.get("chrono") is not None:
            of_input, of_forget, _, _ = gates.parts(net["b_h"], 4)
            of_forget[...] = gates.chrono_bias(rng, len(of_forget), options["chrono"])
            of_input[...] = -of_forget
