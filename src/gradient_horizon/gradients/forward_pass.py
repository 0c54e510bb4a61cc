"""One forward pass of one net on one batch, in float64, with all that its gradient needs."""

from dataclasses import dataclass

import numpy as np

from ..networks.cells.dynamics import Dynamics, Unrolled
from ..networks.losses import Loss, loss_of
from ..numerics import scaled
from ..numerics.population import product


@dataclass(frozen=True)
class Trace:
    """One forward pass of one net on one batch, in float64.

    Attributes
    ----------
    unrolled : the net's states, and the derivative of each of its steps.
    input : (T, B, D), x_t: a word's vector, or a symbol's unit vector.
    error, error_exponent : (T, B, S) and (T, B): e_t = dE/ds_t through E_t alone, the 1/(|M| B)
        included, is error[t] * 2**error_exponent[t].
    loss : E; inf where it leaves the floating-point numbers.
    accuracy : the part of the masked steps whose answer is right, by `Loss.hits`.
    """

    unrolled: Unrolled
    input: np.ndarray
    error: np.ndarray
    error_exponent: np.ndarray
    loss: float
    accuracy: float

    @property
    def slope(self) -> np.ndarray:
        """(T, B, N), phi' at the pre-activations of the units."""
        return self.unrolled.slope


def trace(
    net: Dynamics,
    inputs: np.ndarray,
    targets: np.ndarray,
    loss_mask: np.ndarray,
    loss: Loss | None = None,
) -> Trace:
    """Run one net forward and take the error of every step.

    Parameters
    ----------
    net : one of a cell's `Dynamics`.
    inputs : (T, B) int, symbols, or (T, B, D) float, vectors.
    targets : (T, B) int, classes of which the net gives probabilities, or (T, B, O) float, numbers
        which it gives itself.
    loss_mask : (T,) bool.
    loss : what an answer costs; None for the default of such targets.
    """
    unrolled = net.unroll(net.drives(inputs))
    state, exponent = unrolled.output, unrolled.exponent[1:]
    error_exponent = np.zeros_like(exponent)
    error, error_exponent[loss_mask], mean, accuracy = _read_out(
        loss or loss_of({}, targets), net.weights, state, exponent, targets, loss_mask
    )
    # States far below 1, such as those of a sigmoid that is off, have squares that underflow.
    scaled.squared_norms(unrolled.state, unrolled.exponent)
    error = unrolled.from_output(error)
    return Trace(unrolled, net.vectors(inputs), error, error_exponent, mean, accuracy)


def _read_out(loss, weights, state, exponent, targets, loss_mask):
    """Error of every step (T, B, N), its powers of two (|M|, B), mean loss and accuracy."""
    _, batch, size = state.shape
    matrix = weights["W_s"]
    wanted = targets[loss_mask]
    wanted = wanted.reshape(-1, *wanted.shape[2:])
    products = np.empty((1, len(wanted), len(matrix)))
    product(state[loss_mask].reshape(1, -1, size), matrix.T.copy()[None], out=products)
    values, hits, slope, power = loss.at_any_scale(
        products[0], weights["b_s"], exponent[loss_mask].reshape(-1), wanted
    )
    sent = np.empty((1, len(wanted), size))
    product(slope[None], matrix[None], out=sent)
    error = np.zeros_like(state)
    error[loss_mask] = sent.reshape(-1, batch, size)
    mean = float((values / values.size).sum())
    return error, power.reshape(-1, batch), mean, float(hits.mean())
