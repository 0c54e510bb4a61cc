"""Bounds of the transport, and the limits of large random matrices."""

import numpy as np


def gain(recurrent: np.ndarray) -> float:
    """The g whose W_ij ~ N(0, g^2/N) have the mean square of W_hh (N, N): its norm over sqrt(N)."""
    return float(np.linalg.norm(recurrent) / np.sqrt(len(recurrent)))


def log10_bound(step_bound: float, steps: int) -> np.ndarray:
    """log10 of the worst-case transport over d = 0 ... steps-1, the d-th power of that of a step.

    Pascanu, Mikolov and Bengio (2013), section 2.1: in the simple cell a step stretches no signal
    by more than sigma_max(W_hh) gamma, with gamma = sup |phi'|.
    """
    distance = np.arange(1, steps)
    with np.errstate(divide="ignore"):
        rate = np.log10(step_bound)
    return np.concatenate([[0.0], distance * rate])[:steps]


def gaussian_spectral_radius(gain: float) -> float:
    """Limit for large N of the spectral radius where W_ij ~ N(0, g^2/N): g (Girko, 1985)."""
    return gain


def gaussian_largest_singular_value(gain: float) -> float:
    """Limit for large N of sigma_max where W_ij ~ N(0, g^2/N): 2 g (Geman, 1980)."""
    return 2.0 * gain
