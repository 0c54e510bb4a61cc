"""One forward pass of one net on one batch, in float64, with all that its gradient needs."""

from dataclasses import dataclass

import numpy as np

from . import scaled
from .activations import Activation
from .population import product

# Smaller slopes count as zero: their products would be subnormal numbers, which lose digits.
SMALLEST_SLOPE = 1e-290

# Pre-activations of a larger size lie, to all digits, on the activation's asymptotes.
LARGEST_BEND = 2.0**500


@dataclass(frozen=True)
class Trace:
    """One forward pass of one net on one batch, in float64.

    Attributes
    ----------
    state, state_exponent : (T+1, B, N) and (T+1, B): h_t = state[t] * 2**state_exponent[t].
    input : (T, B, D), x_t: a word's vector, or a symbol's unit vector.
    slope : (T, B, N), phi'(a_t).
    error : (T, B, N), e_t = dE/dh_t through E_t alone, the 1/(|M| B) included.
    loss : E.
    accuracy : the part of the masked steps whose largest logit is the target's.
    """

    state: np.ndarray
    state_exponent: np.ndarray
    input: np.ndarray
    slope: np.ndarray
    error: np.ndarray
    loss: float
    accuracy: float


def input_vectors(weights: dict) -> np.ndarray:
    """Return x_t of every symbol, (V_in, D): its trained vector, or its unit vector."""
    return weights.get("embedding", np.eye(weights["W_hx"].shape[1]))


def input_drives(weights: dict) -> np.ndarray:
    """Return W_hx x_t + b_h of every symbol, (V_in, N), to be looked up."""
    return input_vectors(weights) @ weights["W_hx"].T + weights["b_h"]


def trace(
    activation: Activation, weights: dict, inputs: np.ndarray, targets: np.ndarray, loss_mask
) -> Trace:
    """Run one net forward and take the error of every step.

    Parameters
    ----------
    activation : phi.
    weights : `W_hh` (N, N), `W_hx` (N, D), `b_h` (N,), `W_s` (V, N), `b_s` (V,) and, where the
        inputs are words, `embedding` (V_in, D); any float precision, cast up exactly.
    inputs, targets : (T, B) int.
    loss_mask : (T,) bool.
    """
    weights = {name: array.astype(np.float64) for name, array in weights.items()}
    vectors = input_vectors(weights)
    drive = input_drives(weights)[inputs]
    steps, batch, size = drive.shape
    state = np.zeros((steps + 1, batch, size))
    exponent = np.zeros((steps + 1, batch), dtype=np.int64)
    slope = np.empty((steps, batch, size))
    recurrent = weights["W_hh"].T.copy()
    for t in range(steps):
        pre_activation = np.matmul(state[t], recurrent, out=slope[t])
        if np.isfinite(activation.value_bound):
            pre_activation += drive[t]
            activation.value(pre_activation, out=state[t + 1])
            slope[t] = activation.slope(pre_activation)
            continue
        # In units of the state's power of two, which a homogeneous phi keeps.
        pre_activation += drive[t] * np.ldexp(1.0, -exponent[t])[:, None]
        if activation.homogeneous:
            activation.value(pre_activation, out=state[t + 1])
            slope[t] = activation.slope(pre_activation)
        else:
            state[t + 1], slope[t] = _in_units(activation, pre_activation, exponent[t])
        # The unit never goes below 1, so that the drive stays representable.
        large = np.maximum(np.frexp(np.abs(state[t + 1]).max(axis=1))[1], -exponent[t])
        np.ldexp(state[t + 1], -large[:, None], out=state[t + 1])
        exponent[t + 1] = exponent[t] + large
    slope[np.abs(slope) < SMALLEST_SLOPE] = 0.0
    error, loss, accuracy = _read_out(weights, state[1:], exponent[1:], targets, loss_mask)
    # States far below 1, such as those of a sigmoid that is off, have squares that underflow.
    scaled.squared_norms(state, exponent)
    return Trace(state, exponent, vectors[inputs], slope, error, loss, accuracy)


def _in_units(activation, pre_activation, exponent):
    """phi(a) / 2**exponent and phi'(a) for a = pre_activation * 2**exponent, of any size."""
    power = exponent[:, None]
    with np.errstate(over="ignore"):
        a = np.ldexp(pre_activation, power)
    within = np.clip(a, -LARGEST_BEND, LARGEST_BEND)
    slope = activation.slope(within)
    value = np.ldexp(activation.value(within), -power)
    # Where the asymptote is flat its height is the value, elsewhere it is beyond all digits.
    rising = (a != within) & (slope != 0.0)
    return np.where(rising, slope * pre_activation, value), slope


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
