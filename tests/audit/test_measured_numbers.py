"""What the audit measures on equations and Jacobians, computed another way."""

import numpy as np
import pytest

import naive
from audit_cases import draw, verdict
from gradient_horizon.audit import audited_net, equations, jacobians
from gradient_horizon.audit.claims import FAILS, HOLDS
from gradient_horizon.networks.activations import ACTIVATIONS


def one_unit(weight=0.7, loss_at=(True, True, True)):
    """A linear net of one unit, for closed forms."""
    weights = {
        "W_hh": np.array([[weight]]),
        "W_hx": np.array([[1.0, -0.5]]),
        "b_h": np.zeros(1),
        "W_s": np.array([[1.0], [-1.0]]),
        "b_s": np.zeros(2),
    }
    inputs, targets = np.array([[0], [1], [0]]), np.array([[1], [0], [1]])
    return audited_net.Net(ACTIVATIONS["linear"], weights, inputs, targets, np.array(loss_at))


def test_the_dropped_average():
    errors = equations.normalisation(draw())
    assert errors.numbers == {"ratio": pytest.approx(9.0), "steps": 9}
    assert errors.note == pytest.approx(8.0)


def test_the_terms_of_the_double_sum():
    assert equations.double_sum(draw()).numbers == {"terms": 9 * 10 / 2, "steps": 9}


@pytest.mark.parametrize("activation", naive.NAMES)
def test_how_often_the_total_derivative_counts(activation):
    """Term k stands in the total derivatives of h_k, ..., h_t: t - k + 1 times."""
    net = draw(activation, batch=2)
    once = often = 0.0
    pairs = naive.pairs(activation, net.weights, net.inputs, net.targets, net.loss_mask)
    for (_, t, k), _, _, delta, before in pairs:
        once = once + np.outer(delta, before)
        often = often + (t - k + 1) * np.outer(delta, before)
    expected = np.linalg.norm(often - once) / np.linalg.norm(once)
    assert equations.inner_derivative(net).note == pytest.approx(expected)


def test_one_unit():
    """Loss at the last of three steps: the terms are e w^d h_{2-d}, counted d + 1 times."""
    weight, net = 0.7, one_unit(loss_at=(False, False, True))
    states = [0.0, 1.0, weight - 0.5]
    terms = np.array([weight**d * states[2 - d] for d in range(3)])
    often = terms @ [1.0, 2.0, 3.0]
    expected = abs(often - terms.sum()) / abs(terms.sum())
    assert equations.inner_derivative(net).note == pytest.approx(expected)
    assert verdict(7, net) == verdict(8, net) == verdict(9, net) == HOLDS


@pytest.mark.parametrize("activation", ["tanh", "sigmoid", "softsign"])
def test_conventions_in_numbers(activation):
    """Each formula beside each derivative, the derivatives by their own formulas."""
    net = draw(activation)
    stretch = jacobians.clearest_stretch(net, 2)
    slope, matrix = naive.SLOPE[activation], net.weights["W_hh"]
    before, now = stretch.pre_activation
    truths = {
        "State": np.diag(slope(now)) @ matrix,
        "Sum": matrix @ np.diag(slope(before)),
        "Gradient": matrix.T @ np.diag(slope(now)),
    }
    readings = {"Note": matrix.T @ np.diag(slope(naive.PHI[activation](before))), **truths}
    numbers = jacobians.conventions(net).numbers
    assert len(numbers) == 12
    for reading, formula in readings.items():
        for name, truth in truths.items():
            expected = np.linalg.norm(formula - truth) / np.linalg.norm(truth)
            # Differences are allowed a relative 1e-7.
            assert numbers[f"{reading}By{name}"] == pytest.approx(expected, abs=1e-7)
            assert (expected < 1e-7) == (reading == name)


def test_the_slip_in_the_slope():
    numbers = jacobians.slope_bound(draw()).numbers
    assert numbers["supremum"] == 0.25
    assert numbers["distance"] == 20 and numbers["inflation"] == 4.0**20


def test_equality_holds_only_at_rest():
    """Where all pre-activations are 0 every slope is 1/4, and J = W / 4."""
    net = draw("sigmoid")
    for name in ("W_hx", "b_h"):
        net.weights[name] = np.zeros_like(net.weights[name])
    net.weights["W_hh"] = 1e-12 * net.weights["W_hh"]
    assert verdict(12, net, note=0.25) == HOLDS
    assert verdict(12, net) == FAILS
    assert verdict(12, draw("sigmoid"), note=0.25) == FAILS


@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_the_factors_of_a_contribution(activation):
    net = draw(activation)
    rows = []
    pairs = naive.pairs(activation, net.weights, net.inputs, net.targets, net.loss_mask)
    for _, error, _, delta, before in pairs:
        sizes = [np.linalg.norm(vector) for vector in (error, delta, before)]
        if min(sizes) > 0.0:
            rows.append(np.log10([sizes[0], sizes[1] / sizes[0], sizes[2]]))
    whole = np.sum(rows, axis=1)
    errors = jacobians.factors_apart(net)
    assert errors.note == pytest.approx(np.std(whole - np.array(rows)[:, 1]))
    covariances = np.cov(np.column_stack([rows, whole]).T, bias=True)
    shares = covariances[:3, 3] / covariances[3, 3]
    assert list(errors.numbers.values()) == pytest.approx(shares.tolist())
    assert sum(errors.numbers.values()) == pytest.approx(1.0)
