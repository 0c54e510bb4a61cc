"""What a loss is called: a cross-entropy in nats, with its perplexity, or a mean squared error."""

from dataclasses import dataclass

import pandas as pd

from ..analysis.grid_points import perplexity
from ..ground.latex import number, percent


@dataclass(frozen=True)
class LossWords:
    """The words for one kind of loss.

    Attributes
    ----------
    name, unit : in a sentence, with a number between them.
    column, axis : above a column of a table, and at the axis of a figure as small as ours.
    """

    name: str
    unit: str
    column: str
    axis: str


LOSSES = {
    "cross_entropy": LossWords("loss", " nats", "held-out loss (nats)", "training loss (nats)"),
    "squared_error": LossWords(
        "mean squared error", "", "held-out mean squared error", "training mean\nsquared error"
    ),
}

SQUARED_ERROR_NOTE = (
    " Where the targets are numbers, the read-out is linear, $\\hat y_t=W_sh_t+b_s$, and the loss "
    "is $E_t=\\lVert\\hat y_t-y_t\\rVert^2$, the squares summed over the outputs and not halved; "
    "its mean is given as it is, and accuracy is the part of the answers that are near enough."
)


def told(loss: float, kind: str) -> str:
    """Write a loss in a sentence, with its unit."""
    return f"{number(loss)}{LOSSES[kind].unit}"


def beside(best: pd.Series, facts: dict) -> str:
    """Tell what else is known of the lowest loss, `best` being its row of `summary_median`."""
    right = percent(best["accuracy"])
    if facts["loss"] == "cross_entropy":
        return f"a perplexity of {number(perplexity(best['loss']))} and an accuracy of {right}"
    return f"and {right} of the answers are less than {facts['tolerance']:g} off"
