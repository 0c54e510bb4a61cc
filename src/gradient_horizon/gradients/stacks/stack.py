"""A stack of recurrent layers that has read one batch, and one recurrent step of signals back.

Distance is the number of recurrent steps between where an error enters and where a weight is used,
over whichever layers and directions the path runs.  With R the recurrent edges, from step k-1 to k
or, in a reverse direction, from k+1 to k, and all edges between layers solved within the step, the
signals at distance d are (R^T)^d e, and the contributions of all distances add up to the gradient:
the Neumann series of backpropagation.
"""

from collections.abc import Callable
from typing import NamedTuple

from .cells import Cell, zeros

# A layer and one of its directions: (1, 0) is the second layer, forwards.
Place = tuple[int, int]


class Signal(NamedTuple):
    """Signals on the states after steps first ... first + n - 1, (n, B, S), and none elsewhere."""

    first: int
    rows: object

    @property
    def run(self) -> slice:
        """The steps."""
        return slice(self.first, self.first + len(self.rows))


class StepBack(NamedTuple):
    """What signals at one distance are, and what they become.

    Attributes
    ----------
    contributions : by the weight's name, C_d.
    norms : by place, the squared norms of the whole signal, (n, B), as a `Signal`: also of what
        came down from the layers above.
    farther : by place, the signals at the next distance.
    start : by place, (B, S), the signal that reached the initial state.
    """

    contributions: dict[str, object]
    norms: dict[Place, Signal]
    farther: dict[Place, Signal]
    start: dict[Place, object]


class Stack:
    """Recurrent layers, the lowest first, each in one direction or two, recorded on one batch.

    Parameters
    ----------
    layers : for each layer its cells, forwards and perhaps in reverse.
    inputs : (T, B, D), what the lowest layer read.
    given : by place, what initial states are given, as `Cell.start`; zeros elsewhere.
    lengths : (B,), of the sequences, where they differ; steps beyond do not exist.
    masks : for each layer but the last, what its output was multiplied with on its way up
        (dropout), (T, B, H) or broadcast to it; None for nothing.
    name : returns the weight's name, of its name in the cell and its place.
    """

    def __init__(
        self,
        layers: list[list[Cell]],
        inputs,
        given: dict[Place, dict] | None = None,
        lengths=None,
        masks=None,
        name: Callable[[str, Place], str] | None = None,
    ):
        self.layers, self.name = layers, name or torch_name
        self.steps, self.batch = inputs.shape[:2]
        self.masks = masks or [None] * len(layers)
        self.exists = None if lengths is None else _exists(layers[0][0].xp, self.steps, lengths)
        self.last, self.outputs = {}, []
        for level, cells in enumerate(layers):
            outputs = []
            for direction, cell in enumerate(cells):
                place = level, direction
                start = cell.start((given or {}).get(place, {}), self.batch)
                states, self.last[place] = self._unroll(cell, inputs, start, bool(direction))
                cell.record(inputs, states)
                outputs.append(cell.output(self._after(cell, states, place)))
            inputs = outputs[0] if len(outputs) == 1 else cell.xp.concatenate(outputs, -1)
            self.outputs.append(inputs)
            if level < len(layers) - 1 and self.masks[level] is not None:
                inputs = inputs * self.masks[level]

    @property
    def output(self):
        """What the top layer gives, (T, B, H) or (T, B, 2 H)."""
        return self.outputs[-1]

    @property
    def places(self) -> list[Place]:
        """All layers and directions."""
        return [(level, k) for level, cells in enumerate(self.layers) for k in range(len(cells))]

    def cell(self, place: Place) -> Cell:
        """The cell at a place."""
        return self.layers[place[0]][place[1]]

    def mixes(self, place: Place) -> bool:
        """Tell whether signals of both directions above come together here."""
        return any(len(cells) > 1 for cells in self.layers[place[0] + 1 :])

    def _unroll(self, cell: Cell, inputs, start, reverse: bool):
        """Return the states before all steps, (T, B, S), and that after the last one, (B, S)."""
        drive, state = cell.drive(inputs), start
        states = zeros(start, self.steps, *start.shape)
        for k in _order(self.steps, reverse):
            states[k] = state
            after = cell.step(drive[k], state)
            if self.exists is not None:
                after = cell.xp.where(self.exists[k][:, None], after, state)
            state = after
        return states, state

    def _after(self, cell: Cell, states, place: Place):
        """Return the states after all steps, given those before; zeros beyond a sequence's end."""
        last = self.last[place][None]
        pair = [last, states[:-1]] if place[1] else [states[1:], last]
        after = cell.xp.concatenate(pair, 0)
        return after if self.exists is None else after * self.exists[..., None]

    def back(self, signals: dict[Place, Signal]) -> StepBack:
        """Carry the signals of one distance back by one recurrent step."""
        contributions, norms, farther, start = {}, {}, {}, {}
        above = None
        for level in reversed(range(len(self.layers))):
            read = None
            for direction, cell in enumerate(self.layers[level]):
                place = level, direction
                signal = self._arrived(signals.get(place), above, direction, cell)
                if signal is None:
                    continue
                norms[place] = Signal(signal.first, (signal.rows**2).sum(-1))
                back = cell.back(signal.run, signal.rows, read=level > 0)
                for weight, value in back.contributions.items():
                    contributions[self.name(weight, place)] = value
                shifted, start[place] = self._shift(signal.first, back.before, bool(direction))
                if len(shifted.rows):
                    farther[place] = shifted
                if level:
                    read = _sum(read, Signal(signal.first, back.read))
            above = self._masked(read, level - 1)
        return StepBack(contributions, norms, farther, start)

    def sweep(self, signals: dict[Place, Signal]) -> tuple[dict, dict]:
        """Carry signals all the way back at once: backpropagation through time.

        Returns
        -------
        By the weight's name the gradient, all distances summed; by place, (B, S), what reaches the
        initial state.
        """
        gradient, start = {}, {}
        above = None
        for level in reversed(range(len(self.layers))):
            read = None
            for direction, cell in enumerate(self.layers[level]):
                place = level, direction
                signal = self._arrived(signals.get(place), above, direction, cell)
                if signal is None:
                    continue
                total, start[place] = self._all_the_way(cell, signal, bool(direction))
                back = cell.back(slice(0, self.steps), total, read=level > 0)
                for weight, value in back.contributions.items():
                    gradient[self.name(weight, place)] = value
                if level:
                    read = _sum(read, Signal(0, back.read))
            above = self._masked(read, level - 1)
        return gradient, start

    def _all_the_way(self, cell: Cell, signal: Signal, reverse: bool):
        """Return the signal on every state, all distances summed, and that on the initial state."""
        total = zeros(signal.rows, self.steps, *signal.rows.shape[1:])
        total[signal.run] = signal.rows
        arrived, carried = _nothing(total), None
        for k in _order(self.steps, not reverse):
            if carried is not None:
                total[k] = total[k] + carried
            before = cell.back(slice(k, k + 1), total[k : k + 1], read=False).before
            shifted, start = self._shift(k, before, reverse)
            arrived = arrived + start
            carried = shifted.rows[0] if len(shifted.rows) else None
        return total, arrived

    def _arrived(self, signal: Signal | None, above: Signal | None, direction: int, cell: Cell):
        """Add what comes from the layer above to a signal."""
        if above is not None:
            size = cell.output_size
            part = above.rows[..., direction * size : (direction + 1) * size]
            if cell.state_size > size:
                rest = zeros(part, *part.shape[:-1], cell.state_size - size)
                part = cell.xp.concatenate([part, rest], -1)
            signal = _sum(signal, Signal(above.first, part))
        return signal

    def _masked(self, read: Signal | None, level: int) -> Signal | None:
        if read is None or self.masks[level] is None:
            return read
        mask = self.masks[level]
        return Signal(read.first, read.rows * mask[read.run])

    def _shift(self, first: int, before, reverse: bool) -> tuple[Signal, object]:
        """Put signals on the states before steps onto the steps that these states come after."""
        if not reverse:
            if first:
                return Signal(first - 1, before), _nothing(before)
            return Signal(0, before[1:]), before[0]
        first, stop = first + 1, first + 1 + len(before)
        if self.exists is None:
            if stop <= self.steps:
                return Signal(first, before), _nothing(before)
            return Signal(first, before[:-1]), before[-1]
        start = _nothing(before)
        if stop > self.steps:
            start, before = before[-1], before[:-1]
        exists = self.exists[first : first + len(before)][..., None]
        return Signal(first, before * exists), start + (before * ~exists).sum(0)


def trimmed(signals: dict[Place, Signal]) -> dict[Place, Signal]:
    """Leave out steps at either end at which there is no signal, and signals that are none."""
    kept = {}
    for place, (first, rows) in signals.items():
        alive = (rows != 0.0).reshape(len(rows), -1).any(1)
        where = alive.nonzero()
        where = where[0] if isinstance(where, tuple) else where[:, 0]
        if len(where):
            low, high = int(where[0]), int(where[-1]) + 1
            kept[place] = Signal(first + low, rows[low:high])
    return kept


def added(one: dict[Place, Signal], other: dict[Place, Signal]) -> dict[Place, Signal]:
    """Add signals up."""
    places = one | other
    return {place: _sum(one.get(place), other.get(place)) for place in places}


def torch_name(weight: str, place: Place) -> str:
    """Return PyTorch's name of a weight: `weight_hh_l1_reverse`."""
    return f"{weight}_l{place[0]}{'_reverse' * place[1]}"


def _sum(one: Signal | None, other: Signal | None) -> Signal | None:
    if one is None or other is None:
        return other if one is None else one
    if one.run == other.run:
        return Signal(one.first, one.rows + other.rows)
    first = min(one.first, other.first)
    stop = max(one.run.stop, other.run.stop)
    rows = zeros(one.rows, stop - first, *one.rows.shape[1:])
    for part in (one, other):
        rows[part.first - first : part.run.stop - first] += part.rows
    return Signal(first, rows)


def _nothing(rows):
    return zeros(rows, *rows.shape[1:])


def _order(steps: int, reverse: bool):
    return reversed(range(steps)) if reverse else range(steps)


def _exists(xp, steps: int, lengths):
    """Return which steps exist, (T, B) bool."""
    return xp.arange(steps, device=getattr(lengths, "device", None))[:, None] < lengths[None]
