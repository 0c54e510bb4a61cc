"""Gradient flossing: Lyapunov exponents are pushed towards zero (Engelken, 2023).

The k leading exponents of the driven net are found as in `lyapunov`,

    J_t Q_{t-1} = Q_t R_t,    J_t = diag(phi'(a_t)) W_hh,    lambda_i = mean of ln |(R_t)_ii|

over the steps of a sequence but its first quarter, and the sum of their squares is lowered by steps
of Adam on W_hh, W_hx and b_h: before training and, if so chosen, in episodes during it.  As in the
program that its author published each step takes one new sequence; here the nets see those that
training is about to use.  The gradient is exact: it goes back through the decompositions, the
Jacobians and the states that these depend on.
"""

from collections.abc import Iterator
from itertools import chain, islice

import numpy as np

from ..networks.activations import Activation
from ..networks.initialisations import orthonormal_columns
from ..networks.inputs import SymbolInputs, VectorInputs
from ..numerics.population import Weights
from .optimisers import Adam

# The cells whose states and Jacobians these are.
ALLOWED_CELLS = ("rnn",)


def exponents_and_gradient(
    activation: Activation, recurrent: np.ndarray, drive: np.ndarray, count: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the leading exponents of P nets along a sequence, and what moves them.

    Parameters
    ----------
    activation : phi, with its curvature.
    recurrent : W_hh, (P, N, N) float64.
    drive : W_hx x_t + b_h, (T, P, N) float64.
    count : k, 1 to N.

    Returns
    -------
    exponents : (P, k), natural logarithm a step.
    The gradients of the sum of their squares by W_hh, (P, N, N), and by the drives, (T, P, N);
    both nan for a net that loses so many directions that an exponent is -inf.

    Notes
    -----
    The derivative of the QR decomposition is that of Walter and Lehmann (2013) in the form of Liao,
    Liu, Wang and Xiang (2019): with bars for gradients and M = R Rbar^T - Qbar^T Q that of QR is
    (Qbar + Q S) R^-T, where S is symmetric and has the lower triangle of M.
    """
    steps, population, size = drive.shape
    discard = steps // 4
    states = np.zeros((steps + 1, population, size))
    pre_activations = np.empty_like(drive)
    bases = np.empty((steps + 1, population, size, count))
    images = np.empty((steps, population, size, count))
    triangles = np.empty((steps, population, count, count))
    bases[0] = orthonormal_columns(population, size, count)
    for t in range(steps):
        pre_activations[t] = _times(recurrent, states[t]) + drive[t]
        states[t + 1] = activation.value(pre_activations[t])
        np.matmul(recurrent, bases[t], out=images[t])
        slope = activation.slope(pre_activations[t])
        bases[t + 1], triangles[t] = np.linalg.qr(slope[..., None] * images[t])
    stretching = np.abs(np.diagonal(triangles, axis1=2, axis2=3))
    with np.errstate(divide="ignore"):
        exponents = np.log(stretching[discard:]).mean(axis=0)
    lost = ~(np.isfinite(triangles).all(axis=(0, 2, 3)) & (stretching > 0.0).all(axis=(0, 2)))
    triangles[:, lost] = np.eye(count)
    pull = 2.0 * np.where(lost[:, None], 0.0, exponents) / (steps - discard)
    inverses = np.linalg.inv(triangles).swapaxes(2, 3)
    slope, curvature = activation.slope(pre_activations), activation.curvature(pre_activations)
    transposed = recurrent.swapaxes(1, 2)
    for_recurrent, for_drive = np.zeros_like(recurrent), np.empty_like(drive)
    basis_bar, state_bar = np.zeros((population, size, count)), np.zeros((population, size))
    for t in reversed(range(steps)):
        product = -basis_bar.swapaxes(1, 2) @ bases[t + 1]
        if t >= discard:
            product[:, range(count), range(count)] += pull
        symmetric = np.tril(product) + np.tril(product, -1).swapaxes(1, 2)
        decomposed_bar = (basis_bar + bases[t + 1] @ symmetric) @ inverses[t]
        image_bar = slope[t][..., None] * decomposed_bar
        basis_bar = transposed @ image_bar
        slope_bar = np.vecdot(decomposed_bar, images[t])
        for_drive[t] = slope_bar * curvature[t] + state_bar * slope[t]
        state_bar = _times(transposed, for_drive[t])
        for_recurrent += image_bar @ bases[t].swapaxes(1, 2)
        for_recurrent += for_drive[t][:, :, None] * states[t][:, None, :]
    for_recurrent[lost], for_drive[:, lost] = np.nan, np.nan
    return exponents, for_recurrent, for_drive


def _times(matrices: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """Multiply matrices (P, N, N) by vectors (P, N)."""
    return (matrices @ vectors[..., None])[..., 0]


class Flossing:
    """Flossing of a population.

    Parameters
    ----------
    activation : phi.
    weights : the population's, changed in place.
    inputs : the population's input side.
    exponents : k, how many exponents are pushed, from the largest on.
    steps : of an episode.
    learning_rate : that of its Adam.
    every : an episode comes again after every so many training steps; None for the first alone.
    episodes : so many come again at most.
    """

    def __init__(
        self,
        activation: Activation,
        weights: Weights,
        inputs: SymbolInputs | VectorInputs,
        exponents: int,
        steps: int,
        learning_rate: float,
        every: int | None = None,
        episodes: int = 2,
    ):
        self.activation, self.weights, self.inputs = activation, weights, inputs
        self.exponents, self.steps, self.every, self.episodes = exponents, steps, every, episodes
        self._gradient = weights.zeros_like()
        self._optimiser = Adam(learning_rate)

    def is_due(self, step: int) -> bool:
        """Tell whether an episode comes before the training step `step`, counted from 0."""
        if step == 0 or self.every is None:
            return step == 0
        return step % self.every == 0 and step // self.every <= self.episodes

    def episode(self, streams: list[Iterator], frozen: np.ndarray) -> list[Iterator]:
        """Floss on the sequences to come; return streams that still yield them all.

        Parameters
        ----------
        streams : for each net, an endless iterator of inputs and targets of batches.
        frozen : (P,) bool, the nets that stay as they are.
        """
        ahead = []
        for stream in streams:
            batches = [next(stream)]
            batches += islice(stream, (self.steps - 1) // batches[0][0].shape[1])
            ahead.append(batches)
        sequences = [np.concatenate([own for own, _ in batches], axis=1) for batches in ahead]
        inputs = np.stack(sequences, axis=2)
        before = self.weights.flat[frozen]
        with np.errstate(all="ignore"):
            for number in range(self.steps):
                self.step(inputs[:, number : number + 1])
        self.weights.flat[frozen] = before
        return [chain(batches, stream) for batches, stream in zip(ahead, streams, strict=True)]

    def step(self, inputs: np.ndarray) -> np.ndarray:
        """Make one step along one sequence of every net; return the exponents before it (P, k).

        A net stays as it is where its gradient is not finite: directions that are lost for good
        have no exponent to be moved.

        Parameters
        ----------
        inputs : (T, 1, P) int or (T, 1, P, D) float.
        """
        weights, gradient = self.weights, self._gradient
        drive = np.empty((*inputs.shape[:3], weights["W_hh"].shape[1]), weights.flat.dtype)
        self.inputs.drive(inputs, out=drive)
        exponents, for_recurrent, for_drive = exponents_and_gradient(
            self.activation,
            weights["W_hh"].astype(np.float64),
            drive[:, 0].astype(np.float64),
            self.exponents,
        )
        self.inputs.gradient(inputs, for_drive[:, None].astype(drive.dtype), gradient)
        gradient["W_hh"][...] = for_recurrent
        if "embedding" in weights:
            gradient["embedding"][...] = 0.0
        without = ~np.isfinite(gradient.flat).all(axis=1)
        gradient.flat[without] = 0.0
        before = weights.flat[without]
        self._optimiser.update(weights.flat, gradient.flat)
        weights.flat[without] = before
        return exponents
