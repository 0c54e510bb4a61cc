"""Gradient clipping and optimisers, for a whole population of nets at once."""

import numpy as np


def clip_by_global_norm(gradient: np.ndarray, largest: float | None) -> np.ndarray:
    """Shorten each net's gradient to at most `largest`, in place; return the norms before.

    Parameters
    ----------
    gradient : (P, M), a row a net.
    largest : the threshold; None leaves the gradient as it is.

    Returns
    -------
    (P,) the norms before clipping (Pascanu, Mikolov and Bengio, 2013, algorithm 1).
    """
    norms = np.sqrt(np.vecdot(gradient, gradient)).astype(np.float64)
    large = ~np.isfinite(norms)
    if large.any():  # in float32 the square of a large norm may overflow
        wide = gradient[large].astype(np.float64)
        norms[large] = np.sqrt(np.vecdot(wide, wide))
    if largest is not None:
        with np.errstate(invalid="ignore", divide="ignore"):
            factors = np.where(norms > largest, largest / norms, 1.0)
        gradient *= factors[:, None].astype(gradient.dtype)
    return norms


class StochasticGradientDescent:
    """Plain stochastic gradient descent: w <- w - learning_rate * gradient."""

    label = "plain stochastic gradient descent"

    def __init__(self, learning_rate: float):
        self.learning_rate = learning_rate

    def update(self, weights: np.ndarray, gradient: np.ndarray) -> None:
        """Change `weights` (P, M) in place; `gradient` (P, M) is used up."""
        gradient *= self.learning_rate
        weights -= gradient


OPTIMISERS = {"sgd": StochasticGradientDescent}
