"""Sequences of the user's own, to train on or to measure on: what they may be, and what is wrong.

An .npz has inputs, targets and, if not all steps count, a mask.  Whether a net can read them is for
`check_for_net`, what only training asks of them for `tasks.arrays`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple
from zipfile import BadZipFile, is_zipfile

import numpy as np

from .names import nearest
from .user_files import OwnFileError, reading

NEEDED, OPTIONAL = ("inputs", "targets"), ("loss_mask",)
LONGEST = 100_000

AXES = {"inputs": "(T, S) or (T, S, D)", "targets": "(T, S) or (T, S, O)"}
SYMBOLS = {"inputs": "symbols", "targets": "classes"}


class Sequences(NamedTuple):
    """S sequences of T steps each.

    Attributes
    ----------
    inputs : (T, S) int, symbols; or (T, S, D) float64, vectors.
    targets : (T, S) int, classes; or (T, S, O) float64, numbers.  0 at steps without a loss.
    loss_mask : (T,) bool, the steps that carry a loss.
    """

    inputs: np.ndarray
    targets: np.ndarray
    loss_mask: np.ndarray


def read_sequences(path: str | Path) -> Sequences:
    """Read and check an .npz as `numpy.savez` writes it.

    Raises
    ------
    OwnFileError : the file cannot be read, or its arrays are not such sequences as `checked` takes.
    """
    arrays = load(path, NEEDED, OPTIONAL)
    with naming(path):
        return checked(**arrays)


def checked(inputs, targets, loss_mask=None) -> Sequences:
    """Check arrays, and bring them into one form.

    Floats of two axes (T, S) are one number a step, D = 1 or O = 1.  What targets hold at steps
    without a loss is not looked at.

    Parameters
    ----------
    inputs : (T, S) int, or (T, S) or (T, S, D) float.
    targets : (T, S) int, or (T, S) or (T, S, O) float.
    loss_mask : (T,) bool; None where every step carries a loss.

    Raises
    ------
    ValueError : they are not T steps of S sequences of such, or not all finite.
    """
    shapes = np.shape(inputs), np.shape(targets)
    inputs, targets = typed("inputs", inputs), typed("targets", targets)
    steps = len(inputs)
    if inputs.shape[:2] != targets.shape[:2]:
        raise ValueError(
            f"inputs {shapes[0]} and targets {shapes[1]} differ in their first two axes: steps T, "
            "sequences S; where only some steps have a target, loss_mask says which"
        )
    if not 2 <= steps <= LONGEST:
        raise ValueError(
            f"inputs {shapes[0]} have a first axis of {steps:,}; allowed: 2 to {LONGEST:,} steps T"
        )
    loss_mask = _checked_mask(np.ones(steps, bool) if loss_mask is None else loss_mask, steps)
    if not loss_mask.all():
        targets = targets.copy()
        targets[~loss_mask] = 0
    for name, values, shape in (("inputs", inputs, shapes[0]), ("targets", targets, shapes[1])):
        if values.dtype.kind == "f":
            check_finite(name, values.reshape(shape))
    return Sequences(inputs, targets, loss_mask)


def check_for_net(sequences: Sequences, symbols: int, width: int, outputs: int) -> None:
    """Refuse sequences that a net cannot read, or that it cannot be compared with.

    Parameters
    ----------
    sequences : as `checked` returns them.
    symbols, width, outputs : the net's V_in, D and V.

    Raises
    ------
    ValueError : there is a symbol or class that it does not have, or vectors are of another length.
    """
    inputs, targets, loss_mask = sequences
    for name, values, count, length in (
        ("inputs", inputs, symbols, width),
        ("targets", targets[loss_mask], outputs, outputs),
    ):
        if values.dtype.kind == "f":
            check_length(name, values, length)
        else:
            check_range(name, values, count)


def check_length(name: str, vectors: np.ndarray, length: int) -> None:
    """Refuse vectors (..., D) of another length; ValueError."""
    if vectors.shape[-1] != length:
        raise ValueError(
            f"{name} are vectors of length {vectors.shape[-1]}; allowed: length {length}, or "
            f"integers for {SYMBOLS[name]}"
        )


def check_range(name: str, values: np.ndarray, count: int) -> None:
    """Refuse symbols or classes beyond 0 to `count` - 1; ValueError."""
    if values.min() < 0 or values.max() >= count:
        raise ValueError(
            f"{name} are integers from {values.min()} to {values.max()}; allowed: 0 to "
            f"{count - 1:,}"
        )


@contextmanager
def naming(path: str | Path) -> Iterator[None]:
    """Say of which file the arrays are that the block refuses.

    Raises
    ------
    OwnFileError : the block raises a ValueError.
    """
    try:
        yield
    except ValueError as error:
        raise OwnFileError(f"in {path} {error}") from None


def load(
    path: str | Path, needed: tuple[str, ...], optional: tuple[str, ...]
) -> dict[str, np.ndarray]:
    """Read the arrays of an .npz, which may have these names and no others.

    Raises
    ------
    OwnFileError : it cannot be read, lacks what is needed, or has what nobody would read.
    """
    kind = "an .npz file as numpy.savez writes it"
    with reading(path, kind):
        if not Path(path).stat().st_size or not is_zipfile(path):
            raise OwnFileError(f"{path} is not {kind}")
        try:
            with np.load(path, allow_pickle=False) as archive:
                _check_names(path, archive.files, needed, optional)
                return {name: _member(path, archive, name) for name in archive.files}
        except (BadZipFile, EOFError) as error:
            raise OwnFileError(f"{path} cannot be read ({error})") from None


def _member(path, archive, name: str) -> np.ndarray:
    """Read one array; what is damaged may raise any error."""
    try:
        array = archive[name]
    except Exception as error:
        if "allow_pickle" in str(error):
            raise OwnFileError(
                f"in {path} {name} holds Python objects, which are not read; allowed: an array of "
                f"numbers"
            ) from None
        raise OwnFileError(f"in {path} {name} cannot be read ({error})") from None
    if not isinstance(array, np.ndarray):
        raise OwnFileError(f"in {path} {name} is not an array")
    return array


def _check_names(path, found: list[str], needed: tuple, optional: tuple) -> None:
    """Refuse an .npz without what is needed, or with what nobody would read."""
    known = (*needed, *optional)
    for name in found:
        if name not in known:
            raise OwnFileError(
                f"in {path} the array {name} is not known; allowed: {', '.join(known)}"
                f"{nearest(name, known)}"
            )
    for name in needed:
        if name not in found:
            raise OwnFileError(f"{path} has no array {name}; it has {', '.join(found) or 'none'}")


def typed(name: str, array: np.ndarray) -> np.ndarray:
    """Return integers (T, S) or floats (T, S, D), or refuse the array; ValueError."""
    array = np.asarray(array)
    if array.dtype.kind not in "iuf":
        raise ValueError(
            f"{name} are of type {array.dtype}; allowed: integers {AXES[name][:6]} or "
            f"floats {AXES[name]}"
        )
    if array.dtype.kind == "f" and array.ndim == 2:
        array = array[..., None]
    axes = 3 if array.dtype.kind == "f" else 2
    if array.ndim != axes or 0 in array.shape:
        raise ValueError(
            f"{name} are {array.dtype} {array.shape}; allowed: integers "
            f"{AXES[name][:6]} or floats {AXES[name]}, T steps of S sequences"
        )
    if array.dtype.kind == "u" and array.max() > np.iinfo(np.int64).max:
        return array  # what int64 does not hold; nobody has so many symbols
    return array.astype(np.float64 if axes == 3 else np.int64, copy=False)


def _checked_mask(loss_mask: np.ndarray, steps: int) -> np.ndarray:
    loss_mask = np.asarray(loss_mask)
    if loss_mask.dtype != bool or loss_mask.shape != (steps,):
        raise ValueError(
            f"loss_mask is {loss_mask.dtype} {loss_mask.shape}; allowed: bool ({steps},),"
            f" one for each step"
        )
    if not loss_mask.any():
        raise ValueError("loss_mask is False everywhere: no step carries a loss")
    return loss_mask


def check_finite(name: str, values: np.ndarray) -> None:
    """Refuse what is not finite, and say where it is; ValueError."""
    # This runs whenever the workflow is read: what has to be searched for is only where it is.
    if not np.isfinite(max(values.max(), -values.min())):
        place = tuple(np.argwhere(~np.isfinite(values))[0].tolist())
        raise ValueError(
            f"{name} are not all finite: {values[place]} at {list(place)}, counted from 0"
        )
