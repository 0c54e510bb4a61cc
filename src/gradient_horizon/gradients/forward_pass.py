"""One forward pass of one net on one batch, in float64, with all that its gradient needs."""

from dataclasses import dataclass

import numpy as np

from ..networks.cells.dynamics import Dynamics, Unrolled
from ..numerics import scaled
from ..numerics.population import product


@dataclass(frozen=True)
class Trace:
    """One forward pass of one net on one batch, in float64.

    Attributes
    ----------
    unrolled : the net's states, and the derivative of each of its steps.
    input : (T, B, D), x_t: a word's vector, or a symbol's unit vector.
    error, error_exponent : (T, B, S) and (T, B): e_t = dE/ds_t through E_t alone, the 1/(|M| B)
        included, is error[t] * 2**error_exponent[t].
    loss : E; inf where it leaves the floating-point numbers.
    accuracy : the part of the masked steps whose largest logit is the target's or, where targets
        are numbers, that are near enough.
    """

    unrolled: Unrolled
    input: np.ndarray
    error: np.ndarray
    error_exponent: np.ndarray
    loss: float
    accuracy: float

    @property
    def slope(self) -> np.ndarray:
        """(T, B, N), phi' at the pre-activations of the units."""
        return self.unrolled.slope


def trace(
    net: Dynamics,
    inputs: np.ndarray,
    targets: np.ndarray,
    loss_mask: np.ndarray,
    tolerance: float = 0.0,
) -> Trace:
    """Run one net forward and take the error of every step.

    Parameters
    ----------
    net : one of a cell's `Dynamics`.
    inputs : (T, B) int, symbols, or (T, B, D) float, vectors.
    targets : (T, B) int, classes of which the net gives probabilities, or (T, B, O) float, numbers
        which it gives itself.
    loss_mask : (T,) bool.
    tolerance : an answer is right where every number is nearer to its target; with 0 none is.
    """
    unrolled = net.unroll(net.drives(inputs))
    state, exponent = unrolled.output, unrolled.exponent[1:]
    error_exponent = np.zeros_like(exponent)
    if targets.dtype.kind == "f":
        error, error_exponent[loss_mask], loss, accuracy = _give_numbers(
            net.weights, state, exponent, targets, loss_mask, tolerance
        )
    else:
        error, loss, accuracy = _read_out(net.weights, state, exponent, targets, loss_mask)
    # States far below 1, such as those of a sigmoid that is off, have squares that underflow.
    scaled.squared_norms(unrolled.state, unrolled.exponent)
    error = unrolled.from_output(error)
    return Trace(unrolled, net.vectors(inputs), error, error_exponent, loss, accuracy)


def _read_out(weights, state, exponent, targets, loss_mask):
    """Error of every step (T, B, N), mean loss and accuracy of the soft-max read-out."""
    _, batch, size = state.shape
    outputs = weights["W_s"]
    wanted = targets[loss_mask].reshape(-1)
    power = exponent[loss_mask].reshape(-1, 1)
    logits = np.empty((1, len(wanted), len(outputs)))
    product(state[loss_mask].reshape(1, -1, size), outputs.T.copy()[None], out=logits)
    logits = logits[0]
    logits += np.ldexp(1.0, -power) * weights["b_s"]
    hits = logits.argmax(axis=1) == wanted
    logits -= logits.max(axis=1, keepdims=True)
    if power.any():
        with np.errstate(over="ignore"):  # a logit far below the largest: probability 0
            np.ldexp(logits, power, out=logits)
    target = np.arange(len(wanted)), wanted
    right = logits[target]
    slope = np.exp(logits, out=logits)
    # softmax - onehot is, at the target, minus the sum of the other probabilities: taken so, it
    # keeps its digits where the net is sure and 1 - softmax cancels.
    slope[target] = 0.0
    wrong = slope.sum(axis=1)
    total = wrong + np.exp(right)
    slope[target] = -wrong
    slope /= (total * len(wanted))[:, None]
    sent = np.empty((1, len(wanted), size))
    product(slope[None], outputs[None], out=sent)
    error = np.zeros_like(state)
    error[loss_mask] = sent.reshape(-1, batch, size)
    losses = np.log(total) - right
    return error, float((losses / losses.size).sum()), float(hits.mean())


def _give_numbers(weights, state, exponent, targets, loss_mask, tolerance):
    """Error (T, B, N), its powers of two (|M|, B), loss and accuracy of the linear read-out."""
    _, batch, size = state.shape
    outputs = weights["W_s"]
    wanted = targets[loss_mask].reshape(-1, len(outputs))
    power = exponent[loss_mask].reshape(-1)
    # In units of the state's power of two, as the states are.
    off = np.empty((1, *wanted.shape))
    product(state[loss_mask].reshape(1, -1, size), outputs.T.copy()[None], out=off)
    off = off[0]
    off += np.ldexp(1.0, -power)[:, None] * (weights["b_s"] - wanted)
    with np.errstate(over="ignore"):
        distance = np.abs(np.ldexp(off, power[:, None]))
        losses = np.square(distance).sum(axis=1)
    scaled.normalise(off, power)
    sent = np.empty((1, len(wanted), size))
    product((2.0 / len(wanted) * off)[None], outputs[None], out=sent)
    error = np.zeros_like(state)
    error[loss_mask] = sent.reshape(-1, batch, size)
    hits = (distance < tolerance).all(axis=1)
    loss = float((losses / losses.size).sum())
    return error, power.reshape(-1, batch), loss, float(hits.mean())
