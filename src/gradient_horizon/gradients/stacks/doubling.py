"""Chosen distances of a long sequence, by doubling.

With A_{k,D} the product of the D Jacobians, transposed, that carry a signal from step k + D to step
k, the signal of an error at distance D is A_{k,D} e_{k+D}; and with F the whole signal, of all
distances, A_{k,D} F_{k+D} is that of D and everything farther.  So what truncation at D loses needs
no difference of sums.  The products of 2^j Jacobians come by doubling, T S^3 operations for each j,
and every chosen distance takes one product of a matrix with its vectors for each bit that it has: m
distances cost T B S^2 (S log T + m log T) where the walk costs T^2 B S^2.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from .cells import zeros
from .stack import Place, Signal, Stack

# Matrices are multiplied so many at a time: what a product needs besides its operands stays small.
CHUNK = 4096


@dataclass
class Far:
    """What lies at one distance, and at it and all beyond.

    Attributes
    ----------
    distance : D.
    at, from_there : by weight, C_D, and the sum of C_d over d >= D, both to be multiplied by 2 to
        the power of their exponent.
    at_exponent, from_there_exponent : those.
    at_start, from_there_start : by place, (B, S), the same signals on the initial states.
    log10_transport : by place, of the top layer alone.
    """

    distance: int
    at: dict
    from_there: dict
    at_exponent: int
    from_there_exponent: int
    at_start: dict
    from_there_start: dict
    log10_transport: dict[Place, float]


def chosen_distances(first: int, steps: int) -> list[int]:
    """Return distances from `first` to below `steps`, about two for each doubling."""
    powers = [1 << j for j in range(steps.bit_length())]
    found = {first} | {d for power in powers for d in (power, 3 * power // 2)}
    return sorted(d for d in found if first <= d < steps)


def can_double(stack: Stack) -> bool:
    """Tell whether distances can be chosen: all layers have to run forwards."""
    return all(len(cells) == 1 for cells in stack.layers)


def state_size(stack: Stack) -> int:
    """Return the size of the state of all layers together."""
    return sum(stack.cell(place).state_size for place in stack.places)


def memory(stack: Stack) -> int:
    """Return how many bytes the Jacobians of all steps take."""
    return 8 * stack.steps * stack.batch * (state_size(stack) + 6) * state_size(stack)


def operations(stack: Stack, first: int) -> tuple[float, float]:
    """Estimate the operations of the walk from a distance on, and of doubling."""
    size, rows = state_size(stack), float(stack.batch) * stack.steps
    weights = sum(
        value.size if isinstance(value, np.ndarray) else value.numel()
        for place in stack.places
        for value in stack.cell(place).weights.values()
    )
    step = 4.0 * weights
    walked = step * stack.batch * (stack.steps - first) ** 2 / 2.0
    return walked, rows * (size * step + 2.0 * size**3 * np.log2(stack.steps))


class _Layout:
    """The states of all layers beside each other."""

    def __init__(self, stack: Stack):
        self.ends, stop = {}, 0
        for place in stack.places:
            start, stop = stop, stop + stack.cell(place).state_size
            self.ends[place] = (start, stop)
        self.size = stop

    def split(self, rows) -> dict[Place, Signal]:
        """Return rows (n, B, S) as signals."""
        return {place: Signal(0, rows[..., a:b]) for place, (a, b) in self.ends.items()}

    def joined(self, parts: dict[Place, object], like, *shape):
        """Return arrays (..., S_p) by place beside each other; zeros where there is none."""
        whole = zeros(like, *shape, self.size)
        for place, rows in parts.items():
            a, b = self.ends[place]
            whole[..., a:b] = rows
        return whole


def at_distances(
    stack: Stack, errors: dict[Place, Signal], distances: Sequence[int]
) -> Iterator[Far]:
    """Give what lies at distances, in the order in which they come.

    Parameters
    ----------
    stack : that `can_double`.
    errors : by place, dE/d(state) through everything but recurrence.
    distances : from 1 to T - 1.
    """
    layout, xp = _Layout(stack), stack.layers[0][0].xp
    like = next(iter(errors.values())).rows
    error = _whole_rows(layout, stack, errors, like)
    pairs = xp.stack([error, _summed(stack, layout, error)], -1)
    vectors = {0: _Scaled(xp, pairs, zeros(like, stack.steps, stack.batch, 2))}
    jacobians = _jacobians(stack, layout, like)[1:]
    products = _Scaled(xp, jacobians, zeros(like, stack.steps - 1, stack.batch, 1))
    at_first = _log10_norms(xp, layout, stack, vectors[0], 0)
    todo, half = set(distances), 1
    while todo:
        following = {}
        for prefix, own in vectors.items():
            if any(d % (2 * half) == prefix and d > prefix for d in todo):
                following[prefix] = own
            if any(d % (2 * half) == prefix + half for d in todo):
                following[prefix + half] = products.times(own, half)
        vectors = following
        for distance in [d for d in todo if d in vectors]:
            todo.remove(distance)
            yield _far(stack, layout, xp, distance, vectors[distance], at_first)
        if todo:
            products.double(half)
            half *= 2


class _Scaled:
    """Matrices, (n, B, S, S), each with a power of two, or vectors, (n, B, S, K), each with one.

    The exponents are (n, B, 1) or (n, B, K).
    """

    def __init__(self, xp, values, exponents):
        self.xp, self.values, self.exponents = xp, values, exponents
        self.over = 2 if exponents.shape[-1] == values.shape[-1] else (2, 3)
        for low in range(0, len(values), CHUNK):
            self._rescale(slice(low, low + CHUNK))

    def _rescale(self, here: slice) -> None:
        """Bring the largest number that shares an exponent near 1."""
        part = self.values[here]
        largest = self.xp.amax(abs(part), self.over).reshape(self.exponents[here].shape)
        shift = self.xp.floor(self.xp.log2(self.xp.where(largest > 0.0, largest, 1.0 + largest)))
        part *= _power(self.xp, -shift)[:, :, None]
        self.exponents[here] += shift

    def double(self, half: int) -> None:
        """Make products of twice as many Jacobians, in place."""
        stop = max(0, len(self.values) - half)
        for low in range(0, stop, CHUNK):
            here = slice(low, min(low + CHUNK, stop))
            there = slice(here.start + half, here.stop + half)
            self.values[here] = self.values[here] @ self.values[there]
            self.exponents[here] = self.exponents[here] + self.exponents[there]
            self._rescale(here)
        self.values, self.exponents = self.values[:stop], self.exponents[:stop]

    def times(self, vectors: "_Scaled", half: int) -> "_Scaled":
        """Return these products times the vectors so many steps farther on."""
        count = max(0, min(len(self.values), len(vectors.values) - half))
        values = zeros(vectors.values, count, *vectors.values.shape[1:])
        for low in range(0, count, CHUNK):
            here = slice(low, min(low + CHUNK, count))
            there = slice(here.start + half, here.stop + half)
            values[here] = self.values[here] @ vectors.values[there]
        exponents = self.exponents[:count] + vectors.exponents[half : half + count]
        return _Scaled(self.xp, values, exponents)


def _power(xp, exponents):
    """Return 2 to a power; 0 where that is far too small to count."""
    return xp.exp2(exponents.clip(-1000.0, 1000.0)) * (exponents > -1000.0)


def _whole_rows(layout: _Layout, stack: Stack, errors: dict[Place, Signal], like):
    parts = {}
    for place, signal in errors.items():
        rows = zeros(like, stack.steps, stack.batch, signal.rows.shape[-1])
        rows[signal.run] = signal.rows
        parts[place] = rows
    return layout.joined(parts, like, stack.steps, stack.batch)


def _before(stack: Stack, layout: _Layout, rows, first: int):
    """Return the signals on the states before steps, of signals on those after them."""
    signals = {place: Signal(first, part.rows) for place, part in layout.split(rows).items()}
    back = stack.back(signals)
    parts = {}
    for place, start in back.start.items():
        shifted = back.farther.get(place)
        if first:
            parts[place] = shifted.rows
        else:
            rest = [] if shifted is None else [shifted.rows]
            parts[place] = stack.cell(place).xp.concatenate([start[None], *rest], 0)
    return layout.joined(parts, rows, len(rows), stack.batch)


def _jacobians(stack: Stack, layout: _Layout, like):
    """Return the transposed Jacobians of all steps, (T, B, S, S)."""
    size = layout.size
    found = zeros(like, stack.steps, stack.batch, size, size)
    for unit in range(size):
        basis = zeros(like, stack.steps, stack.batch, size)
        basis[..., unit] = 1.0
        found[..., unit] = _before(stack, layout, basis, 0)
    return found


def _summed(stack: Stack, layout: _Layout, error):
    """Return the signals of all distances together: backpropagation through time."""
    whole = zeros(error, *error.shape)
    carried = zeros(error, *error.shape[1:])
    for k in reversed(range(stack.steps)):
        whole[k] = error[k] + carried
        carried = _before(stack, layout, whole[k : k + 1], k)[0]
    return whole


def _far(stack, layout, xp, distance: int, vectors: _Scaled, at_first: dict) -> Far:
    found, exponents, starts = [], [], []
    for column in (0, 1):
        exponent = vectors.exponents[..., column]
        rows = vectors.values[..., column]
        alive = (rows != 0.0).any(-1)
        top = float(exponent[alive].max()) if bool(alive.any()) else 0.0
        aligned = rows * _power(xp, exponent - top)[..., None]
        back = stack.back(layout.split(aligned))
        found.append(back.contributions)
        starts.append(back.start)
        exponents.append(int(top))
    now = _log10_norms(xp, layout, stack, vectors, distance)
    transport = {}
    for place, logs in now.items():
        start = at_first[place][distance:]
        both = np.isfinite(logs) & np.isfinite(start)
        transport[place] = float((logs[both] - start[both]).mean()) if both.any() else -np.inf
    return Far(distance, *found, *exponents, *starts, transport)


def _log10_norms(xp, layout: _Layout, stack: Stack, vectors: _Scaled, distance: int) -> dict:
    """Return the log10 of the norms of the top layer's signals, (n, B); it has none from above."""
    place = stack.places[-1]
    low, high = layout.ends[place]
    squares = (vectors.values[..., low:high, 0] ** 2).sum(-1)
    exponents = vectors.exponents[..., 0]
    squares, exponents = (
        part if isinstance(part, np.ndarray) else part.cpu().numpy()
        for part in (squares, exponents)
    )
    with np.errstate(divide="ignore"):
        return {place: 0.5 * np.log10(squares) + exponents * np.log10(2.0)}
