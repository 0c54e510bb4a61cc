"""What a training step costs with each remedy, in arithmetic operations: counted, not timed.

Matrix products are counted from the shapes of the weights, as is usual for the operations of a
model: an addition and a multiplication for each weight, step and sequence, once on the way forward
and twice back; a truncated signal is not sent back at the cuts, a regulariser multiplies by W_hh
twice more, and what flossing multiplies is spread over all training steps.  Clipping and the
optimiser are run on arrays that count.  What a cell does unit by unit is not counted.
"""

import math
from collections.abc import Mapping

import numpy as np

from ..config.grid import PLAIN, training_settings
from ..networks import readout
from ..networks.cells import CELLS
from ..training.optimisers import OPTIMISERS, clip_by_global_norm, clip_by_value

PASSES = 3
# The signal is sent back once more, and has another outer product.
REGULARISER_PASSES = 2
ENTRIES = 1000


class Counted(np.ndarray):
    """An array that adds up the operations of all functions that are applied to it."""

    operations = 0

    def __array_ufunc__(self, function, method, *inputs, out=None, **options):
        """Apply the function to plain arrays; count a result's entries, of products twice."""
        plain = [np.asarray(part) if isinstance(part, Counted) else part for part in inputs]
        if out is not None:
            options["out"] = tuple(np.asarray(part) for part in out)
        result = getattr(function, method)(*plain, **options)
        if result.dtype.kind == "f":
            entries = 2 * max(map(np.size, plain)) if function.signature else result.size
            Counted.operations += entries
        return result.view(Counted) if out is None else out[0]


def update_operations(training: Mapping) -> int:
    """Operations on each weight of clipping and the optimiser, in any step but the first."""
    kind = OPTIMISERS[training["optimiser"]]
    optimiser = kind(training["learning_rate"], training["momentum"])
    weights = np.zeros((1, ENTRIES)).view(Counted)
    for _ in range(2):
        gradient = np.ones((1, ENTRIES)).view(Counted)
        Counted.operations = 0
        clip_by_global_norm(gradient, training["gradient_clip"])
        clip_by_value(gradient, training["gradient_clip_value"])
        optimiser.update(weights, gradient)
    # What is done once for the whole net is no part of it.
    return Counted.operations // ENTRIES


def step_operations(
    cell: str, model: Mapping, training: Mapping, facts: Mapping, loss_mask: np.ndarray
) -> int:
    """Operations of one training step of one net.

    Parameters
    ----------
    cell, model, training : of a grid point, as in the configuration.
    facts : `input_size`, `output_size` and `embedded`, of the task.
    loss_mask : (T,) bool, the steps that are read out.
    """
    size = model["hidden_size"]
    width = model["embedding_size"] if facts["embedded"] else facts["input_size"]
    recurrent = CELLS[cell].shapes(size, width)
    read_out = readout.shapes(size, facts["output_size"])
    steps = len(loss_mask)
    products = PASSES * steps * _entries(recurrent, matrices=True)
    products += PASSES * int(loss_mask.sum()) * _entries(read_out, matrices=True)
    # What the remedies add to the products with W_hh, and what they leave out.
    more = REGULARISER_PASSES * steps if training["regulariser"] is not None else 0
    fewer = (steps - 1) // training["truncation"] if training["truncation"] is not None else 0
    products += (more - fewer) * math.prod(recurrent.get("W_hh", (0,)))
    weights = _entries(recurrent) + _entries(read_out)
    if facts["embedded"]:
        weights += facts["input_size"] * width
    return (
        2 * training["batch_size"] * products
        + update_operations(training) * weights
        + flossing_operations(size, len(loss_mask), training)
    )


def flossing_operations(size: int, length: int, training: Mapping) -> int:
    """Operations of flossing for each training step: of all its episodes, by the training's steps.

    Parameters
    ----------
    size, length : N and T.
    training : as in the configuration.
    """
    options = training["flossing"]
    if options is None:
        return 0
    again = 0 if options["every"] is None else (training["steps"] - 1) // options["every"]
    episodes = 1 + min(again, options["episodes"])
    count = options["exponents"]
    # The state and k columns meet W_hh three times; the decomposition takes 4 N k^2 operations and
    # each of the three products that go back through it 2 N k^2.
    step = 6 * size**2 * (1 + count) + 10 * size * count**2
    return round(episodes * options["steps"] * length * step / training["steps"])


def _entries(shapes: Mapping[str, tuple[int, ...]], matrices: bool = False) -> int:
    """Count the weights, all or those of matrices only."""
    return sum(math.prod(shape) for shape in shapes.values() if len(shape) > 1 or not matrices)


def relative_costs(experiment: Mapping, facts: Mapping, loss_mask: np.ndarray) -> dict[str, float]:
    """Operations of a step by remedy, relative to the plain one or, without it, to the first.

    Parameters
    ----------
    experiment : its part of the resolved configuration; of several cells the first counts.
    facts, loss_mask : as `step_operations` takes them.
    """
    grid = experiment["grid"]
    counts = {
        remedy: step_operations(
            changes.get("cell", grid["cells"][0]),
            experiment["model"],
            training_settings(experiment, remedy),
            facts,
            loss_mask,
        )
        for remedy, changes in grid["remedies"].items()
    }
    unit = counts.get(PLAIN, next(iter(counts.values())))
    return {remedy: count / unit for remedy, count in counts.items()}
