"""The exact contribution of every temporal distance to the gradient of one net.

With e_t = dE/dh_t through E_t alone and the recursion

    g_{t,t} = e_t;    delta_{t,k} = phi'(a_k) * g_{t,k};    g_{t,k-1} = W_hh^T delta_{t,k}

the contribution of distance d = t - k is C_d = sum over t and b of delta_{t,t-d} h_{t-d-1}^T, and
the C_d add up to dE/dW_hh.  The algorithm walks down d for all t at once: O(T^2 B N^2) operations
and O(T B N) memory.  Every row carries a power of two, so that nothing under- or overflows.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from . import scaled
from .activations import Activation
from .population import product, runs

# Allowed difference between the sum over distances and the gradient, relative to the gradient.
LARGEST_RESIDUAL = 1e-9

# Where the terms of the gradient cancel down to less than this part of the sum of their norms, it
# is to that part that the difference is relative: rounding errors do not shrink with the gradient.
CANCELLED = 1e-4

# Smaller slopes count as zero: their products would be subnormal numbers, which lose digits.
SMALLEST_SLOPE = 1e-290

# So many numbers of a signal at a time stay in the processor's cache.
CACHED_SIGNAL = 131_072


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
        pre_activation = np.matmul(state[t], recurrent, out=slope[t])
        if not activation.homogeneous:
            pre_activation += drive[t]
            activation.value(pre_activation, out=state[t + 1])
            slope[t] = activation.slope(pre_activation)
            continue
        # In units of the state's power of two, which a homogeneous phi keeps.
        pre_activation += drive[t] * np.ldexp(1.0, -exponent[t])[:, None]
        activation.value(pre_activation, out=state[t + 1])
        slope[t] = activation.slope(pre_activation)
        # The unit never goes below 1, so that the drive stays representable.
        large = np.maximum(np.frexp(np.abs(state[t + 1]).max(axis=1))[1], -exponent[t])
        np.ldexp(state[t + 1], -large[:, None], out=state[t + 1])
        exponent[t + 1] = exponent[t] + large
    slope[slope < SMALLEST_SLOPE] = 0.0
    error, loss, accuracy = _read_out(weights, state[1:], exponent[1:], targets, loss_mask)
    # States far below 1, such as those of a sigmoid that is off, have squares that underflow.
    scaled.squared_norms(state, exponent)
    return Trace(state, exponent, slope, error, loss, accuracy)


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
    scaled.squared_norms(error, error_exponent)
    carried, exponent = np.zeros((batch, size)), np.zeros(batch, dtype=np.int64)
    total, total_exponent = np.zeros(size * size), 0
    for t in reversed(range(steps)):
        signal, exponent = scaled.add(error[t], error_exponent[t], carried, exponent)
        scaled.squared_norms(signal, exponent)
        delta = np.empty_like(signal)
        scaled.multiply(path.slope[t], signal, exponent, out=delta)
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
    steps, _, size = path.slope.shape
    gradient, gradient_exponent = recurrent_gradient(path, recurrent)
    gradient = gradient.reshape(-1)
    squared_gradient = np.vdot(gradient, gradient)
    log10_contribution, log10_incoherent = np.full(steps, -np.inf), np.full(steps, -np.inf)
    log10_transport, extinct = np.full(steps, -np.inf), np.zeros(steps)
    signed_share = np.zeros(steps)
    total, total_exponent = np.zeros(size * size), 0

    state_norm = np.sqrt(np.vecdot(path.state, path.state))
    for d, part in enumerate(_walk_down(path, recurrent)):
        now = scaled.log10_norm(part.squared_signal, part.signal_exponent)
        if d == 0:
            at_start = now
        log10_transport[d], extinct[d] = _mean_transport(now, at_start[d:])
        before = slice(steps - d)
        log10_incoherent[d] = scaled.log10_sum(
            np.sqrt(part.squared_delta) * state_norm[before],
            part.delta_exponent + path.state_exponent[before],
        )
        term, term_exponent = part.contribution, part.contribution_exponent
        total, total_exponent = scaled.add(total, total_exponent, term, term_exponent)
        log10_contribution[d] = scaled.log10_norm(np.vdot(term, term), term_exponent)
        if squared_gradient > 0.0:
            along = np.vdot(term, gradient) / squared_gradient
            signed_share[d] = np.ldexp(along, term_exponent - gradient_exponent)

    rest, rest_exponent = scaled.add(total, total_exponent, -gradient, gradient_exponent)
    log10_gradient = scaled.log10_norm(squared_gradient, gradient_exponent)
    log10_rest = scaled.log10_norm(np.vdot(rest, rest), rest_exponent)
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


@dataclass(frozen=True)
class _Distance:
    """One distance: C_d (N N,), and of every pair the squared norms of g and delta, (T-d, B)."""

    contribution: np.ndarray
    contribution_exponent: int
    squared_signal: np.ndarray
    signal_exponent: np.ndarray
    squared_delta: np.ndarray
    delta_exponent: np.ndarray


def _walk_down(path: Trace, recurrent: np.ndarray) -> Iterator[_Distance]:
    """Yield the distances d = 0 ... T-1.

    Rows are the steps k = 0 ... T-1-d, for the targets t = k + d.  A run of steps at a time goes
    all the way from g_{t,k} to g_{t,k-1} while it is in the processor's cache.
    """
    steps, batch, size = path.slope.shape
    longest = min(steps, max(1, CACHED_SIGNAL // (batch * size)))
    signal, exponent = path.error.copy(), np.zeros((steps, batch), dtype=np.int64)
    buffer = np.empty((longest, batch, size))
    for d in range(steps):
        end = steps - d
        squared_signal, squared_delta = np.empty((2, end, batch))
        delta_exponent = np.empty_like(exponent)
        term, term_exponent = np.zeros(size * size), 0
        for run in runs(range(end), longest):
            now = signal[run]
            squared_signal[run] = scaled.squared_norms(now, exponent[run])
            delta_exponent[run] = exponent[run]
            delta = buffer[: len(now)]
            squared_delta[run] = scaled.multiply(
                path.slope[run], now, delta_exponent[run], out=delta
            )
            piece, piece_exponent = scaled.outer_sum(
                delta, delta_exponent[run], path.state[run], path.state_exponent[run]
            )
            term, term_exponent = scaled.add(term, term_exponent, piece.reshape(-1), piece_exponent)
            # One step farther back, onto rows that are done with; k = 0 is the sequence's start.
            first = 1 if run.start == 0 else 0
            farther = signal[run.start + first - 1 : run.stop - 1]
            product(
                delta[first:].reshape(1, -1, size), recurrent[None], farther.reshape(1, -1, size)
            )
        yield _Distance(
            term, int(term_exponent), squared_signal, exponent, squared_delta, delta_exponent
        )
        exponent = delta_exponent[1:].copy()


def _mean_transport(now: np.ndarray, start: np.ndarray) -> tuple[float, float]:
    """Mean log10 ratio over the pairs that still carry a signal, and the part that do not."""
    total = now.sum() - start.sum() if np.isfinite(start).all() else np.nan
    if np.isfinite(total):
        return float(total / now.size), 0.0
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
        scaled.squared_norms(signal, exponent)
        delta = np.empty_like(signal)
        squares = scaled.multiply(path.slope[:end, 0], signal, exponent, out=delta)
        rows = scaled.log10_norm(squares, exponent) + log10_sources[:end]
        result[np.arange(d, steps), np.arange(end)] = rows
        signal, exponent = (delta @ recurrent)[1:], exponent[1:]
    return result
