"""Measuring a live PyTorch model: every recurrent module that runs, taken apart by distance."""

import math
import signal
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from threadpoolctl import threadpool_limits
from torch import nn
from torch.nn.utils.rnn import PackedSequence
from tqdm.auto import tqdm

from ..ground.names import nearest
from .float64 import in_float64
from .notes import about_batch, about_model
from .one_module import Taken, Totals, take_module
from .own_cells import StepModule
from .recording import CELLS, LAYERS, Call, record
from .report import Report

TOLERANCE = 1e-6
DISTANCES = ("auto", "all")


def measure(
    model: nn.Module,
    inputs,
    targets=None,
    loss: Callable | None = None,
    *,
    tolerance: float = TOLERANCE,
    max_distance: int | None = None,
    distances: str | Sequence[int] = "auto",
    truncation: int | None = None,
    cells: Iterable[str | nn.Module] = (),
    progress: bool = True,
) -> Report:
    """Take the gradient of every recurrent module of a model apart by distance, exactly.

    The model is measured as it is, in its mode of training or evaluation, in float64, and is left
    as it was: parameters, gradients, hooks, modes and the states of random generators.

    Parameters
    ----------
    model : holds the modules.  nn.RNN, GRU, LSTM and their cells are found by themselves.
    inputs : of the model, in a tuple or a mapping if there are several; or a closure, which runs
        the model, however that is done, and returns its loss.
    targets, loss : the loss is `loss(model(inputs), targets)`, of the first output if there are
        several.  Where outputs are (..., classes) and the targets (...), both are flattened.
    tolerance : a walk over distances ends when what is left of the gradient of every weight is at
        most this part of it; 0 walks to the end.
    max_distance : the farthest distance that is walked to.
    distances : `all`; or which ones beyond the nearest 16 are to be taken by doubling, which for
        long sequences costs far less than the walk; `auto` walks, and goes over to doubling
        where that pays.
    truncation : after how many steps backpropagation is cut off in training, if it is: the answer
        then says what that keeps.
    cells : modules of one's own that map (x, state) to the next state, or their names.
    progress : whether a bar is shown where it takes more than five seconds.

    Returns
    -------
    Tables and figures, and the answer in a few lines.  After Ctrl-C it holds what was found so
    far, and is marked as partial.

    Raises
    ------
    ValueError : no recurrent module runs, none has a gradient, or one does what cannot be taken
        apart.
    TypeError : the loss is not a single number.
    gradient_horizon.gradients.stacks.taking_apart.InexactError : the contributions do not add up
        to autograd's gradient.

    Examples
    --------
    >>> import gradient_horizon as gh, torch
    >>> _ = torch.manual_seed(0)
    >>> model = torch.nn.LSTM(3, 8, batch_first=True)
    >>> x, y = torch.randn(16, 30, 3), torch.randn(16, 30, 8)
    >>> gh.live.measure(model, x, y, loss=torch.nn.functional.mse_loss)
    99 % of the gradient of `lstm` arises within ...
    """
    _check(model, tolerance, max_distance, truncation)
    distances = _checked_distances(distances)
    closure = inputs
    if targets is not None or loss is not None:
        closure = _closure(model, inputs, targets, loss)
    elif isinstance(inputs, nn.Module) or not callable(inputs):
        raise TypeError(
            "measure takes a model with inputs, targets and loss=..., or a model and a closure "
            "that returns the loss"
        )
    own = _own_cells(model, cells)
    # NumPy's products are small here; PyTorch has the threads that the user gave it.
    with in_float64(model), threadpool_limits(1, "blas"), _interrupts() as interrupted:
        recording = record(closure, model, own)
        loss_value = float(recording.loss.detach())
        if not math.isfinite(loss_value):
            raise ValueError(f"the loss is {loss_value}")
        names = {parameter: name for name, parameter in model.named_parameters()}
        by_module = _by_module(model, recording.calls)
        if not by_module:
            raise ValueError(_nothing_ran(model))
        totals = _totals(recording, list(names))
        found: list[Taken] = []
        notes = about_model(model) + about_batch(targets)
        for name, calls in by_module.items():
            if not any(map(totals.reaches, calls)):
                notes.append(f"no gradient reaches `{name}`")
                continue
            if interrupted():
                notes.append(f"interrupted before `{name}` was measured")
                continue
            with _bar(name, progress) as step:
                found.append(
                    take_module(
                        name,
                        calls[0].module,
                        calls,
                        totals,
                        names,
                        tolerance=tolerance,
                        max_distance=max_distance,
                        distances=distances,
                        progress=lambda *done, step=step: step(*done) or interrupted(),
                    )
                )
        if not found:
            raise ValueError("; ".join(notes) or "no gradient reaches a recurrent module")
        return Report(found, loss_value, notes, truncation)


def measure_step(
    step: Callable,
    inputs: torch.Tensor,
    state,
    error,
    parameters: Mapping[str, torch.Tensor] | None = None,
    *,
    tolerance: float = TOLERANCE,
    max_distance: int | None = None,
    truncation: int | None = None,
    name: str = "step",
) -> Report:
    """Take the gradient of a step function apart by distance.

    Parameters
    ----------
    step : maps (x, state) to the next state, each sequence by itself: x is (R, ...) of R sequences,
        a state (R, ...), or a tuple of such.
    inputs : (T, B, ...), what it reads.
    state : (B, ...), the initial state, or a tuple.
    error : (T, B, ...), dE/d(state) after every step through everything but recurrence, or a
        tuple.
    parameters : of which the gradient is taken apart, by name; those of `step` if it is a module.
    tolerance, max_distance, truncation : as in `measure`.
    name : of the step, in the tables.

    Raises
    ------
    ValueError : shapes do not fit, or there is nothing to take apart.
    gradient_horizon.gradients.stacks.taking_apart.InexactError : the contributions do not add up
        to autograd's gradient.

    Examples
    --------
    Hand-made: h' = w h with w = 0.2 and h = 0.9, the error after the last of three steps.

    >>> import gradient_horizon as gh, torch
    >>> w = torch.tensor(0.2, dtype=torch.float64, requires_grad=True)
    >>> error = torch.tensor([0.0, 0.0, 1.0])[:, None, None]
    >>> answer = gh.live.measure_step(
    ...     lambda x, h: w * h, torch.zeros(3, 1, 1), torch.tensor([[0.9]]), error, {"w": w}
    ... )
    >>> answer.distances.query("parameter == 'w'").contribution.round(3).tolist()
    [0.036, 0.036, 0.036]
    """
    wrapped = StepModule(step, parameters)
    state = state if isinstance(state, tuple | list) else (state,)
    error = error if isinstance(error, tuple | list) else (error,)
    _check_step(inputs, state, error)

    def closure() -> torch.Tensor:
        total, now = 0.0, tuple(state)
        for k in range(len(inputs)):
            result = wrapped(inputs[k], now[0] if len(now) == 1 else now)
            now = (result,) if isinstance(result, torch.Tensor) else tuple(result)
            for part, rows in zip(now, error, strict=True):
                total = total + (part * rows[k]).sum()
        return total

    return measure(
        nn.ModuleDict({name: wrapped}),
        closure,
        tolerance=tolerance,
        max_distance=max_distance,
        truncation=truncation,
        cells=[wrapped],
    )


def _check_step(inputs, state: tuple, error: tuple) -> None:
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


def _check(model, tolerance, max_distance, truncation) -> None:
    """Refuse arguments that make no sense."""
    if isinstance(model, torch.jit.ScriptModule):
        raise TypeError("a scripted model cannot be taken apart; measure the one it was made from")
    if not isinstance(model, nn.Module):
        raise TypeError(f"model: {type(model).__name__} is none; allowed: a torch.nn.Module")
    if not 0.0 <= tolerance < 1.0:
        raise ValueError(f"tolerance: {tolerance} is not possible; allowed: from 0 to below 1")
    for name, value in (("max_distance", max_distance), ("truncation", truncation)):
        least = 0 if name == "max_distance" else 1
        if value is not None and (not isinstance(value, int) or value < least):
            raise ValueError(
                f"{name}: {value!r} is not possible; allowed: a whole number from {least} on"
            )


def _checked_distances(distances) -> str | list[int]:
    """Return the distances in their order, or the word that was given for them."""
    if isinstance(distances, str):
        if distances in DISTANCES:
            return distances
    elif all(isinstance(d, int | np.integer) and d > 0 for d in distances):
        return sorted({int(d) for d in distances})
    allowed = f"{' or '.join(DISTANCES)}, or whole numbers from 1 on"
    raise ValueError(f"distances: {distances!r} is not possible; allowed: {allowed}")


def _closure(model: nn.Module, inputs, targets, loss) -> Callable:
    """Return what runs the model once and gives its loss."""
    if targets is None or loss is None:
        missing = "targets" if targets is None else "loss=..."
        raise TypeError(f"measure needs inputs, targets and loss=...; {missing} is missing")

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


def _own_cells(model: nn.Module, cells) -> list[nn.Module]:
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


def _by_module(model: nn.Module, calls: list[Call]) -> dict[str, list[Call]]:
    """Return the calls of each module, by its name."""
    names = {module: name for name, module in model.named_modules()}
    found: dict[str, list[Call]] = {}
    for call in calls:
        name = names[call.module] or type(call.module).__name__.lower()
        found.setdefault(name, []).append(call)
    return found


def _nothing_ran(model: nn.Module) -> str:
    """Say why nothing was found."""
    there = [name for name, part in model.named_modules() if isinstance(part, LAYERS + CELLS)]
    if there:
        return f"no recurrent module ran, though there are some: {', '.join(there)}"
    return (
        "no recurrent module ran; nn.RNN, GRU, LSTM and their cells are found by themselves, and "
        "of your own those that are named, as in cells=['decoder.cell']"
    )


def _totals(recording, parameters: list[nn.Parameter]) -> Totals:
    """Return the gradient at everything, or say why there is none."""
    if not recording.loss.requires_grad:
        raise ValueError("the loss has no gradient: the model ran without one (torch.no_grad?)")
    try:
        return Totals(recording, parameters)
    except RuntimeError as error:
        if "second time" not in str(error):
            raise
        message = "the closure calls backward() itself; it has to return the loss before that"
        raise ValueError(message) from error


@contextmanager
def _bar(name: str, shown: bool) -> Iterator[Callable[[int, int], bool]]:
    """Show a bar over distances after five seconds; what is given never ends the walk."""
    with tqdm(desc=name, unit=" distances", delay=5.0, disable=not shown, leave=False) as bar:

        def step(done: int, most: int) -> bool:
            bar.total = most
            bar.update(done - bar.n)
            return False

        yield step


@contextmanager
def _interrupts() -> Iterator[Callable[[], bool]]:
    """Remember a first Ctrl-C instead of raising it; a second one is raised."""
    seen = []
    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    before = signal.getsignal(signal.SIGINT)

    def remember(number, frame) -> None:
        seen.append(number)
        signal.signal(signal.SIGINT, before)

    if callable(before):
        signal.signal(signal.SIGINT, remember)
    try:
        yield lambda: bool(seen)
    finally:
        if callable(before):
            signal.signal(signal.SIGINT, before)
