"""The paper's tables of results, as LaTeX."""

import pandas as pd

from ..analysis.grid_points import (
    ends,
    horizon_label,
    lowest_loss,
    middle_distance,
    perplexity,
    variant_label,
)
from ..analysis.learnability import POOLED
from ..analysis.variants import variants
from ..config.grid import VARIANT_AXES
from ..ground.latex import escape, interval, number, percent, table
from ..networks.activations import ACTIVATIONS
from .loss_words import LOSSES

TRANSPORT = ("log10_transport", "log10_bound")
# So many experiments, or variants of one, fit side by side.
MOST_BESIDE = 2


def by_activation(summary: pd.DataFrame, loss: str = "cross_entropy") -> str:
    """Return a table of what each activation reaches at the radius that learns best.

    Parameters
    ----------
    summary : one experiment's rows of `summary_median`.
    loss : the kind of its loss; only a cross-entropy has a perplexity.
    """
    likely = loss == "cross_entropy"
    before, after = ends(summary)
    rows = []
    for _, part in after.groupby([*VARIANT_AXES, "activation"], sort=False):
        run = lowest_loss(part)
        last, first = after.loc[run], before.loc[run]
        rows.append(
            [
                variant_label(last, after),
                f"{last['radius']:g}",
                interval(last["loss"], last["loss_low"], last["loss_high"]),
                *([number(perplexity(last["loss"]))] if likely else []),
                percent(last["accuracy"]),
                horizon_label(first),
                horizon_label(last),
                f"{int(last['diverged'])}/{int(last['seeds'])}",
            ]
        )
    head = [
        "activation",
        "radius",
        LOSSES[loss].column,
        *(["perplexity"] if likely else []),
        "accuracy",
        "$h_{99}$ before",
        "after",
        "diverged",
    ]
    return table("lrl" + "r" * (len(head) - 3), head, rows)


def whole_grid(title: str, summary: pd.DataFrame, distances: pd.DataFrame) -> str:
    """Return a table with a row for each grid point, which may go over several pages.

    Parameters
    ----------
    title : its caption, as LaTeX.
    summary, distances : one experiment's rows of `summary_median` and `contributions_median`.
    """
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


def slopes(table_of_slopes: pd.DataFrame) -> str:
    """Return a table of measured and predicted slopes, a row for each grid point.

    Parameters
    ----------
    table_of_slopes : one experiment's rows of `slopes`.
    """
    before, after = ends(table_of_slopes)
    rows = []
    for run, first in before.iterrows():
        cells = [variant_label(first, before), f"{first['radius']:g}"]
        for part in (first, after.loc[run]):
            cells += [
                interval(*(part[f"slope{end}"] for end in ("", "_low", "_high"))),
                number(part["mean_field_slope"]),
                number(part["worst_slope"]),
            ]
        rows.append(cells)
    head = ["activation", r"$\rho$", *2 * ["measured", "mean field", "bound"]]
    groups = (
        r"& & \multicolumn{3}{c}{before training} & \multicolumn{3}{c}{after training} \\"
        r"\cmidrule(lr){3-5}\cmidrule(lr){6-8}"
    )
    return table("lr" + 2 * "lrr", head, rows, over_the_head=groups)


def ranked(correlations: pd.DataFrame, predictor: str = "share") -> pd.DataFrame:
    """Keep the rank correlations of one predictor, as the paper shows them.

    Experiments on remedies are left out: their nets all start alike.

    Parameters
    ----------
    correlations : the table `learnability`.
    predictor : one of those that it has.
    """
    remedied = correlations.groupby("experiment")["remedy"].transform("nunique") > 1
    return correlations[(correlations["predictor"] == predictor) & ~remedied]


def learnability(correlations: pd.DataFrame, predictor: str = "share") -> str:
    """Return a table of rank correlations with accuracy, a row an activation.

    Experiments, or cells and initialisations, stand side by side, or one below the other where
    there are too many.

    Parameters
    ----------
    correlations, predictor : as `ranked` takes them; the table is empty where it leaves nothing.
    """
    chosen = ranked(correlations, predictor)
    if not len(chosen):
        return ""
    groups = list(chosen.groupby(["experiment", *VARIANT_AXES], sort=False).groups)
    several = len(groups) > chosen["experiment"].nunique()
    labels = variants(chosen)
    names = [
        escape(experiment.replace("_", " ") + (f", {labels[tuple(variant)]}" if several else ""))
        for experiment, *variant in groups
    ]
    activations = list(chosen["activation"].unique())
    found = {
        tuple(row[key] for key in ("activation", "experiment", *VARIANT_AXES, "radius_held")): (
            interval(row["rho"], row["low"], row["high"], digits=2)
        )
        for row in chosen.to_dict("records")
    }

    def cells(activation: str, group: tuple) -> list[str]:
        return [found.get((activation, *group, held), "--") for held in (False, True)]

    head = ["over all radii", "radius held"]
    rows = []
    if len(groups) > MOST_BESIDE:
        for name, group in zip(names, groups, strict=True):
            known = [one for one in activations if (one, *group, False) in found]
            single = [one for one in known if one != POOLED]
            if len(single) == 1:
                rows.append([name, *cells(single[0], group)])
            else:
                rows.append([rf"\emph{{{name}}}", "", ""])
                rows += [[_activation_label(one), *cells(one, group)] for one in known]
        return table("lll", ["", *head], rows)
    for activation in activations:
        beside = [cell for group in groups for cell in cells(activation, group)]
        rows.append([_activation_label(activation), *beside])
    over = " & ".join(["", *(rf"\multicolumn{{2}}{{c}}{{{name}}}" for name in names)]) + r" \\"
    head = ["activation", *len(groups) * head]
    return table("l" + 2 * len(groups) * "l", head, rows, over_the_head=over)


def _activation_label(activation: str) -> str:
    return "all together" if activation == POOLED else ACTIVATIONS[activation].label
