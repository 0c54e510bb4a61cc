"""Tasks, one file each: `task.Task` says what a task has to offer.

A registered task is a module with these names; a new one is its file and a line in `registered.py`.
One of the user's own needs neither, its name is `module:name` and it is an object with these names.
"""

from ..ground import imports
from ..ground.registry import Registry
from .task import SEQUENCE_LENGTH, TOLERANCE, Percentage, Prepared, Task

__all__ = ["SEQUENCE_LENGTH", "TASKS", "TOLERANCE", "Percentage", "Prepared", "Task"]

ALLOWED = (
    "`module:task`, at most 100 letters without accents, digits and underscores, of a module in "
    "this folder or the environment that has `task`"
)


def is_task(value: object) -> bool:
    """Tell whether it is a task of the user's, or a class of such."""
    kind = value if isinstance(value, type) else type(value)
    return issubclass(kind, Task) and kind is not Task


def _own(name: str):
    return imports.of_user(name, "task", ALLOWED, is_task)


TASKS = Registry("task", f"{__name__}.registered", _own)
