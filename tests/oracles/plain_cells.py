"""The equations of the library's cells a second time, for one sequence and one step.

An implementation that shares no code with the library, for the tests to compare with.
"""

import numpy as np

from loops import OPTIONS
from naive import logistic


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


def _lru(phi, net, state, x):
    own = np.exp(-np.exp(net["nu_log"]) + 1j * np.exp(net["theta_log"]))
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
