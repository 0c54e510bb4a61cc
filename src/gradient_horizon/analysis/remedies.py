"""What each remedy changes: nets that start alike and see the same data, compared seed by seed."""

import numpy as np
import pandas as pd

from ..config.grid import PLAIN, VARIANT_AXES, plain_run
from ..numerics.statistics import median_interval

# A net that answers so many of the held-out sequences rightly has solved its task.
SOLVED = 0.99
AXES = ["experiment", "run", "activation", "radius", *VARIANT_AXES]
SPREAD = ("", "_low", "_high")
HORIZON = [f"h99{end}" for end in (*SPREAD, "_censored")]
COLUMNS = [
    *AXES,
    *(f"accuracy{end}" for end in SPREAD),
    *(f"gain{end}" for end in SPREAD),
    "solved",
    *(f"share_{when}{end}" for when in ("before", "after") for end in SPREAD),
    *(f"{column}_{when}" for when in ("before", "after") for column in HORIZON),
    "diverged",
    "seeds",
]


def comparison(
    summary: pd.DataFrame,
    medians: pd.DataFrame,
    distances: pd.DataFrame,
    relevant: int | None,
    statistics: dict,
) -> pd.DataFrame:
    """Compare the remedies of one experiment.

    Parameters
    ----------
    summary, medians, distances : its rows of `summary`, `summary_median` and
        `contributions_median`.
    relevant : the task's relevant distance: W_hh reads what was read there one step later.
    statistics : `confidence` and `resamples`.

    Returns
    -------
    A row for each run: its axes; the median held-out `accuracy` after training; `gain`, the median
    over seeds of how much higher it is than without the remedy, of nets with the same initial
    weights and the same data (nan where nothing is trained without); how many nets have `solved`
    the task; the median share of the gradient at the relevant distance (nan where there is none)
    and the median horizon, before and after training; the nets that `diverged`, and `seeds`.
    Medians have the ends of their intervals beside them.
    """
    before, after = (
        medians[medians["step"] == step].set_index("run")
        for step in (medians["step"].min(), medians["step"].max())
    )
    last = summary[summary["step"] == summary["step"].max()]
    accuracy = last.pivot(index="run", columns="seed", values="accuracy").loc[after.index]
    plain = accuracy.reindex([plain_run(run) for run in after.reset_index().to_dict("records")])
    gain = accuracy.to_numpy() - plain.to_numpy()
    gain[(after["remedy"] == PLAIN).to_numpy()] = np.nan
    table = after[[axis for axis in AXES if axis != "run"]].copy()
    for end in SPREAD:
        table[f"accuracy{end}"] = after[f"accuracy{end}"]
    for end, part in zip(SPREAD, median_interval(gain, **statistics), strict=True):
        table[f"gain{end}"] = part
    table["solved"] = (accuracy >= SOLVED).sum(axis=1)
    read = distances[distances["distance"] == (np.inf if relevant is None else relevant - 1)]
    read = read.set_index(["run", "step"])
    for when, rows in (("before", before), ("after", after)):
        here = read.reindex(pd.MultiIndex.from_arrays([rows.index, rows["step"]]))
        for end in SPREAD:
            table[f"share_{when}{end}"] = here[f"share{end}"].to_numpy()
        for column in HORIZON:
            table[f"{column}_{when}"] = rows[column]
    table["diverged"], table["seeds"] = after["diverged"], after["seeds"]
    return table.reset_index()[COLUMNS]
