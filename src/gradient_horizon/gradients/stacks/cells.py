"""One recurrent layer in one direction, as PyTorch defines it, and a signal's way back through it.

A cell is recorded once: from what it read and from the state before every step it works out the
factors of the step's derivative, for all steps and sequences at once.  A signal on the state after
step k, dE/ds_k, then becomes, by elementwise products with them and one product with each matrix,

    the contribution to the gradient of each weight,
    the signal on the state before the step, dE/ds_{k-1},
    the signal on what the step read, dE/dx_k.

Equations and order of the gates are those of the documentation of torch.nn.RNN, GRU and LSTM; the
LSTM is that of Hochreiter and Schmidhuber (1997) with forget gates, its projection that of Sak et
al. (2014), the GRU that of Cho et al. (2014) with the reset gate after the product.
"""

from typing import ClassVar, NamedTuple

import numpy as np


class Back(NamedTuple):
    """What a signal on the states after n steps becomes.

    Attributes
    ----------
    contributions : by weight, in its shape, summed over the steps and sequences.
    before : (n, B, S), the signal on the states before the steps.
    read : (n, B, D), that on what was read; None where nobody asked.
    """

    contributions: dict
    before: object
    read: object


class Cell:
    """A layer in one direction, recorded.

    Parameters
    ----------
    xp : numpy or torch.
    weights : `weight_ih`, (G N, D), and `weight_hh`, (G N, H), of G gates; perhaps `bias_ih` and
        `bias_hh`, (G N,), and `weight_hr`, (H, N).
    """

    gates: ClassVar[int]
    keep_gate = None  # (T, B, N) once recorded, where there is a gate that keeps the state

    def __init__(self, xp, weights: dict):
        self.xp, self.weights = xp, weights
        self.size = weights["weight_hh"].shape[0] // self.gates
        self.output_size = weights["weight_hh"].shape[1]
        self.state_size = self.output_size

    def start(self, given: dict, batch: int):
        """Return the state before the first step, (B, S); zeros for what is not given.

        Parameters
        ----------
        given : `h0`, (B, H), and for an LSTM `c0`, (B, N).
        batch : B.
        """
        like = self.weights["weight_hh"]
        parts = [
            given[name] if name in given else zeros(like, batch, stop - start)
            for name, (start, stop) in self.parts.items()
        ]
        return parts[0] if len(parts) == 1 else self.xp.concatenate(parts, -1)

    @property
    def parts(self) -> dict[str, tuple[int, int]]:
        """Where the parts of the state are, by the name of what they start from."""
        return {"h0": (0, self.output_size)}

    def output(self, states):
        """Return what is read of the states (..., S): (..., H)."""
        return states[..., : self.output_size]

    def drive(self, inputs):
        """Return what the inputs (..., D) add to the pre-activations, biases included."""
        drive = inputs @ self.weights["weight_ih"].T
        return drive + self.weights["bias_ih"] if "bias_ih" in self.weights else drive

    def recurrent(self, state):
        """Return what the state (..., S) adds to the pre-activations, biases included."""
        sums = self.output(state) @ self.weights["weight_hh"].T
        return sums + self.weights["bias_hh"] if "bias_hh" in self.weights else sums

    def step(self, drive, state):
        """Return the state after a step, (..., S), given the drive of its input."""
        raise NotImplementedError

    def record(self, inputs, states) -> None:
        """Work out the factors of the derivative of every step.

        Parameters
        ----------
        inputs : (T, B, D), what was read.
        states : (T, B, S), the states before the steps.
        """
        raise NotImplementedError

    def back(self, run: slice, signal, read: bool) -> Back:
        """Carry a signal back through some steps, each step by itself.

        Parameters
        ----------
        run : of steps, n of them.
        signal : (n, B, S), on the states after them.
        read : whether the signal on what was read is asked for.
        """
        raise NotImplementedError

    def _finish(self, run: slice, of_input, of_state, carried, read: bool) -> Back:
        """Pair the signals on the pre-activations, (n, B, G N), with what each weight multiplies.

        Parameters
        ----------
        of_input, of_state : on what the input's weights give, and the state's: the same but for a
            GRU.
        carried : (n, B, S) or (n, B, H), what reaches the state before the step without the
            weights; None for nothing.
        """
        weights = self.weights
        inputs, states = self.inputs[run], self.output(self.states[run])
        contributions = {
            "weight_ih": paired(of_input, inputs),
            "weight_hh": paired(of_state, states),
        }
        if "bias_ih" in weights:
            contributions["bias_ih"] = summed(of_input)
        if "bias_hh" in weights:
            contributions["bias_hh"] = summed(of_state)
        before = of_state @ weights["weight_hh"]
        return Back(
            contributions,
            before if carried is None else before + carried,
            of_input @ weights["weight_ih"] if read else None,
        )


def zeros(like, *shape):
    """Return zeros of the library, type and device of an array."""
    return like.new_zeros(shape) if hasattr(like, "new_zeros") else np.zeros(shape, like.dtype)


def paired(left, right):
    """Sum over steps and sequences of left^T right: (M, K) of (n, B, M) and (n, B, K)."""
    return left.reshape(-1, left.shape[-1]).T @ right.reshape(-1, right.shape[-1])


def summed(rows):
    """Sum over steps and sequences: (M,) of (n, B, M)."""
    return rows.reshape(-1, rows.shape[-1]).sum(0)


class Tanh(Cell):
    """nn.RNN: h' = tanh(W_ih x + b_ih + W_hh h + b_hh)."""

    gates = 1

    def step(self, drive, state):
        """Return h'."""
        return self.xp.tanh(drive + self.recurrent(state))

    def record(self, inputs, states) -> None:
        """Keep phi'(a); as 1/cosh^2, which keeps its digits where tanh is 1."""
        self.inputs, self.states = inputs, states
        self.slope = self._slope(self.drive(inputs) + self.recurrent(states))

    def _slope(self, pre_activation):
        return 1.0 / self.xp.cosh(pre_activation.clip(-300.0, 300.0)) ** 2

    def back(self, run, signal, read):
        """A signal g becomes phi'(a) g on the pre-activation."""
        delta = self.slope[run] * signal
        return self._finish(run, delta, delta, None, read)


class Relu(Tanh):
    """nn.RNN with nonlinearity='relu'."""

    def step(self, drive, state):
        """Return h'."""
        return (drive + self.recurrent(state)).clip(0.0)

    def _slope(self, pre_activation):
        return (pre_activation > 0.0) * 1.0


class Gru(Cell):
    """nn.GRU: n = tanh(W_in x + b_in + r (W_hn h + b_hn)), h' = (1 - z) n + z h."""

    gates = 3

    def _gates(self, drive, state):
        sums, size = self.recurrent(state), self.size
        reset = sigmoid(self.xp, drive[..., :size] + sums[..., :size])
        update = sigmoid(self.xp, drive[..., size : 2 * size] + sums[..., size : 2 * size])
        recurrent = sums[..., 2 * size :]
        return reset, update, recurrent, self.xp.tanh(drive[..., 2 * size :] + reset * recurrent)

    def step(self, drive, state):
        """Return h'."""
        _, update, _, candidate = self._gates(drive, state)
        return candidate + update * (state - candidate)

    def record(self, inputs, states) -> None:
        """Keep the factors of each gate, and the update gate, which carries the state on."""
        self.inputs, self.states = inputs, states
        reset, update, recurrent, candidate = self._gates(self.drive(inputs), states)
        of_candidate = (1.0 - update) * (1.0 - candidate) * (1.0 + candidate)
        self.factors = (
            of_candidate * recurrent * reset * (1.0 - reset),
            (states - candidate) * update * (1.0 - update),
            of_candidate,
        )
        self.reset, self.keep_gate = reset, update

    def back(self, run, signal, read):
        """Of the candidate only what has passed the reset gate reaches the state's weights."""
        of_reset, of_update, of_candidate = (factor[run] * signal for factor in self.factors)
        join, last = self.xp.concatenate, -1
        of_input = join([of_reset, of_update, of_candidate], last)
        of_state = join([of_reset, of_update, of_candidate * self.reset[run]], last)
        return self._finish(run, of_input, of_state, self.keep_gate[run] * signal, read)


class Lstm(Cell):
    """nn.LSTM: c' = f c + i g, h' = o tanh(c') or, projected, W_hr o tanh(c'); its state is (h, c).

    Gates i and f, candidate g, gate o, in this order in the weights.
    """

    gates = 4

    def __init__(self, xp, weights: dict):
        super().__init__(xp, weights)
        self.state_size = self.output_size + self.size

    @property
    def parts(self):
        """h, then c."""
        return {"h0": (0, self.output_size), "c0": (self.output_size, self.state_size)}

    def _gates(self, drive, state):
        sums, size = drive + self.recurrent(state), self.size
        into, forget, out = (
            sigmoid(self.xp, sums[..., k * size : (k + 1) * size]) for k in (0, 1, 3)
        )
        return into, forget, self.xp.tanh(sums[..., 2 * size : 3 * size]), out

    def step(self, drive, state):
        """Return h' and c' beside each other."""
        into, forget, candidate, out = self._gates(drive, state)
        kept = forget * state[..., self.output_size :] + into * candidate
        output = out * self.xp.tanh(kept)
        if "weight_hr" in self.weights:
            output = output @ self.weights["weight_hr"].T
        return self.xp.concatenate([output, kept], -1)

    def record(self, inputs, states) -> None:
        """Keep the factors of each gate, and the forget gate, which carries c on."""
        self.inputs, self.states = inputs, states
        into, forget, candidate, out = self._gates(self.drive(inputs), states)
        before = states[..., self.output_size :]
        squashed = self.xp.tanh(forget * before + into * candidate)
        self.keep_gate, self.unprojected = forget, out * squashed
        self.to_kept = out * (1.0 - squashed) * (1.0 + squashed)
        self.factors = (
            candidate * into * (1.0 - into),
            before * forget * (1.0 - forget),
            into * (1.0 - candidate) * (1.0 + candidate),
            squashed * out * (1.0 - out),
        )

    def back(self, run, signal, read):
        """The signal on c' is that which arrived there and that which comes through h'."""
        on_output, on_kept = signal[..., : self.output_size], signal[..., self.output_size :]
        projected = {}
        if "weight_hr" in self.weights:
            projected["weight_hr"] = paired(on_output, self.unprojected[run])
            on_output = on_output @ self.weights["weight_hr"]
        on_kept = on_kept + self.to_kept[run] * on_output
        of_in, of_forget, of_candidate, of_out = (factor[run] for factor in self.factors)
        parts = [of_in * on_kept, of_forget * on_kept, of_candidate * on_kept, of_out * on_output]
        delta = self.xp.concatenate(parts, -1)
        back = self._finish(run, delta, delta, None, read)
        before = self.xp.concatenate([back.before, self.keep_gate[run] * on_kept], -1)
        return Back(back.contributions | projected, before, back.read)


def sigmoid(xp, values):
    """1 / (1 + exp(-values)), without overflow."""
    return 1.0 / (1.0 + xp.exp(-values.clip(-700.0, 700.0)))


CELLS = {"rnn": Tanh, "rnn_relu": Relu, "gru": Gru, "lstm": Lstm}
