"""What every cell has in common: one net in float64, unrolled over a batch for its gradient.

A net has a state s_t of S numbers for each sequence, of which h_t, N numbers, is read out; in the
simple cell they are the same, in an LSTM the state is h_t and c_t together.  Each step reads the
drive W_hx x_t + b_h, or W_hx x_t where the cell has no b_h.  Backwards a signal g_{t,k} = dE_t/ds_k
becomes delta_{t,k} = dE_t/da_k, with a_k all sums that the weights enter, and g_{t,k-1}.  Both maps
are linear in g.
"""

from collections.abc import Callable

import numpy as np

from ...numerics import scaled
from ..activations import Activation

# The parts that a state may have, by name.
PARTS = ("hidden", "cell")

# Smaller slopes count as zero: their products would be subnormal numbers, which lose digits.
SMALLEST_SLOPE = 1e-290


class InexactError(Exception):
    """A net cannot be taken apart exactly, said in one line for the user."""


class Dynamics:
    """One net of a cell, in float64.

    A cell defines `advance`, `unrolled` or `unroll`, and, where they differ from the simple cell's,
    the others.

    Parameters
    ----------
    activation : phi.
    weights : the net's arrays by name, of any float precision, cast up exactly: those of the
        cell's `shapes`, `W_s` (V, N), `b_s` (V,) and, where the inputs are words, `embedding`
        (V_in, D).
    options : the keys of the configuration's `model` that the cell reads.
    """

    def __init__(self, activation: Activation, weights: dict, options: dict | None = None):
        self.activation = activation
        self.options = options or {}
        self.weights = {name: array.astype(np.float64) for name, array in weights.items()}

    @property
    def hidden_size(self) -> int:
        """N, the length of what is read out."""
        return self.weights["W_s"].shape[1]

    @property
    def state_size(self) -> int:
        """S, the length of the state."""
        return self.hidden_size

    @property
    def recurrent(self) -> np.ndarray:
        """The square matrix (N, N) whose spectral radius is set at the start."""
        return self.weights["W_hh"]

    @property
    def symbols(self) -> int:
        """V_in, how many symbols it knows."""
        return len(self.weights.get("embedding", self.weights["W_hx"].T))

    def vectors(self, inputs: np.ndarray) -> np.ndarray:
        """Return x_t (T, B, D).

        Parameters
        ----------
        inputs : (T, B) int, symbols, each with its trained vector or else its unit vector; or
            (T, B, D) float, the vectors themselves.
        """
        if inputs.dtype.kind == "f":
            return inputs.astype(np.float64)
        return self._table()[inputs]

    def drives(self, inputs: np.ndarray) -> np.ndarray:
        """Return W_hx x_t + b_h, (T, B, A), for `inputs` as `vectors` takes them."""
        if inputs.dtype.kind == "f":
            return self._driven(self.vectors(inputs))
        # There are only V_in different ones.
        return self._driven(self._table())[inputs]

    def _table(self) -> np.ndarray:
        """The vector of every symbol, (V_in, D)."""
        return self.weights.get("embedding", np.eye(self.weights["W_hx"].shape[1]))

    def _driven(self, vectors: np.ndarray) -> np.ndarray:
        return vectors @ self.weights["W_hx"].T + self.weights.get("b_h", 0.0)

    def unroll(self, drive: np.ndarray) -> "Unrolled":
        """Run the net over drives (T, B, A), from a state of zeros.

        Raises
        ------
        InexactError : an activation without bounds lets the states grow beyond all floats.
        """
        steps, batch, _ = drive.shape
        states = np.zeros((steps + 1, batch, self.state_size))
        with np.errstate(over="ignore", invalid="ignore"):
            for t, own in enumerate(drive):
                states[t + 1] = self.advance(states[t], own)
            finite = np.isfinite(states).all(axis=(1, 2))
            if not finite.all():
                raise InexactError(
                    f"the states leave the floating-point numbers at step {np.argmin(finite)} of "
                    f"{steps}; a net of such a cell cannot be taken apart then: a smaller radius "
                    "or a bounded activation, such as tanh, keeps them"
                )
            return self.unrolled(states, drive)

    def unrolled(self, states: np.ndarray, drive: np.ndarray) -> "Unrolled":
        """Return the net unrolled, given s_0 ... s_T (T+1, B, S) and drives (T, B, A)."""
        raise NotImplementedError

    def advance(self, state: np.ndarray, drive: np.ndarray) -> np.ndarray:
        """Return the states (..., S) one step after `state` (..., S), given drives (..., A)."""
        raise NotImplementedError

    def output(self, state: np.ndarray) -> np.ndarray:
        """Return what is read out of states (..., S): h, (..., N)."""
        return state

    def step_bound(self, slope_bound: float) -> float:
        """Return what no step back can stretch a signal by more than; nan if nothing is known.

        `slope_bound` is the largest slope of phi that is reckoned with.
        """
        return float("nan")


class Unrolled:
    """A net's states over one batch, and the derivative of each of its steps.

    A cell defines `back` and `pairs` and, where its state is not what is read out, `from_output`
    and `parts`.

    Attributes
    ----------
    state, exponent : (T+1, B, S) and (T+1, B): s_t = state[t] * 2**exponent[t].
    slope : (T, B, N), phi' at the pre-activations of the units.
    output : (T, B, N), h_t in units of 2**exponent[t + 1].
    delta_size : A', the length of delta.
    parts : the slice of the state that each of its parts takes, by name.
    """

    def __init__(self, state, exponent, slope, output, delta_size: int, parts: dict | None = None):
        self.state, self.exponent, self.slope, self.output = state, exponent, slope, output
        self.delta_size = delta_size
        self.parts = parts or {"hidden": slice(0, state.shape[2])}

    def back(self, run: slice, signal: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Turn signals g_k (R, B, S) at a run of steps k into delta_k (R, B, A') and g_{k-1}."""
        raise NotImplementedError

    def pairs(self, inputs: np.ndarray) -> dict[str, "Outer | Elementwise | Stacked"]:
        """Return, for `W_hh` and `W_hx`, what delta_k is paired with; `inputs` is x (T, B, D)."""
        raise NotImplementedError

    def from_output(self, error: np.ndarray) -> np.ndarray:
        """Turn dE_t/dh_t (T, B, N) into e_t = dE_t/ds_t (T, B, S)."""
        return error

    def step_back(self, run, signal, exponent, delta, farther) -> tuple[np.ndarray, ...]:
        """Go from g_k to delta_k and g_{k-1} for a run of steps k, each row with a power of two.

        Parameters
        ----------
        run : the steps k, counted from 0.
        signal, exponent : (R, B, S) and (R, B), g_k, after `scaled.squared_norms`.
        delta : (R, B, A'), overwritten by delta_k.
        farther : the last R or R - 1 rows of g_{k-1}, overwritten; it may share memory with
            `signal`.  The sequence's first step has nothing before it.

        Returns
        -------
        The squared norms of delta, and the powers of two of delta and of g_{k-1}, each (R, B).
        """
        delta[...], before = self.back(run, signal)
        farther[...] = before[len(delta) - len(farther) :]
        delta_exponent = exponent.copy()
        return scaled.squared_norms(delta, delta_exponent), delta_exponent, exponent

    def jacobian(self, t: int) -> np.ndarray:
        """Return J_t = ds_t/ds_{t-1}, (B, S, S), for the step t counted from 0."""
        _, batch, size = self.state.shape
        signal = np.broadcast_to(np.eye(size)[:, None], (size, batch, size))
        return self.back(slice(t, t + 1), signal)[1].swapaxes(0, 1)


class Jacobians:
    """The Jacobians of every step of the first sequences of a batch, made when they are asked for.

    Behaves as an array (T, B, S, S) does: `len`, and the step's (B, S, S) by index.
    """

    def __init__(self, unrolled: Unrolled, sequences: int):
        self.unrolled, self.sequences = unrolled, sequences

    def __len__(self) -> int:
        """T."""
        return len(self.unrolled.slope)

    def __getitem__(self, t: int) -> np.ndarray:
        """Return J_t of the sequences."""
        return self.unrolled.jacobian(t)[: self.sequences]


class Outer:
    """Weights of a matrix product: the gradient is a sum of outer products delta_k source_k^T.

    Parameters
    ----------
    source, exponent : (T, B, M) and (T, B), what the matrix is multiplied with at step k; rows of
        extreme size are rescaled in place.
    columns : which part of delta belongs to the matrix; None for all of it.
    """

    def __init__(self, source, exponent, columns: slice | None = None):
        self.source, self.exponent = source, exponent
        scaled.squared_norms(self.source, self.exponent)
        self.columns = columns
        self._norms = np.sqrt(np.vecdot(self.source, self.source))

    def total(self, run: slice, delta, exponent, per_sequence: bool) -> tuple[np.ndarray, int]:
        """Sum over a run of steps, flat, and its power of two; (B, ...) flat if by sequence."""
        own = delta if self.columns is None else delta[..., self.columns]
        add_up = scaled.outer_sums if per_sequence else scaled.outer_sum
        total, power = add_up(own, exponent, self.source[run], self.exponent[run])
        return total.reshape(-1), int(power)

    def norms(self, run: slice, delta, squares, exponent) -> tuple[np.ndarray, np.ndarray]:
        """Frobenius norms of the single products, (R, B), and their powers of two.

        `squares` (R, B) are the squared norms of the whole delta.
        """
        if self.columns is not None:
            own = delta[..., self.columns]
            squares = np.vecdot(own, own)
        return np.sqrt(squares) * self._norms[run], exponent + self.exponent[run]


class Elementwise:
    """Weights that multiply a state number by number: the gradient is a sum of such products.

    Parameters
    ----------
    multiply : `multiply(delta, source)` returns the products (R, B, M) for rows of both.
    source, exponent : (T, B, M) and (T, B); rows of extreme size are rescaled in place.
    """

    def __init__(self, multiply: Callable, source, exponent):
        self.multiply = multiply
        self.source, self.exponent = source, exponent
        scaled.squared_norms(self.source, self.exponent)

    def total(self, run: slice, delta, exponent, per_sequence: bool) -> tuple[np.ndarray, int]:
        """Sum as `Outer.total` does."""
        products = self.multiply(delta, self.source[run])
        rows, power = scaled.of_one_size(products, exponent + self.exponent[run])
        return rows.sum(axis=0 if per_sequence else (0, 1)).reshape(-1), power

    def norms(self, run: slice, delta, squares, exponent) -> tuple[np.ndarray, np.ndarray]:
        """Norms as `Outer.norms` gives them."""
        products, powers = self.multiply(delta, self.source[run]), exponent + self.exponent[run]
        return np.sqrt(scaled.squared_norms(products, powers)), powers


class Stacked:
    """Weights whose rows, block below block, are multiplied with different sources.

    Parameters
    ----------
    blocks : the pair of each block, from the top, each with its `columns` of delta.
    """

    def __init__(self, blocks: list[Outer]):
        self.blocks = blocks
        self.source = blocks[0].source

    def total(self, run: slice, delta, exponent, per_sequence: bool) -> tuple[np.ndarray, int]:
        """Sum as `Outer.total` does."""
        pieces = [block.total(run, delta, exponent, per_sequence) for block in self.blocks]
        largest = max((power for piece, power in pieces if piece.any()), default=0)
        sequences = delta.shape[1] if per_sequence else 1
        rows = [np.ldexp(piece.reshape(sequences, -1), power - largest) for piece, power in pieces]
        return np.concatenate(rows, axis=1).reshape(-1), largest

    def norms(self, run: slice, delta, squares, exponent) -> tuple[np.ndarray, np.ndarray]:
        """Norms as `Outer.norms` gives them."""
        parts = [block.norms(run, delta, squares, exponent) for block in self.blocks]
        norms, powers = map(np.stack, zip(*parts, strict=True))
        # A block of zeros has no size.
        largest = np.where(norms > 0.0, powers, powers.min(axis=0)).max(axis=0)
        return np.sqrt(np.square(np.ldexp(norms, powers - largest)).sum(axis=0)), largest
