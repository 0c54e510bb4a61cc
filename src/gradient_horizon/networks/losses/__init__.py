"""Losses, one file each: a loss is written once, for training, for measuring and for influence.

What a net gives at step t is o_t = W_s h_t + b_s, and a loss says what that costs, E_t, given the
target y_t.  `loss.Loss` says what a loss has to define, and makes the rest of it.  A line below
registers it; a task asks for it by its name as the fact `loss`.
"""

from collections.abc import Mapping

import numpy as np

from ...ground.names import nearest
from .cross_entropy import CrossEntropy
from .loss import Loss
from .squared_error import SquaredError

LOSSES = {
    "cross_entropy": CrossEntropy,
    "squared_error": SquaredError,
}


def default(targets: np.ndarray) -> str:
    """Return the name of the loss that targets have unless another is asked for."""
    return "squared_error" if targets.dtype.kind == "f" else "cross_entropy"


def loss_of(facts: Mapping, targets: np.ndarray) -> Loss:
    """Return the loss that a task's facts ask for.

    Parameters
    ----------
    facts : `loss`, a name, and `tolerance`, where they are there.
    targets : (T, B, ...) int or (T, B, ..., O) float, whose default it is otherwise.

    Raises
    ------
    ValueError : there is no loss of that name.
    """
    name = facts.get("loss", default(targets))
    if name not in LOSSES:
        raise ValueError(
            f"the loss '{name}' is not known; allowed: {', '.join(LOSSES)}{nearest(name, LOSSES)}"
        )
    return LOSSES[name](facts.get("tolerance", 0.0))
