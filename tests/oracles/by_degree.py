"""Recurrent nets in plain loops, and the gradient of every parameter by distance, going forwards.

A tangent of every parameter is carried forwards with the states as a polynomial in z, a coefficient
for each distance: what passes from one step to the next is multiplied by z.  Derivatives of a step
are complex steps, f(x + i eps t) = f(x) + i eps J t, exact to rounding (Squire and Trapp, 1998).
Nothing is shared with the library.
"""

import numpy as np

EPS = 1e-30


def sigmoid(a):
    return 1.0 / (1.0 + np.exp(-a))


def step(kind, w, x, state):
    """PyTorch's equations of one step: x (..., D), the state's parts (..., N) each."""
    a = x @ w["weight_ih"].swapaxes(-1, -2) + w.get("bias_ih", np.zeros(1))
    h = state[0] @ w["weight_hh"].swapaxes(-1, -2) + w.get("bias_hh", np.zeros(1))
    if kind == "lstm":
        i, f, g, o = np.split(a + h, 4, axis=-1)
        c = sigmoid(f) * state[1] + sigmoid(i) * np.tanh(g)
        out = sigmoid(o) * np.tanh(c)
        return [out @ w["weight_hr"].swapaxes(-1, -2) if "weight_hr" in w else out, c]
    if kind == "gru":
        (a_r, a_z, a_n), (h_r, h_z, h_n) = np.split(a, 3, -1), np.split(h, 3, -1)
        z = sigmoid(a_z + h_z)
        return [(1.0 - z) * np.tanh(a_n + sigmoid(a_r + h_r) * h_n) + z * state[0]]
    total = a + h
    return [total * (total.real > 0.0) if kind == "relu" else np.tanh(total)]


def cost(loss, outputs, wanted):
    """PyTorch's loss of one answer, complex: outputs (..., O)."""
    if loss == "cross_entropy":
        shifted = outputs - outputs.real.max(axis=-1, keepdims=True)
        return np.log(np.exp(shifted).sum(axis=-1)) - shifted[..., wanted]
    if loss == "mse":
        return ((outputs - wanted) ** 2).mean(axis=-1)
    return (np.log(1.0 + np.exp(outputs)) - wanted * outputs).mean(axis=-1)


class Net:
    """A net whose recurrent parameters are all tangents at once.

    Parameters
    ----------
    kind : tanh, relu, gru or lstm.
    layers : for each layer its directions, weights by name.
    head : weight (V, H) and bias (V,).
    starts : by h0 and c0, (layers x directions, 1 or B, .), as far as they are parameters.
    """

    def __init__(self, kind, layers, head, starts=None):
        self.kind, self.layers, self.head, self.starts = kind, layers, head, starts or {}
        self.slots, stop = {}, 0
        for level, directions in enumerate(layers):
            for k, weights in enumerate(directions):
                for name, values in weights.items():
                    self.slots[f"{name}_l{level}{'_reverse' * k}"] = slice(stop, stop + values.size)
                    stop += values.size
        for name, values in self.starts.items():
            self.slots[name] = slice(stop, stop + values.size)
            stop += values.size
        self.count = stop

    def _tangents(self, name, values):
        """Values (P, 1, ...) whose imaginary part is each parameter's own direction."""
        whole = np.zeros((self.count, *values.shape), complex)
        whole += values
        slot = self.slots[name]
        own = np.eye(values.size).reshape(values.size, *values.shape)
        whole[slot] += 1j * EPS * own
        return whole

    def by_degree(self, x, targets, counts, lengths=None, chunk=None, loss="cross_entropy"):
        """Return the loss, and by parameter C_d, (degrees, *shape).

        x is (T, B, D), counts (T, B) bool; every `chunk` steps the state is carried on, and no
        tangent.
        """
        steps, batch = x.shape[:2]
        lengths = [steps] * batch if lengths is None else lengths
        degrees = len(self.layers) * steps + 1
        value, total = 0.0, np.zeros((self.count, degrees))
        for b in range(batch):
            states = None
            for first in range(0, steps, chunk or steps):
                stop = min(first + (chunk or steps), lengths[b])
                if stop <= first:
                    continue
                rows, states = self._read(x[first:stop, b], b, states, degrees)
                for t in range(first, stop):
                    if counts[t, b]:
                        answers = rows[t - first] @ self.head[0].T + self.head[1]
                        one = cost(loss, answers, targets[t, b]) / counts.sum()
                        value += one[0, 0].real
                        total += one.imag / EPS
        return value, {name: np.moveaxis(total[slot], 1, 0) for name, slot in self.slots.items()}

    def _read(self, x, b, states, degrees):
        """Read one sequence: outputs (n, P, degrees, H), and the states it ends in, real."""
        shape = self.count, degrees
        rows = [np.zeros((*shape, x.shape[1]), complex) + one for one in x]
        after, place = [], 0
        for level, directions in enumerate(self.layers):
            outputs = []
            for k, weights in enumerate(directions):
                own = self._weights(level, k, weights, degrees)
                state = self._start(place, b, states, weights, shape)
                found = [None] * len(rows)
                for count, t in enumerate(reversed(range(len(rows))) if k else range(len(rows))):
                    if count:
                        state = [_shifted(part) for part in state]
                    state = [part[..., 0, :] for part in self._step(own, rows[t], state)]
                    found[t] = state[0]
                after.append([part[0, 0].real for part in state])
                outputs.append(found)
                place += 1
            rows = [np.concatenate(parts, axis=-1) for parts in zip(*outputs, strict=True)]
        return rows, after

    def _weights(self, level, k, weights, degrees):
        """Weights (P, degrees, ...), the tangent at degree 0."""
        found = {}
        for name, values in weights.items():
            whole = np.zeros((self.count, degrees, *values.shape), complex) + values
            whole[:, 0] = self._tangents(f"{name}_l{level}{'_reverse' * k}", values)
            found[name] = whole[:, :, None] if values.ndim == 1 else whole
        return found

    def _step(self, own, row, state):
        return step(self.kind, own, row[..., None, :], [part[..., None, :] for part in state])

    def _start(self, place, b, states, weights, shape):
        sizes = {"h0": weights["weight_hh"].shape[1]}
        if self.kind == "lstm":
            sizes["c0"] = weights["weight_hh"].shape[0] // 4
        parts = []
        for j, (name, size) in enumerate(sizes.items()):
            part = np.zeros((*shape, size), complex)
            if states is not None:
                part += states[place][j]
            elif name in self.starts:
                own = self.starts[name]
                part += own[place, b % own.shape[1]]
                part[:, 0] = self._tangents(name, own)[:, place, b % own.shape[1]]
            parts.append(part)
        return parts


def _shifted(part):
    """One degree more for the tangents; the values stay."""
    moved = part.real + 0j
    moved[:, 1:] += 1j * part.imag[:, :-1]
    return moved
