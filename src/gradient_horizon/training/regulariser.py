"""The regulariser that keeps the learning signal's length (Pascanu, Mikolov and Bengio, 2013).

Its term for a step back from x_{k+1} to x_k, with signals dE/dx through all losses, is

    Omega_k = (norm(dE/dx_{k+1} dx_{k+1}/dx_k) / norm(dE/dx_{k+1}) - 1)^2       (section 3.3, 9)

with states before the activation, x_k = a_k, of which dE/da_k = delta_k.  The program that its
authors published has states after it, x_k = h_k with dE/dh_k = g_k, and squares both norms.  With
dE/dh_{k-1} through h_k alone, W_hh^T delta_k, the two are

    pascanu_2013_equation_9   (norm(phi'(a_k) * W_hh^T delta_{k+1}) / norm(delta_{k+1}) - 1)^2
    pascanu_2013_code         (norm(W_hh^T delta_k)^2 / norm(g_k)^2 - 1)^2

for k = 1 ... T-1 and k = 1 ... T.  As in the program Omega is their mean over the steps of all
sequences, without those that have no signal left.  Only W_hh outside of the signals is varied:
its gradient is the immediate one, signals and slopes held (their equation 10).
"""

import numpy as np

from ..networks.cells.recurrence import Recurrence
from ..numerics.population import LONGEST_SUM, Weights, by_net, outer_products, product, runs

# Signals of a squared norm below this count as vanished, as in the published program.
VANISHED = 1e-20

# The cells in which dh_k/dh_{k-1} is diag(phi'(a_k)) W_hh.
ALLOWED_CELLS = ("rnn", "scaled_orthogonal")


class Regulariser:
    """Omega of every net of a population, and its gradient.

    A form has a `label`, how the paper names it, and defines `signals`, `term` and `slope`.

    Parameters
    ----------
    recurrence : the population's, of one of the `ALLOWED_CELLS`.
    weight : the factor of Omega in what is minimised.
    """

    def __init__(self, recurrence: Recurrence, weight: float):
        self.recurrence, self.weight = recurrence, weight
        self._carried = np.empty_like(recurrence.gradient)
        self._total = np.empty_like(recurrence.weights["W_hh"])
        self._term = np.empty_like(self._total)

    def keep_errors(self) -> None:
        """Keep what it needs of dE_t/dh_t, which backpropagation is about to overwrite."""

    def signals(self, delta: np.ndarray, carried: np.ndarray) -> tuple[np.ndarray, ...]:
        """Return what the R terms of Omega are made of.

        Parameters
        ----------
        delta, carried : (T, B, P, N), delta_k and W_hh^T delta_k.

        Returns
        -------
        dE/dx_{k+1}, the delta that W_hh^T is applied to, dE/dx_{k+1} dx_{k+1}/dx_k, and the slopes
        that the last has after W_hh^T, each (R, B, P, N); the number 1 where it has none.
        """
        raise NotImplementedError

    @staticmethod
    def term(squared_ratio: np.ndarray) -> np.ndarray:
        """Return Omega_k, given the squared ratio of the norms."""
        raise NotImplementedError

    @staticmethod
    def slope(squared_ratio: np.ndarray) -> np.ndarray:
        """Return twice the derivative of `term`."""
        raise NotImplementedError

    def add_gradient(self, slopes: Weights) -> np.ndarray:
        """Add the weighted gradient to that of `W_hh`, after `backward`; return Omega (P,)."""
        delta = self.recurrence.gradient
        product(by_net(delta), self.recurrence.weights["W_hh"], out=by_net(self._carried))
        signal, sent, image, passed = self.signals(delta, self._carried)
        squares = _squared_norms(signal)
        alive = squares >= VANISHED
        scale = np.where(alive, 1.0 / np.sqrt(np.where(alive, squares, 1.0)), 0.0)
        image = image * scale[..., None].astype(image.dtype)
        ratios = _squared_norms(image)
        count = np.maximum(alive.sum(axis=(0, 1)), 1)
        factor = self.weight * self.slope(ratios) * scale / count
        image *= passed
        image *= factor[..., None].astype(image.dtype)
        self._add_outer_products(sent, image, slopes["W_hh"])
        return np.where(alive, self.term(ratios), 0.0).sum(axis=(0, 1)) / count

    def _add_outer_products(self, left, right, out) -> None:
        """Add the sum over steps and sequences of left right^T of every net."""
        self._total[...] = 0.0
        for run in runs(range(len(left)), max(1, LONGEST_SUM // left.shape[1])):
            outer_products(by_net(left[run]), by_net(right[run]), self._term)
            self._total += self._term
        out += self._total


def _squared_norms(rows: np.ndarray) -> np.ndarray:
    """Squared norms of rows (..., N), in float64."""
    with np.errstate(over="ignore"):
        squares = np.vecdot(rows, rows).astype(np.float64)
    large = ~np.isfinite(squares)
    if large.any():  # in float32
        wide = rows[large].astype(np.float64)
        squares[large] = np.vecdot(wide, wide)
    return squares


class Equation9(Regulariser):
    """The form of equation 9: the ratio of the norms, of signals before the activation."""

    label = "equation 9 of Pascanu, Mikolov and Bengio (2013)"

    def signals(self, delta, carried):
        """Signals delta_{k+1}, k = 1 ... T-1."""
        recurrence = self.recurrence
        if recurrence.activation.slope_from_value is None:
            slope = recurrence.activation.slope(recurrence.drive[:-1])
        else:
            slope = recurrence.activation.slope_from_value(recurrence.states[1:-1])
        return delta[1:], delta[1:], slope * carried[1:], slope

    @staticmethod
    def term(squared_ratio):
        """(r - 1)^2."""
        return np.square(np.sqrt(squared_ratio) - 1.0)

    @staticmethod
    def slope(squared_ratio):
        """2 (1 - 1 / r), and 0 where the signal is lost, whose length has no slope there."""
        lost = squared_ratio == 0.0
        return np.where(lost, 0.0, 2.0 - 2.0 / np.sqrt(np.where(lost, 1.0, squared_ratio)))


class PublishedCode(Regulariser):
    """The form of the published program: the ratio of the squares, of signals after it."""

    label = "the published program of Pascanu, Mikolov and Bengio (2013)"

    def keep_errors(self):
        """Keep dE_t/dh_t."""
        self._errors = self.recurrence.gradient.copy()

    def signals(self, delta, carried):
        """Signals g_k = dE_k/dh_k + W_hh^T delta_{k+1}, k = 1 ... T."""
        signal = self._errors
        for t in range(len(signal) - 1):
            if self.recurrence.goes_on(t):
                signal[t] += carried[t + 1]
        return signal, delta, carried, 1.0

    @staticmethod
    def term(squared_ratio):
        """(r^2 - 1)^2."""
        return np.square(squared_ratio - 1.0)

    @staticmethod
    def slope(squared_ratio):
        """4 (r^2 - 1)."""
        return 4.0 * (squared_ratio - 1.0)


REGULARISERS = {"pascanu_2013_equation_9": Equation9, "pascanu_2013_code": PublishedCode}
