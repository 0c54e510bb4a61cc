"""What `measure` is called with, checked, and made one form of."""

from collections.abc import Callable, Mapping

import numpy as np
import torch
from torch import nn
from torch.nn.utils.rnn import PackedSequence

from ..ground.names import nearest

DISTANCES = ("auto", "all")


def check_step(inputs, state: tuple, error: tuple) -> None:
    """Refuse shapes of a step's arguments that do not fit."""
    steps, batch = inputs.shape[:2]
    if len(error) != len(state):
        raise ValueError(f"error: {len(error)} parts for a state of {len(state)}")
    for part, rows in zip(state, error, strict=True):
        if part.shape[:1] != (batch,):
            raise ValueError(
                f"state: it is {tuple(part.shape)}; allowed: ({batch}, ...), as many sequences as "
                "there are in the inputs"
            )
        if rows.shape != (steps, *part.shape):
            raise ValueError(
                f"error: it is {tuple(rows.shape)}; allowed: {(steps, *part.shape)}, one for "
                "every step"
            )


def check(model, tolerance, max_distance, truncation) -> None:
    """Refuse arguments that make no sense."""
    if not isinstance(model, nn.Module):
        raise TypeError(f"model: {type(model).__name__} is none; allowed: a torch.nn.Module")
    if any(isinstance(part, torch.jit.ScriptModule) for part in model.modules()):
        raise TypeError("a scripted model cannot be taken apart; measure the one it was made from")
    if not 0.0 <= tolerance < 1.0:
        raise ValueError(f"tolerance: {tolerance} is not possible; allowed: from 0 to below 1")
    for name, value in (("max_distance", max_distance), ("truncation", truncation)):
        least = 0 if name == "max_distance" else 1
        if value is not None and (not isinstance(value, int) or value < least):
            raise ValueError(
                f"{name}: {value!r} is not possible; allowed: a whole number from {least} on"
            )


def checked_distances(distances) -> str | list[int]:
    """Return the distances in their order, or the word that was given for them."""
    if isinstance(distances, str):
        if distances in DISTANCES:
            return distances
    elif all(isinstance(d, int | np.integer) and d > 0 for d in distances):
        return sorted({int(d) for d in distances})
    allowed = f"{' or '.join(DISTANCES)}, or whole numbers from 1 on"
    raise ValueError(f"distances: {distances!r} is not possible; allowed: {allowed}")


def loss_of(model: nn.Module, inputs, targets, loss) -> Callable:
    """Return what runs the model once and gives its loss."""
    if targets is None or loss is None:
        missing = "targets" if targets is None else "loss=..."
        raise TypeError(f"measure needs inputs, targets and loss=...; {missing} is missing")
    if not callable(loss):
        raise TypeError(f"loss: {loss!r} cannot be called; allowed: as in loss(outputs, targets)")

    def closure() -> torch.Tensor:
        if isinstance(inputs, Mapping):
            output = model(**inputs)
        elif isinstance(inputs, tuple) and not isinstance(inputs, PackedSequence):
            output = model(*inputs)
        else:
            output = model(inputs)
        output = _first(output)
        if _classes_last(output, targets):
            return loss(output.flatten(0, -2), targets.flatten())
        return loss(output, targets)

    return closure


def _first(output):
    """Return the first output of several."""
    while isinstance(output, tuple | list) and not isinstance(output, PackedSequence):
        output = output[0]
    if not isinstance(output, torch.Tensor | PackedSequence):
        raise TypeError(
            f"the model gives a {type(output).__name__}, of which it is not clear what the loss "
            "takes; give a closure that returns the loss in place of the inputs"
        )
    return output.data if isinstance(output, PackedSequence) else output


def _classes_last(output, targets) -> bool:
    """Tell whether outputs are (..., classes) and targets (...), of more than one axis."""
    return (
        isinstance(targets, torch.Tensor)
        and not targets.is_floating_point()
        and targets.dim() > 1
        and output.dim() == targets.dim() + 1
        and output.shape[:-1] == targets.shape
    )


def own_cells(model: nn.Module, cells) -> list[nn.Module]:
    """Return the modules of the user's own, given or named."""
    named, found = dict(model.named_modules()), []
    for cell in [cells] if isinstance(cells, str | nn.Module) else cells:
        if isinstance(cell, nn.Module):
            found.append(cell)
        elif cell in named:
            found.append(named[cell])
        else:
            names = [name for name in named if name]
            raise ValueError(
                f"cells: {cell!r} is not in the model; allowed: {', '.join(names)}"
                f"{nearest(cell, names)}"
            )
    return found
