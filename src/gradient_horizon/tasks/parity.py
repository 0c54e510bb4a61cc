"""Parity: a bit at every step; say whether the ones so far are even or odd in number.

Asked for at the last step, as by Bengio, Simard and Frasconi (1994), no bit
matters more than another: each one turns the answer round, and without any one of them it is a
guess.  Asked for at every step, it follows from the bit and from the answer one step before.
"""

import numpy as np

from . import SEQUENCE_LENGTH, Prepared, synthetic

OPTIONS = {
    "sequence_length": {**SEQUENCE_LENGTH, "default": 20},
    "asked": {
        "type": "string",
        "enum": ["last_step", "every_step"],
        "default": "last_step",
        "description": "When the parity is asked for; never at the first step, where the bit "
        "itself is the answer.",
    },
}


def problems(options: dict, settings: dict):
    """Yield nothing: the schema says it all."""
    yield from ()


def draw(options: dict, count: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Draw bits and the parity of all bits so far, both (T, count)."""
    inputs = rng.integers(0, 2, (options["sequence_length"], count))
    return inputs, inputs.cumsum(axis=0) % 2


def prepare(options: dict, settings: dict) -> Prepared:
    """Return the probe and evaluation sequences; without memory, a guess is right once in two.

    Every input matters, at every distance from 0 on: there is no relevant distance.
    """
    steps = np.arange(options["sequence_length"])
    loss_mask = steps >= 1 if options["asked"] == "every_step" else steps == steps[-1]
    facts = {
        "input_size": 2,
        "output_size": 2,
        "embedded": False,
        "loss": "cross_entropy",
        "baselines": {"guessing": float(np.log(2))},
        "chance_accuracy": 0.5,
    }
    return synthetic.prepare(draw, options, settings, loss_mask, facts)


def batches(options: dict, arrays: dict, batch_size: int, rng: np.random.Generator):
    """Yield fresh sequences for ever."""
    while True:
        yield draw(options, batch_size, rng)


def numbers(options: dict, facts: dict) -> dict:
    """Return what `paper/task_parity.tex` says."""
    return {"AskedAtEveryStep": options["asked"] == "every_step"}
