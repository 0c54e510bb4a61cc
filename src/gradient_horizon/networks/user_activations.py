"""Activations of the user's own: a function and its derivative, imported by their names.

`my_activations:mish` is the function `mish` of the module `my_activations`, and `mish_slope` beside
it is its derivative.
"""

from collections.abc import Callable

import numpy as np

from ..ground import imports
from ..ground.imports import SEPARATOR

SLOPE = "_slope"
ALLOWED = (
    "`module:function`, at most 100 letters without accents, digits and underscores, of a module "
    "in this folder or the environment that has `function` and `function_slope`"
)

# The forward pass takes an activation to lie on its asymptotes from this |a| on.
FARTHEST = 2.0**500
# What is larger beyond this |a| than before it, by more than this, has no bound.
BEND = 2.0**250
ROUNDING = 1e-9

# Where the largest slope and value are looked for: activations have their structure near 0.
FINE = np.linspace(-40.0, 40.0, 80_001)
TAIL = np.geomspace(40.0, FARTHEST, 2000)
PLACES = np.concatenate([-TAIL[:0:-1], FINE, TAIL[1:]])
# The highest places of the grid that are looked at more closely, so many times 50-fold.
PEAKS, REFINEMENTS = 8, 7


def load(name: str) -> dict:
    """Import an activation and find its bounds.

    Parameters
    ----------
    name : `module:function`.

    Returns
    -------
    The attributes of `activations.Activation`.  The bounds are the largest |phi'| and |phi| for
    |a| <= 2^500 on a grid, refined around its highest places: exact to rounding but for peaks
    narrower than the grid, 0.001 near 0.  Where phi still grows beyond 2^250 its bound is inf.

    Raises
    ------
    UserCodeError : the module cannot be imported or lacks one of the two functions.
    """
    return from_functions(imports.label(name), *functions(name))


def from_functions(label: str, value: Callable, slope: Callable) -> dict:
    """Return what `load` does, of a function and its derivative."""
    value, slope = elementwise(value), elementwise(slope)
    size, beyond = np.abs(value(PLACES)), np.abs(PLACES) > BEND
    rises = size[beyond].max() > (1.0 + ROUNDING) * size[~beyond].max()
    return {
        "label": label,
        "value": value,
        "slope": slope,
        "slope_from_value": None,
        "slope_bound": _largest(slope),
        "value_bound": np.inf if rises else _largest(value),
    }


def functions(name: str) -> tuple[Callable, Callable]:
    """Import a function and its derivative.

    Raises
    ------
    UserCodeError : the name is none, the module cannot be imported or lacks one of the two.
    """
    module, key = imports.user_module(name, ALLOWED), name.partition(SEPARATOR)[2]
    value, slope = (getattr(module, wanted, None) for wanted in (key, key + SLOPE))
    if not callable(value):
        pairs = [one for one in vars(module) if callable(getattr(module, one + SLOPE, None))]
        raise imports.not_found(module, "function", key, ALLOWED, pairs)
    if not callable(slope):
        raise imports.not_found(module, "function", key + SLOPE, ALLOWED)
    return value, slope


def elementwise(function: Callable) -> Callable:
    """Turn a function of an array into one that keeps its precision and takes `out`."""

    def call(a, out=None):
        with np.errstate(all="ignore"):
            result = function(a)
            out = np.empty_like(a) if out is None else out
            out[...] = result
        return out

    return call


def _largest(function: Callable) -> float:
    """Largest |f| for |a| <= 2^500, as far as a grid and its refinements show."""
    size = np.abs(function(PLACES))
    largest = size.max()
    inner = size[1:-1]
    tops = 1 + np.flatnonzero((inner >= size[:-2]) & (inner >= size[2:]))
    for top in tops[np.argsort(size[tops], kind="stable")[-PEAKS:]]:
        low, high = PLACES[top - 1], PLACES[top + 1]
        for _ in range(REFINEMENTS):
            closer = np.linspace(low, high, 101)
            size_there = np.abs(function(closer))
            place = size_there.argmax()
            largest = max(largest, size_there[place])
            low, high = closer[max(place - 1, 0)], closer[min(place + 1, 100)]
    return float(largest)
