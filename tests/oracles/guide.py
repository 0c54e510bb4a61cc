"""The files that stand in `docs/extending.md`, for the tests to use as a reader would."""

import re
from pathlib import Path
from types import ModuleType

PAGE = Path(__file__).parents[2] / "docs" / "extending.md"


def files():
    """The text of every file on the page: a fenced block that names one."""
    return {
        name: text
        for name, text in re.findall(
            r"^```\w+ ([\w.]+)\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL
        )
    }


def module(name):
    """A module of the page, run but not imported."""
    found = ModuleType(name)
    exec(files()[f"{name}.py"], vars(found))
    return found


def minimal_gated_unit():
    """The page's cell."""
    return module("my_cells").MinimalGatedUnit()
