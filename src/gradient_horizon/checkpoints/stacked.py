"""Trained nets of any depth, from any initial state, on sequences of any lengths, taken apart.

Layers, directions and projections are those of `gradients.stacks`; the errors at the top layer come
from a linear read-out.
"""

from dataclasses import dataclass

import numpy as np

from ..gradients.stacks.cells import CELLS
from ..gradients.stacks.rows import Rows
from ..gradients.stacks.stack import Place, Signal, Stack
from ..gradients.stacks.taking_apart import Links, take_apart
from ..ground.names import count_of
from ..networks.cells.dynamics import InexactError
from .checkpoint import Checkpoint

# The walk over distances ends where what lies farther back is this part of the gradient.
TOLERANCE = 1e-9


@dataclass(frozen=True)
class Measured:
    """What was found.

    Attributes
    ----------
    rows : of the tables.
    loss : on the batch.
    hits : the part of the targets that was met.
    """

    rows: Rows
    loss: float
    hits: float


class _Initial(Links):
    """What signals on initial states contribute: to the states of every sequence, or learnt ones.

    Parameters
    ----------
    stack : what starts from them.
    names : of the initial states that are there, by `h0` and `c0`.
    learnt : whether all sequences start from the same one.
    sequences : how many start from them, the first ones; others start from what others ended with.
    """

    def __init__(self, stack: Stack, names: dict[str, str], learnt: bool, sequences: int):
        self.stack, self.names, self.learnt, self.sequences = stack, names, learnt, sequences

    def of(self, start: dict[Place, np.ndarray]) -> dict[str, np.ndarray]:
        """Return the contributions of signals (B, S) by place."""
        found = {}
        for state, name in self.names.items():
            rows = []
            for place in self.stack.places:
                cell = self.stack.cell(place)
                low, high = cell.parts[state]
                if place in start:
                    rows.append(start[place][: self.sequences, low:high])
                else:
                    rows.append(np.zeros((self.sequences, high - low)))
            whole = np.stack(rows)
            found[name] = (whole.sum(axis=1) if self.learnt else whole).reshape(-1)
        return found

    def back(self, start):
        """Return no further signals, and the contributions."""
        (signals,) = start
        return [{}], self.of(signals) if signals else {}


def measure(net: Checkpoint, tolerance: float = TOLERANCE) -> Measured:
    """Take the gradient of a net's recurrent layers apart by distance.

    Parameters
    ----------
    net : the net and its batch.
    tolerance : as in `take_apart`.

    Raises
    ------
    InexactError : the contributions do not add up to the gradient, or are too large for floats.
    """
    layers = net.layers
    with np.errstate(over="ignore", invalid="ignore"):
        stack, links = _read(net)
        _check_finite("what the layers give", stack.output)
        loss, hits, errors = _errors(net, stack)
        gradients, start = stack.sweep(errors)
        gradients |= links.of(start)
        for weight, gradient in gradients.items():
            _check_finite(f"the gradient of {weight}", gradient)
    apart = take_apart([stack], [errors], gradients, links=links, tolerance=tolerance)
    steps = stack.steps if net.batch.lengths is None else int(net.batch.lengths.max())
    places = {
        stack.name(weight, place): place for place, own in net.tensors.items() for weight in own
    }
    farthest = steps if layers.directions == 1 else layers.levels * (steps - 1) + 1
    name = net.layer or f"nn.{net.cell.upper()}"
    return Measured(Rows(name, apart, steps, farthest, places), loss, hits)


def _check_finite(what: str, values: np.ndarray) -> None:
    """Refuse a net that explodes.  Only one layer is measured at any scale."""
    if not np.isfinite(values).all():
        raise InexactError(
            f"{what} leaves the floating-point numbers on this batch: give shorter sequences"
        )


def _read(net: Checkpoint) -> tuple[Stack, _Initial]:
    """Let the net read the batch."""
    kind = CELLS["rnn_relu" if net.activation == "relu" else net.cell]
    layers = [
        [kind(np, net.tensors[level, direction]) for direction in range(net.layers.directions)]
        for level in range(net.layers.levels)
    ]
    inputs = net.probe["inputs"]
    if inputs.dtype.kind != "f":
        vectors = np.eye(net.layers.width) if net.vectors is None else net.vectors
        inputs = vectors[inputs]
    batch = inputs.shape[1]
    given: dict[Place, dict] = {}
    for state, values in (net.initial or net.batch.initial).items():
        if net.initial:
            values = np.repeat(values[:, None], batch, axis=1)
        for place, rows in zip(net.tensors, values, strict=True):
            given.setdefault(place, {})[state] = rows
    lengths = net.batch.lengths
    if net.chunk is not None:
        inputs, given, lengths = _in_chunks(layers, inputs, given, net.chunk)
    stack = Stack(layers, inputs, given, lengths)
    names = net.parts.initial or {state: state for state in net.batch.initial}
    return stack, _Initial(stack, names, bool(net.initial), batch)


def _in_chunks(layers: list, inputs, given: dict[Place, dict], chunk: int) -> tuple:
    """Put what a stateful model reads one after another beside each other.

    Each chunk of steps starts from the state that the one before it ended with, as from a
    constant.  Returned are inputs, states and lengths of all chunks, as further sequences.
    """
    parts, states = [], []
    for first in range(0, len(inputs), chunk):
        states.append(given)
        parts.append(inputs[first : first + chunk])
        last = Stack(layers, parts[-1], given).last
        given = {
            place: {
                state: rows[:, low:high]
                for state, (low, high) in layers[place[0]][place[1]].parts.items()
            }
            for place, rows in last.items()
        }
    together: dict[Place, dict] = {}
    for place, own in given.items():
        for state, rows in own.items():
            zeros = np.zeros_like(rows)
            each = [before.get(place, {}).get(state, zeros) for before in states]
            together.setdefault(place, {})[state] = np.concatenate(each)
    lengths = np.repeat([len(part) for part in parts], inputs.shape[1])
    return cut(inputs, chunk), together, lengths


def cut(rows: np.ndarray, chunk: int) -> np.ndarray:
    """Put chunks of steps (T, B, ...) beside each other, (chunk, n B, ...); zeros at the end."""
    count = -(-len(rows) // chunk)
    whole = np.zeros((count * chunk, *rows.shape[1:]), rows.dtype)
    whole[: len(rows)] = rows
    beside = whole.reshape(count, chunk, *rows.shape[1:]).swapaxes(0, 1)
    return beside.reshape(chunk, count * rows.shape[1], *rows.shape[2:])


def _errors(net: Checkpoint, stack: Stack) -> tuple[float, float, dict[Place, Signal]]:
    """Return loss, accuracy, and dE/d(state) of the top layer through the read-out."""
    counted, targets, output = net.probe["loss_mask"], net.probe["targets"], stack.output
    if counted.ndim == 1:
        counted = np.repeat(counted[:, None], targets.shape[1], axis=1)
    if net.chunk is not None:
        counted, targets = cut(counted, net.chunk), cut(targets, net.chunk)
    rows = output[counted]
    values, hits, slope, power = net.loss.at_any_scale(
        rows @ net.matrix.T, net.bias, np.zeros(len(rows), int), targets[counted]
    )
    whole = np.zeros_like(output)
    whole[counted] = np.ldexp(slope, power[:, None]) @ net.matrix
    errors = {}
    for direction in range(net.layers.directions):
        place = net.layers.levels - 1, direction
        size = net.layers.size
        rows = np.zeros((*whole.shape[:2], stack.cell(place).state_size))
        rows[..., :size] = whole[..., direction * size : (direction + 1) * size]
        errors[place] = Signal(0, rows)
    return float(values.mean()), float(hits.mean()), errors


def tables(measured: Measured) -> dict:
    """Return the tables by name: `distances`, `summary` and `truncations`."""
    import pandas as pd

    rows = measured.rows
    summary = pd.DataFrame(rows.summary())
    summary["probe_loss"], summary["probe_accuracy"] = measured.loss, measured.hits
    return {
        "distances": pd.concat(
            [pd.DataFrame(part) for part in rows.distances()], ignore_index=True
        ),
        "summary": summary,
        "truncations": pd.DataFrame(rows.truncations()),
    }


def found_on(measured: Measured) -> str:
    """Say how exact it is, and what was not walked."""
    rows = measured.rows
    return (
        f"the sum over {count_of(rows.walked, 'distance')} is the gradient to "
        f"{max(rows.residual.values()):.0e}"
    )
