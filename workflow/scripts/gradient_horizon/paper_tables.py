"""The paper's tables of results, as LaTeX."""

import pandas as pd

from .grid_points import (
    VARIANT,
    ends,
    horizon_label,
    lowest_loss,
    middle_distance,
    perplexity,
    variant_label,
)
from .latex import interval, number, percent, table

TRANSPORT = ("log10_transport", "log10_bound")


def by_activation(summary: pd.DataFrame) -> str:
    """Return a table of what each activation reaches at the radius that learns best."""
    before, after = ends(summary)
    rows = []
    for _, part in after.groupby(VARIANT, sort=False):
        run = lowest_loss(part)
        last, first = after.loc[run], before.loc[run]
        rows.append(
            [
                variant_label(last, after),
                f"{last['radius']:g}",
                interval(last["loss"], last["loss_low"], last["loss_high"]),
                number(perplexity(last["loss"])),
                percent(last["accuracy"]),
                horizon_label(first),
                horizon_label(last),
                f"{int(last['diverged'])}/{int(last['seeds'])}",
            ]
        )
    head = [
        "activation",
        "radius",
        "held-out loss (nats)",
        "perplexity",
        "accuracy",
        "$h_{99}$ before",
        "after",
        "diverged",
    ]
    return table("lrlrrrrr", head, rows)


def whole_grid(title: str, summary: pd.DataFrame, distances: pd.DataFrame) -> str:
    """Return a table with a row for each grid point, which may go over several pages."""
    before, after = ends(summary)
    middle = middle_distance(distances)
    steps = distances[distances["distance"] == middle].set_index(["run", "step"])
    rows = []
    for run, first in before.iterrows():
        last = after.loc[run]
        start, end = (steps.loc[(run, row["step"])] for row in (first, last))
        rows.append(
            [
                variant_label(first, before),
                f"{first['radius']:g}",
                number(first["sigma_max"]),
                *(number(part[column]) for part in (start, end) for column in TRANSPORT),
                horizon_label(first),
                horizon_label(last),
                interval(last["loss"], last["loss_low"], last["loss_high"]),
            ]
        )
    head = [
        "activation",
        r"$\rho$",
        r"$\sigma_{\max}$",
        "transp.",
        "bound",
        "transp.",
        "bound",
        "$h_{99}$",
        "$h_{99}$",
        "held-out loss",
    ]
    groups = (
        r"\multicolumn{3}{l}{before training} & \multicolumn{2}{c}{before}"
        r" & \multicolumn{2}{c}{after} & before & after & after \\"
    )
    return table("lrrrrrrrrl", head, rows, over_the_head=groups, long_caption=title)
