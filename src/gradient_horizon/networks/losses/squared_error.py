"""The squared error: E_t = ||o_t - y_t||^2.

The squares are summed over the outputs and not halved, so that dE_t/do_t = 2 (o_t - y_t).
"""

import numpy as np

from ...numerics import scaled
from .loss import Loss, difference


class SquaredError(Loss):
    """The squared error of numbers."""

    label = "mean squared error"

    def value(self, outputs, targets):
        """Return the squares summed over the outputs."""
        return np.square(difference(outputs, targets), dtype=np.float64).sum(axis=-1)

    def slope(self, outputs, targets):
        """Return twice the difference."""
        return 2.0 * difference(outputs, targets)

    def total(self, outputs, targets):
        """Return the sum of all squares, outputs and rows in one go."""
        return np.square(difference(outputs, targets), dtype=np.float64).sum(axis=(1, 2))

    def at_any_scale(self, products, bias, power, targets):
        """Take the difference in units of the state's power of two, as the products are."""
        off = products + np.ldexp(1.0, -power)[:, None] * (bias - targets)
        with np.errstate(over="ignore"):
            distance = np.abs(np.ldexp(off, power[:, None]))
            values = np.square(distance).sum(axis=1)
        power = power.copy()
        scaled.normalise(off, power)
        hits = (distance < self.tolerance).all(axis=1)
        return values, hits, 2.0 / len(off) * off, power
