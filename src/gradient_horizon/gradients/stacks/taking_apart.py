"""All distances of stacks that follow one another, and the certificate that nothing is missing.

The walk over distances ends when no signal is left, when what lies farther back is below a
tolerance, at a largest distance, or when it is interrupted.  What is then left is carried back at
once, so that the sum is compared with the whole gradient in any case.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from ...ground.names import count_of
from ...networks.cells.dynamics import InexactError
from ...numerics.scaled import LOG10_OF_2
from ..distance_sum import LARGEST_RESIDUAL, Columns, DistanceSum, Term
from .chunks import ChunkedSum
from .far import with_far
from .stack import Place, Signal, StepBack, added, trimmed

# Signals are rescaled when the largest squared norm leaves this range.
SMALLEST, LARGEST = 2.0**-300, 2.0**300


class Part(Protocol):
    """What reads steps and carries signals back: a `Stack`, or a cell of the user's own."""

    def back(self, signals: dict[Place, Signal]) -> StepBack:
        """Carry signals back by one recurrent step."""

    def sweep(self, signals: dict[Place, Signal]) -> tuple[dict, dict]:
        """Carry signals all the way back."""

    def mixes(self, place: Place) -> bool:
        """Tell whether signals of both directions come together at a place."""


class Links:
    """What a signal on the initial state of a part becomes: the contribution of `h0` and `c0`.

    Where parts follow one another it is, on the way back, a signal on the states of earlier ones.
    """

    def back(self, start: list[dict[Place, object]]) -> tuple[list[dict[Place, Signal]], dict]:
        """Return, for every part, the signals on its states, and contributions of initial states.

        Parameters
        ----------
        start : for each part by place, (B, S), the signal on its initial state.
        """
        return [{} for _ in start], {}


@dataclass
class Apart:
    """What was found.

    Attributes
    ----------
    columns : by weight.
    log10_transport : by place, (D,), the geometric mean of the norm of a signal over that which it
        had at distance 0, over the steps and sequences that have one; -inf where none has.
    residual : by weight, norm(G - sum of C_d - what was not walked) / norm(G).
    remainder : by weight, the norm of what was not walked, relative to that of G.
    why : walked to the end, `end`; `tolerance`, `distance` or `interrupt`; `doubling`, if beyond
        some distance only chosen ones were taken.
    distances : (D,), which they are: 0, 1, 2 ..., and then perhaps chosen ones.
    signed_from : by weight, (D,), <R_d, G> / norm(G)^2 with R_d the sum of C_j over j >= d.
    chunk_bias : by weight, of chunks of k = 1, 2 ... steps, as `ChunkedSum` has it.
    """

    columns: dict[str, Columns]
    log10_transport: dict[Place, np.ndarray]
    residual: dict[str, float]
    remainder: dict[str, float]
    why: str
    distances: np.ndarray
    signed_from: dict[str, np.ndarray]
    chunk_bias: dict[str, np.ndarray]


@dataclass
class _Transport:
    """Logarithms of the norms of the signals at every place."""

    mixed: set[Place]
    at_start: list[dict] = field(default_factory=list)
    rows: dict[Place, list[float]] = field(default_factory=dict)

    def add(self, norms: list[dict[Place, Signal]], exponent: int, distance: int) -> None:
        """Take in the squared norms of one distance."""
        logs = [
            {place: _log10(signal, exponent) for place, signal in part.items()} for part in norms
        ]
        if not self.at_start:
            self.at_start = logs
        for place in {place for part in logs for place in part}:
            row = self.rows.setdefault(place, [])
            row += [-np.inf] * (distance - len(row))
            row.append(self._mean(place, logs, distance))

    def _mean(self, place: Place, logs: list[dict], distance: int) -> float:
        if place in self.mixed or len(logs) > 1:
            now, start = (
                _alive([part[place][1] for part in parts if place in part])
                for parts in (logs, self.at_start)
            )
            return float(now.mean() - start.mean()) if len(now) and len(start) else -np.inf
        if place not in self.at_start[0]:
            return np.nan
        (first, now), (low, start) = logs[0][place], self.at_start[0][place]
        shift = first + (distance if place[1] == 0 else -distance) - low
        inside = slice(max(0, -shift), min(len(now), len(start) - shift))
        now, start = now[inside], start[inside.start + shift : inside.stop + shift]
        both = np.isfinite(now) & np.isfinite(start)
        return float((now[both] - start[both]).mean()) if both.any() else -np.inf


def take_apart(
    parts: list[Part],
    errors: list[dict[Place, Signal]],
    gradients: dict[str, np.ndarray],
    *,
    links: Links | None = None,
    tolerance: float = 0.0,
    max_distance: int | None = None,
    to_numpy: Callable = np.asarray,
    stop: Callable[[int], bool] | None = None,
    far: Callable[[int], list[int]] | None = None,
) -> Apart:
    """Walk over all distances.

    Parameters
    ----------
    parts : what read the steps, in the order of their reading; they share their weights.
    errors : for each part by place, dE/d(state) through everything but recurrence.
    gradients : G by weight, found in another way.
    links : what becomes of signals on initial states.
    tolerance : the walk ends when for every weight what is left is this part of G at most.
    max_distance : the largest distance walked to.
    to_numpy : makes an array of NumPy of the library's.
    stop : is told how many distances are done, after each; the walk ends when it says so.
    far : is told the same; where it gives distances, of which the first is how many are done, the
        walk ends, and these are taken by doubling.

    Raises
    ------
    InexactError : the sum is not the gradient, to a relative `LARGEST_RESIDUAL`.
    """
    links = links or Links()
    sums = {name: ChunkedSum(to_numpy(gradient)) for name, gradient in gradients.items()}
    places = {place for part in parts for place in getattr(part, "places", [(0, 0)])}
    transport = _Transport({place for place in places if any(part.mixes(place) for part in parts)})
    signals, exponent, distance, why = [trimmed(error) for error in errors], 0, 0, "end"
    while any(signals):
        if max_distance is not None and distance > max_distance:
            why = "distance"
            break
        if distance and tolerance and _left(sums) <= tolerance:
            why = "tolerance"
            break
        signals, shift = _rescaled(signals)
        exponent += shift
        backs = [part.back(signal) for part, signal in zip(parts, signals, strict=True)]
        arrived, contributions = links.back([back.start for back in backs])
        for back in backs:
            for name, value in back.contributions.items():
                contributions[name] = (
                    contributions[name] + value if name in contributions else value
                )
        terms = {
            name: Term(to_numpy(contributions[name]).reshape(-1), exponent)
            if name in contributions
            else Term(np.zeros(total.gradient.size), exponent)
            for name, total in sums.items()
        }
        norms = [
            {place: Signal(first, to_numpy(rows)) for place, (first, rows) in back.norms.items()}
            for back in backs
        ]
        following = [
            trimmed(added(back.farther, further))
            for back, further in zip(backs, arrived, strict=True)
        ]
        for name, term in terms.items():
            sums[name].add(term)
        transport.add(norms, exponent, distance)
        signals, distance = following, distance + 1
        if stop is not None and stop(distance):
            why = "interrupt"
            break
        beyond = far(distance) if far is not None and any(signals) else []
        if beyond:
            near = _certified(parts, links, sums, [{}], 0, transport, "doubling", to_numpy)
            apart = with_far(
                near, parts[0], errors[0], sums, links, beyond, to_numpy, inexact, stop
            )
            if apart is not None:
                return apart
            why = "interrupt"
            break
    return _certified(parts, links, sums, signals, exponent, transport, why, to_numpy)


def _certified(parts, links, sums, signals, exponent, transport, why, to_numpy) -> Apart:
    """Carry what is left back at once, and compare the sum with the gradient."""
    left = _swept(parts, links, signals) if any(signals) else {}
    checked = why != "doubling"  # there it is checked where the chosen distances begin
    columns = {name: total.columns() for name, total in sums.items()}
    residual, remainder = {}, {}
    for name, total in sums.items():
        rest = to_numpy(left[name]).reshape(-1) if name in left else None
        residual[name] = columns[name].relative(total.log10_rest(rest, exponent))
        remainder[name] = 0.0
        if rest is not None and total.squared_gradient > 0.0:
            size = np.linalg.norm(rest) / np.sqrt(total.squared_gradient)
            remainder[name] = float(np.ldexp(size, exponent))
        if checked and not residual[name] <= LARGEST_RESIDUAL:
            raise inexact(name, len(columns[name].share), residual[name])
    steps = max(len(part.share) for part in columns.values())
    rows = {
        place: np.array(row + [-np.inf] * (steps - len(row)))
        for place, row in transport.rows.items()
    }
    signed_from = {
        name: 1.0 - np.append(0.0, np.cumsum(part.signed_share)[:-1])
        for name, part in columns.items()
    }
    chunks = {name: total.chunk_bias() for name, total in sums.items()}
    return Apart(columns, rows, residual, remainder, why, np.arange(steps), signed_from, chunks)


def inexact(name: str, distances: int, residual: float) -> InexactError:
    """Say that contributions do not add up to a gradient."""
    return InexactError(
        f"the contributions to {name} of {count_of(distances, 'distance')} differ from its "
        f"gradient by a relative {residual:.2g}, allowed {LARGEST_RESIDUAL:g}"
    )


def _swept(parts, links, signals) -> dict:
    """Return the contribution of all farther distances together."""
    total = {}
    # What reaches an initial state may come from an earlier part, and goes on there.
    while any(signals):
        swept = [
            part.sweep(one) if one else ({}, {}) for part, one in zip(parts, signals, strict=True)
        ]
        signals, initial = links.back([start for _, start in swept])
        signals = [trimmed(one) for one in signals]
        for found in (*(gradient for gradient, _ in swept), initial):
            for name, value in found.items():
                total[name] = total[name] + value if name in total else value
    return total


def _left(sums: dict[str, DistanceSum]) -> float:
    """Return what the walk has not reached, relative to the gradient: the most for any weight.

    Of a gradient that is exactly zero nothing is missing.
    """
    left = (
        10.0 ** (total.log10_missing - 0.5 * np.log10(total.squared_gradient))
        for total in sums.values()
        if total.squared_gradient > 0.0
    )
    return max(left, default=0.0)


def _rescaled(signals: list[dict[Place, Signal]]) -> tuple[list[dict[Place, Signal]], int]:
    """Bring the largest signal near 1, by an exact power of two, where it is far from it."""
    largest = max(float(abs(signal.rows).max()) for part in signals for signal in part.values())
    if SMALLEST < largest**2 < LARGEST or not np.isfinite(largest):
        return signals, 0
    shift = int(np.frexp(largest)[1])
    factor = 2.0**-shift
    return [
        {place: Signal(first, rows * factor) for place, (first, rows) in part.items()}
        for part in signals
    ], shift


def _log10(squares: Signal, exponent: int) -> tuple[int, np.ndarray]:
    with np.errstate(divide="ignore"):
        return squares.first, 0.5 * np.log10(squares.rows) + exponent * LOG10_OF_2


def _alive(logs: list[np.ndarray]) -> np.ndarray:
    whole = np.concatenate([rows.reshape(-1) for rows in logs]) if logs else np.zeros(0)
    return whole[np.isfinite(whole)]
