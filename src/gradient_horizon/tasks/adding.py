"""Adding: two numbers of a long sequence are marked; give their sum at its end.

Hochreiter and Schmidhuber (1997), experiment 4, in the form of Le, Jaitly and Hinton (2015),
section 4.1: at every step a number drawn evenly from 0 to 1 and a marker, which is 1 at two steps
and 0 at the others.  Where the two lie is as in Arjovsky, Shah and Bengio (2016), section 4.2: one
anywhere in the first half, the other anywhere in the second.  Whoever always answers 1, the mean
of the sum, has a mean squared error of 1/6, the sum's variance.

An answer less than 0.04 off counts as right, which is Hochreiter and Schmidhuber's criterion; as
their sums were halved, it is twice as strict here.
"""

import numpy as np

from . import SEQUENCE_LENGTH, TOLERANCE, Percentage, Prepared, synthetic

OPTIONS = {"sequence_length": {**SEQUENCE_LENGTH, "default": 40}}


def problems(options: dict, settings: dict):
    """Yield nothing: the schema says it all."""
    yield from ()


def windows(options: dict) -> tuple[range, range]:
    """Positions that each marker may take: the halves, the second a step longer if they differ."""
    steps = options["sequence_length"]
    return range(steps // 2), range(steps // 2, steps)


def draw(options: dict, count: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Draw inputs (T, count, 2), number and marker, and targets (T, count, 1).

    Only the targets of the last step are used; those before are 0.
    """
    steps, every = options["sequence_length"], np.arange(count)
    inputs = np.zeros((steps, count, 2))
    inputs[..., 0] = rng.random((steps, count))
    targets = np.zeros((steps, count, 1))
    for window in windows(options):
        position = rng.integers(window.start, window.stop, count)
        inputs[position, every, 1] = 1.0
        targets[-1, :, 0] += inputs[position, every, 0]
    return inputs, targets


def prepare(options: dict, settings: dict) -> Prepared:
    """Return the probe and evaluation sequences, and what always answering 1 is worth.

    The sum s has the density 1 - |s - 1| on 0 to 2, so that a part 2 c - c^2 of the sums is less
    than c away from 1.
    """
    steps = options["sequence_length"]
    facts = {
        "input_size": 2,
        "output_size": 1,
        "embedded": False,
        "loss": "squared_error",
        "tolerance": TOLERANCE,
        # A number has the mean square 1/3, and two of the markers are 1.
        "input_squared_norm": 1 / 3 + 2 / steps,
        "baselines": {"guessing the mean": 1 / 6},
        "chance_accuracy": 2 * TOLERANCE - TOLERANCE**2,
        "relevant_distance": steps - 1 - windows(options)[0].start,
    }
    loss_mask = np.arange(steps) == steps - 1
    return synthetic.prepare(draw, options, settings, loss_mask, facts)


def batches(options: dict, arrays: dict, batch_size: int, rng: np.random.Generator):
    """Yield fresh sequences for ever."""
    while True:
        yield draw(options, batch_size, rng)


def numbers(options: dict, facts: dict) -> dict:
    """Return what `paper/task_adding.tex` says."""
    return {
        "FirstHalf": windows(options)[0].stop,
        "ChanceAccuracy": Percentage(facts["chance_accuracy"]),
    }
