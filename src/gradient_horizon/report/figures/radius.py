"""Figures over the initial spectral radius: slopes beside theory, and where the horizon lies."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ...analysis.variants import of_variant, variants
from ...config.grid import VARIANT_AXES
from ..plotting import add_legend, colours, finite_extent, interval, label, new_figure
from .panels import BOUND, MARKERS, by_activation, ends, panels_for

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


def slopes(table: pd.DataFrame) -> Figure:
    """Slope of ln transport over the initial radius, beside what theory says of it.

    `table` holds one experiment's rows of `slopes`.  Where the worst-case bound lies below 0 for
    every net, gradients are certain to vanish (Pascanu, Mikolov and Bengio, 2013): that is shaded.
    The note's bound is drawn where it is another.
    """
    from matplotlib.ticker import FixedLocator, MaxNLocator

    lowest, highest = finite_extent(
        table, ["slope", "slope_low", "slope_high", "mean_field_slope", "worst_slope", "note_slope"]
    )
    limits = max(lowest, -4) - 0.2, min(highest, 4) + 0.2
    figure, panels = panels_for(
        table,
        r"slope of $\ln$ transport",
        "initial radius",
        limits,
        height=2.4,
        split=by_activation,
    )
    note = BOUND | {"ls": (0, (4, 1.5)), "color": "0.6"}
    shade = {"color": "0.9", "marker": "s", "markersize": 6, "ls": ""}
    known = _variant_styles(table)
    for axes, part in panels:
        axes.axhline(0, color="0.2", lw=0.6)
        axes.xaxis.set_major_locator(MaxNLocator(4))
        if len(known) > 1:
            # At radii of the grid alone: what stands beside a tick is of no radius in between.
            axes.xaxis.set_major_locator(FixedLocator(sorted(table["radius"].unique()), nbins=4))
        # Nothing is certain of a net that no bound is known of.
        worst = part.assign(worst_slope=part["worst_slope"].fillna(np.inf))
        worst = worst.groupby("radius")["worst_slope"].max()
        radii = np.linspace(worst.index.min(), worst.index.max(), 400)
        with np.errstate(invalid="ignore"):
            vanishing = np.interp(radii, worst.index, worst) < 0
        axes.fill_between(
            radii, 0, 1, vanishing, color="0.9", lw=0, transform=axes.get_xaxis_transform()
        )
        shifts = _side_by_side(part["radius"], len(known))
        for (variant, style), shift in zip(known.items(), shifts, strict=True):
            rows = of_variant(part, variant).sort_values("radius")
            places, hue = rows["radius"] + shift, {"color": style["color"]}
            if (rows["note_slope"] > rows["worst_slope"]).any():
                axes.plot(places, rows["note_slope"], **note)
            bound = BOUND | hue if len(known) > 1 else BOUND
            axes.plot(places, rows["worst_slope"], **bound)
            axes.plot(places, rows["mean_field_slope"], **hue, lw=1)
            low, high = interval(axes, rows, "slope")
            axes.vlines(places, low, high, **hue, lw=1)
            axes.plot(places, rows["slope"], ls="", **style)
    names = {
        ", ".join(filter(None, ("measured", name))): known[variant] | {"ls": ""}
        for variant, name in variants(table).items()
    }
    theory = {}
    if table["mean_field_slope"].notna().any():
        theory["mean field"] = {"color": next(iter(known.values()))["color"], "lw": 1}
    if table["worst_slope"].notna().any():
        theory["worst-case bound"] = BOUND
        if (table["note_slope"] > table["worst_slope"]).any():
            theory["the note's bound"] = note
        theory["certain to vanish"] = shade
    add_legend(figure, names | theory)
    return figure


def _variant_styles(table: pd.DataFrame) -> dict[tuple, dict]:
    """Return the style of each variant."""
    known = variants(table)
    return {
        variant: {"color": hue, "marker": MARKERS[place % len(MARKERS)]}
        for place, (variant, hue) in enumerate(zip(known, colours(len(known)), strict=True))
    }


def _side_by_side(radii: pd.Series, count: int) -> np.ndarray:
    """Return how far from its radius each of several variants is drawn, (count,)."""
    gaps = np.diff(np.unique(radii))
    width = 0.3 * gaps.min() if count > 1 and len(gaps) else 0.0
    return np.linspace(-0.5, 0.5, count) * width if count > 1 else np.zeros(1)


def phase_diagram(table: pd.DataFrame) -> Figure:
    """Horizon over radius and activation, before and after training.

    `table` holds one experiment's rows of `summary_median`.
    """
    points = [*VARIANT_AXES, "activation"]
    rows = list(table[points].drop_duplicates().itertuples(index=False, name=None))
    told = variants(table)
    names = [
        ", ".join(filter(None, (told[tuple(variant)], label(activation))))
        for *variant, activation in rows
    ]
    radii = sorted(table["radius"].unique())
    figure, panels = new_figure(0.75 + 0.28 * len(names), 1, 2, sharey=True)
    longest = max(finite_extent(table, ["h99"])[1], 1.0)
    for axes, (title, step) in zip(panels[0], ends(table).items(), strict=True):
        part = table[table["step"] == step].set_index([*points, "radius"])
        keys = [[(*row, radius) for radius in radii] for row in rows]
        horizon = np.array([[part["h99"].get(key, np.nan) for key in line] for line in keys])
        censored = np.array(
            [[part["h99_censored"].get(key, False) for key in line] for line in keys]
        )
        image = axes.imshow(horizon, aspect="auto", cmap="cividis", vmin=0, vmax=longest)
        for (y, x), value in np.ndenumerate(horizon):
            if np.isfinite(value):
                text = f"{'≥' if censored[y, x] else ''}{value:g}"
                ink = "black" if value > 0.55 * longest else "white"
                axes.text(x, y, text, ha="center", va="center", color=ink, fontsize=7)
        axes.set_xticks(range(len(radii)), [f"{radius:g}" for radius in radii])
        axes.set_yticks(range(len(names)), names)
        axes.set(title=title, xlabel="initial spectral radius")
        axes.grid(False)
        axes.tick_params(length=0)
    figure.colorbar(image, ax=panels, label="horizon $h_{99}$ (steps)", pad=0.01)
    return figure
