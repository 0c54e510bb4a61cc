"""The cross-entropy: yhat_t = softmax(o_t), E_t = -log yhat_t[y_t], in nats.

Its forms are its own: logits that are far apart must not cost digits, and the logits of a large
vocabulary are what training spends most of its time with.
"""

from math import prod

import numpy as np

from ...numerics.population import (
    LONGEST_SUM,
    Weights,
    by_net,
    gathered,
    outer_products,
    product,
    runs,
)
from ..readout import stretches
from .loss import Loss

# So many logits at a time stay in the processor's cache.
CACHED_LOGITS = 131_072
LARGEST_SAFE_EXPONENT = {np.dtype(np.float32): 80.0, np.dtype(np.float64): 600.0}


class CrossEntropy(Loss):
    """The cross-entropy of classes."""

    of_classes = True
    unit = "nats"

    def value(self, outputs, targets):
        """Return the surprise at the target's class."""
        logits = outputs - outputs.max(axis=-1, keepdims=True)
        right = np.take_along_axis(logits, targets[..., None], axis=-1)[..., 0]
        return np.log(np.exp(logits, out=logits).sum(axis=-1)) - right

    def hits(self, outputs, targets):
        """Tell whether the largest logit is the target's."""
        return outputs.argmax(axis=-1) == targets

    @property
    def right(self):
        """When an answer counts as right."""
        return "the most probable class is the target's"

    def baseline(self, known, asked, outputs):
        """Return the facts of who knows how frequent the classes are in the training part.

        One is added to each count (Laplace's rule of succession), so that no class is impossible.
        """
        counts = np.bincount(known.ravel(), minlength=outputs) + 1.0
        losses = np.log(counts.sum() / counts)[asked]
        return {
            "baselines": {"the class frequencies": float(losses.mean())},
            "chance_accuracy": float((asked == counts.argmax()).mean()),
        }

    def readout(self, loss_mask, batch, weights, state_bound=np.inf):
        """Return the read-out that works on logits in chunks."""
        return SoftmaxReadout(loss_mask, batch, weights, state_bound)

    def at_any_scale(self, products, bias, power, targets):
        """Take the largest logit off before the power of two, so that none overflows."""
        logits = products
        logits += np.ldexp(1.0, -power)[:, None] * bias
        hits = self.hits(logits, targets)
        logits -= logits.max(axis=1, keepdims=True)
        if power.any():
            with np.errstate(over="ignore"):  # a logit far below the largest: probability 0
                np.ldexp(logits, power[:, None], out=logits)
        target = np.arange(len(targets)), targets
        right = logits[target]
        slope = np.exp(logits, out=logits)
        # softmax - onehot is, at the target, minus the sum of the other probabilities: taken so, it
        # keeps its digits where the net is sure and 1 - softmax cancels.
        slope[target] = 0.0
        wrong = slope.sum(axis=1)
        total = wrong + np.exp(right)
        slope[target] = -wrong
        slope /= (total * len(targets))[:, None]
        return np.log(total) - right, hits, slope, np.zeros_like(power)


class SoftmaxReadout:
    """Loss, accuracy and gradient of the read-out.

    Logits are worked on in chunks, some nets and a run of steps at a time.  The steps are cut
    without regard to the size of the population, so that a net's sums are always the same.

    Parameters
    ----------
    loss_mask : (T,) bool, the steps M that carry a loss.
    batch : B.
    weights : the population's; `W_s` (P, V, N) and `b_s` (P, V) are used.
    state_bound : no state is larger; inf where that is not known beforehand.
    """

    def __init__(
        self, loss_mask: np.ndarray, batch: int, weights: Weights, state_bound: float = np.inf
    ):
        population, outputs, size = weights["W_s"].shape
        longest = max(1, min(CACHED_LOGITS // outputs, LONGEST_SUM) // batch)
        cut = [run for steps in stretches(loss_mask) for run in runs(steps, longest)]
        rows = max(run.stop - run.start for run in cut) * batch
        together = min(population, max(1, CACHED_LOGITS // (rows * outputs)))
        groups = runs(range(population), together)
        self.chunks = [(nets, run) for nets in groups for run in cut]
        self.weights = weights
        self.state_bound = state_bound
        self.loss_mask = loss_mask
        self.count = int(loss_mask.sum()) * batch
        dtype = weights.flat.dtype
        self._logits = np.empty(together * rows * outputs, dtype)
        self._row_starts = np.arange(0, self._logits.size, outputs)
        self._ones = np.ones(max(outputs, rows), dtype)
        self._transposed = np.empty((population, size, outputs), dtype)
        self._slope = np.empty_like(self._transposed)
        self._rows = np.empty(together * rows * size, dtype)
        self._run_slope = np.empty((together, size, outputs), dtype)

    def loss(self, states: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return each row's loss and whether the largest logit is the target's.

        Parameters
        ----------
        states : (T+1, B, P, N).
        targets : (T, B, P) int.

        Returns
        -------
        losses (P, |M|, B) float64 and hits (P, |M|, B) bool.
        """
        shift = self._prepare(states)
        losses, hits = np.empty(targets.shape), np.empty(targets.shape, bool)
        for nets, run in self.chunks:
            logits, wanted = self._logits_of(states, targets, nets, run, shift)
            here = len(logits), -1, targets.shape[1]
            largest = logits.argmax(axis=2) + self._starts(wanted)
            hits[run, :, nets] = (largest == wanted).reshape(here).transpose(1, 2, 0)
            rows, _ = self._exponentials(logits, wanted)
            losses[run, :, nets] = rows.reshape(here).transpose(1, 2, 0)
        return losses[self.loss_mask].transpose(2, 0, 1), hits[self.loss_mask].transpose(2, 0, 1)

    def backward(
        self, states: np.ndarray, targets: np.ndarray, gradient: np.ndarray, slopes: Weights
    ) -> np.ndarray:
        """Write the gradient of the mean loss and return that loss.

        Parameters
        ----------
        states : (T+1, B, P, N).
        targets : (T, B, P) int.
        gradient : (T, B, P, N), overwritten by e_t = dE/dh_t through E_t alone.
        slopes : the population's gradient; its `W_s` and `b_s` are overwritten.

        Returns
        -------
        (P,) float64, the mean loss of each net.
        """
        shift = self._prepare(states)
        loss = np.zeros(len(shift))
        gradient[~self.loss_mask] = 0.0
        slopes["b_s"][...] = 0.0
        self._slope[...] = 0.0
        for nets, run in self.chunks:
            logits, wanted = self._logits_of(states, targets, nets, run, shift)
            losses, totals = self._exponentials(logits, wanted)
            loss[nets] += losses.sum(axis=1, dtype=np.float64)
            # softmax - onehot = (exponentials - totals onehot) / totals; then the mean's 1/count
            errors = logits
            errors.reshape(-1)[wanted] -= totals
            errors *= (1.0 / self.count / totals)[..., None]
            product(errors, self.weights["W_s"][nets], out=by_net(gradient[run])[nets])
            slopes["b_s"][nets] += np.matmul(self._ones[: errors.shape[1]], errors)
            slope = self._run_slope[: len(errors)]
            rows = gathered(by_net(states[1:][run])[nets], self._rows)
            outer_products(rows, errors, out=slope)
            self._slope[nets] += slope
        np.copyto(slopes["W_s"], self._slope.swapaxes(1, 2))
        return loss / self.count

    def _prepare(self, states: np.ndarray) -> np.ndarray:
        """Copy W_s^T and tell which nets' logits need their maximum taken off, (P,) bool."""
        matrix, bias = self.weights["W_s"], self.weights["b_s"]
        np.copyto(self._transposed, matrix.swapaxes(1, 2))
        largest = self.state_bound
        if np.isinf(largest):
            largest = np.maximum(states.max(axis=(0, 1)), -states.min(axis=(0, 1))).max(axis=1)
        largest = np.abs(matrix).sum(axis=2).max(axis=1) * largest + np.abs(bias).max(axis=1)
        return ~(largest < LARGEST_SAFE_EXPONENT[matrix.dtype])

    def _logits_of(self, states, targets, nets, run, shift):
        """Logits (P', R, V) of a chunk, and where the target's lie in them, flat: (P', R)."""
        rows = by_net(states[1:][run])[nets]
        shape = *rows.shape[:2], self._transposed.shape[2]
        logits = self._logits[: prod(shape)].reshape(shape)
        product(rows, self._transposed[nets], out=logits)
        logits += self.weights["b_s"][nets, None, :]
        if shift[nets].any():
            logits -= np.where(shift[nets, None, None], logits.max(axis=2, keepdims=True), 0.0)
        wanted = targets[run, :, nets].reshape(shape[1], shape[0]).T
        return logits, wanted + self._starts(wanted)

    def _starts(self, wanted):
        """Return where each row of logits begins, flat: (P', R)."""
        return self._row_starts[: wanted.size].reshape(wanted.shape)

    def _exponentials(self, logits, wanted):
        """Exponentiate in place; return losses (P', R) and the sums over the row (P', R)."""
        chosen = logits.reshape(-1)[wanted]
        np.exp(logits, out=logits)
        totals = np.matmul(logits, self._ones[: logits.shape[2]])
        return np.log(totals) - chosen, totals
