"""Tidy tables over all runs: every seed, and medians with intervals over the seeds."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from ..config.grid import PLAIN, VARIANT_AXES
from ..ground import files
from ..numerics.statistics import censored_median, median_interval
from . import remedies
from .learnability import rank_correlations, signal_and_outcome
from .slopes import with_predictions

AXES = ["experiment", "run", "task", "cell", "activation", "initialisation", "radius", "remedy"]
DISTANCE_COLUMNS = [
    "log10_contribution",
    "share",
    "signed_share",
    "cosine",
    "log10_transport",
    "coherence",
    "signal_squared",
    "truncation_bias",
    "input_log10_contribution",
    "input_share",
    "input_truncation_bias",
]
# Known only of cells whose state has two parts.
PART_COLUMNS = ["log10_transport_hidden", "log10_transport_cell"]
SUMMARY_COLUMNS = [
    "loss",
    "accuracy",
    "probe_loss",
    "spectral_radius",
    "sigma_max",
    "gain",
    "saturated",
    "slope",
    "log10_gradient_norm",
    "input_log10_gradient_norm",
]
# Columns that may be lower bounds; each has a column `_censored` beside it.
CENSORED_COLUMNS = ["h99", "k01", "input_h99", "input_k01", "forward_horizon"]
SLOPE_COLUMNS = ["slope", "mean_field_slope", "deviation", "worst_slope", "note_slope"]
PREDICTORS = ["log10_transport", "log10_contribution", "share"]
LEARNABILITY = [
    "experiment",
    *VARIANT_AXES,
    "radius_held",
    "activation",
    "predictor",
    "rho",
    "low",
    "high",
    "nets",
]
# What every run leaves.
RUN_TABLES = ("contributions", "summary", "spectra", "influence")
# Too long for a text file: as Parquet only.
LONG_TABLES = ("contributions", "spectra")
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
    `contributions` (a row a seed, step and distance), `summary` (a row a seed and step), `spectra`
    and `influence` (`measurement.jacobian_spectra` and `influence`), the medians of all four over
    seeds (each column with `_low` and `_high`), `learning_curves`, `slopes` (theory beside
    measurement), `learnability` (what predicts learning) and `remedies` (what each changes).
    """
    parts = {name: [] for name in (*RUN_TABLES, "learning_curves")}
    for labels, folder in _runs(results, experiments):
        for name in RUN_TABLES:
            parts[name].append(_labelled(files.read_table(folder / f"{name}.parquet"), labels))
        curve = learning_curve(files.read_arrays(folder / "train.npz")["loss"], statistics)
        parts["learning_curves"].append(_labelled(curve, labels))
    tables = {name: pd.concat(frames, ignore_index=True) for name, frames in parts.items()}
    relevant = {
        name: files.read_json(results / name / "task.json").get("relevant_distance")
        for name in experiments
    }
    tables |= {
        "contributions_median": distance_medians(tables["contributions"], statistics),
        "summary_median": summary_medians(tables["summary"], statistics),
    }
    return {
        **tables,
        "spectra_median": spectrum_medians(tables["spectra"], statistics),
        "influence_median": _medians(
            tables["influence"], [*AXES, "step", "distance"], ["rise"], statistics
        ),
        "slopes": slope_medians(tables["summary"], statistics),
        "learnability": learnability(tables, relevant, statistics),
        "remedies": comparisons(tables, relevant, statistics),
    }


def distance_medians(contributions: pd.DataFrame, statistics: dict) -> pd.DataFrame:
    """Medians over seeds for every run, step and distance.

    `log10_bound` and `extinct` are plain medians and means: no claim is made on their spread.
    """
    keys = [*AXES, "step", "distance"]
    columns = DISTANCE_COLUMNS
    if contributions[PART_COLUMNS].notna().any(axis=None):
        columns = columns + PART_COLUMNS
    table = _medians(contributions, keys, columns, statistics)
    groups = contributions.groupby(keys, sort=False)
    return table.assign(
        log10_bound=groups["log10_bound"].median().to_numpy(),
        extinct=groups["extinct"].mean().to_numpy(),
    )


def summary_medians(summary: pd.DataFrame, statistics: dict) -> pd.DataFrame:
    """Medians over seeds for every run and step.

    The medians of `CENSORED_COLUMNS` are those of censored values, with a column `_censored` that
    tells whether the median is a lower bound itself.  Also `residual` (the largest), `diverged`
    (nets that had diverged by the step) and `seeds`.
    """
    keys = [*AXES, "step"]
    table = _medians(summary, keys, SUMMARY_COLUMNS, statistics)
    for column in CENSORED_COLUMNS:
        values = _by_seed(summary, keys, column, np.nan)
        censored = _by_seed(summary, keys, f"{column}_censored", False)
        parts = censored_median(values, censored, **statistics)
        for suffix, part in zip(("", "_low", "_high", "_censored"), parts, strict=True):
            table[column + suffix] = part
    diverged = (summary["diverged_at"] >= 0) & (summary["diverged_at"] <= summary["step"])
    groups = summary.assign(diverged=diverged).groupby(keys, sort=False)
    return table.assign(
        residual=groups["residual"].max().to_numpy(),
        diverged=groups["diverged"].sum().to_numpy(),
        seeds=groups["seed"].count().to_numpy(),
    )


def spectrum_medians(spectra: pd.DataFrame, statistics: dict) -> pd.DataFrame:
    """Medians over seeds of exponents and singular values.

    A value of -inf, of a direction that is lost altogether, counts as the lowest there is and is
    not left out like a missing one.
    """
    keys = [*AXES, "step", "quantity", "distance", "index"]
    lost = -np.finfo(np.float64).max / 4.0  # so large that a mean with it is told from any other
    table = _medians(
        spectra.assign(value=spectra["value"].clip(lower=lost)), keys, ["value"], statistics
    )
    for column in ("value", "value_low", "value_high"):
        table[column] = table[column].where(~(table[column] < lost / 4.0), -np.inf)
    return table


def slope_medians(summary: pd.DataFrame, statistics: dict) -> pd.DataFrame:
    """Medians over seeds of measured and predicted slopes, before and after training."""
    nets = with_predictions(summary)
    return _medians(nets, [*AXES, "step"], SLOPE_COLUMNS, statistics)


def learnability(
    tables: dict[str, pd.DataFrame], relevant: dict[str, int | None], statistics: dict
) -> pd.DataFrame:
    """What predicts learning, of each experiment whose relevant distance is known.

    Parameters
    ----------
    tables : `summary` and `contributions`.
    relevant : the relevant distance by experiment, if it has one.
    statistics : `confidence` and `resamples`.

    Returns
    -------
    `experiment`, the axes of its variants, `radius_held` and the columns of
    `learnability.rank_correlations`, accuracy being the outcome.
    """
    parts = []
    for name, distance in relevant.items():
        own = {key: table[table["experiment"] == name] for key, table in tables.items()}
        if distance is None or distance > own["contributions"]["distance"].max():
            continue
        nets = signal_and_outcome(own["summary"], own["contributions"], distance)
        for variant, group in nets.groupby(VARIANT_AXES, sort=False):
            axes = {"experiment": name, **dict(zip(VARIANT_AXES, variant, strict=True))}
            for held in (False, True):
                found = rank_correlations(
                    group, PREDICTORS, "accuracy", **statistics, hold_radius=held
                )
                parts.append(_labelled(found, {**axes, "radius_held": held}))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=LEARNABILITY)


def comparisons(
    tables: dict[str, pd.DataFrame], relevant: dict[str, int | None], statistics: dict
) -> pd.DataFrame:
    """Compare the remedies of each experiment that has several (`remedies.comparison`).

    Parameters
    ----------
    tables : `summary`, `summary_median` and `contributions_median`.
    relevant : the relevant distance by experiment, if it has one.
    statistics : `confidence` and `resamples`.
    """
    names = ("summary", "summary_median", "contributions_median")
    parts = []
    for name, distance in relevant.items():
        own = [tables[table][tables[table]["experiment"] == name] for table in names]
        if own[0]["remedy"].nunique() > 1:
            parts.append(remedies.comparison(*own, distance, statistics))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=remedies.COLUMNS)


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
            labels = {"experiment": experiment, "remedy": PLAIN, **row}
            yield {axis: labels[axis] for axis in AXES}, results / experiment / row["run"]


def _labelled(table: pd.DataFrame, labels: dict) -> pd.DataFrame:
    """Put a run's axis values before its columns."""
    return pd.DataFrame(labels, index=table.index).join(table)


def _medians(table: pd.DataFrame, keys: list[str], columns: list[str], statistics: dict):
    """Median and interval over seeds of each column, a row for each combination of `keys`."""
    result = table.groupby(keys, sort=False).size().index.to_frame(index=False)
    for column in columns:
        parts = median_interval(_by_seed(table, keys, column, np.nan), **statistics)
        for suffix, part in zip(("", "_low", "_high"), parts, strict=True):
            result[column + suffix] = part
    return result


def _by_seed(table: pd.DataFrame, keys: list[str], column: str, missing) -> np.ndarray:
    """Values of a column, a row for each combination of `keys` and a column for each seed."""
    groups = table.groupby(keys, sort=False)
    number, seeds = groups.ngroup().to_numpy(), groups.cumcount().to_numpy()
    shape = number.max(initial=-1) + 1, seeds.max(initial=0) + 1
    values = np.full(shape, missing, dtype=type(missing))
    values[number, seeds] = table[column]
    return values
