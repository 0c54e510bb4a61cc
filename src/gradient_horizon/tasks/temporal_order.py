"""Temporal order: a few relevant symbols far apart among distractors; say in which order they came.

Hochreiter and Schmidhuber (1997), experiments 6a and 6b, as used by Pascanu, Mikolov and Bengio
(2013): of two relevant symbols the first lies in the second tenth of the sequence, the other in
the sixth; of three they lie in the second, the fourth and the seventh.  The four classes XX, XY,
YX, YY, or eight from XXX to YYY, are asked for at the last step only.
"""

from itertools import product

import numpy as np

from . import SEQUENCE_LENGTH, Prepared, synthetic

DISTRACTORS = 4
# The tenths of the sequence that go before each symbol's, by the number of symbols.
TENTHS = {2: (1, 5), 3: (1, 3, 6)}
ORDINALS = ("First", "Second", "Third")

OPTIONS = {
    "sequence_length": {**SEQUENCE_LENGTH, "minimum": 10, "default": 40},
    "relevant_symbols": {
        "type": "integer",
        "minimum": min(TENTHS),
        "maximum": max(TENTHS),
        "default": 2,
        "description": "How many symbols are relevant; their orders are 4 or 8.",
    },
}


def problems(options: dict, settings: dict):
    """Yield nothing: the schema says it all."""
    yield from ()


def windows(options: dict) -> list[range]:
    """Positions that each relevant symbol may take."""
    steps = options["sequence_length"]
    return [
        range(tenths * steps // 10, (tenths + 1) * steps // 10)
        for tenths in TENTHS[options["relevant_symbols"]]
    ]


def draw(options: dict, count: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Draw inputs and targets (T, count); only the targets of the last step are used."""
    steps = options["sequence_length"]
    inputs = rng.integers(0, DISTRACTORS, (steps, count))
    label = np.zeros(count, dtype=inputs.dtype)
    for window in windows(options):
        symbol = rng.integers(0, 2, count)
        position = rng.integers(window.start, window.stop, count)
        inputs[position, np.arange(count)] = DISTRACTORS + symbol
        label = 2 * label + symbol
    targets = np.zeros_like(inputs)
    targets[-1] = label
    return inputs, targets


def prepare(options: dict, settings: dict) -> Prepared:
    """Return the probe and evaluation sequences; a guess is right once in 4 or in 8."""
    steps = options["sequence_length"]
    loss_mask = np.arange(steps) == steps - 1
    classes = 2 ** options["relevant_symbols"]
    facts = {
        "input_size": DISTRACTORS + 2,
        "output_size": classes,
        "embedded": False,
        "loss": "cross_entropy",
        "baselines": {"guessing": float(np.log(classes))},
        "chance_accuracy": 1.0 / classes,
        "relevant_distance": steps - 1 - windows(options)[0].start,
    }
    return synthetic.prepare(draw, options, settings, loss_mask, facts)


def batches(options: dict, arrays: dict, batch_size: int, rng: np.random.Generator):
    """Yield fresh sequences for ever."""
    while True:
        yield draw(options, batch_size, rng)


def numbers(options: dict, facts: dict) -> dict:
    """Return what `paper/task_temporal_order.tex` says."""
    count = options["relevant_symbols"]
    places = dict(zip(ORDINALS, map(_place, windows(options)), strict=False))
    return {
        "Distractors": DISTRACTORS,
        **{f"{ordinal}Place": places.get(ordinal) for ordinal in ORDINALS},
        "Orders": tuple(map("".join, product("XY", repeat=count))),
    }


def _place(window: range) -> str:
    """Say where one relevant symbol lies, with steps counted from 1."""
    if len(window) == 1:
        return f"at step {window.stop}"
    return f"between steps {window.start + 1} and {window.stop}"
