"""The figures of one trained net, each a function from its tables to a figure."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from .plotting import TEXT_WIDTH, add_legend, colours, new_figure

FIRST, SECOND, THIRD = ({"color": hue} for hue in colours(3))
SECOND |= {"ls": (0, (5, 1))}
THIRD |= {"ls": (0, (3, 1, 1, 1))}
LEVEL = {"color": "0.35", "ls": "-", "lw": 0.6}
DOTTED = {"color": "0.35", "ls": ":", "lw": 0.9}
SMALLEST = 1e-6


def transport(table: pd.DataFrame) -> Figure:
    """Transport by distance, of the whole state and of its parts, and its worst-case bound.

    `table` is `contributions`.
    """
    figure, axes = _panel(r"$\log_{10}$ transport", "distance $d$")
    columns = {"transport": ("log10_transport", FIRST)}
    if np.isfinite(table["log10_transport_cell"]).any():
        columns = {
            "state": ("log10_transport", FIRST),
            "hidden $h$": ("log10_transport_hidden", SECOND),
            "cell $c$": ("log10_transport_cell", THIRD),
        }
    if table["log10_bound"].notna().all():
        columns["worst-case bound"] = ("log10_bound", DOTTED)
    values = table["log10_transport"]
    values = values[np.isfinite(values)]
    if len(values):
        axes.set_ylim(max(values.min(), -12) - 0.5, min(values.max(), 12) + 2.5)
    for column, style in columns.values():
        axes.plot(table["distance"], table[column], **style)
    add_legend(figure, {name: style for name, (_, style) in columns.items()})
    return figure


def contribution(table: pd.DataFrame) -> Figure:
    """Share of the gradient by distance, for W_hh and W_hx; `table` is `contributions`."""
    figure, axes = _panel("share of gradient", "distance $d$", 1.5)
    for column, style in (("share", FIRST), ("input_share", SECOND)):
        # Exactly 0 for W_hh at the farthest distance, where the state before is h_0 = 0.
        rows = table[table[column] > 0]
        axes.plot(rows["distance"], rows[column], **style)
    add_legend(figure, {"$W_{hh}$": FIRST, "$W_{hx}$": SECOND})
    return figure


def truncation(table: pd.DataFrame) -> Figure:
    """What backpropagation cut off after K steps loses of the gradient, for W_hh and W_hx.

    `table` is `contributions`: the bias at K is that of the sum over the distances below K.
    """
    figure, axes = _panel("truncation bias", "steps kept $K$", 3.0)
    axes.axhline(0.01, **LEVEL)
    for column, style in (("truncation_bias", FIRST), ("input_truncation_bias", SECOND)):
        axes.plot(table["distance"], table[column], **style)
    add_legend(figure, {"$W_{hh}$": FIRST, "$W_{hx}$": SECOND, "1 %": LEVEL})
    return figure


def influence(table: pd.DataFrame, rises: pd.DataFrame) -> Figure:
    """Learning signal against forward influence, both relative to d = 0.

    Parameters
    ----------
    table : `contributions`.  Drawn at d is the part of all shares that lies at d or farther.
    rises : `influence`.  Drawn where the loss rises at all when everything before is replaced.
    """
    figure, axes = _panel("relative to $d = 0$", "distance $d$", 1.6)
    shares = table[table["share"] > 0]
    farther = shares["share"][::-1].cumsum()[::-1] / shares["share"].sum()
    axes.plot(shares["distance"], farther, **FIRST)
    names = {"gradient from $d$ and farther": FIRST}
    if len(rises) and rises["rise"].iloc[0] > 0:
        effect = SECOND | {"marker": "o", "markersize": 2.5}
        relative = rises["rise"] / rises["rise"].iloc[0]
        axes.plot(rises["distance"], relative.where(relative > 0), **effect)
        names["rise of the loss"] = effect
    add_legend(figure, names)
    return figure


def spectra(table: pd.DataFrame) -> Figure:
    """Leading Lyapunov exponents, and singular values of products of Jacobians.

    `table` is `spectra`.
    """
    figure, ((left, right),) = new_figure(1.9, 1, 2)
    exponents = table[table["quantity"] == "lyapunov"]
    left.axhline(0.0, **LEVEL)
    errors = exponents["standard_error"].fillna(0.0)
    left.errorbar(exponents["index"] + 1, exponents["value"], errors, marker="o", **FIRST)
    left.set(xlabel="index $i$", ylabel=r"Lyapunov $\lambda_i$")
    singular = table[table["quantity"] == "singular"]
    distances = sorted(singular["distance"].unique())
    styles = [
        {"color": hue, "marker": ".", "markersize": 3, "lw": 0.8} for hue in colours(len(distances))
    ]
    for distance, style in zip(distances, styles, strict=True):
        rows = singular[(singular["distance"] == distance) & np.isfinite(singular["value"])]
        right.plot(rows["index"] + 1, rows["value"], **style)
    right.set(xlabel="index $i$", ylabel=r"$\log_{10}$ singular value")
    for axes in (left, right):
        axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    names = [f"{distance} step{'' if distance == 1 else 's'}" for distance in distances]
    if names:
        add_legend(figure, dict(zip(names, styles, strict=True)))
    return figure


def _panel(ylabel: str, xlabel: str, top: float | None = None) -> tuple[Figure, Axes]:
    """Return a figure of half the text's width with one panel; logarithmic if it has a top."""
    figure, ((axes,),) = new_figure(1.95, 1, 1, width=TEXT_WIDTH / 2 - 0.05)
    axes.set(xlabel=xlabel, ylabel=ylabel)
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    if top is not None:
        axes.set_yscale("log")
        axes.set_ylim(SMALLEST, top)
    return figure, axes
