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
ORDINALS = ("first", "second", "third")

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

CHANCE = (
    "Guessing: ln 4 = 1.386 nats and one answer in 4 right with two relevant symbols, "
    "ln 8 = 2.079 nats and one in 8 with three."
)


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


def describe(options: dict, facts: dict) -> str:
    """Say what is to be learnt and where it lies."""
    count = options["relevant_symbols"]
    places = [
        f"the {ordinal} at step {window.start + 1}"
        if len(window) == 1
        else f"the {ordinal} between steps {window.start + 1} and {window.stop}"
        for ordinal, window in zip(ORDINALS, windows(options), strict=False)
    ]
    orders = ["".join(order) for order in product("XY", repeat=count)]
    return (
        f"A sequence of {options['sequence_length']} steps holds {('two', 'three')[count - 2]} "
        f"relevant symbols among {DISTRACTORS} kinds of distractors, "
        f"{', '.join(places[:-1])} and {places[-1]}; each is X or Y. At the last step, the only "
        f"one that carries a loss, the net is to say which of {', '.join(orders[:-1])} and "
        f"{orders[-1]} it was. The first relevant symbol enters the state up to "
        f"{facts['relevant_distance']} steps before the end, so all that has to be learnt of it "
        f"arrives from far back."
    )
