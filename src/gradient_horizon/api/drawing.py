"""Figures of one net as objects: in the style of the paper, and without pyplot."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from ..ground.names import nearest
from ..report import plotting
from ..report.figures import FIGURES, OF_A_NET, drawing

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


def draw(name: str, table: "Callable[[str], pd.DataFrame]") -> "Figure":
    """Draw one figure of a net.

    Parameters
    ----------
    name : of the figure.
    table : returns the table of a name.

    Raises
    ------
    ValueError : there is no such figure.
    """
    if name not in OF_A_NET:
        allowed = f"allowed: {', '.join(OF_A_NET)}{nearest(name, OF_A_NET)}"
        raise ValueError(f"figure: {name!r} is not known; {allowed}")
    with plotting.styled():
        return plotting.shown(FIGURES[name].draw(*map(table, FIGURES[name].net)))


def save_all(tables: "dict[str, pd.DataFrame]", folder: Path) -> None:
    """Write every figure of a net as PDF and PNG."""
    with plotting.styled():
        drawing.draw_net(tables, folder)
