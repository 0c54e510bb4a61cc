"""The equations of every cell as plain loops, one sequence and one step at a time.

An implementation that shares no code with the library, for the tests to compare with.  A new cell
is one step function here.
"""

import numpy as np

from naive import PHI, SIZE, cross_entropy, logistic

# What the cells read of the configuration's `model`.
OPTIONS = {"leak": 0.3, "ring": 0.4}


def _rnn(phi, net, state, x):
    h = phi(net["W_hh"] @ state + net["W_hx"] @ x + net["b_h"])
    return h, h


def _leaky(phi, net, state, x):
    new, _ = _rnn(phi, net, state, x)
    h = (1 - OPTIONS["leak"]) * state + OPTIONS["leak"] * new
    return h, h


def _residual(phi, net, state, x):
    h = state + _rnn(phi, net, state, x)[0]
    return h, h


def _sums(net, state, x, number):
    rows = slice(number * len(state), (number + 1) * len(state))
    recurrent = net["W_hh"][rows] @ state
    return recurrent, net["W_hx"][rows] @ x + net["b_h"][rows]


def _lstm(phi, net, state, x):
    h, c = np.split(state, 2)
    i, f, a, o = (sum(_sums(net, h, x, number)) for number in range(4))
    c = logistic(f) * c + logistic(i) * phi(a)
    h = logistic(o) * phi(c)
    return np.concatenate([h, c]), h


def _gru(phi, net, h, x):
    r, z = (logistic(sum(_sums(net, h, x, number))) for number in range(2))
    of_state, of_input = _sums(net, h, x, 2)
    n = phi(of_input + r * (of_state + net["b_n"]))
    h = (1 - z) * n + z * h
    return h, h


def _layer_norm(phi, net, state, x):
    z = net["W_hh"] @ state + net["W_hx"] @ x
    h = phi(net["gain"] * (z - z.mean()) / np.sqrt(z.var() + 1e-5) + net["shift"])
    return h, h


def lru_eigenvalues(net):
    return np.exp(-np.exp(net["nu_log"]) + 1j * np.exp(net["theta_log"]))


def _lru(phi, net, state, x):
    own = net["lambda"][0] + 1j * net["lambda"][1] if "lambda" in net else lru_eigenvalues(net)
    driven = net["W_hx"][::2] @ x + 1j * (net["W_hx"][1::2] @ x)
    s = own * (state[::2] + 1j * state[1::2]) + np.exp(net["gamma_log"]) * driven
    h = phi(((net["C"][:, ::2] - 1j * net["C"][:, 1::2]) @ s).real + net["b_y"])
    return np.stack([s.real, s.imag], axis=1).ravel(), h


# (state, h) one step on, by cell.
STEP = {
    "rnn": _rnn,
    "leaky": _leaky,
    "residual": _residual,
    "scaled_orthogonal": _rnn,
    "lstm": _lstm,
    "gru": _gru,
    "layer_norm": _layer_norm,
    "lru": _lru,
}

# The state's length in units of N, where it is not 1.
STATES = {"lstm": 2, "lru": 2}

# Units of the nets in the tests; fewer where a unit has more weights, each of which is varied.
SIZES = dict.fromkeys(STEP, SIZE) | {"lstm": 3, "gru": 3}

# The arrays that the decomposition of `W_hh` and of `W_hx` is of, by cell.
SIMPLE = {"W_hh": ["W_hh"], "W_hx": ["W_hx"]}
GRADIENTS = dict.fromkeys(STEP, SIMPLE) | {"lru": {"W_hh": ["lambda"], "W_hx": ["W_hx"]}}

# Radii at which nothing explodes within the few steps of the tests, where it is not 0.9.
RADIUS = {"residual": 0.2}

# Radii beyond this one the cell cannot have.
LARGEST_RADIUS = dict.fromkeys(STEP, np.inf) | {"lru": 0.99}


def blocks(cell, net):
    """The square matrices that get the spectral radius at the start."""
    if cell == "lru":
        return [np.diag(lru_eigenvalues(net))]
    size = net["W_s"].shape[1]
    return net["W_hh"].reshape(-1, size, size)


def taken_apart(cell, net):
    """The net with the arrays that are decomposed, where the trained ones are others."""
    if cell == "lru":
        own = lru_eigenvalues(net)
        return net | {"lambda": np.stack([own.real, own.imag])}
    return net


def start(cell, net):
    """s_0 = 0."""
    return np.zeros(STATES.get(cell, 1) * net["W_s"].shape[1])


def outputs(cell, activation, net, symbols):
    """h_1 ... h_T of one sequence (T,)."""
    state, result = start(cell, net), []
    for symbol in symbols:
        state, h = STEP[cell](PHI[activation], net, state, net["embedding"][symbol])
        result.append(h)
    return np.array(result)


def states_before(cell, activation, net, inputs):
    """s_0 ... s_{T-1} of every sequence."""
    result = []
    for symbols in inputs.T:
        result.append([start(cell, net)])
        for symbol in symbols[:-1]:
            state, _ = STEP[cell](PHI[activation], net, result[-1][-1], net["embedding"][symbol])
            result[-1].append(state)
    return result


def step_losses(cell, activation, net, inputs, targets, loss_mask, states, changed, k):
    """E_t of the masked steps t >= k, summed over the sequences; step k has other weights."""
    losses = np.zeros(len(inputs))
    for b, before in enumerate(states):
        state = before[k]
        for t in range(k, np.flatnonzero(loss_mask)[-1] + 1):
            own = changed if t == k else net
            state, h = STEP[cell](PHI[activation], own, state, net["embedding"][inputs[t, b]])
            if loss_mask[t]:
                losses[t] += cross_entropy(net["W_s"] @ h + net["b_s"], targets[t, b])
    return losses


def step_losses_slope(cell, activation, net, inputs, targets, loss_mask, states, name, index, k):
    """Slope of every step's part in the mean loss by one weight of step k, by differences."""
    given, step, values = (cell, activation, net, inputs, targets, loss_mask, states), 1e-3, []
    for distance in (step, -step, 2 * step, -2 * step):
        changed = net | {name: net[name].copy()}
        changed[name][index] += distance
        values.append(step_losses(*given, changed, k))
    slope = (8.0 * (values[0] - values[1]) - (values[2] - values[3])) / (12.0 * step)
    return slope / (loss_mask.sum() * inputs.shape[1])


def truncated_gradient(cell, activation, net, inputs, targets, loss_mask, name, truncation):
    """Gradient by differences with the states between stretches of K steps held as they are."""
    steps = len(inputs)
    cuts = {steps - n for n in range(0, steps, truncation)}
    held = {}

    def loss(keep):
        losses = []
        for b in range(inputs.shape[1]):
            state = start(cell, net)
            for t, symbol in enumerate(inputs[:, b]):
                if t in cuts:
                    state = held.setdefault((t, b), state) if keep else held[t, b]
                state, h = STEP[cell](PHI[activation], net, state, net["embedding"][symbol])
                if loss_mask[t]:
                    losses.append(cross_entropy(net["W_s"] @ h + net["b_s"], targets[t, b]))
        return np.mean(losses)

    loss(keep=True)
    gradient, array = np.empty(net[name].shape), net[name]
    for index in np.ndindex(array.shape):
        value, sides = array[index], []
        for distance in (1e-4, 2e-4):
            array[index] = value + distance
            above = loss(keep=False)
            array[index] = value - distance
            sides.append((above - loss(keep=False)) / (2 * distance))
        array[index] = value
        gradient[index] = (4.0 * sides[0] - sides[1]) / 3.0
    return gradient
