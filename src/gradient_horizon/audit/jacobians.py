"""The claims of the lecture note on Jacobians, their order, norms and products: 7 to 9, 11, 12, 14.

As in `equations`, two readings of each claim are compared with central differences or with
norms that are computed, and are arguments, so that others can be tried in their place.
"""

from dataclasses import dataclass, replace
from functools import reduce

import numpy as np

from ..networks.activations import ACTIVATIONS
from ..networks.initialisations import largest_singular_value, spectral_radius
from .audited_net import DIRECTIONS, STEP, Net, derivative, forward, relative, signals
from .claims import ROUNDING, Errors

# So many steps and sequences are looked at.
STEPS, SEQUENCES = 40, 4
# Of these, one in so many Jacobians has its norm computed.
STRIDE = 4
# How many factors the product of claim 7 has.
CHAIN = 3
# The distance at which the inflated bound of claim 12 is put into a number.
INFLATED_DISTANCE = 20
# What the Jacobian of one step is called by, in claim 8: the state after the activation, the sum
# before it, and the gradient.
CONVENTIONS = ("State", "Sum", "Gradient")
# Where sup sigmoid' is looked for.
GRID = np.linspace(-20.0, 20.0, 4001)


@dataclass(frozen=True)
class Stretch:
    """Some successive steps of one sequence.

    Attributes
    ----------
    recurrent : W_hh (N, N).
    drive : (d, N), W_hx x + b_h of the steps.
    pre_activation : (d, N), of the steps; the last is a_j.
    state : (d+1, N), before and after the steps; the last is h_j.
    """

    recurrent: np.ndarray
    drive: np.ndarray
    pre_activation: np.ndarray
    state: np.ndarray


def clearest_stretch(net: Net, length: int) -> Stretch:
    """Take the steps whose units are farthest from a = 0, where ReLU and softsign have a kink.

    Parameters
    ----------
    net : a net with its batch.
    length : how many steps; less where the sequences are shorter.
    """
    net = net.window(STEPS, SEQUENCES)
    loop = forward(net)
    margin = np.abs(loop.pre_activation).min(axis=2)
    length = min(length, len(margin))
    margins = np.lib.stride_tricks.sliding_window_view(margin, length, axis=0).min(axis=-1)
    t, b = np.unravel_index(margins.argmax(), margins.shape)
    vectors = loop.vector[t : t + length, b]
    return Stretch(
        net.weights["W_hh"],
        vectors @ net.weights["W_hx"].T + net.weights["b_h"],
        loop.pre_activation[t : t + length, b],
        loop.state[t : t + length + 1, b],
    )


def state_derivative(net: Net, stretch: Stretch, steps: int) -> np.ndarray:
    """The derivative of the last state by the one so many steps before it, by differences.

    Returns
    -------
    (N, R), a row for each output, a column for each of the first R units that are varied.
    """

    def advance(states):
        for drive in stretch.drive[len(stretch.drive) - steps :]:
            states = net.activation.value(states @ stretch.recurrent.T + drive)
        return states

    step = STEP / largest_singular_value(stretch.recurrent)
    return derivative(advance, stretch.state[-1 - steps], DIRECTIONS, step).T


def sum_derivative(net: Net, stretch: Stretch) -> np.ndarray:
    """The derivative of a_j by a_{j-1}, by differences."""

    def advance(sums):
        return net.activation.value(sums) @ stretch.recurrent.T + stretch.drive[-1]

    return derivative(advance, stretch.pre_activation[-2], DIRECTIONS, STEP).T


def jacobian(net: Net, recurrent: np.ndarray, pre_activation: np.ndarray) -> np.ndarray:
    """J_j = diag(phi'(a_j)) W_hh for pre-activations (..., N)."""
    return net.activation.slope(pre_activation)[..., None] * recurrent


# 7 to 9: one Jacobian, and the order of several


def left_to_right(factors: list[np.ndarray]) -> np.ndarray:
    """The product of factors in the order of time, the oldest on the left."""
    return reduce(np.matmul, factors)


def newest_first(factors: list[np.ndarray]) -> np.ndarray:
    """The product of factors in the order of time, the newest on the left."""
    return reduce(np.matmul, factors[::-1])


def chain_order(net: Net, note=left_to_right, corrected=newest_first) -> Errors:
    """Claim 7: the order in which the Jacobians J_{k+1}, ..., J_t are multiplied."""
    stretch = clearest_stretch(net, CHAIN)
    steps = len(stretch.drive)
    truth = state_derivative(net, stretch, steps)
    factors = list(jacobian(net, stretch.recurrent, stretch.pre_activation))
    columns = truth.shape[1]
    return Errors(
        *(relative(reading(factors)[:, :columns], truth) for reading in (note, corrected)),
        numbers={"distance": steps},
    )


def as_written(net: Net, stretch: Stretch) -> np.ndarray:
    """W^T diag(f'(h_{j-1})), the note's formula with its slip j for h mended."""
    return stretch.recurrent.T * net.activation.slope(stretch.state[-2])


def by_state(net: Net, stretch: Stretch) -> np.ndarray:
    """diag(phi'(a_j)) W: the derivative of the state after the activation."""
    return jacobian(net, stretch.recurrent, stretch.pre_activation[-1])


def by_sum(net: Net, stretch: Stretch) -> np.ndarray:
    """W diag(phi'(a_{j-1})): the derivative of the sum before the activation."""
    return stretch.recurrent * net.activation.slope(stretch.pre_activation[-2])


def by_gradient(net: Net, stretch: Stretch) -> np.ndarray:
    """W^T diag(phi'(a_j)): the derivative of the state in the gradient layout, transposed."""
    return stretch.recurrent.T * net.activation.slope(stretch.pre_activation[-1])


def conventions(
    net: Net, note=as_written, state=by_state, total=by_sum, gradient=by_gradient
) -> Errors:
    """Claim 8: the Jacobian of one step, in three conventions.

    Each of the four formulas is compared with each of the three derivatives. The note's error is
    the one against the nearest; the corrected error is the largest of the others against theirs.
    """
    stretch = clearest_stretch(net, 2)
    by_states, by_sums = state_derivative(net, stretch, 1), sum_derivative(net, stretch)
    columns = by_states.shape[1]
    errors = {}
    for name, reading in (("Note", note), ("State", state), ("Sum", total), ("Gradient", gradient)):
        matrix = reading(net, stretch)
        errors[f"{name}ByState"] = relative(matrix[:, :columns], by_states)
        errors[f"{name}BySum"] = relative(matrix[:, :columns], by_sums)
        errors[f"{name}ByGradient"] = relative(matrix[:columns], by_states.T)
    return Errors(
        float(np.min([errors[f"NoteBy{name}"] for name in CONVENTIONS])),
        float(np.max([errors[f"{name}By{name}"] for name in CONVENTIONS])),
        numbers=errors,
    )


def rows_are_outputs(matrix: np.ndarray) -> np.ndarray:
    """The Jacobian with a row for each output, as it is."""
    return matrix


def layout(net: Net, note=rows_are_outputs, corrected=rows_are_outputs) -> Errors:
    """Claim 9: rows and columns of the matrix of partial derivatives."""
    stretch = clearest_stretch(net, 1)
    truth, matrix = state_derivative(net, stretch, 1), by_state(net, stretch)
    columns = truth.shape[1]
    return Errors(
        *(relative(reading(matrix)[:, :columns], truth) for reading in (note, corrected)),
        numbers={"transposed": relative(matrix.T[:, :columns], truth)},
    )


# 11, 12 and 14: norms


def jacobian_norms(net: Net) -> np.ndarray:
    """2-norms of a sample of the one-step Jacobians of the batch."""
    loop = forward(net.window(STEPS, SEQUENCES))
    rows = loop.pre_activation.reshape(-1, loop.pre_activation.shape[2])[::STRIDE]
    return np.linalg.norm(jacobian(net, net.weights["W_hh"], rows), 2, axis=(1, 2))


def norm_bound(net: Net, note=largest_singular_value, corrected=largest_singular_value) -> Errors:
    """Claim 11: norm(J) <= beta_W beta_h, for what is taken for beta_W.

    Pascanu, Mikolov and Bengio (2013), section 2.1.
    """
    norms = jacobian_norms(net)

    def violated(reading) -> float:
        bound = reading(net.weights["W_hh"]) * net.activation.slope_bound
        return float((norms > bound * (1.0 + ROUNDING)).mean())

    return Errors(
        violated(note), violated(corrected), numbers={"radius": violated(spectral_radius)}
    )


def slope_bound(net: Net, note=1.0, corrected=0.25) -> Errors:
    """Claim 12: the bound on the slope of the sigmoid, and whether equality holds.

    Parameters
    ----------
    net : its activation is taken for the sigmoid, which the claim is about.
    note, corrected : what is taken for sup sigmoid'.
    """
    net = replace(net, activation=ACTIVATIONS["sigmoid"])
    norms = jacobian_norms(net) / largest_singular_value(net.weights["W_hh"])
    supremum = float(net.activation.slope(GRID).max())
    gap = float(np.abs(norms / note - 1.0).max())
    excess = max(0.0, float(norms.max()) / corrected - 1.0, abs(supremum / corrected - 1.0))
    return Errors(
        gap,
        excess,
        contradicts=gap > ROUNDING,
        numbers={
            "supremum": supremum,
            "distance": INFLATED_DISTANCE,
            "inflation": (note / supremum) ** INFLATED_DISTANCE,
        },
    )


FACTORS = ("error", "transport", "state")


def factors_apart(net: Net, note=("transport",), corrected=FACTORS) -> Errors:
    """Claim 14: which factors make up the contribution of a pair (t, k).

    The contribution is norm(delta_{t,k} h_{k-1}^T), its factors norm(e_t), the transport
    norm(delta_{t,k}) / norm(e_t) and norm(h_{k-1}).  Pairs with a factor of zero are left out.

    Parameters
    ----------
    net : a net with its batch.
    note, corrected : the factors that are taken to make up the contribution.

    Returns
    -------
    Of the note, the root mean square in decades by which the contributions of all pairs differ
    from its factors, apart from a constant one; of the correct statement, the largest relative
    difference.  The numbers are the parts of the variance of the logarithm of the contribution,
    cov(factor, contribution) / var(contribution); they sum to 1.
    """
    net = net.window(STEPS, SEQUENCES)
    loop, pairs = forward(net), []
    for _, b, error, deltas in signals(net, loop):
        for delta, before in zip(deltas, loop.state[:, b], strict=False):
            # By the entries of the matrix, not by the norms of its two vectors.
            whole = np.linalg.norm(np.outer(delta, before))
            pairs.append([whole, *map(np.linalg.norm, (error, delta, before))])
    pairs = np.array([pair for pair in pairs if min(pair) > 0.0])
    if len(pairs) < 2:
        return Errors(np.nan, np.nan)
    whole, error, delta, state = np.log10(pairs).T
    parts = dict(zip(FACTORS, (error, delta - error, state), strict=True))
    rest, misfit = (whole - sum(parts[name] for name in names) for names in (note, corrected))
    spread = whole.var()
    shares = {
        name: float(np.mean((part - part.mean()) * (whole - whole.mean())) / spread)
        for name, part in parts.items()
    }
    return Errors(
        float(rest.std()),
        float(np.abs(10.0**misfit - 1.0).max()),
        numbers=shares if spread > 0.0 else {},
    )


JACOBIANS = {
    7: chain_order,
    8: conventions,
    9: layout,
    11: norm_bound,
    12: slope_bound,
    14: factors_apart,
}
