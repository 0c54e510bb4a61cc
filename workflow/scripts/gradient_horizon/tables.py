"""Tidy tables over all runs: every seed, and medians with intervals over the seeds."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from . import files
from .statistics import median_interval

AXES = ["experiment", "run", "task", "cell", "activation", "initialisation", "radius"]
DISTANCE_COLUMNS = ["log10_contribution", "share", "signed_share", "log10_transport", "coherence"]
SUMMARY_COLUMNS = [
    "loss",
    "accuracy",
    "probe_loss",
    "spectral_radius",
    "sigma_max",
    "log10_gradient_norm",
    "h99",
]
CURVE_POINTS = 50


def collect(results: Path, experiments: list[str], statistics: dict) -> dict[str, pd.DataFrame]:
    """Read every run and return the tables by name.

    Parameters
    ----------
    results : the folder that holds a folder for each experiment.
    experiments : their names.
    statistics : `confidence` and `resamples` of the bootstrap.

    Returns
    -------
    `contributions` (a row a seed, step and distance), `summary` (a row a seed and step), the
    medians of both over seeds (each column with `_low` and `_high`), and `learning_curves`.
    """
    parts = {"contributions": [], "summary": [], "learning_curves": []}
    for labels, folder in _runs(results, experiments):
        for name in ("contributions", "summary"):
            parts[name].append(_labelled(files.read_table(folder / f"{name}.parquet"), labels))
        curve = learning_curve(files.read_arrays(folder / "train.npz")["loss"], statistics)
        parts["learning_curves"].append(_labelled(curve, labels))
    tables = {name: pd.concat(frames, ignore_index=True) for name, frames in parts.items()}
    return {
        **tables,
        "contributions_median": distance_medians(tables["contributions"], statistics),
        "summary_median": summary_medians(tables["summary"], statistics),
    }


def distance_medians(contributions: pd.DataFrame, statistics: dict) -> pd.DataFrame:
    """Medians over seeds for every run, step and distance.

    `log10_bound` and `extinct` are plain medians and means: no claim is made on their spread.
    """
    keys = [*AXES, "step", "distance"]
    table = _medians(contributions, keys, DISTANCE_COLUMNS, statistics)
    groups = contributions.groupby(keys, sort=False)
    return table.assign(
        log10_bound=groups["log10_bound"].median().to_numpy(),
        extinct=groups["extinct"].mean().to_numpy(),
    )


def summary_medians(summary: pd.DataFrame, statistics: dict) -> pd.DataFrame:
    """Medians over seeds for every run and step.

    Also `h99_censored` (the part of the seeds whose horizon is a lower bound), `residual` (the
    largest), `diverged` (nets that had diverged by the step) and `seeds`.
    """
    keys = [*AXES, "step"]
    table = _medians(summary, keys, SUMMARY_COLUMNS, statistics)
    diverged = (summary["diverged_at"] >= 0) & (summary["diverged_at"] <= summary["step"])
    groups = summary.assign(diverged=diverged).groupby(keys, sort=False)
    return table.assign(
        h99_censored=groups["h99_censored"].mean().to_numpy(),
        residual=groups["residual"].max().to_numpy(),
        diverged=groups["diverged"].sum().to_numpy(),
        seeds=groups["seed"].count().to_numpy(),
    )


def learning_curve(loss: np.ndarray, statistics: dict) -> pd.DataFrame:
    """Training loss (steps, P), averaged over stretches of steps, with the median over seeds."""
    stretches = np.array_split(np.arange(len(loss)), min(CURVE_POINTS, len(loss)))
    means = np.stack([loss[stretch].mean(axis=0) for stretch in stretches])
    median, low, high = median_interval(means, **statistics)
    return pd.DataFrame(
        {
            "step": [int(stretch[-1]) + 1 for stretch in stretches],
            "loss": median,
            "loss_low": low,
            "loss_high": high,
        }
    )


def _runs(results: Path, experiments: list[str]) -> Iterator[tuple[dict, Path]]:
    """Yield the axis values and the folder of every run."""
    for experiment in experiments:
        for row in files.read_table(results / experiment / "grid.csv").to_dict("records"):
            labels = {"experiment": experiment, **row}
            yield {axis: labels[axis] for axis in AXES}, results / experiment / row["run"]


def _labelled(table: pd.DataFrame, labels: dict) -> pd.DataFrame:
    """Put a run's axis values before its columns."""
    return pd.DataFrame({**{name: [value] * len(table) for name, value in labels.items()}}).join(
        table
    )


def _medians(table: pd.DataFrame, keys: list[str], columns: list[str], statistics: dict):
    """Median and interval over seeds of each column, a row for each combination of `keys`."""
    groups = table.groupby(keys, sort=False)
    seeds = groups.cumcount()
    result = groups.size().index.to_frame(index=False)
    number = groups.ngroup().to_numpy()
    for column in columns:
        values = np.full((len(result), seeds.max() + 1), np.nan)
        values[number, seeds] = table[column]
        for suffix, part in zip(
            ("", "_low", "_high"), median_interval(values, **statistics), strict=True
        ):
            result[column + suffix] = part
    return result
