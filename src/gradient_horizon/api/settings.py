"""Plain arguments as the settings of a grid point, with what was left out, checked as a whole."""

import re
from collections.abc import Mapping

from ..config import configuration, grid
from ..tasks import user_task_checks
from . import arguments
from .catalogues import ACTIVATIONS, CELLS, TASKS
from .nets import check_cell
from .own_tasks import ArraysTask, DrawnTask
from .tasks import Task

# The step size of an optimiser where none is asked for.
LEARNING_RATES = {"sgd": 1.0, "momentum": 0.1, "adam": 0.01}
# Sequences of a batch, and checkpoints, unless there are fewer.
BATCH, CHECKPOINTS = 20, 6
# What the configuration calls by another name.
NAMES = {"spectral_radii": "radius", "cells": "cell", "activations": "activation"}


def settings(task: Task, cell, activation, given: Mapping[str, object]) -> dict:
    """Return the settings of a grid point, as `grid.run_settings` has them.

    Parameters
    ----------
    task : what is learnt.
    cell, activation : by name, or themselves; what is not registered stands for itself in the
        settings.
    given : all other arguments; None where one was left out whose choice depends on others.

    Raises
    ------
    TypeError, ValueError : one is not possible, or two do not go together.
    """
    cell_name, cell = CELLS.find(cell)
    activation_name, activation = ACTIVATIONS.find(activation)
    chosen = _completed(task, given)
    name, radius = chosen["name"], chosen["radius"]
    run = grid.run_name(cell_name, activation_name, chosen["initialisation"], radius)
    whole = {
        "base_seed": chosen["base_seed"],
        "experiment": name,
        "identity": f"{name}/{run}",
        "cell": CELLS.key(cell),
        "activation": ACTIVATIONS.key(activation),
        "initialisation": chosen["initialisation"],
        "radius": radius,
        "seeds": chosen["seeds"],
        "task": {"name": TASKS.key(task.source), **task.options},
        **{
            section: {key: chosen[key] for key in part if key in chosen}
            for section, part in arguments.sections().items()
        },
    }
    axes = {
        "cells": [whole["cell"]],
        "activations": [whole["activation"]],
        "spectral_radii": [radius],
        "remedies": {grid.PLAIN: {}},
    }
    parts = {str(cell): cell_name, str(activation): activation_name}
    arguments.refuse(configuration.conflicts(whole | {"grid": axes}), NAMES, parts)
    _check_own_parts(task, whole)
    return whole


def _completed(task: Task, given: Mapping) -> dict:
    """Check the arguments, and choose what depends on others where it was left out."""
    left_out = {
        key
        for key in ("batch_size", "checkpoints", "learning_rate", "probe_batch", "name")
        if given[key] is None
    }
    known = arguments.checked({key: given[key] for key in given if key not in left_out})
    trained, held_out = task.sizes()
    choices = {
        "name": _slug(task.name),
        "batch_size": min(BATCH, trained),
        "probe_batch": min(BATCH, held_out),
        "checkpoints": min(CHECKPOINTS, known["steps"] + 1),
        "learning_rate": LEARNING_RATES[known["optimiser"]],
    }
    return known | {key: choices[key] for key in left_out}


def _slug(name: str) -> str:
    """Write the name of a task as experiments are named."""
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_0123456789")[:40] or "task"


def _check_own_parts(task: Task, whole: Mapping) -> None:
    """Refuse a cell or a task of the user's own that does not do what it has to."""
    if not isinstance(whole["cell"], str):
        check_cell(whole["cell"], **whole["model"])
    source = whole["task"]["name"]
    if not isinstance(source, str | ArraysTask | DrawnTask):
        with TASKS.refusing():
            size = whole["training"]["batch_size"]
            user_task_checks.check(source, task.options, whole, size)
