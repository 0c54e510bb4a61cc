"""What a loss is called in figures and text."""

from dataclasses import dataclass
from textwrap import fill

from ..networks import losses
from ..networks.losses import Loss


@dataclass(frozen=True)
class LossWords:
    """The words for one kind of loss.

    Attributes
    ----------
    name, unit : in a sentence, with a number between them.
    column, axis : above a column of a table, and at the axis of a small figure.
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
