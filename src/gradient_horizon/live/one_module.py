"""One module's gradient, taken apart by distance."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from ..gradients.stacks import doubling
from ..gradients.stacks.stack import Place, Stack
from ..gradients.stacks.taking_apart import Apart, take_apart
from .links import StateLinks, shut
from .reading import Reading, reading_of
from .recording import Call, Recording, again

# Distances are chosen after so many that are walked, if they are named, and if not.
NEAR, ENOUGH = 16, 128
MOST_MEMORY = 4 << 30  # bytes
SMALL = 1_000_000  # numbers that a module gives

# By how much the stack's outputs may differ from the module's, relative to them.
LARGEST_DIFFERENCE = 1e-9


@dataclass
class Taken:
    """One module, taken apart.

    Attributes
    ----------
    name : of the module, in the model.
    reading : what it read.
    apart : its contributions.
    places : by weight, the layer and direction that it belongs to.
    gradients : of the weights and of the initial states, as autograd has them.
    steps : of the longest sequence, through all calls that follow one another.
    farthest : how many distances there may be.
    sequences : how many there were.
    returns : whether what it gave comes back to it as an input.
    shared : the weights that have a gradient from elsewhere too.
    """

    name: str
    reading: Reading
    apart: Apart
    places: dict[str, Place]
    gradients: dict[str, torch.Tensor]
    steps: int
    farthest: int
    sequences: int
    returns: bool
    shared: list[str]


class Totals:
    """The gradient of the loss at everything that was recorded, through the whole graph."""

    def __init__(self, recording: Recording, parameters: list[nn.Parameter]):
        calls = recording.calls
        wanted = {}
        for call in calls:
            wanted |= {("output", call, name): value for name, value in call.handed.items()}
            wanted |= {("state", call, k): part for k, part in enumerate(call.state)}
            wanted["input", call] = call.data
        wanted |= {("parameter", parameter): parameter for parameter in parameters}
        wanted = {key: value for key, value in wanted.items() if value.requires_grad}
        got = torch.autograd.grad(
            recording.loss, list(wanted.values()), retain_graph=True, allow_unused=True
        )
        self._found = dict(zip(wanted, got, strict=True))
        self.loss = recording.loss

    def at(self, *key) -> torch.Tensor | None:
        """Return the gradient at a node; None where none arrives."""
        return self._found.get(key)

    def at_outputs(self, call: Call) -> dict[str, torch.Tensor]:
        """Return it at what a call gave; zeros where none arrives."""
        found = {name: self.at("output", call, name) for name in call.handed}
        return {
            name: torch.zeros_like(call.handed[name]) if value is None else value
            for name, value in found.items()
        }

    def reaches(self, call: Call) -> bool:
        """Tell whether any arrives at what a call gave."""
        return any(self.at("output", call, name) is not None for name in call.handed)


def take_module(
    name: str,
    module: nn.Module,
    calls: list[Call],
    totals: Totals,
    names: dict[nn.Parameter, str],
    *,
    tolerance: float,
    max_distance: int | None,
    distances: str | list[int],
    progress: Callable[[int, int], bool],
) -> Taken:
    """Take the gradient of one module apart.

    Parameters
    ----------
    name : of the module.
    module : a recurrent module.
    calls : of it, in their order.
    totals : the gradient of the loss.
    names : of the model's parameters.
    tolerance, max_distance : as in `take_apart`.
    distances : `all`, `auto` or which, as in `measure`.
    progress : is told how many distances are done, of how many at most; says whether to stop.

    Raises
    ------
    InexactError : the contributions do not add up to autograd's gradient.
    ValueError : the module does something else than its kind is known to do.
    """
    with torch.no_grad():
        reading = reading_of(module, calls)
        difference = reading.difference()
    if not difference <= LARGEST_DIFFERENCE:
        raise ValueError(
            f"{name}: run again on all steps at once it gives something else (by a relative "
            f"{difference:.1g}): it has to treat every sequence by itself, its weights have to be "
            "the same in all calls, and nothing in it may be drawn at random"
        )
    state_gradients = {
        call: [totals.at("state", call, k) for k in range(len(call.state))] for call in calls
    }
    links = StateLinks(reading, names, state_gradients)
    errors, returns = _errors(calls, totals)
    weights = reading.form.weights()
    gradients = _alone(calls, totals, weights)
    # All that a stack computes with is in float64 already: nothing has to look.
    plain = torch._C.DisableTorchFunction() if isinstance(reading.part, Stack) else nullcontext()
    with torch.no_grad(), plain, _few_threads(reading):
        apart = take_apart(
            [reading.part],
            [reading.signals(errors)],
            gradients | links.gradients,
            links=links,
            tolerance=tolerance,
            max_distance=max_distance,
            to_numpy=_numpy,
            stop=lambda done: progress(done, links.farthest()),
            far=_beyond(name, reading, links, distances),
        )
    shared = _shared(module, weights, gradients, totals)
    shared += [
        key
        for parameter, key in links.learnt.items()
        if _differ(links.gradients[key], totals.at("parameter", parameter))
    ]
    return Taken(
        name,
        reading,
        apart,
        reading.form.places_of_weights(),
        gradients | links.gradients,
        links.longest(),
        links.farthest(),
        links.sequences(),
        returns,
        shared,
    )


@contextmanager
def _few_threads(reading: Reading) -> Iterator[None]:
    """Take one thread where arrays are small: several would wait for each other."""
    before = torch.get_num_threads()
    rows = sum(call.outputs[name].numel() for call in reading.calls for name in call.outputs)
    try:
        if rows < SMALL:
            torch.set_num_threads(1)
        yield
    finally:
        torch.set_num_threads(before)


def _beyond(name: str, reading: Reading, links: StateLinks, distances) -> Callable:
    """Return what says, of how many distances are walked, which farther ones are to be chosen."""
    part, steps = reading.part, reading.steps
    why_not = None
    if not (isinstance(part, Stack) and doubling.can_double(part)):
        why_not = "it has a direction in reverse, or a cell that is your own"
    elif any(links.before.values()):
        why_not = "its states are changed on their way from one call to the next"
    elif doubling.memory(part) > MOST_MEMORY:
        needed = doubling.memory(part) / 2**30
        why_not = f"the Jacobians of all steps take {needed:.0f} GiB, more than {MOST_MEMORY >> 30}"
    if isinstance(distances, list):
        if why_not is not None:
            raise ValueError(f"distances: none can be chosen for `{name}`: {why_not}")
        last = [d for d in distances if d < steps]
        return lambda done: [done, *(d for d in last if d > done)] if done >= NEAR else []

    def worth_it(done: int) -> list[int]:
        if why_not is not None or distances == "all" or done < ENOUGH or done & (done - 1):
            return []
        walk, double = doubling.operations(part, done)
        return doubling.chosen_distances(done, steps) if double < 0.5 * walk else []

    return worth_it


def _errors(calls: list[Call], totals: Totals) -> tuple[dict[Call, dict], bool]:
    """Return the gradient at what each call gave, through everything but its own states.

    What comes back to the module as an input enters anew; and whether anything does.
    """
    if len(calls) == 1:
        return {calls[0]: totals.at_outputs(calls[0])}, False
    handed = [(call, name) for call in calls for name in call.handed]
    values = [call.handed[name] for call, name in handed]
    inputs = [
        (call.data, totals.at("input", call))
        for call in calls
        if call.data.grad_fn is not None and totals.at("input", call) is not None
    ]
    with shut(calls):
        sums = list(_grad([totals.loss], values, [torch.ones_like(totals.loss)]))
        back = _grad(*_columns(inputs, values)) if inputs else [None] * len(values)
    for k, further in enumerate(back):
        if further is not None:
            sums[k] = further if sums[k] is None else sums[k] + further
    errors: dict[Call, dict] = {call: {} for call in calls}
    for (call, name), value, found in zip(handed, values, sums, strict=True):
        errors[call][name] = torch.zeros_like(value) if found is None else found
    return errors, any(further is not None for further in back)


def _columns(inputs: list, values: list) -> tuple[list, list, list]:
    nodes, signals = zip(*inputs, strict=True)
    return list(nodes), values, list(signals)


def _grad(outputs: list, values: list, signals: list) -> tuple:
    return torch.autograd.grad(outputs, values, signals, retain_graph=True, allow_unused=True)


def _alone(calls: list[Call], totals: Totals, weights: dict) -> dict[str, torch.Tensor]:
    """Return autograd's gradient of the weights, through this module's own calls."""
    found = {name: torch.zeros_like(weight) for name, weight in weights.items()}
    for call in calls:
        if not totals.reaches(call):
            continue
        outputs = again(call)
        signals = totals.at_outputs(call)
        got = torch.autograd.grad(
            list(outputs.values()),
            list(weights.values()),
            [signals[name] for name in outputs],
            allow_unused=True,
            retain_graph=True,  # of what the weights are made of, where they are parametrised
        )
        for name, gradient in zip(weights, got, strict=True):
            if gradient is not None:
                found[name] = found[name] + gradient
    return found


def _shared(module: nn.Module, weights: dict, gradients: dict, totals: Totals) -> list[str]:
    """Return which parameters of a module have a gradient from elsewhere too."""
    parameters = dict(module.named_parameters())
    made = [name for name, weight in weights.items() if weight.requires_grad]
    if not parameters:  # a step function, of which nothing is used elsewhere
        return []
    got = torch.autograd.grad(
        [weights[name] for name in made],
        list(parameters.values()),
        [gradients[name] for name in made],
        retain_graph=True,
        allow_unused=True,
    )
    return [
        name
        for (name, parameter), own in zip(parameters.items(), got, strict=True)
        if own is not None and _differ(own, totals.at("parameter", parameter))
    ]


def _differ(own: torch.Tensor, whole: torch.Tensor | None) -> bool:
    if whole is None:
        return bool(own.any())
    return float((own - whole).norm()) > LARGEST_DIFFERENCE * float(whole.norm() + own.norm())


def _numpy(value: torch.Tensor) -> np.ndarray:
    return value.detach().cpu().numpy()
