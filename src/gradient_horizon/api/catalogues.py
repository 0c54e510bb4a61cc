"""The registered cells, activations and tasks, to look at and to choose from."""

from collections.abc import Callable, Iterator, Mapping

from .. import tasks
from ..ground.imports import UserCodeError
from ..ground.registry import UnknownNameError
from ..networks import activations, cells


class Catalogue(Mapping):
    """Registered names and what they stand for.

    Parameters
    ----------
    kind : what they are, in the singular.
    registry : what there is, by name.
    describe : says in a line what one of them is.
    needed : the attributes of what is used in place of one that is registered.
    allowed : what that may be, in words.

    Examples
    --------
    >>> import gradient_horizon as gh
    >>> gh.ACTIVATIONS
    sigmoid     slope up to 0.25, values up to 1
    tanh        slope up to 1, values up to 1
    ...
    >>> "lstm" in gh.CELLS
    True
    >>> gh.TASKS["adding"].OPTIONS["sequence_length"]["default"]
    40
    """

    def __init__(
        self,
        kind: str,
        registry: Mapping,
        describe: Callable[[object], str],
        needed: tuple[str, ...],
        allowed: str,
    ):
        self.kind, self._registry, self._describe = kind, registry, describe
        self._needed, self._allowed = needed, allowed

    def __getitem__(self, name: str):
        """Return what a name stands for."""
        return self._registry[name]

    def __contains__(self, name: object) -> bool:
        """Tell whether a name is registered."""
        return name in self._registry

    def __iter__(self) -> Iterator[str]:
        """Go through the names."""
        return iter(self._registry)

    def __len__(self) -> int:
        """Count them."""
        return len(self._registry)

    def __repr__(self) -> str:
        """List them, a line each."""
        width = max(map(len, self)) + 2
        return "\n".join(f"{name:{width}}{self._describe(self[name])}" for name in self)

    def find(self, part) -> tuple[str, object]:
        """Return the name of a part and the part itself, given either of the two.

        A class of one's own is made an object.

        Raises
        ------
        ValueError : a name stands for nothing.
        TypeError : what is no name is not what such a part has to be.
        """
        if isinstance(part, str):
            return part, self._named(part)
        name = self.key(part)
        if name is not part:
            return name, part
        missing = [name for name in self._needed if not hasattr(part, name)]
        if missing:
            raise TypeError(
                f"{self.kind}: {called(part)} has no {missing[0]}; allowed: {self._allowed}"
            )
        return called(part), part() if isinstance(part, type) else part

    def key(self, part):
        """Return the name of what is registered, or what is not: what settings hold."""
        return next((name for name, own in self._registry.items() if own is part), part)

    def _named(self, name: str):
        """Return what a name stands for, or say which names there are."""
        try:
            return self._registry[name]
        except (UnknownNameError, UserCodeError) as error:
            raise ValueError(f"{self.kind}: {error}") from None


def called(part) -> str:
    """Name what is not registered: a function, module, class or object of the user's."""
    name = getattr(part, "label", None) or getattr(part, "__name__", None) or type(part).__name__
    return name.rpartition(".")[2].strip("<>")


def _first_line(module) -> str:
    return (module.__doc__ or "").partition("\n")[0]


def _bounds(phi: activations.Activation) -> str:
    height = "any value" if phi.value_bound == float("inf") else f"values up to {phi.value_bound:g}"
    return f"slope up to {phi.slope_bound:.4g}, {height}"


ACTIVATIONS = Catalogue(
    "activation",
    activations.ACTIVATIONS,
    _bounds,
    ("slope_bound", "value_bound", "homogeneous"),
    "a registered name, or gh.Activation(function, its derivative)",
)
CELLS = Catalogue(
    "cell",
    cells.CELLS,
    _first_line,
    cells.NEEDED,
    "a registered name, or an object of a class that derives from gh.Cell",
)
TASKS = Catalogue(
    "task",
    tasks.TASKS,
    _first_line,
    tasks.NEEDED,
    "a registered name, a function draw(count, rng), arrays (inputs, targets), or an object of a "
    "class that derives from gradient_horizon.tasks.Task",
)
