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


def clip_by_value(gradient: np.ndarray, largest: float | None) -> None:
    """Cut every entry of the gradient to [-largest, largest], in place; None leaves it as it is.

    Unlike clipping by norm it turns the gradient (Mikolov's, of 2012, with which Pascanu, Mikolov
    and Bengio, 2013, section 3.2, compare theirs).
    """
    if largest is not None:
        np.clip(gradient, -largest, largest, out=gradient)


class Optimiser:
    """What every optimiser is made of, whether it reads it or not.

    An optimiser has a `label`, how the paper names it, and defines `update`.

    Parameters
    ----------
    learning_rate : the step size.
    momentum : how much of its last step `Momentum` takes again.
    """

    label: str

    def __init__(self, learning_rate: float, momentum: float = 0.9):
        self.learning_rate, self.momentum = learning_rate, momentum

    def update(self, weights: np.ndarray, gradient: np.ndarray) -> None:
        """Change `weights` (P, M) in place; `gradient` (P, M) is used up."""
        raise NotImplementedError


class StochasticGradientDescent(Optimiser):
    """Plain stochastic gradient descent: w <- w - learning_rate * gradient."""

    label = "plain stochastic gradient descent"

    def update(self, weights, gradient):
        """Change the weights."""
        gradient *= self.learning_rate
        weights -= gradient


class Momentum(Optimiser):
    """Classical momentum (Polyak, 1964; as Sutskever et al., 2013, equations 1 and 2).

    v <- momentum * v - learning_rate * gradient, w <- w + v, from v = 0.
    """

    label = "stochastic gradient descent with momentum"
    velocity = 0.0

    def update(self, weights, gradient):
        """Change the weights."""
        self.velocity = self.momentum * self.velocity - self.learning_rate * gradient
        weights += self.velocity


class Adam(Optimiser):
    """Adam with bias correction and its authors' constants (Kingma and Ba, 2015, algorithm 1)."""

    label = "Adam"
    first_decay, second_decay, epsilon = 0.9, 0.999, 1e-8
    steps, first, second = 0, 0.0, 0.0

    def update(self, weights, gradient):
        """Change the weights.

        The moments are float64: the square of a float32 may overflow, and its net would stand
        still from then on.
        """
        gradient = gradient.astype(np.float64)
        self.steps += 1
        self.first = self.first_decay * self.first + (1.0 - self.first_decay) * gradient
        np.square(gradient, out=gradient)
        self.second = self.second_decay * self.second + (1.0 - self.second_decay) * gradient
        # The bias corrections of both moments, taken out of the fraction.
        correction = np.sqrt(1.0 - self.second_decay**self.steps)
        rate = self.learning_rate * correction / (1.0 - self.first_decay**self.steps)
        scale = np.sqrt(self.second, out=gradient)
        scale += self.epsilon * correction
        weights -= rate * (self.first / scale)


OPTIMISERS = {"sgd": StochasticGradientDescent, "momentum": Momentum, "adam": Adam}
