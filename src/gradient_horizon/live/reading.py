"""All that one module read in all its calls, as one stack of layers on one batch.

A call that begins with the very state that the call before it ended with is continued in time:
the steps of a cell in a loop, or of a net that carries its state, are one sequence.  What is not
continued stands beside it as further sequences of the batch, shorter ones padded.
"""

from dataclasses import dataclass

import torch
from torch import nn

from ..gradients.stacks.stack import Place, Signal, Stack
from .forms import form_of
from .own_cells import OwnForm, OwnSteps
from .recording import CELLS, LAYERS, Call


@dataclass
class Run:
    """Calls that continue one another, and which sequences of the batch they are.

    Attributes
    ----------
    calls : in their order; only the first has a state that is not the one before it ended with.
    steps, batch : T and B of it.
    first : its first sequence in the batch.
    """

    calls: list[Call]
    steps: int
    batch: int
    first: int

    @property
    def sequences(self) -> slice:
        """Those of the batch that are its own."""
        return slice(self.first, self.first + self.batch)


class Reading:
    """What one module read.

    Parameters
    ----------
    form : of the module.
    calls : all of them, in their order.

    Attributes
    ----------
    runs : the calls that continue one another.
    part : the steps, recorded on everything that was read.
    """

    def __init__(self, form, calls: list[Call]):
        self.form, self.calls = form, calls
        read = {call: form.steps(call, call.data.detach()) for call in calls}
        self.runs: list[Run] = []
        for call in calls:
            steps, batch = read[call].shape[:2]
            run = self._continued(call)
            if run is None:
                first = self.runs[-1].sequences.stop if self.runs else 0
                self.runs.append(Run([call], steps, batch, first))
            else:
                run.calls.append(call)
                run.steps += steps
        self.steps = max(run.steps for run in self.runs)
        self.batch = self.runs[-1].sequences.stop
        inputs = self._together({call: {"x": rows} for call, rows in read.items()})["x"]
        self.lengths = self._lengths(inputs.device)
        self.part = self._recorded(inputs)

    def _recorded(self, inputs: torch.Tensor) -> Stack:
        form = self.form
        return Stack(form.layers(), inputs, self._given(), self.lengths, self._masks(), form.name)

    def _continued(self, call: Call) -> Run | None:
        """Return the run that a call continues."""
        if not call.source or self.form.directions > 1 or self.form.lengths(call) is not None:
            return None
        for run in self.runs:
            before = run.calls[-1]
            finals = [value for name, value in before.given.items() if name != "output"]
            same = len(finals) == len(call.origin) and all(
                own is other and version == 0
                for own, other, version in zip(call.origin, finals, call.versions, strict=True)
            )
            if same and self.form.lengths(before) is None:
                return run
        return None

    def _together(self, rows: dict[Call, dict]) -> dict:
        """Put what calls have for their steps, (T, B, ...) by name, into arrays for all."""
        found = {}
        for run in self.runs:
            step = 0
            for call in run.calls:
                for name, values in rows.get(call, {}).items():
                    if name not in found:
                        found[name] = values.new_zeros(self.steps, self.batch, *values.shape[2:])
                    found[name][step : step + len(values), run.sequences] = values
                step += self._steps_of(call)
        return found

    def _steps_of(self, call: Call) -> int:
        return len(self.form.steps(call, call.data))

    def _lengths(self, device: torch.device) -> torch.Tensor | None:
        """Return the lengths of all sequences; None if none is shorter than another."""
        lengths = []
        for run in self.runs:
            own = self.form.lengths(run.calls[0])
            whole = torch.full((run.batch,), run.steps, device=device)
            lengths.append(whole if own is None else own)
        together = torch.cat(lengths)
        return None if (together == self.steps).all() else together

    def _given(self) -> dict[Place, dict]:
        """Return the initial states; where only some were given, the others are zeros."""
        given: dict[Place, dict] = {}
        for run in self.runs:
            state = [part.detach() for part in run.calls[0].state]
            parts = dict(zip(("h0", "c0"), state, strict=False))
            for place, own in self.form.states(parts).items() if state else ():
                for name, values in own.items():
                    whole = given.setdefault(place, {})
                    if name not in whole:
                        whole[name] = values.new_zeros(self.batch, values.shape[-1])
                    whole[name][run.sequences] = values
        return given

    def _masks(self) -> list | None:
        """Return the masks of dropout between layers of all calls."""
        masked = [call for call in self.calls if call.masks is not None]
        if not masked:
            return None
        levels = [
            {call: {"mask": self.form.steps(call, call.masks[level])} for call in masked}
            for level in range(self.form.levels - 1)
        ]
        return [*(self._together(level)["mask"] for level in levels), None]

    def signals(self, gradients: dict[Call, dict[str, torch.Tensor]]) -> dict[Place, Signal]:
        """Return gradients at what calls gave, by name, as signals on the states."""
        rows = {call: self.form.signals(call, own) for call, own in gradients.items()}
        return {place: Signal(0, rows) for place, rows in self._together(rows).items()}

    def as_states(self, start: dict[Place, torch.Tensor], run: Run) -> tuple[torch.Tensor, ...]:
        """Return signals on the initial states, (B, S) by place, as one run was given them."""
        rows = {place: rows[run.sequences] for place, rows in start.items()}
        return self.form.as_state(run.calls[0], rows)

    def keep_gates(self) -> dict[Place, torch.Tensor]:
        """Return the mean over steps and sequences of the gate that keeps the state, (N,)."""
        found = {}
        for place in self.form.places:
            gate = self.part.cell(place).keep_gate
            if gate is None:
                continue
            if self.lengths is None:
                found[place] = gate.mean((0, 1))
            else:
                steps = torch.arange(self.steps, device=gate.device)
                exists = (steps[:, None] < self.lengths)[..., None]
                found[place] = (gate * exists).sum((0, 1)) / exists.sum()
        return found

    def difference(self) -> float:
        """Return by how much the outputs of `part` differ from the module's, relative to them."""
        output = "output" if "output" in self.calls[0].outputs else "h_n"
        given = {
            call: {"y": self.form.steps(call, call.outputs[output].detach())} for call in self.calls
        }
        return _difference(self.part.output, self._together(given)["y"])


class OwnReading(Reading):
    """What a cell of the user's own read."""

    def _recorded(self, inputs: torch.Tensor) -> OwnSteps:
        parts = {call: self._parts(call) for call in self.calls}
        states = self._together(parts)
        module = self.form.module
        return OwnSteps(module.forward, inputs, list(states.values()), self.form.weights())

    def keep_gates(self) -> dict:
        """No gate is known."""
        return {}

    def _parts(self, call: Call) -> dict[str, torch.Tensor]:
        """Return the parts of the state before a call; zeros if none was given."""
        state = call.state or [torch.zeros_like(part) for part in call.outputs.values()]
        return {str(k): part.detach()[None] for k, part in enumerate(state)}

    def difference(self) -> float:
        """Return by how much the steps taken together differ from those taken alone."""
        given = {
            call: {"y": torch.cat([part.flatten(1) for part in call.outputs.values()], -1)[None]}
            for call in self.calls
        }
        together = self._together(given)["y"].detach()
        ours = self.part.after()
        if self.lengths is not None:
            exists = torch.arange(self.steps, device=ours.device)[:, None] < self.lengths
            ours = ours * exists[..., None]
        return _difference(ours, together)


def reading_of(module: nn.Module, calls: list[Call]) -> Reading:
    """Return what a module read."""
    if isinstance(module, LAYERS + CELLS):
        return Reading(form_of(module), calls)
    return OwnReading(OwnForm(module, calls[0]), calls)


def _difference(ours: torch.Tensor, theirs: torch.Tensor) -> float:
    size = max(float(theirs.abs().max()), 1.0)
    return float((ours - theirs).abs().max()) / size
