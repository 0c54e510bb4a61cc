"""The panels of a figure and the lines in them: those of a run's grid, or those of one net."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np

from ...analysis.variants import of_variant, variants
from ..plotting import TEXT_WIDTH, colours, label, new_figure, whole_numbers

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

GREY = "0.35"
BOUND = {"color": GREY, "ls": ":", "lw": 0.8}
SOLID = {"linestyle": "-"}
DASHED = {"linestyle": (0, (3, 1)), "linewidth": 0.8}
DASHES = ("-", (0, (5, 1)), (0, (3, 1, 1, 1)), (0, (1, 0.7)))
MARKERS = "osD^vP*X"
MOST_PANELS = 6
# Two figures of one net fit beside each other.
HALF = TEXT_WIDTH / 2 - 0.05


def of_one_net(table: pd.DataFrame) -> bool:
    """Tell whether a table is that of a single net: no run of a grid, no steps of training."""
    return "run" not in table


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


def titled(
    table: pd.DataFrame, height: float, rows: int = 1, split: Callable = panels_of
) -> tuple[Figure, np.ndarray]:
    """Return a figure with a column for each part that `split` makes of a table, and its axes."""
    titles = [title for title, _ in split(table)]
    figure, panels = new_figure(height, rows, len(titles), sharex=True, sharey=True)
    for axes, title in zip(panels[0], titles, strict=True):
        axes.set_title(title)
    return figure, panels


def panels_for(
    table: pd.DataFrame,
    ylabel: str,
    xlabel: str,
    limits: tuple[float, float],
    scale: str = "linear",
    height: float = 2.7,
    split: Callable = panels_of,
) -> tuple[Figure, list[tuple[Axes, pd.DataFrame]]]:
    """Return a figure and, panel by panel, the axes with the rows that belong there.

    Of a run it has a row before and a row after training, and the columns of `split`; of one net a
    single panel, half as wide as the text.
    """
    if of_one_net(table):
        figure, ((axes,),) = new_figure(1.95, 1, 1, width=HALF)
        axes.set(ylabel=ylabel, xlabel=xlabel, yscale=scale, ylim=limits)
        whole_numbers(axes, 6)
        return figure, [(axes, table)]
    figure, grid = titled(table, height, rows=2, split=split)
    grid[0, 0].set_yscale(scale)
    grid[0, 0].set_ylim(limits)
    panels = []
    for line, (title, step) in zip(grid, ends(table).items(), strict=True):
        now = table[table["step"] == step]
        for axes, (_, part) in zip(line, split(now), strict=True):
            panels.append((axes, part))
        line[0].set_ylabel(title)
    figure.supylabel(ylabel, fontsize=grid[0, 0].yaxis.label.get_fontsize())
    for axes in grid[-1]:
        axes.set_xlabel(xlabel)
        whole_numbers(axes)
    return figure, panels


def ends(table: pd.DataFrame) -> dict[str, int]:
    """Return the first and the last step, by the title of their panels."""
    return {"before training": table["step"].min(), "after training": table["step"].max()}


def best_of(summary: pd.DataFrame) -> list[pd.Series]:
    """Return each panel's row of the lowest median loss after training."""
    after = summary[summary["step"] == summary["step"].max()]
    return [part.sort_values("loss", kind="stable").iloc[0] for _, part in panels_of(after)]


def over_training(axes: Axes, last: int) -> None:
    """Let a panel's horizontal axis be the training step, from 0 to the last."""
    axes.set_xscale("symlog", linthresh=1)
    axes.set_xlabel("training step")
    decades = [10**power for power in range(8) if 10**power <= last]
    axes.set_xticks([0, *decades], ["0", *(f"{decade:g}" for decade in decades)])
    axes.minorticks_off()
    axes.set_xlim(-0.3, last * 1.5)


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


def line_styles(table: pd.DataFrame) -> dict[str, dict]:
    """Return the styles of `lines_of` by the names that a legend gives the lines."""
    names = variants(table)
    if _panels_are_radii(table):
        _, part = panels_of(table)[0]
        return {names[variant]: style for variant, _, style, _ in lines_of(part)}
    return {
        ", ".join(filter(None, (names[variant], f"radius {radius:g}"))): style
        for variant, radius, style, _ in lines_of(table)
    }


def curves(
    table: pd.DataFrame, columns: dict[str, str]
) -> Iterator[tuple[str, dict, pd.DataFrame]]:
    """Yield (column, line style, rows) for each curve of a panel.

    Parameters
    ----------
    table : the rows of the panel.
    columns : what may be drawn, with its names.  One net has them all, a run the first of them at
        each radius.
    """
    if of_one_net(table):
        for column, style in zip(columns, _column_styles(), strict=False):
            yield column, style, table
    else:
        for _, _, style, rows in lines_of(table):
            yield next(iter(columns)), style, rows


def curve_styles(table: pd.DataFrame, columns: dict[str, str]) -> dict[str, dict]:
    """Return the styles of `curves` by the names that a legend gives them."""
    if of_one_net(table):
        return dict(zip(columns.values(), _column_styles(), strict=False))
    return line_styles(table)


def _column_styles() -> list[dict]:
    """Return the styles of up to three columns of one net."""
    return [
        {"color": hue, "linestyle": dashes} for hue, dashes in zip(colours(3), DASHES, strict=False)
    ]
