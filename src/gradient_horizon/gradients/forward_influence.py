"""How much a net's predictions rest on words far back: its loss when these are replaced.

The gradient tells how far back a net can *learn* from; this tells how far back what it has read
still *matters*.  For target t every input at a step k with t - k > d comes from another sequence,
those with t - k <= d stay, and the rise of the loss is a function of d: Khandelwal, He, Qi and
Jurafsky (2018) replace the words of a language model so, and permuting them among the sequences,
which keeps their distribution, is the importance of Breiman (2001), section 10.

Distances count as those of the gradient do, d = t - k, but W_hh meets the word at distance d + 1
where it reads h_{t-d-1}, at distance d of the gradient.  So the rise at d, of exchanging h_{t-d-1},
stands beside the shares of C_d, C_{d+1}, ... together, and a horizon of the gradient beside one
here that is a step longer.
"""

import numpy as np

from ..networks.cells.dynamics import Dynamics
from ..networks.losses import Loss, loss_of

# So many standard errors must the largest rise of a curve lie above 0: it is picked from many.
CERTAIN = 3.0


def draw_donors(batch: int, rng: np.random.Generator) -> np.ndarray:
    """Draw for each of B sequences another one, (B,) int, no two alike.

    The sequences stand in a circle in random order, and the donor is the next one: every other
    sequence is as likely to be it.
    """
    order = rng.permutation(batch)
    donors = np.empty_like(order)
    donors[order] = np.roll(order, -1)
    return donors


def forward_influence(
    net: Dynamics,
    inputs: np.ndarray,
    targets: np.ndarray,
    loss_mask: np.ndarray,
    distances: np.ndarray,
    donors: np.ndarray,
    loss: Loss | None = None,
) -> np.ndarray:
    """Measure the rise of one net's loss when all inputs farther back than d are replaced.

    The same targets are compared at every distance, those with something to replace at the
    farthest: t >= max(distances) + 2, counted from 1.

    With the donor's inputs up to step t - d - 1 the net is in the donor's state there, so every
    start s goes on once from the donor's h_s with its own inputs, all starts side by side, and
    comes by t = s + d + 1 after d + 1 steps: O(T^2 B N^2) operations, and a read-out for each
    distance asked for.

    Parameters
    ----------
    net : one of a cell's `Dynamics`.
    inputs, targets, loss_mask : a batch, as for `forward_pass.trace`.
    distances : (D,) int, ascending from 0 or more; the farthest has a target to compare.
    donors : (B,) int, as `draw_donors` gives them.
    loss : as for `forward_pass.trace`.

    Returns
    -------
    (D, B), the rise of the loss per target, in its unit, a mean over each sequence's targets; not
    finite where a state or a loss leaves the floating-point numbers.  Even of common targets the
    first have a single word to replace at the farthest distance, so a curve is best cut where the
    sequence has as much again before it.
    """
    loss = loss or loss_of({}, targets)
    farthest = int(distances[-1])
    steps = np.flatnonzero(loss_mask)
    steps = steps[steps > farthest]
    first = int(steps[0]) - farthest
    rises = []
    with np.errstate(over="ignore", invalid="ignore"):
        drive = net.drives(inputs)
        states = np.zeros((len(drive) + 1, inputs.shape[1], net.state_size))
        for t, own in enumerate(drive):
            states[t + 1] = net.advance(states[t], own)
        intact = _losses(loss, net.weights, net.output(states[steps + 1]), targets[steps])
        # The starts s = first, first + 1, ...: (S', B, S), one fewer at every distance.
        state = states[first:-1][:, donors]
        for d in range(farthest + 1):
            own = drive[first + d :]
            state = net.advance(state[: len(own)], own)
            if d in distances:
                rests = net.output(state[steps - d - first])
                replaced = _losses(loss, net.weights, rests, targets[steps])
                rises.append((replaced - intact).mean(axis=0))
    return np.array(rises)


def forward_horizon(
    rise: np.ndarray,
    distances: np.ndarray,
    level: float = 0.01,
    standard_error: np.ndarray | float = 0.0,
) -> tuple[float, bool]:
    """Smallest distance beyond which words hardly matter, and whether it is censored.

    Parameters
    ----------
    rise : (D,), the rise of the loss when the words farther back than each distance are replaced.
    distances : (D,) int, ascending.
    level : the part of the largest rise that counts as hardly anything: 0.01 beside h99.
    standard_error : (D,), or one for all, of the rises.  The words of an untrained net change its
        predictions, but make them neither better nor worse: its rises are noise.

    Returns
    -------
    The smallest of the distances from which on no rise is above `level` times the largest, and
    False.  Where even the last rise is, that last distance, a lower bound, and True.  Where the
    largest rise is not above `CERTAIN` standard errors, or one is not finite, (nan, False).
    """
    noise = np.broadcast_to(standard_error, rise.shape)
    if not np.isfinite(rise).all() or rise.max() <= CERTAIN * noise[rise.argmax()]:
        return float("nan"), False
    reached = int(np.flatnonzero(rise > level * rise.max())[-1]) + 1
    censored = reached == len(rise)
    return float(distances[-1] if censored else distances[reached]), censored


def _losses(loss: Loss, weights: dict, state: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Losses (M, B) of states (M, B, N) at targets (M, B) int or (M, B, O) float.

    A product for each target: its shape is always the same, and so is its rounding.
    """
    matrix = weights["W_s"].T
    losses = np.empty(state.shape[:-1])
    outputs = np.empty((targets.shape[1], matrix.shape[1]))
    for place, rests in enumerate(state):
        np.matmul(rests, matrix, out=outputs)
        outputs += weights["b_s"]
        losses[place] = loss.value(outputs, targets[place])
    return losses
