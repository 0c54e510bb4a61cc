"""The figure: where the gradient arises, what truncating keeps of it, how fast gates forget."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..gradients.stacks.rows import ALL
from ..ground.names import nearest
from ..report import plotting

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SMALLEST_SHARE = 1e-6
BINS_PER_DECADE = 12
NEARLY_ALL = 0.999


def draw(report, name: str | None = None) -> Figure:
    """Draw one panel of a report, or all that it has beside each other.

    Raises
    ------
    ValueError : there is no such panel.
    """
    panels = {"distances": _distances, "truncation": _truncation}
    if len(report.half_lives):
        panels["half_lives"] = _half_lives
    if name is not None and name not in panels:
        allowed = f"allowed: {', '.join(panels)}{nearest(name, panels)}"
        raise ValueError(f"figure: {name!r} is not there; {allowed}")
    chosen = list(panels.values()) if name is None else [panels[name]]
    with plotting.styled():
        figure, axes = plotting.new_figure(
            2.2, 1, len(chosen), width=plotting.TEXT_WIDTH if name is None else 3.25
        )
        modules = report.summary["module"].unique()
        hues = dict(zip(modules, plotting.colours(len(modules)), strict=True))
        for panel, place in zip(chosen, axes[0], strict=True):
            panel(place, report, hues)
        if len(hues) > 1:
            plotting.add_legend(figure, {name: {"color": hue} for name, hue in hues.items()})
        return plotting.shown(figure)


def save(report, path: Path) -> None:
    """Write all panels as PDF and PNG: `path` is given without an ending."""
    with plotting.styled():
        plotting.save(draw(report), path)


def draw_training(table, truncation: int | None) -> Figure:
    """Draw the horizon over training, of every module.

    Parameters
    ----------
    table : of a monitor.
    truncation : after how many steps the training cuts backpropagation off; None if it does not.
    """
    with plotting.styled():
        figure, axes = plotting.new_figure(2.2, 1, 1, width=3.25)
        modules = table["module"].unique()
        hues = dict(zip(modules, plotting.colours(len(modules)), strict=True))
        for module, rows in table.groupby("module", sort=False):
            for column, dashes in (("h99", "-"), ("k01", "--")):
                axes[0, 0].plot(
                    rows["step"], rows[column], linestyle=dashes, color=hues[module], marker="o"
                )
        styles = {name: {"color": hue} for name, hue in hues.items()} if len(hues) > 1 else {}
        styles |= {"99 % of the gradient": {"color": "0.3"}}
        styles |= {"k that loses 1 %": {"color": "0.3", "linestyle": "--"}}
        if truncation is not None:
            axes[0, 0].axhline(truncation, color="0.5", linestyle=":")
            styles |= {"truncation": {"color": "0.5", "linestyle": ":"}}
        axes[0, 0].set(xlabel="step of training", ylabel="steps back", ylim=(0, None))
        plotting.add_legend(figure, styles)
        return plotting.shown(figure)


def _distances(axes: Axes, report, hues: dict) -> None:
    """The share of every distance, and within which 99 % arises."""
    table = report.distances.query("parameter == @ALL", local_dict={"ALL": ALL})
    summary = report.summary.query("parameter == @ALL", local_dict={"ALL": ALL})
    summary = summary.set_index("module")
    for module, rows in table.groupby("module", sort=False):
        rows = rows[rows["share"] > 0.0]
        marker = "o" if len(rows) < 12 else None
        axes.plot(rows["distance"], rows["share"], color=hues[module], marker=marker)
        reach = summary.loc[module, "h99"]
        if np.isfinite(reach):
            axes.axvline(reach, color=hues[module], linestyle=":", linewidth=0.9)
    axes.set(xlabel="distance $d$", ylabel="share of gradient", yscale="log")
    axes.set_ylim(max(SMALLEST_SHARE, axes.get_ylim()[0]), 1.5)
    farthest = table.loc[table["share"] >= SMALLEST_SHARE, "distance"].max()
    if np.isfinite(farthest):
        axes.set_xlim(-0.04 * max(farthest, 1.0), 1.04 * max(farthest, 1.0))
    axes.set_title("where it arises (dotted: 99 %)")
    plotting.whole_numbers(axes)


def _truncation(axes: Axes, report, hues: dict) -> None:
    """What of the gradient is kept where backpropagation stops."""
    farthest = 1 if report.truncation is None else report.truncation
    for module, rows in report.truncations.groupby("module", sort=False):
        axes.plot(rows["k"], 100.0 * rows["kept"], color=hues[module])
        axes.plot(
            rows["k"], 100.0 * rows["chunk_kept"], color=hues[module], linestyle=":", linewidth=0.9
        )
        farthest = max(farthest, rows.loc[rows["kept"] < NEARLY_ALL, "k"].max())
    if farthest < 0.7 * report.truncations["k"].max():  # beyond, the lines are flat
        axes.set_xlim(0.0, 1.3 * farthest)
    if report.truncation is not None:
        axes.axvline(report.truncation, color="0.5", linestyle="--", linewidth=0.9)
    axes.set(xlabel="steps $k$ gone back", ylabel="% of gradient kept", ylim=(-5.0, 105.0))
    axes.set_title("what truncating keeps (dotted: in chunks)")
    plotting.whole_numbers(axes)


def _half_lives(axes: Axes, report, hues: dict) -> None:
    """After how many steps the units of gated modules have forgotten half."""
    table = report.half_lives[np.isfinite(report.half_lives["half_life"])]
    logs = np.log10(table["half_life"])
    low, high = logs.min() - 0.1, max(logs.max() + 0.1, logs.min() + 0.5)
    bins = np.logspace(low, high, int((high - low) * BINS_PER_DECADE) + 2)
    for module, rows in table.groupby("module", sort=False):
        # Outlines, as bars of one module would hide those of another.
        style = {"color": hues[module]} if len(hues) == 1 else {"edgecolor": hues[module]}
        axes.hist(rows["half_life"], bins, histtype="stepfilled", **style, fill=len(hues) == 1)
    axes.set(xlabel="half-life in steps", ylabel="units", xscale="log")
    plotting.plain_logarithms(axes)
    axes.yaxis.get_major_locator().set_params(integer=True)
    axes.set_axisbelow(True)  # the grid would cut the bars
    axes.set_title("how fast gates forget")
