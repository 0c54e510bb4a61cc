"""The grid points in the tables of medians: their first and last rows, and how text names them."""

import math

import numpy as np
import pandas as pd

from ..config.grid import VARIANT_AXES
from ..ground.latex import escape, number
from ..networks.activations import ACTIVATIONS
from .variants import variants


def ends(summary: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return each run's first and last rows, indexed alike by run and, if several, experiment."""
    keys = ["experiment", "run"] if summary["experiment"].nunique() > 1 else ["run"]
    ordered = summary.sort_values("step", kind="stable")
    order = summary.drop_duplicates(keys).set_index(keys).index
    first, last = (ordered.drop_duplicates(keys, keep=keep) for keep in ("first", "last"))
    return first.set_index(keys).loc[order], last.set_index(keys).loc[order]


def lowest_loss(rows: pd.DataFrame):
    """Return the index of the row with the lowest loss; of the first if none has a loss."""
    return rows["loss"].fillna(np.inf).idxmin()


def middle_distance(distances: pd.DataFrame) -> int:
    """Half of the longest distance of one experiment, at least 1."""
    return max(1, int(distances["distance"].max()) // 2)


def at_the_middle(distances: pd.DataFrame) -> pd.DataFrame:
    """Keep the rows at the middle distance of each experiment."""
    groups = [
        part[part["distance"] == middle_distance(part)]
        for _, part in distances.groupby("experiment")
    ]
    return pd.concat(groups)


def variant_label(row: pd.Series, rows: pd.DataFrame) -> str:
    """Name a row's variant where there are several, and its activation unless all have that one."""
    variant = variants(rows)[tuple(row[VARIANT_AXES])]
    if variant and rows["activation"].nunique() == 1:
        return escape(variant)
    return escape(", ".join(filter(None, (variant, ACTIVATIONS[row["activation"]].label))))


def point_label(row: pd.Series, rows: pd.DataFrame) -> str:
    """Name a grid point in a sentence."""
    return f"{variant_label(row, rows)} networks of radius {row['radius']:g}"


def run_label(run: dict) -> str:
    """Name one of `config.runs` in a sentence."""
    return f"{ACTIVATIONS[run['activation']].label} networks of radius {run['radius']:g}"


def horizon_label(row: pd.Series) -> str:
    """Write a median horizon."""
    return lower_bound_label(row, "h99")


def lower_bound_label(row: pd.Series, column: str) -> str:
    """Write the median of a censored column, as a lower bound where it is one."""
    sign = r"\ensuremath{\ge}" if row[f"{column}_censored"] else ""
    return sign + (f"{row[column]:g}" if math.isfinite(row[column]) else number(row[column]))


def perplexity(loss: float) -> float:
    """Return e to the loss."""
    return math.exp(loss) if loss < 700 else math.inf
