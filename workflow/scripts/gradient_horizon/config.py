"""The configuration: checked as a whole, completed with defaults, and spread out into runs.

The schema is `workflow/schemas/config.schema.yaml`; names that the library registers, and the
options of each task, are filled in here, so that a new cell or task is allowed once it exists.
"""

import copy
import math
from collections.abc import Iterator
from decimal import Decimal
from difflib import get_close_matches
from itertools import product
from pathlib import Path

import yaml
from jsonschema import Draft202012Validator

from .activations import ACTIVATIONS
from .cells import CELLS
from .initialise import INITIALISATIONS
from .optimisers import OPTIMISERS
from .tasks import TASKS

SCHEMA_FILE = Path(__file__).parents[2] / "schemas" / "config.schema.yaml"
REGISTRIES = {
    "activations": ACTIVATIONS,
    "cells": CELLS,
    "initialisations": INITIALISATIONS,
    "optimisers": OPTIMISERS,
    "tasks": TASKS,
}
# Folders of results/ that hold what all experiments share.
RESERVED_NAMES = ("figures", "paper", "tables")
MOST_SHOWN = 60


class ConfigError(ValueError):
    """A configuration that cannot be run; `lines` says everything that is wrong with it."""

    def __init__(self, lines: list[str]):
        super().__init__("\n".join(lines))
        self.lines = lines


def resolve(config: dict) -> dict:
    """Check a configuration and complete it with the defaults.

    Parameters
    ----------
    config : as read from YAML; it is not changed.

    Returns
    -------
    The same, with every key that has a default, integers as int and other numbers as float.

    Raises
    ------
    ConfigError : one line for each thing that is wrong: the key's path, what was given, what is
        allowed and the nearest valid name.
    """
    schema = _schema_for(config)
    completed = _complete(schema, copy.deepcopy(config), Draft202012Validator(schema))
    lines = [
        line
        for error in Draft202012Validator(schema).iter_errors(completed)
        for line in _describe(error)
    ]
    lines += [
        f"{path}: {value} is not a finite number; allowed: {_allowed_at(schema, keys)}"
        for keys, path, value in _not_finite(completed)
    ]
    if not lines:
        lines = list(_problems(completed))
    if lines:
        raise ConfigError(sorted(set(lines)))
    return completed


def radius_label(radius: float) -> str:
    """Write a radius as it stands in file names: two decimals, or as many as it has."""
    text = format(Decimal(repr(float(radius))), "f")
    whole, _, decimals = text.partition(".")
    return f"{whole}.{decimals.ljust(2, '0')}"


def runs(experiment: dict) -> list[dict]:
    """List the grid points of one experiment of a resolved configuration.

    Returns
    -------
    One dict each with `run` (its name in paths), `task`, `cell`, `activation`, `initialisation`
    and `radius`, the spectral radius at initialisation.
    """
    grid = experiment["grid"]
    axes = (grid["cells"], grid["activations"], grid["initialisations"], grid["spectral_radii"])
    return [
        {
            "run": f"{cell}_{activation}_{initialisation}_rho{radius_label(radius)}",
            "task": experiment["task"]["name"],
            "cell": cell,
            "activation": activation,
            "initialisation": initialisation,
            "radius": radius,
        }
        for cell, activation, initialisation, radius in product(*axes)
    ]


def task_settings(config: dict, name: str) -> dict:
    """Everything that the data of experiment `name` depends on."""
    experiment = config["experiments"][name]
    return {
        "base_seed": config["base_seed"],
        "experiment": name,
        "task": experiment["task"],
        "measurement": {"probe_batch": experiment["measurement"]["probe_batch"]},
    }


def run_settings(config: dict, name: str, run: dict) -> dict:
    """Everything that the training of one grid point of experiment `name` depends on."""
    experiment = config["experiments"][name]
    return {
        "base_seed": config["base_seed"],
        "experiment": name,
        "identity": f"{name}/{run['run']}",
        "cell": run["cell"],
        "activation": run["activation"],
        "initialisation": run["initialisation"],
        "radius": run["radius"],
        "seeds": experiment["grid"]["seeds"],
        "task": experiment["task"],
        "model": experiment["model"],
        "training": experiment["training"],
        "measurement": {"checkpoints": experiment["measurement"]["checkpoints"]},
    }


def schema() -> dict:
    """Return the schema with the registered names filled in; a task's options are not in it."""
    with SCHEMA_FILE.open(encoding="utf-8") as file:
        return _with_registries(yaml.safe_load(file))


def allowed(part: dict) -> str:
    """Say in words what a part of the schema allows."""
    if "allowed" in part:
        return part["allowed"]
    if "enum" in part:
        return ", ".join(f"`{name}`" for name in part["enum"])
    kinds = part.get("type", "object")
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if "array" in kinds:
        return f"list of at least {part.get('minItems', 0)}, all different: {allowed(part['items'])}"
    words = {"integer": "whole number", "number": "number", "string": "text", "null": "`null`"}
    text = " or ".join(words.get(kind, "keys and values") for kind in kinds)
    limits = [
        f"{word} {part[key]}"
        for key, word in (
            ("exclusiveMinimum", "above"),
            ("minimum", "at least"),
            ("exclusiveMaximum", "below"),
            ("maximum", "at most"),
        )
        if key in part
    ]
    return f"{text} {', '.join(limits)}".strip()


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


def _schema_for(config: dict) -> dict:
    """Give each experiment of `config` a schema of its own, with the options of its task."""
    whole = schema()
    experiments = config.get("experiments")
    part = whole["properties"]["experiments"]
    part["properties"] = {}
    for name, experiment in experiments.items() if isinstance(experiments, dict) else ():
        own = copy.deepcopy(part["additionalProperties"])
        task = experiment.get("task") if isinstance(experiment, dict) else None
        task_name = task.get("name") if isinstance(task, dict) else None
        if isinstance(task_name, str) and task_name in TASKS:
            own["properties"]["task"]["properties"] |= TASKS[task_name].OPTIONS
            own["properties"]["task"]["additionalProperties"] = False
        part["properties"][name] = own
    return whole


def _complete(part: dict, value, validator: Draft202012Validator):
    """Fill in defaults and turn text and whole numbers into the numbers that are asked for."""
    kinds = part.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if isinstance(value, str) and "string" not in kinds:
        value = _from_text(value, kinds)
    if isinstance(value, bool):
        return value
    if isinstance(value, float) and "integer" in kinds and value.is_integer():
        return int(value)
    if isinstance(value, int) and "number" in kinds:
        return float(value)
    if isinstance(value, list) and "items" in part:
        return [_complete(part["items"], item, validator) for item in value]
    if isinstance(value, dict):
        for key, inner in part.get("properties", {}).items():
            if key not in value and "default" in inner:
                value[key] = copy.deepcopy(inner["default"])
            if key in value:
                value[key] = _complete(inner, value[key], validator)
    return value


def _from_text(text: str, kinds: list[str]):
    """Read a number or list that arrived as text: `--config` gives text, and YAML reads 1e-3 so."""
    try:
        return float(text)
    except ValueError:
        pass
    try:
        parsed = yaml.safe_load(text)
    except yaml.YAMLError:
        return text
    wanted = {"array": list, "object": dict, "null": type(None)}
    return parsed if any(isinstance(parsed, wanted.get(kind, ())) for kind in kinds) else text


def _path(keys) -> str:
    """Write a key path: experiments.words.grid.spectral_radii[1]."""
    text = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in keys)
    return text.removeprefix(".") or "the configuration"


def _show(value) -> str:
    """Show a value in one short line."""
    text = repr(value)
    return text if len(text) <= MOST_SHOWN else text[:MOST_SHOWN] + "..."


def _nearest(name, names) -> str:
    """Suggest the valid name that is nearest to a wrong one."""
    close = get_close_matches(str(name).lower(), list(names), n=1, cutoff=0.5)
    return f"; did you mean '{close[0]}'?" if close else ""


def _describe(error) -> Iterator[str]:
    """Turn one error of the validator into lines for the user."""
    keys, part, value = list(error.absolute_path), error.schema, error.instance
    path = _path(keys)
    match error.validator:
        case "additionalProperties":
            known = list(part.get("properties", {}))
            for key in value:
                if key not in known:
                    yield (
                        f"{_path([*keys, str(key)])}: unknown key; "
                        f"allowed: {', '.join(known)}{_nearest(key, known)}"
                    )
        case "required":
            for key in part["required"]:
                if key not in value:
                    allowed_here = allowed(part["properties"][key])
                    yield f"{_path([*keys, key])}: missing; allowed: {allowed_here}"
        case "enum":
            yield (
                f"{path}: {_show(value)} is not known; "
                f"allowed: {', '.join(part['enum'])}{_nearest(value, part['enum'])}"
            )
        case "uniqueItems":
            twice = next(item for i, item in enumerate(value) if item in value[:i])
            yield f"{path}: {_show(twice)} is given twice; allowed: {allowed(part)}"
        case "pattern" | "maxLength" if keys == ["experiments"]:
            yield (
                f"experiments: {_show(value)} cannot be the name of an experiment; allowed: small "
                "letters, digits and underscores, beginning with a letter, at most 40"
            )
        case _:
            yield f"{path}: {_show(value)} is not possible; allowed: {allowed(part)}"


def _not_finite(value, keys=()) -> Iterator[tuple[tuple, str, float]]:
    """Find numbers that are infinite or not a number, which a schema cannot refuse."""
    if isinstance(value, float) and not math.isfinite(value):
        yield keys, _path(keys), value
    elif isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, inner in items:
            yield from _not_finite(inner, (*keys, key))


def _allowed_at(part: dict, keys: tuple) -> str:
    """Say what the schema allows at a key path."""
    for key in keys:
        if isinstance(key, int):
            part = part.get("items", {})
        else:
            part = part.get("properties", {}).get(key, {})
    return allowed(part)


def _problems(config: dict) -> Iterator[str]:
    """Find what each value alone does not show."""
    for name, experiment in config["experiments"].items():
        where = f"experiments.{name}"
        if name in RESERVED_NAMES:
            yield (
                f"{where}: the folder results/{name} holds what all experiments share; "
                f"allowed: any name but {', '.join(RESERVED_NAMES)}"
            )
        training, measurement = experiment["training"], experiment["measurement"]
        if measurement["checkpoints"] > training["steps"] + 1:
            yield (
                f"{where}.measurement.checkpoints: {measurement['checkpoints']} checkpoints do "
                f"not fit into {training['steps']} training steps; "
                f"allowed: 2 to {training['steps'] + 1}"
            )
        options = experiment["task"]
        for key, message in TASKS[options["name"]].problems(options, experiment):
            section = "" if "." in key else "task."
            yield f"{where}.{section}{key}: {message}"
