"""Figures of one net as objects: in the style of the paper, and without pyplot."""

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
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
    with _style():
        figure = FIGURES[name].draw(*map(table, FIGURES[name].net))
        # What Matplotlib leaves for later, such as ticks, would take the user's own settings.
        figure.draw_without_rendering()
    # A notebook shows it, though pyplot does not know of it.
    figure._repr_png_ = partial(_png, figure)
    return figure


def save_all(tables: "dict[str, pd.DataFrame]", folder: Path) -> None:
    """Write every figure of a net as PDF and PNG."""
    with _style():
        drawing.draw_net(tables, folder)


@contextmanager
def _style() -> Iterator[None]:
    """Draw in the style of the paper in the block, and as before after it."""
    import matplotlib

    with matplotlib.rc_context():
        plotting.use_style()
        yield


def _png(figure: "Figure") -> bytes:
    content = io.BytesIO()
    figure.savefig(content, format="png")
    return content.getvalue()
