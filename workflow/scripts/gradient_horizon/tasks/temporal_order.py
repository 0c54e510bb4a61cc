"""Temporal order: two relevant symbols far apart among distractors; say which came in which order.

Hochreiter and Schmidhuber (1997), experiment 6a, as used by Pascanu, Mikolov and Bengio (2013):
the first relevant symbol lies in the second tenth of the sequence, the other in the sixth, and
the four classes XX, XY, YX, YY are asked for at the last step only.
"""

import numpy as np

from . import SEQUENCE_LENGTH, Prepared, synthetic

DISTRACTORS = 4
CLASSES = 4

OPTIONS = {"sequence_length": {**SEQUENCE_LENGTH, "minimum": 10, "default": 40}}


def problems(options: dict, settings: dict):
    """Yield nothing: the schema says it all."""
    yield from ()


def windows(steps: int) -> tuple[range, range]:
    """Positions that the first and the second relevant symbol may take."""
    return range(steps // 10, max(2 * steps // 10, steps // 10 + 1)), range(
        5 * steps // 10, max(6 * steps // 10, 5 * steps // 10 + 1)
    )


def draw(options: dict, count: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Draw inputs and targets (T, count); only the targets of the last step are used."""
    steps = options["sequence_length"]
    inputs = rng.integers(0, DISTRACTORS, (steps, count))
    label = np.zeros(count, dtype=inputs.dtype)
    for window in windows(steps):
        symbol = rng.integers(0, 2, count)
        position = rng.integers(window.start, window.stop, count)
        inputs[position, np.arange(count)] = DISTRACTORS + symbol
        label = 2 * label + symbol
    targets = np.zeros_like(inputs)
    targets[-1] = label
    return inputs, targets


def prepare(options: dict, settings: dict) -> Prepared:
    """Return the probe and evaluation sequences; a guess is right once in four."""
    steps = options["sequence_length"]
    loss_mask = np.arange(steps) == steps - 1
    first, _ = windows(steps)
    facts = {
        "input_size": DISTRACTORS + 2,
        "output_size": CLASSES,
        "embedded": False,
        "baselines": {"guessing": float(np.log(CLASSES))},
        "chance_accuracy": 1.0 / CLASSES,
        "relevant_distance": steps - 1 - first.start,
    }
    return synthetic.prepare(draw, options, settings, loss_mask, facts)


def batches(options: dict, arrays: dict, batch_size: int, rng: np.random.Generator):
    """Yield fresh sequences for ever."""
    while True:
        yield draw(options, batch_size, rng)


def describe(options: dict, facts: dict) -> str:
    """Say what is to be learnt and where it lies."""
    steps = options["sequence_length"]
    first, second = windows(steps)
    places = [
        f"at step {window.start + 1}"
        if len(window) == 1
        else f"between steps {window.start + 1} and {window.stop}"
        for window in (first, second)
    ]
    return (
        f"A sequence of {steps} steps holds two relevant symbols among {DISTRACTORS} kinds of "
        f"distractors, the first {places[0]} and the second {places[1]}; each is X or Y. At the "
        f"last step, the only one that carries a loss, the net is to say which of XX, XY, YX and "
        f"YY it was. The first relevant symbol enters the state up to "
        f"{facts['relevant_distance']} steps before the end, so all that has to be learnt of it "
        f"arrives from far back."
    )
