"""What every loss has in common.

E_t is a function of o_t = W_s h_t + b_s, O numbers, and of the target y_t; E is its mean over the
steps t in M and over B.
"""

import numpy as np

from ...numerics.population import Weights
from ..readout import Readout


class Loss:
    """One loss.

    A loss defines `value` and `slope`, and `hits`, `right` and `baseline` where those here do not
    suit it.
    From these follow `readout`, for training, and `at_any_scale`, for measuring, which it may
    override with a faster or a more careful form.

    Parameters
    ----------
    tolerance : an answer is right where every number is nearer to its target; with 0 none is.

    Attributes
    ----------
    of_classes : whether targets are classes, (...) int, or numbers, (..., O) float.
    label, unit : what the loss is called in a sentence, and its unit, such as nats, if it has one.
    """

    of_classes = False
    label = "loss"
    unit = ""

    def __init__(self, tolerance: float = 0.0):
        self.tolerance = tolerance

    def value(self, outputs: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """Return E_t (...), in float64.

        Parameters
        ----------
        outputs : (..., O), o_t, of any float precision; not to be changed.
        targets : (...) int or (..., O) float64, y_t.
        """
        raise NotImplementedError

    def slope(self, outputs: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """Return dE_t/do_t (..., O), for arrays as `value` takes them."""
        raise NotImplementedError

    def hits(self, outputs: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """Tell whether answers are right, (...) bool, for arrays as `value` takes them."""
        return (np.abs(difference(outputs, targets)) < self.tolerance).all(axis=-1)

    @property
    def right(self) -> str:
        """When an answer counts as right, in words."""
        return f"every number is less than {self.tolerance:g} off"

    def total(self, outputs: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """Return the sum of E_t over rows (P, R, ...): (P,)."""
        return self.value(outputs, targets).sum(axis=1)

    def baseline(self, known: np.ndarray, asked: np.ndarray, outputs: int) -> dict:
        """Return the facts of who gives the same answer whatever is read.

        Parameters
        ----------
        known, asked : (|M|, S) int or (|M|, S, O) float, targets of the training and of the
            held-out part.
        outputs : O, or how many classes there are.

        Returns
        -------
        `baselines`, the loss by the name of the answer, and `chance_accuracy`; here of the mean of
        the training part.
        """
        mean = np.broadcast_to(known.mean(axis=(0, 1)), asked.shape)
        return {
            "baselines": {"the training mean": float(self.value(mean, asked).mean())},
            "chance_accuracy": float(self.hits(mean, asked).mean()),
        }

    def readout(
        self, loss_mask: np.ndarray, batch: int, weights: Weights, state_bound: float = np.inf
    ):
        """Return the read-out of a population for training: `readout.Readout`, or one as fast.

        Parameters
        ----------
        loss_mask : (T,) bool, the steps M that carry a loss.
        batch : B.
        weights : the population's.
        state_bound : no state is larger; inf where that is not known beforehand.
        """
        return Readout(self, loss_mask, batch, weights)

    def at_any_scale(
        self, products: np.ndarray, bias: np.ndarray, power: np.ndarray, targets: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Return loss and slope of states too large or too small for a float, for measuring.

        Here an output beyond the floating-point numbers is infinite: enough where `value` and
        `slope` can be taken there.

        Parameters
        ----------
        products : (R, O) float64, W_s h_t in units of 2**power; may be overwritten.
        bias : (O,), b_s.
        power : (R,) int.
        targets : (R,) int or (R, O) float64.

        Returns
        -------
        values : (R,), E_t; inf where it leaves the floating-point numbers.
        hits : (R,) bool.
        slope, slope_power : (R, O) and (R,), the derivative of E, the mean over the R rows, by o_t
            is slope * 2**slope_power.
        """
        with np.errstate(over="ignore"):
            outputs = np.ldexp(products, power[:, None]) + bias
        slope = self.slope(outputs, targets) / len(outputs)
        hits = self.hits(outputs, targets)
        return self.value(outputs, targets), hits, slope, np.zeros_like(power)


def difference(outputs: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Return answers less targets (..., O), in the precision of `outputs`."""
    return np.subtract(outputs, targets, out=np.empty_like(outputs))
