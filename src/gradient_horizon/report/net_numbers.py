"""What was measured on one trained net, as numbers and words for its report."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from ..analysis.grid_points import lower_bound_label, perplexity
from ..checkpoints.checkpoint import Checkpoint
from ..gradients.contributions import LARGEST_RESIDUAL, SLOPE_WINDOW
from ..ground.latex import conjunction, count_of, escape, number, percent

LAYERS = {"rnn": "nn.RNN", "gru": "nn.GRU", "lstm": "nn.LSTM"}


def macros(name: str, net: Checkpoint, tables: dict[str, pd.DataFrame]) -> dict[str, str]:
    """Return the report's macros.

    Parameters
    ----------
    name : what the net is called.
    net : the net and its batch.
    tables : as `checkpoint_tables.measure` returns them.
    """
    row = tables["summary"].iloc[0]
    rows = tables["contributions"]
    return {
        "Name": escape(name),
        **_parts(net),
        "LossSentence": _loss(row, _gives_numbers(net)),
        **_numbers(row, tables["spectra"]),
        "HorizonSentence": _horizon(row, len(rows)),
        "TruncationSentence": _truncation(row, len(rows)),
        "SlopeSentence": _slope(row),
        "TransportSentence": _transport(rows),
        "InfluenceSentence": _influence(row, tables["influence"]),
    }


def _parts(net: Checkpoint) -> dict[str, str]:
    """What the net is made of, and what it read."""
    mask = net.probe["loss_mask"]
    steps, batch = net.probe["inputs"].shape[:2]
    layer = _code(LAYERS[net.cell]) + (f" with {net.activation} units" if net.cell == "rnn" else "")
    width = net.weights["W_hx"].shape[1]
    if net.embedding is not None:
        symbols = len(net.weights["embedding"])
        inputs = f"{number(symbols)} symbols, embedded in {number(width)} numbers each"
    elif net.probe["inputs"].dtype.kind == "f":
        inputs = f"vectors of {count_of(width, 'number')}"
    else:
        inputs = f"{number(width)} symbols, one-hot"
    names = [f"the recurrent layer is {_named(net.layer)}", f"the read-out {_named(net.readout)}"]
    if net.embedding is not None:
        names.append(f"the embedding {_named(net.embedding)}")
    unused = "No tensor is left over."
    if net.unused:
        some = ", ".join(map(_code, net.unused[:6])) + (", ..." if len(net.unused) > 6 else "")
        unused = f"These take no part in what is measured: {some}."
    return {
        "Layer": layer,
        "HiddenUnits": count_of(net.weights["W_s"].shape[1], "hidden unit"),
        "Inputs": inputs,
        "Outputs": _outputs(net),
        "Where": f"In the file, {conjunction(names)}. {unused}",
        "Steps": count_of(steps, "step"),
        "Batch": count_of(batch, "sequence"),
        "Masked": (
            "every step carries a loss"
            if mask.all()
            else f"{number(int(mask.sum()))} of the steps carry a loss"
        ),
    }


def _numbers(row: pd.Series, spectra: pd.DataFrame) -> dict[str, str]:
    """The numbers of the table."""
    exponent = spectra[(spectra["quantity"] == "lyapunov") & (spectra["index"] == 0)].iloc[0]
    return {
        "Horizon": lower_bound_label(row, "h99"),
        "InputHorizon": lower_bound_label(row, "input_h99"),
        "Truncation": lower_bound_label(row, "k01"),
        "InputTruncation": lower_bound_label(row, "input_k01"),
        "Gradient": number(row["log10_gradient_norm"]),
        "InputGradient": number(row["input_log10_gradient_norm"]),
        "Slope": number(row["slope"]),
        "WorstSlope": "--" if np.isnan(row["worst_slope"]) else number(row["worst_slope"]),
        "Matrix": "$W_{hh}$" if row["cell"] == "rnn" else "the candidate's block of $W_{hh}$",
        "SpectralRadius": number(row["spectral_radius"]),
        "SigmaMax": number(row["sigma_max"]),
        "Saturated": percent(row["saturated"]),
        "Lyapunov": number(exponent["value"]),
        "ForwardHorizon": lower_bound_label(row, "forward_horizon"),
        "Residual": number(row["residual"], 2),
        "AllowedResidual": number(LARGEST_RESIDUAL, 2),
    }


def _gives_numbers(net: Checkpoint) -> bool:
    """Tell whether the net answers in numbers, not in classes."""
    return net.probe["targets"].dtype.kind == "f"


def _outputs(net: Checkpoint) -> str:
    """What is read out."""
    count = len(net.weights["W_s"])
    if _gives_numbers(net):
        return count_of(count, "number")
    return "1 class" if count == 1 else f"{number(count)} classes"


def _loss(row: Mapping, gives_numbers: bool) -> str:
    """What the loss on the batch is."""
    loss = number(row["probe_loss"], 4)
    if gives_numbers:
        return f"the squared error, summed over the outputs, has a mean of {loss}"
    branches = number(perplexity(row["probe_loss"]))
    return (
        f"the mean cross-entropy is {loss} nats (perplexity {branches}) and the accuracy "
        f"{percent(row['probe_accuracy'])}"
    )


def _horizon(row: Mapping, steps: int) -> str:
    """How far back the gradient comes from."""
    if not np.isfinite(row["h99"]):
        return "The gradient of the recurrent weights is exactly zero on this batch."
    reach = (
        f"99\\,\\% of the gradient of the recurrent weights arise within distance {row['h99']:g}"
    )
    if not row["h99_censored"]:
        return f"{reach}; the batch reaches back {count_of(steps - 1, 'step')}."
    return (
        f"{reach}. That is a lower bound: without the farthest quarter of its {number(steps)} "
        "distances the batch would show another, so longer sequences may show more."
    )


def _truncation(row: Mapping, steps: int) -> str:
    """How many steps truncated backpropagation has to keep."""
    if not np.isfinite(row["k01"]):
        return ""
    kept = count_of(int(row["k01"]), "step")
    if row["k01"] == steps:
        return "Backpropagation cut off anywhere within the sequence loses more than 1\\,\\% of it."
    bound = ", as far as sequences of this length can tell" if row["k01_censored"] else ""
    return f"Backpropagation that keeps {kept} or more loses at most 1\\,\\% of it{bound}."


def _slope(row: Mapping) -> str:
    """How a signal changes a step, and what the bound allows."""
    if not np.isfinite(row["slope"]):
        return "The sequences are too short, or the signal too soon lost, for a slope."
    first, last = SLOPE_WINDOW
    factor = number(np.exp(row["slope"]))
    sentence = (
        f"Between distances {first} and {last} a signal is multiplied by {factor} a step, in "
        f"geometric mean (slope of its logarithm: {number(row['slope'])})"
    )
    if not np.isfinite(row["worst_slope"]):
        return f"{sentence}; of this cell no bound of a step is known from its weights alone."
    return f"{sentence}; the worst case allows {number(np.exp(row['worst_slope']))}."


def _transport(rows: pd.DataFrame) -> str:
    """Where the signal of an LSTM is on its way back."""
    if not np.isfinite(rows["log10_transport_cell"]).any():
        return ""
    middle = rows.iloc[max(1, (len(rows) - 1) // 2)]
    sizes = [number(10.0 ** middle[f"log10_transport_{part}"], 2) for part in ("hidden", "cell")]
    return (
        f"At distance {int(middle['distance'])} the signal's part in the hidden state has "
        f"{sizes[0]} times the norm of the error that it began as, and its part in the cell state "
        f"{sizes[1]} times."
    )


def _influence(row: Mapping, rises: pd.DataFrame) -> str:
    """How far back the loss rests on what was read."""
    if not len(rises):
        return "For the rise of the loss the batch has too few sequences or steps."
    if not np.isfinite(row["forward_horizon"]):
        return "Replacing what was read before does not raise the loss beyond chance."
    reach = lower_bound_label(row, "forward_horizon")
    return f"The loss rests on inputs up to {reach} steps back."


def _named(module: str) -> str:
    """Name a module of the net."""
    return _code(module) if module else "the net itself"


def _code(text: str) -> str:
    """Write a name as code."""
    return rf"\texttt{{{escape(text)}}}"
