"""What a loss is called: a cross-entropy in nats or a mean squared error."""

from dataclasses import dataclass


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


LOSSES = {
    "cross_entropy": LossWords("loss", " nats", "held-out loss (nats)", "training loss (nats)"),
    "squared_error": LossWords(
        "mean squared error", "", "held-out mean squared error", "training mean\nsquared error"
    ),
}
