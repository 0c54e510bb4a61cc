"""The spectrum of the recurrent weights, and that of the Jacobians along the states."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ...analysis.variants import variants
from ...config.grid import VARIANT_AXES
from ..plotting import add_legend, colours, draw_band, finite_extent, new_figure, whole_numbers
from .panels import (
    DASHED,
    GREY,
    SOLID,
    best_of,
    ends,
    line_styles,
    lines_of,
    over_training,
    panels_of,
)

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

DOTTED = {"linestyle": ":"}
ZERO = {"color": "0.2", "lw": 0.6}
LYAPUNOV = r"Lyapunov $\lambda_i$"


def spectra(table: pd.DataFrame, summary: pd.DataFrame | None = None) -> Figure:
    """The leading Lyapunov exponents, and what they stand beside.

    Of a run that is the spectral radius and sigma_max of W_hh over training, of one net the
    singular values of products of its Jacobians.

    Parameters
    ----------
    table : one experiment's rows of `spectra_median`, whose exponents, before and after training,
        are those of the grid point that learns best (the lowest median loss), its radius being
        named; or one net's `spectra`, with standard errors.
    summary : of a run its rows of `summary_median`.
    """
    if summary is None:
        return _of_one_net(table)
    columns, best = panels_of(summary), best_of(summary)
    figure, panels = new_figure(2.9, 2, len(columns), sharex="row", sharey="row")
    exponents = table[
        (table["quantity"] == "lyapunov") & table["run"].isin([row["run"] for row in best])
    ]
    _, largest = finite_extent(summary, ["spectral_radius", "sigma_max"])
    smallest, _ = finite_extent(summary[summary["spectral_radius"] > 0], ["spectral_radius"])
    lowest, highest = finite_extent(exponents, ["value"])
    panels[0, 0].set_yscale("log", base=2)
    panels[0, 0].set_ylim(max(smallest, 2**-5) / 1.2, min(max(largest, 1.0), 2**5) * 1.2)
    panels[0, 0].yaxis.set_major_formatter("{x:g}")
    panels[1, 0].set_ylim(max(lowest, -4) - 0.1, min(max(highest, 0), 2) + 0.1)
    hues, told = {}, variants(summary)
    for axes, (title, part) in zip(panels[0], columns, strict=True):
        axes.set_title(title)
        for _, _, style, rows in lines_of(part):
            hues |= dict.fromkeys(rows["run"], style["color"])
            # A checkpoint each, of which there are few: every one has its marker.
            style = {key: value for key, value in style.items() if key != "markevery"}
            axes.plot(rows["step"], rows["spectral_radius"], **style | SOLID)
            axes.plot(rows["step"], rows["sigma_max"], **style | DASHED)
        over_training(axes, summary["step"].max())
    for axes, row in zip(panels[1], best, strict=True):
        axes.axhline(0, **ZERO)
        own = exponents[exponents["run"] == row["run"]]
        for step, dashes in zip(ends(table).values(), (DOTTED, SOLID), strict=True):
            rows = own[own["step"] == step]
            style = {"color": hues[row["run"]], **dashes}
            draw_band(axes, rows["index"] + 1, rows, "value", style)
        name = told[tuple(row[VARIANT_AXES])]
        axes.set_xlabel(f"index $i$, radius {row['radius']:g}" + (f"\n{name}" if name else ""))
        whole_numbers(axes)
    panels[0, 0].set_ylabel("spectrum of $W_{hh}$")
    panels[1, 0].set_ylabel(LYAPUNOV)
    styles = {name: style | SOLID for name, style in line_styles(summary).items()}
    grey = {"color": GREY}
    keys = {
        "spectral radius; after training": grey | SOLID,
        r"$\sigma_{\max}$": grey | DASHED,
        "before training": grey | DOTTED,
    }
    add_legend(figure, styles | keys, 5, room=2)
    return figure


def _of_one_net(table: pd.DataFrame) -> Figure:
    """Return the exponents of one net and, beside them, the singular values at every distance."""
    figure, ((left, right),) = new_figure(1.9, 1, 2)
    exponents = table[table["quantity"] == "lyapunov"]
    errors = exponents["standard_error"].fillna(0.0)
    left.axhline(0, **ZERO)
    left.errorbar(
        exponents["index"] + 1, exponents["value"], errors, marker="o", color=colours(1)[0]
    )
    left.set_ylabel(LYAPUNOV)
    singular = table[(table["quantity"] == "singular") & np.isfinite(table["value"])]
    distances = sorted(singular["distance"].unique())
    styles = {
        f"{distance} step{'' if distance == 1 else 's'}": {"color": hue, "marker": ".", "lw": 0.8}
        for distance, hue in zip(distances, colours(len(distances)), strict=True)
    }
    for distance, style in zip(distances, styles.values(), strict=True):
        rows = singular[singular["distance"] == distance]
        right.plot(rows["index"] + 1, rows["value"], **style)
    right.set_ylabel(r"$\log_{10}$ singular value")
    for axes in (left, right):
        axes.set_xlabel("index $i$")
        whole_numbers(axes, 6)
    if styles:
        add_legend(figure, styles)
    return figure
