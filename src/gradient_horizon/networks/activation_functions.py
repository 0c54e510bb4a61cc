"""The registered activation functions phi, their slopes phi' and the derivatives phi'' of these.

A value takes `out`; so does a slope that is told by the value.  `activations` says what each has to
be.
"""

import math

import numpy as np

LEAK = 0.01  # slope of the leaky ReLU below 0 (Maas, Hannun and Ng, 2013)

# Beyond these |a| the exponentials are 0 in double precision, while the squares would overflow.
FARTHEST_NORMAL = 40.0
FARTHEST_ERF = 28.0


def sigmoid(a, out=None):
    """1 / (1 + e^-a)."""
    if a.dtype == np.float32:  # tanh is the faster exponential in single precision
        out = np.multiply(a, np.float32(0.5), out=out)
        np.tanh(out, out=out)
        out *= 0.5
        out += 0.5
        return out
    with np.errstate(over="ignore"):  # exp overflows to inf where the sigmoid is 0
        out = np.exp(np.negative(a, out=out), out=out)
    out += 1.0
    return np.divide(1.0, out, out=out)


def sigmoid_slope(a):
    """e^-|a| / (1 + e^-|a|)^2."""
    decay = np.exp(-np.abs(a))
    return decay / np.square(1.0 + decay)


def sigmoid_curvature(a):
    """-phi'(a) tanh(a / 2)."""
    return -sigmoid_slope(a) * np.tanh(0.5 * a)


def sigmoid_slope_from_value(h, out=None):
    """Return h - h^2."""
    out = np.multiply(h, h, out=out)
    return np.subtract(h, out, out=out)


def tanh_slope(a):
    """sech^2 a by exp(-|a|); 1 - tanh^2 a would be exactly 0 beyond |a| = 19."""
    decay = np.square(np.exp(-np.abs(a)))
    return 4.0 * decay / np.square(1.0 + decay)


def tanh_curvature(a):
    """-2 tanh(a) phi'(a)."""
    return -2.0 * np.tanh(a) * tanh_slope(a)


def tanh_slope_from_value(h, out=None):
    """1 - h^2."""
    out = np.multiply(h, h, out=out)
    return np.subtract(1.0, out, out=out)


def softsign(a, out=None):
    """Return a / (1 + |a|)."""
    magnitude = np.abs(a)
    magnitude += 1.0
    return np.divide(a, magnitude, out=out)


def softsign_slope(a):
    """1 / (1 + |a|)^2."""
    return np.square(1.0 / (1.0 + np.abs(a)))  # the other way round the square overflows


def softsign_curvature(a):
    """-2 sign(a) / (1 + |a|)^3."""
    return -2.0 * np.sign(a) * (1.0 / (1.0 + np.abs(a))) ** 3


def softsign_slope_from_value(h, out=None):
    """1 / (1 + |a|)^2 = (1 - |h|)^2."""
    out = np.abs(h, out=out)
    np.subtract(1.0, out, out=out)
    return np.multiply(out, out, out=out)


def relu(a, out=None):
    """The larger of a and 0."""
    return np.maximum(a, 0.0, out=out)


def relu_slope(a):
    """1 above 0, 0 elsewhere."""
    return (a > 0.0).astype(a.dtype)


def relu_slope_from_value(h, out=None):
    """1 where h is above 0."""
    return np.greater(h, 0.0, out=np.empty_like(h) if out is None else out, casting="unsafe")


def linear(a, out=None):
    """Return a itself."""
    if out is None:
        return a.copy()
    if out is not a:
        out[...] = a
    return out


def linear_slope_from_value(h, out=None):
    """1 everywhere."""
    if out is None:
        return np.ones_like(h)
    out.fill(1.0)
    return out


def softplus(a, out=None):
    """ln(1 + e^a) (Dugas, Bengio, Belisle, Nadeau and Garcia, 2001)."""
    return np.logaddexp(a, 0.0, out=out)


def softplus_slope(a):
    """The sigmoid of a."""
    return _sigmoids(a)[0]


def softplus_slope_from_value(h, out=None):
    """1 - e^-h."""
    out = np.expm1(np.negative(h, out=out), out=out)
    return np.negative(out, out=out)


def _sigmoids(a):
    """Sigmoid of a and of -a, each with all its digits."""
    decay = np.exp(-np.abs(a))
    larger = 1.0 / (1.0 + decay)
    smaller = decay * larger
    return np.where(a > 0.0, larger, smaller), np.where(a > 0.0, smaller, larger)


def elu(a, out=None):
    """Identity above 0, e^a - 1 below (Clevert, Unterthiner and Hochreiter, 2016, alpha = 1)."""
    below = np.expm1(np.minimum(a, 0.0))
    out = np.maximum(a, 0.0, out=out)
    out += below
    return out


def elu_slope(a):
    """1 above 0, e^a below."""
    return np.exp(np.minimum(a, 0.0))


def elu_curvature(a):
    """0 above 0, e^a below."""
    return np.where(a < 0.0, elu_slope(a), 0.0)


def elu_slope_from_value(h, out=None):
    """1 above 0, h + 1 below."""
    out = np.minimum(h, 0.0, out=out)
    out += 1.0
    return out


# SciPy is imported by the jobs that use it: it takes longer to start than everything else.


def _normal_cdf(a):
    from scipy.special import ndtr

    return ndtr(a)


def gelu(a, out=None):
    """Phi(a) a, Phi the normal distribution function (Hendrycks and Gimpel, 2016)."""
    return np.multiply(a, _normal_cdf(a), out=out)


def gelu_slope(a):
    """Phi(a) + a Phi'(a)."""
    density = np.exp(-0.5 * np.square(np.minimum(np.abs(a), FARTHEST_NORMAL)))
    return _normal_cdf(a) + a * (density / math.sqrt(2.0 * math.pi))


def gelu_curvature(a):
    """(2 - a^2) Phi'(a)."""
    a = np.minimum(np.abs(a), FARTHEST_NORMAL)
    return (2.0 - np.square(a)) * np.exp(-0.5 * np.square(a)) / math.sqrt(2.0 * math.pi)


def silu(a, out=None):
    """The sigmoid of a times a (Elfwing, Uchibe and Doya, 2018)."""
    return np.multiply(a, _sigmoids(a)[0], out=out)


def silu_slope(a):
    """sigmoid(a) (1 + a sigmoid(-a))."""
    sigmoid, complement = _sigmoids(a)
    return sigmoid + sigmoid * (a * complement)


def silu_curvature(a):
    """sigmoid'(a) (2 - a tanh(a / 2))."""
    return sigmoid_slope(a) * (2.0 - a * np.tanh(0.5 * a))


def hard_tanh(a, out=None):
    """A straight line that ends at -1 and 1 (Collobert, 2004)."""
    return np.clip(a, -1.0, 1.0, out=out)


def hard_tanh_slope(a):
    """1 between -1 and 1."""
    return (np.abs(a) < 1.0).astype(a.dtype)


def hard_tanh_slope_from_value(h, out=None):
    """1 where h is between -1 and 1."""
    out = np.abs(h, out=out)
    return np.less(out, 1.0, out=out, casting="unsafe")


def erf(a, out=None):
    """2 / sqrt(pi) times the integral of exp(-x^2) from 0 to a (Williams, 1997)."""
    from scipy.special import erf

    return erf(a, out=out)


def erf_slope(a):
    """2 / sqrt(pi) e^-a^2."""
    density = np.exp(-np.square(np.minimum(np.abs(a), FARTHEST_ERF)))
    return density * (2.0 / math.sqrt(math.pi))


def erf_curvature(a):
    """-2 a phi'(a)."""
    a = np.clip(a, -FARTHEST_ERF, FARTHEST_ERF)
    return -2.0 * a * erf_slope(a)


def leaky_relu(a, out=None):
    """The larger of a and `LEAK` a."""
    return np.maximum(a, LEAK * a, out=out)


def leaky_relu_slope(a):
    """1 above 0, `LEAK` elsewhere."""
    return np.where(a > 0.0, a.dtype.type(1.0), a.dtype.type(LEAK))


def leaky_relu_slope_from_value(h, out=None):
    """The slope at h, which has the sign of a."""
    slope = leaky_relu_slope(h)  # value and argument have the same sign
    if out is None:
        return slope
    out[...] = slope
    return out
