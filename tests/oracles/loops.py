"""Nets of any cell as plain loops over their steps, and what is wanted of them by differences.

All that is taken from the library is the cell's one step: how it is trained, unrolled and taken
apart has to follow from that.  Whether the step is the right one is asked of `plain_cells`, for the
cells of the library.
"""

import numpy as np

import naive
from gradient_horizon.networks.activations import ACTIVATIONS
from gradient_horizon.networks.cells import CELLS
from gradient_horizon.networks.initialisations import gaussian

# What the cells read of the configuration's `model`.
OPTIONS = {"leak": 0.3, "ring": 0.4}

# Radii at which nothing explodes within the few steps of the tests, where it is not 0.9.
RADIUS = {"residual": 0.2}


def radius_of(cell, radius=None):
    """A radius that the cell can have."""
    return min(radius or RADIUS.get(cell, 0.9), 0.99 * CELLS.find(cell).RADIUS_LIMIT)


def size_of(cell):
    """Units of the nets in the tests; fewer where a unit has more weights, each of which varies."""
    return naive.SIZE if CELLS.find(cell).BLOCKS == 1 else 3


def draw_cell(cell, rng, size, width, radius=None, scale=1.0):
    """The cell's weights, all of them random."""
    own = CELLS.find(cell)
    net = {name: np.zeros(shape) for name, shape in own.shapes(size, width).items()}
    own.initialise(net, rng, gaussian, radius_of(cell, radius), scale, OPTIONS)
    for name, array in net.items():
        if array.ndim == 1 and name != "W_hh" and not name.endswith("_log"):
            array += 0.3 * rng.standard_normal(array.shape)
    return net


def dynamics(cell, activation, net):
    """The net, which has copies of the arrays."""
    return CELLS.find(cell).Dynamics(ACTIVATIONS.find(activation), net, OPTIONS)


def vectors(net, inputs):
    """x_t: what is read, or the vector of a symbol."""
    return inputs if inputs.dtype.kind == "f" else net["embedding"][inputs]


def step(one, state, x):
    """The states (B, S) one step on."""
    return one.advance(state, x @ one.weights["W_hx"].T + one.weights.get("b_h", 0.0))


def states(one, inputs):
    """s_0 ... s_T, each (B, S)."""
    result = [np.zeros((inputs.shape[1], one.state_size))]
    for x in vectors(one.weights, inputs):
        result.append(step(one, result[-1], x))
    return result


def losses_at(one, state, targets):
    """The loss of every sequence at one step."""
    answers = one.output(state) @ one.weights["W_s"].T + one.weights["b_s"]
    if targets.dtype.kind == "f":
        return np.square(answers - targets).sum(axis=1)
    return np.array([naive.cross_entropy(*pair) for pair in zip(answers, targets, strict=True)])


def losses(one, inputs, targets):
    """E_t of every sequence, (T, B)."""
    pairs = zip(states(one, inputs)[1:], targets, strict=True)
    return np.array([losses_at(one, state, wanted) for state, wanted in pairs])


def loss(one, inputs, targets, loss_mask):
    """The mean loss."""
    return losses(one, inputs, targets)[loss_mask].mean()


def gradient(cell, activation, net, name, inputs, targets, loss_mask):
    """The gradient by one of the arrays that are trained."""
    given = inputs, targets, loss_mask
    return naive.central_differences(
        lambda: loss(dynamics(cell, activation, net), *given), net[name]
    )


def varied(one, name):
    """The array whose gradient is taken apart; that of the LRU is made of two that are trained."""
    return one.weights[name] if name in one.weights else one.eigenvalues.view(np.float64)


def contributions(one, name, inputs, targets, loss_mask):
    """C_d of every distance, (T, M): the weights of the step t - d alone are varied."""
    array, before = varied(one, name), states(one, inputs)
    steps, last = len(inputs), np.flatnonzero(loss_mask)[-1]
    x, count = vectors(one.weights, inputs), loss_mask.sum() * inputs.shape[1]
    terms = np.zeros((steps, *array.shape))
    for k in range(last + 1):
        for index in np.ndindex(array.shape):
            value, sides = array[index], []
            for distance in (1e-3, -1e-3, 2e-3, -2e-3):
                array[index] = value + distance
                state = step(one, before[k], x[k])
                array[index] = value
                found = np.zeros(steps)
                for t in range(k, last + 1):
                    state = state if t == k else step(one, state, x[t])
                    if loss_mask[t]:
                        found[t - k] = losses_at(one, state, targets[t]).sum()
                sides.append(found)
            slope = (8.0 * (sides[0] - sides[1]) - (sides[2] - sides[3])) / (12.0 * 1e-3)
            terms[(slice(None), *index)] += slope / count
    return terms.reshape(steps, -1)


def truncated_gradient(cell, activation, net, name, inputs, targets, loss_mask, truncation):
    """The gradient with the states between stretches of K steps, from the end, held as they are."""
    steps = len(inputs)
    cuts = {steps - n for n in range(0, steps, truncation)}
    held = states(dynamics(cell, activation, net), inputs)

    def cut_loss():
        one, found = dynamics(cell, activation, net), []
        state = held[0]
        for t, x in enumerate(vectors(net, inputs)):
            state = step(one, held[t] if t in cuts else state, x)
            if loss_mask[t]:
                found.append(losses_at(one, state, targets[t]))
        return np.mean(found)

    return naive.central_differences(cut_loss, net[name])
