"""The exact contribution of every temporal distance to the gradient of one net.

With e_t = dE/dh_t through E_t alone and the recursion

    g_{t,t} = e_t;    delta_{t,k} = phi'(a_k) * g_{t,k};    g_{t,k-1} = W_hh^T delta_{t,k}

the contribution of distance d = t - k is C_d = sum over t and b of delta_{t,t-d} h_{t-d-1}^T, and
the C_d add up to dE/dW_hh; with x_{t-d} in place of h_{t-d-1} they add up to dE/dW_hx.  The
algorithm walks down d for all t at once: O(T^2 B N^2) operations and O(T B N) memory.  Every row
carries a power of two, so that nothing under- or overflows.  These are the equations of the simple
cell; every other one has its own way from g_{t,k} to delta_{t,k} and g_{t,k-1}
(`cells.dynamics.Unrolled`), on its whole state.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ..numerics import scaled
from ..numerics.population import runs
from .distance_sum import Columns, DistanceSum, Term
from .forward_pass import Trace

# Distances over which the slope of transport is fitted.  Farther back the largest eigenvalues of a
# small W_hh, which the mean field does not know, take over.
SLOPE_WINDOW = (1, 10)

# The weights whose gradient has contributions from all distances.
WEIGHTS = ("W_hh", "W_hx")

# So many numbers of a signal at a time stay in the processor's cache.
CACHED_SIGNAL = 131_072


def gradient_through_time(path: Trace, names=WEIGHTS) -> dict:
    """Return dE/dW for each of the named weights by backpropagation through time.

    One sweep back over time, in which all distances are summed on the way: the independent
    answer that the contributions must add up to.

    Parameters
    ----------
    path : a forward pass.
    names : `W_hh`, `W_hx` or both.

    Returns
    -------
    By name the gradient's mantissas, (rows, columns), and its power of two.  The rows of a gated
    cell's weights may come in another order than they are stored in.
    """
    unrolled = path.unrolled
    steps, batch, size = path.error.shape
    pairs = _pairs(path, names)
    error, error_exponent = path.error.copy(), path.error_exponent.copy()
    scaled.squared_norms(error, error_exponent)
    carried, exponent = np.zeros((1, batch, size)), np.zeros((1, batch), dtype=np.int64)
    delta = np.empty((steps, batch, unrolled.delta_size))
    delta_exponent = np.empty_like(error_exponent)
    for t in reversed(range(steps)):
        run = slice(t, t + 1)
        signal, exponent = scaled.add(error[run], error_exponent[run], carried, exponent)
        scaled.squared_norms(signal, exponent)
        _, delta_exponent[run], exponent = unrolled.step_back(
            run, signal, exponent, delta[run], carried
        )
    totals = {}
    for run in runs(range(steps), _longest_run(path)):
        for name, pair in pairs.items():
            piece = pair.total(run, delta[run], delta_exponent[run], per_sequence=False)
            totals[name] = scaled.add(*totals[name], *piece) if name in totals else piece
    return {
        name: (total.reshape(-1, pairs[name].source.shape[-1]), int(power))
        for name, (total, power) in totals.items()
    }


def _longest_run(path: Trace) -> int:
    """So many steps at a time stay in the processor's cache."""
    steps, batch, size = path.error.shape
    return min(steps, max(1, CACHED_SIGNAL // (batch * max(size, path.unrolled.delta_size))))


def _pairs(path: Trace, names) -> dict:
    """Return what delta_k is paired with in the gradient of each of the named weights."""
    pairs = path.unrolled.pairs(path.input)
    return {name: pairs[name] for name in names}


@dataclass(frozen=True)
class Contributions(Columns):
    """What is measured at every distance d = 0 ... T-1 for one weight of one net; each (T,).

    Attributes
    ----------
    log10_transport : mean over (t, b) of log10(norm(g_{t,t-d}) / norm(e_t)): the geometric mean of
        the transport, over the pairs whose signal is not exactly zero; alike for every weight.
    log10_transport_parts : the same for each part of the state apart, by name, where there are
        several: the mean of log10(norm(part of g_{t,t-d}) / norm(e_t)).
    extinct : the part of the pairs (t, b) whose signal is exactly zero (ReLU units all off).
    """

    log10_transport: np.ndarray
    log10_transport_parts: dict[str, np.ndarray]
    extinct: np.ndarray


def by_distance(path: Trace) -> Contributions:
    """Measure the contribution of every distance to dE/dW_hh, given a forward pass."""
    return by_weight_and_distance(path, ["W_hh"], per_sequence=False)["W_hh"]


def by_weight_and_distance(
    path: Trace, names=WEIGHTS, per_sequence: bool = True
) -> dict[str, Contributions]:
    """Measure the contribution of every distance to the gradient of each of the named weights.

    Parameters
    ----------
    path : a forward pass.
    names : `W_hh`, `W_hx` or both.
    per_sequence : whether to estimate `signal_squared`, from the contributions of each sequence.
    """
    steps = len(path.error)
    gradients = gradient_through_time(path, names)
    sums = {name: DistanceSum(*gradient) for name, gradient in gradients.items()}
    log10_transport, extinct = np.full(steps, -np.inf), np.zeros(steps)
    unrolled = path.unrolled
    parts = {name: np.full(steps, -np.inf) for name in unrolled.parts if len(unrolled.parts) > 1}
    for d, distance in enumerate(_walk_down(path, _pairs(path, names), per_sequence)):
        now = scaled.log10_norm(distance.squared_signal, distance.signal_exponent)
        if d == 0:
            at_start = now
        log10_transport[d], extinct[d] = _mean_transport(now, at_start[d:])
        for name, squares in distance.squared_parts.items():
            part = scaled.log10_norm(squares, distance.signal_exponent)
            parts[name][d], _ = _mean_transport(part, at_start[d:])
        for name, term in distance.terms.items():
            sums[name].add(term)
    return {
        name: Contributions(
            **vars(total.columns()),
            log10_transport=log10_transport,
            log10_transport_parts=parts,
            extinct=extinct,
        )
        for name, total in sums.items()
    }


@dataclass(frozen=True)
class _Distance:
    """One distance: the term of each weight, and of every pair the squared norm of g, (T-d, B).

    Also those of its parts, by name, where there are several.
    """

    terms: dict[str, Term]
    squared_signal: np.ndarray
    squared_parts: dict[str, np.ndarray]
    signal_exponent: np.ndarray


def _walk_down(path: Trace, pairs: dict, per_sequence: bool) -> Iterator[_Distance]:
    """Yield the distances d = 0 ... T-1.

    Rows are the steps k = 0 ... T-1-d, for the targets t = k + d.  A run of steps at a time goes
    all the way from g_{t,k} to g_{t,k-1} while it is in the processor's cache.
    """
    unrolled = path.unrolled
    steps, batch, _ = path.error.shape
    longest = _longest_run(path)
    signal, exponent = path.error.copy(), path.error_exponent.copy()
    buffer = np.empty((longest, batch, unrolled.delta_size))
    parts = unrolled.parts if len(unrolled.parts) > 1 else {}
    for d in range(steps):
        end = steps - d
        squared_signal, farther_exponent = np.empty((end, batch)), np.empty_like(exponent)
        squared_parts = {name: np.empty((end, batch)) for name in parts}
        norms = {name: (np.empty((end, batch)), np.empty_like(exponent)) for name in pairs}
        sums = {}
        for run in runs(range(end), longest):
            now = signal[run]
            squared_signal[run] = scaled.squared_norms(now, exponent[run])
            for name, part in parts.items():
                squared_parts[name][run] = np.vecdot(now[..., part], now[..., part])
            # One step farther back, onto rows that are done with; k = 0 is the sequence's start.
            first = 1 if run.start == 0 else 0
            farther = signal[run.start + first - 1 : run.stop - 1]
            delta = buffer[: len(now)]
            squares, delta_exponent, farther_exponent[run] = unrolled.step_back(
                run, now, exponent[run], delta, farther
            )
            for name, pair in pairs.items():
                piece = pair.total(run, delta, delta_exponent, per_sequence)
                sums[name] = scaled.add(*sums[name], *piece) if name in sums else piece
                values, powers = norms[name]
                values[run], powers[run] = pair.norms(run, delta, squares, delta_exponent)
        terms = {}
        for name, (value, power) in sums.items():
            value = value.reshape(batch, -1) if per_sequence else value
            terms[name] = Term(value, int(power), scaled.log10_sum(*norms[name]))
        yield _Distance(terms, squared_signal, squared_parts, exponent)
        exponent = farther_exponent[1:].copy()


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


def transport_slope(log10_transport: np.ndarray) -> float:
    """Slope of ln transport on distance, by least squares over `SLOPE_WINDOW`.

    Parameters
    ----------
    log10_transport : (T,), at distances 0 ... T-1; those without a finite value are left out.

    Returns
    -------
    The slope, as a natural logarithm a step; nan with fewer than three distances.
    """
    distance = np.arange(len(log10_transport))
    first, last = SLOPE_WINDOW
    kept = (distance >= first) & (distance <= last) & np.isfinite(log10_transport)
    if kept.sum() < 3:
        return float("nan")
    centred = distance[kept] - distance[kept].mean()
    return float(np.log(10.0) * (centred @ log10_transport[kept]) / (centred @ centred))
