"""Theory beside measurement: the slope of ln transport, the mean field's, and the bounds'."""

import numpy as np
import pandas as pd

from .activations import ACTIVATIONS
from .mean_field import finite_size_correction, mean_field


def with_predictions(summary: pd.DataFrame) -> pd.DataFrame:
    """Put beside every net's measured slope what theory says, before and after training.

    Parameters
    ----------
    summary : rows of the table of that name, with `experiment`, `activation`, `step`, `slope`,
        `gain`, `drive_variance`, `hidden_size` and `sigma_max`.

    Returns
    -------
    The rows of the first and last step of each experiment, and in natural logarithms a step

    `mean_field_slope` : of a random net with that gain and drive, its finite size allowed for;
    `deviation` : `slope` minus that;
    `worst_slope` : ln(sigma_max gamma), of the bound of Pascanu, Mikolov and Bengio (2013);
    `note_slope` : the same if every activation's slope reached 1, as the lecture note has it.
    """
    steps = summary.groupby("experiment")["step"]
    ends = summary["step"].isin([0]) | (summary["step"] == steps.transform("max"))
    nets = summary[ends].reset_index(drop=True)
    predicted = [_prediction(net) for net in nets.itertuples()]
    gamma = nets["activation"].map({name: phi.slope_bound for name, phi in ACTIVATIONS.items()})
    with np.errstate(divide="ignore"):
        worst = np.log(nets["sigma_max"] * gamma)
        note = np.log(nets["sigma_max"] * np.maximum(gamma, 1.0))
    return nets.assign(
        mean_field_slope=predicted,
        deviation=nets["slope"] - predicted,
        worst_slope=worst,
        note_slope=note,
    )


def _prediction(net) -> float:
    """Return the mean-field slope of one row; nan where a net has grown beyond all numbers."""
    if not (np.isfinite(net.gain) and np.isfinite(net.drive_variance)):
        return np.nan
    activation = ACTIVATIONS[net.activation]
    found = mean_field(activation, net.gain, net.drive_variance)
    return found.slope + finite_size_correction(activation, found.variance, net.hidden_size)
