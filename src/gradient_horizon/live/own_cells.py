"""Cells of the user's own: one distance is one vector-Jacobian product of the step.

The step is called once for all steps and sequences, as one batch of T B sequences of one step, so
that it has to treat each sequence by itself.
"""

from collections.abc import Callable, Mapping

import torch
from torch import nn

from ..gradients.stacks.stack import Place, Signal, StepBack
from .recording import Call

PLACE = (0, 0)


class OwnSteps:
    """What a cell of the user's own read, and signals' way back through it.

    Parameters
    ----------
    step : maps (x, state) to the next state, each (R, ...) of R rows; a state of several parts is
        a tuple.
    inputs : (T, B, ...), what it read.
    states : the parts of the states before all steps, each (T, B, ...).
    parameters : whose contributions are asked for, by name.
    exists : (T, B) bool, which steps there are; None for all.
    """

    def __init__(
        self,
        step: Callable,
        inputs: torch.Tensor,
        states: list[torch.Tensor],
        parameters: dict[str, torch.Tensor],
        exists: torch.Tensor | None = None,
    ):
        self.step, self.inputs, self.states = step, inputs, states
        self.parameters, self.exists = parameters, exists
        self.steps, self.batch = inputs.shape[:2]
        self.shapes = [part.shape[2:] for part in states]
        self.sizes = [shape.numel() for shape in self.shapes]
        self.places: list[Place] = [PLACE]

    def mixes(self, place: Place) -> bool:
        """There is one direction."""
        return False

    def cell(self, place: Place) -> None:
        """There are no gates that are known."""

    def after(self) -> torch.Tensor:
        """Return the states after all steps, (T, B, S)."""
        return self._called(slice(0, self.steps), torch.no_grad)[1]

    def _called(self, run: slice, mode=torch.enable_grad) -> tuple[list, torch.Tensor]:
        """Return the leaves that stand for the states before some steps, and the states after."""
        inputs = self.inputs[run].detach().flatten(0, 1)
        leaves = [part[run].detach().flatten(0, 1).requires_grad_() for part in self.states]
        with mode():
            result = self.step(inputs, leaves[0] if len(leaves) == 1 else tuple(leaves))
            parts = [result] if isinstance(result, torch.Tensor) else list(result)
            rows = torch.cat([part.flatten(1) for part in parts], -1)
            return leaves, rows.unflatten(0, (-1, self.batch))

    def _back(self, signal: Signal, parameters: bool) -> tuple[torch.Tensor, dict]:
        leaves, rows = self._called(signal.run)
        wanted = dict(self.parameters) if parameters else {}
        got = torch.autograd.grad(
            rows, [*leaves, *wanted.values()], signal.rows.reshape(rows.shape), allow_unused=True
        )
        got = [
            torch.zeros_like(leaf) if value is None else value
            for leaf, value in zip([*leaves, *wanted.values()], got, strict=True)
        ]
        before = torch.cat([part.flatten(1) for part in got[: len(leaves)]], -1)
        return (
            before.unflatten(0, (-1, self.batch)),
            dict(zip(wanted, got[len(leaves) :], strict=True)),
        )

    def back(self, signals: dict[Place, Signal]) -> StepBack:
        """Carry the signals of one distance back by one step."""
        if PLACE not in signals:
            return StepBack({}, {}, {}, {})
        signal = signals[PLACE]
        before, contributions = self._back(signal, True)
        norms = {PLACE: Signal(signal.first, (signal.rows**2).sum(-1))}
        shifted, start = self._shifted(signal.first, before)
        farther = {PLACE: shifted} if len(shifted.rows) else {}
        return StepBack(contributions, norms, farther, {PLACE: start})

    def sweep(self, signals: dict[Place, Signal]) -> tuple[dict, dict]:
        """Carry signals all the way back, step by step."""
        signal, total = signals[PLACE], {}
        start, carried = torch.zeros_like(signal.rows[0]), None
        for k in reversed(range(signal.run.stop)):
            rows = torch.zeros_like(signal.rows[:1])
            if k >= signal.first:
                rows = signal.rows[k - signal.first][None]
            if carried is not None:
                rows = rows + carried
            before, contributions = self._back(Signal(k, rows), True)
            for name, value in contributions.items():
                total[name] = total[name] + value if name in total else value
            shifted, arrived = self._shifted(k, before)
            start = start + arrived
            carried = shifted.rows if len(shifted.rows) else None
        return total, {PLACE: start}

    def _shifted(self, first: int, before: torch.Tensor) -> tuple[Signal, torch.Tensor]:
        if first:
            return Signal(first - 1, before), torch.zeros_like(before[0])
        return Signal(0, before[1:]), before[0]


class StepModule(nn.Module):
    """A step function as a module.

    Parameters
    ----------
    step : maps (x, state) to the next state.
    parameters : by name; those of `step` if it is a module and none are given.
    """

    def __init__(self, step: Callable, parameters: Mapping[str, torch.Tensor] | None = None):
        super().__init__()
        self.step = step
        if parameters is None and isinstance(step, nn.Module):
            parameters = dict(step.named_parameters())
        self.own_parameters = dict(parameters or {})
        if not self.own_parameters:
            raise ValueError("parameters: there are none whose gradient could be taken apart")

    def forward(self, x, state):
        """Return the next state."""
        return self.step(x, state)


class OwnForm:
    """The form of a cell of the user's own: each call reads one step."""

    def __init__(self, module: nn.Module, call: Call):
        self.module, self.directions, self.levels = module, 1, 1
        self.shapes = [part.shape[1:] for part in call.outputs.values()]
        self.sizes = [shape.numel() for shape in self.shapes]

    def name(self, role: str, place: Place) -> str:
        """Return the name of a weight."""
        return role

    def weights(self) -> dict[str, torch.Tensor]:
        """Return the module's parameters."""
        if isinstance(self.module, StepModule):
            return self.module.own_parameters
        return dict(self.module.named_parameters())

    def places_of_weights(self) -> dict[str, Place]:
        """There is one place."""
        return dict.fromkeys(self.weights(), PLACE)

    def lengths(self, call: Call) -> None:
        """A call is one step."""

    def steps(self, call: Call, data: torch.Tensor) -> torch.Tensor:
        """Return something that a call has, with one step first."""
        return data[None]

    def states(self, parts: dict[str, torch.Tensor]) -> dict[Place, dict[str, torch.Tensor]]:
        """Return the parts of a state."""
        return {PLACE: parts}

    def as_state(self, call: Call, rows: dict[Place, torch.Tensor]) -> tuple[torch.Tensor, ...]:
        """Return (B, S) in the shapes of the state that a call was given."""
        parts = rows[PLACE].split(self.sizes, -1)
        return tuple(
            part.reshape(given.shape) for part, given in zip(parts, call.state, strict=True)
        )

    def signals(self, call: Call, gradients: dict[str, torch.Tensor]) -> dict[Place, torch.Tensor]:
        """Return gradients at the parts of a state beside each other, (1, B, S)."""
        return {PLACE: torch.cat([part.flatten(1) for part in gradients.values()], -1)[None]}
