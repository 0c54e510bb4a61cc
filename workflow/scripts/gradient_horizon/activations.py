"""Activation functions: values, exact slopes, and the supremum of the slope.

A new activation is one entry of `ACTIVATIONS`; it then appears in the configuration's allowed
values, in the figures and in the documentation.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Activation:
    """An elementwise activation phi and its slope phi'.

    Attributes
    ----------
    label : how figures and tables name it.
    value : `value(a, out=None)` is phi(a).
    slope : `slope(a)` is phi'(a) without cancellation, for measuring at any |a|.
    slope_from_value : `slope_from_value(h, out=None)` is phi'(a) given h = phi(a): fewer
        operations, for training.  Unlike that of `value`, `out` must not be the argument itself.
    slope_bound : sup phi', the gamma of Pascanu, Mikolov and Bengio (2013), section 2.1.
    value_bound : sup |phi|.
    homogeneous : whether phi(c a) = c phi(a) for every c > 0, so that states of any size can be
        carried with a separate exponent.
    """

    label: str
    value: Callable
    slope: Callable
    slope_from_value: Callable
    slope_bound: float
    value_bound: float = np.inf
    homogeneous: bool = False


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


def _sigmoid_slope_from_value(h, out=None):
    out = np.multiply(h, h, out=out)
    return np.subtract(h, out, out=out)


def _tanh_slope(a):
    """sech^2 a by exp(-|a|); 1 - tanh^2 a would be exactly 0 beyond |a| = 19."""
    decay = np.square(np.exp(-np.abs(a)))
    return 4.0 * decay / np.square(1.0 + decay)


def _tanh_slope_from_value(h, out=None):
    out = np.multiply(h, h, out=out)
    return np.subtract(1.0, out, out=out)


def _softsign(a, out=None):
    magnitude = np.abs(a)
    magnitude += 1.0
    return np.divide(a, magnitude, out=out)


def _softsign_slope(a):
    return np.square(1.0 / (1.0 + np.abs(a)))  # the other way round the square overflows


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


ACTIVATIONS = {
    "sigmoid": Activation(
        "sigmoid", _sigmoid, _sigmoid_slope, _sigmoid_slope_from_value, 0.25, value_bound=1.0
    ),
    "tanh": Activation("tanh", np.tanh, _tanh_slope, _tanh_slope_from_value, 1.0, value_bound=1.0),
    "relu": Activation("ReLU", _relu, _relu_slope, _relu_slope_from_value, 1.0, homogeneous=True),
    "softsign": Activation(
        "softsign", _softsign, _softsign_slope, _softsign_slope_from_value, 1.0, value_bound=1.0
    ),
    "linear": Activation(
        "linear", _linear, np.ones_like, _linear_slope_from_value, 1.0, homogeneous=True
    ),
}
