"""Chosen distances beside those that were walked: what was found by doubling, as columns."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from ...numerics import scaled
from ..distance_sum import LARGEST_RESIDUAL, Columns, DistanceSum
from .doubling import Far, at_distances
from .stack import Place, Signal, Stack


def with_far(
    apart,
    stack: Stack,
    errors: dict[Place, Signal],
    sums: dict[str, DistanceSum],
    links,
    distances: list[int],
    to_numpy: Callable,
    inexact: Callable,
    stop: Callable[[int], bool] | None,
):
    """Return what was walked with chosen distances after it; None if stopped before the first.

    Where they begin, what is left of the gradient after the walk has to be what doubling says lies
    from there on.

    Raises
    ------
    InexactError : it is not, to a relative `LARGEST_RESIDUAL`.
    """
    found, why = [], apart.why
    for far in at_distances(stack, errors, distances):
        found.append(far)
        if stop is not None and stop(len(apart.distances) + len(found)):
            why = "interrupt"
            break
    found.sort(key=lambda far: far.distance)
    if not found or found[0].distance != distances[0]:
        return None
    parts = [_of_weights(far, links, to_numpy) for far in found]
    columns, signed_from, residual = {}, {}, {}
    for name, total in sums.items():
        at, beyond = zip(*(part[name] for part in parts), strict=True)
        difference = total.log10_rest(*beyond[0])
        residual[name] = apart.columns[name].relative(difference)
        if not residual[name] <= LARGEST_RESIDUAL:
            raise inexact(name, len(apart.distances), residual[name])
        columns[name], signed = _appended(apart.columns[name], total, at, beyond)
        signed_from[name] = np.append(apart.signed_from[name], signed)
    nothing = {place: [np.nan] * len(found) for place in apart.log10_transport}
    for k, far in enumerate(found):
        for place, value in far.log10_transport.items():
            nothing[place][k] = value
    return replace(
        apart,
        why=why,
        columns=columns,
        log10_transport={
            place: np.append(rows, nothing[place]) for place, rows in apart.log10_transport.items()
        },
        residual=residual,
        remainder={
            name: float(part.truncation_bias[-1]) if why == "interrupt" else 0.0
            for name, part in columns.items()
        },
        distances=np.append(apart.distances, [far.distance for far in found]),
        signed_from=signed_from,
    )


def _of_weights(far: Far, links, to_numpy: Callable) -> dict[str, tuple]:
    """Return C_D and what lies from D on, each flat with its power of two, by weight."""
    at_start, beyond_start = (
        links.back([start])[1] for start in (far.at_start, far.from_there_start)
    )
    at, beyond = far.at | at_start, far.from_there | beyond_start
    return {
        name: (
            (to_numpy(value).reshape(-1), far.at_exponent),
            (to_numpy(beyond[name]).reshape(-1), far.from_there_exponent),
        )
        for name, value in at.items()
    }


def _appended(near: Columns, total: DistanceSum, at: tuple, beyond: tuple) -> tuple:
    """Return the columns with further rows, and the signed share from each of these on."""
    log10_gradient = near.log10_gradient_norm
    logs, signed, cosine, bias, signed_from = [], [], [], [], []
    for (value, exponent), (rest, rest_exponent) in zip(at, beyond, strict=True):
        log = scaled.log10_norm(np.vdot(value, value), exponent)
        logs.append(log)
        signed.append(_along(value, exponent, total))
        signed_from.append(_along(rest, rest_exponent, total))
        with np.errstate(over="ignore", invalid="ignore"):
            cosine.append(
                signed[-1] * 10.0 ** (log10_gradient - log) if np.isfinite(log) else np.nan
            )
            lost = scaled.log10_norm(np.vdot(rest, rest), rest_exponent)
            bias.append(10.0 ** (lost - log10_gradient))
    contribution = np.append(near.log10_contribution, logs)
    unknown = np.full(len(at), np.nan)
    columns = Columns(
        contribution,
        np.full(len(contribution), np.nan),  # the sum over all distances is not known
        np.append(near.signed_share, signed),
        np.append(near.cosine, cosine),
        np.append(near.truncation_bias, bias),
        np.append(near.log10_incoherent, unknown),
        np.append(near.signal_squared, unknown),
        log10_gradient,
        near.log10_rest,
    )
    return columns, np.array(signed_from)


def _along(value: np.ndarray, exponent: int, total: DistanceSum) -> float:
    """<value, G> / norm(G)^2."""
    if not total.squared_gradient:
        return 0.0
    along = np.vdot(value, total.gradient) / total.squared_gradient
    return float(np.ldexp(along, exponent - total.exponent))


def in_between(distances: np.ndarray, values: np.ndarray, steps: int) -> np.ndarray:
    """Return values at all distances 0 ... steps - 1, linear in log(1 + d) between those known."""
    every = np.arange(steps)
    known = np.isfinite(values)
    if not known.any():
        return np.full(steps, np.nan)
    found = np.interp(np.log1p(every), np.log1p(distances[known]), values[known])
    found[distances] = values  # as they are, also where the logarithm of zero is infinite
    return found
