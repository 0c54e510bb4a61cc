"""Training of a population: P nets side by side, each on its own data."""

from collections.abc import Callable, Iterator

import numpy as np

from ..numerics.population import Weights
from .flossing import Flossing
from .network import Network
from .optimisers import Optimiser, clip_by_global_norm, clip_by_value
from .progress import Progress


class Descent:
    """Steps of a population down its gradient.

    A net whose loss, gradient or weights leave the finite numbers is frozen at its last finite
    weights, and the others go on.

    Parameters
    ----------
    network : the nets.
    optimiser : one of `OPTIMISERS`, made.
    gradient_clip : the largest norm of a net's gradient; None for no clipping.
    gradient_clip_value : the largest entry of a net's gradient, after that; None for no clipping.
    constrain : brings the weights back to where they are to stay, after every step.

    Attributes
    ----------
    diverged_at : (P,), the step at which a net left the finite numbers; -1 where it did not.
    """

    def __init__(
        self,
        network: Network,
        optimiser: Optimiser,
        gradient_clip: float | None = None,
        gradient_clip_value: float | None = None,
        constrain: Callable[[Weights], None] | None = None,
    ):
        self.network, self.optimiser = network, optimiser
        self.gradient_clip, self.gradient_clip_value = gradient_clip, gradient_clip_value
        self.constrain = constrain
        self.diverged_at = np.full(len(network.weights.flat), -1)
        self._gradient = network.weights.zeros_like()
        self._last_finite = np.empty_like(network.weights.flat)

    @property
    def frozen(self) -> np.ndarray:
        """(P,) bool, the nets that have diverged."""
        return self.diverged_at >= 0

    def step(
        self, number: int, inputs: np.ndarray, targets: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Make one step; return the loss and the norm of the gradient before it, each (P,).

        Parameters
        ----------
        number : of the step, counted from 0.
        inputs, targets : as `Network.loss_and_gradient` takes them.
        """
        weights, gradient = self.network.weights.flat, self._gradient.flat
        self._last_finite[...] = weights
        with np.errstate(all="ignore"):
            loss = self.network.loss_and_gradient(inputs, targets, self._gradient)
            norm = clip_by_global_norm(gradient, self.gradient_clip)
            clip_by_value(gradient, self.gradient_clip_value)
            finite = np.isfinite(loss) & np.isfinite(norm)
            self.optimiser.update(weights, gradient)
            # Weights with a finite sum of squares have finite products too.
            finite &= np.isfinite(np.vecdot(weights, weights))
        self.diverged_at[~self.frozen & ~finite] = number
        # Momentum would move a frozen net on, whatever its gradient.
        self._hold_frozen()
        if self.constrain is not None:
            self.constrain(self.network.weights)
            self._hold_frozen()
        return loss, norm

    def _hold_frozen(self) -> None:
        """Take the nets that have diverged back to their last finite weights."""
        self.network.weights.flat[self.frozen] = self._last_finite[self.frozen]


def checkpoint_steps(steps: int, count: int) -> list[int]:
    """Steps at which the weights are kept: 0, `steps`, and between them evenly on a log scale."""
    spread = np.geomspace(steps, 1, count - 1)[::-1].round().astype(int)
    # The first ones round to the same step: each goes at least one beyond the one before.
    number = np.arange(count - 1)
    return [0, *(np.maximum.accumulate(spread - number) + number).tolist()]


def train(
    descent: Descent,
    streams: list[Iterator[tuple[np.ndarray, np.ndarray]]],
    evaluation: tuple[np.ndarray, np.ndarray],
    steps: int,
    checkpoints: int,
    flossing: Flossing | None = None,
    say: Callable[[str], None] = print,
) -> dict[str, np.ndarray]:
    """Train a population.

    Parameters
    ----------
    descent : the nets, and how they step down their gradient.
    streams : for each net, an endless iterator of inputs and targets of batches.
    evaluation : inputs and targets (T, S) int that no net is trained on, or (T, S, D) and
        (T, S, O) float.
    steps : how many there are.
    checkpoints : K, how often the weights are kept.
    flossing : what is done before training and in episodes during it; None for nothing.
    say : receives the lines of progress.

    Returns
    -------
    The arrays of `train.npz`: `step` (K,), every weight (K, P, ...), `loss` and `gradient_norm`
    (steps, P), `held_out_loss` and `held_out_accuracy` (K, P), `seed` (P,) and `diverged_at`
    (P,), -1 where the net did not diverge.
    """
    network = descent.network
    due, kept = checkpoint_steps(steps, checkpoints), []
    losses, norms = np.empty((2, steps, len(streams)))
    progress = Progress(steps, say)
    for step in range(steps):
        if step in due:
            kept.append(_checkpoint(network, evaluation))
        if flossing is not None and flossing.is_due(step):
            streams = flossing.episode(streams, descent.frozen)
        batches = zip(*(next(stream) for stream in streams), strict=True)
        inputs, targets = (np.stack(part, axis=2) for part in batches)
        losses[step], norms[step] = descent.step(step, inputs, targets)
        progress.report(step + 1, losses[step], norms[step])
    kept.append(_checkpoint(network, evaluation))
    stacked = {name: np.stack([arrays[name] for arrays in kept]) for name in kept[0]}
    results = {name: stacked.pop(name) for name in ("held_out_loss", "held_out_accuracy")}
    return {
        "step": np.array(due),
        **stacked,
        "loss": losses,
        "gradient_norm": norms,
        **results,
        "seed": np.arange(len(streams)),
        "diverged_at": descent.diverged_at,
    }


def _checkpoint(network: Network, evaluation) -> dict[str, np.ndarray]:
    """Copy the weights of all nets, and tell how they do on data that none is trained on."""
    with np.errstate(all="ignore"):
        loss, accuracy = network.evaluate(*evaluation)
    weights = {name: network.weights[name].copy() for name in network.weights.names()}
    return {**weights, "held_out_loss": loss, "held_out_accuracy": accuracy}
