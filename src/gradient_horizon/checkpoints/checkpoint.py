"""A trained net from PyTorch, and a batch that it can read."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from ..ground.user_arrays import Sequences, check_for_net, check_length, naming
from ..networks.losses.loss import Loss
from . import layers, losses, parametrised, parts, probe, tensor_file
from .layers import Layers, Place
from .parts import NONE, Parts, Wanted
from .probe import Probe
from .tensor_file import TensorFile

# Those of nn.RNN; which one it is does not show in the file.
ACTIVATIONS = ("tanh", "relu")
INCOMPLETE = (
    "the tables, figures and report of a run are of one layer in one direction that starts from "
    "zeros, on sequences of one length with one loss_mask for all; gradient-horizon measure says "
    "how far back the gradient of other nets reaches"
)


@dataclass(frozen=True)
class TrainedNet:
    """One trained net.

    Attributes
    ----------
    activation : phi.
    layers : the recurrent part.
    parts : the other parts.
    tensors : of the recurrent part, by place and by their names in the cell, in float64.
    matrix, bias : (O, H) and (O,), of the read-out; zeros where it has no bias.
    vectors : (V_in, D), the embedding; None if there is none.
    initial : by `h0` and `c0`, learnt initial states, (layers and directions, H).
    unused : names of the tensors that take no part, as the user has said.
    """

    activation: str
    layers: Layers
    parts: Parts
    tensors: dict[Place, dict[str, np.ndarray]]
    matrix: np.ndarray
    bias: np.ndarray
    vectors: np.ndarray | None
    initial: dict[str, np.ndarray]
    unused: tuple[str, ...]

    @property
    def cell(self) -> str:
        """One of rnn, gru and lstm."""
        return self.layers.cell

    @property
    def layer(self) -> str:
        """The recurrent module's name."""
        return self.layers.name

    @property
    def readout(self) -> str:
        """The read-out's name."""
        return self.parts.readout.name

    @property
    def embedding(self) -> str | None:
        """The embedding's name; None for no embedding."""
        return self.parts.embedding

    @property
    def single(self) -> bool:
        """Whether it is a net as the library's cells are: one layer, from zeros on."""
        return len(self.layers.names) == 1 and not self.layers.projected and not self.initial

    @cached_property
    def weights(self) -> dict[str, np.ndarray]:
        """The weights of a single layer, by the library's names; `embedding` if there is one."""
        net = _library_weights(self.layers.cell, self.tensors[0, 0])
        net |= {"W_s": self.matrix, "b_s": self.bias}
        return net if self.vectors is None else net | {"embedding": self.vectors}

    def lines(self) -> list[str]:
        """Say what of the file is what."""
        readout = self.parts.readout
        said = [f"{self.layers} ({self.layer or 'the net itself'})"]
        if self.embedding is not None:
            said.append(f"embedding {self.embedding}")
        tied = f", with the matrix of {readout.tied_to}" if readout.tied_to else ""
        tied = tied or ", tied to it" * (self.embedding == readout.name)
        said.append(f"read-out {readout.name}{tied}")
        said += [f"{state} starts from {name}" for state, name in self.parts.initial.items()]
        if set(self.parts.initial) == {"h0"} and self.cell == "lstm":
            said.append("c0 from zeros")
        lines = ["; ".join(said)]
        if self.cell == "rnn":
            lines[0] += f"; activation {self.activation}, which the file does not say"
        if self.unused:
            lines.append(f"ignored: {', '.join(self.unused)}")
        return lines


@dataclass(frozen=True)
class Checkpoint(TrainedNet):
    """One trained net and a batch that it can read.

    Attributes
    ----------
    batch : how the net reads it.
    loss : what its answers cost.
    probe : `inputs`, `targets` as the loss takes them, `loss_mask` and `loss`.
    chunk : after how many steps a stateful model carries its state on, but no gradient; None for
        one that reads every sequence at once.
    """

    batch: Probe
    loss: Loss
    probe: dict
    chunk: int | None

    @property
    def is_plain(self) -> bool:
        """Whether the library's own cells can read it: all of its tables can be made."""
        return (
            self.single
            and self.chunk is None
            and not self.batch.initial
            and self.batch.lengths is None
            and self.batch.loss_mask.ndim == 1
        )


def read(
    weights: str | Path,
    batch: str | Path,
    activation: str = "tanh",
    readout: str | None = None,
    embedding: str | None = None,
    initial_state: Sequence[str] = (),
    ignore: Sequence[str] = (),
    batch_first: bool = False,
    loss: str | None = None,
    stateful: int | None = None,
) -> Checkpoint:
    """Read a net and its probe batch.

    Parameters
    ----------
    weights : a file with the `state_dict` of a net, as `tensor_file.read` takes it.
    batch : an `.npz` as `probe.read` takes it.
    activation : one of `ACTIVATIONS`.
    readout, embedding : the module's name in the net; None to find it.
    initial_state : names of tensors, h0 and then c0; () to find them.
    ignore : names of tensors or modules that take no part.
    batch_first : as `probe.read`.
    loss : one of `losses.LOSSES`; None where only one can be meant.
    stateful : after how many steps the state is carried on without a gradient, if it is.

    Raises
    ------
    files.FileError : a file cannot be read, holds no such net, or leaves open how it is put
        together; or the batch is none that the net can read.
    """
    file, unused = _used(weights, ignore)
    own = probe.read(batch, batch_first)
    symbolic = own.inputs.dtype.kind != "f"
    if not symbolic and embedding not in (None, NONE):
        raise file.refusal(f"no embedding is needed: the inputs of {batch} are vectors")
    recurrent = layers.find(file)
    if not symbolic:  # or the embedding of what should have been integers would be left over
        with naming(batch):
            check_length("inputs", own.inputs, recurrent.width)
    wanted = Wanted(readout, embedding, tuple(initial_state))
    net = _net_of(file, recurrent, activation, wanted, symbolic, unused)
    outputs, width = len(net.matrix), recurrent.width
    with naming(batch):
        symbols = width if net.vectors is None else len(net.vectors)
        _check_initial(own, net)
        cost, targets = losses.chosen(loss, own.targets, outputs, own.booleans)
        arrays = own.arrays() | {"targets": targets}
        check_for_net(Sequences(**arrays), symbols, width, outputs)
        chunk = _checked_chunk(stateful, own, recurrent)
    return Checkpoint(**vars(net), batch=own, loss=cost, probe=arrays | {"loss": cost}, chunk=chunk)


def read_net(
    weights: str | Path,
    activation: str = "tanh",
    readout: str | None = None,
    embedding: str | None = None,
    initial_state: Sequence[str] = (),
    ignore: Sequence[str] = (),
) -> TrainedNet:
    """Read a net without a batch; a tensor that fits as the embedding is taken for it.

    Parameters and errors are those of `read`.
    """
    file, unused = _used(weights, ignore)
    wanted = Wanted(readout, embedding, tuple(initial_state))
    return _net_of(file, layers.find(file), activation, wanted, True, unused)


def _used(weights: str | Path, ignore: Sequence[str]) -> tuple[TensorFile, tuple[str, ...]]:
    """Read a file without what is ignored, and with every weight in place of its parts."""
    file = tensor_file.read(weights)
    unused = parts.ignored(file, ignore)
    return parametrised.worked_out(file.replaced({}, set(unused))), unused


def _net_of(
    file: TensorFile,
    recurrent: Layers,
    activation: str,
    wanted: Wanted,
    symbolic: bool,
    unused: tuple[str, ...],
) -> TrainedNet:
    """Put the net of a file together; `symbolic` if it reads symbols, and so may have embedded."""
    cell = recurrent.cell
    if cell != "rnn" and activation != "tanh":
        raise file.refusal(
            f"the recurrent layer is an nn.{cell.upper()}, whose activation is tanh, "
            f"not {activation}"
        )
    found = parts.find(file, recurrent, symbolic, wanted)
    matrix = file.values(found.readout.weight)
    places = len(recurrent.names)
    return TrainedNet(
        activation,
        recurrent,
        found,
        {
            place: {weight: file.values(name) for weight, name in own.items()}
            for place, own in recurrent.names.items()
        },
        matrix,
        np.zeros(len(matrix)) if found.readout.bias is None else file.values(found.readout.bias),
        None if found.embedding is None else file.values(f"{found.embedding}.weight"),
        {state: file.values(name).reshape(places, -1) for state, name in found.initial.items()},
        unused,
    )


def _check_initial(own: Probe, net: TrainedNet) -> None:
    """Refuse given initial states that the net does not have; ValueError."""
    sizes = {"h0": net.layers.size} | ({"c0": net.layers.units} if net.cell == "lstm" else {})
    for name, state in own.initial.items():
        if name not in sizes:
            raise ValueError(f"{name} is given; allowed: h0 alone for an nn.{net.cell.upper()}")
        if net.initial:
            raise ValueError(
                f"{name} is given, but the net has learnt its initial state "
                f"({', '.join(net.parts.initial.values())}); take it out of the batch, or say "
                "with --ignore that what is learnt takes no part"
            )
        expected = len(net.layers.names), state.shape[1], sizes[name]
        if state.shape != expected:
            raise ValueError(f"{name} is {state.shape}; allowed: {expected}")


def _checked_chunk(stateful: int | None, own: Probe, recurrent: Layers) -> int | None:
    """Return after how many steps a state is carried on; None for never; ValueError."""
    if stateful is None or stateful >= len(own.inputs):
        return None
    if recurrent.directions > 1:
        raise ValueError(
            "inputs cannot be read in chunks by a net of both directions: it carries no state on"
        )
    if own.lengths is not None:
        raise ValueError(
            "lengths are given, but a stateful net reads all sequences on and on; a loss_mask of "
            "the targets' shape says where there are none"
        )
    return stateful


def _library_weights(cell: str, tensors: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the recurrent layer's weights: PyTorch's two biases become the cell's one.

    Only in the candidate of nn.GRU are they two: its recurrent bias stands within the reset gate's
    product, n = tanh(W_in x + b_in + r * (W_hn h + b_hn)).
    """
    recurrent = tensors["weight_hh"]
    of_input, of_state = (
        tensors.get(name, np.zeros(len(recurrent))).copy() for name in layers.BIASES
    )
    weights = {"W_hh": recurrent, "W_hx": tensors["weight_ih"]}
    if cell != "gru":
        return weights | {"b_h": of_input + of_state}
    candidate = slice(2 * recurrent.shape[1], None)
    weights["b_n"] = of_state[candidate].copy()
    of_state[candidate] = 0.0
    return weights | {"b_h": of_input + of_state}
