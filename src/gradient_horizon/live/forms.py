"""How PyTorch's modules lay out what they read and give, and the same with time first.

A form knows one kind of module.  It turns a call's inputs, states and gradients into arrays of
(T, B, features), by layer and direction, and back; so nothing else needs to know about
`batch_first`, packed sequences, or cells that are called step by step.
"""

import torch
from torch import nn
from torch.nn.utils.rnn import PackedSequence, pad_packed_sequence

from ..gradients.stacks.cells import CELLS, Cell
from ..gradients.stacks.stack import Place, torch_name
from .float64 import upcast
from .recording import Call

ROLES = ("weight_ih", "weight_hh", "bias_ih", "bias_hh", "weight_hr")


def form_of(module: nn.Module) -> "Layers | SingleCell":
    """Return the form of a module of PyTorch."""
    return Layers(module) if isinstance(module, nn.RNNBase) else SingleCell(module)


def kind_of(module: nn.Module) -> str:
    """Return which of `CELLS` a module has."""
    if isinstance(module, nn.LSTM | nn.LSTMCell):
        return "lstm"
    if isinstance(module, nn.GRU | nn.GRUCell):
        return "gru"
    return "rnn_relu" if module.nonlinearity == "relu" else "rnn"


class SingleCell:
    """nn.RNNCell, GRUCell and LSTMCell: each call reads one step."""

    def __init__(self, module: nn.Module):
        self.module, self.directions, self.levels = module, 1, 1
        self.output_size = module.hidden_size
        self.kept_size = module.hidden_size if kind_of(module) == "lstm" else 0

    @property
    def places(self) -> list[Place]:
        """All layers and directions."""
        return [(level, k) for level in range(self.levels) for k in range(self.directions)]

    def name(self, role: str, place: Place) -> str:
        """Return the module's name of a weight."""
        return role

    def weights(self) -> dict[str, torch.Tensor]:
        """Return the module's weights by name, as they are used: parametrised where they are."""
        names = (self.name(role, place) for place in self.places for role in ROLES)
        return {
            name: getattr(self.module, name)
            for name in names
            if isinstance(getattr(self.module, name, None), torch.Tensor)
        }

    def places_of_weights(self) -> dict[str, Place]:
        """Return the layer and direction that each weight belongs to."""
        return {self.name(role, place): place for place in self.places for role in ROLES}

    def layers(self) -> list[list[Cell]]:
        """Return the recurrent cells, layer by layer, with the weights as they are."""
        weights = {name: upcast(value.detach()) for name, value in self.weights().items()}
        kind = CELLS[kind_of(self.module)]

        def cell(place: Place) -> Cell:
            named = {role: self.name(role, place) for role in ROLES}
            return kind(
                torch, {role: weights[name] for role, name in named.items() if name in weights}
            )

        return [[cell((level, k)) for k in range(self.directions)] for level in range(self.levels)]

    def lengths(self, call: Call) -> torch.Tensor | None:
        """Return the lengths of a call's sequences, (B,); None if all are the same."""
        return None

    def steps(self, call: Call, data: torch.Tensor) -> torch.Tensor:
        """Return something that a call has for every step, (T, B, features)."""
        return data.reshape(1, -1, data.shape[-1])

    def states(self, parts: dict[str, torch.Tensor]) -> dict[Place, dict[str, torch.Tensor]]:
        """Return something of the states' shape, by place: each part (B, features)."""
        return {(0, 0): {name: part.reshape(-1, part.shape[-1]) for name, part in parts.items()}}

    def as_state(self, call: Call, rows: dict[Place, torch.Tensor]) -> tuple[torch.Tensor, ...]:
        """Return (B, S) by place in the shapes of the state that a call was given."""
        split = self._split(rows[0, 0])
        return tuple(
            part.reshape(given.shape) for part, given in zip(split, call.state, strict=True)
        )

    def signals(self, call: Call, gradients: dict[str, torch.Tensor]) -> dict[Place, torch.Tensor]:
        """Return gradients at what a call gave as signals on states, (T, B, S) by place."""
        final = self.states({k: v for k, v in gradients.items() if k != "output"})
        return {place: self._joined(parts)[None] for place, parts in final.items()}

    def _joined(self, parts: dict[str, torch.Tensor]) -> torch.Tensor:
        if not self.kept_size:
            return parts["h_n"]
        return torch.cat([parts["h_n"], parts["c_n"]], -1)

    def _split(self, rows: torch.Tensor) -> list[torch.Tensor]:
        if not self.kept_size:
            return [rows]
        return [rows[..., : self.output_size], rows[..., self.output_size :]]


class Layers(SingleCell):
    """nn.RNN, GRU and LSTM: each call reads whole sequences, through all layers and directions."""

    def __init__(self, module: nn.RNNBase):
        super().__init__(module)
        self.levels, self.directions = module.num_layers, 2 if module.bidirectional else 1
        self.output_size = module.proj_size or module.hidden_size

    def name(self, role: str, place: Place) -> str:
        """Return the module's name of a weight."""
        return torch_name(role, place)

    def lengths(self, call: Call) -> torch.Tensor | None:
        """Return the lengths of packed sequences."""
        if not isinstance(call.inputs, PackedSequence):
            return None
        return pad_packed_sequence(call.inputs)[1].to(call.data.device)

    def steps(self, call: Call, data: torch.Tensor) -> torch.Tensor:
        """Return what is packed padded, and what has the sequences first with time first."""
        if isinstance(call.inputs, PackedSequence):
            return pad_packed_sequence(PackedSequence(data, *call.inputs[1:]))[0]
        if data.dim() == 2:
            return data[:, None]
        return data.transpose(0, 1) if self.module.batch_first else data

    def states(self, parts: dict[str, torch.Tensor]) -> dict[Place, dict[str, torch.Tensor]]:
        """Return what has a row for every layer and direction by place."""
        parts = {k: part[:, None] if part.dim() == 2 else part for k, part in parts.items()}
        return {
            place: {name: part[k] for name, part in parts.items()}
            for k, place in enumerate(self.places)
        }

    def as_state(self, call: Call, rows: dict[Place, torch.Tensor]) -> tuple[torch.Tensor, ...]:
        """Return (B, S) by place in the shapes of the state that a call was given."""
        size = self.output_size + self.kept_size
        batch = next(iter(rows.values())).shape[0]
        nothing = call.data.new_zeros(batch, size)
        split = [self._split(rows.get(place, nothing)) for place in self.places]
        return tuple(
            torch.stack(part).reshape(given.shape)
            for part, given in zip(zip(*split, strict=True), call.state, strict=True)
        )

    def signals(self, call: Call, gradients: dict[str, torch.Tensor]) -> dict[Place, torch.Tensor]:
        """Put those at the output on the top layer, and those at the final states where they end.

        That is after the last step of a sequence forwards, and after step 0 in reverse.
        """
        output = self.steps(call, gradients["output"])
        final = self.states({k: v for k, v in gradients.items() if k != "output"})
        steps, batch = output.shape[:2]
        lengths = self.lengths(call)
        last = torch.full((batch,), steps - 1) if lengths is None else lengths - 1
        sequences = torch.arange(batch, device=output.device)
        size, found = self.output_size, {}
        for level, direction in self.places:
            rows = output.new_zeros(steps, batch, size + self.kept_size)
            if level == self.levels - 1:
                rows[..., :size] = output[..., direction * size : (direction + 1) * size]
            ends = torch.zeros_like(last) if direction else last
            rows[ends.to(output.device), sequences] += self._joined(final[level, direction])
            found[level, direction] = rows
        return found
