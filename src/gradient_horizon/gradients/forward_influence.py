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

from dataclasses import dataclass

import numpy as np

from ..ground.user_arrays import check_for_net, checked
from ..networks.cells.dynamics import Dynamics
from ..networks.losses import Loss, loss_of

# So many standard errors must the largest rise of a curve lie above 0: it is picked from many.
CERTAIN = 3.0


@dataclass(frozen=True)
class ForwardInfluence:
    """What replacing the words beyond every distance does to the loss of one net.

    Attributes
    ----------
    distances : (D,) int.
    by_sequence : (D, B), the rise of the loss per target, in its unit: the mean over each
        sequence's targets and over its donors.
    loss : (B,), the loss of the sequences as they are, over `target_steps`.
    target_steps : (M,) int, the steps compared, counted from 0.
    """

    distances: np.ndarray
    by_sequence: np.ndarray
    loss: np.ndarray
    target_steps: np.ndarray

    @property
    def rise(self) -> np.ndarray:
        """Mean over the sequences, (D,)."""
        return self.by_sequence.mean(axis=1)

    @property
    def standard_error(self) -> np.ndarray:
        """Standard error of that mean, (D,), the sequences taken as independent draws."""
        return self.by_sequence.std(axis=1, ddof=1) / np.sqrt(self.by_sequence.shape[1])


def draw_donors(batch: int, count: int, rng: np.random.Generator) -> np.ndarray:
    """Draw permutations of the sequences that leave none in its place.

    The sequences stand in a circle in random order; the n-th donor is the n-th neighbour.  So no
    sequence has the same donor twice, and every other one is as likely to be it.

    Parameters
    ----------
    batch : B, 2 or more.
    count : R, from 1 to B - 1.
    rng : the generator that the order is taken from.

    Returns
    -------
    (R, B) int, the number of each sequence's donor.

    Raises
    ------
    ValueError : there are not so many donors.
    """
    if not 1 <= count < batch:
        raise ValueError(f"{count} donors for each of {batch} sequences: allowed 1 to {batch - 1}")
    order = rng.permutation(batch)
    donors = np.empty((count, batch), dtype=order.dtype)
    for number, row in enumerate(donors, start=1):
        row[order] = np.roll(order, -number)
    return donors


def forward_influence(
    net: Dynamics,
    inputs: np.ndarray,
    targets: np.ndarray,
    loss_mask: np.ndarray,
    distances: np.ndarray,
    donors: np.ndarray,
    common_targets: bool = True,
    loss: Loss | None = None,
) -> ForwardInfluence:
    """Measure the rise of one net's loss when all inputs farther back than d are replaced.

    With the donor's inputs up to step t - d - 1 the net is in the donor's state there, so every
    start s goes on once from the donor's h_s with its own inputs, all starts side by side, and
    comes by t = s + d + 1 after d + 1 steps: O(T^2 B N^2) operations for each donor, and a
    read-out for each distance asked for.

    Parameters
    ----------
    net : one of a cell's `Dynamics`.
    inputs, targets, loss_mask : a batch, as for `forward_pass.trace`.
    distances : (D,) int, ascending from 0 or more.
    donors : (R, B) int, permutations without a fixed point, as `draw_donors` gives them.
    common_targets : compare the same targets at every distance, those with something to replace at
        the farthest: t >= max(distances) + 2, counted from 1.  Otherwise at every distance all
        that have something to replace there, t >= d + 2: more targets, but later and later ones as
        d grows, so that the curve mixes the influence of distance with that of t.
    loss : as for `forward_pass.trace`.

    Returns
    -------
    The rises; not finite where a state or a loss leaves the floating-point numbers.  Even of
    common targets the first have a single word to replace at the farthest distance, so a curve is
    best cut where the sequence has as much again before it.

    Raises
    ------
    ValueError : the arrays do not fit each other, a symbol or target does not exist, a donor is
        the sequence itself, or no target has anything to replace at the farthest distance.
    """
    distances, donors = np.asarray(distances), np.asarray(donors)
    weights = net.weights
    inputs, targets, loss_mask = batch = checked(inputs, targets, loss_mask)
    check_for_net(batch, net.symbols, weights["W_hx"].shape[1], len(weights["b_s"]))
    loss = loss or loss_of({}, targets)
    _check_distances(distances, loss_mask)
    _check_donors(donors, inputs.shape[1])

    farthest = int(distances[-1])
    steps = np.flatnonzero(loss_mask)
    steps = steps[steps > (farthest if common_targets else distances[0])]
    first = max(1, int(steps[0]) - farthest)
    by_sequence = []
    with np.errstate(over="ignore", invalid="ignore"):
        drive = net.drives(inputs)
        states = np.zeros((len(drive) + 1, inputs.shape[1], net.state_size))
        for t, own in enumerate(drive):
            states[t + 1] = net.advance(states[t], own)
        intact = _losses(loss, weights, net.output(states[steps + 1][:, None]), targets[steps])
        # The starts s = first, first + 1, ...: (S', R, B, S), one fewer at every distance.
        state = states[first:-1][:, donors]
        for d in range(farthest + 1):
            own = drive[first + d :, None]
            state = net.advance(state[: len(own)], own)
            if d in distances:
                replaceable = steps > d
                reached = steps[replaceable]
                rests = net.output(state[reached - d - first])
                replaced = _losses(loss, weights, rests, targets[reached])
                by_sequence.append((replaced - intact[replaceable]).mean(axis=(0, 1)))
    return ForwardInfluence(distances, np.array(by_sequence), intact.mean(axis=(0, 1)), steps)


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

    Raises
    ------
    ValueError : `level` is not between 0 and 1, or the arrays do not fit each other.
    """
    if not 0.0 < level < 1.0:
        raise ValueError(f"the level is {level}; allowed: above 0 and below 1")
    rise, distances = np.asarray(rise), np.asarray(distances)
    if rise.ndim != 1 or not rise.size or rise.shape != distances.shape:
        raise ValueError(f"rises {rise.shape} do not go with distances {distances.shape}")
    noise = np.broadcast_to(standard_error, rise.shape)
    if not np.isfinite(rise).all() or rise.max() <= CERTAIN * noise[rise.argmax()]:
        return float("nan"), False
    reached = int(np.flatnonzero(rise > level * rise.max())[-1]) + 1
    censored = reached == len(rise)
    return float(distances[-1] if censored else distances[reached]), censored


def _losses(loss: Loss, weights: dict, state: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Losses (M, R, B) of states (M, R, B, N) at targets (M, B) int or (M, B, O) float.

    A product for each target and donor: its shape is always the same, and so is its rounding.
    """
    matrix = weights["W_s"].T
    losses = np.empty(state.shape[:-1])
    outputs = np.empty((targets.shape[1], matrix.shape[1]))
    for place in np.ndindex(losses.shape[:-1]):
        np.matmul(state[place], matrix, out=outputs)
        outputs += weights["b_s"]
        losses[place] = loss.value(outputs, targets[place[0]])
    return losses


def _check_distances(distances: np.ndarray, loss_mask: np.ndarray) -> None:
    """Raise ValueError where the distances are none, or leave nothing to compare."""
    if distances.ndim != 1 or not distances.size or not np.issubdtype(distances.dtype, np.integer):
        raise ValueError(f"the distances are not (D,) integers, but {distances!r}")
    if distances[0] < 0 or (np.diff(distances) <= 0).any():
        raise ValueError(f"the distances {distances.tolist()} do not ascend from 0 or more")
    last = int((np.flatnonzero(loss_mask) + 1).max(initial=0))
    if distances[-1] > last - 2:
        raise ValueError(
            f"no target has a word farther back than {distances[-1]} steps: the last one is step "
            f"{last}"
        )


def _check_donors(donors: np.ndarray, batch: int) -> None:
    """Raise ValueError where donors are not permutations that leave no sequence in its place."""
    everyone = np.arange(batch)
    fit = donors.ndim == 2 and len(donors) and donors.shape[1] == batch
    if not fit or (np.sort(donors, axis=1) != everyone).any():
        raise ValueError(f"the donors are not (R, B) permutations of {batch} sequences")
    if (donors == everyone).any():
        raise ValueError("a sequence is its own donor: nothing would be replaced")
