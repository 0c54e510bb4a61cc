"""What the configuration allows and what is wrong with it, in words for the user."""

import re
from collections.abc import Iterator

from ..ground.names import nearest

MOST_SHOWN = 60
UNKNOWN_KEY = "unknown key"


def allowed(part: dict) -> str:
    """Say in words what a part of the schema allows."""
    if "allowed" in part:
        return part["allowed"]
    if "enum" in part:
        return ", ".join(f"`{name}`" for name in part["enum"])
    if "anyOf" in part:
        return ", or ".join(allowed(option) for option in part["anyOf"])
    kinds = types(part) or ["object"]
    if "array" in kinds:
        return f"list of one or more, all different: {allowed(part['items'])}"
    words = {
        "integer": "whole number",
        "number": "number",
        "string": "text",
        "boolean": "`true` or `false`",
        "object": f"the keys {', '.join(part.get('properties', {}))}",
    }
    text = " or ".join(words[kind] for kind in kinds if kind != "null")
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
    return f"{text} {', '.join(limits)}".strip() + (", or `null`" if "null" in kinds else "")


def types(part: dict) -> list[str]:
    """Return the types that a part of the schema allows."""
    kinds = part.get("type", [])
    return [kinds] if isinstance(kinds, str) else kinds


def key_path(keys) -> str:
    """Write a key path: experiments.words.grid.spectral_radii[1]."""
    text = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in keys)
    return text.removeprefix(".") or "the configuration"


def _show(value) -> str:
    """Show a value in one short line, as YAML writes it where Python differs."""
    text = repr(value)
    text = {"None": "null", "True": "true", "False": "false"}.get(text, text)
    return text if len(text) <= MOST_SHOWN else text[:MOST_SHOWN] + "..."


def describe(error) -> Iterator[tuple[tuple, str]]:
    """Turn one error of the validator into messages for the user, each with its key path."""
    keys, part, value = tuple(error.absolute_path), error.schema, error.instance
    if "pattern" in part:  # names alone have one
        yield (
            (*keys, value),
            f"not possible as a name; allowed: {part['allowed']}{_slug(value, part['maxLength'])}",
        )
        return
    match error.validator:
        case "additionalProperties":
            known = list(part["properties"])
            for key in value:
                if key not in known:
                    yield (
                        (*keys, key),
                        f"{UNKNOWN_KEY}; allowed: {', '.join(known)}{nearest(key, known)}",
                    )
        case "required":
            for key in part["required"]:
                if key not in value:
                    yield (*keys, key), f"missing; allowed: {allowed(part['properties'][key])}"
        case "enum":
            names = part["enum"]
            yield (
                keys,
                f"{_show(value)} is not known; allowed: {', '.join(names)}{nearest(value, names)}",
            )
        case "anyOf":
            names = [name for option in part["anyOf"] for name in option.get("enum", ())]
            others = [f"or {allowed(option)}" for option in part["anyOf"] if "enum" not in option]
            yield (
                keys,
                f"{_show(value)} is not known; allowed: {', '.join([*names, *others])}"
                f"{nearest(value, names)}",
            )
        case "uniqueItems":
            twice = {_show(item) for place, item in enumerate(value) if item in value[:place]}
            yield (
                keys,
                f"given more than once: {', '.join(sorted(twice))}; allowed: {allowed(part)}",
            )
        case _:
            yield keys, f"{_show(value)} is not possible; allowed: {allowed(part)}"


def _slug(name, longest: int) -> str:
    """Suggest a name that is close to one that cannot be used."""
    words = re.sub(r"[^a-z0-9]+", "_", str(name).lower()).strip("_0123456789")[:longest].strip("_")
    return f"; did you mean '{words}'?" if words else ""
