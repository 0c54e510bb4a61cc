"""One forward pass of one net on one batch, in float64, with all that its gradient needs."""

from dataclasses import dataclass

import numpy as np

from . import scaled
from .cells.dynamics import Dynamics, Unrolled
from .population import product


@dataclass(frozen=True)
class Trace:
    """One forward pass of one net on one batch, in float64.

    Attributes
    ----------
    unrolled : the net's states, and the derivative of each of its steps.
    input : (T, B, D), x_t: a word's vector, or a symbol's unit vector.
    error : (T, B, S), e_t = dE/ds_t through E_t alone, the 1/(|M| B) included.
    loss : E.
    accuracy : the part of the masked steps whose largest logit is the target's.
    """

    unrolled: Unrolled
    input: np.ndarray
    error: np.ndarray
    loss: float
    accuracy: float

    @property
    def slope(self) -> np.ndarray:
        """(T, B, N), phi' at the pre-activations of the units."""
        return self.unrolled.slope


def trace(net: Dynamics, inputs: np.ndarray, targets: np.ndarray, loss_mask) -> Trace:
    """Run one net forward and take the error of every step.

    Parameters
    ----------
    net : one of a cell's `Dynamics`.
    inputs, targets : (T, B) int.
    loss_mask : (T,) bool.
    """
    unrolled = net.unroll(net.input_drives()[inputs])
    error, loss, accuracy = _read_out(
        net.weights, unrolled.output, unrolled.exponent[1:], targets, loss_mask
    )
    # States far below 1, such as those of a sigmoid that is off, have squares that underflow.
    scaled.squared_norms(unrolled.state, unrolled.exponent)
    vectors = net.input_vectors()[inputs]
    return Trace(unrolled, vectors, unrolled.from_output(error), loss, accuracy)


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
