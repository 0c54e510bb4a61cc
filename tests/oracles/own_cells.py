"""Cells that a user might bring: by one step and its derivative alone."""

import numpy as np

from gradient_horizon.networks.activation_functions import sigmoid
from gradient_horizon.networks.cells import Cell


class Simple(Cell):
    """The library's `rnn`."""

    def step(self, net, state, drive):
        a = state @ net.weights["W_hh"].mT + drive
        return net.phi.value(a), (a, state)

    def back(self, net, kept, signal):
        a, state = kept
        delta = net.phi.slope(a) * signal
        return delta @ net.weights["W_hh"], delta, {"W_hh": [(delta, state)]}


class Leaky(Cell):
    """The library's `leaky`, which reads an option."""

    def step(self, net, state, drive):
        part = net.options["leak"]
        a = state @ net.weights["W_hh"].mT + drive
        return (1.0 - part) * state + part * net.phi.value(a), (a, state)

    def back(self, net, kept, signal):
        a, state = kept
        part = net.options["leak"]
        delta = part * net.phi.slope(a) * signal
        farther = (1.0 - part) * signal + delta @ net.weights["W_hh"]
        return farther, delta, {"W_hh": [(delta, state)]}


class Gru(Cell):
    """The library's `gru`: three blocks, and a bias of its own."""

    BLOCKS = 3

    def shapes(self, hidden_size, input_size):
        return super().shapes(hidden_size, input_size) | {"b_n": (hidden_size,)}

    def step(self, net, state, drive):
        of_r, of_z, of_n = np.split(state @ net.weights["W_hh"].mT, 3, axis=-1)
        r, z, n = np.split(drive, 3, axis=-1)
        r, z, m = sigmoid(of_r + r), sigmoid(of_z + z), of_n + net.weights["b_n"]
        a = n + r * m
        new = net.phi.value(a)
        return (1.0 - z) * new + z * state, (a, state, r, z, m, new)

    def back(self, net, kept, signal):
        a, state, r, z, m, new = kept
        of_n = (1.0 - z) * net.phi.slope(a) * signal
        of_r = of_n * m * r * (1.0 - r)
        of_z = (state - new) * z * (1.0 - z) * signal
        delta = np.concatenate([of_r, of_z, of_n * r], axis=-1)
        farther = delta @ net.weights["W_hh"] + z * signal
        slopes = {"W_hh": [(delta, state)], "b_n": of_n * r}
        return farther, np.concatenate([of_r, of_z, of_n], axis=-1), slopes


class Lstm(Cell):
    """The library's `lstm`: a state of two parts."""

    BLOCKS = 4
    PARTS = ("hidden", "cell")

    def recurrent(self, weights):
        return np.split(weights["W_hh"], 4)[2]

    def step(self, net, state, drive):
        h, c = np.split(state, 2, axis=-1)
        i, f, g, o = np.split(h @ net.weights["W_hh"].mT + drive, 4, axis=-1)
        i, f, o, new = sigmoid(i), sigmoid(f), sigmoid(o), net.phi.value(g)
        cell = f * c + i * new
        out = net.phi.value(cell)
        return np.concatenate([o * out, cell], axis=-1), (g, h, c, i, f, o, new, cell, out)

    def back(self, net, kept, signal):
        g, h, c, i, f, o, new, cell, out = kept
        of_h, of_c = np.split(signal, 2, axis=-1)
        of_c = of_c + o * net.phi.slope(cell) * of_h
        delta = np.concatenate(
            [
                new * i * (1.0 - i) * of_c,
                c * f * (1.0 - f) * of_c,
                i * net.phi.slope(g) * of_c,
                out * o * (1.0 - o) * of_h,
            ],
            axis=-1,
        )
        farther = np.concatenate([delta @ net.weights["W_hh"], f * of_c], axis=-1)
        return farther, delta, {"W_hh": [(delta, h)]}


class Diagonal(Cell):
    """Every unit reads its own state alone (Li, Li, Cook, Zhu and Gao, 2018): W_hh is a vector."""

    def shapes(self, hidden_size, input_size):
        return super().shapes(hidden_size, input_size) | {"W_hh": (hidden_size,)}

    def initialise(self, net, rng, draw_recurrent, radius, scale, options):
        net["W_hh"][...] = rng.uniform(-radius, radius, net["W_hh"].shape)
        net["W_hh"][0] = radius
        net["W_hx"][...] = rng.normal(0.0, scale, net["W_hx"].shape)

    def recurrent(self, weights):
        return np.diag(weights["W_hh"])

    def step(self, net, state, drive):
        a = net.weights["W_hh"] * state + drive
        return net.phi.value(a), (a, state)

    def back(self, net, kept, signal):
        a, state = kept
        delta = net.phi.slope(a) * signal
        return net.weights["W_hh"] * delta, delta, {"W_hh": delta * state}


# Those that the library has in a fast form, by its name.
TWINS = {"rnn": Simple(), "leaky": Leaky(), "gru": Gru(), "lstm": Lstm()}
