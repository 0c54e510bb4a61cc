"""An activation of the user's own, made of two functions."""

from collections.abc import Callable

from ..ground.imports import UserCodeError
from ..networks import activations, user_activation_checks
from .catalogues import called


class Activation(activations.Activation):
    """An activation of one's own.

    Its bounds, the largest slope and value, are looked for on a grid that is refined around its
    highest places: exact to rounding but for peaks narrower than 0.001 near 0.

    Parameters
    ----------
    value : phi, a function of a NumPy array of any shape, float32 or float64, that works on every
        entry for itself.
    slope : its derivative, likewise; at a kink any slope between those on both sides.
    label : what figures and tables call it; the name of `value` if left out.

    Raises
    ------
    ValueError : they are not elementwise, not finite, jump, are not function and derivative, or phi
        is in the long run steeper than a straight line; the message says where.

    Examples
    --------
    >>> import gradient_horizon as gh, numpy as np
    >>> def gauss(a):
    ...     return np.exp(-np.square(a))
    >>> def gauss_slope(a):
    ...     return -2.0 * a * np.exp(-np.square(a))
    >>> phi = gh.Activation(gauss, gauss_slope)
    >>> phi.label, phi.value_bound, round(phi.slope_bound, 6)
    ('gauss', 1.0, 0.857764)
    >>> gh.train("delayed_echo", activation=phi, steps=2, seeds=1).net()
    <net of 32 rnn units (gauss) with 4 outputs>

    A derivative that is none is told:

    >>> gh.Activation(gauss, np.cos)
    Traceback (most recent call last):
    ...
    ValueError: activation: gauss_slope is ...
    """

    def __init__(self, value: Callable, slope: Callable, label: str | None = None):
        for name, function in (("value", value), ("slope", slope)):
            if not callable(function):
                raise TypeError(
                    f"activation: {name} is {type(function).__name__}; allowed: a function of an "
                    "array"
                )
        name = called(value)
        label = name.replace("_", " ") if label is None else label
        try:
            made = user_activation_checks.checked(name, value, slope, label)
        except UserCodeError as error:
            raise ValueError(f"activation: {error}") from None
        super().__init__(**vars(made))
