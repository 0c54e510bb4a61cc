"""Training nets on a task: plain arguments, and the nets that come of them."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from ..config import configuration, grid
from ..ground import files
from ..ground.names import count_of
from ..networks.activations import Activation
from ..tasks import Prepared
from ..training import grid_point
from . import arguments
from .catalogues import ACTIVATIONS, CELLS, TASKS
from .nets import Net
from .tasks import Task
from .tasks import task as task_of

# The step size of an optimiser where none is asked for.
LEARNING_RATES = {"sgd": 1.0, "momentum": 0.1, "adam": 0.01}
# What the configuration calls by another name.
NAMES = {"spectral_radii": "radius", "cells": "cell", "activations": "activation"}
SECTIONS = {
    "model": ("hidden_size", "embedding_size", "input_scale", "leak", "chrono", "ring"),
    "training": (
        "optimiser",
        "steps",
        "batch_size",
        "learning_rate",
        "momentum",
        "gradient_clip",
        "gradient_clip_value",
        "truncation",
        "regulariser",
        "regulariser_weight",
        "flossing",
        "precision",
    ),
    "measurement": ("checkpoints", "probe_batch"),
}
# Sequences of a batch, and checkpoints, unless there are fewer.
BATCH, CHECKPOINTS = 20, 6


def train(
    task,
    *,
    cell="rnn",
    activation: str | Activation = "tanh",
    initialisation: str = "gaussian",
    radius: float = 1.0,
    hidden_size: int = 32,
    embedding_size: int = 32,
    input_scale: float = 1.0,
    leak: float = 0.5,
    chrono: float | None = None,
    ring: float = 0.0,
    seeds: int = 5,
    steps: int = 600,
    batch_size: int | None = None,
    optimiser: str = "sgd",
    learning_rate: float | None = None,
    momentum: float = 0.9,
    gradient_clip: float | None = 1.0,
    gradient_clip_value: float | None = None,
    truncation: int | None = None,
    regulariser: str | None = None,
    regulariser_weight: float = 4.0,
    flossing: Mapping | None = None,
    precision: str = "float32",
    checkpoints: int | None = None,
    probe_batch: int | None = None,
    base_seed: int = 2026,
    name: str | None = None,
    say: Callable[[str], None] | None = None,
) -> "Trained":
    """Train nets, all seeds side by side, and keep their weights over time.

    BLAS works on one thread meanwhile: the numbers are then those of a run of the workflow, to the
    last bit, whose experiment has the same `name` and the same settings.

    Parameters
    ----------
    task : what they learn: a name, a function, arrays `(inputs, targets)` or
        `(inputs, targets, loss_mask)` with time as their first axis, or what `gh.task` returns.
    cell : the name of a registered cell, one of `gh.CELLS`, or one of your own, a `gh.Cell`.
    activation : the name of a registered activation, one of `gh.ACTIVATIONS`, or an
        `gh.Activation`.
    initialisation : that of the recurrent matrix: gaussian, uniform, orthogonal, identity, sparse.
    radius : the spectral radius of the recurrent matrix at the start, exact.
    hidden_size : N.
    embedding_size : the length of the vectors of words, of tasks that are a text.
    input_scale : the standard deviation of every unit's input drive at the start.
    leak : the part of the state that a step of the cell `leaky` renews.
    chrono : the longest time of the chrono initialisation of the cells `lstm` and `gru`.
    ring : the inner radius of the ring of the cell `lru`, as a part of the outer one.
    seeds : how many nets, each with weights and data of its own.
    steps : training steps.
    batch_size : sequences in a batch; 20, or all that there are of fewer arrays, if left out.
    optimiser : sgd, momentum or adam.
    learning_rate : its step size; 1.0, 0.1 or 0.01, in this order, if left out.
    momentum : how much of its last step the optimiser `momentum` takes again.
    gradient_clip : the largest norm of a net's gradient; None for no clipping.
    gradient_clip_value : the largest entry of a net's gradient, after that; None likewise.
    truncation : backpropagation is cut after every so many steps, from the end of the sequence on;
        None cuts nothing.
    regulariser, regulariser_weight : what keeps the signal's length, pascanu_2013_equation_9 or
        pascanu_2013_code, and its factor; None for nothing.
    flossing : options of gradient flossing, such as {"exponents": 4}; None for none.
    precision : float32 or float64, of training; measuring is in float64.
    checkpoints : how often the weights are kept, evenly on a log scale: 6 times, or after every
        step of fewer, if left out.
    probe_batch : sequences of the batch that is put aside for measuring; 20, or all that are held
        out of fewer arrays, if left out.
    base_seed, name : what all random streams are derived from; the name is that of the task if left
        out.
    say : receives the lines of progress, such as `print`.

    Returns
    -------
    The nets.

    Raises
    ------
    ValueError : a name is not known, a value not possible, two do not go together, or arrays do
        not fit.
    TypeError : something is of a type that is not possible.

    Examples
    --------
    >>> import gradient_horizon as gh
    >>> trained = gh.train("delayed_echo", radius=0.8, hidden_size=16, seeds=2, steps=20)
    >>> trained
    2 nets of 16 rnn units (tanh) trained on delayed_echo for 20 steps
    kept at 0, 1, 2, 4, 9, 20; held-out loss from 1.51 to 1.39 (median); none diverged
    >>> trained.weights["W_hh"].shape, trained.losses.shape
    ((6, 2, 16, 16), (20, 2))

    Arrays of one's own, a running mean to be followed:

    >>> import numpy as np
    >>> inputs = np.random.default_rng(0).normal(size=(30, 100, 1))
    >>> targets = np.cumsum(inputs, axis=0) / np.arange(1, 31)[:, None, None]
    >>> trained = gh.train((inputs, targets), optimiser="adam", steps=10, seeds=1)
    >>> trained.net().weights["W_s"].shape
    (1, 32)

    Mistakes are said in a sentence:

    >>> gh.train("delayed_echo", cell="gru", steps=0)
    Traceback (most recent call last):
    ...
    ValueError: steps: 0 is not possible; allowed: whole number at least 1, at most 10000000
    """
    given = {key: value for key, value in locals().items() if key in arguments.rules()}
    chosen = task_of(task)
    if say is not None and not callable(say):
        raise TypeError(f"say: {say!r} cannot be called; allowed: a function of a line, or None")
    settings = _settings(chosen, cell, activation, _completed(given, chosen))
    with threadpool_limits(1):
        prepared = chosen.source.prepare(chosen.options, settings)
        arrays = grid_point.train(settings, prepared.facts, prepared.arrays, say or _be_quiet)
    return Trained(chosen, settings, prepared, arrays)


def _be_quiet(line: str) -> None:
    """Say nothing."""


def _completed(given: Mapping, chosen: Task) -> dict:
    """Check the arguments, and choose what depends on others where it was left out."""
    left_out = {
        key
        for key in ("batch_size", "checkpoints", "learning_rate", "probe_batch", "name")
        if given[key] is None
    }
    known = arguments.checked({key: given[key] for key in given if key not in left_out})
    trained, held_out = chosen.sizes()
    choices = {
        "name": _slug(chosen.name),
        "batch_size": min(BATCH, trained),
        "probe_batch": min(BATCH, held_out),
        "checkpoints": min(CHECKPOINTS, known["steps"] + 1),
        "learning_rate": LEARNING_RATES[known["optimiser"]],
    }
    return known | {key: choices[key] for key in left_out}


def _slug(name: str) -> str:
    """Write the name of a task as experiments are named."""
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_0123456789")[:40] or "task"


def _settings(chosen: Task, cell, activation, given: Mapping) -> dict:
    """Return the settings of a grid point, as `grid.run_settings` has them.

    Raises
    ------
    ValueError : some of them do not go together.
    """
    cell_name, cell = CELLS.find(cell)
    activation_name, activation = ACTIVATIONS.find(activation)
    name, radius = given["name"], given["radius"]
    run = grid.run_name(cell_name, activation_name, given["initialisation"], radius)
    settings = {
        "base_seed": given["base_seed"],
        "experiment": name,
        "identity": f"{name}/{run}",
        "cell": CELLS.key(cell),
        "activation": ACTIVATIONS.key(activation),
        "initialisation": given["initialisation"],
        "radius": radius,
        "seeds": given["seeds"],
        "task": {"name": TASKS.key(chosen.source), **chosen.options},
        **{section: {key: given[key] for key in keys} for section, keys in SECTIONS.items()},
    }
    experiment = settings | {
        "grid": {
            "cells": [settings["cell"]],
            "activations": [settings["activation"]],
            "spectral_radii": [radius],
            "remedies": {grid.PLAIN: {}},
        }
    }
    parts = {str(cell): cell_name, str(activation): activation_name}
    arguments.refuse(configuration.conflicts(experiment), NAMES, parts)
    return settings


class Trained:
    """Nets that were trained side by side, with their weights over time.

    Attributes
    ----------
    steps : (K,), the training steps after which the weights were kept, from 0 on.
    weights : the weights by name, each (K, P, ...) for P nets.
    losses, gradient_norms : (steps, P), before each step.
    held_out_losses, held_out_accuracies : (K, P), on sequences that no net was trained on.
    diverged_at : (P,), the step at which a net left the finite numbers; -1 where it did not.
    probe : `inputs`, `targets` and `loss_mask` of the batch that is put aside for measuring.
    held_out : the same of all sequences that no net was trained on.
    """

    def __init__(self, task: Task, settings: Mapping, prepared: Prepared, arrays: Mapping):
        self.task, self._settings, self._facts = task, settings, prepared.facts
        self._arrays = dict(arrays)
        self.steps, self.diverged_at = arrays["step"], arrays["diverged_at"]
        self.weights = {name: arrays[name] for name in arrays if name not in files.CURVES}
        self.losses, self.gradient_norms = arrays["loss"], arrays["gradient_norm"]
        self.held_out_losses = arrays["held_out_loss"]
        self.held_out_accuracies = arrays["held_out_accuracy"]
        self.probe, data = prepared.probe(), prepared.data()
        self.held_out = {name: data[f"evaluation_{name}"] for name in ("inputs", "targets")}
        self.held_out["loss_mask"] = data["loss_mask"]

    def __repr__(self) -> str:
        """Say what was trained and how far it came, in two lines."""
        population = len(self.diverged_at)
        before, after = np.median(self.held_out_losses[[0, -1]], axis=1)
        net, diverged = self.net(), int((self.diverged_at >= 0).sum())
        return (
            f"{count_of(population, 'net')} of {net.hidden_size} {net.cell} units "
            f"({net.activation}) trained on {self.task.name} for {self.steps[-1]} steps\n"
            f"kept at {', '.join(map(str, self.steps))}; held-out loss from {before:.3g} to "
            f"{after:.3g} (median); {diverged or 'none'} diverged"
        )

    def net(self, seed: int = 0, step: int | None = None) -> Net:
        """Return one net at one step of its training.

        Parameters
        ----------
        seed : which of the nets, counted from 0.
        step : one of `steps`; the last if left out.

        Raises
        ------
        ValueError : there is no such net, or its weights were not kept at that step.

        Examples
        --------
        >>> import gradient_horizon as gh
        >>> trained = gh.train("delayed_echo", hidden_size=8, seeds=2, steps=5)
        >>> trained.net(seed=1, step=0)
        <net of 8 rnn units (tanh) with 4 outputs>
        >>> trained.net(seed=2)
        Traceback (most recent call last):
        ...
        ValueError: seed: there is no net 2; allowed: 0 to 1
        """
        population = len(self.diverged_at)
        if seed not in range(population):
            raise ValueError(f"seed: there is no net {seed}; allowed: 0 to {population - 1}")
        step = self.steps[-1] if step is None else step
        if step not in self.steps:
            kept = ", ".join(map(str, self.steps))
            raise ValueError(f"step: no weights were kept at {step}; allowed: {kept}")
        place = list(self.steps).index(step)
        weights = {name: array[place, seed] for name, array in self.weights.items()}
        cell_name, cell = CELLS.find(self._settings["cell"])
        activation_name, phi = ACTIVATIONS.find(self._settings["activation"])
        dynamics = cell.Dynamics(phi, weights, self._settings["model"])
        answers = {key: self._facts[key] for key in ("loss", "tolerance") if key in self._facts}
        return Net(cell_name, activation_name, dynamics, answers)

    def save(self, path: str | Path) -> None:
        """Write everything into an `.npz`: the `train.npz` of a run.

        Raises
        ------
        gradient_horizon.ground.files.FileError : it cannot be written.
        """
        files.write_arrays(path, self._arrays)
