"""Tasks, one file each.

A task module has

`OPTIONS`
    its keys in the configuration, each a JSON Schema with a description and a default;
`problems(options, settings)`
    yields (key path, message) for what the schema cannot express;
`prepare(options, settings)`
    returns `Prepared`: arrays that are the same for every net, and facts about the task;
`batches(options, arrays, batch_size, rng)`
    an endless iterator of one net's training data: inputs and targets, each (T, B) int;
`describe(options, facts)`
    what the nets are to learn, in sentences for the paper.
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Prepared:
    """What every net of an experiment shares.

    Attributes
    ----------
    arrays : `loss_mask` (T,) bool; `evaluation_inputs` and `evaluation_targets` (T, S) int, never
        trained on; `probe_inputs` and `probe_targets` (T, B) int, the measured batch; and what
        `batches` needs besides.
    facts : input_size, output_size, embedded, baselines (the losses of predictors without
        memory, by name, the worst first), chance_accuracy and what the task's `describe` needs.
    words : the word or character of each symbol, where symbols are those of a text.
    """

    arrays: dict[str, np.ndarray]
    facts: dict
    words: tuple[str, ...] = ()


SEQUENCE_LENGTH = {
    "type": "integer",
    "minimum": 2,
    "maximum": 100_000,
    "description": "Steps T of every sequence.",
    "unit": "steps",
}


# They use the names above.
from . import copy_memory, delayed_echo, parity, temporal_order, words  # noqa: E402

TASKS = {
    "words": words,
    "delayed_echo": delayed_echo,
    "temporal_order": temporal_order,
    "copy_memory": copy_memory,
    "parity": parity,
}
