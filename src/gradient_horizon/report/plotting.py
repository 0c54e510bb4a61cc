"""What all figures share: size, colours, legends, and saving them byte for byte alike."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..ground import files
from ..networks.activations import ACTIVATIONS

if TYPE_CHECKING:  # they take half a second, and the names of the figures are often enough
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

STYLE = Path(__file__).with_name("figures.mplstyle")
TEXT_WIDTH = 6.5  # inches


def use_style() -> None:
    """Draw everything from now on in the project's style, whatever the user's own settings."""
    import matplotlib

    matplotlib.rc_file(STYLE)


@contextmanager
def styled() -> Iterator[None]:
    """Draw in the project's style in the block, and as before after it."""
    import matplotlib

    with matplotlib.rc_context():
        use_style()
        yield


def shown(figure: Figure) -> Figure:
    """Make a figure one that a notebook shows, though pyplot does not know of it."""
    # What Matplotlib leaves for later, such as ticks, would take the user's own settings.
    figure.draw_without_rendering()
    figure._repr_png_ = partial(_png, figure)
    return figure


def _png(figure: Figure) -> bytes:
    content = io.BytesIO()
    figure.savefig(content, format="png")
    return content.getvalue()


def new_figure(
    height: float, rows: int, columns: int, width: float = TEXT_WIDTH, **options
) -> tuple[Figure, np.ndarray]:
    """Return a figure, of the text's width unless told otherwise, and its axes, (rows, columns)."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure, figure.subplots(rows, columns, squeeze=False, **options)


def save(figure: Figure, path: Path) -> None:
    """Write a figure as PDF and PNG without dates: `path` is given without an ending."""
    # The layout once: `savefig` would draw everything twice to solve it anew for each format.
    figure.get_layout_engine().execute(figure)
    figure.set_layout_engine(None)
    for ending, metadata in (("pdf", {"CreationDate": None}), ("png", {"Software": None})):
        with files.replacing(path.with_name(f"{path.name}.{ending}")) as temporary:
            figure.savefig(temporary, format=ending, metadata=metadata)


def colours(count: int) -> list:
    """Colours in order from dark to light, told apart by the colour-blind and in grey print."""
    import matplotlib

    return list(matplotlib.colormaps["viridis"](np.linspace(0.0, 0.82, count)))


def label(activation: str) -> str:
    """Return an activation's name as figures write it."""
    return ACTIVATIONS[activation].label


def whole_numbers(axes: Axes, most: int = 4) -> None:
    """Put ticks at whole numbers of the horizontal axis alone, at most so many gaps apart."""
    from matplotlib.ticker import MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(most, integer=True))


def plain_logarithms(axes: Axes) -> None:
    """Write the numbers of a logarithmic horizontal axis as they are, at 1, 2 and 5."""
    from matplotlib.ticker import FormatStrFormatter, LogLocator, NullLocator

    axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.xaxis.set_major_formatter(FormatStrFormatter("%g"))
    axes.xaxis.set_minor_locator(NullLocator())


def finite_extent(table: pd.DataFrame, columns: list[str]) -> tuple[float, float]:
    """Return the smallest and the largest finite number of some columns; 0 where there is none."""
    values = table[columns].to_numpy(dtype=float)
    values = values[np.isfinite(values)]
    return (values.min(), values.max()) if values.size else (0.0, 0.0)


def interval(axes: Axes, rows: pd.DataFrame, column: str) -> tuple[pd.Series, pd.Series]:
    """Return the ends of a column's interval; those that are infinite lie on the panel's frame.

    The limits of the panel have to be set before.
    """
    bottom, top = axes.get_ylim()
    ends = (rows[f"{column}_{end}"] for end in ("low", "high"))
    return tuple(values.replace({-np.inf: bottom, np.inf: top}) for values in ends)


def draw_band(axes: Axes, x, rows: pd.DataFrame, column: str, style: dict) -> None:
    """Draw a column as a line and its `interval`, where it has one, as a band."""
    axes.plot(x, rows[column], **style)
    if f"{column}_low" not in rows:
        return
    low, high = interval(axes, rows, column)
    axes.fill_between(x, low, high, color=style["color"], alpha=0.18, linewidth=0)


def add_legend(figure: Figure, styles: dict[str, dict], columns: int = 7, room: int = 1) -> None:
    """Put a legend of lines below the panels: their styles by name, at most so many a row.

    Fewer where they would not fit into the figure's width.  The figure has room for `room` rows,
    and grows by what more of them take.
    """
    from matplotlib.lines import Line2D

    handles = [Line2D([], [], label=name, **style) for name, style in styles.items()]
    rows = -(-len(handles) // columns)
    for fewer in range(-(-len(handles) // rows), 0, -1):
        legend = figure.legend(
            handles=handles, loc="outside lower center", ncols=fewer, columnspacing=1.2
        )
        extent = legend.get_window_extent()
        if extent.width <= figure.bbox.width or fewer == 1:
            used = -(-len(handles) // fewer)
            more = max(0, used - room) / used * extent.height / figure.dpi
            figure.set_figheight(figure.get_figheight() + more)
            return
        legend.remove()
