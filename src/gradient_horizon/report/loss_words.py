"""What a loss is called: a cross-entropy in nats, with its perplexity, or an error."""

from dataclasses import dataclass
from textwrap import fill

import pandas as pd

from ..analysis.grid_points import perplexity
from ..ground.latex import number, percent
from ..networks import losses
from ..networks.losses import Loss


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


def words(loss: type[Loss]) -> LossWords:
    """Return the words for a loss; an axis has room for 20 letters a line."""
    unit = f" ({loss.unit})" if loss.unit else ""
    return LossWords(
        loss.label,
        loss.unit and f" {loss.unit}",
        f"held-out {loss.label}{unit}",
        fill(f"training {loss.label}{unit}", 20),
    )


LOSSES = {name: words(loss) for name, loss in losses.LOSSES.items()}

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
