"""What a task has to offer, and what all tasks use."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Prepared:
    """What every net of an experiment shares.

    Attributes
    ----------
    arrays : `loss_mask` (T,) bool; `evaluation_inputs` and `evaluation_targets`, S sequences that
        no net is trained on; `probe_inputs` and `probe_targets`, the measured batch of B; and what
        `batches` needs besides.
    facts : input_size, output_size, embedded, loss (a name in `networks.losses`), baselines (the
        losses of predictors without memory, by name, the worst first), chance_accuracy and what the
        task's `numbers` needs.  With vectors as inputs input_squared_norm, the mean of their
        squared norms, and with numbers as targets tolerance, how near to them an answer counts as
        right.
    words : the word or character of each symbol, where symbols are those of a text.
    """

    arrays: dict[str, np.ndarray]
    facts: dict
    words: tuple[str, ...] = ()

    def probe(self) -> dict[str, np.ndarray]:
        """Return the arrays of `probe.npz`."""
        batch = {name: self.arrays[f"probe_{name}"] for name in ("inputs", "targets")}
        return {**batch, "loss_mask": self.arrays["loss_mask"]}

    def data(self) -> dict[str, np.ndarray]:
        """Return the arrays of `data.npz`, all others."""
        arrays = {name: array for name, array in self.arrays.items() if name[:6] != "probe_"}
        return {**arrays, "words": np.array(self.words)} if self.words else arrays


class Percentage(float):
    """A fraction that the paper writes as a percentage."""


SEQUENCE_LENGTH = {
    "type": "integer",
    "minimum": 2,
    "maximum": 100_000,
    "description": "Steps T of every sequence.",
    "unit": "steps",
}


# An answer in numbers that is so near counts as right (Hochreiter and Schmidhuber, 1997, experiment
# 4, of whose sums ours are the double).
TOLERANCE = 0.04


class Task:
    """A task: what a module of the library's tasks has as functions, and one's own as methods.

    It has to define `prepare` and `batches`; `synthetic.SyntheticTask` has both for tasks whose
    sequences are drawn at random.

    Inputs are symbols, (T, B) int, or vectors, (T, B, D) float; targets are classes, (T, B) int, of
    which the nets give probabilities, or numbers, (T, B, O) float, which they give themselves.

    Attributes
    ----------
    OPTIONS : its keys in the configuration, each a JSON Schema with a description and, unless it
        must be given, a default.
    """

    OPTIONS: Mapping[str, dict] = {}

    def problems(self, options: dict, settings: dict) -> Iterator[tuple[str, str]]:
        """Yield the key and the message of each mistake that the schema cannot express.

        Parameters
        ----------
        options : the experiment's `task`, with the defaults.
        settings : the whole experiment.
        """
        yield from ()

    def prepare(self, options: dict, settings: dict) -> Prepared:
        """Return what every net of an experiment shares.

        Parameters
        ----------
        options : the experiment's `task`.
        settings : `base_seed`, `experiment` (its name) and `measurement` with `probe_batch`.
        """
        raise NotImplementedError

    def batches(
        self, options: dict, arrays: dict, batch_size: int, rng: np.random.Generator
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield one net's training data for ever: inputs and targets of a batch.

        Parameters
        ----------
        options : the experiment's `task`.
        arrays : those of `prepare`, but for the probe batch.
        batch_size : B.
        rng : the net's own stream.
        """
        raise NotImplementedError

    def numbers(self, options: dict, facts: dict) -> dict:
        """Return what `paper/task_NAME.tex` says of the task, by the names of its macros there.

        Numbers, names, tuples of names, a `Percentage`, or bools, which choose between sentences;
        None is what is not there.  A task without such a file needs none: the paper takes its
        docstring.
        """
        return {}

    def own_file(self, options: dict) -> str | None:
        """Return the path of the user's own file that the data come from, or None."""
        return None

    def sources(self, options: dict) -> dict[str, str]:
        """Return what the data depend on: the sha256 of a file, or versions of packages."""
        return {}
