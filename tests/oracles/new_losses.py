"""Two losses that the library does not have: the one of the documentation, and one of logits."""

import numpy as np

import guide
from gradient_horizon.networks.losses.loss import Loss

HUBER = guide.files()["huber.py"]
Huber = guide.module("huber").Huber


class BinaryCrossEntropy(Loss):
    """Each output is the logit of a target that is 0 or 1."""

    label = "binary cross-entropy"
    unit = "nats"

    def value(self, outputs, targets):
        return np.logaddexp(0.0, (1.0 - 2.0 * targets) * outputs).sum(axis=-1)

    def slope(self, outputs, targets):
        return 0.5 * (1.0 + np.tanh(0.5 * outputs)) - targets

    def hits(self, outputs, targets):
        return ((outputs > 0) == (targets > 0.5)).all(axis=-1)

    @property
    def right(self):
        return "every probability is on its target's side of one half"

    def baseline(self, known, asked, outputs):
        rate = known.mean(axis=(0, 1))
        logits = np.broadcast_to(np.log(rate / (1.0 - rate)), asked.shape)
        return {
            "baselines": {"the frequencies": float(self.value(logits, asked).mean())},
            "chance_accuracy": float(self.hits(logits, asked).mean()),
        }


def naive_huber(answer, wanted):
    """One row, number by number."""
    distances = [abs(a - y) for a, y in zip(answer, wanted, strict=True)]
    return sum(d**2 / 2 if d <= 1 else d - 0.5 for d in distances)


def naive_binary(answer, wanted):
    """One row, number by number: -log of the probability of what happened."""
    chances = [1 / (1 + np.exp(-a)) for a in answer]
    return sum(-np.log(p if y else 1 - p) for p, y in zip(chances, wanted, strict=True))


NEW = {"huber": Huber, "binary_cross_entropy": BinaryCrossEntropy}
NAIVE = {"huber": naive_huber, "binary_cross_entropy": naive_binary}
