"""A population of nets for training: its loss and gradient, its predictions, its first weights."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from ..networks import inputs as input_side
from ..networks import readout as output_side
from ..networks.activations import ACTIVATIONS, Activation
from ..networks.cells import CELLS
from ..networks.losses import loss_of
from ..networks.losses.cross_entropy import SoftmaxReadout
from ..numerics.population import Weights
from .regulariser import Regulariser


class Network:
    """A population of P nets for batches of one shape: loss, gradient and predictions.

    Parameters
    ----------
    cell, activation : by name, or themselves.
    weights : the population's weights.
    loss_mask : (T,) bool, the steps that carry a loss.
    batch : B.
    input_kind : `inputs.SymbolInputs` or `inputs.VectorInputs`.
    readout_kind : makes the read-out, as the `readout` of a loss does.
    options : what the cell reads of the configuration's `model`.
    truncation : as `recurrence.Recurrence` has it.

    Attributes
    ----------
    regulariser : one of `REGULARISERS`, whose gradient is added to that of the loss; None for none.
    """

    regulariser: Regulariser | None = None

    def __init__(
        self,
        cell,
        activation: str | Activation,
        weights: Weights,
        loss_mask: np.ndarray,
        batch: int,
        input_kind: Callable = input_side.SymbolInputs,
        readout_kind: Callable = SoftmaxReadout,
        options: Mapping | None = None,
        truncation: int | None = None,
    ):
        self.weights, self.batch = weights, batch
        self.inputs = input_kind(weights)
        phi = ACTIVATIONS.find(activation)
        recurrence = CELLS.find(cell).Recurrence
        self.recurrence = recurrence(phi, len(loss_mask), batch, weights, options or {})
        self.recurrence.truncation = truncation
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


def kinds(inputs: np.ndarray, targets: np.ndarray, facts: Mapping) -> tuple[Callable, Callable]:
    """Return the `input_kind` and the `readout_kind` of a `Network` for a task's arrays.

    `facts` are what the task says of its loss, as `losses.loss_of` takes them.
    """
    return input_side.kind(inputs), loss_of(facts, targets).readout


def initial_weights(
    cell,
    draw_recurrent: Callable,
    radius: float,
    rngs: Sequence[np.random.Generator],
    *,
    input_size: int,
    output_size: int,
    hidden_size: int,
    embedding_size: int | None = None,
    input_scale: float = 1.0,
    input_squared_norm: float = 1.0,
    precision: str = "float32",
    options: Mapping | None = None,
) -> Weights:
    """Draw the initial weights of P nets.

    The recurrent matrix has the exact spectral radius; the entries of W_hx are normal with a
    variance that gives every unit an input drive of standard deviation `input_scale`, which is
    that of a sum over the entries of an input of the given mean squared norm.  W_s is normal with
    variance 1/N, an embedding standard normal, every bias 0 that the cell does not set.

    Parameters
    ----------
    cell : by name, or itself.
    draw_recurrent : one of `INITIALISATIONS`.
    radius : the spectral radius.
    rngs : a generator for each net.
    input_size, output_size : V_in symbols, or D numbers of a vector; V classes, or O numbers.
    hidden_size : N.
    embedding_size : D, the length of the symbols' trained vectors; None for no embedding.
    input_scale : the standard deviation of the drive.
    input_squared_norm : the mean squared norm of an input, 1 for a symbol; that of an embedding is
        its length D, whatever is given here.
    precision : float32 or float64.
    options : what the cell reads of the configuration's `model`.
    """
    cell = CELLS.find(cell)
    width = input_size if embedding_size is None else embedding_size
    shapes = {**cell.shapes(hidden_size, width), **output_side.shapes(hidden_size, output_size)}
    if embedding_size is not None:
        shapes["embedding"], input_squared_norm = (input_size, width), width
    weights = Weights(shapes, len(rngs), np.dtype(precision))
    scale = input_scale / np.sqrt(input_squared_norm)
    for number, rng in enumerate(rngs):
        net = {name: weights[name][number] for name in weights.names()}
        cell.initialise(net, rng, draw_recurrent, radius, scale, options or {})
        net["W_s"][...] = rng.normal(0.0, 1.0 / np.sqrt(hidden_size), net["W_s"].shape)
        if embedding_size is not None:
            net["embedding"][...] = rng.standard_normal(net["embedding"].shape)
    return weights
