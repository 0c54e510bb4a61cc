"""What theory foretells, what truncation loses and what the nets use, as words for the paper.

Like `findings`, every function reads tables of medians over seeds and returns LaTeX text by name.
"""

import numpy as np
import pandas as pd

from ..analysis.grid_points import ends, lower_bound_label, lowest_loss, point_label
from ..gradients import bounds
from ..ground.latex import conjunction, count_of, escape, number, of_all, percent

UNKNOWN_BOUND = "No worst-case bound is known of these cells"
UNKNOWN_MEAN_FIELD = "Mean-field theory is of the simple cell only"


def slope_macros(slopes: pd.DataFrame) -> dict[str, str]:
    """Say of one experiment how far its slopes lie from the mean field's and the bound's.

    Parameters
    ----------
    slopes : its rows of the table of that name.
    """
    gap, figure = slope_gaps(slopes), r"(\autoref{fig:slopes-\experiment})"
    told = gap["mean_field_known"]
    before = f"the mean field is off by {gap['before']} in the median"
    if gap["bound_known"]:
        first = (
            f"In the slope of its logarithm {figure} the bound lies a median of {gap['bound']} a "
            f"step above the measurement before training{', and ' + before if told else ''}."
        )
    else:
        start = f", but in the slope of the transport's logarithm {before}" if told else ""
        first = f"{UNKNOWN_BOUND} {figure}{start}."
    after = (
        f"After training it is off by {gap['after']}, at most by {gap['largest']}; zero lies "
        f"outside of the interval of the difference at {gap['outside']}."
    )
    return {"SlopeGaps": f"{first} {after if told else UNKNOWN_MEAN_FIELD + '.'}"}


def across_macros(slopes: pd.DataFrame) -> dict[str, str]:
    """Say the same of all experiments together, in short and in full.

    Parameters
    ----------
    slopes : the table of that name.
    """
    gap = slope_gaps(slopes)
    bound = f"the bound lies a median of {gap['bound']} above the measurement"
    if not gap["mean_field_known"]:
        first = bound[:1].upper() + bound[1:] if gap["bound_known"] else UNKNOWN_BOUND
        return {"MeanFieldFinding": "", "SlopesAcross": f"{first}. {UNKNOWN_MEAN_FIELD}."}
    return {
        "MeanFieldFinding": (
            "A mean field of random networks foretells the slope of the logarithm of the "
            f"transported signal to {gap['before']} a step in the median before training; after "
            f"training it is off by {gap['after']}, because the weights are random no more."
        ),
        "SlopesAcross": (
            f"Over {gap['over']} the median difference between the measured slope and the mean "
            f"field's is {gap['before']} a step before training"
            f"{', while ' + bound if gap['bound_known'] else ''}. After training the difference "
            f"is {gap['after']} in the median, and zero lies outside of its interval at "
            f"{gap['outside']}. The largest is {gap['largest']}. What a random matrix of the same "
            "strength would do is then no guide any more: training has arranged the weights."
        ),
    }


def slope_gaps(slopes: pd.DataFrame) -> dict[str, str | bool]:
    """How far the measured slopes of ln transport lie from the mean field's and the bound's.

    Parameters
    ----------
    slopes : the table of that name, of one experiment or of several.

    Returns
    -------
    `before`, `after` and `bound`, medians over the grid points where both are known (`over`, those
    of the mean field), `largest` with its grid point, `outside`, and whether anything is known:
    `mean_field_known`, `bound_known`.
    """
    before, after = ends(slopes)
    largest = _largest_gap(after)
    foretold = int(before["deviation"].notna().sum())
    known = after["deviation"].notna().sum()
    gap = before["worst_slope"] - before["slope"]
    outside = (after["deviation_low"] > 0.0) | (after["deviation_high"] < 0.0)
    return {
        "before": number(before["deviation"].abs().median(), 2),
        "after": number(after["deviation"].abs().median(), 2),
        "largest": (
            "none"
            if largest is None
            else f"{number(largest['deviation'], 2)} ({_named(largest, after)})"
        ),
        "outside": f"{number(int(outside.sum()))} of {count_of(int(known), 'grid point')}",
        "over": (
            "all grid points"
            if foretold == len(before)
            else f"the {count_of(foretold, 'grid point')} of which both are known"
        ),
        "bound": number(gap.median(), 2),
        "mean_field_known": bool(np.isfinite(before["deviation"]).any()),
        "bound_known": bool(gap.notna().any()),
    }


def matrix_macros(summary: pd.DataFrame) -> dict[str, str]:
    """How near the drawn Gaussian matrices are to the limits of large ones.

    Parameters
    ----------
    summary : `summary_median`, of all experiments.
    """
    before, _ = ends(summary)
    drawn = before[before["initialisation"] == "gaussian"]
    return {
        "RadiusOverGain": number((drawn["spectral_radius"] / drawn["gain"]).median()),
        "SigmaOverGain": number((drawn["sigma_max"] / drawn["gain"]).median()),
        "RadiusLimit": number(bounds.gaussian_spectral_radius(1.0)),
        "SigmaLimit": number(bounds.gaussian_largest_singular_value(1.0)),
    }


def reach_macros(
    summary: pd.DataFrame, distances: pd.DataFrame, relevant: int | None
) -> dict[str, str]:
    """What truncation loses, what is signal, and what the nets use, in one experiment.

    Parameters
    ----------
    summary, distances : its rows of `summary_median` and `contributions_median`.
    relevant : how many steps back the input lies that matters, if the task has such a place.
    """
    before, after = ends(summary)
    best = after.loc[lowest_loss(after)]
    alike = (after["input_h99"] - after["h99"]).abs() <= 1.0
    having = of_all(int(alike.sum()), len(after), verbs=("has", "have"))
    return {
        "ShortestTruncation": _extreme(after, "k01", np.argmin),
        "LongestTruncation": _extreme(after, "k01", np.argmax),
        "InputAlike": having[:1].upper() + having[1:],
        "SaturatedBefore": percent(before["saturated"].median()),
        "SaturatedAfter": percent(after["saturated"].median()),
        "Signal": _signal(best, after, distances),
        "Influence": _influence(best, after, relevant),
    }


def _largest_gap(rows: pd.DataFrame) -> pd.Series | None:
    known = rows[np.isfinite(rows["deviation"])]
    return known.loc[known["deviation"].abs().idxmax()] if len(known) else None


def _named(row: pd.Series, rows: pd.DataFrame) -> str:
    """Name a grid point, with its experiment where there are several."""
    where = f", {escape(row.name[0].replace('_', ' '))}" if rows.index.nlevels > 1 else ""
    return point_label(row, rows) + where


def _extreme(rows: pd.DataFrame, column: str, pick) -> str:
    """Name the grid point with the smallest or largest median of a censored column."""
    known = rows[rows[column].notna()]
    if not len(known):
        return "--"
    row = known.iloc[pick(known[column].to_numpy())]
    return f"{lower_bound_label(row, column)} ({point_label(row, rows)})"


def _signal(best: pd.Series, after: pd.DataFrame, distances: pd.DataFrame) -> str:
    """Say up to which distance the best nets' contribution is more than noise."""
    rows = distances[(distances["run"] == best.name) & (distances["step"] == best["step"])]
    clear = rows.sort_values("distance")["signal_squared_low"].to_numpy() > 0.0
    if clear.all():
        where = "at all distances"
    else:
        first = int(clear.argmin())
        where = "at no distance" if first == 0 else f"up to distance {first - 1}"
    return (
        f"For the {point_label(best, after)}, the unbiased estimate of the squared contribution "
        f"is above zero with its whole interval {where}"
    )


def _influence(best: pd.Series, after: pd.DataFrame, relevant: int | None) -> str:
    """Say how far back what the best nets have read still matters, beside their horizon."""
    known = after[
        after["forward_horizon"].notna()
        & ~after["forward_horizon_censored"].astype(bool)
        & ~after["h99_censored"].astype(bool)
    ]
    sentences = []
    reach = best["forward_horizon"]
    if np.isfinite(reach):
        asked = "" if relevant is None else f" (the task asks for {count_of(relevant, 'step')})"
        sentences.append(
            f"The held-out loss of the {point_label(best, after)} rests on inputs up to "
            f"{lower_bound_label(best, 'forward_horizon')} steps back{asked}; 99\\,\\% of their "
            f"gradient lie within distance {lower_bound_label(best, 'h99')}."
        )
    if len(known):
        # An input d + 1 steps back is in the state that W_hh reads at distance d.
        farther = known["forward_horizon"] - 1.0 - known["h99"]
        allowed = np.maximum(1.0, 0.1 * known["h99"])
        counts = {
            "from farther back": int((farther > allowed).sum()),
            "from less far back": int((farther < -allowed).sum()),
        }
        parts = [f"{way} at {number(count)}" for way, count in counts.items()]
        sentences.append(
            f"Of the {count_of(len(known), 'grid point')} where both horizons are known, inputs "
            f"matter {conjunction(parts)} than the gradient comes from."
        )
    return " ".join(sentences) or "No grid point has learnt to use its inputs."
