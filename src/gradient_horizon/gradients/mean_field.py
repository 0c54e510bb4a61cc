"""Mean-field theory of wide random nets, beside which the measurements are put.

The mean field takes the pre-activations of a wide net with independent zero-mean weights,
W_ij ~ N(0, g^2/N), for Gaussian with one variance q.  Slopes are natural logarithms a step.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq

from ..networks.activations import Activation

# Where activations or their slopes bend or jump: no panel of the quadrature reaches across.
KINKS = (-1.0, 0.0, 1.0)

# The weight that a normal distribution has beyond so many standard deviations is 1e-23.
TAIL = 10

NODES, NODE_WEIGHTS = np.polynomial.legendre.leggauss(20)

# Width of the panels nearest to 0, where activations have their structure.
FINEST_PANEL = 0.25

# An activation without bounds has the slopes of its asymptotes here, and a variance of this size
# or more counts as infinite.
FAR = 1e5
LARGEST_VARIANCE = FAR**2

# The perturbation that leaves a net at rest if that state is unstable.
SMALLEST_VARIANCE = 1e-12

# Relative step of the search for a fixed point where the recursion itself takes a smaller one.
SEARCH_STEP = 0.05


def gaussian_mean(function: Callable, variance: float) -> float:
    """E f(z) for z ~ N(0, variance), to about 1e-12 of E |f|.

    Composite Gauss-Legendre quadrature: the panels are at most a standard deviation wide, no wider
    than their distance from 0 or `FINEST_PANEL`, and end at the kinks.

    Parameters
    ----------
    function : f of an array, elementwise.  Apart from `KINKS` it is smooth on the scale of
        max(1, |z|), and it grows no faster than a power of |z|.
    variance : finite, 0 or more.
    """
    deviation = np.sqrt(variance)
    doublings = int(np.ceil(np.log2(max(TAIL * deviation, FINEST_PANEL) / FINEST_PANEL)))
    graded = np.ldexp(FINEST_PANEL, np.arange(doublings + 1))
    places = np.concatenate([-graded, KINKS, graded])
    # From here on in standard deviations.
    inner = np.clip(places / (deviation or 1.0), -TAIL, TAIL)
    edges = np.sort(np.concatenate([inner, np.arange(-TAIL, TAIL + 1.0)]))
    half = 0.5 * np.diff(edges)[:, None]
    points = edges[:-1, None] + half * (1.0 + NODES)
    weights = half * NODE_WEIGHTS * np.exp(-0.5 * np.square(points)) / np.sqrt(2.0 * np.pi)
    return float((weights * function(deviation * points)).sum())


@dataclass(frozen=True)
class MeanField:
    """Stationary state of a wide random net.

    Attributes
    ----------
    variance : q, the mean square of the pre-activations; infinite where they grow for ever.
    slope : 1/2 ln(g^2 <phi'^2>), what each step of distance adds to ln transport; also the
        largest Lyapunov exponent.
    """

    variance: float
    slope: float


def mean_field(activation: Activation, gain: float, drive_variance: float) -> MeanField:
    """Solve q = g^2 <phi(z)^2> + sigma_u^2 with z ~ N(0, q).

    Sompolinsky, Crisanti and Sommers (1988) for autonomous nets; Molgedey, Schuchhardt and
    Schuster (1992) for driven ones in discrete time.  The same recursion in depth: Poole et al.
    (2016), and Schoenholz et al. (2017), whose chi_1 is exp(2 slope); for recurrent nets Chen,
    Pennington and Schoenholz (2018).  The mean of phi belongs to <phi^2>: weights of mean zero
    turn all of the mean square into variance.

    Parameters
    ----------
    activation : phi.
    gain : g, finite.
    drive_variance : sigma_u^2, finite: the mean square of W_hx x_t + b_h over units, steps and
        sequences.

    Returns
    -------
    The smallest fixed point from sigma_u^2 up, which is where the recursion from h_0 = 0 ends.
    Where sigma_u = 0 and phi(0) = 0 that is q = 0 if a perturbation dies out there; else (tanh
    with g > 1) it is the smallest q > 0 that it can grow to.
    """
    if activation.homogeneous:
        growth = gain**2 * gaussian_mean(lambda z: np.square(activation.value(z)), 1.0)
        variance = float(drive_variance / (1.0 - growth)) if growth < 1.0 else np.inf
    else:
        variance = _fixed_point(activation, gain, float(drive_variance))
    with np.errstate(divide="ignore"):
        slope = 0.5 * np.log(gain**2 * _slope_moment(activation, variance, 2))
    return MeanField(variance, float(slope))


def _fixed_point(activation, gain, drive_variance):
    """Go up from the drive's variance to the first that the recursion does not increase.

    <phi^2> grows with q, so no step of the recursion leaps over a fixed point.  Where the recursion
    is slow the search takes a step of its own, behind which it looks for one.
    """
    bounded = np.isfinite(activation.value_bound)

    def following(variance):
        mean_square = gaussian_mean(lambda z: np.square(activation.value(z)), variance)
        return drive_variance + gain**2 * mean_square

    variance = drive_variance
    if following(variance) == 0.0:
        variance = SMALLEST_VARIANCE
        if following(variance) <= variance:
            return 0.0
    while bounded or variance < LARGEST_VARIANCE:
        farther = max(following(variance), (1.0 + SEARCH_STEP) * variance)
        if following(farther) <= farther:
            return brentq(
                lambda q: following(q) - q, variance, farther, xtol=1e-15 * farther, rtol=1e-15
            )
        variance = farther
    return np.inf


def _slope_moment(activation, variance, power):
    """<phi'^power> of pre-activations of variance q."""
    if np.isinf(variance):
        return np.power(activation.slope(np.array([-FAR, FAR])), power).mean()
    # At q = 0 the limit from above, where units sit on both sides of a kink at 0.
    variance = max(variance, np.finfo(np.float64).tiny)
    return gaussian_mean(lambda z: np.power(activation.slope(z), power), variance)


def finite_size_correction(activation: Activation, variance: float, size: int) -> float:
    """What N units add to the mean-field slope: -1/4 ln(1 + [2 + 3 (kappa - 1)] / N).

    The mean field gives the logarithm of the mean squared growth; transport is the mean of the
    logarithm.  The relative variance of a step, as if it had a W_hh of its own, is
    [2 + 3 (kappa - 1)] / N to first order, with kappa = <phi'^4> / <phi'^2>^2, and a log-normal
    growth of that variance has the mean logarithm returned here: to first order -1/(2N) for linear
    units (Newman, 1986) and -5/(4N) for ReLU (Hanin and Nica, 2020).  Where nearly all units are
    saturated, few of them carry the signal and kappa is of the size of N; the logarithm keeps the
    correction moderate there, but it is no more than an estimate.

    Parameters
    ----------
    activation : phi.
    variance : q, of `mean_field`.
    size : N.
    """
    square, fourth = (_slope_moment(activation, variance, power) for power in (2, 4))
    return float(-0.25 * np.log1p((2.0 + 3.0 * (fourth / square**2 - 1.0)) / size))
