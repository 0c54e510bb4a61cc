"""Every call of a recurrent module while a closure runs: what it read, and what it gave.

Each call has nodes of its own in the graph for everything that goes in and comes out, at which
gradients are then taken, and a gate behind what comes out: while it is shut, no gradient goes back
into the call, and what a loss, an input or a state is made of ends there.
"""

import inspect
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from unittest import mock

import torch
from torch import nn
from torch.nn.utils.rnn import PackedSequence

from .float64 import upcast

LAYERS = (nn.RNN, nn.GRU, nn.LSTM)
CELLS = (nn.RNNCell, nn.GRUCell, nn.LSTMCell)


class Gate:
    """Lets gradients pass back into a call, or not."""

    shut = False


class _Handed(torch.autograd.Function):
    """What a call gave, behind a gate."""

    @staticmethod
    def forward(ctx, value, gate):
        ctx.gate = gate
        return value.clone()

    @staticmethod
    def backward(ctx, signal):
        return None if ctx.gate.shut else signal, None


@dataclass(eq=False)
class Call:
    """One call of a recurrent module.

    Attributes
    ----------
    module : that was called.
    run : its own forward pass.
    inputs : what it read: a tensor or a `PackedSequence`, as it was given, in float64.
    state : the state that it began with, one tensor or, for an LSTM, two; none if none was given.
    origin : the same as the caller had them, and how often each had been changed in place.
    source : copies of these, behind which the graph of the caller begins.
    outputs : what it gave, by name: `output` unless it is a cell, `h_n`, and `c_n` of an LSTM.
    gate : behind what it gave.
    handed : the same behind the gate, by the same names.
    given : copies of these, which the caller has, and may change in place.
    masks : what the outputs of its layers were multiplied with, where dropout is on between them.
    """

    module: nn.Module
    run: Callable
    inputs: object
    state: tuple[torch.Tensor, ...]
    origin: tuple[torch.Tensor, ...]
    versions: tuple[int, ...]
    source: tuple[torch.Tensor, ...]
    outputs: dict[str, torch.Tensor]
    gate: Gate
    handed: dict[str, torch.Tensor]
    given: dict[str, torch.Tensor]
    masks: list | None = None

    @property
    def data(self) -> torch.Tensor:
        """The tensor of what was read."""
        return self.inputs.data if isinstance(self.inputs, PackedSequence) else self.inputs


@dataclass
class Recording:
    """A closure's loss, and the calls that were made on its way, in their order."""

    loss: torch.Tensor
    calls: list[Call] = field(default_factory=list)


def record(closure: Callable, model: nn.Module, own: Sequence[nn.Module] = ()) -> Recording:
    """Run a closure and record the calls of recurrent modules.

    Parameters
    ----------
    closure : returns the loss.
    model : holds all modules that run.
    own : modules that map (x, state) to a state, which are recorded too.

    Raises
    ------
    TypeError : the closure returns no scalar, or a module is called in a way that is not known.
    ValueError : a recurrent module runs that the model does not hold.
    """
    calls: list[Call] = []
    with _intercepted(calls, model, own):
        loss = closure()
    if not isinstance(loss, torch.Tensor) or loss.numel() != 1:
        got = f"{tuple(loss.shape)}" if isinstance(loss, torch.Tensor) else type(loss).__name__
        raise TypeError(f"the loss is {got}; allowed: a tensor of one number")
    return Recording(loss.reshape(()), calls)


@contextmanager
def _intercepted(calls: list[Call], model: nn.Module, own: Sequence[nn.Module]) -> Iterator[None]:
    """Put a recorder before the forward pass of every kind of recurrent module."""
    inside = []  # a recurrent module that is called by another is a part of it
    known = {*model.modules(), *own}

    def recorder(run: Callable) -> Callable:
        def forward(module, *arguments, **named):
            if inside:
                return run(module, *arguments, **named)
            if module not in known:
                raise ValueError(
                    f"a module of type {type(module).__name__} ran that is not in the model; "
                    "measure one that holds all that runs, such as "
                    "torch.nn.ModuleList([encoder, decoder])"
                )
            inside.append(module)
            try:
                call, result = _recorded(run, module, arguments, named)
            finally:
                inside.pop()
            calls.append(call)
            return result

        return forward

    patches = [
        mock.patch.object(kind, "forward", recorder(kind.forward)) for kind in (*LAYERS, *CELLS)
    ]
    for module in own:
        run = type(module).forward
        patches.append(
            mock.patch.object(module, "forward", recorder(run).__get__(module), create=True)
        )
    for patch in patches:
        patch.start()
    try:
        yield
    finally:
        for patch in patches:
            patch.stop()


def _recorded(run: Callable, module: nn.Module, arguments: tuple, named: dict):
    inputs, state = _read(run, module, arguments, named)
    run = partial(run, module)
    inputs = _own_node(inputs)
    origin = tuple(map(upcast, state))
    versions = tuple(part._version for part in origin)
    source = tuple(part.clone() for part in origin)
    state = tuple(map(_own_node, source))
    masks = draw_masks(module, inputs)
    result = _called(run, module, inputs, state, masks)
    outputs, gate = _named(module, result), Gate()
    if state and not isinstance(module, LAYERS + CELLS):
        _check_state(module, state, outputs)
    handed = {name: _Handed.apply(value, gate) for name, value in outputs.items()}
    given = {name: value.clone() for name, value in handed.items()}
    call = Call(
        module, run, inputs, state, origin, versions, source, outputs, gate, handed, given, masks
    )
    return call, _as_given(module, result, given)


def _read(run: Callable, module: nn.Module, arguments: tuple, named: dict) -> tuple:
    """Return the inputs, and the state as a tuple, however the call was written."""
    if named:
        bound = inspect.signature(run).bind(module, *arguments, **named)
        _, *arguments = bound.arguments.values()
    inputs, state, *further = *arguments, *[None] * (len(arguments) < 2)
    if further:
        raise TypeError(
            f"{type(module).__name__} is called with more than inputs and a state, which cannot "
            "be taken apart"
        )
    if state is None:
        return inputs, ()
    return inputs, tuple(state) if isinstance(state, tuple | list) else (state,)


def _check_state(module: nn.Module, state: tuple, outputs: dict[str, torch.Tensor]) -> None:
    """Refuse a module of one's own that gives something else than its next state."""
    read, gave = ([tuple(part.shape) for part in parts] for parts in (state, outputs.values()))
    if read != gave:
        raise TypeError(
            f"{type(module).__name__} reads a state of {_shapes(read)} and gives {_shapes(gave)}; "
            "allowed: what maps (x, state) to the next state"
        )


def _shapes(shapes: list[tuple]) -> str:
    return " and ".join(map(str, shapes))


def _own_node(value):
    """Return a value in float64 as a node of its own in the graph."""
    if isinstance(value, PackedSequence):
        return PackedSequence(_own_node(value.data), *value[1:])
    value = upcast(value)
    if value.requires_grad:
        return value.clone()
    return value.detach().clone().requires_grad_(value.is_floating_point())


def again(call: Call) -> dict[str, torch.Tensor]:
    """Make a call again, by itself, and return what it gave, by name."""
    inputs = call.data.detach()
    if isinstance(call.inputs, PackedSequence):
        inputs = PackedSequence(inputs, *call.inputs[1:])
    state = tuple(part.detach() for part in call.state)
    return _named(call.module, _called(call.run, call.module, inputs, state, call.masks))


def _called(run: Callable, module: nn.Module, inputs, state: tuple, masks: list | None):
    """Run a module's own forward pass, layer by layer where masks have been drawn."""
    if masks is not None:
        return _layer_by_layer(module, inputs, state, masks)
    if not state:
        return run(inputs)
    return run(inputs, state[0] if len(state) == 1 else state)


def draw_masks(module: nn.Module, inputs) -> list | None:
    """Draw the masks of dropout between layers; None where there is none."""
    if not (isinstance(module, nn.RNNBase) and module.training and module.dropout):
        return None
    data = inputs.data if isinstance(inputs, PackedSequence) else inputs
    width = (module.proj_size or module.hidden_size) * (2 if module.bidirectional else 1)
    ones = data.new_ones(*data.shape[:-1], width)
    return [nn.functional.dropout(ones, module.dropout) for _ in range(module.num_layers - 1)]


def _layer_by_layer(module: nn.RNNBase, inputs, state: tuple, masks: list):
    """Run a stack one layer at a time, with masks in between."""
    directions = 2 if module.bidirectional else 1
    finals, output = [], inputs
    for level in range(module.num_layers):
        layer, weights = one_layer(module, level)
        own = tuple(part[level * directions : (level + 1) * directions] for part in state)
        arguments = (output,) if not own else (output, own[0] if len(own) == 1 else own)
        output, final = torch.func.functional_call(layer, weights, arguments)
        finals.append(final if isinstance(final, tuple) else (final,))
        if level < len(masks):
            if isinstance(output, PackedSequence):
                output = PackedSequence(output.data * masks[level], *output[1:])
            else:
                output = output * masks[level]
    together = tuple(torch.cat(parts) for parts in zip(*finals, strict=True))
    return output, together if len(together) > 1 else together[0]


def one_layer(module: nn.RNNBase, level: int) -> tuple[nn.RNNBase, dict[str, torch.Tensor]]:
    """Return a module of one layer like that of a stack, and the weights to call it with."""
    kind = next(kind for kind in LAYERS if isinstance(module, kind))
    first = module.weight_ih_l0 if level == 0 else getattr(module, f"weight_ih_l{level}")
    options = {"bias": module.bias, "batch_first": module.batch_first}
    options |= {"bidirectional": module.bidirectional, "device": first.device}
    if kind is nn.LSTM:
        options["proj_size"] = module.proj_size
    if kind is nn.RNN:
        options["nonlinearity"] = module.nonlinearity
    with torch.random.fork_rng(devices=[]):
        layer = kind(first.shape[1], module.hidden_size, dtype=torch.float64, **options)
    names = [name for name, _ in layer.named_parameters()]
    return layer, {name: getattr(module, name.replace("_l0", f"_l{level}")) for name in names}


def _named(module: nn.Module, result) -> dict[str, torch.Tensor]:
    """Name what a module gave."""
    if isinstance(module, nn.RNNBase):
        output, final = result
        data = output.data if isinstance(output, PackedSequence) else output
        finals = final if isinstance(final, tuple) else (final,)
        return {"output": data, **dict(zip(("h_n", "c_n"), finals, strict=False))}
    parts = result if isinstance(result, tuple | list) else (result,)
    if not all(isinstance(part, torch.Tensor) for part in parts):
        raise TypeError(
            f"{type(module).__name__} gives {type(result).__name__}; allowed: its next state, a "
            "tensor or a tuple of tensors"
        )
    names = ("h_n", "c_n", *(f"state_{k}" for k in range(2, len(parts))))
    return dict(zip(names, parts, strict=False))


def _as_given(module: nn.Module, result, handed: dict[str, torch.Tensor]):
    """Put what is handed to the caller into the form that the module gave it in."""
    if isinstance(module, nn.RNNBase):
        output, final = result
        data = handed["output"]
        if isinstance(output, PackedSequence):
            data = PackedSequence(data, *output[1:])
        return data, (handed["h_n"], handed["c_n"]) if isinstance(final, tuple) else handed["h_n"]
    if isinstance(result, torch.Tensor):
        return handed["h_n"]
    if hasattr(result, "_fields"):
        return type(result)(*handed.values())
    return type(result)(handed.values())
