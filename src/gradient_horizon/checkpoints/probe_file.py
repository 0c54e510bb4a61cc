"""Reading a probe batch that somebody else has put together."""

from pathlib import Path

import numpy as np

from ..ground.files import FileError, read_arrays
from ..ground.names import nearest

ARRAYS = ("inputs", "targets", "loss_mask")


def read(path: str | Path) -> dict[str, np.ndarray]:
    """Read a probe batch: time runs along the first axis.

    Parameters
    ----------
    path : an `.npz` with `inputs`, (T, B) int or (T, B, D) float, `targets`, (T, B) int or
        (T, B, O) float, and, if not all steps carry a loss, `loss_mask` (T,) bool.

    Returns
    -------
    The three, vectors in float64; whether they fit a net is for `check`.

    Raises
    ------
    FileError : the file cannot be read, or an array is missing, unknown, of another type or shape.
    """
    arrays = read_arrays(path)
    for name in arrays:
        if name not in ARRAYS:
            known = ", ".join(ARRAYS)
            raise _refusal(
                path, f"it has an array '{name}'; allowed: {known}{nearest(name, ARRAYS)}"
            )
    for name in ("inputs", "targets"):
        if name not in arrays:
            raise _refusal(path, f"it has no array '{name}'")
        array = arrays[name]
        if array.dtype.kind == "f" and array.ndim == 3:
            arrays[name] = array.astype(np.float64)
        elif array.dtype.kind not in "iu" or array.ndim != 2:
            raise _refusal(
                path,
                f"{name} are {_form(array)}; allowed: whole numbers with two axes, time and "
                "sequences, or floats with a third",
            )
    inputs, targets = arrays["inputs"], arrays["targets"]
    shape = inputs.shape[:2]
    if shape[0] < 2 or shape[1] < 1:
        raise _refusal(
            path, f"inputs have {shape[0]} steps of {shape[1]} sequences; allowed: at least 2 of 1"
        )
    if targets.shape[:2] != shape:
        raise _refusal(
            path,
            f"targets are {_form(targets)}; allowed: {shape} like the inputs (where only the last "
            "step has a target, let loss_mask say so)",
        )
    mask = arrays.get("loss_mask", np.ones(len(inputs), dtype=bool))
    if mask.dtype != bool or mask.shape != shape[:1] or not mask.any():
        raise _refusal(
            path,
            f"loss_mask is {_form(mask)}; allowed: {shape[:1]} Booleans, at least one of them true",
        )
    return {"inputs": inputs, "targets": targets, "loss_mask": mask}


def check(path: str | Path, probe: dict, symbols: int, width: int, outputs: int) -> None:
    """Refuse symbols that the net does not have, and vectors of another length than it reads.

    Parameters
    ----------
    path : where the probe batch is from.
    probe : as `read` returns it; targets without a loss may be anything.
    symbols, width, outputs : the net's V_in, D and V.

    Raises
    ------
    FileError : an input or a target is out of range, not finite or too long or short.
    """
    targets = probe["targets"][probe["loss_mask"]]
    for name, array, count, length in (
        ("inputs", probe["inputs"], symbols, width),
        ("targets", targets, outputs, outputs),
    ):
        if array.dtype.kind == "f":
            if array.shape[2] != length or not np.isfinite(array).all():
                raise _refusal(path, f"{name} are not all finite vectors of length {length}")
        elif ((array < 0) | (array >= count)).any():
            raise _refusal(path, f"{name} are not all integers from 0 to {count - 1}")


def _form(array: np.ndarray) -> str:
    """Say what an array is."""
    return f"{array.shape} {array.dtype}"


def _refusal(path, reason: str) -> FileError:
    """Return the error that says why the file is of no use."""
    return FileError(f"cannot use {path}: {reason}")
