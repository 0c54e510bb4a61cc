"""The batch that a trained net is measured on, in the forms in which people have it.

Steps or sequences first, some targets that do not count, sequences of several lengths, states to
start from: all become one form, and what was made of the arrays is told.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..ground.names import count_of
from ..ground.user_arrays import LONGEST, check_finite, load, naming, typed

NEEDED = ("inputs", "targets")
OPTIONAL = ("loss_mask", "lengths", "h0", "c0")
IGNORED = -100  # PyTorch's ignore_index
# Of so many targets not all are the next inputs by chance.
TELLING = 12
# Fewer steps alike at the end of sequences are no padding, nor are more where as many sequences as
# this would have them by chance.
SHORTEST_PADDING, CHANCE = 3, 0.01


@dataclass(frozen=True)
class Probe:
    """T steps of B sequences.

    Attributes
    ----------
    inputs : (T, B) int, symbols; or (T, B, D) float64, vectors.
    targets : (T, B) int, classes; or (T, B, O) float64, numbers.  0 where there is none.
    loss_mask : (T, B) bool, where there is a target; (T,) where all sequences have the same.
    lengths : (B,) int; None where all have T steps.
    initial : `h0` and `c0` that are given, as PyTorch has them, (layers and directions, B, H).
    lines : how the arrays were read, and what looks wrong with them.
    booleans : whether the targets were, which may be classes or numbers.
    """

    inputs: np.ndarray
    targets: np.ndarray
    loss_mask: np.ndarray
    lengths: np.ndarray | None
    initial: dict[str, np.ndarray]
    lines: tuple[str, ...]
    booleans: bool = False

    def arrays(self) -> dict[str, np.ndarray]:
        """Return what `forward_pass.trace` takes."""
        return {name: getattr(self, name) for name in ("inputs", "targets", "loss_mask")}


def read(path: str | Path, batch_first: bool = False) -> Probe:
    """Read and check an .npz as `numpy.savez` writes it.

    Parameters
    ----------
    path : the file, of `inputs`, `targets` and perhaps `loss_mask`, (T,) or as the targets,
        `lengths`, (B,), and the states before the first step, `h0` and `c0`.
    batch_first : whether the sequences are the first axis, and the steps the second.

    Raises
    ------
    user_files.OwnFileError : it cannot be read, or its arrays do not go together.
    """
    arrays = load(path, NEEDED, OPTIONAL)
    with naming(path):
        return checked(batch_first=batch_first, **arrays)


def checked(
    inputs, targets, loss_mask=None, lengths=None, h0=None, c0=None, batch_first: bool = False
) -> Probe:
    """Check arrays, and bring them into one form; parameters as `read`.

    Raises
    ------
    ValueError : they do not go together, or are not all finite.
    """
    given, inputs = np.shape(inputs), typed("inputs", inputs)
    targets = np.asarray(targets)
    booleans = targets.dtype == bool
    if booleans:
        targets = targets.astype(np.float64 if targets.ndim == 3 else np.int64)
    one_each = targets.ndim == 1
    if one_each:
        targets, loss_mask = _at_the_end(targets, loss_mask, lengths, inputs.shape, batch_first)
    shapes = given, targets.shape
    targets = typed("targets", targets)
    if inputs.shape[:2] != targets.shape[:2]:
        raise ValueError(
            f"inputs {shapes[0]} and targets {shapes[1]} differ in their first two axes: "
            f"{_axes(batch_first)}; where only some steps have a target, loss_mask says which"
        )
    if batch_first:
        inputs, targets = inputs.swapaxes(0, 1), targets.swapaxes(0, 1)
    steps, batch = inputs.shape[:2]
    if not 2 <= steps <= LONGEST:
        raise ValueError(
            f"inputs have {count_of(steps, 'step')}; allowed: 2 to {LONGEST:,} steps T"
            + _other_order(batch_first)
        )
    _check_next(inputs, targets, batch_first)
    lengths = _checked_lengths(lengths, steps, batch, batch_first)
    counted = _checked_mask(loss_mask, steps, batch, batch_first)
    initial = {
        name: _checked_state(name, state, batch, steps, batch_first)
        for name, state in (("h0", h0), ("c0", c0))
        if state is not None
    }
    lines = [_how(steps, batch, batch_first)]
    if one_each:
        lines.append("every sequence has one target, at its last step")
    if initial:
        lines.append(f"the first step starts from the {' and '.join(initial)} that are given")
    if targets.dtype.kind == "i":
        absent = counted & (targets == IGNORED)
        if absent.any():
            lines.append(
                f"{int(absent.sum()):,} of {count_of(int(counted.sum()), 'target')} are "
                f"{IGNORED}: they do not count"
            )
        counted &= ~absent
    if lengths is not None:
        exists = np.arange(steps)[:, None] < lengths
        counted &= exists
        inputs = np.where(exists if inputs.ndim == 2 else exists[..., None], inputs, 0)
        lines.append(f"lengths from {lengths.min()} to {lengths.max()}; steps beyond are not read")
        if (lengths == steps).all():
            lengths = None
    if not counted.any():
        raise ValueError("no step has a target that counts: nothing carries a loss")
    targets = np.where(counted if targets.ndim == 2 else counted[..., None], targets, 0)
    for name, values, shape in zip(("inputs", "targets"), (inputs, targets), shapes, strict=True):
        if values.dtype.kind == "f":
            check_finite(name, (values.swapaxes(0, 1) if batch_first else values).reshape(shape))
    lines += _looks_padded(inputs, targets, counted)
    if (counted == counted[:, :1]).all():
        counted = counted[:, 0]
    return Probe(
        np.ascontiguousarray(inputs),
        np.ascontiguousarray(targets),
        counted,
        lengths,
        initial,
        tuple(lines),
        booleans,
    )


def _at_the_end(targets, mask, lengths, shape: tuple, batch_first: bool) -> tuple:
    """Put one target of each sequence at its last step; the same axes as the inputs."""
    batch, steps = shape[:2] if batch_first else shape[1::-1]
    if targets.shape != (batch,) or mask is not None:
        raise ValueError(
            f"targets are {targets.dtype} {targets.shape}; allowed: ({batch},), one for the last "
            f"step of each sequence, without a loss_mask, or {shape[:2]}, one for each step"
        )
    checked = _checked_lengths(lengths, steps, batch, batch_first)
    last = np.full(batch, steps - 1) if checked is None else checked - 1
    place = (np.arange(batch), last) if batch_first else (last, np.arange(batch))
    whole, where = np.zeros(shape[:2], targets.dtype), np.zeros(shape[:2], bool)
    whole[place], where[place] = targets, True
    return whole, where


def _axes(batch_first: bool) -> str:
    return "sequences B, steps T" if batch_first else "steps T, sequences B"


def _other_order(batch_first: bool) -> str:
    if batch_first:
        return "; if the steps come first, leave out --batch-first"
    return "; if the sequences come first, say --batch-first"


def _how(steps: int, batch: int, batch_first: bool) -> str:
    """Say how the axes were read."""
    line = (
        f"read as {count_of(batch, 'sequence')} of {count_of(steps, 'step')}, "
        f"{'sequences' if batch_first else 'steps'} first"
    )
    if not batch_first and steps < batch:
        line += (
            "; the first axis is the shorter one: if it is the sequences, the numbers are wrong "
            "without --batch-first"
        )
    return line


def _whole(name: str, values, allowed: str) -> np.ndarray:
    values = np.asarray(values)
    if values.dtype.kind not in "iu":
        raise ValueError(f"{name} are {values.dtype} {values.shape}; allowed: {allowed}")
    return values.astype(np.int64)


def _checked_lengths(lengths, steps: int, batch: int, batch_first: bool) -> np.ndarray | None:
    if lengths is None:
        return None
    allowed = f"integers ({batch},), one from 1 to {steps} for each sequence"
    lengths = _whole("lengths", lengths, allowed)
    if lengths.shape != (batch,):
        swapped = _other_order(batch_first) if lengths.shape == (steps,) else ""
        raise ValueError(f"lengths are {lengths.shape}; allowed: {allowed}{swapped}")
    if lengths.min() < 1 or lengths.max() > steps:
        swapped = _other_order(batch_first) if lengths.min() >= 1 else ""
        raise ValueError(
            f"lengths are from {lengths.min()} to {lengths.max()}; allowed: 1 to {steps}{swapped}"
        )
    return lengths


def _checked_mask(mask, steps: int, batch: int, batch_first: bool) -> np.ndarray:
    """Return where targets count, (T, B) bool."""
    if mask is None:
        return np.ones((steps, batch), bool)
    mask = np.asarray(mask)
    shape = (batch, steps) if batch_first else (steps, batch)
    of_bools = mask.dtype == bool or (
        mask.dtype.kind in "iuf" and bool(np.isin(mask, (0, 1)).all())
    )
    if not of_bools or mask.shape not in ((steps,), shape):
        swapped = mask.shape in ((batch,), shape[::-1])
        raise ValueError(
            f"loss_mask is {mask.dtype} {mask.shape}; allowed: bool ({steps},), one for each step, "
            f"or {shape}, one for each target" + _other_order(batch_first) * swapped
        )
    mask = mask.astype(bool)
    if not mask.any():
        raise ValueError("loss_mask is False everywhere: no step carries a loss")
    if mask.ndim == 1:
        return np.repeat(mask[:, None], batch, axis=1)
    return (mask.T if batch_first else mask).copy()


def _checked_state(name: str, state, batch: int, steps: int, batch_first: bool) -> np.ndarray:
    state = np.asarray(state)
    if state.dtype.kind != "f" or state.ndim not in (2, 3) or state.shape[-2] != batch:
        swapped = state.ndim in (2, 3) and state.shape[-2] == steps
        raise ValueError(
            f"{name} is {state.dtype} {state.shape}; allowed: floats (L, {batch}, H), L layers "
            "and directions, as PyTorch has them" + _other_order(batch_first) * swapped
        )
    check_finite(name, state)
    return state.reshape(-1, *state.shape[-2:]).astype(np.float64)


def _check_next(inputs: np.ndarray, targets: np.ndarray, batch_first: bool) -> None:
    """Refuse a batch whose targets are the next inputs, but along the axis of the sequences."""
    if (
        targets.dtype.kind == "i"
        and _is_next(inputs.T, targets.T)
        and not _is_next(inputs, targets)
    ):
        raise ValueError(
            f"every target is the next input of the {'first' if batch_first else 'second'} axis, "
            "which is then that of the steps" + _other_order(batch_first)
        )


def _is_next(inputs: np.ndarray, targets: np.ndarray) -> bool:
    """Tell whether targets are the inputs of the next step, where they are too many for chance."""
    if inputs.ndim != 2 or targets.ndim != 2:  # vectors, or numbers
        return False
    following, wanted = inputs[1:], targets[:-1]
    there = wanted != IGNORED
    varied = len(np.unique(following)) > 1
    return bool(varied and there.sum() >= TELLING and (following == wanted)[there].all())


def _looks_padded(inputs: np.ndarray, targets: np.ndarray, counted: np.ndarray) -> list[str]:
    """Warn of sequences that end in one same input and target: padding that counts."""
    if not counted.all():
        return []
    steps, batch = counted.shape
    pairs = np.concatenate([part.reshape(steps, batch, -1) for part in (inputs, targets)], axis=2)
    alike = (pairs == pairs[-1]).all(axis=2)
    runs = np.cumprod(alike[::-1], axis=0).sum(axis=0)
    long = np.flatnonzero((runs > 1) & (runs < steps))
    if not len(long):
        return []
    # Padding is the same everywhere; other sequences may end in steps alike by chance.
    kinds, kind, counts = np.unique(
        pairs[-1, long], axis=0, return_inverse=True, return_counts=True
    )
    long = long[kind.reshape(-1) == counts.argmax()]
    padding = (pairs == kinds[counts.argmax()]).all(axis=2)
    longest, within = runs[long].max(), runs[long].sum()
    often = (1.0 + padding.sum() - within) / (1.0 + padding.size - within)
    by_chance = batch * often**longest
    # Runs that all begin at the same step are what such sequences are like, not padding.
    together = len(long) == batch and len(set(runs)) == 1
    if longest < SHORTEST_PADDING or by_chance > CHANCE or together:
        return []
    return [
        f"warning: {len(long)} of {count_of(batch, 'sequence')} end in up to {longest} "
        f"steps of one same input and target: if that is padding, it counts as targets; give "
        f"`lengths`, a `loss_mask` of the targets' shape, or {IGNORED} as the target there"
    ]
