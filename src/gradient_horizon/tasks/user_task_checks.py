"""What is wrong with the user's own tasks, found before any job starts.

The task is prepared as its job would, and what it says is held against what it gives.
"""

import json
from collections.abc import Iterable, Mapping

import numpy as np
from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError

from ..ground.imports import GUESS, SEPARATOR, UserCodeError, calling
from ..ground.names import nearest
from ..networks.losses import LOSSES
from . import TASKS
from .task import Prepared, Task

NEEDED = ("input_size", "output_size", "embedded", "loss", "baselines", "chance_accuracy")
PARTS = ("evaluation", "probe")
KINDS = ("inputs", "targets")


def problem(name: str, given: tuple[dict, dict, dict] | None) -> str | None:
    """Say what is wrong with `module:name`, and what is allowed; None if nothing is.

    Parameters
    ----------
    name : as the configuration has it.
    given : the experiment's `task`, what `config.grid.task_settings` makes of it, and the
        experiment; None where that is wrong, and the task is only imported.
    """
    try:
        task = _task(name)
        if given is None:
            return None
        options, settings, experiment = given
        with calling("problems"):
            mistakes = list(task.problems(options, experiment))
            pairs = all(isinstance(part, str) for key, text in mistakes for part in (key, text))
        if not pairs:
            raise UserCodeError(
                "problems yields something else than a key and a text; allowed: both"
            )
        if not mistakes:
            with calling("the task"):
                check(task, options, settings, experiment["training"]["batch_size"])
    except UserCodeError as error:
        message = str(error)
        if GUESS not in message:
            message += nearest(name.strip(SEPARATOR), TASKS)
        return message
    return None


def options_of(name: object) -> Mapping | None:
    """Return the options of a task; None where there is no such task, or it is wrong."""
    if name in TASKS:
        return TASKS[name].OPTIONS
    try:
        return _task(name).OPTIONS if isinstance(name, str) and SEPARATOR in name else None
    except UserCodeError:
        return None


def _task(name: str) -> Task:
    """Import a task of the user's.

    Raises
    ------
    UserCodeError : there is none, or its options are no JSON Schemas.
    """
    with calling("the module"):
        task = TASKS[name]
    if not isinstance(task, Task):
        raise UserCodeError(
            f"{name.partition(SEPARATOR)[2]} is no task; allowed: a class, or an object of one, "
            "that is made from `gradient_horizon.tasks.Task`"
        )
    for key, part in dict(task.OPTIONS).items():
        told = isinstance(part, dict) and isinstance(part.get("description"), str)
        if not told or not part.keys() & {"type", "enum", "anyOf"} or key == "name":
            raise UserCodeError(
                f"OPTIONS has {key!r}: {part!r}; allowed: another key than `name`, with a JSON "
                "Schema that has a type and a description"
            )
        try:
            Draft202012Validator.check_schema(part)
        except SchemaError as error:
            raise UserCodeError(
                f"OPTIONS has for {key!r} what is no JSON Schema: {error.message}; allowed: one"
            ) from error
    return task


def check(task: Task, options: dict, settings: dict, batch_size: int) -> None:
    """Refuse a task whose data cannot be used.

    Raises
    ------
    UserCodeError : what is wrong, and what is allowed.
    """
    with calling("prepare"):
        prepared = task.prepare(options, settings)
    if not isinstance(prepared, Prepared):
        raise UserCodeError(
            f"prepare returns {type(prepared).__name__}; allowed: `gradient_horizon.tasks.Prepared`"
        )
    facts, arrays = prepared.facts, prepared.arrays
    _check_facts(facts, options)
    for name, array in arrays.items():
        if not isinstance(array, np.ndarray) or array.dtype.hasobject:
            raise UserCodeError(f"{name} is no array of numbers; allowed: a NumPy array of numbers")
    mask = arrays.get("loss_mask", np.zeros(0))
    if mask.dtype.kind != "b" or mask.ndim != 1 or not mask.any():
        raise UserCodeError(
            "the array loss_mask is none of steps; allowed: (T,) bool, true at one step or more"
        )
    for part in PARTS:
        _check_pair(part + "_", (arrays.get(f"{part}_{kind}") for kind in KINDS), mask, facts)
    size = settings["measurement"]["probe_batch"]
    if arrays["probe_inputs"].shape[1] != size:
        raise UserCodeError(
            f"probe_inputs has {arrays['probe_inputs'].shape[1]} sequences; allowed: {size}, as "
            "`measurement` says"
        )
    _check_batches(task, options, prepared, batch_size)


def _check_facts(facts: dict, options: dict) -> None:
    """Refuse facts that are missing or that no task can have."""
    missing = [name for name in NEEDED if name not in facts]
    if "sequence_length" not in {**options, **facts}:
        missing.append("sequence_length")
    if missing:
        raise UserCodeError(f"facts lack {', '.join(missing)}; allowed: they are there")
    try:
        json.dumps(facts)
    except (TypeError, ValueError) as error:
        raise UserCodeError(f"facts cannot be written: {error}; allowed: what JSON has") from error
    loss = facts["loss"]
    if loss not in LOSSES:
        raise UserCodeError(
            f"the loss {loss!r} is not known; allowed: {', '.join(LOSSES)}{nearest(loss, LOSSES)}"
        )
    baselines = facts["baselines"]
    rules = {
        "input_size": (_is_count(facts["input_size"]), "a whole number above 0"),
        "output_size": (_is_count(facts["output_size"]), "a whole number above 0"),
        "embedded": (isinstance(facts["embedded"], bool), "true or false"),
        "chance_accuracy": (_is_number(facts["chance_accuracy"]), "a number from 0 to 1"),
        "baselines": (
            isinstance(baselines, dict) and baselines and all(map(_is_number, baselines.values())),
            "one loss or more, each by the name of who has it",
        ),
        "tolerance": (
            LOSSES[loss].of_classes or _is_number(facts.get("tolerance")),
            "a number, as answers are numbers",
        ),
    }
    for name, (right, allowed) in rules.items():
        if not right:
            raise UserCodeError(f"the fact {name} is {facts.get(name)!r}; allowed: {allowed}")


def _check_pair(where: str, pair: Iterable, mask: np.ndarray, facts: dict, sequences=None) -> None:
    """Refuse inputs and targets that nets cannot read or give."""
    inputs, targets = pair
    of_classes = LOSSES[facts["loss"]].of_classes
    symbols = "iu" if facts["embedded"] else "iuf"
    _check_values(f"{where}inputs", inputs, len(mask), facts["input_size"], symbols, sequences)
    if inputs.dtype.kind == "f" and not _is_number(facts.get("input_squared_norm")):
        raise UserCodeError(
            f"the fact input_squared_norm is {facts.get('input_squared_norm')!r}; allowed: the "
            "mean of the squared norms of the inputs, which are vectors"
        )
    # Targets where nothing is asked for are never looked at.
    if np.shape(targets)[:1] == mask.shape:
        targets = targets[mask]
    _check_values(
        f"{where}targets",
        targets,
        mask.sum(),
        facts["output_size"],
        "iu" if of_classes else "f",
        sequences,
    )


def _check_values(name: str, values, steps: int, size: int, kinds: str, sequences=None) -> None:
    """Refuse what is neither integers below `size` nor vectors of that length."""
    shape = np.shape(values)
    count = sequences or (shape[1] if len(shape) > 1 else 0)
    kind = values.dtype.kind if isinstance(values, np.ndarray) else ""
    if not kind:
        told = "missing" if values is None else type(values).__name__
    elif kind not in kinds or not count or shape != (steps, count, size)[: 2 + (kind == "f")]:
        told = f"{values.dtype} of the shape {shape}"
    elif kind == "f" and not np.isfinite(values).all():
        told = "not finite"
    elif kind != "f" and not ((values >= 0) & (values < size)).all():
        told = f"from {values.min()} to {values.max()}"
    else:
        return
    count = sequences or "S"
    allowed = {
        "i": f"({steps}, {count}) integers from 0 to {size - 1}",
        "f": f"({steps}, {count}, {size}) finite floats",
    }
    raise UserCodeError(
        f"{name} are {told}; allowed: "
        + ", or ".join(text for letter, text in allowed.items() if letter in kinds)
    )


def _check_batches(task: Task, options: dict, prepared: Prepared, batch_size: int) -> None:
    """Refuse batches of another kind than what is measured, or that are not those of their seed."""
    drawn = []
    for _ in range(2):
        with calling("batches"):
            stream = iter(
                task.batches(options, prepared.data(), batch_size, np.random.default_rng(0))
            )
            drawn.append([next(stream, None) for _ in range(2)])
    if any(batch is None for batches in drawn for batch in batches):
        raise UserCodeError("batches come to an end; allowed: an endless iterator")
    for pair in drawn[0]:
        mask = prepared.arrays["loss_mask"]
        _check_pair("a batch's ", pair, mask, prepared.facts, batch_size)
        for name, values in zip(KINDS, pair, strict=True):
            if (values.dtype.kind == "f") != (prepared.arrays[f"probe_{name}"].dtype.kind == "f"):
                raise UserCodeError(
                    f"a batch's {name} are {values.dtype}, the probe's are not; allowed: alike"
                )
    same = all(
        np.array_equal(one, other)
        for pair in zip(*drawn, strict=True)
        for one, other in zip(*pair, strict=True)
    )
    if not same:
        raise UserCodeError(
            "batches of the same generator differ from one time to the next; allowed: all that is "
            "random is taken from `rng`"
        )


def _is_count(value) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _is_number(value) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and np.isfinite(value)
