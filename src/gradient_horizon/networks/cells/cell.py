"""What a recurrent cell is: the equations of one step, from which all else follows."""

import math
from collections.abc import Mapping

import numpy as np

from . import stepwise
from .dynamics import Dynamics
from .recurrence import Recurrence


class Cell:
    """A recurrent cell.

    A cell defines `step`, the equations of one step, and `back`, their derivative.  How a
    population is trained and how a net is taken apart follow from the two.  A cell may bring a
    faster form of either, `Recurrence` for training and `Dynamics` for measuring, and with both
    needs neither `step` nor `back`.

    Its weights are by name.  `W_hx` and, if there is one, `b_h` make up the drive W_hx x_t + b_h
    that a step reads; `W_hh` is the one that is taken apart by distance, beside `W_hx`.

    Attributes
    ----------
    BLOCKS : how many N x N matrices stand below each other in `W_hh`.
    PARTS : the parts of the state, N numbers each, the one that is read out first.  Transport is
        measured, and drawn, for each of two: ("hidden", "cell").
    RADIUS_LIMIT : the spectral radius that it stays below.

    Examples
    --------
    The simple cell, h_t = phi(W_hh h_{t-1} + drive):

    >>> class Simple(Cell):
    ...     def step(self, net, state, drive):
    ...         a = state @ net.weights["W_hh"].mT + drive
    ...         return net.phi.value(a), (a, state)
    ...
    ...     def back(self, net, kept, signal):
    ...         a, state = kept
    ...         delta = net.phi.slope(a) * signal
    ...         return delta @ net.weights["W_hh"], delta, {"W_hh": [(delta, state)]}
    """

    BLOCKS = 1
    PARTS: tuple[str, ...] = ("hidden",)
    RADIUS_LIMIT = math.inf

    def shapes(self, hidden_size: int, input_size: int) -> dict[str, tuple[int, ...]]:
        """Return the shapes of the cell's weights in one net: vectors and matrices."""
        rows = self.BLOCKS * hidden_size
        return {"W_hh": (rows, hidden_size), "W_hx": (rows, input_size), "b_h": (rows,)}

    def initialise(
        self,
        net: dict[str, np.ndarray],
        rng: np.random.Generator,
        draw_recurrent,
        radius: float,
        scale: float,
        options: Mapping,
    ) -> None:
        """Draw the weights of one net, in place.

        Parameters
        ----------
        net : the arrays of one net, by name, zeros so far.
        rng : the generator that the draws are taken from.
        draw_recurrent : one of `INITIALISATIONS`.
        radius : the spectral radius of each N x N matrix in W_hh, exact.
        scale : the standard deviation of the entries of W_hx.
        options : the configuration's `model`.
        """
        size = net["W_hh"].shape[1]
        for block in net["W_hh"].reshape(-1, size, size):
            block[...] = draw_recurrent(rng, size, radius)
        net["W_hx"][...] = rng.normal(0.0, scale, net["W_hx"].shape)

    def constrain(self, weights, radius: float) -> None:
        """Bring a population's weights back to where they are to stay, after every update."""

    def recurrent(self, weights: Mapping[str, np.ndarray]) -> np.ndarray:
        """Return the square matrix of one net whose spectral radius is set at the start."""
        size = weights["W_hh"].shape[-1]
        return weights["W_hh"][-size:]

    def step(
        self, net: stepwise.Net, state: np.ndarray, drive: np.ndarray
    ) -> tuple[np.ndarray, tuple[np.ndarray, ...]]:
        """Return the states one step on, and what `back` needs of this step.

        It is called with states of many nets, steps and sequences at once, and must treat each row
        apart: `state @ net.weights["W_hh"].mT` does.

        Parameters
        ----------
        net : phi, weights and options.
        state : (..., S), s_{t-1}.
        drive : (..., A), W_hx x_t + b_h.

        Returns
        -------
        s_t (..., S), whose first N numbers are read out, and arrays (..., any), of which the first
        is what phi is taken of, (..., N).
        """
        raise NotImplementedError

    def back(
        self, net: stepwise.Net, kept: tuple[np.ndarray, ...], signal: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, dict]:
        """Return what a signal dE/ds_t becomes on its way back over one step.

        Parameters
        ----------
        net : as for `step`.
        kept : what `step` has returned beside the states.
        signal : (..., S), dE/ds_t; its leading axes may be more than those of `kept`.

        Returns
        -------
        dE/ds_{t-1} (..., S), dE/d(drive) (..., A), and by name the derivative of each weight that
        `step` reads.  That of a matrix is a list of pairs delta (..., M) and source (..., N), of
        which delta source^T is the derivative of M of its rows, from the top; that of a vector is
        (..., N) itself.
        """
        raise NotImplementedError

    def Recurrence(self, activation, steps, batch, weights, options) -> Recurrence:
        """Return the recurrence of a population for training.

        Parameters
        ----------
        activation : phi.
        steps, batch : T and B.
        weights : the population's.
        options : the configuration's `model`.
        """
        return stepwise.Recurrence(self, activation, steps, batch, weights, options)

    def Dynamics(self, activation, weights, options=None) -> Dynamics:
        """Return one net in float64 for measuring; parameters as of `dynamics.Dynamics`."""
        return stepwise.Dynamics(self, activation, weights, options)
