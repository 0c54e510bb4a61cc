"""What is wrong with the user's own activations, found before any job starts.

A function is one that the pipeline can use if it is elementwise, finite, without jumps, has the
derivative that is said to be its own, and is in the long run no steeper than a straight line.
"""

from collections.abc import Callable

import numpy as np

from ..ground.imports import GUESS, SEPARATOR, UserCodeError, described, label
from ..ground.names import nearest
from .activations import ACTIVATIONS, Activation
from .user_activations import FARTHEST, PLACES, SLOPE, from_functions, functions

EPS = np.finfo(np.float64).eps
# The derivative is compared at these places, whole numbers and simple fractions among them.
COMPARED = np.concatenate([np.linspace(-100.0, 100.0, 20_001), np.linspace(-10.003, 9.997, 5_000)])
STEP = 1e-5
# Derivative and quotient may differ by this part of the largest slope, besides rounding: what the
# quotients leave out, STEP^2 phi''' / 3, is less as long as phi''' is below 3e4.
TOLERANCE = 1e-6
# Larger numbers have squares that leave single precision; nets that reach them have diverged.
LARGEST_SINGLE = 1e18
SINGLE_TOLERANCE = 1e-4
# On both sides of 0, an activation without bounds lies on straight lines at and beyond these |a|.
FAR = np.array([1e5, 1e10, 2.0**100, FARTHEST])
# States that are no larger part of their pre-activations than this cannot run away.
SUBLINEAR = 2.0**-100
SHAPES = ((30,), (5, 6), (2, 3, 5), (1, 1), (0, 3))


def problem(name: str) -> str | None:
    """Say what is wrong with `module:function`, and what is allowed; None if nothing is."""
    try:
        checked(name.partition(SEPARATOR)[2], *functions(name), label(name))
    except UserCodeError as error:
        message = str(error)
        if GUESS not in message:
            message += nearest(name.strip(SEPARATOR), ACTIVATIONS)
        return message
    except Exception as error:
        return f"the module cannot be used: {described(error)}; allowed: one that raises nothing"
    return None


def checked(name: str, value: Callable, slope: Callable, label: str) -> Activation:
    """Make an activation of a function and its derivative that nets can use.

    Parameters
    ----------
    name : what the function is called.
    value, slope : phi and phi'.
    label : how figures and tables name it.

    Raises
    ------
    UserCodeError : they are no such functions.
    """
    for part, call in ((name, value), (name + SLOPE, slope)):
        _check_array(part, call)
        _check_elementwise(part, call)
    phi = Activation(**from_functions(label, value, slope))
    _check_derivative(name, phi)
    _check_jumps(name, phi)
    if np.isinf(phi.value_bound):
        _check_asymptotes(name, phi)
    return phi


def _called(name: str, function: Callable, a: np.ndarray) -> np.ndarray:
    """Call a function of the user's on a copy of `a`.

    Raises
    ------
    UserCodeError : it raises, changes its argument or returns something else than real
        numbers in the shape of `a`.
    """
    given = a.copy()
    try:
        with np.errstate(all="ignore"):
            result = function(given)
    except (Exception, SystemExit) as error:
        raise UserCodeError(
            f"{name} of an array of shape {a.shape} raises {described(error)}; allowed: a "
            "function of NumPy arrays of every shape"
        ) from error
    if not np.array_equal(given, a):
        raise UserCodeError(f"{name} changes its argument; allowed: to return a new array")
    if not isinstance(result, np.ndarray | np.generic) or result.dtype.kind not in "fiub":
        kind = getattr(result, "dtype", type(result).__name__)
        raise UserCodeError(
            f"{name} returns {kind}; allowed: a NumPy array of real numbers, float32 or float64"
        )
    if result.shape != a.shape:
        raise UserCodeError(
            f"{name} of an array of shape {a.shape} has shape {result.shape}; allowed: the same"
        )
    return result.astype(np.float64)


def _check_array(name: str, function: Callable) -> None:
    """Refuse what is not a finite array for an array, in both precisions."""
    single = PLACES[np.abs(PLACES) <= LARGEST_SINGLE].astype(np.float32)
    for a in (np.array([-0.5, 0.0, 0.5]), PLACES, single):
        result = _called(name, function, a)
        bad = np.flatnonzero(~np.isfinite(result))
        if len(bad):
            place = bad[np.abs(a[bad]).argmin()]
            raise UserCodeError(
                f"{name} is {result[place]} at a = {a[place]:.6g} in {a.dtype}; allowed: finite "
                "from -2^500 to 2^500 in float64 and -1e18 to 1e18 in float32, and so no steeper "
                "than a straight line"
            )
    expected = _called(name, function, single.astype(np.float64))
    # Beside a jump of the slope a constant that is rounded may put `a` on the other side of it.
    around = np.lib.stride_tricks.sliding_window_view(expected, 3)
    low, high, inner = around.min(axis=1), around.max(axis=1), result[1:-1]
    off = np.maximum(low - inner, inner - high) - SINGLE_TOLERANCE * (1.0 + np.abs(around[:, 1]))
    if off.max() > 0.0:
        place = off.argmax()
        raise UserCodeError(
            f"{name} at a = {single[place + 1]:.6g} is {inner[place]:.6g} in float32 and "
            f"{around[place, 1]:.6g} in float64; allowed: the same to {SINGLE_TOLERANCE:g}"
        )


def _check_elementwise(name: str, function: Callable) -> None:
    """Refuse what depends on other entries, on the place in the array or on the time."""
    a = np.random.default_rng(0).normal(0.0, 3.0, 30)
    expected = np.concatenate([_called(name, function, a[i : i + 1]) for i in range(len(a))])
    for shape in SHAPES:
        part = a[: int(np.prod(shape))]
        result = _called(name, function, part.reshape(shape)).ravel()
        # Vector instructions may round otherwise than what is left over.
        error = np.abs(result - expected[: len(part)])
        if (error > 1e-12 * (1.0 + np.abs(result))).any():
            place = error.argmax()
            raise UserCodeError(
                f"{name} at a = {part[place]:.6g} is {result[place]:.6g} in an array and "
                f"{expected[place]:.6g} alone; allowed: an elementwise function, always the same"
            )


def _check_derivative(name: str, phi: Activation) -> None:
    """Compare the derivative with differences to the left and to the right.

    Where these differ there is a kink, and any slope from the one to the other is a derivative;
    elsewhere their mean is the central difference.
    """
    a, middle = COMPARED, phi.value(COMPARED)
    right, left = (
        (4.0 * phi.value(a + step) - phi.value(a + 2.0 * step) - 3.0 * middle) / (2.0 * step)
        for step in (STEP, -STEP)
    )
    rounding = 16.0 * EPS * (np.abs(middle) + (np.abs(a) + 1.0) * phi.slope_bound) / STEP
    tolerance = TOLERANCE * phi.slope_bound + rounding
    slope = phi.slope(a)
    off = np.maximum(np.minimum(left, right) - slope, slope - np.maximum(left, right)) - tolerance
    if off.max() > 0.0:
        place = off.argmax()
        raise UserCodeError(
            f"{name}{SLOPE} is {slope[place]:.6g} at a = {a[place]:.6g}, where differences of "
            f"{name} give {0.5 * (left[place] + right[place]):.6g}; allowed: its derivative, to "
            f"{TOLERANCE:g} of the largest slope"
        )


def _check_jumps(name: str, phi: Activation) -> None:
    """Refuse what does not rise, or more between two places than the largest slope allows."""
    value = phi.value(PLACES)
    rise, run = np.abs(np.diff(value)), np.diff(PLACES)
    size = np.maximum(np.abs(value[1:]), np.abs(value[:-1]))
    rounding = 16.0 * EPS * (size + phi.slope_bound * np.abs(PLACES[1:]))
    steep = np.flatnonzero(rise > phi.slope_bound * run * (1.0 + TOLERANCE) + rounding)
    if len(steep):
        place = steep[np.abs(PLACES[steep]).argmin()]
        raise UserCodeError(
            f"{name} rises by {rise[place]:.6g} from a = {PLACES[place]:.6g} to "
            f"{PLACES[place + 1]:.6g}, and {name}{SLOPE} nowhere exceeds {phi.slope_bound:.6g}; "
            "allowed: a function without jumps"
        )
    if phi.slope_bound == 0.0:
        raise UserCodeError(f"{name} is constant: nothing can be learnt; allowed: any other")


def _check_asymptotes(name: str, phi: Activation) -> None:
    """Refuse what has no bounds and is, far from 0, neither two lines nor slower than a line."""
    if np.abs(phi.value(np.array([-FARTHEST, FARTHEST]))).max() <= SUBLINEAR * FARTHEST:
        return
    for side in (-1.0, 1.0):
        a = side * FAR
        value, slope = phi.value(a), phi.slope(a)
        if abs(slope[-1]) > TOLERANCE * phi.slope_bound:
            straight = abs(slope - slope[-1]).max() <= TOLERANCE * abs(slope[-1])
            straight &= abs(value[-1] - slope[-1] * a[-1]) <= TOLERANCE * abs(value[-1])
        else:
            straight = abs(value[-2] - value[-1]) <= 1e-12 * max(1.0, abs(value[-1]))
            straight &= abs(slope).max() <= TOLERANCE * phi.slope_bound
        if not straight:
            raise UserCodeError(
                f"{name} is no straight line from a = {a[0]:g} on, where its slope is "
                f"{slope[0]:.6g} and at {a[1]:g} is {slope[1]:.6g}; allowed: straight or level on "
                "both sides, or growing slower than a straight line on both"
            )
