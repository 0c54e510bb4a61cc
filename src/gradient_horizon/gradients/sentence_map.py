"""The gradient of one sentence, taken apart by pairs of words instead of by distance."""

from collections.abc import Mapping

import numpy as np

from ..ground.files import weights_of
from ..networks.cells import net_of
from ..networks.cells.dynamics import Dynamics
from ..numerics import scaled
from .forward_pass import Trace, trace


def before_and_after(
    settings: Mapping, trained: Mapping[str, np.ndarray], sentence: np.ndarray
) -> dict[str, np.ndarray]:
    """Map a sentence for the first seed of a grid point, at the first and the last checkpoint.

    Parameters
    ----------
    settings : the grid point (`config.grid.net_settings`).
    trained : the arrays of `train.npz`.
    sentence : as `word_map` takes it.

    Returns
    -------
    `step` (2,) and `log10_contribution` (2, T, T).
    """
    ends = [0, len(trained["step"]) - 1]
    nets = [net_of(settings, weights_of(trained, kept, 0)) for kept in ends]
    maps = np.stack([word_map(net, sentence) for net in nets])
    return {"step": trained["step"][ends], "log10_contribution": maps}


def word_map(net: Dynamics, sentence: np.ndarray) -> np.ndarray:
    """log10 norm of what the prediction at t sends to W_hx through word k, (T, T).

    Parameters
    ----------
    net : one of a cell's `Dynamics`.
    sentence : (T+1,) int; the first T words are read, the last T predicted.
    """
    inputs, targets = sentence[:-1, None], sentence[1:, None]
    path = trace(net, inputs, targets, loss_mask=np.ones(len(inputs), dtype=bool))
    return pair_map(path, "W_hx")


def pair_map(path: Trace, name: str) -> np.ndarray:
    """log10 of the norm of what every pair k <= t of one sequence adds to dE/dW.

    The Frobenius norm of the term that target t sends to the weights through step k.

    Parameters
    ----------
    path : a forward pass of a single sequence (B = 1).
    name : `W_hh`, where delta_k meets h_{k-1}, or `W_hx`, where it meets x_k.

    Returns
    -------
    (T, T), row t and column k; nan above the diagonal, -inf where the term is exactly zero.
    """
    unrolled, steps = path.unrolled, len(path.error)
    pair = unrolled.pairs(path.input)[name]
    result = np.full((steps, steps), np.nan)
    signal, exponent = path.error.copy(), path.error_exponent.copy()
    delta = np.empty((steps, 1, unrolled.delta_size))
    for d in range(steps):
        run = slice(0, steps - d)
        scaled.squared_norms(signal, exponent)
        farther = np.empty_like(signal[1:])
        squares, powers, exponent = unrolled.step_back(run, signal, exponent, delta[run], farther)
        norms, powers = pair.norms(run, delta[run], squares, powers)
        with np.errstate(divide="ignore"):
            rows = np.log10(norms[:, 0]) + powers[:, 0] * scaled.LOG10_OF_2
        result[np.arange(d, steps), np.arange(steps - d)] = rows
        signal, exponent = farther, exponent[1:].copy()
    return result
