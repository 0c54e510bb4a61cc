"""The claims of the lecture note that take a whole grid of trained nets: 13, 15 and 16."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..analysis import grid_points
from ..config import grid
from ..ground import files
from .claims import FEW, Errors

if TYPE_CHECKING:
    import pandas as pd

# What the tables hold.


def by_step(distances: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Return log10 of bound and transport for one step, of every grid point before training."""
    start = grid_points.at_the_middle(distances[distances["step"] == 0])
    return tuple(
        (start[column] / start["distance"]).to_numpy()
        for column in ("log10_bound", "log10_transport")
    )


def horizons(summary: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Return both horizons of every grid point of one experiment after training.

    Parameters
    ----------
    summary : the experiment's rows of `summary_median`.

    Returns
    -------
    That of the gradient and that of the forward influence, nan where only a bound is known.
    """
    last = summary[summary["step"] == summary["step"].max()]
    return tuple(
        last[column].where(~last[f"{column}_censored"].astype(bool)).to_numpy(float)
        for column in ("h99", "forward_horizon")
    )


def training_record(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Read gradient norms (steps, P) and steps of divergence (P,), but not the weights.

    Raises
    ------
    FileError : the file is missing or damaged.
    """
    try:
        with np.load(path, allow_pickle=False) as archive:
            return archive["gradient_norm"], archive["diverged_at"]
    except Exception as error:
        raise files.FileError(f"cannot read {path}: {' '.join(str(error).split())}") from error


def clipping(settings: dict, results: Path) -> dict[str, int]:
    """Count clipped steps and diverged nets over the runs that are trained with clipping.

    Parameters
    ----------
    settings : the resolved configuration.
    results : the folder of all results.

    Returns
    -------
    `clipped`, `steps`, `diverged` and `nets`, as `explosion` takes them.

    Raises
    ------
    FileError : a training record is missing or damaged.
    """
    counts = dict.fromkeys(("clipped", "steps", "diverged", "nets"), 0)
    for name, experiment in settings["experiments"].items():
        for run in grid.runs(experiment):
            clip = grid.training_settings(experiment, run["remedy"])["gradient_clip"]
            if clip is None:
                continue
            norms, diverged_at = training_record(results / name / run["run"] / "train.npz")
            clipped, steps = clipped_steps(norms, diverged_at, clip)
            diverged = int((diverged_at >= 0).sum())
            for count, value in zip(
                counts, (clipped, steps, diverged, len(diverged_at)), strict=True
            ):
                counts[count] += value
    return counts


# What follows from it.


def phase_diagram(log10_bound: np.ndarray, log10_transport: np.ndarray) -> Errors:
    """Claim 13: whether a bound above 1 makes the transport grow and one below 1 makes it shrink.

    Parameters
    ----------
    log10_bound, log10_transport : (points,), log10 of both for one step; -inf where nothing is
        transported, nan where that is not known.

    Returns
    -------
    Of the note, the fraction of the grid points that go the other way; of the correct statement,
    the fraction of those that grow below a bound of 1.
    """
    known = ~(np.isnan(log10_bound) | np.isnan(log10_transport))
    bound, transport = log10_bound[known], log10_transport[known]
    if not bound.size:
        return Errors(np.nan, np.nan)
    above, grows = bound > 0.0, transport > 0.0
    shrinking = above & ~grows
    return Errors(
        float((above != grows).mean()),
        float((~above & grows).mean()),
        numbers={
            "above": int(above.sum()),
            "shrinking": int(shrinking.sum()),
            "largest_bound": float(10.0 ** bound[shrinking].max()) if shrinking.any() else np.nan,
        },
    )


def learning_signal(gradient_horizon: np.ndarray, forward_horizon: np.ndarray) -> Errors:
    """Claim 15: whether the words that the gradient comes from are those the prediction rests on.

    Parameters
    ----------
    gradient_horizon : (points,), h99 of the shares of the gradient.
    forward_horizon : (points,), the distance beyond which words hardly matter, as
        `forward_influence.forward_horizon` counts it: one more than h99 for the same words.  Both
        nan where there is none, or only a lower bound.

    Returns
    -------
    Of the note, the fraction of the grid points whose two horizons differ by more than one step
    and more than a tenth, as with censoring.  It is contradicted where words matter from farther
    back than the gradient comes from.
    """
    known = np.isfinite(gradient_horizon) & np.isfinite(forward_horizon)
    if not known.any():
        return Errors(np.nan, None)
    gradient, forward = gradient_horizon[known], forward_horizon[known] - 1.0
    allowed = np.maximum(1.0, 0.1 * gradient)
    longer, shorter = forward - gradient > allowed, gradient - forward > allowed
    return Errors(
        float((longer | shorter).mean()),
        None,
        contradicts=float(longer.mean()) > FEW,
        numbers={
            "points": len(gradient),
            "longer": int(longer.sum()),
            "shorter": int(shorter.sum()),
            "gradient": float(np.median(gradient)),
            "forward": float(np.median(forward)),
        },
    )


def clipped_steps(
    gradient_norm: np.ndarray, diverged_at: np.ndarray, clip: float
) -> tuple[int, int]:
    """Count the training steps on which clipping acted, and all steps of nets not yet diverged.

    Parameters
    ----------
    gradient_norm : (steps, P), before clipping.
    diverged_at : (P,), -1 where the net did not.
    clip : the largest norm that is left as it is.
    """
    step = np.arange(len(gradient_norm))[:, None]
    running = (diverged_at < 0) | (step < diverged_at)
    return int(((gradient_norm > clip) & running).sum()), int(running.sum())


def explosion(
    log10_transport: np.ndarray, clipped: int, steps: int, diverged: int, nets: int
) -> Errors:
    """Claim 16: whether there is any explosion to be remedied, and whether clipping is a remedy.

    Parameters
    ----------
    log10_transport : (points,), before training; nan where it is not known.
    clipped, steps : on how many of the clipped nets' training steps clipping acted, and of how
        many.
    diverged, nets : how many of the clipped nets diverged, and of how many.

    Returns
    -------
    Of the note, the fraction of the grid points whose transport grows with distance; of the
    correct statement, the fraction of the clipped nets that diverged.
    """
    known = log10_transport[~np.isnan(log10_transport)]
    return Errors(
        float((known > 0.0).mean()) if known.size else np.nan,
        diverged / nets if nets else np.nan,
        numbers={"nets": nets, "clipped": clipped / steps if steps else np.nan},
    )
