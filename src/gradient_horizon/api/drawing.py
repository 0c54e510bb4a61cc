"""Figures of one net as objects: in the style of the paper, and without pyplot."""

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ..ground.names import nearest
from ..report import net_figures, plotting

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

# The figures of a net, and the tables that each is drawn from.
FIGURES = {
    "contribution": ("contributions",),
    "transport": ("contributions",),
    "truncation": ("contributions",),
    "influence": ("contributions", "influence"),
    "spectra": ("spectra",),
}


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
    if name not in FIGURES:
        allowed = f"allowed: {', '.join(FIGURES)}{nearest(name, FIGURES)}"
        raise ValueError(f"figure: {name!r} is not known; {allowed}")
    with _style():
        figure = _drawn(name, table)
        # What Matplotlib leaves for later, such as ticks, would take the user's own settings.
        figure.draw_without_rendering()
    # A notebook shows it, though pyplot does not know of it.
    figure._repr_png_ = partial(_png, figure)
    return figure


def save_all(tables: "dict[str, pd.DataFrame]", folder: Path) -> None:
    """Write every figure of a net as PDF and PNG."""
    with _style():
        for name in FIGURES:
            plotting.save(_drawn(name, tables.get), folder / name)


def _drawn(name: str, table: "Callable[[str], pd.DataFrame]") -> "Figure":
    """Draw a figure in the style that is set."""
    return getattr(net_figures, name)(*map(table, FIGURES[name]))


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
