"""The nets of one grid point: its settings turned into what the loop takes."""

from collections.abc import Callable, Mapping
from functools import partial

import numpy as np

from ..ground.seeds import generator
from ..networks.activations import ACTIVATIONS
from ..networks.cells import CELLS
from ..networks.initialisations import INITIALISATIONS
from ..numerics.population import Weights
from ..tasks import TASKS
from . import loop
from .flossing import Flossing
from .network import Network, initial_weights, kinds
from .optimisers import OPTIMISERS
from .regulariser import REGULARISERS


def train(
    settings: Mapping, facts: Mapping, data: Mapping, say: Callable[[str], None] = print
) -> dict[str, np.ndarray]:
    """Train all nets of one grid point.

    Parameters
    ----------
    settings : `config.grid.run_settings`.
    facts : what the task says of itself, of which input_size, output_size, embedded, loss,
        input_squared_norm (of vectors) and tolerance (of numbers) count here.
    data : the arrays that the task has prepared.
    say : receives the lines of progress.

    Returns
    -------
    The arrays of `train.npz`, as `loop.train`.
    """
    descent, flossing = prepare(settings, facts, data)
    return loop.train(
        descent,
        streams(settings, data),
        (data["evaluation_inputs"], data["evaluation_targets"]),
        settings["training"]["steps"],
        settings["measurement"]["checkpoints"],
        flossing,
        say,
    )


def prepare(
    settings: Mapping, facts: Mapping, data: Mapping
) -> tuple[loop.Descent, Flossing | None]:
    """Return the nets at their start, with all that trains them; parameters as of `train`."""
    training, radius = settings["training"], settings["radius"]
    weights = weights_of(settings, facts)
    evaluation = data["evaluation_inputs"], data["evaluation_targets"]
    network = Network(
        settings["cell"],
        settings["activation"],
        weights,
        data["loss_mask"],
        training["batch_size"],
        *kinds(*evaluation, facts),
        options=settings["model"],
        truncation=training["truncation"],
    )
    if training["regulariser"] is not None:
        form = REGULARISERS[training["regulariser"]]
        network.regulariser = form(network.recurrence, training["regulariser_weight"])
    flossing = None
    if training["flossing"] is not None:
        phi = ACTIVATIONS.find(settings["activation"])
        flossing = Flossing(phi, weights, network.inputs, **training["flossing"])
    descent = loop.Descent(
        network,
        OPTIMISERS[training["optimiser"]](training["learning_rate"], training["momentum"]),
        training["gradient_clip"],
        training["gradient_clip_value"],
        partial(CELLS.find(settings["cell"]).constrain, radius=radius),
    )
    return descent, flossing


def weights_of(settings: Mapping, facts: Mapping) -> Weights:
    """Draw the initial weights; parameters as of `train`."""
    model = settings["model"]
    return initial_weights(
        settings["cell"],
        INITIALISATIONS[settings["initialisation"]],
        settings["radius"],
        _generators(settings, "weights"),
        input_size=facts["input_size"],
        output_size=facts["output_size"],
        hidden_size=model["hidden_size"],
        embedding_size=model["embedding_size"] if facts["embedded"] else None,
        input_scale=model["input_scale"],
        input_squared_norm=facts.get("input_squared_norm", 1.0),
        precision=settings["training"]["precision"],
        options=model,
    )


def streams(settings: Mapping, data: Mapping) -> list:
    """Return the endless training data of each net; parameters as of `train`."""
    options, batch = settings["task"], settings["training"]["batch_size"]
    task = TASKS.find(options["name"])
    return [task.batches(options, data, batch, rng) for rng in _generators(settings, "data")]


def _generators(settings: Mapping, purpose: str) -> list[np.random.Generator]:
    """Return a random stream for each net."""
    origin = settings["base_seed"], settings["identity"], purpose
    return [generator(*origin, seed) for seed in range(settings["seeds"])]
