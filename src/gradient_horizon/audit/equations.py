"""The claims of the lecture note on the equations of one net: 1 to 6 and 10.

Every function compares two readings of a claim, the note's and the correct one, with something
that neither of them goes through: a plain loop, central differences, or backpropagation through
time.  The readings are arguments, so that others can be tried in their place.
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from ..gradients import contributions, forward_pass
from ..networks.initialisations import largest_singular_value
from .audited_net import (
    DIRECTIONS,
    STEP,
    Net,
    backpropagated,
    cross_entropy,
    derivative,
    forward,
    logits,
    one_hot,
    relative,
    signals,
    softmax,
    step_errors,
)
from .claims import Errors

# Sums over all pairs of steps, one term at a time, are taken over so many steps and sequences.
STEPS, SEQUENCES = 12, 2


# 1 to 4: the forward pass and the loss


def without_bias(net: Net) -> np.ndarray:
    """h_1 ... h_T with the bias left out."""
    bare = net.weights | {"b_h": np.zeros_like(net.weights["b_h"])}
    return forward(replace(net, weights=bare)).state[1:]


def library_states(net: Net) -> np.ndarray:
    """h_1 ... h_T of the library's own forward pass."""
    path = forward_pass.trace(net.dynamics(), net.inputs, net.targets, net.loss_mask)
    return np.ldexp(path.unrolled.state[1:], path.unrolled.exponent[1:, :, None])


def recurrence(net: Net, note=without_bias, corrected=library_states) -> Errors:
    """Claim 1: the recurrence, against a loop."""
    net = net.window(STEPS, SEQUENCES)
    truth = forward(net).state[1:]
    return Errors(relative(note(net), truth), relative(corrected(net), truth))


def from_last_state(net: Net) -> np.ndarray:
    """yhat_t from h_{t-1} and x_t and nothing else."""
    before = forward(net)
    weights = net.weights
    carried = before.state[:-1] @ weights["W_hh"].T + before.vector @ weights["W_hx"].T
    return softmax(logits(net, net.activation.value(carried + weights["b_h"])))


def from_state(net: Net) -> np.ndarray:
    """yhat_t = softmax(W_s h_t + b_s)."""
    return softmax(logits(net, forward(net).state[1:]))


def probabilities(net: Net, note=from_state, corrected=from_last_state) -> Errors:
    """Claim 2: yhat_t is a distribution over the words, and depends on h_{t-1} and x_t."""
    net = net.window(STEPS, SEQUENCES)
    written = note(net)
    proper = written.shape == one_hot(net).shape and written.min() >= 0.0
    error = float(np.abs(written.sum(axis=-1) - 1.0).max()) if proper else np.inf
    return Errors(error, relative(corrected(net), from_state(net)))


def loss_slope(net: Net, note=cross_entropy, corrected=forward_pass.trace) -> Errors:
    """Claim 3: the loss, and with it yhat - y and e_t, at the last step of the first sequence.

    Parameters
    ----------
    net : a net with its batch.
    note : the loss of logits (R, V) and a target (V,), whose derivative is to be yhat - y.
    corrected : what computes e_t: anything with the arguments of `forward_pass.trace`.
    """
    net = net.window(STEPS, 1)
    state, target = forward(net).state[-1, 0], one_hot(net)[-1, 0]
    values = logits(net, state)
    # The target's logit comes first, so that it is among those varied.
    order = np.argsort(-target, kind="stable")
    by_logits = derivative(
        lambda rows: note(rows, target[order]), values[order], DIRECTIONS, step=STEP
    )
    slope = (softmax(values) - target)[order][: len(by_logits)]
    by_state = derivative(
        lambda rows: cross_entropy(logits(net, rows), target),
        state,
        DIRECTIONS,
        step=STEP / max(1.0, largest_singular_value(net.weights["W_s"])),
    )
    path = corrected(net.dynamics(), net.inputs, net.targets, net.loss_mask)
    error = path.error[-1, 0, : len(by_state)] * net.loss_mask.sum()
    return Errors(relative(slope, by_logits), relative(error, by_state))


def normalisation(net: Net, note=np.sum, corrected=np.mean) -> Errors:
    """Claim 4: what makes the library's loss, a mean, of the losses of all steps."""
    net = net.window(STEPS, SEQUENCES)
    by_step = cross_entropy(logits(net, forward(net).state[1:]), one_hot(net)).mean(axis=1)
    by_step = by_step[net.loss_mask]
    loss = forward_pass.trace(net.dynamics(), net.inputs, net.targets, net.loss_mask).loss
    return Errors(
        float(abs(note(by_step) / loss - 1.0)),
        float(abs(corrected(by_step) / loss - 1.0)),
        numbers={"ratio": float(by_step.sum() / loss), "steps": len(by_step)},
    )


# 5, 6 and 10: the sums


def step_by_step(net: Net) -> dict[str, np.ndarray]:
    """Sum of dE_t/dW, each by a backward pass for the loss of a single step."""
    steps = np.flatnonzero(net.loss_mask)
    parts = [
        backpropagated(replace(net, loss_mask=np.arange(len(net.loss_mask)) == t)) for t in steps
    ]
    return {name: sum(part[name] for part in parts) / len(steps) for name in parts[0]}


def by_pairs(net: Net) -> dict[str, np.ndarray]:
    """The gradients of W_s, W_hx and W_hh, each from its pairs (t, k)."""
    loop = forward(net)
    slope = softmax(logits(net, loop.state[1:])) - one_hot(net)
    total = {name: np.zeros_like(net.weights[name]) for name in ("W_s", "W_hx", "W_hh")}
    count = net.loss_mask.sum() * net.inputs.shape[1]
    for t, b, _, deltas in signals(net, loop):
        total["W_s"] += np.outer(slope[t, b], loop.state[t + 1, b]) / count
        for k, delta in enumerate(deltas):
            total["W_hx"] += np.outer(delta, loop.vector[k, b])
            total["W_hh"] += np.outer(delta, loop.state[k, b])
    return total


def three_weights(net: Net, note=step_by_step, corrected=by_pairs) -> Errors:
    """Claim 5: the gradient is a sum over targets, for each of three weights."""
    net = net.window(STEPS, SEQUENCES)
    truth, readings = backpropagated(net), (note(net), corrected(net))
    names = ("W_s", "W_hx", "W_hh")
    return Errors(
        *(float(np.max([relative(part[name], truth[name]) for name in names])) for part in readings)
    )


def immediate(deltas: np.ndarray, states: np.ndarray, k: int) -> np.ndarray:
    """What e_t sends to W_hh through dh_k/dW_hh with h_{k-1} held fixed."""
    return np.outer(deltas[k], states[k])


def total(deltas: np.ndarray, states: np.ndarray, k: int) -> np.ndarray:
    """What e_t sends to W_hh through the total derivative of h_k, which h_{k-1} is part of."""
    return sum(immediate(deltas, states, j) for j in range(k + 1))


def inner_derivative(net: Net, note=total, corrected=immediate) -> Errors:
    """Claim 6: which derivative of h_k by W_hh makes the sum over (t, k) the gradient."""
    net = net.window(STEPS, SEQUENCES)
    loop, truth = forward(net), backpropagated(net)["W_hh"]
    sums = np.zeros((2, *truth.shape))
    for t, b, _, deltas in signals(net, loop):
        for k in range(t + 1):
            for reading, result in zip((note, corrected), sums, strict=True):
                result += reading(deltas, loop.state[:, b], k)
    return Errors(*(relative(result, truth) for result in sums))


def literal_terms(net: Net) -> Iterator[np.ndarray]:
    """Yield every term of the double sum over t and k, its Jacobians written out as matrices."""
    loop = forward(net)
    errors, steps = step_errors(net, loop), np.flatnonzero(net.loss_mask)
    for b in range(net.inputs.shape[1]):
        jacobians = [slope[:, None] * net.weights["W_hh"] for slope in loop.slope[:, b]]
        for t in steps:
            for k in range(t + 1):
                row = errors[t, b]
                for jacobian in reversed(jacobians[k + 1 : t + 1]):
                    row = row @ jacobian
                yield np.outer(row * loop.slope[k, b], loop.state[k, b])


def distance_residual(net: Net) -> float:
    """How far the library's contributions by distance are from the gradient."""
    path = forward_pass.trace(net.dynamics(), net.inputs, net.targets, net.loss_mask)
    return contributions.by_distance(path).residual


def double_sum(net: Net, note=literal_terms, corrected=distance_residual) -> Errors:
    """Claim 10: the double sum, term by term, and how many terms it has."""
    net = net.window(STEPS, SEQUENCES)
    terms, result = 0, np.zeros_like(net.weights["W_hh"])
    for term in note(net):
        terms, result = terms + 1, result + term
    steps, batch = net.inputs.shape
    expected = batch * int((np.flatnonzero(net.loss_mask) + 1).sum())
    error = relative(result, backpropagated(net)["W_hh"])
    return Errors(
        error if terms == expected else np.inf,
        corrected(net),
        numbers={"terms": terms // batch, "steps": steps},
    )


EQUATIONS = {
    1: recurrence,
    2: probabilities,
    3: loss_slope,
    4: normalisation,
    5: three_weights,
    6: inner_derivative,
    10: double_sum,
}
