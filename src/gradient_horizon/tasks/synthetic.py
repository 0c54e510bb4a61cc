"""What tasks that draw their sequences from a random generator have in common."""

from collections.abc import Callable

import numpy as np

from ..ground.seeds import generator
from . import Prepared


def prepare(
    draw: Callable, options: dict, settings: dict, loss_mask: np.ndarray, facts: dict
) -> Prepared:
    """Draw the probe and the evaluation sequences, each from a stream of its own.

    `draw(options, count, rng)` returns inputs and targets (T, count) int.
    """
    arrays = {"loss_mask": loss_mask}
    sizes = {"probe": settings["measurement"]["probe_batch"], "evaluation": 500}
    for part, size in sizes.items():
        rng = generator(settings["base_seed"], settings["experiment"], part)
        arrays[f"{part}_inputs"], arrays[f"{part}_targets"] = draw(options, size, rng)
    return Prepared(arrays, facts)
