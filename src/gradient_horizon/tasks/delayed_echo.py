"""Delayed echo: repeat, at every step, the symbol seen `lag` steps before.

The loss is dense and the distance that matters is known: the input at distance `lag`.
"""

import numpy as np

from . import SEQUENCE_LENGTH, Prepared, synthetic

OPTIONS = {
    "sequence_length": {**SEQUENCE_LENGTH, "default": 40},
    "lag": {
        "type": "integer",
        "minimum": 1,
        "default": 10,
        "description": "How many steps later a symbol is to be repeated.",
        "unit": "steps",
        "allowed": "1 to sequence_length - 1",
    },
    "symbols": {
        "type": "integer",
        "minimum": 2,
        "maximum": 1000,
        "default": 4,
        "description": "How many different symbols there are.",
    },
}


def problems(options: dict, settings: dict):
    """Yield the lag that leaves no step to be learnt."""
    if options["lag"] >= options["sequence_length"]:
        yield (
            "lag",
            f"{options['lag']} is not shorter than the sequence; "
            f"allowed: 1 to {options['sequence_length'] - 1} (sequence_length - 1)",
        )


def draw(options: dict, count: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Draw inputs and targets (T, count); targets before the first echo are 0 and never used."""
    inputs = rng.integers(0, options["symbols"], (options["sequence_length"], count))
    targets = np.zeros_like(inputs)
    targets[options["lag"] :] = inputs[: -options["lag"]]
    return inputs, targets


def prepare(options: dict, settings: dict) -> Prepared:
    """Return the probe and evaluation sequences; a guess is right once in `symbols`."""
    loss_mask = np.arange(options["sequence_length"]) >= options["lag"]
    facts = {
        "input_size": options["symbols"],
        "output_size": options["symbols"],
        "embedded": False,
        "loss": "cross_entropy",
        "baselines": {"guessing": float(np.log(options["symbols"]))},
        "chance_accuracy": 1.0 / options["symbols"],
        "relevant_distance": options["lag"],
    }
    return synthetic.prepare(draw, options, settings, loss_mask, facts)


def batches(options: dict, arrays: dict, batch_size: int, rng: np.random.Generator):
    """Yield fresh sequences for ever."""
    while True:
        yield draw(options, batch_size, rng)


def numbers(options: dict, facts: dict) -> dict:
    """Return what `paper/task_delayed_echo.tex` says."""
    return {"Lag": options["lag"], "Symbols": options["symbols"]}
