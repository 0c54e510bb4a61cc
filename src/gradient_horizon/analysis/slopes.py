"""Theory beside measurement: the slope of ln transport and the mean field's."""

import numpy as np
import pandas as pd

from ..gradients.mean_field import finite_size_correction, mean_field
from ..networks.activations import ACTIVATIONS


def with_predictions(summary: pd.DataFrame) -> pd.DataFrame:
    """Put beside every net's measured slope what theory says, before and after training.

    Parameters
    ----------
    summary : rows of the table of that name, with `experiment`, `cell`, `activation`, `step`,
        `slope`, `gain`, `drive_variance` and `hidden_size`.

    Returns
    -------
    The rows of the first and last step of each experiment, and in natural logarithms a step

    `mean_field_slope` : of a random net with that gain and drive, its finite size allowed for;
        nan for other cells than the simple one, of which the theory is;
    `deviation` : `slope` minus that.
    """
    steps = summary.groupby("experiment")["step"]
    ends = summary["step"].isin([0]) | (summary["step"] == steps.transform("max"))
    nets = summary[ends].reset_index(drop=True)
    predicted = [_prediction(net) for net in nets.itertuples()]
    return nets.assign(mean_field_slope=predicted, deviation=nets["slope"] - predicted)


def _prediction(net) -> float:
    """Return the mean-field slope of one row; nan where a net has grown beyond all numbers."""
    if net.cell != "rnn" or not (np.isfinite(net.gain) and np.isfinite(net.drive_variance)):
        return np.nan
    activation = ACTIVATIONS[net.activation]
    found = mean_field(activation, net.gain, net.drive_variance)
    return found.slope + finite_size_correction(activation, found.variance, net.hidden_size)
