"""The decomposition again, in decimal numbers of 50 digits and any exponent, by plain loops.

Shares no code with the library, nor arithmetic: no power of two is carried, nothing is rescaled,
and activations, soft-max and gradient are written out for lists of numbers.  Two thousand steps, of
which few carry a loss, so that all pairs (t, k) can be gone through one by one.
"""

from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal, localcontext

import numpy as np
import pytest

from gradient_horizon.gradients import contributions, forward_pass
from gradient_horizon.networks.activations import ACTIVATIONS
from gradient_horizon.networks.cells import rnn

STEPS = 2000
PRECISE = Context(prec=50, Emax=MAX_EMAX, Emin=MIN_EMIN)


def sigmoid(a):
    return 1 / (1 + (-a).exp())


def tanh(a):
    return 2 * sigmoid(2 * a) - 1


def relu(a):
    return max(a, Decimal(0))


def elu(a):
    return a if a > 0 else a.exp() - 1


def sigmoid_slope(a):
    return sigmoid(a) * sigmoid(-a)


def tanh_slope(a):
    return 4 * sigmoid_slope(2 * a)


def relu_slope(a):
    return Decimal(int(a > 0))


def elu_slope(a):
    return min(a, Decimal(0)).exp()


PHI = {"sigmoid": sigmoid, "tanh": tanh, "relu": relu, "elu": elu}
SLOPE = {"sigmoid": sigmoid_slope, "tanh": tanh_slope, "relu": relu_slope, "elu": elu_slope}


def dot(left, right):
    return sum((a * b for a, b in zip(left, right, strict=True)), Decimal(0))


def applied(matrix, vector):
    return [dot(row, vector) for row in matrix]


def transposed(matrix):
    return [list(column) for column in zip(*matrix, strict=True)]


def norm(values):
    return dot(values, values).sqrt()


def decimals(array):
    """Lists of the exact values of an array of floats."""
    return Decimal(float(array)) if np.ndim(array) == 0 else [decimals(part) for part in array]


def second_implementation(activation, net, inputs, targets, loss_mask):
    """C_d as lists of N N numbers by distance, and of log10 transports and incoherent sums."""
    net = {name: decimals(array) for name, array in net.items()}
    size, count = len(net["b_h"]), int(loss_mask.sum()) * inputs.shape[1]
    backwards, outputs = transposed(net["W_hh"]), transposed(net["W_s"])
    drives = transposed(net["W_hx"])
    contribution = [[Decimal(0)] * (size * size) for _ in range(STEPS)]
    transport, incoherent = [[] for _ in range(STEPS)], [Decimal(0)] * STEPS
    for b in range(inputs.shape[1]):
        states, slopes = [[Decimal(0)] * size], []
        for symbol in inputs[:, b]:
            carried = applied(net["W_hh"], states[-1])
            terms = zip(carried, drives[symbol], net["b_h"], strict=True)
            pre_activation = [sum(each) for each in terms]
            states.append([PHI[activation](a) for a in pre_activation])
            slopes.append([SLOPE[activation](a) for a in pre_activation])
        for t in np.flatnonzero(loss_mask):
            logits = [
                a + b for a, b in zip(applied(net["W_s"], states[t + 1]), net["b_s"], strict=True)
            ]
            weights = [(logit - max(logits)).exp() for logit in logits]
            differences = [weight / sum(weights) for weight in weights]
            differences[targets[t, b]] -= 1
            g = error = [value / count for value in applied(outputs, differences)]
            for d in range(t + 1):
                k = t - d  # steps are counted from 0: states[k] is h_{k-1}
                transport[d].append((norm(g) / norm(error)).log10())
                delta = [slope * value for slope, value in zip(slopes[k], g, strict=True)]
                incoherent[d] += norm(delta) * norm(states[k])
                terms = [x * h for x in delta for h in states[k]]
                contribution[d] = [a + b for a, b in zip(contribution[d], terms, strict=True)]
                g = applied(backwards, delta)
    return contribution, transport, incoherent


def draw(activation, radius, size, batch):
    """A net, inputs and targets (T, B), and a mask of two steps."""
    rng = np.random.default_rng(size)
    recurrent = rng.standard_normal((size, size))
    if activation in ("relu", "elu"):  # no unit is ever off
        recurrent = abs(recurrent)
    net = {
        "W_hh": recurrent * radius / abs(np.linalg.eigvals(recurrent)).max(),
        "W_hx": abs(rng.standard_normal((size, 4))),
        "b_h": 0.3 * rng.standard_normal(size),
        "W_s": 0.1 * rng.standard_normal((3, size)),
        "b_s": 0.3 * rng.standard_normal(3),
    }
    inputs, targets = rng.integers(0, 4, (STEPS, batch)), rng.integers(0, 3, (STEPS, batch))
    if activation in ("relu", "elu"):
        # The least likely class: a net with states of 1e1200 that is right has no gradient.
        values, vectors = np.linalg.eig(net["W_hh"])
        targets[:] = (net["W_s"] @ abs(vectors[:, values.real.argmax()])).argmin()
    return net, inputs, targets, np.arange(STEPS) % 1000 == 999


@pytest.mark.parametrize(
    ("activation", "radius", "size", "batch", "least", "most"),
    [
        ("sigmoid", 0.1, 3, 2, -4000, -3000),
        ("relu", 4.0, 3, 1, 1100, 1250),
        ("elu", 4.0, 3, 1, 1100, 1250),
        ("tanh", 1.5, 4, 1, -1500, -500),
    ],
)
@pytest.mark.filterwarnings("error")
def test_two_thousand_steps_again(activation, radius, size, batch, least, most):
    """To 1e-10: 2,000 steps that are each off by a relative 1e-15 or so, as rounding goes."""
    net, inputs, targets, loss_mask = draw(activation, radius, size, batch)
    path = forward_pass.trace(
        rnn.Dynamics(ACTIVATIONS[activation], net), inputs, targets, loss_mask
    )
    result = contributions.by_distance(path)
    assert result.residual < 1e-9
    with localcontext(PRECISE):
        contribution, transport, incoherent = second_implementation(
            activation, net, inputs, targets, loss_mask
        )
        norms = [norm(term) for term in contribution]
        gradient = [sum(entries) for entries in zip(*contribution, strict=True)]
        squared = dot(gradient, gradient)
        along = [float(dot(term, gradient) / squared) for term in contribution]
        shares = [float(value / sum(norms)) for value in norms]
        means = [float(sum(values) / len(values)) for values in transport]
        log10_norms, log10_sums = (
            [float(value.log10()) for value in values] for values in (norms, incoherent)
        )
        log10_gradient = float(squared.log10() / 2)
    assert result.log10_gradient_norm == pytest.approx(log10_gradient, rel=0, abs=1e-10)
    # The last distance is paired with h_0 = 0.
    assert np.isneginf([log10_norms[-1], log10_sums[-1]]).all()
    np.testing.assert_allclose(result.log10_contribution, log10_norms, rtol=0, atol=1e-10)
    np.testing.assert_allclose(result.log10_incoherent, log10_sums, rtol=0, atol=1e-10)
    np.testing.assert_allclose(result.log10_transport, means, rtol=0, atol=1e-10)
    np.testing.assert_allclose(result.share, shares, rtol=1e-10, atol=1e-300)
    np.testing.assert_allclose(result.signed_share, along, rtol=0, atol=1e-10)
    assert not result.extinct.any()
    assert least < means[-1] < most
