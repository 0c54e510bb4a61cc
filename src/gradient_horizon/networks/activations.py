"""Activation functions: values, exact slopes, and the supremum of the slope.

A new activation is one entry of `ACTIVATIONS`; it then appears in the configuration's allowed
values, in the figures and in the documentation.  One of the user's own needs no entry: its name is
`module:function`.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from . import user_activations

LEAK = 0.01  # slope of the leaky ReLU below 0 (Maas, Hannun and Ng, 2013)

# Beyond these |a| the exponentials are 0 in double precision, while the squares would overflow.
FARTHEST_NORMAL = 40.0
FARTHEST_ERF = 28.0

# SiLU'' = sigmoid'(a) (2 - a tanh(a / 2)) is zero at this a, found by bisection with 40 digits.
SILU_STEEPEST = 2.3993572805154675


@dataclass(frozen=True)
class Activation:
    """An elementwise activation phi and its slope phi'.

    An activation without bounds approaches straight lines through or beside the origin on both
    sides, and its slopes are those of the lines from |a| = 1e5 on; or it grows slower than lines.

    Attributes
    ----------
    label : how figures and tables name it.
    value : `value(a, out=None)` is phi(a).
    slope : `slope(a)` is phi'(a) without cancellation, for measuring at any |a|.
    slope_from_value : `slope_from_value(h, out=None)` is phi'(a) given h = phi(a): fewer
        operations, for training.  Unlike that of `value`, `out` must not be the argument itself.
        None where h does not tell the slope, as of an activation that is not monotone, or tells it
        only by an inverse function that costs more: training then keeps a.
    slope_bound : sup |phi'|, the gamma of Pascanu, Mikolov and Bengio (2013), section 2.1.
    value_bound : sup |phi|.
    homogeneous : whether phi(c a) = c phi(a) for every c > 0, so that states of any size can be
        carried with a separate exponent.
    curvature : `curvature(a)` is phi''(a), 0 at a kink.  None where it is not known, as of the
        user's own: nothing but what moves the slopes themselves needs it.
    """

    label: str
    value: Callable
    slope: Callable
    slope_from_value: Callable | None
    slope_bound: float
    value_bound: float = np.inf
    homogeneous: bool = False
    curvature: Callable | None = None


def _sigmoid(a, out=None):
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


def _sigmoid_slope(a):
    decay = np.exp(-np.abs(a))
    return decay / np.square(1.0 + decay)


def _sigmoid_curvature(a):
    return -_sigmoid_slope(a) * np.tanh(0.5 * a)


def _sigmoid_slope_from_value(h, out=None):
    out = np.multiply(h, h, out=out)
    return np.subtract(h, out, out=out)


def _tanh_slope(a):
    """sech^2 a by exp(-|a|); 1 - tanh^2 a would be exactly 0 beyond |a| = 19."""
    decay = np.square(np.exp(-np.abs(a)))
    return 4.0 * decay / np.square(1.0 + decay)


def _tanh_curvature(a):
    return -2.0 * np.tanh(a) * _tanh_slope(a)


def _tanh_slope_from_value(h, out=None):
    out = np.multiply(h, h, out=out)
    return np.subtract(1.0, out, out=out)


def _softsign(a, out=None):
    magnitude = np.abs(a)
    magnitude += 1.0
    return np.divide(a, magnitude, out=out)


def _softsign_slope(a):
    return np.square(1.0 / (1.0 + np.abs(a)))  # the other way round the square overflows


def _softsign_curvature(a):
    return -2.0 * np.sign(a) * (1.0 / (1.0 + np.abs(a))) ** 3


def _softsign_slope_from_value(h, out=None):
    """1 / (1 + |a|)^2 = (1 - |h|)^2."""
    out = np.abs(h, out=out)
    np.subtract(1.0, out, out=out)
    return np.multiply(out, out, out=out)


def _relu(a, out=None):
    return np.maximum(a, 0.0, out=out)


def _relu_slope(a):
    return (a > 0.0).astype(a.dtype)


def _relu_slope_from_value(h, out=None):
    return np.greater(h, 0.0, out=np.empty_like(h) if out is None else out, casting="unsafe")


def _linear(a, out=None):
    if out is None:
        return a.copy()
    if out is not a:
        out[...] = a
    return out


def _linear_slope_from_value(h, out=None):
    if out is None:
        return np.ones_like(h)
    out.fill(1.0)
    return out


def _softplus(a, out=None):
    """ln(1 + e^a) (Dugas, Bengio, Belisle, Nadeau and Garcia, 2001)."""
    return np.logaddexp(a, 0.0, out=out)


def _softplus_slope(a):
    return _sigmoids(a)[0]


def _softplus_slope_from_value(h, out=None):
    """1 - e^-h."""
    out = np.expm1(np.negative(h, out=out), out=out)
    return np.negative(out, out=out)


def _sigmoids(a):
    """Sigmoid of a and of -a, each with all its digits."""
    decay = np.exp(-np.abs(a))
    larger = 1.0 / (1.0 + decay)
    smaller = decay * larger
    return np.where(a > 0.0, larger, smaller), np.where(a > 0.0, smaller, larger)


def _elu(a, out=None):
    """Identity above 0, e^a - 1 below (Clevert, Unterthiner and Hochreiter, 2016, alpha = 1)."""
    below = np.expm1(np.minimum(a, 0.0))
    out = np.maximum(a, 0.0, out=out)
    out += below
    return out


def _elu_slope(a):
    return np.exp(np.minimum(a, 0.0))


def _elu_curvature(a):
    return np.where(a < 0.0, _elu_slope(a), 0.0)


def _elu_slope_from_value(h, out=None):
    out = np.minimum(h, 0.0, out=out)
    out += 1.0
    return out


# SciPy is imported by the jobs that use it: it takes longer to start than everything else.


def _normal_cdf(a):
    from scipy.special import ndtr

    return ndtr(a)


def _gelu(a, out=None):
    """Phi(a) a, Phi the normal distribution function (Hendrycks and Gimpel, 2016)."""
    return np.multiply(a, _normal_cdf(a), out=out)


def _gelu_slope(a):
    """Phi(a) + a Phi'(a)."""
    density = np.exp(-0.5 * np.square(np.minimum(np.abs(a), FARTHEST_NORMAL)))
    return _normal_cdf(a) + a * (density / math.sqrt(2.0 * math.pi))


def _gelu_curvature(a):
    """(2 - a^2) Phi'(a)."""
    a = np.minimum(np.abs(a), FARTHEST_NORMAL)
    return (2.0 - np.square(a)) * np.exp(-0.5 * np.square(a)) / math.sqrt(2.0 * math.pi)


def _silu(a, out=None):
    """The sigmoid of a times a (Elfwing, Uchibe and Doya, 2018)."""
    return np.multiply(a, _sigmoids(a)[0], out=out)


def _silu_slope(a):
    sigmoid, complement = _sigmoids(a)
    return sigmoid + sigmoid * (a * complement)


def _silu_curvature(a):
    """sigmoid'(a) (2 - a tanh(a / 2))."""
    return _sigmoid_slope(a) * (2.0 - a * np.tanh(0.5 * a))


def _hard_tanh(a, out=None):
    """A straight line that ends at -1 and 1 (Collobert, 2004)."""
    return np.clip(a, -1.0, 1.0, out=out)


def _hard_tanh_slope(a):
    return (np.abs(a) < 1.0).astype(a.dtype)


def _hard_tanh_slope_from_value(h, out=None):
    out = np.abs(h, out=out)
    return np.less(out, 1.0, out=out, casting="unsafe")


def _erf(a, out=None):
    """2 / sqrt(pi) times the integral of exp(-x^2) from 0 to a (Williams, 1997)."""
    from scipy.special import erf

    return erf(a, out=out)


def _erf_slope(a):
    density = np.exp(-np.square(np.minimum(np.abs(a), FARTHEST_ERF)))
    return density * (2.0 / math.sqrt(math.pi))


def _erf_curvature(a):
    a = np.clip(a, -FARTHEST_ERF, FARTHEST_ERF)
    return -2.0 * a * _erf_slope(a)


def _leaky_relu(a, out=None):
    return np.maximum(a, LEAK * a, out=out)


def _leaky_relu_slope(a):
    return np.where(a > 0.0, a.dtype.type(1.0), a.dtype.type(LEAK))


def _leaky_relu_slope_from_value(h, out=None):
    slope = _leaky_relu_slope(h)  # value and argument have the same sign
    if out is None:
        return slope
    out[...] = slope
    return out


class Registry(dict):
    """Activations by name; one of the user's own, `module:function`, is imported when asked for.

    Its items are the registered ones alone.
    """

    def __init__(self, registered: dict[str, Activation]):
        super().__init__(registered)
        self._own: dict[str, Activation] = {}

    def __missing__(self, name: str) -> Activation:
        """Import one of the user's own.

        Raises
        ------
        KeyError : the name is not registered and is none of the user's own.
        OwnActivationError : it cannot be imported.
        """
        if user_activations.SEPARATOR not in str(name):
            raise KeyError(name)
        if name not in self._own:
            self._own[name] = Activation(**user_activations.load(name))
        return self._own[name]

    def name_of(self, activation: Activation) -> str:
        """Return the name by which an activation was taken from here."""
        known = {**self, **self._own}
        return next(name for name, phi in known.items() if phi is activation)


_REGISTERED = {
    "sigmoid": Activation(
        "sigmoid",
        _sigmoid,
        _sigmoid_slope,
        _sigmoid_slope_from_value,
        0.25,
        value_bound=1.0,
        curvature=_sigmoid_curvature,
    ),
    "tanh": Activation(
        "tanh",
        np.tanh,
        _tanh_slope,
        _tanh_slope_from_value,
        1.0,
        value_bound=1.0,
        curvature=_tanh_curvature,
    ),
    "relu": Activation(
        "ReLU",
        _relu,
        _relu_slope,
        _relu_slope_from_value,
        1.0,
        homogeneous=True,
        curvature=np.zeros_like,
    ),
    "softsign": Activation(
        "softsign",
        _softsign,
        _softsign_slope,
        _softsign_slope_from_value,
        1.0,
        value_bound=1.0,
        curvature=_softsign_curvature,
    ),
    "linear": Activation(
        "linear",
        _linear,
        np.ones_like,
        _linear_slope_from_value,
        1.0,
        homogeneous=True,
        curvature=np.zeros_like,
    ),
    "softplus": Activation(
        # The slope is the sigmoid of a, which approaches 1.
        "softplus",
        _softplus,
        _softplus_slope,
        _softplus_slope_from_value,
        1.0,
        curvature=_sigmoid_slope,
    ),
    "elu": Activation(
        "ELU",
        _elu,
        _elu_slope,
        _elu_slope_from_value,
        1.0,
        curvature=_elu_curvature,
    ),
    "gelu": Activation(
        # GELU'' = (2 - a^2) Phi'(a) is zero at sqrt 2: Phi(sqrt 2) + sqrt 2 Phi'(sqrt 2).
        "GELU",
        _gelu,
        _gelu_slope,
        None,
        0.5 * (1.0 + math.erf(1.0)) + math.exp(-1.0) / math.sqrt(math.pi),
        curvature=_gelu_curvature,
    ),
    "silu": Activation(
        # sigmoid(a) + a sigmoid'(a) where tanh(a / 2) = 2 / a, of which both are functions.
        "SiLU",
        _silu,
        _silu_slope,
        None,
        0.5 + 0.25 * SILU_STEEPEST,
        curvature=_silu_curvature,
    ),
    "hard_tanh": Activation(
        "hard tanh",
        _hard_tanh,
        _hard_tanh_slope,
        _hard_tanh_slope_from_value,
        1.0,
        value_bound=1.0,
        curvature=np.zeros_like,
    ),
    "erf": Activation(
        # The slope is largest at 0.
        "erf",
        _erf,
        _erf_slope,
        None,
        2.0 / math.sqrt(math.pi),
        value_bound=1.0,
        curvature=_erf_curvature,
    ),
    "leaky_relu": Activation(
        "leaky ReLU",
        _leaky_relu,
        _leaky_relu_slope,
        _leaky_relu_slope_from_value,
        1.0,
        homogeneous=True,
        curvature=np.zeros_like,
    ),
}

ACTIVATIONS = Registry(_REGISTERED)
