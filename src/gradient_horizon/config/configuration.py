"""The configuration: checked as a whole and completed with defaults.

The schema is `schema.yaml` beside this file; names that the library registers, and the
options of each task, are filled in here, so that a new cell or task is allowed once it exists.
"""

import copy
import math
from collections.abc import Container, Iterator, Mapping
from functools import cache
from pathlib import Path

import yaml
from jsonschema import Draft202012Validator

from ..ground import user_files
from ..ground.latex import macro_prefix
from ..networks.activations import ACTIVATIONS
from ..networks.cells import CELLS
from ..networks.initialisations import INITIALISATIONS
from ..published import PUBLISHED
from ..tasks import TASKS, user_task_checks
from ..training.optimisers import OPTIMISERS
from ..training.regulariser import REGULARISERS
from . import remedy_conflicts, user_code
from .grid import PLAIN, training_settings
from .messages import UNKNOWN_KEY, allowed, describe, key_path, types

SCHEMA_FILE = Path(__file__).with_name("schema.yaml")
REGISTRIES = {
    "activations": ACTIVATIONS,
    "cells": CELLS,
    "initialisations": INITIALISATIONS,
    "optimisers": OPTIMISERS,
    "published": PUBLISHED,
    "regularisers": REGULARISERS,
    "tasks": TASKS,
}
# Folders of results/ that hold what all experiments share.
RESERVED_NAMES = ("checkpoints", "figures", "paper", "tables")


class ConfigError(ValueError):
    """A configuration that cannot be run; `lines` says everything that is wrong with it."""

    def __init__(self, lines: list[str]):
        super().__init__("\n".join(lines))
        self.lines = lines


def resolve(config: dict) -> dict:
    """Check a configuration and complete it with the defaults.

    Parameters
    ----------
    config : as read from YAML; it is not changed. An experiment or a remedy that is null is left
        out.

    Returns
    -------
    The same, with every key that has a default, integers as int and other numbers as float.

    Raises
    ------
    ConfigError : one line for each thing that is wrong: the key's path, what was given, what is
        allowed and the nearest valid name.
    """
    try:
        config = _without_nulls(copy.deepcopy(config))
        schema = _schema_for(config)
        completed = _complete(schema, config)
        messages = _mistakes(schema, completed)
        for kind in ("cell", "task"):
            messages |= dict(user_code.problems(completed, messages, kind))
        # A key that nobody reads does not stand in the way of looking at those beside it.
        read = (keys for keys, text in messages.items() if not text.startswith(UNKNOWN_KEY))
        messages |= _contradictions(completed, {keys[:3] for keys in read})
        messages |= dict(user_code.problems(completed, messages, "activation"))
    except RecursionError:  # a YAML alias may stand inside what it is an alias of
        raise ConfigError(["the configuration contains itself, or is nested too deeply"]) from None
    if messages:
        lines = (f"{key_path(keys)}: {message}" for keys, message in messages.items())
        raise ConfigError(sorted(" ".join(line.splitlines()) for line in lines))
    return completed


def schema() -> dict:
    """Return the schema with the registered names filled in; a task's options are not in it.

    A remedy may have every key of `training` but the number of steps: what is compared is measured
    at the same checkpoints.
    """
    whole = _with_registries(_schema_file())
    sections = whole["properties"]["experiments"]["additionalProperties"]["properties"]
    remedy = sections["grid"]["properties"]["remedies"]["additionalProperties"]
    remedy["properties"] |= {
        key: {word: value for word, value in part.items() if word != "default"}
        for key, part in sections["training"]["properties"].items()
        if key != "steps"
    }
    return whole


@cache
def _schema_file() -> dict:
    """Return the schema as it is written."""
    with SCHEMA_FILE.open(encoding="utf-8") as file:
        return yaml.safe_load(file)


def _with_registries(part):
    """Turn every `registry` of the schema into the list of its names."""
    if isinstance(part, list):
        return [_with_registries(item) for item in part]
    if not isinstance(part, dict):
        return part
    part = {key: _with_registries(value) for key, value in part.items()}
    if isinstance(part.get("registry"), str):
        part["enum"] = list(REGISTRIES[part.pop("registry")])
    return part


def _without_nulls(config):
    """Leave out what is null among experiments, remedies and checkpoints.

    A configuration laid over another drops them so.
    """
    _drop_nulls(config, "experiments")
    _drop_nulls(config, "checkpoints")
    experiments = config.get("experiments") if isinstance(config, dict) else None
    for experiment in experiments.values() if isinstance(experiments, dict) else ():
        _drop_nulls(experiment.get("grid") if isinstance(experiment, dict) else None, "remedies")
    return config


def _drop_nulls(section, key: str) -> None:
    """Leave out what is null of the mapping at a key, if there is one."""
    if isinstance(section, dict) and isinstance(section.get(key), dict):
        section[key] = {
            name: value
            for name, value in section[key].items()
            if value not in (None, "null")  # the second is what `--config` makes of it
        }


def _schema_for(config) -> dict:
    """Give each experiment of `config` a schema of its own, with the options of its task.

    Experiments may be missing where there are nets of the user's own to measure.
    """
    whole = schema()
    part = whole["properties"]["experiments"]
    part["properties"] = {}
    if isinstance(config, dict) and config.get("checkpoints"):
        whole["required"], part["minProperties"], part["default"] = [], 0, {}
    experiments = config.get("experiments") if isinstance(config, dict) else None
    for name, experiment in experiments.items() if isinstance(experiments, dict) else ():
        task = experiment.get("task") if isinstance(experiment, dict) else None
        task_name = task.get("name") if isinstance(task, dict) else None
        options = user_task_checks.options_of(task_name)
        general = part["additionalProperties"]
        part["properties"][name] = general if options is None else _with_options(general, options)
    return whole


def _with_options(general: dict, options: Mapping) -> dict:
    """Return the schema of an experiment with the options of a task; the other parts are shared."""
    task = general["properties"]["task"]
    own = task | {
        "properties": task["properties"] | dict(options),
        "required": task["required"] + required_keys(options),
        "additionalProperties": False,
    }
    return general | {"properties": general["properties"] | {"task": own}}


def required_keys(options: dict) -> list[str]:
    """Return the options of a task that have no default."""
    return [key for key, part in options.items() if "default" not in part]


def _complete(part: dict, value):
    """Fill in defaults and turn text and whole numbers into the numbers that are asked for."""
    kinds = types(part)
    if value == "null" and "null" in kinds:
        return None
    if isinstance(value, str) and "string" not in kinds:
        value = _from_text(value, kinds)
    if isinstance(value, bool):
        return value
    if isinstance(value, float) and "integer" in kinds and value.is_integer():
        return int(value)
    if isinstance(value, int) and "number" in kinds:
        try:
            return float(value)
        except OverflowError:
            return math.inf
    if isinstance(value, list) and "items" in part:
        return [_complete(part["items"], item) for item in value]
    if isinstance(value, dict):
        for key, inner in part.get("properties", {}).items():
            if key not in value and "default" in inner:
                value[key] = copy.deepcopy(inner["default"])
            if key in value:
                value[key] = _complete(inner, value[key])
        others = part.get("additionalProperties")
        for key in value.keys() - part.get("properties", {}) if isinstance(others, dict) else ():
            value[key] = _complete(others, value[key])
    return value


def _from_text(text: str, kinds: list[str]):
    """Read a number or list that arrived as text: `--config` gives text, and YAML reads 1e-3 so."""
    try:
        return float(text)
    except ValueError:
        pass
    try:
        parsed = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError):  # a ValueError: text like a date that there is not
        return text
    wanted = {"array": list, "boolean": bool, "object": dict, "null": type(None)}
    return parsed if any(isinstance(parsed, wanted.get(kind, ())) for kind in kinds) else text


def _mistakes(schema: dict, config) -> dict[tuple, str]:
    """Find what the schema refuses: a message for each key path."""
    errors = Draft202012Validator(schema).iter_errors(config)
    messages = {keys: message for error in errors for keys, message in describe(error)}
    for keys, value in _not_finite(config):
        part = _part_at(schema, keys)
        if part is not None:
            messages[keys] = f"{value} is not a finite number; allowed: {allowed(part)}"
    return messages


def _not_finite(value, keys=()) -> Iterator[tuple[tuple, float]]:
    """Find numbers that are infinite or not a number, which a schema cannot refuse."""
    if isinstance(value, float) and not math.isfinite(value):
        yield keys, value
    elif isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, inner in items:
            yield from _not_finite(inner, (*keys, key))


def _part_at(part: dict, keys: tuple) -> dict | None:
    """Return the part of the schema for a key path, or None where it knows no such key."""
    for key in keys:
        if isinstance(key, int):
            part = part.get("items")
        else:
            part = part.get("properties", {}).get(key) or part.get("additionalProperties")
        if not part:
            return None
    return part


def _contradictions(config, wrong: set[tuple]) -> dict[tuple, str]:
    """Find what each value alone does not show, wherever `wrong` key paths do not forbid it.

    Returns
    -------
    A message for each key path.
    """
    if not wrong.isdisjoint({(), ("experiments",), ("checkpoints",)}):
        return {}
    messages, names = dict(_missing_files(config["checkpoints"], wrong)), {}
    for name, experiment in config["experiments"].items():
        where = ("experiments", name)
        # The validator loses the places of mistakes beside a name that is None.
        if where in wrong or not isinstance(name, str):
            continue
        if name in RESERVED_NAMES:
            messages[where] = (
                f"the folder results/{name} holds what all experiments share; "
                f"allowed: any name but {', '.join(RESERVED_NAMES)}"
            )
        other = names.setdefault(macro_prefix(name), name)
        if other != name:
            messages[where] = (
                f"in the paper's macros this name and '{other}' are both {macro_prefix(name)}; "
                "allowed: names that differ in more than underscores and digits spelt out"
            )
        if wrong.isdisjoint((*where, section) for section in ("measurement", "task", "training")):
            broken = {section for section in ("grid", "model") if (*where, section) in wrong}
            found = conflicts(experiment, broken)
            messages |= {(*where, *keys): message for keys, message in found}
        if wrong.isdisjoint((*where, section) for section in ("published", "task")):
            message = _not_compared(experiment)
            if message:
                messages[(*where, "published", "comparison")] = message
    return messages


def _missing_files(checkpoints: dict, wrong: set[tuple]) -> Iterator[tuple[tuple, str]]:
    """Find files of trained nets that are not there."""
    kinds = {"file": "a .safetensors file", "probe": "an .npz file"}
    for name, net in checkpoints.items():
        for key, kind in kinds.items():
            where = ("checkpoints", name, key)
            if name is None or not wrong.isdisjoint((where, where[:2])):
                continue
            try:
                user_files.check_place(net[key])
                with user_files.reading(net[key], kind):
                    Path(net[key]).stat()
            except ValueError as error:  # also Python's own, where the path has a null character
                yield where, f"{error}; allowed: the path of {kind}"


def conflicts(experiment: dict, wrong: Container[str] = frozenset()) -> Iterator[tuple[tuple, str]]:
    """Find the settings of one experiment that do not go together.

    Parameters
    ----------
    experiment : completed.
    wrong : of `grid` and `model` those that have mistakes, and are not looked at.

    Yields
    ------
    A key path below the experiment, and what is wrong there.
    """
    yield from _conflicts_of_sections(experiment)
    if "grid" not in wrong:
        if "model" not in wrong:
            yield from _conflicts_of_remedies(experiment)
        yield from _conflicts_of_radii(experiment["grid"])


def _conflicts_of_sections(experiment: dict) -> Iterator[tuple[tuple, str]]:
    """Find what does not go together whatever the grid is."""
    steps, checkpoints = experiment["training"]["steps"], experiment["measurement"]["checkpoints"]
    if checkpoints > steps + 1:
        yield (
            ("measurement", "checkpoints"),
            f"{checkpoints} checkpoints do not fit into {steps} training steps; "
            f"allowed: 2 to {steps + 1}",
        )
    options = experiment["task"]
    for path, message in TASKS.find(options["name"]).problems(options, experiment):
        yield tuple(path.split(".")) if "." in path else ("task", path), message


def _not_compared(experiment: dict) -> str | None:
    """Say so if an experiment is to be compared with a paper that is on another task."""
    if "published" not in experiment:
        return None
    name, own = experiment["published"]["comparison"], experiment["task"]["name"]
    task = PUBLISHED[name].TASK
    return None if task == own else f"{name} is on the task {task}, not {own}; allowed: {task}"


def _conflicts_of_remedies(experiment: dict) -> Iterator[tuple[tuple, str]]:
    """Find what a remedy changes that does not go together with the rest of its experiment."""
    options = experiment["task"]
    for name, changes in experiment["grid"]["remedies"].items():
        where = ("grid", "remedies", name)
        if name == PLAIN and changes:
            yield where, "this name is for training as it is; allowed: {}, or another name"
        if "batch_size" in changes:
            changed = experiment | {"training": training_settings(experiment, name)}
            for path, message in TASKS.find(options["name"]).problems(options, changed):
                if path == "training.batch_size":
                    yield (*where, "batch_size"), message
        yield from remedy_conflicts.problems(experiment, name)


def _conflicts_of_radii(grid: dict) -> Iterator[tuple[tuple, str]]:
    """Find spectral radii that a cell, of the grid or of a remedy, cannot have."""
    remedies = [changes["cell"] for changes in grid["remedies"].values() if "cell" in changes]
    for cell in dict.fromkeys(grid["cells"] + remedies):
        limit = getattr(CELLS.find(cell), "RADIUS_LIMIT", math.inf)
        beyond = [f"{radius:g}" for radius in grid["spectral_radii"] if radius >= limit]
        if beyond:
            yield (
                ("grid", "spectral_radii"),
                f"{', '.join(beyond)} cannot be the radius of the cell `{cell}`; "
                f"allowed: below {limit:g}, or a grid without that cell",
            )
