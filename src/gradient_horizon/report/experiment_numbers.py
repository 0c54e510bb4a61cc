"""What the experiments found, as numbers and words for the paper.

Every function reads the tables of medians over seeds and returns LaTeX text by name; sentences
that depend on how the numbers fall are put together here, so that they stay true when they move.
"""

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
from ..gradients.contributions import CANCELLED, LARGEST_RESIDUAL
from ..ground.latex import (
    conjunction,
    count_of,
    escape,
    interval,
    number,
    of_all,
    percent,
)
from ..networks.activations import ACTIVATIONS
from ..tasks import TASKS
from ..training.optimisers import OPTIMISERS
from ..training.regulariser import REGULARISERS
from .loss_words import LOSSES, SQUARED_ERROR_NOTE, beside, told


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
    return {
        "Title": escape(name.replace("_", " ").capitalize()),
        "Task": escape(TASKS[experiment["task"]["name"]].describe(experiment["task"], facts)),
        **_setup(experiment, facts, before, summary["step"].nunique()),
        **_learning(facts, after),
        **_horizons(before, after),
        "Relevance": _relevance(facts.get("relevant_distance"), after, distances),
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
    sentences = [
        _abstract(name, facts[name], summary[summary["experiment"] == name]) for name in names
    ]
    squared = any(facts[name]["loss"] == "squared_error" for name in names)
    return {
        "ExperimentCount": count_of(len(names), "experiment"),
        "ExperimentNames": conjunction(escape(name.replace("_", " ")) for name in names),
        "ActivationNames": conjunction(
            ACTIVATIONS[name].label for name in dict.fromkeys(before["activation"])
        ),
        "PointCount": count_of(len(before), "grid point"),
        "NetCount": count_of(int(before["seeds"].sum()), "network"),
        "GradientCount": count_of(int(summary["seeds"].sum()), "gradient"),
        "GrowingBounds": number(growing),
        "GrowingBoundsShrinking": number(shrinking),
        "MovedHorizons": number(int((after["h99"] != before["h99"]).sum())),
        "BoundExcess": _excess_across(middle),
        "CoherenceNear": number(trained.loc[trained["distance"] == 0, "coherence"].median(), 2),
        "CoherenceFar": number(middle["coherence"].median(), 2),
        "AllowedResidual": number(LARGEST_RESIDUAL, 2),
        "CancelledPart": number(CANCELLED, 2),
        "LargestResidual": number(summary["residual"].max(), 2),
        "Confidence": f"{100 * config['statistics']['confidence']:g}\\,\\%",
        "Resamples": number(config["statistics"]["resamples"]),
        "AbstractFindings": " ".join(sentences),
        "SquaredErrorNote": SQUARED_ERROR_NOTE if squared else "",
        "BaseSeed": str(config["base_seed"]),
    }


def _setup(experiment: dict, facts: dict, before: pd.DataFrame, checkpoints: int) -> dict[str, str]:
    """What was trained."""
    # Where the task has no such option, the length is that of what it read.
    steps = experiment["task"].get("sequence_length") or facts["sequence_length"]
    model, training, grid = experiment["model"], experiment["training"], experiment["grid"]
    return {
        "Points": count_of(len(before), "grid point"),
        "Seeds": count_of(grid["seeds"], "net"),
        "Activations": conjunction(ACTIVATIONS[name].label for name in grid["activations"]),
        "Radii": conjunction(f"{radius:g}" for radius in sorted(grid["spectral_radii"])),
        "HiddenUnits": count_of(model["hidden_size"], "hidden unit"),
        "SequenceLength": number(steps),
        "BatchSize": number(training["batch_size"]),
        "TrainingSteps": count_of(training["steps"], "step"),
        "Optimiser": OPTIMISERS[training["optimiser"]].label,
        "LearningRate": f"{training['learning_rate']:g}",
        "Clipping": _gradient_taken(training),
        "Precision": training["precision"],
        "ProbeBatch": count_of(experiment["measurement"]["probe_batch"], "sequence"),
        "Checkpoints": count_of(checkpoints, "checkpoint"),
    }


def _gradient_taken(training: dict) -> str:
    """Say what is done with the gradient before it is followed."""
    levels = {"norm": training["gradient_clip"], "value": training["gradient_clip_value"]}
    words = [f"at {kind} {level:g}" for kind, level in levels.items() if level is not None]
    parts = [f"clipped {' and then '.join(words)}" if words else "without clipping"]
    if training["truncation"] is not None:
        parts.append(f"truncated to blocks of {count_of(training['truncation'], 'step')}")
    if training["regulariser"] is not None:
        form = REGULARISERS[training["regulariser"]].label
        parts.append(f"regularised with weight {training['regulariser_weight']:g} by {form}")
    if training["flossing"] is not None:
        exponents = count_of(training["flossing"]["exponents"], "exponent")
        parts.append(
            f"after {count_of(training['flossing']['steps'], 'step')} of flossing {exponents}"
        )
    return ", ".join(parts)


def _learning(facts: dict, after: pd.DataFrame) -> dict[str, str]:
    """What was learnt, and how it compares with predictors that have no memory."""
    run, kind = lowest_loss(after), facts["loss"]
    words = LOSSES[kind]
    best = after.loc[run]
    frozen = int(after["diverged"].sum())
    return {
        "BestPoint": point_label(best, after),
        "LossName": words.name,
        "LossUnit": words.unit,
        "BestLoss": interval(best["loss"], best["loss_low"], best["loss_high"]),
        "BestBeside": beside(best, facts),
        "Comparison": " ".join(
            f"The {words.name} of {name} is {told(loss, kind)}{_perplexity_of(loss, kind)}; "
            f"{of_all(_beaten(after, loss), len(after))} better."
            for name, loss in _worst_first(facts["baselines"])
        ),
        "Divergence": (
            "No net diverged."
            if frozen == 0
            else f"{count_of(frozen, 'net').capitalize()} diverged and stayed frozen from then on."
        ),
    }


def _perplexity_of(loss: float, kind: str) -> str:
    """Write the perplexity that goes with a cross-entropy, in brackets."""
    return f" (perplexity {number(perplexity(loss))})" if kind == "cross_entropy" else ""


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
        "HorizonLoss": _rank_correlation(before["h99"], after["loss"]),
    }


def _relevance(distance: int | None, after: pd.DataFrame, distances: pd.DataFrame) -> str:
    """One sentence on the distance that matters, if the task has one.

    An input at `distance` is in the state that W_hh reads one step later, at `distance` - 1.
    """
    if distance is None:
        return ""
    best = lowest_loss(after)
    rows = distances[(distances["run"] == best) & (distances["distance"] == distance - 1)]
    shares = rows.sort_values("step")["share"].iloc[[0, -1]]
    return (
        f"Distance {distance - 1} is the farthest at which a relevant input leaves its trace; the "
        f"{point_label(after.loc[best], after)} have {percent(shares.iloc[0])} of their gradient "
        f"there before training and {percent(shares.iloc[1])} after it."
    )


def _bounds(distances: pd.DataFrame) -> dict[str, str]:
    """How far the worst-case bound lies above what is measured; what cancels."""
    growing, shrinking = _bound_against_transport(distances)
    having = of_all(growing, distances["run"].nunique(), verbs=("has", "have"))
    all_the_same = (
        f"; at {number(shrinking)} of them the measured transport shrinks all the same"
        if growing
        else ""
    )
    macros = {
        "MiddleDistance": number(middle_distance(distances)),
        "GrowingBounds": (
            f"{having[:1].upper()}{having[1:]} a worst-case bound that grows with distance before "
            f"training{all_the_same}."
        ),
    }
    excess = {}
    steps = {"Before": distances["step"].min(), "After": distances["step"].max()}
    for when, step in steps.items():
        part = distances[distances["step"] == step]
        middle = at_the_middle(part)
        near = part.loc[part["distance"] == 0, "coherence"].median()
        excess[when] = _excess(middle)
        macros[f"CoherenceNear{when}"] = number(near, 2)
        macros[f"CoherenceFar{when}"] = number(middle["coherence"].median(), 2)
    known = not all(map(np.isnan, excess.values()))
    macros["BoundExcess"] = (
        f"At distance {macros['MiddleDistance']}, half of the longest, the bound lies a median of "
        f"{number(excess['Before'], 2)} decades above the transport before training and "
        f"{number(excess['After'], 2)} after it."
        if known
        else "Of these cells no worst-case bound is known."
    )
    return macros


def _abstract(name: str, facts: dict, summary: pd.DataFrame) -> str:
    """One sentence on one experiment."""
    before, after = ends(summary)
    run = lowest_loss(after)
    best = after.loc[run]
    levels = conjunction(
        f"{number(loss)} for {which}" for which, loss in _worst_first(facts["baselines"])
    )
    return (
        f"On {escape(name.replace('_', ' '))}, {point_label(best, after)} learn best, to a "
        f"held-out {LOSSES[facts['loss']].name} of {told(best['loss'], facts['loss'])} against "
        f"{levels}; their horizon is "
        f"{horizon_label(before.loc[run])} steps before training and {horizon_label(best)} after."
    )


def _bound_against_transport(distances: pd.DataFrame) -> tuple[int, int]:
    """Count grid points whose bound grows with distance, and those whose transport still shrinks.

    Both are read off the medians over seeds before training, at the middle distance.
    """
    rows = at_the_middle(distances[distances["step"] == 0])
    growing = rows["log10_bound"] > 0
    return int(growing.sum()), int((growing & (rows["log10_transport"] < 0)).sum())


def _excess_across(middle: pd.DataFrame) -> str:
    """Say how far below the bound the signal lies, over the grid points of which one is known."""
    known = middle["log10_bound"].notna()
    if not known.any():
        return ""
    where = (
        "all grid points"
        if known.all()
        else f"the {count_of(int(known.sum()), 'grid point')} with a bound"
    )
    return (
        "At half of the longest distance, the learning signal lies a median of "
        f"{number(_excess(middle), 2)} decades below what the bound allows, over {where} after "
        "training."
    )


def _excess(rows: pd.DataFrame) -> float:
    """Return the median over grid points of log10 bound - log10 transport, where it is finite."""
    excess = rows["log10_bound"] - rows["log10_transport"]
    return excess[np.isfinite(excess)].median()


def _worst_first(baselines: dict[str, float]) -> list[tuple[str, float]]:
    """Order predictors without memory by their loss, the highest first."""
    return sorted(baselines.items(), key=lambda item: -item[1])


def _row_of(rows: pd.DataFrame, column: str, pick) -> pd.Series:
    """Return the row that `pick` chooses by a column, rows without a value aside."""
    known = rows[rows[column].notna()]
    return known.iloc[pick(known[column].to_numpy())] if len(known) else rows.iloc[0]


def _beaten(rows: pd.DataFrame, loss: float) -> int:
    """Count rows whose loss lies below `loss` with its whole interval."""
    return int((rows["loss_high"].fillna(rows["loss"]) < loss).sum())


def _rank_correlation(one: pd.Series, other: pd.Series) -> str:
    """Spearman's rank correlation in words; of fewer than three different points there is none."""
    known = one.notna() & other.notna()
    one, other = one[known], other[known]
    if len(one) < 3 or one.nunique() < 2 or other.nunique() < 2:
        return "is not defined"
    value = one.rank().corr(other.rank())
    return f"is {number(value, 2)}"
