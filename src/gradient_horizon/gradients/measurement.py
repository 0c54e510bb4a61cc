"""All that is measured on one net: its rows in the tables of a run."""

import numpy as np

from ..networks.cells.dynamics import PARTS, Dynamics, InexactError, Jacobians
from ..networks.initialisations import largest_singular_value, spectral_radius
from . import bounds, contributions, forward_influence, lyapunov
from .distance_sum import LARGEST_RESIDUAL
from .forward_pass import Trace, trace
from .horizon import horizon, truncation_horizon

# How the columns of a weight begin.
PREFIXES = {"W_hh": "", "W_hx": "input_"}

# A unit whose slope, up or down, is below this part of the largest there is counts as saturated.
SATURATED = 0.1

# Lyapunov exponents are taken from so many sequences: QR decompositions are what costs most here.
LYAPUNOV_SEQUENCES = 4
LYAPUNOV_EXPONENTS = 8

# The loss with inputs replaced is taken over at most so many sequences that no net is trained on.
INFLUENCE_SEQUENCES = 100


def measure(net: Dynamics, probe: dict) -> tuple[dict, dict]:
    """Take the gradient of one net apart on the probe batch and describe the net.

    Parameters
    ----------
    net : one of a cell's `Dynamics`.
    probe : `inputs`, `targets`, `loss_mask` and perhaps `loss`, as `forward_pass.trace`.

    Returns
    -------
    The columns of its rows of `contributions.parquet`, each (T,), and of its row of
    `summary.parquet`.

    Raises
    ------
    InexactError : as `gradient_by_distance`.
    """
    path = trace(net, **probe)
    rows, row = gradient_by_distance(net, path)
    state = net_as_a_whole(net, path, probe["inputs"])
    slope = contributions.transport_slope(rows["log10_transport"])
    return rows, {**state, "slope": slope, **row}


def gradient_by_distance(net: Dynamics, path: Trace) -> tuple[dict, dict]:
    """Take the gradient of one net apart by distance.

    Parameters
    ----------
    net : one of a cell's `Dynamics`.
    path : its forward pass on the probe batch.

    Returns
    -------
    The columns of its rows of `contributions.parquet`, each (T,), and of its row of
    `summary.parquet`.  Columns of W_hx begin with `input_`, those of W_hh do not.

    Raises
    ------
    InexactError : the sum over distances is not the gradient by backpropagation through time, to
        a relative 1e-9.
    """
    measured = contributions.by_weight_and_distance(path)
    residual = max(part.residual for part in measured.values())
    if not residual <= LARGEST_RESIDUAL:
        raise InexactError(
            f"the contributions differ from the gradient by a relative {residual:.2g}, "
            f"allowed {LARGEST_RESIDUAL:g}"
        )
    whole = measured["W_hh"]
    steps = len(whole.share)
    log10_bound = bounds.log10_bound(net.step_bound(net.activation.slope_bound), steps)
    nothing = np.full(steps, np.nan)
    by_part = whole.log10_transport_parts
    with np.errstate(over="ignore", invalid="ignore"):
        rows = {
            "distance": np.arange(steps),
            "transport": 10.0**whole.log10_transport,
            "log10_transport": whole.log10_transport,
            **{f"log10_transport_{part}": by_part.get(part, nothing) for part in PARTS},
            "extinct": whole.extinct,
            "bound": 10.0**log10_bound,
            "log10_bound": log10_bound,
        }
        summary = {"residual": residual}
        for name, prefix in PREFIXES.items():
            part = measured[name]
            columns = {
                "contribution": 10.0**part.log10_contribution,
                "log10_contribution": part.log10_contribution,
                "share": part.share,
                "signed_share": part.signed_share,
                "cosine": part.cosine,
                "incoherent": 10.0**part.log10_incoherent,
                "log10_incoherent": part.log10_incoherent,
                "coherence": 10.0 ** (part.log10_contribution - part.log10_incoherent),
                "signal_squared": part.signal_squared,
                "truncation_bias": part.truncation_bias,
            }
            rows |= {prefix + column: values for column, values in columns.items()}
            h99, h99_censored = horizon(part.share)
            k01, k01_censored = truncation_horizon(part.truncation_bias)
            row = {
                "log10_gradient_norm": part.log10_gradient_norm,
                "h99": h99,
                "h99_censored": h99_censored,
                "k01": k01,
                "k01_censored": k01_censored,
            }
            summary |= {prefix + column: value for column, value in row.items()}
    return rows, summary


def net_as_a_whole(net: Dynamics, path: Trace, inputs) -> dict:
    """Return what is told of one net as a whole: columns of `summary.parquet`.

    Parameters
    ----------
    net, path : as for `gradient_by_distance`.
    inputs : (T, B) int or (T, B, D) float, what the net read.

    Returns
    -------
    Among others, in natural logarithms a step, `worst_slope`, of the bound of transport, and
    `note_slope`, the same if every activation's slope reached 1, as the lecture note has it.
    """
    gamma = net.activation.slope_bound
    saturated = np.abs(path.slope) < SATURATED * gamma
    with np.errstate(over="ignore", divide="ignore"):
        drive_variance = float(np.square(net.drives(inputs)).mean())
        worst_slope, note_slope = np.log([net.step_bound(gamma), net.step_bound(max(gamma, 1.0))])
    return {
        "hidden_size": net.hidden_size,
        "probe_loss": path.loss,
        "probe_accuracy": path.accuracy,
        "spectral_radius": spectral_radius(net.recurrent),
        "sigma_max": largest_singular_value(net.recurrent),
        "worst_slope": float(worst_slope),
        "note_slope": float(note_slope),
        "gain": bounds.gain(net.recurrent),
        "drive_variance": drive_variance,
        "saturated": float(saturated.mean()),
    }


def jacobian_spectra(net: Dynamics, probe: dict, distances: list[int]) -> dict:
    """Return the leading Lyapunov exponents and the singular values of products of Jacobians.

    Parameters
    ----------
    net, probe : as for `measure`; `LYAPUNOV_SEQUENCES` of the batch are used.
    distances : how many Jacobians are multiplied; those longer than the sequence are left out.

    Returns
    -------
    Columns of `spectra.parquet`: `quantity` (`lyapunov`, natural logarithm a step, or `singular`,
    log10, mean over the sequences), `distance` (0 for exponents), `index` from the largest on,
    `value` and its `standard_error` over sequences.
    """
    few = {name: probe[name][:, :LYAPUNOV_SEQUENCES] for name in ("inputs", "targets")}
    jacobians = Jacobians(trace(net, **probe | few).unrolled, LYAPUNOV_SEQUENCES)
    steps, (batch, size, _) = len(jacobians), jacobians[0].shape
    leading = min(LYAPUNOV_EXPONENTS, size)
    exponents, errors = lyapunov.lyapunov_spectrum(jacobians, steps // 4, leading)
    parts = [("lyapunov", 0, exponents, errors)]
    for distance in distances:
        if distance <= steps:
            values = lyapunov.jacobian_log10_singular_values(jacobians, distance)
            with np.errstate(invalid="ignore"):  # singular values of zero
                error = values.std(axis=0, ddof=1) / np.sqrt(batch) if batch > 1 else np.nan
            parts.append(("singular", distance, values.mean(axis=0), error))
    return {
        "quantity": np.repeat([part[0] for part in parts], [len(part[2]) for part in parts]),
        "distance": np.repeat([part[1] for part in parts], [len(part[2]) for part in parts]),
        "index": np.concatenate([np.arange(len(part[2])) for part in parts]),
        "value": np.concatenate([part[2] for part in parts]),
        "standard_error": np.concatenate(
            [np.broadcast_to(part[3], len(part[2])) for part in parts]
        ),
    }


def influence_distances(loss_mask: np.ndarray, relevant: int | None) -> np.ndarray:
    """Choose the distances beyond which inputs are replaced: all near ones, fewer far ones.

    They end where the sequence has as many steps again before it or, where a single step carries a
    loss, with the sequence; what is relevant is looked at wherever it lies.

    Parameters
    ----------
    loss_mask : (T,) bool.
    relevant : how many steps back the input lies that matters, if the task has such a place.

    Returns
    -------
    (D,) int, ascending; empty where no target has an input two steps before it.
    """
    last = int(np.flatnonzero(loss_mask)[-1])
    farthest = last - 1 if loss_mask.sum() == 1 else min(last - 1, len(loss_mask) // 2 - 1)
    spread = np.geomspace(8, max(8, farthest), 6).round().astype(int)
    chosen = np.unique([*range(9), *spread])
    near = [] if relevant is None else [place for place in (relevant - 1, relevant) if place < last]
    return np.union1d(chosen[chosen <= farthest], near).astype(int)


def influence(net: Dynamics, evaluation: dict, relevant: int | None) -> tuple[dict, dict]:
    """Measure how much the loss of one net rises when its far inputs are replaced.

    Parameters
    ----------
    net : as for `gradient_by_distance`.
    evaluation : `inputs` and `targets` that no net is trained on, `loss_mask` (T,) and perhaps
        `loss`.
    relevant : as for `influence_distances`.

    Returns
    -------
    The columns of its rows of `influence.parquet`, each (D,), and of its row of `summary.parquet`.
    """
    distances = influence_distances(evaluation["loss_mask"], relevant)
    sequences = evaluation["inputs"].shape[1]
    chosen = np.linspace(0, sequences - 1, min(sequences, INFLUENCE_SEQUENCES)).round().astype(int)
    if not distances.size or len(chosen) < 2:
        return no_influence(evaluation, relevant)
    # One fixed order: all nets have the same donors.
    donors = forward_influence.draw_donors(len(chosen), np.random.default_rng(0))
    rises = forward_influence.forward_influence(
        net,
        evaluation["inputs"][:, chosen],
        evaluation["targets"][:, chosen],
        evaluation["loss_mask"],
        distances,
        donors,
        evaluation.get("loss"),
    )
    rise, error = rises.mean(axis=1), rises.std(axis=1, ddof=1) / np.sqrt(len(chosen))
    reach, censored = forward_influence.forward_horizon(rise, distances, standard_error=error)
    return {"distance": distances, "rise": rise, "standard_error": error}, {
        "forward_horizon": reach,
        "forward_horizon_censored": censored,
    }


def no_influence(evaluation: dict, relevant: int | None) -> tuple[dict, dict]:
    """Return what `influence` does where nothing is known; no rows with nothing to exchange."""
    distances = influence_distances(evaluation["loss_mask"], relevant)
    if evaluation["inputs"].shape[1] < 2:
        distances = distances[:0]
    nothing = np.full(len(distances), np.nan)
    return {"distance": distances, "rise": nothing, "standard_error": nothing}, {
        "forward_horizon": np.nan,
        "forward_horizon_censored": False,
    }
