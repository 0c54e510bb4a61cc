"""A gated cell with neither three gates nor four is built on the same base, and trains."""

from types import SimpleNamespace

import numpy as np
import pytest

import naive
from gradient_horizon.networks.cells import gates
from gradient_horizon.numerics.population import Weights
from gradient_horizon.training.network import Network
from naive import BATCH, OUTPUTS, SIZE, STEPS, SYMBOLS


class OneGate(gates.Recurrence):
    """h_t = (1 - z) h_{t-1} + z phi(a), with z = sigmoid(W_z h_{t-1} + U_z x_t + b_z) and a alike.

    The rows of W_hh are z's and the candidate's.
    """

    def __init__(self, *given):
        super().__init__(*given)
        self._send_back(self.drive)

    def forward(self):
        self._transpose()
        sums = self._buffer
        for t, rows in enumerate(self.drive):
            if t > 0:
                self._onward[t]()
                rows += self._products
            np.copyto(sums, self._drive_by_gate[t])
            z, n = self.gates[t]
            gates.sigmoid(sums[0], out=z)
            self._activate(t, sums[1], out=n)
            self.states[t + 1] = self.states[t] + z * (n - self.states[t])

    def backward(self):
        of_z, of_n = delta = self._buffer
        for t in reversed(range(len(self.gradient))):
            signal = self.gradient[t]
            if self.goes_on(t):
                self._back[t + 1]()
                signal += self._scratch
                signal += self._carried
            z, n = self.gates[t]
            np.multiply(signal, 1.0 - z, out=self._carried)
            self._slope_of(n, self._pre_activations[t], out=of_n)
            of_n *= z * signal
            gates.sigmoid_slope_from_value(z, out=of_z)
            of_z *= (n - self.states[t]) * signal
            np.copyto(self._drive_by_gate[t], delta)
        return self.drive


def loss_of(activation, net, inputs, targets):
    """The mean loss, by plain loops."""
    losses = []
    for symbols, wanted in zip(inputs.T, targets.T, strict=True):
        h = np.zeros(SIZE)
        for symbol, target in zip(symbols, wanted, strict=True):
            sums = net["W_hh"] @ h + net["W_hx"][:, symbol] + net["b_h"]
            z, n = naive.logistic(sums[:SIZE]), naive.PHI[activation](sums[SIZE:])
            h = (1.0 - z) * h + z * n
            losses.append(naive.cross_entropy(net["W_s"] @ h + net["b_s"], target))
    return np.mean(losses)


# One whose value tells the slope, and one without that.
@pytest.mark.parametrize("activation", ["tanh", "gelu"])
def test_it_follows_the_gradient_of_the_loss(activation):
    """Every weight of a population of two, against differences of the loss of plain loops."""
    rng = np.random.default_rng(0)
    shapes = {
        **{"W_hh": (2 * SIZE, SIZE), "W_hx": (2 * SIZE, SYMBOLS), "b_h": (2 * SIZE,)},
        **{"W_s": (OUTPUTS, SIZE), "b_s": (OUTPUTS,)},
    }
    weights, gradient = (Weights(shapes, 2, np.dtype(np.float64)) for _ in range(2))
    for name, shape in shapes.items():
        weights[name][...] = 0.5 * rng.standard_normal((2, *shape))
    inputs = rng.integers(0, SYMBOLS, (STEPS, BATCH, 2))
    targets = rng.integers(0, OUTPUTS, inputs.shape)
    network = Network(
        SimpleNamespace(Recurrence=OneGate), activation, weights, np.ones(STEPS, bool), BATCH
    )
    losses = network.loss_and_gradient(inputs, targets, gradient)
    for number in range(2):
        net = {name: weights[name][number].copy() for name in shapes}
        batch = inputs[..., number], targets[..., number]
        assert losses[number] == pytest.approx(loss_of(activation, net, *batch), rel=1e-12)
        for name, array in net.items():
            expected = naive.central_differences(
                lambda net=net, batch=batch: loss_of(activation, net, *batch), array
            )
            assert abs(expected).max() > 1e-6
            np.testing.assert_allclose(gradient[name][number], expected, rtol=0, atol=2e-10)
