"""Where the initial states of a module come from, and what becomes of a signal on them.

An initial state may be given, may be learnt, or may be made of what the module gave before: masked
where an episode ends, cut in pieces, mapped.  In the last case the signal goes on into the earlier
call, and that is one recurrent step as any other.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from ..gradients.stacks.taking_apart import Links
from .recording import Call

# A learnt initial state is found at the end of so short a way at most.
LONGEST_WAY = 200


@contextmanager
def shut(calls: list[Call]) -> Iterator[None]:
    """Let no gradient go back into calls."""
    for call in calls:
        call.gate.shut = True
    try:
        yield
    finally:
        for call in calls:
            call.gate.shut = False


class StateLinks(Links):
    """The links of one module's initial states.

    Parameters
    ----------
    reading : what the module read.
    names : of the model's parameters.
    state_gradients : by call, the gradient of the loss at every part of the state that it was
        given; None where none arrives.

    Attributes
    ----------
    gradients : by name, of the initial states: `h0`, `c0` of those that were given, all sequences
        beside each other; of those that are learnt, by the name of the parameter.
    """

    def __init__(self, reading, names: dict[nn.Parameter, str], state_gradients: dict):
        self.reading, self.calls = reading, reading.calls
        self.handed = [(call, name) for call in self.calls for name in call.handed]
        starting = [run for run in reading.runs if run.calls[0].state]
        self.given, self.made, self.learnt = [], [], {}
        self.before: dict[int, set[Call]] = {}
        with shut(self.calls):
            for run in starting:
                self._sort(run, names)
            self.gradients = self._gradients(state_gradients)

    def _sort(self, run, names: dict) -> None:
        """Find out what a state is made of."""
        sources = [part for part in run.calls[0].source if part.requires_grad]
        earlier = self._vjp(sources, [torch.zeros_like(part) for part in sources], [])[0]
        learnt = {
            parameter: names[parameter] for parameter in _leaves(sources) if parameter in names
        }
        size = sum(part.numel() for part in run.calls[0].state)
        if sum(parameter.numel() for parameter in learnt) > size:
            learnt = {}  # the weights of what makes the state, not a state
        self.learnt |= learnt
        self.before[run.first] = set(earlier)
        if earlier or learnt:
            self.made.append(run)
        else:
            self.given.append(run)

    def _gradients(self, state_gradients: dict) -> dict[str, torch.Tensor]:
        found = {}
        if self.given:
            rows = [self._whole(run, state_gradients[run.calls[0]]) for run in self.given]
            for name, parts in zip(("h0", "c0"), zip(*rows, strict=True), strict=False):
                found[name] = torch.cat([part.reshape(-1) for part in parts])
        if self.learnt:
            sources, signals = [], []
            for run in self.made:
                sources += run.calls[0].source
                signals += self._whole(run, state_gradients[run.calls[0]])
            for name, value in self._vjp(sources, signals, list(self.learnt))[1].items():
                found[name] = value
        return found

    def _whole(self, run, gradients) -> list[torch.Tensor]:
        return [
            torch.zeros_like(part) if gradient is None else gradient
            for part, gradient in zip(run.calls[0].state, gradients, strict=True)
        ]

    def _vjp(self, sources: list, signals: list, learnt: list) -> tuple[dict, dict]:
        """Carry signals on the sources of states to what calls gave, and to what is learnt."""
        pairs = [pair for pair in zip(sources, signals, strict=True) if pair[0].requires_grad]
        if not pairs:
            return {}, {}
        sources, signals = zip(*pairs, strict=True)
        handed = [call.handed[name] for call, name in self.handed]
        got = torch.autograd.grad(
            sources, [*handed, *learnt], signals, retain_graph=True, allow_unused=True
        )
        earlier: dict[Call, dict] = {}
        for (call, name), signal in zip(self.handed, got, strict=False):
            if signal is not None:
                earlier.setdefault(call, {})[name] = signal
        return earlier, {
            self.learnt[parameter]: torch.zeros_like(parameter) if value is None else value
            for parameter, value in zip(learnt, got[len(handed) :], strict=True)
        }

    def back(self, start):
        """Carry the signals on the initial states on."""
        (start,) = start
        contributions, signals = {}, {}
        if not start:
            return [signals], contributions
        if self.given:
            rows = [self.reading.as_states(start, run) for run in self.given]
            for name, parts in zip(("h0", "c0"), zip(*rows, strict=True), strict=False):
                contributions[name] = torch.cat([part.reshape(-1) for part in parts])
        if self.made:
            sources, rows = [], []
            for run in self.made:
                sources += run.calls[0].source
                rows += self.reading.as_states(start, run)
            with shut(self.calls), torch.enable_grad():
                earlier, learnt = self._vjp(sources, rows, list(self.learnt))
            contributions |= learnt
            if earlier:
                signals = self.reading.signals(
                    {call: self._complete(call, found) for call, found in earlier.items()}
                )
        return [signals], contributions

    def _complete(self, call: Call, found: dict) -> dict[str, torch.Tensor]:
        return {
            name: found[name] if name in found else torch.zeros_like(value)
            for name, value in call.handed.items()
        }

    def sequences(self) -> int:
        """Return how many sequences there are: what continues another is none of its own."""
        return sum(run.batch for run in self.reading.runs if not self.before.get(run.first))

    def farthest(self) -> int:
        """Return how many distances there may be: a signal may turn round in every layer."""
        steps, form = self.longest(), self.reading.form
        return steps if form.directions == 1 else form.levels * (steps - 1) + 1

    def longest(self) -> int:
        """Return the steps of the longest sequence that runs make which follow one another."""
        depth: dict[int, int] = {}
        for run in self.reading.runs:
            earlier = self.before.get(run.first, set())
            depth[run.first] = run.steps + max(
                (
                    depth.get(other.first, 0)
                    for other in self.reading.runs
                    if earlier.intersection(other.calls)
                ),
                default=0,
            )
        return max(depth.values())


def _leaves(tensors: list[torch.Tensor]) -> list[nn.Parameter]:
    """Return the parameters at the ends of the graph behind tensors, if it is small.

    The way ends at what a recurrent module gave.
    """
    found, seen = [], set()
    nodes = [tensor.grad_fn for tensor in tensors if tensor.grad_fn is not None]
    found += [tensor for tensor in tensors if isinstance(tensor, nn.Parameter)]
    while nodes:
        node = nodes.pop()
        if node is None or node in seen or type(node).__name__ == "_HandedBackward":
            continue
        seen.add(node)
        if len(seen) > LONGEST_WAY:
            return []
        if hasattr(node, "variable"):
            found.append(node.variable)
        nodes += [following for following, _ in node.next_functions]
    return found
