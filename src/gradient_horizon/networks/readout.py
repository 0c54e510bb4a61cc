"""The output side of a population: W_s h_t + b_s, its loss and its gradient, for any loss."""

from math import prod

import numpy as np

from ..numerics.population import LONGEST_SUM, Weights, by_net, outer_products, product, runs


def shapes(hidden_size: int, output_size: int) -> dict[str, tuple[int, ...]]:
    """Shapes of the read-out's weights in one net."""
    return {"W_s": (output_size, hidden_size), "b_s": (output_size,)}


class Readout:
    """Loss, accuracy and gradient of the read-out of a population, for training.

    Parameters
    ----------
    form : the loss, a `losses.loss.Loss`.
    loss_mask : (T,) bool, the steps M that carry a loss.
    batch : B.
    weights : the population's; `W_s` (P, O, N) and `b_s` (P, O) are used.
    """

    def __init__(self, form, loss_mask: np.ndarray, batch: int, weights: Weights):
        population, outputs, size = weights["W_s"].shape
        longest = max(1, LONGEST_SUM // batch)
        self.runs = [run for steps in stretches(loss_mask) for run in runs(steps, longest)]
        rows = max(run.stop - run.start for run in self.runs) * batch
        self.form = form
        self.weights = weights
        self.loss_mask = loss_mask
        self.count = int(loss_mask.sum()) * batch
        dtype = weights.flat.dtype
        self._outputs = np.empty(population * rows * outputs, dtype)
        self._rows = np.empty(population * rows * size, dtype)
        self._ones = np.ones(rows, dtype)
        self._columns = np.empty((population, size, outputs), dtype)
        self._slope = np.empty_like(self._columns)
        self._term = np.empty_like(self._columns)

    def loss(self, states: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return each row's loss and whether the answer is right.

        Parameters
        ----------
        states : (T+1, B, P, N).
        targets : (T, B, P) int or (T, B, P, O) float.

        Returns
        -------
        losses (P, |M|, B) float64 and hits (P, |M|, B) bool.
        """
        losses, hits = np.empty(targets.shape[:3]), np.empty(targets.shape[:3], bool)
        np.copyto(self._columns, self.weights["W_s"].swapaxes(1, 2))
        for run in self.runs:
            _, outputs, wanted = self._outputs_of(states, targets, run)
            here = len(outputs), -1, targets.shape[1]
            losses[run] = self.form.value(outputs, wanted).reshape(here).transpose(1, 2, 0)
            hits[run] = self.form.hits(outputs, wanted).reshape(here).transpose(1, 2, 0)
        return losses[self.loss_mask].transpose(2, 0, 1), hits[self.loss_mask].transpose(2, 0, 1)

    def backward(
        self, states: np.ndarray, targets: np.ndarray, gradient: np.ndarray, slopes: Weights
    ) -> np.ndarray:
        """Write the gradient of the mean loss and return that loss.

        Parameters
        ----------
        states : (T+1, B, P, N).
        targets : (T, B, P) int or (T, B, P, O) float.
        gradient : (T, B, P, N), overwritten by e_t = dE/dh_t through E_t alone.
        slopes : the population's gradient; its `W_s` and `b_s` are overwritten.

        Returns
        -------
        (P,) float64, the mean loss of each net.
        """
        np.copyto(self._columns, self.weights["W_s"].swapaxes(1, 2))
        loss = np.zeros(len(self._columns))
        gradient[~self.loss_mask] = 0.0
        bias = slopes["b_s"]
        bias[...] = 0.0
        self._slope[...] = 0.0
        for run in self.runs:
            rows, outputs, wanted = self._outputs_of(states, targets, run)
            loss += self.form.total(outputs, wanted)
            errors = self.form.slope(outputs, wanted).astype(outputs.dtype, copy=False)
            errors *= 1.0 / self.count
            bias += np.matmul(self._ones[: errors.shape[1]], errors)
            outer_products(rows, errors, out=self._term)
            self._slope += self._term
            product(errors, self.weights["W_s"], out=rows)
            by_net(gradient[run])[...] = rows
        np.copyto(slopes["W_s"], self._slope.swapaxes(1, 2))
        return loss / self.count

    def _outputs_of(self, states, targets, run):
        """Return the states (P, R, N) of a run of steps, the outputs (P, R, O) and the targets.

        The states are copied: a product with a single column rounds otherwise where they lie apart,
        that is, where there are more nets than one.
        """
        apart = by_net(states[1:][run])
        rows = self._rows[: apart.size].reshape(apart.shape)
        np.copyto(rows, apart)
        shape = *apart.shape[:2], self._columns.shape[2]
        outputs = self._outputs[: prod(shape)].reshape(shape)
        product(rows, self._columns, out=outputs)
        outputs += self.weights["b_s"][:, None, :]
        wanted = targets[run].reshape(-1, *targets.shape[2:]).swapaxes(0, 1)
        return rows, outputs, wanted


def stretches(mask: np.ndarray) -> list[range]:
    """Stretches of consecutive steps that carry a loss."""
    edges = np.flatnonzero(np.diff(np.r_[False, mask, False])).tolist()
    return [range(*pair) for pair in zip(edges[::2], edges[1::2], strict=True)]
