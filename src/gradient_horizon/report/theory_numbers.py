"""Theory and measurement, what truncation loses, what the nets use, as numbers of the paper.

As in `experiment_numbers`, every function reads tables of medians over seeds and returns macros.
"""

import numpy as np
import pandas as pd

from ..analysis.grid_points import ends, lower_bound_label, lowest_loss, point_label
from ..gradients import bounds
from ..ground.latex import escape, number, percent


def slope_macros(slopes: pd.DataFrame) -> dict[str, str]:
    """Return how far the measured slopes of ln transport lie from the mean field's and the bound's.

    Parameters
    ----------
    slopes : the table of that name, of one experiment or of several.

    Returns
    -------
    Medians over the grid points where both are known, before training (`BoundGap`,
    `MeanFieldGapBefore`) and after it (`MeanFieldGapAfter`, `LargestMeanFieldGap` with its
    `LargestMeanFieldPoint`); at how many of the points that are `MeanFieldCompared` the interval of
    the difference excludes zero (`MeanFieldOutside`).  -- is what is known of no grid point.
    """
    before, after = ends(slopes)
    known = after[np.isfinite(after["deviation"])]
    largest = known.loc[known["deviation"].abs().idxmax()] if len(known) else None
    outside = (after["deviation_low"] > 0.0) | (after["deviation_high"] < 0.0)
    return {
        "BoundGap": number((before["worst_slope"] - before["slope"]).median(), 2),
        "MeanFieldGapBefore": number(_median_size(before["deviation"]), 2),
        "MeanFieldGapAfter": number(_median_size(after["deviation"]), 2),
        "LargestMeanFieldGap": number(None if largest is None else largest["deviation"], 2),
        "LargestMeanFieldPoint": "--" if largest is None else _named(largest, after),
        "MeanFieldOutside": number(int(outside.sum())),
        "MeanFieldCompared": number(int(after["deviation"].notna().sum())),
    }


def across_macros(slopes: pd.DataFrame) -> dict[str, str]:
    """Return the same of all experiments together, and over how many grid points.

    Parameters
    ----------
    slopes : the table of that name.
    """
    before, _ = ends(slopes)
    points = number(int(before["deviation"].notna().sum()))
    return {**slope_macros(slopes), "MeanFieldPoints": points}


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


def reach_macros(summary: pd.DataFrame, distances: pd.DataFrame) -> dict[str, str]:
    """Return what truncation loses, what is signal, and what the nets use, in one experiment.

    Parameters
    ----------
    summary, distances : its rows of `summary_median` and `contributions_median`.
    """
    before, after = ends(summary)
    best = after.loc[lowest_loss(after)]
    reach = lower_bound_label(best, "forward_horizon")
    alike = (after["input_h99"] - after["h99"]).abs() <= 1.0
    return {
        "ShortestTruncation": _extreme(after, "k01", np.argmin),
        "LongestTruncation": _extreme(after, "k01", np.argmax),
        "InputAlike": number(int(alike.sum())),
        "SaturatedBefore": percent(before["saturated"].median()),
        "SaturatedAfter": percent(after["saturated"].median()),
        "SignalReach": _signal_reach(best, distances),
        "BestForwardHorizon": reach if np.isfinite(best["forward_horizon"]) else "--",
        **_influence(after),
    }


def _median_size(deviation: pd.Series) -> float:
    """Return the median of the sizes; nan where none is finite."""
    return deviation.abs().median() if np.isfinite(deviation).any() else np.nan


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


def _signal_reach(best: pd.Series, distances: pd.DataFrame) -> str:
    """Return the distance up to which a net's contribution is more than noise, or all or none."""
    rows = distances[(distances["run"] == best.name) & (distances["step"] == best["step"])]
    clear = rows.sort_values("distance")["signal_squared_low"].to_numpy() > 0.0
    if clear.all():
        return "all"
    first = int(clear.argmin())
    return "none" if first == 0 else number(first - 1)


def _influence(after: pd.DataFrame) -> dict[str, str]:
    """Count where inputs matter from farther back, or less far, than the gradient comes from."""
    known = after[
        after["forward_horizon"].notna()
        & ~after["forward_horizon_censored"].astype(bool)
        & ~after["h99_censored"].astype(bool)
    ]
    # An input d + 1 steps back is in the state that W_hh reads at distance d.
    farther = known["forward_horizon"] - 1.0 - known["h99"]
    allowed = np.maximum(1.0, 0.1 * known["h99"])
    return {
        "HorizonsKnown": number(len(known)),
        "InfluenceFarther": number(int((farther > allowed).sum())),
        "InfluenceNearer": number(int((farther < -allowed).sum())),
    }
