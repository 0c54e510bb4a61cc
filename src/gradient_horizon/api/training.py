"""Training nets on a task, with plain arguments."""

from collections.abc import Callable, Mapping

from threadpoolctl import threadpool_limits

from ..networks.activations import Activation
from ..training import grid_point
from . import arguments
from .settings import settings
from .tasks import task as task_of
from .trained import Trained


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
) -> Trained:
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
    if say is not None and not callable(say):
        raise TypeError(f"say: {say!r} cannot be called; allowed: a function of a line, or None")
    chosen = task_of(task)
    whole = settings(chosen, cell, activation, given)
    with threadpool_limits(1):
        prepared = chosen.source.prepare(chosen.options, whole)
        arrays = grid_point.train(whole, prepared.facts, prepared.data(), say or _be_quiet)
    return Trained(chosen, whole, prepared, arrays)


def _be_quiet(line: str) -> None:
    """Say nothing."""
