"""Activations, cells and nets of one's own, as Python objects and without a registry."""

import numpy as np
import pandas as pd
import pytest

import gradient_horizon as gh
import own_activations
from gradient_horizon.networks import cells

SMALL = {"hidden_size": 6, "seeds": 2, "steps": 8}


def same(one, other):
    pd.testing.assert_frame_equal(one.distances, other.distances, check_exact=True)


@pytest.mark.parametrize("name", ["mish", "rational", "ReLU_6"])
def test_two_functions_are_the_activation_that_a_name_stands_for(name):
    value = getattr(own_activations, name)
    phi = gh.Activation(value, getattr(own_activations, f"{name}_slope"))
    named = gh.ACTIVATIONS[f"own_activations:{name}"]
    assert phi.label == named.label
    assert (phi.slope_bound, phi.value_bound) == (named.slope_bound, named.value_bound)
    weights = gh.train("delayed_echo", **SMALL, name="any").net().weights
    probe = gh.train("delayed_echo", **SMALL).probe
    one, other = (
        gh.net("rnn", weights, activation=part) for part in (phi, f"own_activations:{name}")
    )
    same(gh.measure(one, probe), gh.measure(other, probe))


def test_an_own_tanh_trains_like_the_registered_one():
    """Not to the last bit: the slope is taken of a, and not of h."""
    own = gh.Activation(np.tanh, lambda a: 1.0 / np.square(np.cosh(np.clip(a, -300, 300))), "tanh")
    expected, trained = (
        gh.train("delayed_echo", activation=part, precision="float64", **SMALL)
        for part in ("tanh", own)
    )
    np.testing.assert_allclose(trained.losses, expected.losses, rtol=1e-11)
    assert repr(trained.net(1)) == "<net of 6 rnn units (tanh) with 4 outputs>"


def test_what_is_registered_may_be_given_itself():
    by_name = gh.train("delayed_echo", cell="gru", activation="relu", **SMALL)
    itself = gh.train(
        gh.TASKS["delayed_echo"], cell=gh.CELLS["gru"], activation=gh.ACTIVATIONS["relu"], **SMALL
    )
    for name, array in by_name.weights.items():
        np.testing.assert_array_equal(itself.weights[name], array)
    assert repr(itself) == repr(by_name)


class Leaky(gh.Cell):
    """h_t = (1 - leak) h_{t-1} + leak phi(W_hh h_{t-1} + drive)."""

    def step(self, net, state, drive):
        a = state @ net.weights["W_hh"].mT + drive
        leak = net.options["leak"]
        return (1.0 - leak) * state + leak * net.phi.value(a), (a, state)

    def back(self, net, kept, signal):
        a, state = kept
        leak = net.options["leak"]
        delta = leak * net.phi.slope(a) * signal
        farther = (1.0 - leak) * signal + delta @ net.weights["W_hh"]
        return farther, delta, {"W_hh": [(delta, state)]}


@pytest.mark.parametrize("cell", [Leaky, Leaky()], ids=["class", "object"])
def test_an_own_cell_is_trained_and_measured_like_the_registered_one(cell):
    chosen = {**SMALL, "leak": 0.3, "precision": "float64", "name": "echo"}
    trained = gh.train("delayed_echo", cell=cell, **chosen)
    assert repr(trained.net()) == "<net of 6 Leaky units (tanh) with 4 outputs>"
    own = trained.net(seed=1)
    registered = gh.net("leaky", own.weights, leak=0.3)
    ours, theirs = (gh.measure(net, trained.probe) for net in (own, registered))
    np.testing.assert_allclose(ours.distances["share"], theirs.distances["share"], rtol=1e-11)
    np.testing.assert_allclose(
        ours.distances["transport"], theirs.distances["transport"], rtol=1e-11
    )
    assert ours.summary["probe_loss"].item() == pytest.approx(theirs.summary["probe_loss"].item())
    # The same descent, from the same weights: those of the registered cell, under the own name.
    again = gh.train("delayed_echo", cell="leaky", **chosen)
    assert not np.array_equal(again.losses, trained.losses)


def test_what_only_some_cells_have_is_refused_for_an_own_one():
    with pytest.raises(ValueError, match="regulariser: not for the cell `Leaky`; allowed: None, "):
        gh.train("delayed_echo", cell=Leaky, regulariser="pascanu_2013_code", **SMALL)


def test_no_registry_has_changed():
    assert list(gh.CELLS) == list(cells.CELLS) and "Leaky" not in gh.CELLS
