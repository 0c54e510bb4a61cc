"""The gated recurrent unit (Cho et al., 2014), its reset gate after the product as in cuDNN.

r_t, z_t = sigmoid(W h_{t-1} + U x_t + b), each its own             reset and update gate
n_t = phi(a_t),  a_t = U_n x_t + b_h,n + r_t m_t                    candidate
m_t = W_n h_{t-1} + b_n
h_t = (1 - z_t) n_t + z_t h_{t-1},    h_0 = 0

The three stand below each other in `W_hh`, `W_hx` and `b_h` in the order r, z, n.
"""

import numpy as np

from ..activations import Activation
from ..initialise import largest_singular_value
from ..population import Weights, by_net, product
from . import dynamics, gates, recurrence
from .gates import sigmoid, sigmoid_slope


def shapes(hidden_size: int, input_size: int) -> dict[str, tuple[int, ...]]:
    """Shapes of the cell's weights in one net."""
    return {
        "W_hh": (3 * hidden_size, hidden_size),
        "W_hx": (3 * hidden_size, input_size),
        "b_h": (3 * hidden_size,),
        "b_n": (hidden_size,),
    }


def initialise(net: dict, rng, draw_recurrent, radius: float, scale: float, options: dict) -> None:
    """Draw the cell's weights of one net, in place; parameters as of the simple cell's.

    With `chrono` in the options the biases of z, here the gate that keeps, are drawn (Tallec and
    Ollivier, 2018, section 2).
    """
    gates.draw_stacked(net, rng, draw_recurrent, radius, scale)
    if options.get("chrono") is not None:
        _, update, _ = gates.parts(net["b_h"], 3)
        update[...] = gates.chrono_bias(rng, len(update), options["chrono"])


class Recurrence(recurrence.Recurrence):
    """The recurrence of a population, and its gradient; parameters as of the simple cell's.

    `forward` turns `drive` into r, z and n, `backward` turns them into dE/d(their sums).  The
    products with W_hh become the derivatives by them likewise: they differ in the third part.
    """

    def __init__(
        self, activation: Activation, steps: int, batch: int, weights: Weights, options: dict
    ):
        population, height, size = weights["W_hh"].shape
        dtype = weights.flat.dtype
        self.activation, self.weights = activation, weights
        self.state_bound = activation.value_bound
        self.states = np.zeros((steps + 1, batch, population, size), dtype)
        self.gradient = np.zeros((steps, batch, population, size), dtype)
        self.drive = np.zeros((steps, batch, population, height), dtype)
        self._products = np.zeros_like(self.drive)
        # a_t, kept only where phi(a_t) does not tell the slope.
        self._keeps = activation.slope_from_value is None
        self._pre_activations = np.empty_like(self.gradient) if self._keeps else None
        self._transposed = np.empty((population, size, height), dtype)
        self._sum = recurrence.OuterSum(steps, batch, population, height, size, dtype)
        self._rows = np.empty((batch, population, height), dtype)
        buffers = np.empty((4, batch, population, size), dtype)
        self._scratch, self._slopes, self._of_product, self._carried = buffers

    def forward(self) -> None:
        """Turn the drive into the states h_1 ... h_T."""
        np.copyto(self._transposed, self.weights["W_hh"].swapaxes(1, 2))
        self._products[0] = 0.0
        for t, (rows, products) in enumerate(zip(self.drive, self._products, strict=True)):
            before, state = self.states[t], self.states[t + 1]
            if t > 0:
                product(by_net(before), self._transposed, out=by_net(products))
            r, z, n = gates.parts(rows, 3)
            m = gates.parts(products, 3)[2]
            candidate = self._pre_activations[t] if self._keeps else self._scratch
            np.copyto(candidate, n)
            # Of all three: a pass over whole rows is faster than one over two parts of them.
            rows += products
            sigmoid(rows, out=rows)
            m += self.weights["b_n"]
            candidate += np.multiply(r, m, out=state)
            new = self.activation.value(candidate, out=self._scratch)
            n[...] = new
            np.subtract(before, new, out=state)
            state *= z
            state += new

    def backward(self) -> np.ndarray:
        """Go back from dE_t/dh_t in `gradient` and return dE/d(drive), which takes its place.

        `gradient` becomes dE/dh_t through all later steps.
        """
        scratch, carried = self._scratch, self._carried
        for t in reversed(range(len(self.gradient))):
            signal, products = self.gradient[t], self._products[t]
            if self.goes_on(t):
                product(by_net(self._products[t + 1]), self.weights["W_hh"], out=by_net(scratch))
                signal += scratch
                signal += carried
            r, z, n = gates.parts(self.drive[t], 3)
            m = gates.parts(products, 3)[2]
            np.multiply(signal, z, out=carried)
            candidate = self._slope(n, t)
            # (1 - z) times the signal, of which z times has just been taken.
            candidate *= np.subtract(signal, carried, out=scratch)
            of_product = np.multiply(candidate, r, out=self._of_product)
            m *= candidate
            np.subtract(self.states[t], n, out=scratch)
            scratch *= signal
            rows = self.drive[t]
            gates.to_slopes(rows, self._rows)
            r *= m
            z *= scratch
            n[...] = candidate
            np.copyto(products, rows)
            m[...] = of_product
        return self.drive

    def _slope(self, value: np.ndarray, t: int) -> np.ndarray:
        if self._keeps:
            return self.activation.slope(self._pre_activations[t])
        return self.activation.slope_from_value(value, out=self._slopes)

    def weight_gradient(self, slopes: Weights) -> None:
        """Write dE/dW_hh and dE/db_n, after `backward`."""
        self._sum.write(self._products, self.states, out=slopes["W_hh"])
        of_product = gates.parts(self._products, 3)[2]
        of_product.sum(axis=(0, 1), out=slopes["b_n"])


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

    def unroll(self, drive: np.ndarray) -> "Unrolled":
        """Run the net over drives (T, B, 3 N).

        Raises
        ------
        gates.InexactError : the states leave the floating-point numbers.
        """
        steps, batch, _ = drive.shape
        state = np.zeros((steps + 1, batch, self.hidden_size))
        with np.errstate(over="ignore", invalid="ignore"):
            for t, own in enumerate(drive):
                state[t + 1] = self.advance(state[t], own)
            gates.require_finite(state)
            return Unrolled(self, state, *self._sums(state[:-1], drive))


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

    def deltas(self, run, signal):
        """Return dE/d(the product W_n h_{k-1}) and dE/d(the sums of r, z, n)."""
        return self.factors[run] * np.concatenate([signal] * 4, axis=-1)

    def carry(self, run, signal, delta):
        """Return W_hh^T times the first three parts of delta_k, and z_k g_k."""
        farther = delta[..., : len(self.recurrent)] @ self.recurrent
        farther += self.kept[run] * signal
        return farther

    def pairs(self, inputs):
        """W_hh meets h_{k-1}, W_hx meets x_k."""
        height = len(self.recurrent)
        zeros = np.zeros_like(self.exponent[:-1])
        of_state, of_input = slice(0, height), slice(self.delta_size - height, None)
        return {
            "W_hh": dynamics.Outer(self.state[:-1], self.exponent[:-1], of_state),
            "W_hx": dynamics.Outer(inputs.copy(), zeros, of_input),
        }
