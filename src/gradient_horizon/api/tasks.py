"""What nets learn: a registered task, arrays, or a task of the user's own."""

import math
from collections.abc import Mapping
from types import FunctionType

from ..ground.names import nearest
from . import arguments
from .catalogues import TASKS, called
from .own_tasks import ArraysTask, DrawnTask
from .sequences import array, sequences

COUNT = {"type": ["integer", "null"], "minimum": 1, "default": None}


class Task:
    """A task with its options.

    Attributes
    ----------
    name : what it is called; its random streams belong to this name.
    source : the module of a registered task, or an object that has the same.
    options : completed.
    """

    def __init__(self, name: str, source, options: Mapping):
        self.name, self.source, self.options = name, source, dict(options)

    def __repr__(self) -> str:
        """Name the task and its options."""
        chosen = "".join(f", {name}={value!r}" for name, value in self.options.items())
        return f"task({self.name!r}{chosen})"

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
        - arrays of your own, `(inputs, targets)` or `(inputs, targets, loss_mask)`, or a mapping
          with these names: inputs are symbols, (T, S) int, or vectors, (T, S, D) float; targets
          are classes, (T, S) int, or numbers, (T, S, O) float; loss_mask, (T,) bool, says which
          steps have a target, all if left out;
        - a function `draw(count, rng)` that draws `count` sequences from a NumPy generator and
          returns inputs and targets, arrays as above;
        - an object of a class that derives from `gradient_horizon.tasks.Task`.
    options : of a registered task its own, such as `lag`.  Of arrays `held_out`, the part that no
        net is trained on (0.1), and `shuffle`, whether the sequences are shuffled before (True).
        Of a function `loss_mask`, and `symbols` and `classes`, how many there are, if its first 500
        sequences do not show all.  Of both `loss`, and `tolerance`, how near to its target a number
        has to be to count as right (0.04).

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
    >>> gh.task("delayed_echo", lagg=5)
    Traceback (most recent call last):
    ...
    TypeError: task: there is no option 'lagg'; allowed: sequence_length, lag, symbols; did you ...

    A task of one's own: after twenty symbols the first of them is asked for.

    >>> import numpy as np
    >>> def recall(count, rng):
    ...     symbols = rng.integers(0, 3, (20, count))
    ...     return symbols, np.broadcast_to(symbols[:1], symbols.shape)
    >>> gh.train(gh.task(recall, loss_mask=np.arange(20) == 19), steps=2, seeds=1).net()
    <net of 32 rnn units (tanh) with 3 outputs>
    """
    if isinstance(what, Task):
        if options:
            raise TypeError(f"task: {what!r} has its options; allowed: a name with options")
        return what
    if isinstance(what, FunctionType):
        return _of_function(what, options)
    if isinstance(what, Mapping | tuple | list):
        options = _completed(options, ArraysTask.OPTIONS)
        return Task("arrays", ArraysTask(sequences(what)), options)
    name, source = TASKS.find(what)
    return Task(name, source, _completed(options, source.OPTIONS))


def _of_function(draw: FunctionType, options: dict) -> Task:
    """Make a task of a function that draws sequences."""
    loss_mask = options.pop("loss_mask", None)
    if loss_mask is not None:
        loss_mask = array("loss_mask", loss_mask)
    allowed = {"symbols": COUNT, "classes": COUNT, **DrawnTask.OPTIONS}
    options = _completed(options, allowed, "loss_mask")
    sizes = {name: options.pop(name) for name in ("symbols", "classes")}
    return Task(called(draw), DrawnTask(draw, loss_mask, **sizes), options)


def _completed(options: Mapping, allowed: Mapping[str, Mapping], *others: str) -> dict:
    """Check the options of a task, and add the defaults of what was left out."""
    names = [*others, *allowed]
    for name in options:
        if name not in allowed:
            raise TypeError(
                f"task: there is no option '{name}'; allowed: {', '.join(names) or 'none'}"
                f"{nearest(name, names)}"
            )
    defaults = {name: part["default"] for name, part in allowed.items() if "default" in part}
    for name in allowed:
        if name not in options and name not in defaults:
            raise TypeError(f"task: the option '{name}' is missing")
    return arguments.checked(defaults | dict(options), allowed)
