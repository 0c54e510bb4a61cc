"""What one experiment gives, and all together, as the numbers and names of the paper.

Every function reads the tables of medians over seeds and returns macros: LaTeX text by name. The
sentences are in `paper/`, with all the forms that depend on how the numbers fall.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from ..analysis.grid_points import (
    at_the_middle,
    ends,
    horizon_label,
    lowest_loss,
    middle_distance,
    perplexity,
    point_label,
)
from ..gradients.distance_sum import CANCELLED, LARGEST_RESIDUAL
from ..ground.latex import conjunction, escape, interval, number, percent, switch
from ..networks.activations import ACTIVATIONS
from ..training.optimisers import OPTIMISERS
from ..training.regulariser import REGULARISERS
from .loss_words import LOSSES


def experiment_macros(
    name: str,
    experiment: dict,
    facts: dict,
    summary: pd.DataFrame,
    distances: pd.DataFrame,
) -> dict[str, str]:
    """Return the macros of one experiment, without its prefix.

    Parameters
    ----------
    name, experiment : its name and its part of the resolved configuration.
    facts : what the task says of itself (`task.json`).
    summary, distances : its rows of `summary_median` and `contributions_median`.
    """
    before, after = ends(summary)
    task = experiment["task"]["name"]
    return {
        "Name": _readable(name),
        "Title": _readable(name).capitalize(),
        "TaskFile": f"task_{task}",
        "TaskName": _readable(task),
        **_setup(experiment, facts, before, summary["step"].nunique()),
        **_learning(facts, before, after),
        **_horizons(before, after),
        **_trace(facts.get("relevant_distance"), after, distances),
        **_bounds(distances),
        "LargestResidual": number(summary["residual"].max(), 2),
    }


def overall_macros(
    config: dict, summary: pd.DataFrame, distances: pd.DataFrame, facts: dict[str, dict]
) -> dict[str, str]:
    """Return the macros that speak of all experiments together.

    Parameters
    ----------
    config : the resolved configuration.
    summary, distances : `summary_median` and `contributions_median`.
    facts : what the task of every experiment says of itself, by its name.
    """
    names = list(config["experiments"])
    before, after = ends(summary)
    growing, shrinking = _bound_against_transport(distances)
    trained = distances[
        distances["step"] == distances.groupby("experiment")["step"].transform("max")
    ]
    middle = at_the_middle(trained)
    return {
        "ExperimentCount": number(len(names)),
        "ExperimentNames": conjunction(map(_readable, names)),
        "ActivationNames": conjunction(
            ACTIVATIONS[name].label for name in dict.fromkeys(before["activation"])
        ),
        "PointCount": number(len(before)),
        "NetCount": number(int(before["seeds"].sum())),
        "GradientCount": number(int(summary["seeds"].sum())),
        "GrowingBounds": number(growing),
        "GrowingBoundsShrinking": number(shrinking),
        "BoundedPoints": number(int(middle["log10_bound"].notna().sum())),
        "BoundExcess": number(_excess(middle), 2),
        "MovedHorizons": number(int((after["h99"] != before["h99"]).sum())),
        "CoherenceNear": number(trained.loc[trained["distance"] == 0, "coherence"].median(), 2),
        "CoherenceFar": number(middle["coherence"].median(), 2),
        "AllowedResidual": number(LARGEST_RESIDUAL, 2),
        "CancelledPart": number(CANCELLED, 2),
        "LargestResidual": number(summary["residual"].max(), 2),
        "Confidence": f"{100 * config['statistics']['confidence']:g}\\,\\%",
        "Resamples": number(config["statistics"]["resamples"]),
        "AnySquaredError": switch(any(facts[name]["loss"] == "squared_error" for name in names)),
        "BaseSeed": str(config["base_seed"]),
    }


def _setup(experiment: dict, facts: dict, before: pd.DataFrame, checkpoints: int) -> dict[str, str]:
    """What was trained."""
    # Where the task has no such option, the length is that of what it read.
    steps = experiment["task"].get("sequence_length") or facts["sequence_length"]
    model, training, grid = experiment["model"], experiment["training"], experiment["grid"]
    return {
        "Points": number(len(before)),
        "Seeds": number(grid["seeds"]),
        "Activations": conjunction(ACTIVATIONS[name].label for name in grid["activations"]),
        "Radii": conjunction(f"{radius:g}" for radius in sorted(grid["spectral_radii"])),
        "HiddenUnits": number(model["hidden_size"]),
        "SequenceLength": number(steps),
        "BatchSize": number(training["batch_size"]),
        "TrainingSteps": number(training["steps"]),
        "Optimiser": OPTIMISERS[training["optimiser"]].label,
        "LearningRate": _setting(training["learning_rate"]),
        **_gradient_taken(training),
        "Precision": training["precision"],
        "ProbeBatch": number(experiment["measurement"]["probe_batch"]),
        "Checkpoints": number(checkpoints),
    }


def _gradient_taken(training: dict) -> dict[str, str]:
    """What is done with the gradient before it is followed; -- for what is not."""
    form, flossing = training["regulariser"], training["flossing"] or {}
    return {
        "ClipNorm": _setting(training["gradient_clip"]),
        "ClipValue": _setting(training["gradient_clip_value"]),
        "Truncation": _setting(training["truncation"]),
        "Regulariser": "--" if form is None else REGULARISERS[form].label,
        "RegulariserWeight": _setting(training["regulariser_weight"]),
        "FlossingSteps": _setting(flossing.get("steps")),
        "FlossingExponents": _setting(flossing.get("exponents")),
    }


def _learning(facts: dict, before: pd.DataFrame, after: pd.DataFrame) -> dict[str, str]:
    """What was learnt, and how it compares with predictors that have no memory."""
    run, words = lowest_loss(after), LOSSES[facts["loss"]]
    best = after.loc[run]
    return {
        "BestPoint": point_label(best, after),
        "LossName": words.name,
        "LossUnit": words.unit,
        # Numbers as targets have a tolerance, classes have none.
        "NumbersOut": switch("tolerance" in facts),
        "BestLoss": interval(best["loss"], best["loss_low"], best["loss_high"]),
        "BestLossMedian": number(best["loss"]),
        "BestPerplexity": _perplexity(best["loss"], facts),
        "BestAccuracy": percent(best["accuracy"]),
        "BestHorizonBefore": horizon_label(before.loc[run]),
        "BestHorizonAfter": horizon_label(best),
        "Tolerance": _setting(facts.get("tolerance")),
        "Baselines": _baselines(facts, after),
        "Diverged": number(int(after["diverged"].sum())),
    }


def _baselines(facts: dict, after: pd.DataFrame) -> str:
    r"""List the predictors without memory, the worst first.

    A `\baseline{name}{loss}{perplexity}{grid points that do better}` for each.
    """
    return "".join(
        rf"\baseline{{{escape(name)}}}{{{number(loss)}}}{{{_perplexity(loss, facts)}}}"
        rf"{{{number(_beaten(after, loss))}}}"
        for name, loss in sorted(facts["baselines"].items(), key=lambda item: -item[1])
    )


def _perplexity(loss: float, facts: Mapping) -> str:
    """Write the perplexity that goes with a loss, if it is a cross-entropy."""
    known = facts["loss"] == "cross_entropy" and not np.isnan(loss)
    return number(perplexity(loss)) if known else "--"


def _horizons(before: pd.DataFrame, after: pd.DataFrame) -> dict[str, str]:
    """How far the gradient reaches, before and after training."""
    moved = (after["h99"] - before["h99"]).to_numpy()
    return {
        **{
            f"{which}{when}": f"{horizon_label(row)} ({point_label(row, rows)})"
            for when, rows in (("Before", before), ("After", after))
            for which, row in (
                ("Shortest", _row_of(rows, "h99", np.argmin)),
                ("Longest", _row_of(rows, "h99", np.argmax)),
            )
        },
        "Lengthened": number(int((moved > 0).sum())),
        "Shortened": number(int((moved < 0).sum())),
        "Unmoved": number(int((moved == 0).sum())),
        "HorizonLoss": number(_rank_correlation(before["h99"], after["loss"]), 2),
    }


def _trace(relevant: int | None, after: pd.DataFrame, distances: pd.DataFrame) -> dict[str, str]:
    """Share of the gradient at the distance that matters, if the task has one.

    An input `relevant` steps back is in the state that W_hh reads one step later, at distance
    `relevant` - 1.
    """
    shares = [np.nan, np.nan]
    if relevant is not None:
        rows = distances[distances["run"] == lowest_loss(after)]
        rows = rows[rows["distance"] == relevant - 1].sort_values("step")
        shares = rows["share"].iloc[[0, -1]]
    first, last = shares
    return {
        "RelevantDistance": number(relevant),
        "TraceDistance": number(None if relevant is None else relevant - 1),
        "TraceShareBefore": percent(first),
        "TraceShareAfter": percent(last),
    }


def _bounds(distances: pd.DataFrame) -> dict[str, str]:
    """How far the worst-case bound lies above what is measured; what cancels."""
    growing, shrinking = _bound_against_transport(distances)
    macros = {
        "MiddleDistance": number(middle_distance(distances)),
        "GrowingBounds": number(growing),
        "GrowingBoundsShrinking": number(shrinking),
    }
    steps = {"Before": distances["step"].min(), "After": distances["step"].max()}
    for when, step in steps.items():
        part = distances[distances["step"] == step]
        middle = at_the_middle(part)
        near = part.loc[part["distance"] == 0, "coherence"].median()
        macros[f"BoundExcess{when}"] = number(_excess(middle), 2)
        macros[f"CoherenceNear{when}"] = number(near, 2)
        macros[f"CoherenceFar{when}"] = number(middle["coherence"].median(), 2)
    return macros


def _bound_against_transport(distances: pd.DataFrame) -> tuple[int, int]:
    """Count grid points whose bound grows with distance, and those whose transport still shrinks.

    Both are read off the medians over seeds before training, at the middle distance.
    """
    rows = at_the_middle(distances[distances["step"] == 0])
    growing = rows["log10_bound"] > 0
    return int(growing.sum()), int((growing & (rows["log10_transport"] < 0)).sum())


def _excess(rows: pd.DataFrame) -> float:
    """Return the median over grid points of log10 bound - log10 transport, where it is finite."""
    excess = rows["log10_bound"] - rows["log10_transport"]
    return excess[np.isfinite(excess)].median()


def _row_of(rows: pd.DataFrame, column: str, pick) -> pd.Series:
    """Return the row that `pick` chooses by a column, rows without a value aside."""
    known = rows[rows[column].notna()]
    return known.iloc[pick(known[column].to_numpy())] if len(known) else rows.iloc[0]


def _beaten(rows: pd.DataFrame, loss: float) -> int:
    """Count rows whose loss lies below `loss` with its whole interval."""
    return int((rows["loss_high"].fillna(rows["loss"]) < loss).sum())


def _rank_correlation(one: pd.Series, other: pd.Series) -> float:
    """Spearman's rank correlation; nan for fewer than three different points."""
    known = one.notna() & other.notna()
    one, other = one[known], other[known]
    if len(one) < 3 or one.nunique() < 2 or other.nunique() < 2:
        return np.nan
    return one.rank().corr(other.rank())


def _setting(value: float | None) -> str:
    """Write a number of the configuration as it is given; -- if there is none."""
    return "--" if value is None else f"{value:g}"


def _readable(name: str) -> str:
    """Write the name of an experiment or a task as text."""
    return escape(name.replace("_", " "))
