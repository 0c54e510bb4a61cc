"""What nets learn: a registered task, the user's own arrays, or a task of the user's own."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import FunctionType

import numpy as np

from ..ground import user_arrays
from ..ground.names import nearest
from ..ground.user_arrays import Sequences
from ..tasks import TOLERANCE, Prepared, arrays, synthetic
from . import arguments
from .catalogues import TASKS, called

ARRAYS = ("inputs", "targets", "loss_mask")


class Task:
    """A task with its options.

    Parameters
    ----------
    name : what it is called; its random streams belong to this name.
    source : what has `prepare` and `batches` as a module of `tasks` has.
    options : completed.
    """

    def __init__(self, name: str, source, options: Mapping):
        self.name, self.source, self.options = name, source, dict(options)

    def __repr__(self) -> str:
        """Name the task and its options."""
        options = "".join(f", {name}={value!r}" for name, value in self.options.items())
        return f"task({self.name!r}{options})"

    def sizes(self) -> tuple[float, float]:
        """Count the sequences that there are to train on, and those held out; inf of no end."""
        own = getattr(self.source, "sizes", None)
        return own(self.options) if own else (math.inf, math.inf)


def task(what, **options) -> Task:
    """Choose what nets learn.

    Parameters
    ----------
    what : one of

        - the name of a registered task, one of `gh.TASKS`;
        - a function `draw(count, rng)` that draws `count` sequences from a NumPy generator and
          returns inputs and targets, time first, as arrays of your own are;
        - arrays of your own, `(inputs, targets)` or `(inputs, targets, loss_mask)`, or a mapping
          with these names: inputs are symbols, (T, S) int, or vectors, (T, S, D) float; targets
          are classes, (T, S) int, or numbers, (T, S, O) float; loss_mask, (T,) bool, says which
          steps have a target, all if left out;
        - an object that has `prepare` and `batches`, as the modules of registered tasks have them.
    options : of a registered task its own options, such as `lag`; of a function `loss_mask`,
        `symbols` and `classes`, how many there are, if the first 500 sequences do not show all, and
        `tolerance`, how near a number has to be to count as right; of arrays `held_out`, the part
        that no net is trained on (0.1), `shuffle`, whether the sequences are shuffled before
        (True), and `tolerance`.

    Returns
    -------
    What `gh.train` takes as its first argument; without options it takes `what` itself.

    Raises
    ------
    ValueError : a name is not known, a value not possible, or arrays do not fit together.
    TypeError : something is of a type that is not possible.

    Examples
    --------
    >>> import gradient_horizon as gh
    >>> gh.task("delayed_echo", lag=5)
    task('delayed_echo', sequence_length=40, lag=5, symbols=4)
    >>> gh.task("delayed_eco")
    Traceback (most recent call last):
    ...
    ValueError: task: 'delayed_eco' is not known; ...; did you mean 'delayed_echo'?

    A task of one's own, whose answer is the first of all symbols:

    >>> import numpy as np
    >>> def recall(count, rng):
    ...     symbols = rng.integers(0, 3, (20, count))
    ...     return symbols, np.broadcast_to(symbols[:1], symbols.shape)
    >>> gh.task(recall, loss_mask=np.arange(20) == 19).name
    'recall'
    """
    if isinstance(what, Task):
        if options:
            raise TypeError(f"task: {what!r} has its options; allowed: a name with options")
        return what
    if isinstance(what, FunctionType):
        return _of_function(what, **options)
    if isinstance(what, Mapping | tuple | list):
        return _of_arrays(what, options)
    name, source = TASKS.find(what)
    return Task(name, source, _completed(options, getattr(source, "OPTIONS", {})))


def _completed(options: Mapping, allowed: Mapping[str, Mapping]) -> dict:
    """Check the options of a task, and add the defaults of what was left out."""
    for name in options:
        if name not in allowed:
            raise TypeError(
                f"task: there is no option '{name}'; allowed: {', '.join(allowed) or 'none'}"
                f"{nearest(name, allowed)}"
            )
    defaults = {name: part["default"] for name, part in allowed.items() if "default" in part}
    for name in allowed:
        if name not in options and name not in defaults:
            raise TypeError(f"task: the option '{name}' is missing")
    return arguments.checked(defaults | options, allowed)


def _of_function(draw: Callable, **options) -> Task:
    """Make a task of a function that draws sequences."""
    allowed = ("loss_mask", "symbols", "classes", "tolerance")
    for name in options:
        if name not in allowed:
            raise TypeError(
                f"task: there is no option '{name}' of a function; allowed: {', '.join(allowed)}"
                f"{nearest(name, allowed)}"
            )
    return Task(called(draw), DrawnTask(draw, **options), {})


def _of_arrays(given, options: Mapping) -> Task:
    """Make a task of arrays."""
    allowed = {name: part for name, part in arrays.OPTIONS.items() if name != "file"}
    sequences = user_arrays.checked(**named_arrays(given))
    arrays.check(sequences)
    return Task("arrays", ArraysTask(sequences), _completed(options, allowed))


def named_arrays(given) -> dict:
    """Return arrays by name, given so or in order.

    Raises
    ------
    TypeError : there are too few or too many, or one of another name.
    """
    if isinstance(given, Mapping):
        for name in given:
            if name not in ARRAYS:
                raise TypeError(
                    f"there is no place for '{name}'; allowed: {', '.join(ARRAYS)}"
                    f"{nearest(name, ARRAYS)}"
                )
        named = dict(given)
    elif isinstance(given, Sequence) and not isinstance(given, str | bytes):
        named = dict(zip(ARRAYS, given, strict=False))
        if len(given) > len(ARRAYS):
            raise TypeError(f"there are {len(given)} arrays; allowed: {', '.join(ARRAYS)}")
    else:
        raise TypeError(
            f"{type(given).__name__} holds no sequences; allowed: (inputs, targets) or "
            "(inputs, targets, loss_mask), or these arrays by name"
        )
    for name in ARRAYS[:2]:
        if name not in named:
            raise TypeError(f"{name} are missing; allowed: {', '.join(ARRAYS)}, the last if needed")
    return {
        name: None if values is None else arguments.array(name, values)
        for name, values in named.items()
    }


class ArraysTask:
    """The task `arrays` on arrays that are there, in no file.

    Parameters
    ----------
    sequences : checked.
    """

    def __init__(self, sequences: Sequences):
        self.sequences = sequences

    def sizes(self, options: Mapping) -> tuple[int, int]:
        """Count the sequences that are trained on and those held out."""
        sequences = self.sequences.inputs.shape[1]
        held_out = arrays.held_out_size(options, sequences)
        return sequences - held_out, held_out

    def problems(self, options: Mapping, settings: Mapping):
        """Yield batches that the sequences cannot fill."""
        return arrays.problems_of(self.sequences, options, settings)

    def prepare(self, options: Mapping, settings: Mapping) -> Prepared:
        """Split the sequences."""
        return arrays.split(self.sequences, options, settings)

    def batches(self, options, data, batch_size: int, rng) -> Iterator:
        """Yield the training part in ever new orders."""
        return arrays.batches(options, data, batch_size, rng)


class DrawnTask:
    """A task whose sequences a function draws, ever new ones.

    Parameters
    ----------
    function : `draw(count, rng)`, which returns inputs and targets of `count` sequences.
    loss_mask : (T,) bool; None where every step has a target.
    symbols, classes : how many there are of inputs and targets that are integers; None for as many
        as the first 500 sequences show.
    tolerance : how near to its target a number has to be to count as right.
    """

    def __init__(
        self,
        function: Callable,
        loss_mask=None,
        symbols: int | None = None,
        classes: int | None = None,
        tolerance: float = TOLERANCE,
    ):
        self.function, self.loss_mask = function, loss_mask
        self.sizes, self.tolerance = {"inputs": symbols, "targets": classes}, tolerance
        first = self._drawn(500, np.random.default_rng(0))
        self.loss_mask = first.loss_mask
        for name, values in (("inputs", first.inputs), ("targets", first.targets)):
            if values.dtype.kind == "f":
                self.sizes[name] = values.shape[2]
            elif self.sizes[name] is None:
                self.sizes[name] = int(values.max()) + 1
        self.squared_norm = 1.0
        if first.inputs.dtype.kind == "f":
            self.squared_norm = float(np.square(first.inputs).sum(axis=2).mean())

    def prepare(self, options: Mapping, settings: Mapping) -> Prepared:
        """Draw the probe and the evaluation sequences."""
        facts = {
            "input_size": self.sizes["inputs"],
            "output_size": self.sizes["targets"],
            "embedded": False,
            "input_squared_norm": self.squared_norm,
            "tolerance": self.tolerance,
        }
        return synthetic.prepare(self._drawn_pair, options, settings, self.loss_mask, facts)

    def batches(self, options, data, batch_size: int, rng) -> Iterator:
        """Yield fresh sequences for ever."""
        while True:
            yield self._drawn_pair(options, batch_size, rng)

    def _drawn_pair(self, options, count: int, rng) -> tuple[np.ndarray, np.ndarray]:
        """Draw inputs and targets, as tasks that draw do."""
        return self._drawn(count, rng)[:2]

    def _drawn(self, count: int, rng: np.random.Generator) -> Sequences:
        """Call the function, and check what it returns."""
        name = called(self.function)
        drawn = self.function(count, rng)
        if not isinstance(drawn, tuple) or len(drawn) != 2:
            raise TypeError(f"task: {name}(count, rng) is to return inputs and targets, two arrays")
        sequences = user_arrays.checked(**named_arrays((*drawn, self.loss_mask)))
        if sequences.inputs.shape[1] != count:
            raise ValueError(
                f"task: {name}({count}, rng) returns inputs {np.shape(drawn[0])}; allowed: "
                f"(T, {count}) or (T, {count}, D), time first"
            )
        for part, values in zip(self.sizes, sequences, strict=False):
            if values.dtype.kind != "f" and self.sizes[part] is not None:
                user_arrays.check_range(part, values, self.sizes[part])
        return sequences
