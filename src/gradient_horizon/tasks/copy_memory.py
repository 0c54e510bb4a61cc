"""Copy memory: read some symbols, wait, and give them back in their order.

Hochreiter and Schmidhuber (1997) as set by Arjovsky, Shah and Bengio (2016), section 4.1: ten
symbols out of eight, a delay of T steps, blank but for a marker at the last, and ten blanks more,
at which the symbols are to be given back.  Before that the answer is the blank.  The loss is taken
over all T + 20 steps, and without memory it can get no lower than 10 ln 8 / (T + 20).  (Theirs is
this T; elsewhere in the project T is the length of the whole sequence.)
"""

import numpy as np

from . import SEQUENCE_LENGTH, Prepared, synthetic

OPTIONS = {
    "sequence_length": {
        **SEQUENCE_LENGTH,
        "minimum": 3,
        "default": 40,
        "description": "Steps T of every sequence: the delay and twice the symbols to be copied.",
    },
    "copied": {
        "type": "integer",
        "minimum": 1,
        "default": 10,
        "description": "How many symbols are to be copied.",
        "allowed": "1 or more, fewer than half of sequence_length",
    },
    "symbols": {
        "type": "integer",
        "minimum": 2,
        "maximum": 1000,
        "default": 8,
        "description": "How many different symbols there are, the blank and the marker aside.",
    },
}


def problems(options: dict, settings: dict):
    """Yield the symbols that leave no delay before they are given back."""
    most = (options["sequence_length"] - 1) // 2
    if options["copied"] > most:
        yield (
            "copied",
            f"{options['copied']} symbols, read and given back, leave no delay in "
            f"{options['sequence_length']} steps; allowed: 1 to {most}, or a sequence_length of "
            f"at least {2 * options['copied'] + 1}",
        )


def delay(options: dict) -> int:
    """Count the steps between the last symbol read and the first given back."""
    return options["sequence_length"] - 2 * options["copied"]


def draw(options: dict, count: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Draw inputs and targets (T, count); the blank comes after the symbols, then the marker."""
    copied, blank = options["copied"], options["symbols"]
    inputs = np.full((options["sequence_length"], count), blank)
    targets = inputs.copy()
    inputs[:copied] = targets[-copied:] = rng.integers(0, blank, (copied, count))
    inputs[-copied - 1] = blank + 1
    return inputs, targets


def prepare(options: dict, settings: dict) -> Prepared:
    """Return the probe and evaluation sequences, and what is reached without memory.

    The memoryless strategy knows when to name the blank, and guesses the symbols.
    """
    steps, copied, symbols = (options[key] for key in ("sequence_length", "copied", "symbols"))
    facts = {
        "input_size": symbols + 2,
        "output_size": symbols + 1,
        "embedded": False,
        "loss": "cross_entropy",
        "baselines": {"the memoryless strategy": float(copied * np.log(symbols) / steps)},
        "chance_accuracy": (steps - copied + copied / symbols) / steps,
        "relevant_distance": delay(options) + copied,
    }
    return synthetic.prepare(draw, options, settings, np.ones(steps, dtype=bool), facts)


def batches(options: dict, arrays: dict, batch_size: int, rng: np.random.Generator):
    """Yield fresh sequences for ever."""
    while True:
        yield draw(options, batch_size, rng)


def numbers(options: dict, facts: dict) -> dict:
    """Return what `paper/task_copy_memory.tex` says."""
    return {
        "Copied": options["copied"],
        "Symbols": options["symbols"],
        "Delay": delay(options),
        "ChanceLoss": facts["baselines"]["the memoryless strategy"],
    }
