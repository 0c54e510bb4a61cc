"""Reading a probe batch that somebody else has put together."""

from pathlib import Path

import numpy as np

from .config_messages import nearest
from .files import FileError, read_arrays

ARRAYS = ("inputs", "targets", "loss_mask")


def read(path: str | Path) -> dict[str, np.ndarray]:
    """Read a probe batch: time runs along the first axis.

    Parameters
    ----------
    path : an `.npz` with `inputs`, (T, B) int or (T, B, D) float, `targets` (T, B) int and, if not
        all steps carry a loss, `loss_mask` (T,) bool.

    Returns
    -------
    The three, vectors in float64; whether the net knows the symbols is for `check_symbols`.

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
    inputs, targets = arrays["inputs"], arrays["targets"]
    if inputs.dtype.kind == "f" and inputs.ndim == 3:
        if not np.isfinite(inputs).all():
            raise _refusal(path, "inputs are not all finite")
        inputs = inputs.astype(np.float64)
    elif inputs.dtype.kind not in "iu" or inputs.ndim != 2:
        raise _refusal(
            path,
            f"inputs are {_form(inputs)}; allowed: (T, B) whole numbers, or (T, B, D) floats",
        )
    shape = inputs.shape[:2]
    if shape[0] < 2 or shape[1] < 1:
        raise _refusal(
            path, f"inputs have {shape[0]} steps of {shape[1]} sequences; allowed: at least 2 of 1"
        )
    if targets.dtype.kind not in "iu" or targets.shape != shape:
        raise _refusal(
            path,
            f"targets are {_form(targets)}; allowed: whole numbers, {shape} like the inputs' steps "
            "and sequences (where only the last step has a target, let loss_mask say so)",
        )
    mask = arrays.get("loss_mask", np.ones(len(inputs), dtype=bool))
    if mask.dtype != bool or mask.shape != shape[:1] or not mask.any():
        raise _refusal(
            path,
            f"loss_mask is {_form(mask)}; allowed: {shape[:1]} Booleans, at least one of them true",
        )
    return {"inputs": inputs, "targets": targets, "loss_mask": mask}


def check_symbols(path: str | Path, probe: dict, symbols: int, outputs: int) -> None:
    """Refuse symbols that the net does not have.

    Parameters
    ----------
    path : where the probe batch is from.
    probe : as `read` returns it, its inputs symbols.
    symbols, outputs : the net's V_in and V.

    Raises
    ------
    FileError : an input or a target is out of range.
    """
    for name, count in (("inputs", symbols), ("targets", outputs)):
        if ((probe[name] < 0) | (probe[name] >= count)).any():
            raise _refusal(path, f"{name} are not all integers from 0 to {count - 1}")


def _form(array: np.ndarray) -> str:
    """Say what an array is."""
    return f"{array.shape} {array.dtype}"


def _refusal(path, reason: str) -> FileError:
    """Return the error that says why the file is of no use."""
    return FileError(f"cannot use {path}: {reason}")
