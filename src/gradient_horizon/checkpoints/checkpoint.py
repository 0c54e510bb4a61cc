"""A trained net from PyTorch, in the weights that the library's cells take.

The layers nn.RNN, nn.GRU and nn.LSTM are known by the names and shapes of their weights, under
whatever name they have in the net; the read-out and the embedding by their shapes.  What a file
does not say is how its tensors are put to use: where more than one way fits, or a tensor would be
left over, the names have to be given.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np

from ..ground.names import nearest
from ..ground.user_arrays import check_for_net, check_length, naming, read_sequences
from . import tensor_file
from .tensor_file import TensorFile

# Rows of weight_hh_l0 for each column.
CELLS = {1: "rnn", 3: "gru", 4: "lstm"}
# Those of nn.RNN; which one it is does not show in the file.
ACTIVATIONS = ("tanh", "relu")
RECURRENT = re.compile(r"(.*?)((?:weight|bias)_[hi][hri]_l\d+(?:_reverse)?)", re.DOTALL)
LAYER = ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0")


@dataclass(frozen=True)
class TrainedNet:
    """One trained net.

    Attributes
    ----------
    cell : rnn, gru or lstm.
    activation : phi.
    weights : by the library's names, in float64; `embedding` unless there is none.
    layer, readout, embedding : where in the file the parts were found; None for no embedding.
    unused : names of the tensors that take no part.
    """

    cell: str
    activation: str
    weights: dict[str, np.ndarray]
    layer: str
    readout: str
    embedding: str | None
    unused: tuple[str, ...]


@dataclass(frozen=True)
class Checkpoint(TrainedNet):
    """One trained net and a batch that it can read.

    Attributes
    ----------
    probe : `inputs`, `targets` and `loss_mask`, as `user_arrays.read_sequences` returns them.
    """

    probe: dict[str, np.ndarray]


def read(
    weights: str | Path,
    probe: str | Path,
    activation: str = "tanh",
    readout: str | None = None,
    embedding: str | None = None,
) -> Checkpoint:
    """Read a net and its probe batch.

    Parameters
    ----------
    weights : a `.safetensors` file with the `state_dict` of a net of one recurrent layer.
    probe : an `.npz` as `user_arrays.read_sequences` takes it.
    activation : one of `ACTIVATIONS`.
    readout, embedding : the module's name in the net; None to find it.

    Raises
    ------
    files.FileError : a file cannot be read, holds no such net, or leaves open how it is put
        together; or the batch is none that the net can read.
    """
    file, batch = tensor_file.read(weights), read_sequences(probe)
    symbolic = batch.inputs.dtype.kind != "f"
    if not symbolic and embedding is not None:
        raise file.refusal(f"no embedding is needed: the inputs of {probe} are vectors")
    if not symbolic:  # or the embedding of what should have been integers would be left over
        with naming(probe):
            check_length("inputs", batch.inputs, _sizes(file, _find_layer(file))[2])
    net = _net_of(file, activation, readout, embedding, symbolic)
    outputs, width = len(net.weights["W_s"]), net.weights["W_hx"].shape[1]
    with naming(probe):
        symbols = len(net.weights.get("embedding", range(width)))
        check_for_net(batch, symbols, width, outputs)
    return Checkpoint(**vars(net), probe=batch._asdict())


def read_net(
    weights: str | Path,
    activation: str = "tanh",
    readout: str | None = None,
    embedding: str | None = None,
) -> TrainedNet:
    """Read a net without a batch; a tensor that fits as the embedding is taken for it.

    Parameters and errors are those of `read`.
    """
    return _net_of(tensor_file.read(weights), activation, readout, embedding, symbolic=True)


def _net_of(
    file: TensorFile, activation: str, readout: str | None, embedding: str | None, symbolic: bool
) -> TrainedNet:
    """Put the net of a file together; `symbolic` if it reads symbols, and so may have embedded."""
    layer = _find_layer(file)
    cell, size, width = _sizes(file, layer)
    if cell != "rnn" and activation != "tanh":
        raise file.refusal(
            f"the recurrent layer is an nn.{cell.upper()}, whose activation is tanh, "
            f"not {activation}"
        )
    embedding, readout = _find_ends(file, layer, size, width, symbolic, (embedding, readout))
    unused = tuple(_left_over(file, layer, (embedding, readout)))
    net = _layer_weights(file, layer, cell)
    net |= {"W_s": file.values(f"{readout}.weight"), "b_s": _bias(file, readout)}
    if embedding is not None:
        net["embedding"] = file.values(f"{embedding}.weight")
    return TrainedNet(cell, activation, net, layer.rstrip("."), readout, embedding, unused)


def _find_layer(file: TensorFile) -> str:
    """Return what comes before `weight_hh_l0` in the name of the one recurrent layer's weights."""
    parts = [match.groups() for match in map(RECURRENT.fullmatch, file.shapes) if match]
    layers = dict.fromkeys(layer for layer, _ in parts)
    if not layers:
        raise file.refusal(
            "there is no recurrent layer: no name ends in weight_hh_l0"
            + nearest("weight_hh_l0", file.shapes)
        )
    if len(layers) > 1:
        names = ", ".join(layer.rstrip(".") or "the net itself" for layer in layers)
        raise file.refusal(f"there are {len(layers)} recurrent layers, {names}; allowed: one")
    [layer] = layers
    for what, mark in (
        ("bidirectional", "_reverse"),
        ("a projected LSTM", "weight_hr"),
        ("of several layers", "_l1"),
    ):
        for _, name in parts:
            if mark in name:
                raise file.refusal(
                    f"the recurrent layer is {what} ({layer}{name}); allowed: one layer of "
                    "nn.RNN, nn.GRU or nn.LSTM in one direction, without projection"
                )
    for name in LAYER[:2]:
        if layer + name not in file.shapes:
            raise file.refusal(f"{layer}{name} is missing")
    return layer


def _sizes(file: TensorFile, layer: str) -> tuple[str, int, int]:
    """Return the cell, N and D."""
    inputs, recurrent = (file.shapes[layer + name] for name in LAYER[:2])
    ratio = recurrent[0] / recurrent[1] if len(recurrent) == 2 and recurrent[1] else 0
    if ratio not in CELLS:
        raise file.refusal(
            f"{layer}weight_hh_l0 has the shape {recurrent}; allowed: (N, N), (3 N, N) or (4 N, N)"
        )
    if len(inputs) != 2 or inputs[0] != recurrent[0]:
        raise file.refusal(
            f"{layer}weight_ih_l0 has the shape {inputs}; allowed: {recurrent[0]} rows, as many "
            "as weight_hh_l0 has"
        )
    for name in LAYER[2:]:
        shape = file.shapes.get(layer + name, recurrent[:1])
        if shape != recurrent[:1]:
            raise file.refusal(
                f"{layer}{name} has the shape {shape}; allowed: {recurrent[:1]}, one number for "
                "each row of weight_hh_l0"
            )
    return CELLS[ratio], recurrent[1], inputs[1]


def _find_ends(
    file: TensorFile, layer: str, size: int, width: int, symbolic: bool, given: tuple
) -> tuple[str | None, str]:
    """Return the names of the embedding, None if there is none, and of the read-out.

    Of all pairs that fit, the one that leaves the fewest tensors over; where the read-out is not
    given, none may be.
    """
    embeddings = _fitting(file, "embedding", given[0], width) if symbolic else []
    readouts = _fitting(file, "readout", given[1], size)
    if not readouts:
        raise file.refusal(
            f"there is no read-out: no name ends in .weight whose shape is (V, {size})"
        )
    if given[0] is None:
        embeddings = [None, *(name for name in embeddings if f"{name}.bias" not in file.shapes)]
    tied = given[0] is not None and given[0] == given[1]
    pairs = [pair for pair in product(embeddings, readouts) if tied or pair[0] != pair[1]]
    if not pairs:
        raise file.refusal(f"{given[0] or given[1]} would be both embedding and read-out")
    left = [_left_over(file, layer, pair) for pair in pairs]
    fewest = min(map(len, left))
    best = [pair for pair, rest in zip(pairs, left, strict=True) if len(rest) == fewest]
    for place, part in ((1, "readout"), (0, "embedding")):
        names = sorted({pair[place] for pair in best} - {None})
        if len(names) > 1:
            raise file.refusal(
                f"{_listed(names)} all fit as the {part}: name the one with --{part}"
            )
    if fewest and given[1] is None:
        rest, name = left[pairs.index(best[0])], best[0][1]
        raise file.refusal(
            f"{_listed(rest)} would take no part in a net of embedding, recurrent layer and "
            f"read-out {name}; if that is meant, say so with --readout {name}"
        )
    return best[0]


def _fitting(file: TensorFile, part: str, given: str | None, columns: int) -> list[str]:
    """Return the modules whose weight has so many columns, or the given one if it has."""
    modules = {
        name.removesuffix(".weight"): shape
        for name, shape in file.shapes.items()
        if name.endswith(".weight") and len(shape) == 2
    }
    if given is None:
        return [name for name, shape in modules.items() if shape[1] == columns]
    if given not in modules:
        raise file.refusal(
            f"there is no {part} '{given}'; allowed: {_listed(modules)}{nearest(given, modules)}"
        )
    if modules[given][1] != columns:
        raise file.refusal(
            f"the {part} {given} has the shape {modules[given]}; allowed: {columns} columns"
        )
    return [given]


def _left_over(file: TensorFile, layer: str, pair: tuple) -> list[str]:
    """Return the tensors that are no part of the net whose embedding and read-out are `pair`."""
    used = {*(layer + name for name in LAYER), *_names(pair[0]), *_names(pair[1])}
    return [name for name in file.shapes if name not in used]


def _names(module: str | None) -> tuple[str, ...]:
    """Return the names of a module's tensors."""
    return () if module is None else (f"{module}.weight", f"{module}.bias")


def _layer_weights(file: TensorFile, layer: str, cell: str) -> dict[str, np.ndarray]:
    """Return the recurrent layer's weights: PyTorch's two biases become the cell's one.

    Only in the candidate of nn.GRU are they two: its recurrent bias stands within the reset gate's
    product, n = tanh(W_in x + b_in + r * (W_hn h + b_hn)).
    """
    recurrent = file.values(f"{layer}weight_hh_l0")
    of_input, of_state = (
        file.values(layer + name) if layer + name in file.shapes else np.zeros(len(recurrent))
        for name in LAYER[2:]
    )
    weights = {"W_hh": recurrent, "W_hx": file.values(f"{layer}weight_ih_l0")}
    if cell != "gru":
        return weights | {"b_h": of_input + of_state}
    candidate = slice(2 * recurrent.shape[1], None)
    weights["b_n"] = of_state[candidate].copy()
    of_state[candidate] = 0.0
    return weights | {"b_h": of_input + of_state}


def _bias(file: TensorFile, readout: str) -> np.ndarray:
    """Return the read-out's bias, zeros where it has none."""
    outputs = file.shapes[f"{readout}.weight"][0]
    name = f"{readout}.bias"
    if name not in file.shapes:
        return np.zeros(outputs)
    if file.shapes[name] != (outputs,):
        raise file.refusal(f"{name} has the shape {file.shapes[name]}; allowed: {(outputs,)}")
    return file.values(name)


def _listed(names: Iterable[str]) -> str:
    """List names, the first few of very many."""
    names = list(names)
    return ", ".join(names[:8]) + (", ..." if len(names) > 8 else "")
