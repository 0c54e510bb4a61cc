"""The soft-max read-out and its cross-entropy, for a whole population of nets.

yhat_t = softmax(W_s h_t + b_s),    E = mean over t in M and over B of -log yhat_t[y_t]
"""

import numpy as np

from .population import Weights, by_net

# Logits of a few steps at a time stay in the processor's cache; so many for each net, so that a
# net's sums are cut alike whatever the size of the population.
CACHED_LOGITS = 50_000
LARGEST_SAFE_EXPONENT = {np.dtype(np.float32): 80.0, np.dtype(np.float64): 600.0}


def shapes(hidden_size: int, output_size: int) -> dict[str, tuple[int, ...]]:
    """Shapes of the read-out's weights in one net."""
    return {"W_s": (output_size, hidden_size), "b_s": (output_size,)}


class SoftmaxReadout:
    """Loss, accuracy and gradient of the read-out.

    Parameters
    ----------
    loss_mask : (T,) bool, the steps M that carry a loss.
    batch : B.
    weights : the population's; `W_s` (P, V, N) and `b_s` (P, V) are used.
    """

    def __init__(self, loss_mask: np.ndarray, batch: int, weights: Weights):
        population, outputs, size = weights["W_s"].shape
        self.weights = weights
        self.batch = batch
        self.count = int(loss_mask.sum()) * batch
        self.runs = list(_runs(loss_mask, max(1, CACHED_LOGITS // (batch * outputs))))
        longest = max(stop - start for start, stop in self.runs)
        dtype = weights.flat.dtype
        rows = longest * batch
        self._logits = np.empty((population * rows * outputs), dtype)
        self._ones = np.ones(outputs, dtype)
        self._transposed = np.empty((population, size, outputs), dtype)

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
        losses, hits = [], []
        for start, stop in self.runs:
            _, target, _, totals, chosen, top = self._exponentials(
                states, targets, start, stop, shift, want_top=True
            )
            losses.append((np.log(totals) - chosen).reshape(len(totals), -1, self.batch))
            hits.append((top == target).reshape(len(totals), -1, self.batch))
        return np.concatenate(losses, axis=1).astype(np.float64), np.concatenate(hits, axis=1)

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
        scale = 1.0 / self.count
        slopes["W_s"][...] = 0.0
        slopes["b_s"][...] = 0.0
        gradient[...] = 0.0
        total_loss = np.zeros(len(states[0, 0]))
        for start, stop in self.runs:
            rows, target, exponentials, totals, chosen, _ = self._exponentials(
                states, targets, start, stop, shift
            )
            total_loss += (np.log(totals) - chosen).sum(axis=1, dtype=np.float64)
            # softmax - onehot = (exponentials - totals onehot) / totals; the division is left to
            # the narrow factors, N wide, rather than to the V wide one.
            exponentials.reshape(-1)[target + self._offsets(rows, exponentials)] -= totals
            weight = (scale / totals)[..., None]
            flipped = exponentials.swapaxes(1, 2)
            slopes["W_s"][...] += np.matmul(flipped, rows * weight)
            slopes["b_s"][...] += np.matmul(flipped, weight)[..., 0]
            errors = np.matmul(exponentials, self.weights["W_s"])
            errors *= weight
            by_net(gradient[start:stop])[...] = errors
        return total_loss * scale

    def _prepare(self, states: np.ndarray) -> np.ndarray:
        """Copy W_s^T and tell which nets' logits need their maximum taken off, (P,) bool."""
        matrix, bias = self.weights["W_s"], self.weights["b_s"]
        np.copyto(self._transposed, matrix.swapaxes(1, 2))
        largest = np.abs(states).max(axis=(0, 1)).max(axis=1)
        largest = np.abs(matrix).sum(axis=2).max(axis=1) * largest + np.abs(bias).max(axis=1)
        return ~(largest < LARGEST_SAFE_EXPONENT[matrix.dtype])

    def _offsets(self, rows: np.ndarray, exponentials: np.ndarray) -> np.ndarray:
        """Return where each row of `exponentials` begins in it, flat: (P, rows)."""
        population, count, outputs = exponentials.shape
        return np.arange(population * count).reshape(population, count) * outputs

    def _exponentials(self, states, targets, start, stop, shift, want_top=False):
        """Exponentials of the logits of steps start ... stop - 1, their sums, the target logits."""
        rows = by_net(states[start + 1 : stop + 1])
        target = targets[start:stop].reshape(-1, targets.shape[2]).T
        population, count, _ = rows.shape
        outputs = len(self._ones)
        logits = self._logits[: population * count * outputs].reshape(population, count, outputs)
        np.matmul(rows, self._transposed, out=logits)
        logits += self.weights["b_s"][:, None, :]
        top = logits.argmax(axis=2) if want_top else None
        if shift.any():
            logits -= np.where(shift[:, None, None], logits.max(axis=2, keepdims=True), 0.0)
        chosen = logits.reshape(-1)[target + self._offsets(rows, logits)]
        np.exp(logits, out=logits)
        totals = np.matmul(logits, self._ones)
        return rows, target, logits, totals, chosen, top


def _runs(mask: np.ndarray, longest: int):
    """Yield (start, stop) of consecutive steps that carry a loss, each at most `longest` long."""
    start = None
    for step, carries in enumerate([*mask.tolist(), False]):
        if carries and start is None:
            start = step
        elif start is not None and (not carries or step - start == longest):
            yield start, step
            start = step if carries else None
