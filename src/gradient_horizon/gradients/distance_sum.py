"""The contributions of one weight, added up distance by distance beside the gradient they make."""

from dataclasses import dataclass

import numpy as np

from ..numerics import scaled

# Allowed difference between the sum over distances and the gradient, relative to the gradient.
LARGEST_RESIDUAL = 1e-9

# Where the terms of the gradient cancel down to less than this part of the sum of their norms, it
# is to that part that the difference is relative: rounding errors do not shrink with the gradient.
CANCELLED = 1e-4


@dataclass(frozen=True)
class Term:
    """C_d of one weight, flat or, for each sequence, (B, M); log10 of its incoherent sum."""

    value: np.ndarray
    exponent: int
    log10_incoherent: float = -np.inf


@dataclass(frozen=True)
class Columns:
    """What the contributions C_d, d = 0 ... D-1, are beside the gradient G; each (D,).

    Attributes
    ----------
    log10_contribution : log10 of the Frobenius norm of C_d.
    share : norm of C_d over the sum of these norms; sums to 1.
    signed_share : <C_d, G> / norm(G)^2; sums to 1.
    cosine : <C_d, G> / (norm(C_d) norm(G)); nan where C_d is zero.
    truncation_bias : norm(G - C_0 - ... - C_{d-1}) / norm(G), what truncated backpropagation
        through time at d steps loses of the gradient (Tallec and Ollivier, 2018).
    log10_incoherent : log10 of the sum over (t, b) of norm(delta) norm(h): no cancellation.
    signal_squared : unbiased estimate of the squared norm of the mean of C_d over all sequences
        there might be: with M_b the contribution of sequence b (without the 1/B of the mean),
        (norm(sum of M_b)^2 - sum of norm(M_b)^2) / (B (B-1)), a U-statistic (Hoeffding, 1948).
        It may be negative where C_d is all noise.  nan where it was not asked for, or if B = 1.
    log10_gradient_norm : log10 of norm(G).
    log10_rest : log10 of norm(G - sum of C_d).
    """

    log10_contribution: np.ndarray
    share: np.ndarray
    signed_share: np.ndarray
    cosine: np.ndarray
    truncation_bias: np.ndarray
    log10_incoherent: np.ndarray
    signal_squared: np.ndarray
    log10_gradient_norm: float
    log10_rest: float

    @property
    def residual(self) -> float:
        """norm(sum of C_d - G) / norm(G), or relative to more where G nearly cancels."""
        return self.relative(self.log10_rest)

    def relative(self, log10_difference: float) -> float:
        """Return a difference, given by the log10 of its norm, relative to G (see `CANCELLED`)."""
        sizes = self.log10_incoherent
        if np.isneginf(sizes).all():
            sizes = self.log10_contribution
        scale = max(self.log10_gradient_norm, _log10_of_sum(sizes) + np.log10(CANCELLED))
        return 0.0 if np.isneginf(log10_difference) else float(10.0 ** (log10_difference - scale))


class DistanceSum:
    """The contributions of one weight, taken in one after the other.

    Parameters
    ----------
    gradient : G, of any shape.
    exponent : G is gradient * 2**exponent.
    """

    def __init__(self, gradient: np.ndarray, exponent: int = 0):
        self.gradient, self.exponent = gradient.reshape(-1), exponent
        self.squared_gradient = np.vdot(gradient, gradient)
        self.total, self.total_exponent = np.zeros(gradient.size), 0
        self.contribution, self.incoherent, self.rest = [], [], []
        self.signed_share, self.cosine, self.signal_squared = [], [], []
        self.log10_missing = self.log10_rest()  # to the gradient, so far

    def add(self, term: Term) -> None:
        """Take C_d in.  The sum over sequences is left to here, so that both are at hand."""
        self.rest.append(self.log10_missing)
        value, signal_squared = term.value, np.nan
        if value.ndim == 2:
            batch = len(value)
            alone = np.vdot(value, value)
            value = value.sum(axis=0)
            if batch > 1:
                # Each term has the 1/B of the mean: the U-statistic's M_b are B times as large.
                estimate = (np.vdot(value, value) - alone) * batch / (batch - 1)
                with np.errstate(over="ignore"):  # the only column that is no logarithm
                    signal_squared = np.ldexp(estimate, 2 * term.exponent)
        squared = np.vdot(value, value)
        signed_share, cosine = 0.0, np.nan
        if self.squared_gradient > 0.0:
            along = np.vdot(value, self.gradient)
            signed_share = np.ldexp(along / self.squared_gradient, term.exponent - self.exponent)
            if squared > 0.0:
                cosine = along / np.sqrt(squared) / np.sqrt(self.squared_gradient)
        self.contribution.append(scaled.log10_norm(squared, term.exponent))
        self.incoherent.append(term.log10_incoherent)
        self.signed_share.append(signed_share)
        self.cosine.append(cosine)
        self.signal_squared.append(signal_squared)
        self.total, self.total_exponent = scaled.add(
            self.total, self.total_exponent, value, term.exponent
        )
        self.log10_missing = self.log10_rest()

    def columns(self) -> Columns:
        """Return what has been taken in."""
        contribution, rest = np.array(self.contribution), np.array(self.rest)
        log10_gradient = scaled.log10_norm(self.squared_gradient, self.exponent)
        with np.errstate(invalid="ignore"):  # a gradient of exactly zero has nothing to lose
            bias = 10.0 ** (rest - log10_gradient)
        return Columns(
            contribution,
            _shares(contribution),
            np.array(self.signed_share),
            np.array(self.cosine),
            bias,
            np.array(self.incoherent),
            np.array(self.signal_squared),
            float(log10_gradient),
            self.log10_missing,
        )

    def log10_rest(self, further: np.ndarray | None = None, exponent: int = 0) -> float:
        """log10 of the norm of what is missing to the gradient so far.

        Parameters
        ----------
        further : of the gradient's size, added to what has been taken in, with its power of two.
        """
        total, total_exponent = self.total, self.total_exponent
        if further is not None:
            total, total_exponent = scaled.add(total, total_exponent, further, exponent)
        rest, exponent = scaled.add(total, total_exponent, -self.gradient, self.exponent)
        return float(scaled.log10_norm(np.vdot(rest, rest), exponent))


def _log10_of_sum(log10_values: np.ndarray) -> float:
    """log10 of the sum of numbers given by their log10."""
    largest = log10_values.max()
    if np.isneginf(largest):
        return -np.inf
    return float(largest + np.log10(np.power(10.0, log10_values - largest).sum()))


def _shares(log10_values: np.ndarray) -> np.ndarray:
    """Numbers given by their log10, divided by their sum; nan where all are zero."""
    total = _log10_of_sum(log10_values)
    if np.isneginf(total):
        return np.full_like(log10_values, np.nan)
    return np.power(10.0, log10_values - total)
