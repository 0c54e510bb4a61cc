"""Training of a population: the P seeds of one grid point, side by side, each on its own data."""

import time
from collections.abc import Callable, Iterator

import numpy as np

from ..ground.seeds import generator
from ..networks import inputs as input_side
from ..networks import readout as output_side
from ..networks.activations import ACTIVATIONS
from ..networks.cells import CELLS
from ..networks.initialisations import INITIALISATIONS
from ..networks.losses import loss_of
from ..networks.losses.cross_entropy import SoftmaxReadout
from ..numerics.population import Weights
from .flossing import Flossing
from .optimisers import OPTIMISERS, clip_by_global_norm, clip_by_value
from .regulariser import REGULARISERS, Regulariser


class Network:
    """A population of P nets for batches of one shape: loss, gradient and predictions.

    Parameters
    ----------
    cell, activation : registered names.
    weights : the population's weights.
    loss_mask : (T,) bool, the steps that carry a loss.
    batch : B.
    input_kind : `inputs.SymbolInputs` or `inputs.VectorInputs`.
    readout_kind : makes the read-out, as the `readout` of a loss does.
    options : the configuration's `model`.

    Attributes
    ----------
    regulariser : one of `REGULARISERS`, whose gradient is added to that of the loss; None for none.
    """

    regulariser: Regulariser | None = None

    def __init__(
        self,
        cell: str,
        activation: str,
        weights: Weights,
        loss_mask: np.ndarray,
        batch: int,
        input_kind: Callable = input_side.SymbolInputs,
        readout_kind: Callable = SoftmaxReadout,
        options: dict | None = None,
    ):
        self.batch = batch
        self.inputs = input_kind(weights)
        phi = ACTIVATIONS[activation]
        self.recurrence = CELLS[cell].Recurrence(phi, len(loss_mask), batch, weights, options or {})
        self.readout = readout_kind(loss_mask, batch, weights, self.recurrence.state_bound)

    def loss_and_gradient(self, inputs, targets, gradient: Weights) -> np.ndarray:
        """Return the mean loss of each net (P,), and write its gradient.

        Parameters
        ----------
        inputs, targets : (T, B, P) int, or (T, B, P, D) and (T, B, P, O) float.
        gradient : overwritten.
        """
        recurrence = self.recurrence
        self.inputs.drive(inputs, out=recurrence.drive)
        recurrence.forward()
        loss = self.readout.backward(recurrence.states, targets, recurrence.gradient, gradient)
        if self.regulariser is not None:
            self.regulariser.keep_errors()
        delta = recurrence.backward()
        recurrence.weight_gradient(gradient)
        self.inputs.gradient(inputs, delta, gradient)
        if self.regulariser is not None:
            self.regulariser.add_gradient(gradient)
        return loss

    def evaluate(self, inputs: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return mean loss (P,) and accuracy (P,) over any number of sequences (T, S, ...)."""
        sequences = inputs.shape[1]
        losses, hits = [], []
        for start in range(0, sequences, self.batch):
            # The last batch is filled up by going round; what is filled up is not counted.
            chosen = np.arange(start, start + self.batch) % sequences
            valid = slice(0, min(self.batch, sequences - start))
            self.inputs.drive(_for_every_net(inputs[:, chosen], self), out=self.recurrence.drive)
            self.recurrence.forward()
            loss, hit = self.readout.loss(
                self.recurrence.states, _for_every_net(targets[:, chosen], self)
            )
            losses.append(loss[..., valid])
            hits.append(hit[..., valid])
        mean = (1, 2)
        return np.concatenate(losses, axis=2).mean(mean), np.concatenate(hits, axis=2).mean(mean)


def _for_every_net(values: np.ndarray, network: Network) -> np.ndarray:
    """Repeat (T, B, ...) for every net: (T, B, P, ...)."""
    population = network.recurrence.states.shape[2]
    return np.repeat(values[:, :, None], population, axis=2)


def kinds(inputs: np.ndarray, targets: np.ndarray, facts: dict) -> tuple[Callable, Callable]:
    """Return the `input_kind` and the `readout_kind` of a `Network` for a task's arrays."""
    return input_side.kind(inputs), loss_of(facts, targets).readout


def initial_weights(settings: dict, facts: dict) -> Weights:
    """Draw the population's initial weights.

    The recurrent matrix has the exact spectral radius; the entries of W_hx are normal with a
    variance that gives every unit an input drive of standard deviation `input_scale`, which is
    that of a sum over the entries of an input of the given mean squared norm: 1 for a symbol, D for
    an embedding, and for vectors what the task says.  W_s is normal with variance 1/N, an embedding
    standard normal, every bias 0 that the cell does not set.
    """
    model = settings["model"]
    size, outputs = model["hidden_size"], facts["output_size"]
    embedded = facts["embedded"]
    width = model["embedding_size"] if embedded else facts["input_size"]
    cell = CELLS[settings["cell"]]
    shapes = {**cell.shapes(size, width), **output_side.shapes(size, outputs)}
    if embedded:
        shapes["embedding"] = (facts["input_size"], width)
    weights = Weights(shapes, settings["seeds"], np.dtype(settings["training"]["precision"]))
    draw_recurrent = INITIALISATIONS[settings["initialisation"]]
    for seed in range(settings["seeds"]):
        rng = generator(settings["base_seed"], settings["identity"], "weights", seed)
        squared_norm = width if embedded else facts.get("input_squared_norm", 1.0)
        scale = model["input_scale"] / np.sqrt(squared_norm)
        net = {name: weights[name][seed] for name in weights.names()}
        cell.initialise(net, rng, draw_recurrent, settings["radius"], scale, model)
        weights["W_s"][seed] = rng.normal(0.0, 1.0 / np.sqrt(size), (outputs, size))
        if embedded:
            weights["embedding"][seed] = rng.standard_normal((facts["input_size"], width))
    return weights


def checkpoint_steps(steps: int, count: int) -> list[int]:
    """Steps at which the weights are kept: 0, `steps`, and between them evenly on a log scale."""
    spread = np.geomspace(steps, 1, count - 1)[::-1].round().astype(int)
    # The first ones round to the same step: each goes at least one beyond the one before.
    number = np.arange(count - 1)
    return [0, *(np.maximum.accumulate(spread - number) + number).tolist()]


def train(
    settings: dict,
    facts: dict,
    loss_mask: np.ndarray,
    evaluation: tuple[np.ndarray, np.ndarray],
    streams: list[Iterator[tuple[np.ndarray, np.ndarray]]],
    say: Callable[[str], None] = print,
) -> dict[str, np.ndarray]:
    """Train the population of one grid point.

    Parameters
    ----------
    settings : the grid point (`config.run_settings`).
    facts : what the task says of itself: input_size, output_size, embedded, loss and, for vectors
        and numbers, input_squared_norm and tolerance.
    loss_mask : (T,) bool.
    evaluation : inputs and targets (T, S) int that no net is trained on, or (T, S, D) and
        (T, S, O) float.
    streams : for each net, an endless iterator of inputs and targets of batches of such.
    say : receives the lines of progress.

    Returns
    -------
    The arrays of `train.npz`: `step` (K,), every weight (K, P, ...), `loss` and `gradient_norm`
    (steps, P), `held_out_loss` and `held_out_accuracy` (K, P), `seed` (P,) and `diverged_at`
    (P,), -1 where the net did not diverge.

    A net whose loss, gradient or weights leave the finite numbers is frozen at its last finite
    weights, its step recorded, and the others go on.
    """
    training = settings["training"]
    steps, population = training["steps"], settings["seeds"]
    weights = initial_weights(settings, facts)
    gradient = Weights(
        {name: weights[name].shape[1:] for name in weights.names()}, population, weights.flat.dtype
    )
    network = Network(
        settings["cell"],
        settings["activation"],
        weights,
        loss_mask,
        training["batch_size"],
        *kinds(*evaluation, facts),
        options=settings["model"],
    )
    network.recurrence.truncation = training["truncation"]
    if training["regulariser"] is not None:
        form = REGULARISERS[training["regulariser"]]
        network.regulariser = form(network.recurrence, training["regulariser_weight"])
    flossing = None
    if training["flossing"] is not None:
        phi = ACTIVATIONS[settings["activation"]]
        flossing = Flossing(training["flossing"], phi, weights, network.inputs)
    constrain = getattr(CELLS[settings["cell"]], "constrain", lambda weights, radius: None)
    optimiser = OPTIMISERS[training["optimiser"]](training)
    kept = checkpoint_steps(steps, settings["measurement"]["checkpoints"])
    snapshots, held_out = [], []
    losses = np.empty((steps, population))
    norms = np.empty((steps, population))
    diverged_at = np.full(population, -1)
    last_finite = np.empty_like(weights.flat)
    progress = Progress(steps, say)
    for step in range(steps + 1):
        if step in kept:
            snapshots.append({name: weights[name].copy() for name in weights.names()})
            with np.errstate(all="ignore"):
                held_out.append(network.evaluate(*evaluation))
        if step == steps:
            break
        if flossing is not None and flossing.is_due(step):
            streams = flossing.episode(streams, frozen=diverged_at >= 0)
        batches = [next(stream) for stream in streams]
        inputs, targets = (np.stack(part, axis=2) for part in zip(*batches, strict=True))
        last_finite[...] = weights.flat
        with np.errstate(all="ignore"):
            losses[step] = network.loss_and_gradient(inputs, targets, gradient)
            norms[step] = clip_by_global_norm(gradient.flat, training["gradient_clip"])
            clip_by_value(gradient.flat, training["gradient_clip_value"])
            finite = np.isfinite(losses[step]) & np.isfinite(norms[step])
            optimiser.update(weights.flat, gradient.flat)
            # Weights with a finite sum of squares have finite products too.
            finite &= np.isfinite(np.vecdot(weights.flat, weights.flat))
        diverged_at[(diverged_at < 0) & ~finite] = step
        # Momentum would move a frozen net on, whatever its gradient.
        frozen = diverged_at >= 0
        weights.flat[frozen] = last_finite[frozen]
        constrain(weights, settings["radius"])
        weights.flat[frozen] = last_finite[frozen]
        progress.report(step + 1, losses[step], norms[step])
    return {
        "step": np.array(kept),
        **{name: np.stack([kept[name] for kept in snapshots]) for name in weights.names()},
        "loss": losses,
        "gradient_norm": norms,
        "held_out_loss": np.stack([loss for loss, _ in held_out]),
        "held_out_accuracy": np.stack([accuracy for _, accuracy in held_out]),
        "seed": np.arange(population),
        "diverged_at": diverged_at,
    }


class Progress:
    """Says step, median loss, median gradient norm and time left, at most every two seconds."""

    def __init__(self, steps: int, say: Callable[[str], None], interval: float = 2.0):
        self.steps, self.say, self.interval = steps, say, interval
        self.start = self.last = time.monotonic()

    def report(self, step: int, loss: np.ndarray, norm: np.ndarray) -> None:
        """Report after `step` steps, if it is time to."""
        now = time.monotonic()
        if now - self.last < self.interval and step not in (1, self.steps):
            return
        self.last = now
        left = (now - self.start) / step * (self.steps - step)
        self.say(
            f"step {step}/{self.steps}  loss {np.median(loss):.4f}  "
            f"gradient norm {np.median(norm):.3g}  time left {left:.0f} s"
        )
