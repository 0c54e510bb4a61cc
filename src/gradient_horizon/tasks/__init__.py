"""Tasks, one file each.

A task module has

`OPTIONS`
    its keys in the configuration, each a JSON Schema with a description and, unless it must be
    given, a default;
`CHANCE`
    what is reached without learning anything, in a sentence for the configuration's page;
`problems(options, settings)`
    yields (key path, message) for what the schema cannot express;
`prepare(options, settings)`
    returns `Prepared`: arrays that are the same for every net, and facts about the task;
`batches(options, arrays, batch_size, rng)`
    an endless iterator of one net's training data: inputs and targets;
`describe(options, facts)`
    what the nets are to learn, in sentences for the paper;

and where its data come from elsewhere

`own_file(options)`
    the path of the user's own file, or None;
`sources(options)`
    what the data depend on: the sha256 of that file, or versions of packages.

Inputs are symbols, (T, B) int, or vectors, (T, B, D) float; targets are classes, (T, B) int, of
which the nets give probabilities, or numbers, (T, B, O) float, which they give themselves.
"""

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
        task's `describe` needs.  With vectors as inputs input_squared_norm, the mean of their
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


# They use the names above.
from . import (  # noqa: E402
    adding,
    arrays,
    copy_memory,
    delayed_echo,
    digits,
    parity,
    temporal_order,
    words,
)

TASKS = {
    "words": words,
    "delayed_echo": delayed_echo,
    "temporal_order": temporal_order,
    "copy_memory": copy_memory,
    "parity": parity,
    "adding": adding,
    "digits": digits,
    "arrays": arrays,
}
