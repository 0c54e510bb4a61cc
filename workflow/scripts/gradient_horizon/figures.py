"""The figures of one experiment, each a function from tables to a figure."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from .plotting import add_legend, draw_band, label, lines_of, new_figure

GREY = "0.35"


def transport(table: pd.DataFrame) -> Figure:
    """Transport by distance with the worst-case bound, before and after training.

    `table` holds one experiment's rows of `contributions_median`.
    """

    def draw(axes: Axes, rows: pd.DataFrame, style: dict) -> None:
        draw_band(axes, rows["distance"], rows, "log10_transport", style)
        axes.plot(rows["distance"], rows["log10_bound"], color=style["color"], ls=":", lw=0.8)

    figure, panels = _ends_by_activation(table, draw, r"$\log_{10}$ transport")
    lowest = table.loc[table["log10_transport"] > -np.inf, "log10_transport"].min()
    highest = table.loc[table["log10_transport"] < np.inf, "log10_transport"].max()
    panels[0, 0].set_ylim(max(lowest, -12) - 0.5, min(highest, 12) + 2.5)
    add_legend(figure, table, {"worst-case bound": {"color": GREY, "ls": ":", "lw": 0.8}})
    return figure


def contribution(table: pd.DataFrame) -> Figure:
    """Share of the gradient by distance, before and after training."""

    def draw(axes: Axes, rows: pd.DataFrame, style: dict) -> None:
        # Exactly 0 at the farthest distance, where the state before is h_0 = 0.
        rows = rows[rows["share"] > 0]
        draw_band(axes, rows["distance"], rows, "share", style)

    figure, panels = _ends_by_activation(table, draw, "share of the gradient")
    panels[0, 0].set_yscale("log")
    panels[0, 0].set_ylim(1e-6, 1.5)
    add_legend(figure, table)
    return figure


def phase_diagram(table: pd.DataFrame) -> Figure:
    """Horizon over radius and activation, before and after training.

    `table` holds one experiment's rows of `summary_median`.
    """
    rows = table[["cell", "initialisation", "activation"]].drop_duplicates()
    several = len(rows[["cell", "initialisation"]].drop_duplicates()) > 1
    names = [
        (f"{row.cell}, {row.initialisation}, " if several else "") + label(row.activation)
        for row in rows.itertuples()
    ]
    radii = sorted(table["radius"].unique())
    figure, panels = new_figure(0.75 + 0.28 * len(names), 1, 2, sharey=True)
    longest = max(table["h99"].max(), 1.0)
    for axes, (title, step) in zip(panels[0], _ends(table).items(), strict=True):
        part = table[table["step"] == step].set_index(
            ["cell", "initialisation", "activation", "radius"]
        )
        keys = [[(*row, radius) for radius in radii] for row in rows.itertuples(index=False)]
        horizon = np.array([[part["h99"].get(key, np.nan) for key in line] for line in keys])
        censored = np.array([[part["h99_censored"].get(key, 0) for key in line] for line in keys])
        image = axes.imshow(horizon, aspect="auto", cmap="cividis", vmin=0, vmax=longest)
        for (y, x), value in np.ndenumerate(horizon):
            if np.isfinite(value):
                text = f"{'≥' if censored[y, x] >= 0.5 else ''}{value:g}"
                ink = "black" if value > 0.55 * longest else "white"
                axes.text(x, y, text, ha="center", va="center", color=ink, fontsize=7)
        axes.set_xticks(range(len(radii)), [f"{radius:g}" for radius in radii])
        axes.set_yticks(range(len(names)), names)
        axes.set(title=title, xlabel="initial spectral radius")
        axes.grid(False)
        axes.tick_params(length=0)
    figure.colorbar(image, ax=panels, label="horizon $h_{99}$ (steps)", pad=0.01)
    return figure


def learning_curves(table: pd.DataFrame, baselines: dict[str, float]) -> Figure:
    """Training loss over steps.

    Parameters
    ----------
    table : one experiment's rows of `learning_curves`.
    baselines : losses to compare with, by name.
    """
    figure, panels = _by_activation(table, 1.75)
    dashes = ("--", ":", "-.")
    extra = {
        name.removeprefix("the "): {"color": GREY, "ls": dashes[place % len(dashes)], "lw": 0.9}
        for place, name in enumerate(baselines)
    }
    for axes, (_, part) in zip(panels[0], _activations(table), strict=True):
        for _, _, style, rows in lines_of(part):
            draw_band(axes, rows["step"], rows, "loss", style)
        for loss, style in zip(baselines.values(), extra.values(), strict=True):
            axes.axhline(loss, **style)
        axes.set_xlabel("training step")
        axes.xaxis.set_major_locator(MaxNLocator(3, integer=True))
    panels[0, 0].set_ylabel("training loss (nats)")
    # A net that blows up would squeeze all others to a line: it leaves the frame.
    top = 1.25 * max([*baselines.values(), table.groupby("activation")["loss"].first().median()])
    lowest = min([*baselines.values(), table["loss"].min()])
    panels[0, 0].set_ylim(lowest - 0.05 * (top - lowest), top)
    add_legend(figure, table, extra)
    return figure


def horizon_over_training(table: pd.DataFrame) -> Figure:
    """How the horizon moves during training; a hollow mark is a lower bound."""
    figure, panels = _by_activation(table, 1.75)
    for axes, (_, part) in zip(panels[0], _activations(table), strict=True):
        for _, _, style, rows in lines_of(part):
            draw_band(axes, rows["step"], rows, "h99", style)
            for hollow in (False, True):
                marked = rows[(rows["h99_censored"] >= 0.5) == hollow]
                face = "white" if hollow else style["color"]
                axes.plot(
                    marked["step"],
                    marked["h99"],
                    "o",
                    color=style["color"],
                    markerfacecolor=face,
                    zorder=3,
                )
        axes.set_xscale("symlog", linthresh=1)
        axes.set_xlabel("training step")
        last = table["step"].max()
        decades = [10**power for power in range(8) if 10**power <= last]
        axes.set_xticks([0, *decades], ["0", *(f"{decade:g}" for decade in decades)])
        axes.minorticks_off()
        axes.set_xlim(-0.3, last * 1.5)
    panels[0, 0].set_ylabel("horizon $h_{99}$ (steps)")
    panels[0, 0].set_ylim(-1, 1.06 * table["h99_high"].fillna(table["h99"]).max())
    hollow = {"color": GREY, "marker": "o", "markerfacecolor": "white", "ls": ""}
    add_legend(figure, table, {"lower bound": hollow})
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


def _activations(table: pd.DataFrame):
    """Yield each activation's rows, in the order of the grid."""
    yield from table.groupby("activation", sort=False)


def _by_activation(table: pd.DataFrame, height: float, rows: int = 1):
    """A figure with a column for each activation."""
    names = table["activation"].unique()
    figure, panels = new_figure(height, rows, len(names), sharex=True, sharey=True)
    for axes, name in zip(panels[0], names, strict=True):
        axes.set_title(label(name))
    return figure, panels


def _ends_by_activation(table: pd.DataFrame, draw, ylabel: str):
    """A figure with a row before and a row after training, a column for each activation."""
    figure, panels = _by_activation(table, 3.3, rows=2)
    for line, (title, step) in zip(panels, _ends(table).items(), strict=True):
        now = table[table["step"] == step]
        for axes, (_, part) in zip(line, _activations(now), strict=True):
            for _, _, style, rows in lines_of(part):
                draw(axes, rows, style)
        line[0].set_ylabel(f"{ylabel}\n{title}")
    for axes in panels[-1]:
        axes.set_xlabel("distance $d$")
        axes.xaxis.set_major_locator(MaxNLocator(4, integer=True))
    return figure, panels
