"""The losses of PyTorch that a trained net may have, as means over the targets that count."""

import numpy as np

from ..networks.losses.cross_entropy import CrossEntropy
from ..networks.losses.loss import Loss
from ..networks.losses.squared_error import SquaredError


class MeanSquaredError(SquaredError):
    """nn.MSELoss: the mean of the squares over the outputs too."""

    def value(self, outputs, targets):
        """Return the mean of the squares over the outputs."""
        return super().value(outputs, targets) / outputs.shape[-1]

    def slope(self, outputs, targets):
        """Return its derivative."""
        return super().slope(outputs, targets) / outputs.shape[-1]

    def at_any_scale(self, products, bias, power, targets):
        """Take the mean of what the squared error sums."""
        values, hits, slope, power = super().at_any_scale(products, bias, power, targets)
        return values / len(bias), hits, slope / len(bias), power


class BinaryCrossEntropy(Loss):
    """nn.BCEWithLogitsLoss: that of every output's logit with a target of 0 to 1, in the mean."""

    label = "mean binary cross-entropy"
    unit = "nats"

    def value(self, outputs, targets):
        """Return log(1 + exp(o)) - y o, which is -y log p - (1 - y) log(1 - p)."""
        return (np.logaddexp(0.0, outputs) - targets * outputs).mean(axis=-1)

    def slope(self, outputs, targets):
        """Return p - y."""
        with np.errstate(over="ignore"):
            probability = 1.0 / (1.0 + np.exp(-outputs))
        return (probability - targets) / outputs.shape[-1]

    def hits(self, outputs, targets):
        """Tell whether every probability is on its target's side of one half."""
        return ((outputs > 0.0) == (targets > 0.5)).all(axis=-1)


LOSSES = {"cross_entropy": CrossEntropy, "mse": MeanSquaredError, "bce": BinaryCrossEntropy}


def chosen(
    name: str | None, targets: np.ndarray, outputs: int, booleans: bool = False
) -> tuple[Loss, np.ndarray]:
    """Return a loss, and the targets as it takes them.

    Parameters
    ----------
    name : one of `LOSSES`; None for the cross-entropy of classes and the squared error of numbers,
        where nothing else can be meant.
    targets : (T, B) int or (T, B, O) float.
    outputs : O, of the net.
    booleans : whether the targets were given as such, of which no loss can be told.

    Raises
    ------
    ValueError : the loss cannot be of such targets, or it has to be said which one is meant.
    """
    whole = targets.dtype.kind == "i"
    if name is None:
        if outputs == 1 and np.isin(targets, (0, 1)).all():
            raise ValueError(
                "targets are 0 and 1 and the read-out gives one number: say which loss is meant, "
                "--loss bce (binary cross-entropy with logits) or --loss mse (squared error)"
            )
        if outputs == 1 and whole:
            raise ValueError(
                "targets are integers and the read-out gives one number, of which there is no "
                "cross-entropy of classes; for a squared error say --loss mse"
            )
        if booleans:
            allowed = "cross_entropy (of two classes)" if whole else "bce or mse (of every output)"
            raise ValueError(
                f"targets are booleans and the read-out gives {outputs} numbers: say which loss is "
                f"meant, --loss {allowed}"
            )
        name = "cross_entropy" if whole else "mse"
    loss = LOSSES[name]()
    if loss.of_classes:
        if not whole:
            raise ValueError(
                "targets are numbers, and --loss cross_entropy is of classes; allowed: integers, "
                "or --loss mse or bce"
            )
        return loss, targets
    if whole:
        if outputs != 1:
            raise ValueError(
                f"targets are integers, one for {outputs} numbers of the read-out, and --loss "
                f"{name} is of numbers; allowed: floats (T, B, {outputs})"
            )
        targets = targets[..., None].astype(np.float64)
    if name == "bce" and (targets.min() < 0.0 or targets.max() > 1.0):
        raise ValueError(
            f"targets are from {targets.min():g} to {targets.max():g}, and --loss bce is of "
            "probabilities; allowed: 0 to 1"
        )
    return loss, targets
