"""Bounds of the transport, and the limits of large random matrices."""

import numpy as np

from .activations import Activation

# ReLU nets of a larger gain explode: g^2 <phi'^2> = g^2 / 2 (He, Zhang, Ren and Sun, 2015,
# section 2.2).
RELU_CRITICAL_GAIN = float(np.sqrt(2.0))


def gain(recurrent: np.ndarray) -> float:
    """The g whose W_ij ~ N(0, g^2/N) have the mean square of W_hh (N, N): its norm over sqrt(N)."""
    return float(np.linalg.norm(recurrent) / np.sqrt(len(recurrent)))


def log10_bound(recurrent: np.ndarray, slope_bound: float, steps: int) -> np.ndarray:
    """log10 of the worst-case transport (sigma_max(W_hh) gamma)^d for d = 0 ... steps-1.

    Pascanu, Mikolov and Bengio (2013), section 2.1, with gamma = sup |phi'|.
    """
    distance = np.arange(1, steps)
    with np.errstate(divide="ignore"):
        rate = np.log10(np.linalg.norm(recurrent, 2) * slope_bound)
    return np.concatenate([[0.0], distance * rate])[:steps]


def log10_note_bound(recurrent: np.ndarray, slope_bound: float, steps: int) -> np.ndarray:
    """log10 of the looser bound that takes the slope of every activation to reach 1.

    The lecture note that the paper audits has sigmoid' <= 1 where sigmoid' <= 1/4, which inflates
    the bound by 4^d.  Where gamma >= 1 it is `log10_bound`.
    """
    return log10_bound(recurrent, max(slope_bound, 1.0), steps)


def vanishing_threshold(activation: Activation) -> float:
    """1 / gamma: a sigma_max(W_hh) below it suffices for transport to vanish.

    Pascanu, Mikolov and Bengio (2013), section 2.1; one above it is only necessary to explode.
    """
    return 1.0 / activation.slope_bound


def gaussian_spectral_radius(gain: float) -> float:
    """Limit for large N of the spectral radius where W_ij ~ N(0, g^2/N): g (Girko, 1985)."""
    return gain


def gaussian_largest_singular_value(gain: float) -> float:
    """Limit for large N of sigma_max where W_ij ~ N(0, g^2/N): 2 g (Geman, 1980)."""
    return 2.0 * gain
