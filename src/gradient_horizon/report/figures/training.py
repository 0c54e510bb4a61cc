"""Figures over training: its loss, and where the horizon moves meanwhile."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ..loss_words import LOSSES
from ..plotting import add_legend, draw_band, finite_extent, whole_numbers
from .panels import GREY, line_styles, lines_of, over_training, panels_of, titled

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


def learning_curves(table: pd.DataFrame, facts: Mapping) -> Figure:
    """Training loss over steps.

    Parameters
    ----------
    table : one experiment's rows of `learning_curves`.
    facts : its task's, of which `baselines` are losses to compare with, by name, and `loss` their
        kind.
    """
    baselines = facts["baselines"]
    figure, panels = titled(table, 1.75)
    # A net that blows up would squeeze all others to a line: it leaves the frame.
    top = 1.25 * max([*baselines.values(), table.groupby("activation")["loss"].first().median()])
    lowest = min([*baselines.values(), table["loss"].min()])
    panels[0, 0].set_ylim(lowest - 0.05 * (top - lowest), top)
    dashes = ("--", ":", "-.")
    extra = {
        name.removeprefix("the "): {"color": GREY, "ls": dashes[place % len(dashes)], "lw": 0.9}
        for place, name in enumerate(baselines)
    }
    for axes, (_, part) in zip(panels[0], panels_of(table), strict=True):
        for _, _, style, rows in lines_of(part):
            draw_band(axes, rows["step"], rows, "loss", style)
        for level, style in zip(baselines.values(), extra.values(), strict=True):
            axes.axhline(level, **style)
        axes.set_xlabel("training step")
        whole_numbers(axes, 3)
    panels[0, 0].set_ylabel(LOSSES[facts["loss"]].axis)
    add_legend(figure, line_styles(table) | extra)
    return figure


def horizon_over_training(table: pd.DataFrame) -> Figure:
    """How the horizon moves during training; a hollow mark is a lower bound."""
    figure, panels = titled(table, 1.75)
    panels[0, 0].set_ylim(-1, 1.06 * max(finite_extent(table, ["h99", "h99_high"])[1], 1.0))
    for axes, (_, part) in zip(panels[0], panels_of(table), strict=True):
        for _, _, style, rows in lines_of(part):
            draw_band(axes, rows["step"], rows, "h99", style)
            for hollow in (False, True):
                marked = rows[rows["h99_censored"] == hollow]
                face = "white" if hollow else style["color"]
                axes.plot(
                    marked["step"],
                    marked["h99"],
                    "o",
                    color=style["color"],
                    markerfacecolor=face,
                    zorder=3,
                )
        over_training(axes, table["step"].max())
    panels[0, 0].set_ylabel("horizon $h_{99}$ (steps)")
    hollow = {"color": GREY, "marker": "o", "markerfacecolor": "white", "ls": ""}
    add_legend(figure, line_styles(table) | {"lower bound": hollow})
    return figure
