"""Measuring a live PyTorch model: every recurrent module that runs, taken apart by distance."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence

import torch
from threadpoolctl import threadpool_limits
from torch import nn

from . import arguments, watching
from .float64 import in_float64
from .notes import about_batch, about_model
from .one_module import Taken, Totals, take_module
from .own_cells import StepModule
from .recording import CELLS, LAYERS, Call, record
from .report import Report

TOLERANCE = 1e-6
COMPILED = "_orig_mod."  # what torch.compile puts before names


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
        then says what that keeps where every error goes back so far, and in chunks of so many
        steps, in which errors near the start go back less far.
    cells : modules of one's own that map (x, state) to the next state, or their names.
    progress : whether a bar is shown in a terminal or notebook where it takes more than five
        seconds.

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
    arguments.check(model, tolerance, max_distance, truncation)
    distances = arguments.checked_distances(distances)
    closure = inputs
    if targets is not None or loss is not None:
        closure = arguments.loss_of(model, inputs, targets, loss)
    elif isinstance(inputs, nn.Module) or not callable(inputs):
        raise TypeError(
            "measure takes a model with inputs, targets and loss=..., or a model and a closure "
            "that returns the loss"
        )
    own = arguments.own_cells(model, cells)
    # NumPy's products are small here; PyTorch has the threads that the user gave it.
    with in_float64(model), threadpool_limits(1, "blas"), watching.interrupts() as interrupted:
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
        notes = about_model(model) + about_batch(targets, by_module)
        for name, calls in by_module.items():
            if not any(map(totals.reaches, calls)):
                notes.append(f"no gradient reaches `{name}`")
                continue
            if interrupted():
                notes.append(f"interrupted before `{name}` was measured")
                continue
            with watching.distance_bar(name, progress) as step:
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
    arguments.check_step(inputs, state, error)

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


def _by_module(model: nn.Module, calls: list[Call]) -> dict[str, list[Call]]:
    """Return the calls of each module, by its name."""
    names = {module: name for name, module in model.named_modules()}
    found: dict[str, list[Call]] = {}
    for call in calls:
        name = f"{names[call.module]}.".replace(COMPILED, "").rstrip(".")
        name = name or type(call.module).__name__.lower()
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
