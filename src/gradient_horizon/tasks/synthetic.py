"""What tasks that draw their sequences from a random generator have in common."""

from collections.abc import Callable, Iterator

import numpy as np

from ..ground.seeds import generator
from .task import Prepared, Task


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


class SyntheticTask(Task):
    """A task whose sequences are drawn at random."""

    def draw(
        self, options: dict, count: int, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """Draw so many sequences: inputs and targets, (T, count) int or (T, count, any) float."""
        raise NotImplementedError

    def loss_mask(self, options: dict) -> np.ndarray:
        """Return (T,) bool, the steps at which an answer is asked for: the last one."""
        steps = options["sequence_length"]
        return np.arange(steps) == steps - 1

    def facts(self, options: dict) -> dict:
        """Return the facts of `Prepared`."""
        raise NotImplementedError

    def prepare(self, options: dict, settings: dict) -> Prepared:
        """Return the probe and evaluation sequences."""
        return prepare(self.draw, options, settings, self.loss_mask(options), self.facts(options))

    def batches(
        self, options: dict, arrays: dict, batch_size: int, rng: np.random.Generator
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield fresh sequences for ever."""
        while True:
            yield self.draw(options, batch_size, rng)
