"""What all figures share: size, colours, panels, and saving them byte for byte alike."""

from collections.abc import Iterator
from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ..analysis.variants import of_variant, variants
from ..ground import files
from ..networks.activations import ACTIVATIONS

STYLE = Path(__file__).with_name("figures.mplstyle")
TEXT_WIDTH = 6.5  # inches
DASHES = ("-", (0, (5, 1)), (0, (3, 1, 1, 1)), (0, (1, 0.7)))
MARKERS = "osD^vP*X"
MOST_PANELS = 6


def use_style() -> None:
    """Draw everything from now on in the project's style, whatever the user's own settings."""
    matplotlib.rc_file(STYLE)


def new_figure(
    height: float, rows: int, columns: int, width: float = TEXT_WIDTH, **options
) -> tuple[Figure, np.ndarray]:
    """Return a figure, of the text's width unless told otherwise, and its axes, (rows, columns)."""
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
    return list(matplotlib.colormaps["viridis"](np.linspace(0.0, 0.82, count)))


def label(activation: str) -> str:
    """Return an activation's name as figures write it."""
    return ACTIVATIONS[activation].label


def by_activation(table: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """Split a table by activation, in the order of the grid; each part has the name of a panel."""
    return [(label(name), part) for name, part in table.groupby("activation", sort=False)]


def panels_of(table: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """Split a table into the panels of a figure: by activation, or by radius.

    The latter where several variants of a single activation are compared at a few radii.
    """
    if not _panels_are_radii(table):
        return by_activation(table)
    return [(f"radius {radius:g}", part) for radius, part in table.groupby("radius")]


def _panels_are_radii(table: pd.DataFrame) -> bool:
    """Tell which of the two `panels_of` does."""
    several = table["activation"].nunique() == 1 and len(variants(table)) > 1
    return several and 1 < table["radius"].nunique() <= MOST_PANELS


def lines_of(table: pd.DataFrame) -> Iterator[tuple[object, float, dict, pd.DataFrame]]:
    """Yield (key, radius, line style, rows) for each line of a panel: a radius each.

    Where the grid has several variants, each of them is a line with a marker of its own, and `key`
    says which. Colours tell radii apart, or variants where there is but one radius.
    """
    radii, known = sorted(table["radius"].unique()), variants(table)
    by_variant = len(radii) == 1
    hues = colours(len(known if by_variant else radii))
    for number, variant in enumerate(known):
        own = of_variant(table, variant)
        for place, radius in enumerate(radii):
            rows = own[own["radius"] == radius]
            if len(rows):
                style = {
                    "color": hues[number if by_variant else place],
                    "linestyle": DASHES[(place + number) % len(DASHES)],
                }
                if number:
                    style |= {"marker": MARKERS[number % len(MARKERS)], "markevery": 5}
                yield variant, radius, style, rows


def interval(axes: Axes, rows: pd.DataFrame, column: str) -> tuple[pd.Series, pd.Series]:
    """Return the ends of a column's interval; those that are infinite lie on the panel's frame.

    The limits of the panel have to be set before.
    """
    bottom, top = axes.get_ylim()
    ends = (rows[f"{column}_{end}"] for end in ("low", "high"))
    return tuple(values.replace({-np.inf: bottom, np.inf: top}) for values in ends)


def draw_band(axes: Axes, x, rows: pd.DataFrame, column: str, style: dict) -> None:
    """Draw a median as a line and its `interval` as a band."""
    axes.plot(x, rows[column], **style)
    low, high = interval(axes, rows, column)
    axes.fill_between(x, low, high, color=style["color"], alpha=0.18, linewidth=0)


def radius_styles(table: pd.DataFrame) -> dict[str, dict]:
    """Return the styles of `lines_of` by the names that a legend gives the lines."""
    names = variants(table)
    if _panels_are_radii(table):
        _, part = panels_of(table)[0]
        return {names[variant]: style for variant, _, style, _ in lines_of(part)}
    return {
        ", ".join(filter(None, (names[variant], f"radius {radius:g}"))): style
        for variant, radius, style, _ in lines_of(table)
    }


def add_legend(figure: Figure, styles: dict[str, dict], columns: int = 7, room: int = 1) -> None:
    """Put a legend of lines below the panels: their styles by name, at most so many a row.

    Fewer where they would not fit into the figure's width.  The figure has room for `room` rows,
    and grows by what more of them take.
    """
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
