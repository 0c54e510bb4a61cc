"""What was measured on one trained net, as the numbers and names of its report.

The sentences are in `paper/report.tex`.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from ..analysis.grid_points import lower_bound_label, perplexity
from ..checkpoints.checkpoint import Checkpoint
from ..gradients.contributions import SLOPE_WINDOW
from ..gradients.distance_sum import LARGEST_RESIDUAL
from ..ground.latex import escape, number, percent, switch

LAYERS = {"rnn": "nn.RNN", "gru": "nn.GRU", "lstm": "nn.LSTM"}
# So many tensors that take no part are named.
MOST_UNUSED = 6


def macros(name: str, net: Checkpoint, tables: dict[str, pd.DataFrame]) -> dict[str, str]:
    """Return the report's macros.

    Parameters
    ----------
    name : what the net is called.
    net : the net and its batch.
    tables : as `measuring.measure` returns them.
    """
    row, rows = tables["summary"].iloc[0], tables["contributions"]
    return {
        "Name": escape(name),
        **_net(net),
        **_batch(net),
        **_loss(row, net),
        **_weights(row, tables["spectra"]),
        **_reach(row, len(rows)),
        **_slope(row),
        **_parts(rows),
        "RiseMeasured": switch(len(tables["influence"]) > 0),
        "ForwardHorizon": _label(row, "forward_horizon"),
        "Residual": number(row["residual"], 2),
        "AllowedResidual": number(LARGEST_RESIDUAL, 2),
    }


def _net(net: Checkpoint) -> dict[str, str]:
    """What the net is made of, and where that is in the file."""
    width = net.weights["W_hx"].shape[1]
    if net.embedding is not None:
        kind, symbols = "embedded", len(net.weights["embedding"])
    elif net.probe["inputs"].dtype.kind == "f":
        kind, symbols = "vectors", None
    else:
        kind, symbols = "one-hot", width
    unused = [rf"\texttt{{{escape(tensor)}}}" for tensor in net.unused[:MOST_UNUSED]]
    return {
        "Layer": LAYERS[net.cell],
        "Activation": net.activation if net.cell == "rnn" else "--",
        "HiddenUnits": number(net.weights["W_s"].shape[1]),
        "InputKind": kind,
        "InputSymbols": number(symbols),
        "InputWidth": number(width),
        "Outputs": number(len(net.weights["W_s"])),
        "LayerModule": escape(net.layer) or "--",
        "ReadoutModule": escape(net.readout) or "--",
        "EmbeddingModule": escape(net.embedding or "") or "--",
        "UnusedTensors": ", ".join(unused + ["..."] * (len(net.unused) > MOST_UNUSED)) or "--",
    }


def _batch(net: Checkpoint) -> dict[str, str]:
    """What the net read."""
    steps, batch = net.probe["inputs"].shape[:2]
    return {
        "Steps": number(steps),
        "Batch": number(batch),
        "LossSteps": number(int(net.probe["loss_mask"].sum())),
    }


def _loss(row: Mapping, net: Checkpoint) -> dict[str, str]:
    """What the loss on the batch is; the net answers in numbers or in classes."""
    numbers = net.probe["targets"].dtype.kind == "f"
    return {
        "NumbersOut": switch(numbers),
        "LossName": net.loss.label,
        "Loss": number(row["probe_loss"], 4),
        "Perplexity": "--" if numbers else number(perplexity(row["probe_loss"])),
        "Accuracy": percent(row["probe_accuracy"]),
    }


def _weights(row: pd.Series, spectra: pd.DataFrame) -> dict[str, str]:
    """What is known of the weights and the states."""
    exponent = spectra[(spectra["quantity"] == "lyapunov") & (spectra["index"] == 0)].iloc[0]
    return {
        "Gradient": number(row["log10_gradient_norm"]),
        "InputGradient": number(row["input_log10_gradient_norm"]),
        "SpectralRadius": number(row["spectral_radius"]),
        "SigmaMax": number(row["sigma_max"]),
        "Saturated": percent(row["saturated"]),
        "Lyapunov": number(exponent["value"]),
    }


def _reach(row: pd.Series, distances: int) -> dict[str, str]:
    """How far back the gradient comes from, and what truncated backpropagation has to keep."""
    return {
        "Horizon": _label(row, "h99"),
        "InputHorizon": _label(row, "input_h99"),
        "HorizonDistance": number(row["h99"]),
        "HorizonCensored": switch(row["h99_censored"]),
        "Distances": number(distances),
        "FarthestDistance": number(distances - 1),
        "Truncation": _label(row, "k01"),
        "InputTruncation": _label(row, "input_k01"),
        "KeptSteps": number(row["k01"]),
        "TruncationCensored": switch(row["k01_censored"]),
    }


def _slope(row: Mapping) -> dict[str, str]:
    """How a signal changes in one step, and what the bound allows."""
    first, last = SLOPE_WINDOW
    return {
        "SlopeFrom": number(first),
        "SlopeTo": number(last),
        "Slope": number(row["slope"]),
        "SlopeFactor": _factor(row["slope"]),
        "WorstSlope": number(row["worst_slope"]),
        "WorstFactor": _factor(row["worst_slope"]),
    }


def _factor(slope: float) -> str:
    """Write by what a step multiplies; -- where the logarithm is not finite."""
    return number(np.exp(slope)) if np.isfinite(slope) else "--"


def _parts(rows: pd.DataFrame) -> dict[str, str]:
    """How much of the signal is in either part of an LSTM's state, on its way back."""
    sizes = [None, None]
    middle = rows.iloc[max(1, (len(rows) - 1) // 2)]
    if np.isfinite(rows["log10_transport_cell"]).any():
        sizes = [10.0 ** middle[f"log10_transport_{part}"] for part in ("hidden", "cell")]
    return {
        "PartsDistance": number(int(middle["distance"])),
        "HiddenPart": number(sizes[0], 2),
        "CellPart": number(sizes[1], 2),
    }


def _label(row: pd.Series, column: str) -> str:
    """Write a distance with a sign where it is a lower bound; -- where there is none."""
    return lower_bound_label(row, column) if np.isfinite(row[column]) else "--"
