"""The claims of the lecture note that take a whole grid of trained nets: 13, 15 and 16."""

import numpy as np

from .claims import FEW, Errors


def phase_diagram(log10_bound: np.ndarray, log10_transport: np.ndarray) -> Errors:
    """Claim 13: whether a bound above 1 makes the transport grow and one below 1 makes it shrink.

    Parameters
    ----------
    log10_bound, log10_transport : (points,), log10 of both for one step; -inf where nothing is
        transported, nan where that is not known.

    Returns
    -------
    Of the note, the part of the grid points that go the other way; of the correct statement, the
    part of those that grow below a bound of 1.
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
    Of the note, the part of the grid points whose two horizons differ by more than one step and
    more than a tenth, as with censoring.  It is contradicted where words matter from farther back
    than the gradient comes from.
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
    Of the note, the part of the grid points whose transport grows with distance; of the correct
    statement, the part of the clipped nets that diverged.
    """
    known = log10_transport[~np.isnan(log10_transport)]
    return Errors(
        float((known > 0.0).mean()) if known.size else np.nan,
        diverged / nets if nets else np.nan,
        numbers={"nets": nets, "clipped": clipped / steps if steps else np.nan},
    )
