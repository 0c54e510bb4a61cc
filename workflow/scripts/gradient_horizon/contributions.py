"""The exact contribution of every temporal distance to the gradient of one net.

With e_t = dE/dh_t through E_t alone and the recursion

    g_{t,t} = e_t;    delta_{t,k} = phi'(a_k) * g_{t,k};    g_{t,k-1} = W_hh^T delta_{t,k}

the contribution of distance d = t - k is C_d = sum over t and b of delta_{t,t-d} h_{t-d-1}^T, and
the C_d add up to dE/dW_hh.  The algorithm walks down d for all t at once: O(T^2 B N^2) operations
and O(T B N) memory.  Every row carries a power of two, so that nothing under- or overflows.
"""

from dataclasses import dataclass

import numpy as np

from . import scaled
from .activations import Activation

# Allowed difference between the sum over distances and the gradient, relative to the gradient.
LARGEST_RESIDUAL = 1e-9

# Where the terms of the gradient cancel down to less than this part of the sum of their norms, it
# is to that part that the difference is relative: rounding errors do not shrink with the gradient.
CANCELLED = 1e-4

# Smaller slopes count as zero: their products would be subnormal numbers, which lose digits.
SMALLEST_SLOPE = 1e-290


@dataclass(frozen=True)
class Trace:
    """One forward pass of one net on one batch, in float64.

    Attributes
    ----------
    state, state_exponent : (T+1, B, N) and (T+1, B): h_t = state[t] * 2**state_exponent[t].
    slope : (T, B, N), phi'(a_t).
    error : (T, B, N), e_t = dE/dh_t through E_t alone, the 1/(|M| B) included.
    loss : E.
    accuracy : the part of the masked steps whose largest logit is the target's.
    """

    state: np.ndarray
    state_exponent: np.ndarray
    slope: np.ndarray
    error: np.ndarray
    loss: float
    accuracy: float


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
    table = weights["W_hx"].T
    if "embedding" in weights:
        table = weights["embedding"] @ table
    drive = (table + weights["b_h"])[inputs]
    steps, batch, size = drive.shape
    state = np.zeros((steps + 1, batch, size))
    exponent = np.zeros((steps + 1, batch), dtype=np.int64)
    slope = np.empty((steps, batch, size))
    recurrent = weights["W_hh"].T.copy()
    for t in range(steps):
        exponent[t + 1] = exponent[t]
        # In units of the state's power of two; a homogeneous phi keeps the unit.
        unit = np.ldexp(1.0, -exponent[t])[:, None]
        pre_activation = state[t] @ recurrent + drive[t] * unit
        slope[t] = activation.slope(pre_activation)
        slope[t][slope[t] < SMALLEST_SLOPE] = 0.0
        state[t + 1] = activation.value(pre_activation)
        if activation.homogeneous:
            # The unit never goes below 1, so that the drive stays representable.
            large = np.maximum(np.frexp(np.abs(state[t + 1]).max(axis=1))[1], -exponent[t + 1])
            np.ldexp(state[t + 1], -large[:, None], out=state[t + 1])
            exponent[t + 1] += large
    error, loss, accuracy = _read_out(weights, state[1:], exponent[1:], targets, loss_mask)
    # States far below 1, such as those of a sigmoid that is off, have squares that underflow.
    scaled.normalise(state, exponent)
    return Trace(state, exponent, slope, error, loss, accuracy)


def _read_out(weights, state, exponent, targets, loss_mask):
    """Error of every step (T, B, N), mean loss and accuracy of the soft-max read-out."""
    masked = np.flatnonzero(loss_mask)
    batch = state.shape[1]
    power = exponent[masked][..., None]
    logits = state[masked] @ weights["W_s"].T + np.ldexp(1.0, -power) * weights["b_s"]
    chosen = targets[masked][..., None]
    hits = logits.argmax(axis=-1) == targets[masked]
    with np.errstate(over="ignore"):  # a logit far below the largest: probability 0
        logits = np.ldexp(logits - logits.max(axis=-1, keepdims=True), power)
    right = np.take_along_axis(logits, chosen, axis=-1)
    slope = np.exp(logits)
    # softmax - onehot is, at the target, minus the sum of the other probabilities: taken so, it
    # keeps its digits where the net is sure and 1 - softmax cancels.
    np.put_along_axis(slope, chosen, 0.0, axis=-1)
    wrong = slope.sum(axis=-1, keepdims=True)
    total = wrong + np.exp(right)
    np.put_along_axis(slope, chosen, -wrong, axis=-1)
    error = np.zeros_like(state)
    error[masked] = (slope / total) @ weights["W_s"] / (len(masked) * batch)
    losses = np.log(total) - right
    return error, float((losses / losses.size).sum()), float(hits.mean())


def recurrent_gradient(path: Trace, recurrent: np.ndarray) -> tuple[np.ndarray, int]:
    """Return dE/dW_hh by backpropagation through time, and its power of two.

    One sweep back over time, in which all distances are summed on the way: the independent
    answer that the contributions must add up to.

    Parameters
    ----------
    path : a forward pass.
    recurrent : W_hh, (N, N) float64.
    """
    steps, batch, size = path.slope.shape
    error, error_exponent = path.error.copy(), np.zeros((steps, batch), dtype=np.int64)
    scaled.normalise(error, error_exponent)
    carried, exponent = np.zeros((batch, size)), np.zeros(batch, dtype=np.int64)
    total, total_exponent = np.zeros(size * size), 0
    for t in reversed(range(steps)):
        signal, exponent = scaled.add(error[t], error_exponent[t], carried, exponent)
        delta = path.slope[t] * signal
        scaled.normalise(delta, exponent)
        piece = scaled.outer_sum(delta, exponent, path.state[t], path.state_exponent[t])
        total, total_exponent = scaled.add(total, total_exponent, piece[0].reshape(-1), piece[1])
        carried = delta @ recurrent
    return total.reshape(size, size), int(total_exponent)


@dataclass(frozen=True)
class Contributions:
    """What is measured at every distance d = 0 ... T-1 for one net and one batch; each (T,).

    Attributes
    ----------
    log10_contribution : log10 of the Frobenius norm of C_d.
    share : norm of C_d over the sum of these norms; sums to 1.
    signed_share : <C_d, G> / norm(G)^2; sums to 1.
    log10_transport : mean over (t, b) of log10(norm(g_{t,t-d}) / norm(e_t)): the geometric mean of
        the transport, over the pairs whose signal is not exactly zero.
    extinct : the part of the pairs (t, b) whose signal is exactly zero (ReLU units all off).
    log10_incoherent : log10 of the sum over (t, b) of norm(delta) norm(h): no cancellation.
    residual : norm(sum of C_d - G) / norm(G), G by backpropagation through time (see `CANCELLED`).
    log10_gradient_norm : log10 of norm(G).
    """

    log10_contribution: np.ndarray
    share: np.ndarray
    signed_share: np.ndarray
    log10_transport: np.ndarray
    extinct: np.ndarray
    log10_incoherent: np.ndarray
    residual: float
    log10_gradient_norm: float


def by_distance(path: Trace, recurrent: np.ndarray) -> Contributions:
    """Measure the contribution of every distance.

    Parameters
    ----------
    path : a forward pass.
    recurrent : W_hh, (N, N) float64.
    """
    steps, batch, size = path.slope.shape
    gradient, gradient_exponent = recurrent_gradient(path, recurrent)
    gradient = gradient.reshape(-1)
    squared_gradient = np.vdot(gradient, gradient)
    log10_contribution, log10_incoherent = np.full(steps, -np.inf), np.full(steps, -np.inf)
    log10_transport, extinct = np.full(steps, -np.inf), np.zeros(steps)
    signed_share = np.zeros(steps)
    total, total_exponent = np.zeros(size * size), 0

    signal = path.error.copy()
    exponent = np.zeros((steps, batch), dtype=np.int64)
    scaled.normalise(signal, exponent)
    at_start = scaled.log10_norm(signal, exponent)
    state_norm = scaled.log10_norm(path.state, path.state_exponent)
    for d in range(steps):
        # Rows are the targets t = d ... T-1; their k = t - d runs over 0 ... T-1-d.
        end = steps - d
        log10_transport[d], extinct[d] = _mean_transport(
            scaled.log10_norm(signal, exponent), at_start[d:]
        )
        delta = path.slope[:end] * signal
        scaled.normalise(delta, exponent)
        log10_incoherent[d] = _log10_of_sum(scaled.log10_norm(delta, exponent) + state_norm[:end])
        term, term_exponent = scaled.outer_sum(
            delta.reshape(-1, size),
            exponent.reshape(-1),
            path.state[:end].reshape(-1, size),
            path.state_exponent[:end].reshape(-1),
        )
        term = term.reshape(-1)
        total, total_exponent = scaled.add(total, total_exponent, term, term_exponent)
        log10_contribution[d] = scaled.log10_norm(term, term_exponent)
        if squared_gradient > 0.0:
            along = np.vdot(term, gradient) / squared_gradient
            signed_share[d] = np.ldexp(along, term_exponent - gradient_exponent)
        # One step farther back; the first row's k has reached the start of the sequence.
        signal, exponent = (delta @ recurrent)[1:], exponent[1:]

    rest, rest_exponent = scaled.add(total, total_exponent, -gradient, gradient_exponent)
    log10_gradient = scaled.log10_norm(gradient, gradient_exponent)
    log10_rest = scaled.log10_norm(rest, rest_exponent)
    log10_scale = max(log10_gradient, _log10_of_sum(log10_incoherent) + np.log10(CANCELLED))
    return Contributions(
        log10_contribution,
        _shares(log10_contribution),
        signed_share,
        log10_transport,
        extinct,
        log10_incoherent,
        residual=0.0 if np.isneginf(log10_rest) else float(10.0 ** (log10_rest - log10_scale)),
        log10_gradient_norm=float(log10_gradient),
    )


def _mean_transport(now: np.ndarray, start: np.ndarray) -> tuple[float, float]:
    """Mean log10 ratio over the pairs that still carry a signal, and the part that do not."""
    sent = np.isfinite(start)
    arrived = sent & np.isfinite(now)
    if not sent.any():
        return np.nan, np.nan
    mean = (now[arrived] - start[arrived]).mean() if arrived.any() else -np.inf
    return float(mean), float(1.0 - arrived.sum() / sent.sum())


def _log10_of_sum(log10_values: np.ndarray) -> float:
    """log10 of the sum of numbers given by their log10."""
    largest = log10_values.max()
    if np.isneginf(largest):
        return -np.inf
    return float(largest + np.log10(np.power(10.0, log10_values - largest).sum()))


def _shares(log10_values: np.ndarray) -> np.ndarray:
    """Numbers given by their log10, divided by their sum; nan where all are zero."""
    total = _log10_of_sum(log10_values)
    if np.isneginf(total):
        return np.full_like(log10_values, np.nan)
    return np.power(10.0, log10_values - total)


def log10_bound(recurrent: np.ndarray, slope_bound: float, steps: int) -> np.ndarray:
    """log10 of the worst-case transport (sigma_max(W_hh) gamma)^d for d = 0 ... steps-1.

    Pascanu, Mikolov and Bengio (2013), section 2.1, with gamma = sup phi'.
    """
    return np.arange(steps) * np.log10(np.linalg.norm(recurrent, 2) * slope_bound)


def pair_map(path: Trace, recurrent: np.ndarray, sources: np.ndarray) -> np.ndarray:
    """log10 of norm(delta_{t,k}) norm(source_k) for every pair k <= t of one sequence.

    The Frobenius norm of the rank-one term that target t sends to the weights through step k.

    Parameters
    ----------
    path : a forward pass of a single sequence (B = 1).
    recurrent : W_hh, (N, N) float64.
    sources : (T,), the norm of what delta_k is paired with: h_{k-1} for W_hh, x_k for W_hx.

    Returns
    -------
    (T, T), row t and column k; nan above the diagonal, -inf where the term is exactly zero.
    """
    steps = len(path.slope)
    result = np.full((steps, steps), np.nan)
    with np.errstate(divide="ignore"):
        log10_sources = np.log10(sources)
    signal, exponent = path.error[:, 0].copy(), np.zeros(steps, dtype=np.int64)
    for d in range(steps):
        end = steps - d
        delta = path.slope[:end, 0] * signal
        scaled.normalise(delta, exponent)
        rows = scaled.log10_norm(delta, exponent) + log10_sources[:end]
        result[np.arange(d, steps), np.arange(end)] = rows
        signal, exponent = (delta @ recurrent)[1:], exponent[1:]
    return result
