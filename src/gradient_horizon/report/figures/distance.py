"""Figures over distance: how much of the learning signal arrives, counts, and is made use of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from ...analysis.variants import variants
from ...config.grid import VARIANT_AXES
from ..plotting import (
    add_legend,
    colours,
    draw_band,
    finite_extent,
    label,
    new_figure,
    whole_numbers,
)
from .panels import (
    BOUND,
    DASHED,
    GREY,
    HALF,
    SOLID,
    best_of,
    curve_styles,
    curves,
    line_styles,
    lines_of,
    of_one_net,
    panels_for,
    titled,
)

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TRANSPORT = r"$\log_{10}$ transport"
DISTANCE = "distance $d$"
PARTS = {"cell": "cell state", "hidden": "hidden state"}
WEIGHTS = ("$W_{hh}$", "$W_{hx}$")
SMALLEST_SHARE = 1e-6
SMALLEST_INFLUENCE = 1e-4


def transport(table: pd.DataFrame) -> Figure:
    """Transport by distance, with the worst-case bound where one is known.

    Parameters
    ----------
    table : one experiment's rows of `contributions_median`, drawn before and after training; or
        one net's `contributions`, drawn with the parts of its state if it has two.
    """
    columns = {"log10_transport": "transport"}
    if of_one_net(table) and np.isfinite(table["log10_transport_cell"]).any():
        columns = {"log10_transport": "state"}
        columns |= {f"log10_transport_{part}": name for part, name in PARTS.items()}
    figure, panels = panels_for(
        table, TRANSPORT, DISTANCE, _transport_limits(table, ["log10_transport"], above=2.5)
    )
    for axes, part in panels:
        for column, style, rows in curves(part, columns):
            draw_band(axes, rows["distance"], rows, column, style)
            if column == "log10_transport":
                hue = {"color": style["color"]}
                axes.plot(rows["distance"], rows["log10_bound"], **BOUND | hue)
    # At distance 0 it is that of no step, which is known of every cell.
    known = table.loc[table["distance"] > 0, "log10_bound"].notna().any()
    bound = {"worst-case bound": BOUND} if known else {}
    add_legend(figure, curve_styles(table, columns) | bound)
    return figure


def transport_parts(table: pd.DataFrame) -> Figure:
    """Transport by distance through the cell state and the hidden state apart, where there are two.

    `table` holds one experiment's rows of `contributions_median`.
    """
    columns = {"log10_transport_cell": SOLID, "log10_transport_hidden": DASHED}
    table = table[table[list(columns)].notna().any(axis=1)]
    figure, panels = panels_for(
        table, TRANSPORT, DISTANCE, _transport_limits(table, list(columns), above=0.5)
    )
    for axes, part in panels:
        for _, _, style, rows in lines_of(part):
            for column, dashes in columns.items():
                draw_band(axes, rows["distance"], rows, column, style | dashes)
    hues = {name: style | SOLID for name, style in line_styles(table).items()}
    dashes = zip(PARTS.values(), columns.values(), strict=True)
    add_legend(figure, hues | {name: {"color": GREY} | style for name, style in dashes})
    return figure


def _transport_limits(table: pd.DataFrame, columns: list[str], above: float):
    """Return the ends of the vertical axis, with some room above for a bound or a line."""
    lowest, highest = finite_extent(table, columns)
    return max(lowest, -12) - 0.5, min(highest, 12) + above


def contribution(table: pd.DataFrame) -> Figure:
    """Share of the gradient by distance.

    Parameters
    ----------
    table : one experiment's rows of `contributions_median`, drawn before and after training; or
        one net's `contributions`, drawn for W_hh and W_hx.
    """
    columns = dict(zip(("share", "input_share"), WEIGHTS, strict=True))
    figure, panels = panels_for(
        table, "share of gradient", DISTANCE, (SMALLEST_SHARE, 1.5), "log", height=2.3
    )
    for axes, part in panels:
        for column, style, rows in curves(part, columns):
            # Exactly 0 for W_hh at the farthest distance, where the state before is h_0 = 0.
            rows = rows[rows[column] > 0]
            draw_band(axes, rows["distance"], rows, column, style)
    add_legend(figure, curve_styles(table, columns))
    return figure


def truncation(table: pd.DataFrame) -> Figure:
    """What backpropagation cut off after K steps loses of the gradient.

    Parameters
    ----------
    table : as `contribution` takes it; the bias at K is that of the sum over the distances below K.
    """
    columns = dict(zip(("truncation_bias", "input_truncation_bias"), WEIGHTS, strict=True))
    figure, panels = panels_for(
        table, "truncation bias", "steps kept $K$", (SMALLEST_SHARE, 3), "log"
    )
    level = {"color": GREY, "ls": "-", "lw": 0.6}
    for axes, part in panels:
        axes.axhline(0.01, **level)
        for column, style, rows in curves(part, columns):
            draw_band(axes, rows["distance"], rows, column, style)
    add_legend(figure, curve_styles(table, columns) | {"1 %": level})
    return figure


def influence(
    contributions: pd.DataFrame,
    rises: pd.DataFrame,
    summary: pd.DataFrame | None = None,
    facts: Mapping | None = None,
) -> Figure:
    """Learning signal against forward influence, both relative to d = 0.

    Of a run it is drawn after training, at each panel's radius that learns best.

    Parameters
    ----------
    contributions : one experiment's rows of `contributions_median`, or one net's `contributions`.
        Drawn at d is the part of all shares that lies at d or farther, which is what the rise at d
        stands beside.
    rises : its rows of `influence_median`, or the net's `influence`.  The rise is divided by that
        at d = 0; a panel whose interval reaches 0 there tells of a net that makes no use of its
        past.
    summary : of a run its rows of `summary_median`, of which the lowest median loss picks the grid
        point.
    facts : of a run its task's; `relevant_distance` is that of the input that matters, if it is
        known.
    """
    if summary is None:
        figure, panels = new_figure(1.95, 1, 1, width=HALF)
        drawn = [(contributions, rises)]
    else:
        figure, panels = titled(summary, 1.65)
        drawn, told = [], variants(summary)
        for axes, best in zip(panels[0], best_of(summary), strict=True):
            title = f"{label(best['activation'])}, radius {best['radius']:g}"
            name = told[tuple(best[VARIANT_AXES])]
            axes.set_title(f"{title}\n{name}" if name else title)
            drawn.append(
                [
                    table[(table["run"] == best["run"]) & (table["step"] == best["step"])]
                    for table in (contributions, rises)
                ]
            )
    first, second, _ = colours(3)
    signal = {"color": first}
    effect = {"color": second, "ls": "--", "marker": "o", "markersize": 2.5}
    mark = {"color": GREY, "ls": ":", "lw": 0.9}
    relevant = (facts or {}).get("relevant_distance")
    panels[0, 0].set_yscale("log")
    panels[0, 0].set_ylim(SMALLEST_INFLUENCE, 1.6)
    reach = [relevant or 1]
    for axes, (shares, rise) in zip(panels[0], drawn, strict=True):
        if relevant is not None:
            axes.axvline(relevant, **mark)
        reach.append(_draw_signal(axes, shares, signal))
        reach.append(_draw_rise(axes, rise, effect))
        axes.set_xlabel(DISTANCE)
        whole_numbers(axes)
    panels[0, 0].set_xlim(-0.5, max(reach) + 0.5)
    panels[0, 0].set_ylabel("relative to $d = 0$")
    names = {"gradient from $d$ and farther": signal, "rise of the loss": effect}
    add_legend(figure, names | ({} if relevant is None else {"relevant distance": mark}))
    return figure


def _draw_signal(axes: Axes, table: pd.DataFrame, style: dict) -> int:
    """Draw how much of all shares lies at each distance or farther; return how far that shows."""
    # Exactly 0 at the farthest distance, where the state before is h_0 = 0.
    shares = table[table["share"] > 0]
    farther = shares["share"][::-1].cumsum()[::-1] / shares["share"].sum()
    axes.plot(shares["distance"], farther, **style)
    return max(shares["distance"][farther > SMALLEST_INFLUENCE], default=0)


def _draw_rise(axes: Axes, table: pd.DataFrame, style: dict) -> int:
    """Draw the rise of the loss where there is one at d = 0; return how far it shows."""
    if not len(table):
        return 0
    certain = table["rise_low"].fillna(table["rise"]) if "rise_low" in table else table["rise"]
    if certain.iloc[0] > 0:
        columns = [name for name in ("rise", "rise_low", "rise_high") if name in table]
        relative = table[columns] / table["rise"].iloc[0]
        draw_band(axes, table["distance"], relative, "rise", style)
        return max(table["distance"][relative["rise"] > SMALLEST_INFLUENCE], default=0)
    axes.text(
        0.96,
        0.92,
        "nothing\nlearnt",
        transform=axes.transAxes,
        ha="right",
        va="top",
        bbox={"color": "white", "pad": 1},
    )
    return 0
