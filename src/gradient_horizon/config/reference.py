"""The tables of `config/README.md`: every key of the configuration, from the schema itself."""

import json
from collections.abc import Iterator

from ..tasks import TASKS
from . import configuration
from .messages import allowed

BEGIN = "<!-- BEGIN: written by `make docs`; change the schema or a task's OPTIONS instead -->"
END = "<!-- END -->"
HEAD = "| key | meaning | unit | default | allowed |\n|---|---|---|---|---|\n"


def insert(page: str) -> str:
    """Put the tables between the marks of a page, in place of what is there.

    Raises
    ------
    ValueError : the page does not have the two marks, each once and in their order.
    """
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end) or BEGIN in rest or END in before + after:
        raise ValueError(f"the page must have the lines {BEGIN!r} and {END!r}, each once")
    return f"{before}{BEGIN}\n\n{tables()}\n{END}{after}"


def tables() -> str:
    """Return the keys of the whole, of its parts, and of each task, as Markdown tables."""
    whole = configuration.schema()["properties"]
    sections = {"The whole": (whole, configuration.schema()["required"])}
    for title, key in (("An experiment", "experiments"), ("A trained net", "checkpoints")):
        part = whole[key]["additionalProperties"]
        sections[f"{title}, below `{key}: NAME:`"] = (part["properties"], part["required"])
    for name, task in TASKS.items():
        sections[f"The options of the task `{name}`, below `task:`"] = (
            task.OPTIONS,
            configuration.required_keys(task.OPTIONS),
        )
    return "\n".join(
        f"### {title}\n\n{HEAD}{''.join(_rows(properties, required))}"
        for title, (properties, required) in sections.items()
    )


def _rows(properties: dict, required, prefix: str = "") -> Iterator[str]:
    """Write a row for each key, and below a section the rows of its own keys."""
    for key, part in properties.items():
        path = f"{prefix}{key}"
        is_section = "properties" in part and part.get("default", {}) is not None
        cells = (
            f"`{path}`",
            part["description"],
            part.get("unit", ""),
            "must be given" if key in required else "" if is_section else _yaml(part["default"]),
            "" if is_section else allowed(part),
        )
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |\n"
        yield from _rows(part.get("properties", {}), part.get("required", ()), f"{path}.")


def _yaml(value) -> str:
    """Write a default as it would stand in the file; without quotes, which it does not need."""
    return f"`{json.dumps(value).replace(chr(34), '')}`"
