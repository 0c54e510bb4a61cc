"""The figures of one experiment, each a function from tables to a figure."""

from collections.abc import Callable

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, MaxNLocator

from ..analysis.variants import of_variant, variants
from ..config.grid import VARIANT_AXES
from .loss_words import LOSSES
from .plotting import (
    MARKERS,
    add_legend,
    by_activation,
    colours,
    draw_band,
    interval,
    label,
    lines_of,
    new_figure,
    panels_of,
    radius_styles,
)

GREY = "0.35"
BOUND = {"color": GREY, "ls": ":", "lw": 0.8}
SOLID = {"linestyle": "-"}
DASHED = {"linestyle": (0, (3, 1)), "linewidth": 0.8}
DOTTED = {"linestyle": ":"}


def transport(table: pd.DataFrame) -> Figure:
    """Transport by distance, before and after training, with the bound where one is known.

    `table` holds one experiment's rows of `contributions_median`.
    """
    lowest, highest = _extent(table, ["log10_transport"])
    limits = max(lowest, -12) - 0.5, min(highest, 12) + 2.5
    figure, panels = _before_and_after(table, r"$\log_{10}$ transport", "distance $d$", limits)
    for axes, part in panels:
        for _, _, style, rows in lines_of(part):
            draw_band(axes, rows["distance"], rows, "log10_transport", style)
            axes.plot(rows["distance"], rows["log10_bound"], **BOUND | {"color": style["color"]})
    bound = {"worst-case bound": BOUND} if table["log10_bound"].notna().any() else {}
    add_legend(figure, radius_styles(table) | bound)
    return figure


def transport_parts(table: pd.DataFrame) -> Figure:
    """Transport by distance through the cell state and the hidden state apart, where there are two.

    `table` holds one experiment's rows of `contributions_median`.
    """
    columns = {"log10_transport_cell": SOLID, "log10_transport_hidden": DASHED}
    table = table[table[list(columns)].notna().any(axis=1)]
    lowest, highest = _extent(table, list(columns))
    limits = max(lowest, -12) - 0.5, min(highest, 12) + 0.5
    figure, panels = _before_and_after(table, r"$\log_{10}$ transport", "distance $d$", limits)
    for axes, part in panels:
        for _, _, style, rows in lines_of(part):
            for column, dashes in columns.items():
                draw_band(axes, rows["distance"], rows, column, style | dashes)
    grey = {"color": GREY}
    keys = {"cell state": grey | SOLID, "hidden state": grey | DASHED}
    add_legend(figure, {name: style | SOLID for name, style in radius_styles(table).items()} | keys)
    return figure


def contribution(table: pd.DataFrame) -> Figure:
    """Share of the gradient by distance, before and after training."""
    figure, panels = _before_and_after(
        table, "share of gradient", "distance $d$", (1e-6, 1.5), "log", height=2.3
    )
    for axes, part in panels:
        # Exactly 0 at the farthest distance, where the state before is h_0 = 0.
        for _, _, style, rows in lines_of(part[part["share"] > 0]):
            draw_band(axes, rows["distance"], rows, "share", style)
    add_legend(figure, radius_styles(table))
    return figure


def truncation(table: pd.DataFrame) -> Figure:
    """What backpropagation cut off after K steps loses of the gradient, before and after training.

    `table` holds one experiment's rows of `contributions_median`: the bias at K is that of the
    sum over the distances below K.
    """
    figure, panels = _before_and_after(table, "truncation bias", "steps kept $K$", (1e-6, 3), "log")
    level = {"color": GREY, "ls": "-", "lw": 0.6}
    for axes, part in panels:
        axes.axhline(0.01, **level)
        for _, _, style, rows in lines_of(part):
            draw_band(axes, rows["distance"], rows, "truncation_bias", style)
    add_legend(figure, radius_styles(table) | {"1 %": level})
    return figure


def slopes(table: pd.DataFrame) -> Figure:
    """Slope of ln transport over the initial radius, beside what theory says of it.

    `table` holds one experiment's rows of `slopes`.  Where the worst-case bound lies below 0 for
    every net, gradients are certain to vanish (Pascanu, Mikolov and Bengio, 2013): that is shaded.
    The note's bound is drawn where it is another.
    """
    lowest, highest = _extent(
        table, ["slope", "slope_low", "slope_high", "mean_field_slope", "worst_slope", "note_slope"]
    )
    limits = max(lowest, -4) - 0.2, min(highest, 4) + 0.2
    figure, panels = _before_and_after(
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


def influence(
    contributions: pd.DataFrame,
    rises: pd.DataFrame,
    summary: pd.DataFrame,
    relevant: int | None = None,
) -> Figure:
    """Learning signal against forward influence, after training, at the radius that learns best.

    Parameters
    ----------
    contributions : one experiment's rows of `contributions_median`.  Drawn at d is the part of all
        shares that lies at d or farther, which is what the rise at d stands beside.
    rises : its rows of `influence_median`.  The rise is divided by the median rise at d = 0; a
        panel whose interval reaches 0 there tells of a net that makes no use of its past.
    summary : its rows of `summary_median`, of which the lowest median loss picks the run.
    relevant : the distance of the input that matters, if the task has one.
    """
    figure, panels = _titled(summary, 1.65)
    first, second, _ = colours(3)
    signal = {"color": first}
    effect = {"color": second, "ls": "--", "marker": "o", "markersize": 2.5}
    mark = {"color": GREY, "ls": ":", "lw": 0.9}
    panels[0, 0].set_yscale("log")
    floor = 1e-4
    panels[0, 0].set_ylim(floor, 1.6)
    reach = [relevant or 1]
    told = variants(summary)
    for axes, best in zip(panels[0], _best(summary), strict=True):
        title = f"{label(best['activation'])}, radius {best['radius']:g}"
        name = told[tuple(best[VARIANT_AXES])]
        axes.set_title(f"{title}\n{name}" if name else title)
        if relevant is not None:
            axes.axvline(relevant, **mark)
        shares = contributions[
            (contributions["run"] == best["run"]) & (contributions["step"] == best["step"])
        ]
        # Exactly 0 at the farthest distance, where the state before is h_0 = 0.
        shares = shares[shares["share"] > 0]
        farther = shares["share"][::-1].cumsum()[::-1] / shares["share"].sum()
        axes.plot(shares["distance"], farther, **signal)
        reach += list(shares["distance"][farther > floor])
        rise = rises[(rises["run"] == best["run"]) & (rises["step"] == best["step"])]
        if len(rise) and rise["rise_low"].fillna(rise["rise"]).iloc[0] > 0:
            relative = rise[["rise", "rise_low", "rise_high"]] / rise["rise"].iloc[0]
            draw_band(axes, rise["distance"], relative, "rise", effect)
            reach += list(rise["distance"][relative["rise"] > floor])
        elif len(rise):
            axes.text(
                0.96,
                0.92,
                "nothing\nlearnt",
                transform=axes.transAxes,
                ha="right",
                va="top",
                bbox={"color": "white", "pad": 1},
            )
        axes.set_xlabel("distance $d$")
        axes.xaxis.set_major_locator(MaxNLocator(4, integer=True))
    panels[0, 0].set_xlim(-0.5, max(reach) + 0.5)
    panels[0, 0].set_ylabel("relative to $d = 0$")
    names = {"gradient from $d$ and farther": signal, "rise of the loss": effect}
    add_legend(figure, names | ({} if relevant is None else {"relevant distance": mark}))
    return figure


def spectra(summary: pd.DataFrame, table: pd.DataFrame) -> Figure:
    """Spectral radius and sigma_max of W_hh over training, and the leading Lyapunov exponents.

    Parameters
    ----------
    summary : one experiment's rows of `summary_median`.
    table : its rows of `spectra_median`.  The exponents, before and after training, are those of
        the run that learns best (the lowest median loss); its radius is named.
    """
    columns, best = panels_of(summary), _best(summary)
    figure, panels = new_figure(2.9, 2, len(columns), sharex="row", sharey="row")
    exponents = table[
        (table["quantity"] == "lyapunov") & table["run"].isin([row["run"] for row in best])
    ]
    _, largest = _extent(summary, ["spectral_radius", "sigma_max"])
    smallest, _ = _extent(summary[summary["spectral_radius"] > 0], ["spectral_radius"])
    lowest, highest = _extent(exponents, ["value"])
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
        _over_training(axes, summary["step"].max())
    for axes, row in zip(panels[1], best, strict=True):
        axes.axhline(0, color="0.2", lw=0.6)
        own = exponents[exponents["run"] == row["run"]]
        for step, dashes in zip(_ends(table).values(), (DOTTED, SOLID), strict=True):
            rows = own[own["step"] == step]
            style = {"color": hues[row["run"]], **dashes}
            draw_band(axes, rows["index"] + 1, rows, "value", style)
        name = told[tuple(row[VARIANT_AXES])]
        axes.set_xlabel(f"index $i$, radius {row['radius']:g}" + (f"\n{name}" if name else ""))
        axes.xaxis.set_major_locator(MaxNLocator(4, integer=True))
    panels[0, 0].set_ylabel("spectrum of $W_{hh}$")
    panels[1, 0].set_ylabel(r"Lyapunov $\lambda_i$")
    styles = {name: style | SOLID for name, style in radius_styles(summary).items()}
    grey = {"color": GREY}
    keys = {
        "spectral radius; after training": grey | SOLID,
        r"$\sigma_{\max}$": grey | DASHED,
        "before training": grey | DOTTED,
    }
    add_legend(figure, styles | keys, 5, room=2)
    return figure


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
    longest = max(_extent(table, ["h99"])[1], 1.0)
    for axes, (title, step) in zip(panels[0], _ends(table).items(), strict=True):
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


def learning_curves(
    table: pd.DataFrame, baselines: dict[str, float], loss: str = "cross_entropy"
) -> Figure:
    """Training loss over steps.

    Parameters
    ----------
    table : one experiment's rows of `learning_curves`.
    baselines : losses to compare with, by name.
    loss : their kind.
    """
    figure, panels = _titled(table, 1.75)
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
        axes.xaxis.set_major_locator(MaxNLocator(3, integer=True))
    panels[0, 0].set_ylabel(LOSSES[loss].axis)
    add_legend(figure, radius_styles(table) | extra)
    return figure


def horizon_over_training(table: pd.DataFrame) -> Figure:
    """How the horizon moves during training; a hollow mark is a lower bound."""
    figure, panels = _titled(table, 1.75)
    panels[0, 0].set_ylim(-1, 1.06 * max(_extent(table, ["h99", "h99_high"])[1], 1.0))
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
        _over_training(axes, table["step"].max())
    panels[0, 0].set_ylabel("horizon $h_{99}$ (steps)")
    hollow = {"color": GREY, "marker": "o", "markerfacecolor": "white", "ls": ""}
    add_legend(figure, radius_styles(table) | {"lower bound": hollow})
    return figure


def sentence_map(mapped: dict[str, np.ndarray]) -> Figure:
    """Contributions by pairs of words of one held-out sentence, before and after training.

    Parameters
    ----------
    mapped : `step` (2,), `log10_contribution` (2, T, T) and `words` (T+1,).
    """
    words = [{"</s>": "⟨end⟩", "<unk>": "⟨unknown⟩"}.get(word, word) for word in mapped["words"]]
    figure, panels = new_figure(3.45, 1, 2, sharey=True)
    for axes, values, title in zip(
        panels[0], mapped["log10_contribution"], ("before training", "after training"), strict=True
    ):
        with np.errstate(invalid="ignore"):
            relative = values - np.nanmax(values, axis=1, keepdims=True)
        image = axes.imshow(relative, cmap="cividis", vmin=-4, vmax=0)
        axes.set_xticks(range(len(words) - 1), words[:-1], rotation=90)
        axes.set_yticks(range(len(words) - 1), words[1:])
        axes.set(title=title, xlabel="word read, $x_k$")
        axes.grid(False)
        axes.tick_params(length=0)
    panels[0, 0].set_ylabel("word predicted, $y_t$")
    figure.colorbar(
        image,
        ax=panels,
        label=r"$\log_{10}$ contribution, relative to the row's largest",
        shrink=0.75,
        pad=0.01,
        extend="min",
    )
    return figure


def _ends(table: pd.DataFrame) -> dict[str, int]:
    """Return the first and the last step, by the title of their panels."""
    return {"before training": table["step"].min(), "after training": table["step"].max()}


def _best(summary: pd.DataFrame) -> list[pd.Series]:
    """Return each panel's row of the lowest median loss after training."""
    after = summary[summary["step"] == summary["step"].max()]
    return [part.sort_values("loss", kind="stable").iloc[0] for _, part in panels_of(after)]


def _titled(
    table: pd.DataFrame, height: float, rows: int = 1, split: Callable = panels_of
) -> tuple[Figure, np.ndarray]:
    """A figure with a column for each part that `split` makes of a table."""
    titles = [title for title, _ in split(table)]
    figure, panels = new_figure(height, rows, len(titles), sharex=True, sharey=True)
    for axes, title in zip(panels[0], titles, strict=True):
        axes.set_title(title)
    return figure, panels


def _before_and_after(
    table: pd.DataFrame,
    ylabel: str,
    xlabel: str,
    limits: tuple[float, float],
    scale: str = "linear",
    height: float = 2.7,
    split: Callable = panels_of,
):
    """A figure with a row before and a row after training, and the columns of `split`.

    Returns it and, panel by panel, the axes with the rows that belong there.
    """
    figure, grid = _titled(table, height, rows=2, split=split)
    grid[0, 0].set_yscale(scale)
    grid[0, 0].set_ylim(limits)
    panels = []
    for line, (title, step) in zip(grid, _ends(table).items(), strict=True):
        now = table[table["step"] == step]
        for axes, (_, part) in zip(line, split(now), strict=True):
            panels.append((axes, part))
        line[0].set_ylabel(title)
    figure.supylabel(ylabel, fontsize=grid[0, 0].yaxis.label.get_fontsize())
    for axes in grid[-1]:
        axes.set_xlabel(xlabel)
        axes.xaxis.set_major_locator(MaxNLocator(4, integer=True))
    return figure, panels


def _over_training(axes: Axes, last: int) -> None:
    """Let a panel's horizontal axis be the training step, from 0 to the last."""
    axes.set_xscale("symlog", linthresh=1)
    axes.set_xlabel("training step")
    decades = [10**power for power in range(8) if 10**power <= last]
    axes.set_xticks([0, *decades], ["0", *(f"{decade:g}" for decade in decades)])
    axes.minorticks_off()
    axes.set_xlim(-0.3, last * 1.5)


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


def _extent(table: pd.DataFrame, columns: list[str]) -> tuple[float, float]:
    """Return the smallest and the largest finite number of some columns; 0 where there is none."""
    values = table[columns].to_numpy(dtype=float)
    values = values[np.isfinite(values)]
    return (values.min(), values.max()) if values.size else (0.0, 0.0)
