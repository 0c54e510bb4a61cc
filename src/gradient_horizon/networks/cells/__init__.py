"""Recurrent cells, one file each: `cell.Cell` says what a cell is.

A new one is its file and a line in `registered.py`; one of the user's own needs neither, its name
is `module:name`.
"""

import numpy as np

from ...ground import imports
from ...ground.registry import Registry
from ..activations import ACTIVATIONS
from .cell import Cell
from .dynamics import Dynamics

ALLOWED = (
    "`module:cell`, at most 100 letters without accents, digits and underscores, of a module in "
    "this folder or the environment that has `cell`"
)


def is_cell(value: object) -> bool:
    """Tell whether it is a cell, or a class of cells."""
    kind = value if isinstance(value, type) else type(value)
    return issubclass(kind, Cell) and kind is not Cell


def _own(name: str):
    return imports.of_user(name, "cell", ALLOWED, is_cell)


CELLS = Registry("cell", f"{__name__}.registered", _own)


def net_of(settings: dict, weights: dict[str, np.ndarray]) -> Dynamics:
    """Make the net of a grid point for measuring.

    Parameters
    ----------
    settings : `cell`, `activation` and `model`, as `grid.net_settings` gives them; cell and
        activation by name or themselves.
    weights : the net's arrays, by name.
    """
    activation = ACTIVATIONS.find(settings["activation"])
    return CELLS.find(settings["cell"]).Dynamics(activation, weights, settings["model"])
