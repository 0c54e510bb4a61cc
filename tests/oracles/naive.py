"""The equations of the network as plain loops, one sequence and one step at a time.

An implementation that shares no code with the library, for the tests to compare with.
"""

from math import erf, erfc

import numpy as np

ERF, ERFC = (np.vectorize(function, otypes=[float]) for function in (erf, erfc))


def normal_cdf(a):
    return 0.5 * ERFC(-np.clip(a, -50.0, 50.0) / np.sqrt(2.0))


def logistic(a):
    return 1.0 / (1.0 + np.exp(-np.clip(a, -700.0, 700.0)))


PHI = {
    "sigmoid": lambda a: 0.5 * (1.0 + np.tanh(0.5 * a)),
    "tanh": np.tanh,
    "relu": lambda a: a * (a > 0),
    "softsign": lambda a: a / (1.0 + abs(a)),
    "linear": lambda a: 1.0 * a,
    "softplus": lambda a: np.maximum(a, 0.0) + np.log1p(np.exp(-abs(a))),
    "elu": lambda a: np.where(a > 0, a, np.exp(np.minimum(a, 0.0)) - 1.0),
    "gelu": lambda a: a * normal_cdf(a),
    "silu": lambda a: a * logistic(a),
    "hard_tanh": lambda a: (abs(a + 1.0) - abs(a - 1.0)) / 2.0,
    "erf": ERF,
    "leaky_relu": lambda a: np.where(a > 0, a, 0.01 * a),
}
SLOPE = {
    "sigmoid": lambda a: 1.0 / (2.0 + np.exp(a) + np.exp(-a)),
    "tanh": lambda a: 1.0 - np.tanh(a) ** 2,
    "relu": lambda a: 1.0 * (a > 0),
    "softsign": lambda a: (1.0 + abs(a)) ** -2.0,
    "linear": lambda a: 1.0 + 0.0 * a,
    "softplus": lambda a: 0.5 * (1.0 + np.tanh(0.5 * a)),
    "elu": lambda a: np.where(a > 0, 1.0, np.exp(np.minimum(a, 0.0))),
    "gelu": lambda a: normal_cdf(a) + a * np.exp(-(a**2) / 2.0) / np.sqrt(2.0 * np.pi),
    "silu": lambda a: logistic(a) * (1.0 + a * logistic(-a)),
    "hard_tanh": lambda a: 1.0 * (abs(a) < 1),
    "erf": lambda a: 2.0 / np.sqrt(np.pi) * np.exp(-(a**2)),
    "leaky_relu": lambda a: np.where(a > 0, 1.0, 0.01),
}
# The largest slopes of those where it is not 1: 2 / sqrt(pi) for erf.
GAMMA = {"sigmoid": 0.25, "erf": 1.1283791670955126, "gelu": 1.128904145185155}
GAMMA["silu"] = 1.0998393201288669
NAMES = sorted(PHI)
# One batch, small enough for loops.
STEPS, BATCH, SYMBOLS, OUTPUTS, SIZE = 9, 4, 5, 3, 6


def draw_net(rng, size, symbols, outputs, embedding_size=None, radius=1.0):
    """Random weights of one net, by name; one-hot inputs unless there is an embedding size."""
    recurrent = rng.standard_normal((size, size))
    recurrent *= radius / abs(np.linalg.eigvals(recurrent)).max()
    net = {
        "W_hh": recurrent,
        "W_hx": rng.standard_normal((size, embedding_size or symbols)),
        "b_h": 0.3 * rng.standard_normal(size),
        "W_s": rng.standard_normal((outputs, size)),
        "b_s": 0.3 * rng.standard_normal(outputs),
    }
    if embedding_size:
        net["embedding"] = rng.standard_normal((symbols, embedding_size))
    return net


def draw_batch(seed=0, batch=BATCH, steps=STEPS, radius=1.3, embedding_size=None):
    """A net with inputs and targets (T, B)."""
    rng = np.random.default_rng(seed)
    net = draw_net(rng, SIZE, SYMBOLS, OUTPUTS, embedding_size, radius)
    net["W_s"] *= 0.1  # no net is so sure that its errors vanish
    inputs = rng.integers(0, SYMBOLS, (steps, batch))
    return net, inputs, rng.integers(0, OUTPUTS, inputs.shape)


def forward(name, net, symbols):
    """Pre-activations a_1 ... a_T, states h_0 ... h_T and logits of one sequence (T,)."""
    pre_activations, states, logits = [], [np.zeros(len(net["b_h"]))], []
    for symbol in symbols:
        x = net["embedding"][symbol] if "embedding" in net else np.eye(len(net["W_hx"].T))[symbol]
        pre_activations.append(net["W_hh"] @ states[-1] + net["W_hx"] @ x + net["b_h"])
        states.append(PHI[name](pre_activations[-1]))
        logits.append(net["W_s"] @ states[-1] + net["b_s"])
    return np.array(pre_activations), np.array(states), np.array(logits)


def cross_entropy(logits, target):
    """-log softmax(logits)[target]."""
    largest = logits.max()
    return largest + np.log(np.exp(logits - largest).sum()) - logits[target]


def loss_and_accuracy(name, net, inputs, targets, loss_mask):
    """Mean loss and accuracy over the masked steps of all sequences, (T, B)."""
    losses, hits = [], []
    for symbols, wanted in zip(inputs.T, targets.T, strict=True):
        logits = forward(name, net, symbols)[2]
        for t in np.flatnonzero(loss_mask):
            losses.append(cross_entropy(logits[t], wanted[t]))
            hits.append(logits[t].argmax() == wanted[t])
    return np.mean(losses), np.mean(hits)


def pairs(activation, net, inputs, targets, loss_mask):
    """For every sequence b and pair k <= t: e_t, g_{t,k}, delta_{t,k} and h_{k-1}."""
    count = loss_mask.sum() * inputs.shape[1]
    for b in range(inputs.shape[1]):
        pre_activations, states, logits = forward(activation, net, inputs[:, b])
        slopes = SLOPE[activation](pre_activations)
        for t in np.flatnonzero(loss_mask):
            probability = np.exp(logits[t] - logits[t].max())
            probability /= probability.sum()
            probability[targets[t, b]] -= 1.0
            error = g = net["W_s"].T @ probability / count
            for k in range(t, -1, -1):  # steps are counted from 0: states[k] is h_{k-1}
                delta = slopes[k] * g
                yield (b, t, k), error, g, delta, states[k]
                g = net["W_hh"].T @ delta


def central_differences(function, array, step=1e-4):
    """Gradient of `function()` by each entry of `array`, which is changed in place and restored.

    The formula of fourth order: what it leaves out is smaller than its rounding errors.
    """
    gradient = np.empty(array.shape)
    for index in np.ndindex(array.shape):
        value, sides = array[index], []
        for distance in (step, 2.0 * step):
            array[index] = value + distance
            above = function()
            array[index] = value - distance
            sides.append((above - function()) / (2.0 * distance))
        array[index] = value
        gradient[index] = (4.0 * sides[0] - sides[1]) / 3.0
    return gradient
