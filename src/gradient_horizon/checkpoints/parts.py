"""What a net has beside its recurrent layers: embedding, read-out, learnt initial states.

A file does not say how its tensors are put to use.  They are known by names and shapes; where more
than one way fits, the names have to be given, and a tensor that no part takes is an error unless
it is said that it is meant: nothing is dropped in silence.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod

from ..ground.names import nearest
from .layers import LIVE, Layers
from .tensor_file import TensorFile

# What a learnt initial state is called, the last part of its name.
STATE = r"(?:init(?:ial)?_)?(?:{})(?:_?0|_init(?:ial)?)?"
LEARNT = {
    "h0": re.compile(STATE.format("h|hx|hidden|hidden_state|state")),
    "c0": re.compile(STATE.format("c|cx|cell|cell_state")),
}
# What may be meant for one by its name, whatever its shape.
STATE_LIKE = re.compile("(init|h|c|hidden|cell|state)(_|[0-9]|$)")
NONE = "none"


@dataclass(frozen=True)
class Wanted:
    """What the user says of the parts; None and () where they are to be found.

    Attributes
    ----------
    readout, embedding : names of modules; an embedding of `none` says that there is none.
    initial_state : names of tensors, h0 and then c0.
    """

    readout: str | None = None
    embedding: str | None = None
    initial_state: tuple[str, ...] = ()


@dataclass(frozen=True)
class Readout:
    """A linear read-out; `weight` is another module's where they are tied.

    Attributes
    ----------
    name : of the module.
    weight, bias : names of tensors, None for no bias.
    """

    name: str
    weight: str
    bias: str | None

    @property
    def tied_to(self) -> str | None:
        """The module whose matrix it has, if it is not its own."""
        owner = self.weight.removesuffix(".weight")
        return owner if owner != self.name else None


@dataclass(frozen=True)
class Parts:
    """The parts of a net by their names in the file.

    Attributes
    ----------
    embedding : the module; None for none.
    readout : likewise.
    initial : by `h0` and `c0`, the tensors that the states start from.
    """

    embedding: str | None
    readout: Readout
    initial: dict[str, str]


def ignored(file: TensorFile, names: Sequence[str]) -> tuple[str, ...]:
    """Return the tensors that are to be ignored: by their own names, or a module's.

    Raises
    ------
    files.FileError : there is none of a name.
    """
    found = set()
    for name in names:
        own = {tensor for tensor in file.shapes if tensor == name or tensor.startswith(f"{name}.")}
        if not own:
            raise file.refusal(
                f"there is no tensor or module '{name}' to ignore{nearest(name, file.shapes)}"
            )
        found |= own
    return tuple(sorted(found))


def find(file: TensorFile, layers: Layers, symbolic: bool, wanted: Wanted) -> Parts:
    """Find the parts of a net.

    Parameters
    ----------
    file : the tensors, without those that are ignored.
    layers : its recurrent layers.
    symbolic : whether it reads symbols, and so may have an embedding.
    wanted : what the user says.

    Raises
    ------
    files.FileError : a part is not there or does not fit, several fit, or a tensor is left over.
    """
    taken = set(layers.tensors)
    rest = [name for name in file.shapes if name not in taken]
    initial = _initial_states(file, layers, rest, wanted.initial_state)
    rest = [name for name in rest if name not in initial.values()]
    embedding, readout = _ends(file, layers, rest, symbolic, wanted)
    return Parts(embedding, readout, initial)


def _initial_states(
    file: TensorFile, layers: Layers, rest: list[str], given: Sequence[str]
) -> dict[str, str]:
    """Return the names of learnt initial states: those that are given, or all that fit."""
    places = layers.levels * layers.directions
    sizes = {"h0": layers.size} | ({"c0": layers.units} if layers.cell == "lstm" else {})
    if len(given) > len(sizes):
        raise file.refusal(
            f"{len(given)} initial states are given; allowed: {' and '.join(sizes)} of an "
            f"nn.{layers.cell.upper()}"
        )
    for (state, size), name in zip(sizes.items(), given, strict=False):
        if name not in file.shapes:
            raise file.refusal(f"there is no tensor '{name}'{nearest(name, file.shapes)}")
        if not _fits_state(file.shapes[name], places, size):
            raise file.refusal(
                f"the initial state {name} has the shape {file.shapes[name]}; allowed: "
                f"{places * size} numbers for {state}, one for each unit of every layer and "
                f"direction, ({places}, 1, {size})"
            )
    if given:
        return dict(zip(sizes, given, strict=False))
    found = {}
    for state, size in sizes.items():
        names = [
            name
            for name in rest
            if LEARNT[state].fullmatch(name.rpartition(".")[2])
            and _fits_state(file.shapes[name], places, size)
        ]
        if len(names) > 1:
            raise file.refusal(
                f"{listed(names)} all fit as the initial state {state}: name the one with "
                "--initial-state, and say with --ignore that the others take no part"
            )
        if names:
            found[state] = names[0]
    return found


def _fits_state(shape: tuple[int, ...], places: int, size: int) -> bool:
    """Tell whether a tensor is one state for every layer and direction, their units last."""
    return prod(shape) == places * size and (places == 1 or shape[-1] in (size, places * size))


def _ends(
    file: TensorFile, layers: Layers, rest: list[str], symbolic: bool, wanted: Wanted
) -> tuple[str | None, Readout]:
    """Return the embedding, None if there is none, and the read-out: the only pair that fits."""
    modules = {
        name.removesuffix(".weight"): file.shapes[name]
        for name in rest
        if name.endswith(".weight") and len(file.shapes[name]) == 2
    }
    embeddings = [None]
    if symbolic and wanted.embedding != NONE:
        embeddings = _fitting(file, "embedding", wanted.embedding, modules, layers.width)
        if wanted.embedding is None:
            embeddings = [
                None,
                *(name for name in embeddings if f"{name}.bias" not in file.shapes),
            ]
    readouts = _readouts(file, layers, rest, modules, wanted.readout)
    if not readouts:
        linear = [name for name in modules if f"{name}.bias" in file.shapes]
        raise file.refusal(
            f"there is no read-out: no name ends in .weight whose shape is (V, {layers.outputs})"
            + (f"; a head of several maps ({listed(linear)}) is not read: {LIVE}" * bool(linear))
        )
    pairs = [
        pair for pair in product(embeddings, readouts) if _go_together(*pair, wanted, symbolic)
    ]
    if not pairs:
        raise file.refusal(
            f"{wanted.embedding or wanted.readout} would be both embedding and read-out; if they "
            "are tied, name it with both, --embedding and --readout"
        )
    left = [[name for name in rest if name not in _tensors(*pair)] for pair in pairs]
    fewest = min(map(len, left))
    best = [pair for pair, over in zip(pairs, left, strict=True) if len(over) == fewest]
    _ask_which(file, best)
    if fewest:
        _refuse_rest(file, left[pairs.index(best[0])], best[0], wanted)
    if len(best) > 1:
        name = best[0][1].name
        raise file.refusal(
            f"{name} fits as the read-out of a net without an embedding (say --embedding {NONE}), "
            f"and as embedding and read-out that are tied (say --embedding {name} --readout {name})"
        )
    return best[0]


def _go_together(embedding: str | None, readout: Readout, wanted: Wanted, symbolic: bool) -> bool:
    """Tell whether an embedding and a read-out may be in one net: a matrix in both is tied."""
    owner = readout.weight.removesuffix(".weight")
    if readout.tied_to is not None:  # vectors have been embedded before
        return embedding == owner or not symbolic
    if embedding != owner:
        return True
    # The same module twice: it has no bias of its own, or the user has said so.
    return readout.bias is None or wanted.embedding == wanted.readout == owner


def _ask_which(file: TensorFile, best: list) -> None:
    """Ask which of several modules is meant."""
    for part, names in (
        ("readout", {readout.name for _, readout in best}),
        ("embedding", {embedding for embedding, _ in best} - {None}),
    ):
        if len(names) > 1:
            raise file.refusal(
                f"{listed(sorted(names))} all fit as the {part}: name the one with --{part}; what "
                "takes no part is named with --ignore"
            )


def _refuse_rest(file: TensorFile, rest: list[str], best: tuple, wanted: Wanted) -> None:
    """Say which tensors would take no part in the best way, and what to do about each."""
    said = f"{listed(rest)} would take no part in a net of "
    parts = ["recurrent layers", f"read-out {best[1].name}"]
    if best[0]:
        parts.insert(0, f"embedding {best[0]}")
    said += f"{', '.join(parts[:-1])} and {parts[-1]}; "
    biases = [name for name in rest if name.endswith(".bias")]
    for bias in biases:
        owner = bias.removesuffix(".bias")
        if wanted.readout not in (None, owner) and f"{owner}.weight" not in file.shapes:
            said += f"if {bias} is the bias of the tied read-out, say --readout {owner}; "
    if any(STATE_LIKE.match(name.rpartition(".")[2]) for name in rest):
        said += "an initial state is named with --initial-state NAME; "
    ignoring = " ".join(f"--ignore {name}" for name in rest[:3]) + " ..." * (len(rest) > 3)
    raise file.refusal(
        f"{said}if it is meant that they take no part, say so with {ignoring}; if they do (a norm, "
        f"attention, a head of several maps), {LIVE}"
    )


def _fitting(
    file: TensorFile, part: str, given: str | None, modules: dict, columns: int
) -> list[str]:
    """Return the modules whose weight has so many columns, or the given one if it has."""
    if given is None:
        return [name for name, shape in modules.items() if shape[1] == columns]
    name = _called(file, part, given, modules)
    if modules[name][1] != columns:
        raise file.refusal(
            f"the {part} {name} has the shape {modules[name]}; allowed: {columns} columns"
        )
    return [name]


def _called(file: TensorFile, part: str, given: str, modules: Iterable[str]) -> str:
    """Return the module of a name; what comes before it may be left out where that is clear."""
    modules = list(modules)
    if given in modules:
        return given
    ending = [name for name in modules if name.endswith(f".{given}")]
    if len(ending) == 1:
        return ending[0]
    raise file.refusal(
        f"there is no {part} '{given}'; allowed: {listed(ending or modules)}"
        f"{nearest(given, modules)}"
    )


def _readouts(
    file: TensorFile, layers: Layers, rest: list[str], modules: dict, given: str | None
) -> list[Readout]:
    """Return what may be the read-out: a linear map, or a bias whose matrix is the embedding's."""
    tied = [
        Readout(name.removesuffix(".bias"), f"{module}.weight", name)
        for name in rest
        if name.endswith(".bias") and f"{name.removesuffix('.bias')}.weight" not in file.shapes
        for module, shape in modules.items()
        if file.shapes[name] == shape[:1] and shape[1] == layers.outputs
    ]
    biases = [readout for readout in tied if given is not None and _ends_in(readout.name, given)]
    if biases:
        return biases
    own = []
    for name in _fitting(file, "readout", given, modules, layers.outputs):
        bias = f"{name}.bias" if f"{name}.bias" in rest else None
        if bias and file.shapes[bias] != modules[name][:1]:
            raise file.refusal(
                f"{bias} has the shape {file.shapes[bias]}; allowed: {modules[name][:1]}"
            )
        own.append(Readout(name, f"{name}.weight", bias))
    return own if given is not None else own + tied


def _ends_in(name: str, given: str) -> bool:
    return name == given or name.endswith(f".{given}")


def _tensors(embedding: str | None, readout: Readout) -> set[str]:
    """Return the tensors of both."""
    own = {readout.weight, readout.bias, f"{embedding}.weight" if embedding else None}
    return own - {None}


def listed(names: Iterable[str]) -> str:
    """List names, the first few of very many."""
    names = list(names)
    return ", ".join(names[:8]) + (", ..." if len(names) > 8 else "")
