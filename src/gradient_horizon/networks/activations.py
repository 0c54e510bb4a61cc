"""Activations: values, exact slopes, and the supremum of the slope.

A new activation is one entry of `REGISTERED`; it then appears in the configuration's allowed
values, in the figures and in the documentation.  One of the user's own needs no entry: its name is
`module:function`.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..ground.registry import Registry
from . import activation_functions as phi
from . import user_activations

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


REGISTERED = {
    "sigmoid": Activation(
        "sigmoid",
        phi.sigmoid,
        phi.sigmoid_slope,
        phi.sigmoid_slope_from_value,
        0.25,
        value_bound=1.0,
        curvature=phi.sigmoid_curvature,
    ),
    "tanh": Activation(
        "tanh",
        np.tanh,
        phi.tanh_slope,
        phi.tanh_slope_from_value,
        1.0,
        value_bound=1.0,
        curvature=phi.tanh_curvature,
    ),
    "relu": Activation(
        "ReLU",
        phi.relu,
        phi.relu_slope,
        phi.relu_slope_from_value,
        1.0,
        homogeneous=True,
        curvature=np.zeros_like,
    ),
    "softsign": Activation(
        "softsign",
        phi.softsign,
        phi.softsign_slope,
        phi.softsign_slope_from_value,
        1.0,
        value_bound=1.0,
        curvature=phi.softsign_curvature,
    ),
    "linear": Activation(
        "linear",
        phi.linear,
        np.ones_like,
        phi.linear_slope_from_value,
        1.0,
        homogeneous=True,
        curvature=np.zeros_like,
    ),
    "softplus": Activation(
        # The slope is the sigmoid of a, which approaches 1.
        "softplus",
        phi.softplus,
        phi.softplus_slope,
        phi.softplus_slope_from_value,
        1.0,
        curvature=phi.sigmoid_slope,
    ),
    "elu": Activation(
        "ELU",
        phi.elu,
        phi.elu_slope,
        phi.elu_slope_from_value,
        1.0,
        curvature=phi.elu_curvature,
    ),
    "gelu": Activation(
        # GELU'' = (2 - a^2) Phi'(a) is zero at sqrt 2: Phi(sqrt 2) + sqrt 2 Phi'(sqrt 2).
        "GELU",
        phi.gelu,
        phi.gelu_slope,
        None,
        0.5 * (1.0 + math.erf(1.0)) + math.exp(-1.0) / math.sqrt(math.pi),
        curvature=phi.gelu_curvature,
    ),
    "silu": Activation(
        # sigmoid(a) + a sigmoid'(a) where tanh(a / 2) = 2 / a, of which both are functions.
        "SiLU",
        phi.silu,
        phi.silu_slope,
        None,
        0.5 + 0.25 * SILU_STEEPEST,
        curvature=phi.silu_curvature,
    ),
    "hard_tanh": Activation(
        "hard tanh",
        phi.hard_tanh,
        phi.hard_tanh_slope,
        phi.hard_tanh_slope_from_value,
        1.0,
        value_bound=1.0,
        curvature=np.zeros_like,
    ),
    "erf": Activation(
        # The slope is largest at 0.
        "erf",
        phi.erf,
        phi.erf_slope,
        None,
        2.0 / math.sqrt(math.pi),
        value_bound=1.0,
        curvature=phi.erf_curvature,
    ),
    "leaky_relu": Activation(
        "leaky ReLU",
        phi.leaky_relu,
        phi.leaky_relu_slope,
        phi.leaky_relu_slope_from_value,
        1.0,
        homogeneous=True,
        curvature=np.zeros_like,
    ),
}


def _own(name: str) -> Activation:
    return Activation(**user_activations.load(name))


ACTIVATIONS = Registry("activation", REGISTERED, _own)
