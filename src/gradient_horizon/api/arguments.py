"""Plain arguments, checked by the rules and in the words of the configuration."""

import math
import re
from collections.abc import Iterable, Mapping
from functools import cache

import numpy as np
from jsonschema import Draft202012Validator

from ..config.configuration import schema
from ..config.messages import describe, key_path

# How Python writes what YAML writes otherwise.
YAML_WORD = re.compile(r"`?\b(null|true|false)\b`?")
IN_PYTHON = {"null": "None", "true": "True", "false": "False"}


@cache
def rules() -> dict[str, dict]:
    """Return what the configuration allows for each argument, a part of its schema by name."""
    whole = schema()["properties"]
    experiment = whole["experiments"]["additionalProperties"]["properties"]
    grid = experiment["grid"]["properties"]
    sections = ("model", "training", "measurement")
    return {
        **{key: part for name in sections for key, part in experiment[name]["properties"].items()},
        "initialisation": grid["initialisations"]["items"],
        "radius": grid["spectral_radii"]["items"],
        "seeds": grid["seeds"],
        "base_seed": whole["base_seed"],
        "name": whole["experiments"]["propertyNames"],
    }


def checked(given: Mapping[str, object], allowed: Mapping[str, Mapping] | None = None) -> dict:
    """Check arguments, each for itself.

    Parameters
    ----------
    given : the arguments by name.
    allowed : a part of a schema for each; the `rules` if left out.

    Returns
    -------
    The same, as plain Python numbers, with the defaults of what is a mapping.

    Raises
    ------
    TypeError : one is of a type that is not possible.
    ValueError : one is of a value that is not possible.
    """
    allowed = rules() if allowed is None else allowed
    return {name: _checked(name, value, allowed[name]) for name, value in given.items()}


def refuse(
    problems: Iterable[tuple[tuple, str]], names: Mapping[str, str], parts: Mapping[str, str]
) -> None:
    """Raise the first of what is wrong, if anything is.

    Parameters
    ----------
    problems : key paths of the configuration, and what is wrong there.
    names : what arguments are called here, by their keys there.
    parts : the names of what has none there.

    Raises
    ------
    ValueError : something is.
    """
    for keys, message in problems:
        for there, here in parts.items():
            message = message.replace(there, here)
        raise ValueError(f"{names.get(keys[-1], keys[-1])}: {_in_python(message)}")


def _checked(name: str, value, part: Mapping):
    """Check one argument."""
    value = _plain(value, part)
    if isinstance(value, complex):  # a number, to the validator
        raise TypeError(f"{name}: {value} is not possible; allowed: a real number")
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{name}: {value} is not a finite number")
    for error in Draft202012Validator(part).iter_errors(value):
        for keys, message in describe(error):
            inner = key_path(keys) if keys and keys != (value,) else ""
            where = f"{name}.{inner}" if inner else name
            kind = TypeError if error.validator == "type" else ValueError
            raise kind(f"{where}: {_in_python(message)}")
    return value


def _plain(value, part: Mapping):
    """Return a number as Python has it and as the schema asks for it; complete a mapping."""
    kinds = part.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, tuple):
        value = list(value)
    if isinstance(value, Mapping) and "properties" in part:
        inner = part["properties"]
        defaults = {key: rule["default"] for key, rule in inner.items() if "default" in rule}
        value = defaults | {key: _plain(own, inner.get(key, {})) for key, own in value.items()}
    elif isinstance(value, bool):
        pass
    elif isinstance(value, float) and "integer" in kinds and value.is_integer():
        value = int(value)
    elif isinstance(value, int) and "number" in kinds:
        value = float(value)
    return value


def _in_python(message: str) -> str:
    """Write a message of the configuration for Python."""
    return YAML_WORD.sub(lambda word: IN_PYTHON[word[1]], message)
