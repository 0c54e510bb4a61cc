"""The claims on nets whose verdicts are known, and with readings exchanged."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

import naive
from audit_cases import VERDICTS, draw, verdict, verdicts
from gradient_horizon.audit import audited_net, equations, jacobians
from gradient_horizon.audit.claims import CORRECTED, FAILS, HOLDS, UNDECIDED
from gradient_horizon.gradients import forward_pass
from gradient_horizon.networks.initialisations import spectral_radius


@pytest.mark.parametrize(
    ("activation", "seed"), [("tanh", 0), ("sigmoid", 1), ("relu", 0), ("softsign", 1)]
)
def test_verdicts_on_random_nets(activation, seed):
    net = draw(activation, seed)
    # Of few ReLU units the same may be on at successive steps, and then the slips do not show.
    net.weights.update(naive.draw_net(np.random.default_rng(seed), 24, naive.SYMBOLS, 3, 3))
    assert verdicts(net) == VERDICTS


def test_verdicts_on_linear_nets():
    """All Jacobians are W: their order does not matter, and W^T is the gradient's convention."""
    expected = VERDICTS | {7: HOLDS, 8: HOLDS}
    assert verdicts(draw("linear")) == expected


def test_one_loss_at_the_end():
    """Then there is no sum over t for the average to differ from."""
    net = replace(draw(), loss_mask=np.arange(9) == 8)
    assert verdicts(net) == VERDICTS | {4: HOLDS}
    assert equations.double_sum(net).numbers["terms"] == 9


def test_without_a_bias_nothing_is_left_out():
    net = draw()
    net.weights["b_h"] = np.zeros(naive.SIZE)
    assert verdict(1, net) == HOLDS


def test_a_symmetric_matrix_is_its_own_transpose():
    net = draw("linear")
    symmetric = net.weights["W_hh"] + net.weights["W_hh"].T
    net.weights["W_hh"] = symmetric / spectral_radius(symmetric)
    assert jacobians.layout(net).numbers["transposed"] < 1e-9
    assert jacobians.layout(draw("linear")).numbers["transposed"] > 0.1
    # Its 2-norm is its spectral radius.
    assert jacobians.norm_bound(net).numbers["radius"] == 0.0
    assert jacobians.norm_bound(draw("linear")).numbers["radius"] == 1.0


def test_without_a_gradient_nothing_is_decided():
    net = draw()
    net.weights["W_s"] = np.zeros_like(net.weights["W_s"])
    undecided = {number for number, found in verdicts(net).items() if found == UNDECIDED}
    assert undecided == {3, 5, 6, 10, 14}


# Readings exchanged


def wrong_errors(*arguments):
    """The library's forward pass with yhat in place of yhat - y."""
    path = forward_pass.trace(*arguments)
    return SimpleNamespace(error=path.error + 0.01)


def paired_with_the_state_after(net):
    """W_hh paired with h_k in place of h_{k-1}, in all three sums the rest as it should be."""
    loop, whole = audited_net.forward(net), equations.by_pairs(net)
    whole["W_hh"] = sum(
        np.outer(delta, loop.state[k + 1, b])
        for _, b, _, deltas in audited_net.signals(net, loop)
        for k, delta in enumerate(deltas)
    )
    return whole


def one_term_short(net):
    *most, last = equations.literal_terms(net)
    return [*most[:-1], most[-1] + last]  # the same sum


def doubled(function):
    return lambda *arguments: 2.0 * function(*arguments)


E = equations
J = jacobians
EXCHANGED = [
    (1, {"note": E.library_states}, HOLDS),
    (1, {"corrected": E.without_bias}, FAILS),
    (2, {"note": doubled(E.from_state)}, CORRECTED),
    (2, {"note": lambda net: E.from_state(net)[..., 1:]}, CORRECTED),
    (2, {"note": doubled(E.from_state), "corrected": doubled(E.from_last_state)}, FAILS),
    (3, {"note": doubled(audited_net.cross_entropy)}, CORRECTED),
    (3, {"note": doubled(audited_net.cross_entropy), "corrected": wrong_errors}, FAILS),
    (4, {"note": np.mean}, HOLDS),
    (4, {"corrected": np.sum}, FAILS),
    (5, {"note": paired_with_the_state_after}, CORRECTED),
    (5, {"note": paired_with_the_state_after, "corrected": paired_with_the_state_after}, FAILS),
    (6, {"note": E.immediate}, HOLDS),
    (6, {"corrected": E.total}, FAILS),
    (7, {"note": J.newest_first}, HOLDS),
    (7, {"corrected": J.left_to_right}, FAILS),
    (8, {"note": J.by_gradient}, HOLDS),
    (8, {"state": J.as_written}, FAILS),
    (8, {"total": J.by_state}, FAILS),
    (8, {"gradient": J.by_state}, FAILS),
    (9, {"note": np.transpose}, CORRECTED),
    (9, {"note": np.transpose, "corrected": np.transpose}, FAILS),
    (10, {"note": one_term_short}, CORRECTED),
    (10, {"note": one_term_short, "corrected": lambda net: 1e-8}, FAILS),
    (11, {"note": spectral_radius}, CORRECTED),
    (11, {"note": spectral_radius, "corrected": spectral_radius}, FAILS),
    (14, {"note": J.FACTORS}, HOLDS),
    (14, {"corrected": ("error", "state")}, FAILS),
]


@pytest.mark.parametrize(("number", "readings", "expected"), EXCHANGED)
def test_another_reading_turns_the_verdict(number, readings, expected):
    # In a net that is nearly linear the spectral radius is too small a bound.
    net = draw("tanh", radius=0.3) if number == 11 else draw()
    if number == 11:
        net.weights["W_hx"] = 0.1 * net.weights["W_hx"]
    assert verdict(number, net, **readings) == expected
