"""Sequences of the user's own: an .npz with inputs, targets and, if not all steps count, a mask."""

from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile, is_zipfile

import numpy as np

from ..ground.names import nearest
from ..ground.user_files import OwnFileError, reading

NEEDED, OPTIONAL = ("inputs", "targets"), ("loss_mask",)
LONGEST = 100_000
MOST_SYMBOLS = 100_000
# Squares of larger numbers, and the inverse of smaller ones, come near the end of float32.
LARGEST, SMALLEST = 1e15, 1e-15

AXES = {"inputs": "(T, S) or (T, S, D)", "targets": "(T, S) or (T, S, O)"}


@dataclass(frozen=True)
class OwnArrays:
    """S sequences of T steps each.

    Attributes
    ----------
    inputs : (T, S) int, symbols; or (T, S, D) float, vectors.
    targets : (T, S) int, classes; or (T, S, O) float, numbers.  0 at steps without a loss.
    loss_mask : (T,) bool, the steps that carry a loss.
    """

    inputs: np.ndarray
    targets: np.ndarray
    loss_mask: np.ndarray


def read_sequences(path: str | Path) -> OwnArrays:
    """Read and check an .npz as `numpy.savez` writes it.

    Floats of two axes (T, S) are one number a step, D = 1 or O = 1.  What targets hold at steps
    without a loss is not looked at.

    Raises
    ------
    OwnFileError : the file cannot be read, or its arrays are not such sequences.
    """
    arrays = _load(path)
    inputs, targets = (_typed(path, name, arrays[name]) for name in NEEDED)
    if inputs.shape[:2] != targets.shape[:2]:
        raise OwnFileError(
            f"in {path} inputs {arrays['inputs'].shape} and targets {arrays['targets'].shape} "
            f"differ in their first two axes: steps T, sequences S"
        )
    steps, sequences = inputs.shape[:2]
    if not (2 <= steps <= LONGEST and sequences >= 2):
        raise OwnFileError(
            f"in {path} there are {sequences} sequences of {steps} steps: inputs are "
            f"{AXES['inputs']}; allowed: 2 sequences or more of 2 to {LONGEST:,} steps"
        )
    loss_mask = _checked_mask(path, arrays.get("loss_mask", np.ones(steps, dtype=bool)), steps)
    if not loss_mask.all():
        targets = targets.copy()
        targets[~loss_mask] = 0
    for name, values in (("inputs", inputs), ("targets", targets)):
        _check_values(path, name, values)
    if inputs.dtype.kind == "f" and max(inputs.max(), -inputs.min()) < SMALLEST:
        raise OwnFileError(f"in {path} inputs are all smaller than {SMALLEST:g}: nothing to read")
    if targets.dtype.kind == "i" and np.ptp(targets[loss_mask]) == 0:
        raise OwnFileError(f"in {path} all targets are the same class: nothing to learn")
    return OwnArrays(inputs, targets, loss_mask)


def _load(path: str | Path) -> dict[str, np.ndarray]:
    """Read the arrays that are known, and refuse the others."""
    kind = "an .npz file as numpy.savez writes it"
    with reading(path, kind):
        if not Path(path).stat().st_size or not is_zipfile(path):
            raise OwnFileError(f"{path} is not {kind}")
        try:
            with np.load(path, allow_pickle=False) as archive:
                _check_names(path, archive.files)
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


def _check_names(path, found: list[str]) -> None:
    """Refuse an .npz without what is needed, or with what nobody would read."""
    known = (*NEEDED, *OPTIONAL)
    for name in found:
        if name not in known:
            raise OwnFileError(
                f"in {path} the array {name} is not known; allowed: {', '.join(known)}"
                f"{nearest(name, known)}"
            )
    for name in NEEDED:
        if name not in found:
            raise OwnFileError(f"{path} has no array {name}; it has {', '.join(found) or 'none'}")


def _typed(path, name: str, array: np.ndarray) -> np.ndarray:
    """Return integers (T, S) or floats (T, S, D), or refuse the array."""
    if array.dtype.kind not in "iuf":
        raise OwnFileError(
            f"in {path} {name} are of type {array.dtype}; allowed: integers {AXES[name][:6]} or "
            f"floats {AXES[name]}"
        )
    if array.dtype.kind == "f" and array.ndim == 2:
        array = array[..., None]
    axes = 3 if array.dtype.kind == "f" else 2
    if array.ndim != axes or 0 in array.shape:
        raise OwnFileError(
            f"in {path} {name} are {array.dtype} {array.shape}; allowed: integers "
            f"{AXES[name][:6]} or floats {AXES[name]}, T steps of S sequences"
        )
    if array.dtype.kind == "u" and array.max() > MOST_SYMBOLS:
        raise _too_large(path, name, array)  # what int64 might not hold
    return array.astype(np.float64 if axes == 3 else np.int64, copy=False)


def _checked_mask(path, loss_mask: np.ndarray, steps: int) -> np.ndarray:
    if loss_mask.dtype != bool or loss_mask.shape != (steps,):
        raise OwnFileError(
            f"in {path} loss_mask is {loss_mask.dtype} {loss_mask.shape}; allowed: bool ({steps},),"
            f" one for each step"
        )
    if not loss_mask.any():
        raise OwnFileError(f"in {path} loss_mask is False everywhere: no step carries a loss")
    return loss_mask


def _check_values(path, name: str, values: np.ndarray) -> None:
    """Refuse what is not finite, negative symbols, and numbers out of all proportion."""
    if values.dtype.kind == "i":
        if values.min() < 0 or values.max() >= MOST_SYMBOLS:
            raise _too_large(path, name, values)
        return
    # This runs whenever the workflow is read: what has to be searched for is only where it is.
    largest = max(values.max(), -values.min())
    if not np.isfinite(largest):
        place = tuple(np.argwhere(~np.isfinite(values))[0].tolist())
        raise OwnFileError(
            f"in {path} {name} are not all finite: {values[place]} at {list(place)}, counted from 0"
        )
    if largest > LARGEST:
        raise OwnFileError(
            f"in {path} {name} are as large as {largest:.3g}; allowed: up to {LARGEST:g}"
        )


def _too_large(path, name: str, values: np.ndarray) -> OwnFileError:
    return OwnFileError(
        f"in {path} {name} are integers from {values.min()} to {values.max()}; allowed: 0 to "
        f"{MOST_SYMBOLS - 1:,}"
    )
