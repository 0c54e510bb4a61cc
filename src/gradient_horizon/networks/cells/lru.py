"""The linear recurrent unit (Orvieto, Smith, Gu, Fernando, Gulcehre, Pascanu and De, 2023).

s_t = Lambda s_{t-1} + exp(gamma_log) * (B x_t),    h_t = phi(Re(C s_t) + b_y),    s_0 = 0
Lambda = diag(exp(-exp(nu_log) + i exp(theta_log)))

N complex units, each with an eigenvalue of its own: section 3 there, phi being what stands between
this layer and the next, here the read-out.  No modulus can reach 1.  The state is linear: a signal
shrinks by |lambda| at every step, whatever the net reads, and phi takes part only where it is sent.
No input goes past the state, as D x_t does there.

In arrays a complex number is two real ones, side by side: the state and B x_t have 2 N numbers,
`W_hx` (2 N, D) is B, and `C` (N, 2 N) holds real parts and the negatives of imaginary parts, so
that Re(C s) is a product of real numbers.  In these numbers Lambda, which is decomposed under the
name `W_hh`, is a matrix of 2 x 2 blocks on the diagonal.
"""

import numpy as np

from ...numerics.population import by_net, product
from . import dynamics, recurrence
from .cell import Cell

# Logarithms beyond count as this: exp(100) is no number in single precision, and a phase of that
# size has no digits; only nets that have diverged have such.
LARGEST_LOGARITHM = 100.0


def draw_moduli(rng, size: int, inner: float, outer: float) -> np.ndarray:
    """Draw moduli (N,) of numbers that lie evenly in the ring between two radii (Lemma 3.2)."""
    part = 1.0 - rng.random(size)  # in (0, 1]: no modulus is 0
    return np.sqrt(inner**2 + part * (outer**2 - inner**2))


def exponential(logarithms: np.ndarray) -> np.ndarray:
    """Exponentiate a trained logarithm."""
    return np.exp(np.minimum(logarithms, LARGEST_LOGARITHM))


def eigenvalues(weights) -> np.ndarray:
    """Return the diagonal of Lambda, complex, of one net (N,) or of a population (P, N)."""
    moduli = np.exp(-exponential(weights["nu_log"]))
    return moduli * np.exp(1j * exponential(weights["theta_log"]))


def complex_view(pairs: np.ndarray) -> np.ndarray:
    """View (..., 2 N) real numbers as (..., N) complex ones."""
    return pairs.view(np.result_type(pairs.dtype, np.complex64))


class Recurrence(recurrence.Recurrence):
    """The recurrence of a population, and its gradient; parameters as of the simple cell's.

    `backward` turns `gradient` into dE/d(Re(C s_t) + b_y).
    """

    def __init__(self, activation, steps, batch, weights, options):
        population, size, width = weights["C"].shape
        dtype = weights.flat.dtype
        self.activation, self.weights = activation, weights
        self.state_bound = activation.value_bound
        self.states = np.zeros((steps + 1, batch, population, size), dtype)
        # The row before the first step is for `OuterSum`, and stays 0.
        self._sent = np.zeros_like(self.states)
        self.gradient = self._sent[1:]
        self.drive = np.zeros((steps, batch, population, width), dtype)
        self._linear = np.zeros((steps + 1, batch, population, width), dtype)  # s_0 ... s_T
        self._signal = np.zeros_like(self.drive)
        # Re(C s_t) + b_y beside the states where the gradient needs it.
        in_place = activation.slope_from_value is not None
        self._read = self.states[1:] if in_place else np.zeros_like(self.gradient)
        self._transposed = np.empty((population, width, size), dtype)
        self._sum = recurrence.OuterSum(steps + 1, batch, population, size, width, dtype)
        self._scratch = np.empty((batch, population, size), dtype)
        self._carried = np.empty_like(complex_view(self.drive[0]))
        # dE/d(Re lambda) + i dE/d(Im lambda), and dE/d(gamma_log).
        self._own_slope = np.zeros_like(self._carried[0])
        self._part_slope = np.zeros((population, size), dtype)

    def forward(self) -> None:
        """Turn the drive into h_1 ... h_T."""
        own = eigenvalues(self.weights)
        linear, drive = complex_view(self._linear), complex_view(self.drive)
        np.multiply(exponential(self.weights["gamma_log"]), drive, out=linear[1:])
        np.copyto(self._transposed, self.weights["C"].swapaxes(1, 2))
        for t, read in enumerate(self._read):
            linear[t + 1] += np.multiply(own, linear[t], out=self._carried)
            product(by_net(self._linear[t + 1]), self._transposed, out=by_net(read))
            read += self.weights["b_y"]
            self.activation.value(read, out=self.states[t + 1])

    def backward(self) -> np.ndarray:
        """Go back from dE_t/dh_t in `gradient` and return dE/d(B x_t), which is in `drive` then."""
        own = eigenvalues(self.weights).conj()
        linear, signal = complex_view(self._linear), complex_view(self._signal)
        self._own_slope[...] = 0.0
        for t in reversed(range(len(self.gradient))):
            self.gradient[t] *= self._slope(t)
            product(by_net(self.gradient[t]), self.weights["C"], out=by_net(self._signal[t]))
            if self.goes_on(t):
                signal[t] += np.multiply(own, signal[t + 1], out=self._carried)
            np.conj(linear[t], out=self._carried)
            self._carried *= signal[t]
            self._own_slope += self._carried.sum(axis=0)
        part = exponential(self.weights["gamma_log"])
        self.drive *= self._signal
        pairs = self.drive.sum(axis=(0, 1))
        np.multiply(part, pairs[..., ::2] + pairs[..., 1::2], out=self._part_slope)
        np.multiply(part, signal, out=complex_view(self.drive))
        return self.drive

    def _argument(self, t: int) -> np.ndarray:
        return self._read[t]

    def weight_gradient(self, slopes) -> None:
        """Write the gradients of all weights but B, after `backward`."""
        along = np.conj(self._own_slope) * eigenvalues(self.weights)
        slopes["nu_log"][...] = -exponential(self.weights["nu_log"]) * along.real
        slopes["theta_log"][...] = -exponential(self.weights["theta_log"]) * along.imag
        slopes["gamma_log"][...] = self._part_slope
        slopes["b_y"][...] = self.gradient.sum(axis=(0, 1))
        self._sum.write(self._sent, self._linear, out=slopes["C"])


class Dynamics(dynamics.Dynamics):
    """One net of linear recurrent units; what is read out is phi of Re(C s_t) + b_y."""

    def __init__(self, activation, weights, options=None):
        super().__init__(activation, weights, options)
        self.eigenvalues = eigenvalues(self.weights)
        self.input_part = exponential(self.weights["gamma_log"])

    @property
    def state_size(self) -> int:
        """2 N: real and imaginary parts."""
        return 2 * self.hidden_size

    @property
    def recurrent(self) -> np.ndarray:
        """Lambda as a real matrix (2 N, 2 N)."""
        size = self.state_size
        turned = complex_view(np.eye(size)) * self.eigenvalues
        return turned.view(np.float64).T.copy()

    def advance(self, state, drive):
        """Return the states one step on."""
        new = self.eigenvalues * complex_view(np.ascontiguousarray(state))
        return (new + self.input_part * complex_view(drive)).view(np.float64)

    def output(self, state):
        """Return phi(Re(C s) + b_y), (..., N)."""
        with np.errstate(over="ignore", invalid="ignore"):
            return self.activation.value(state @ self.weights["C"].T + self.weights["b_y"])

    def step_bound(self, slope_bound: float) -> float:
        """Return the largest modulus: a step back is linear, and normal."""
        return float(np.abs(self.eigenvalues).max())

    def unroll(self, drive: np.ndarray) -> "Unrolled":
        """Run the net over drives (T, B, 2 N); the eigenvalues keep its states in bounds."""
        steps, batch, width = drive.shape
        state = np.zeros((steps + 1, batch, width))
        linear = complex_view(state)
        np.multiply(self.input_part, complex_view(drive), out=linear[1:])
        for t in range(steps):
            linear[t + 1] += self.eigenvalues * linear[t]
        read = state[1:] @ self.weights["C"].T + self.weights["b_y"]
        slope = self.activation.slope(read)
        slope[np.abs(slope) < dynamics.SMALLEST_SLOPE] = 0.0
        return Unrolled(self, state, slope, self.activation.value(read))


class Unrolled(dynamics.Unrolled):
    """A net unrolled: g_{k-1} = Lambda^T g_k.

    delta_k is g_k, which Lambda's gradient is made of, and beside it exp(gamma_log) g_k, which B's
    is made of; each 2 N numbers.
    """

    def __init__(self, net: Dynamics, state, slope, output):
        exponent = np.zeros(state.shape[:2], dtype=np.int64)
        super().__init__(state, exponent, slope, output, delta_size=2 * state.shape[2])
        self.read_matrix = net.weights["C"]
        self.conjugates = net.eigenvalues.conj()
        self.input_part = np.repeat(net.input_part, 2)

    def back(self, run, signal):
        """Return g_k and exp(gamma_log) g_k side by side, and Lambda^T g_k, by the conjugates."""
        delta = np.concatenate([signal, self.input_part * signal], axis=-1)
        return delta, (self.conjugates * complex_view(signal)).view(np.float64)

    def pairs(self, inputs):
        """Lambda meets s_{k-1}, its conjugate number by number; B meets x_k."""
        width = self.state.shape[2]

        def products(delta, source):
            signal = complex_view(delta[..., :width])
            return (complex_view(source).conj() * signal).view(np.float64)

        of_input = slice(width, 2 * width)
        return {
            "W_hh": dynamics.Elementwise(products, self.state[:-1], self.exponent[:-1]),
            "W_hx": dynamics.Outer(inputs.copy(), np.zeros_like(self.exponent[:-1]), of_input),
        }

    def from_output(self, error):
        """Return the real gradient by s_t: C^T phi' dE_t/dh_t."""
        return (self.slope * error) @ self.read_matrix


class Lru(Cell):
    """The linear recurrent unit."""

    RADIUS_LIMIT = 1.0
    Recurrence, Dynamics = Recurrence, Dynamics

    def shapes(self, hidden_size, input_size):
        """Shapes of the cell's weights in one net."""
        return {
            "nu_log": (hidden_size,),
            "theta_log": (hidden_size,),
            "gamma_log": (hidden_size,),
            "W_hx": (2 * hidden_size, input_size),
            "C": (hidden_size, 2 * hidden_size),
            "b_y": (hidden_size,),
        }

    def initialise(self, net, rng, draw_recurrent, radius, scale, options):
        """Draw the cell's weights of one net, in place, as in appendix A there.

        The eigenvalues lie evenly in the ring from the part `ring` of the radius to the radius, of
        which the one of largest modulus is moved to its outer edge: the spectral radius is exact.
        `draw_recurrent` is not used, as there is no matrix to draw.  The inputs of every unit have
        the weight sqrt(1 - |lambda|^2), with which white noise gives states of the size of B x_t.

        Parameters
        ----------
        radius : the largest modulus, below 1.
        scale : the root mean square of the moduli of B.
        net, rng, draw_recurrent, options : as of the simple cell.
        """
        size = len(net["nu_log"])
        moduli = draw_moduli(rng, size, options["ring"] * radius, radius)
        moduli[moduli.argmax()] = radius
        net["nu_log"][...] = np.log(-np.log(moduli))
        net["theta_log"][...] = np.log(2.0 * np.pi * (1.0 - rng.random(size)))
        net["gamma_log"][...] = 0.5 * np.log((1.0 - moduli) * (1.0 + moduli))
        net["W_hx"][...] = rng.normal(0.0, scale / np.sqrt(2.0), net["W_hx"].shape)
        net["C"][...] = rng.normal(0.0, 1.0 / np.sqrt(size), net["C"].shape)
