"""The recurrent layers in a file of weights, known by the names and shapes that PyTorch gives them.

`weight_hh_l0` and the like belong to nn.RNN, nn.GRU and nn.LSTM of any depth, in one direction or
two, projected or not; `weight_hh` without a layer to a cell, which is the same as one layer.
"""

import re
from dataclasses import dataclass

from ..ground.names import nearest
from .tensor_file import TensorFile

# Rows of a gate's weights, in units: of nn.RNN, nn.GRU, nn.LSTM.
CELLS = {1: "rnn", 3: "gru", 4: "lstm"}
TENSOR = re.compile(r"(.*?)((?:weight|bias)_(?:ih|hh)|weight_hr)(?:_l(\d+)(_reverse)?)?", re.DOTALL)
NEEDED, BIASES, PROJECTION = ("weight_ih", "weight_hh"), ("bias_ih", "bias_hh"), "weight_hr"
LIVE = "measure the model live, where PyTorch is: gh.live.measure(model, inputs, targets, loss=...)"

# A layer and one of its directions.
Place = tuple[int, int]


@dataclass(frozen=True)
class Layers:
    """The recurrent part of a net.

    Attributes
    ----------
    prefix : what comes before `weight_hh_l0` in the names.
    cell : rnn, gru or lstm.
    names : by place, the tensors in the file by their name in the cell, such as `weight_hh`.
    width : D, the length of what the lowest layer reads.
    units : N, of every layer.
    size : H, the length of what a layer gives in one direction: N, or less where projected.
    """

    prefix: str
    cell: str
    names: dict[Place, dict[str, str]]
    width: int
    units: int
    size: int

    @property
    def name(self) -> str:
        """The module's name in the net; empty where it is the net itself."""
        return self.prefix.rstrip(".")

    @property
    def levels(self) -> int:
        """How many layers are above one another."""
        return 1 + max(level for level, _ in self.names)

    @property
    def directions(self) -> int:
        """1 or 2."""
        return 1 + max(direction for _, direction in self.names)

    @property
    def projected(self) -> bool:
        """Whether what an LSTM gives is projected."""
        return self.size != self.units or PROJECTION in self.names[0, 0]

    @property
    def outputs(self) -> int:
        """The length of what the top layer gives."""
        return self.size * self.directions

    @property
    def tensors(self) -> list[str]:
        """All names in the file."""
        return [name for own in self.names.values() for name in own.values()]

    def __str__(self) -> str:
        """Describe them in words: `nn.LSTM, 2 layers, both directions`."""
        words = [f"nn.{self.cell.upper()}"]
        if self.levels > 1:
            words.append(f"{self.levels} layers")
        if self.directions > 1:
            words.append("both directions")
        if self.projected:
            words.append(f"projected to {self.size}")
        return ", ".join(words)


def find(file: TensorFile) -> Layers:
    """Find the one recurrent module of a file.

    Raises
    ------
    files.FileError : there is none, or several, or its tensors do not go together.
    """
    modules: dict[str, dict[Place, dict[str, str]]] = {}
    for name in file.shapes:
        if match := TENSOR.fullmatch(name):
            prefix, weight, level, reverse = match.groups()
            place = int(level or 0), int(bool(reverse))
            modules.setdefault(prefix, {}).setdefault(place, {})[weight] = name
    modules = {prefix: own for prefix, own in modules.items() if _recurrent(own)}
    if not modules:
        raise file.refusal(
            "there is no recurrent layer: no name ends in weight_hh_l0, or in weight_hh of a cell"
            f"{nearest('weight_hh_l0', file.shapes)}; a cell of your own is measured live: "
            'gh.live.measure(model, closure, cells=["name.of.the.cell"])'
        )
    if len(modules) > 1:
        names = ", ".join(prefix.rstrip(".") or "the net itself" for prefix in modules)
        raise file.refusal(
            f"there are {len(modules)} recurrent modules, {names}; how they are put together does "
            f"not show in a file; allowed: one (--ignore NAME, of one that takes no part); {LIVE}"
        )
    [(prefix, names)] = modules.items()
    names = dict(sorted(names.items()))
    _check_complete(file, prefix, names)
    return _checked(file, prefix, names)


def _recurrent(names: dict[Place, dict[str, str]]) -> bool:
    """Tell a recurrent module from a lone tensor of some other kind, such as `bias_hh`."""
    return any(weight in NEEDED for own in names.values() for weight in own)


def _check_complete(file: TensorFile, prefix: str, names: dict) -> None:
    """Refuse a module of which a weight is not there."""
    levels = 1 + max(level for level, _ in names)
    directions = 1 + max(direction for _, direction in names)
    is_cell = any(name.endswith(NEEDED) for own in names.values() for name in own.values())
    for level in range(levels):
        for direction in range(directions):
            for weight in NEEDED:
                if weight not in names.get((level, direction), {}):
                    ending = "" if is_cell else f"_l{level}{'_reverse' * direction}"
                    raise file.refusal(f"{prefix}{weight}{ending} is missing")


def _checked(file: TensorFile, prefix: str, names: dict) -> Layers:
    """Check all shapes against those of the first weight_hh."""
    first = names[0, 0]
    shape = file.shapes[first["weight_hh"]]
    projection = file.shapes.get(first.get(PROJECTION, ""))
    units = projection[1] if projection and len(projection) == 2 else shape[-1]
    gates = shape[0] / units if len(shape) == 2 and units else 0
    if gates not in CELLS or (projection is not None and gates != 4):
        raise file.refusal(
            f"{first['weight_hh']} has the shape {shape}; allowed: (N, N), (3 N, N) or (4 N, N)"
        )
    rows, size = shape
    width = file.shapes[first["weight_ih"]][-1:] or (0,)
    layers = Layers(prefix, CELLS[gates], names, width[0], units, size)
    for (level, _), own in names.items():
        read = width[0] if level == 0 else layers.outputs
        expected = {
            "weight_ih": (rows, read),
            "weight_hh": (rows, size),
            **dict.fromkeys(BIASES, (rows,)),
            PROJECTION: (size, units),
        }
        if projection is not None and PROJECTION not in own:
            raise file.refusal(f"{own['weight_hh'].replace('_hh', '_hr')} is missing")
        for weight, name in own.items():
            if file.shapes[name] != expected[weight]:
                raise file.refusal(
                    f"{name} has the shape {file.shapes[name]}; allowed: {expected[weight]}, as "
                    f"{first['weight_hh']} of {shape} has it"
                )
    return layers
