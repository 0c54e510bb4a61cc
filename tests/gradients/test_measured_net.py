"""Measuring one net: the tables' columns, and nets at the limits of floating-point numbers."""

import numpy as np
import pytest

import naive
from gradient_horizon.gradients import contributions
from gradient_horizon.gradients.measurement import InexactError, measure
from gradient_horizon.networks.activations import ACTIVATIONS
from gradient_horizon.networks.cells import rnn


def probe_of(inputs, targets, loss_mask=None):
    dense = np.ones(len(inputs), dtype=bool)
    return {
        "inputs": inputs,
        "targets": targets,
        "loss_mask": dense if loss_mask is None else loss_mask,
    }


@pytest.mark.parametrize("activation", naive.NAMES)
def test_columns_and_summary(activation):
    net, inputs, targets = naive.draw_batch(1)
    rows, row = measure(rnn.Dynamics(ACTIVATIONS[activation], net), probe_of(inputs, targets))
    steps = naive.STEPS
    assert {len(column) for column in rows.values()} == {steps}
    assert rows["distance"].tolist() == list(range(steps))
    for name in ("contribution", "transport", "incoherent", "bound"):
        with np.errstate(divide="ignore"):
            np.testing.assert_allclose(np.log10(rows[name]), rows[f"log10_{name}"], atol=1e-12)
    ratio = rows["contribution"][:-1] / rows["incoherent"][:-1]
    np.testing.assert_allclose(rows["coherence"][:-1], ratio, rtol=1e-12)
    assert np.isnan(rows["coherence"][-1])  # nothing over nothing: h_0 = 0
    sigma_max = np.sqrt(np.linalg.eigvalsh(net["W_hh"].T @ net["W_hh"]).max())
    assert row["sigma_max"] == pytest.approx(sigma_max, rel=1e-12)
    assert row["spectral_radius"] == pytest.approx(1.3, rel=1e-12)
    gamma = naive.GAMMA.get(activation, 1.0)
    np.testing.assert_allclose(rows["bound"], (sigma_max * gamma) ** np.arange(steps), rtol=1e-11)
    loss, accuracy = naive.loss_and_accuracy(activation, net, inputs, targets, np.ones(steps, bool))
    assert (row["probe_loss"], row["probe_accuracy"]) == pytest.approx((loss, accuracy), rel=1e-12)
    total = sum(rows["signed_share"])
    assert total == pytest.approx(1.0, rel=1e-12)
    reached = np.cumsum(rows["share"])
    assert reached[int(row["h99"])] >= 0.99 and (reached[: int(row["h99"])] < 0.99).all()


def test_weights_in_single_precision_are_cast_up_exactly():
    net, inputs, targets = naive.draw_batch(2, embedding_size=3)
    single = {name: array.astype(np.float32) for name, array in net.items()}
    double = {name: array.astype(np.float64) for name, array in single.items()}
    one, other = (
        measure(rnn.Dynamics(ACTIVATIONS["tanh"], weights), probe_of(inputs, targets))
        for weights in (single, double)
    )
    assert one[1] == other[1]
    for name, column in one[0].items():
        np.testing.assert_array_equal(column, other[0][name])


@pytest.mark.parametrize("weight", ["W_hh", "W_hx"])
def test_a_sum_that_is_not_the_gradient_is_refused(monkeypatch, weight):
    net, inputs, targets = naive.draw_batch(3)
    exact = contributions.gradient_through_time

    def slightly_off(*given):
        gradients = exact(*given)
        gradient, exponent = gradients[weight]
        return {**gradients, weight: (gradient * (1 + 1e-8), exponent)}

    monkeypatch.setattr(contributions, "gradient_through_time", slightly_off)
    with pytest.raises(InexactError, match="differ from the gradient by a relative 1e-08"):
        measure(rnn.Dynamics(ACTIVATIONS["tanh"], net), probe_of(inputs, targets))


def check(activation, net, probe):
    """Whatever a net's size: exact, without a warning, and nan only where nothing is defined."""
    rows, row = measure(rnn.Dynamics(ACTIVATIONS[activation], net), probe)
    assert row["residual"] < 1e-11
    logarithms = [rows[f"log10_{name}"] for name in ("contribution", "incoherent", "bound")]
    for column in logarithms:
        assert not np.isnan(column).any() and not np.isposinf(column).any()
    assert not np.isnan(row["probe_loss"]) and np.isfinite(row["sigma_max"])
    for smaller, larger in (("contribution", "incoherent"), ("transport", "bound")):
        less, more = rows[f"log10_{smaller}"], rows[f"log10_{larger}"]
        finite = np.isfinite(more)
        # What a logarithm of many digits before the point leaves behind it.
        rounding = 1e-14 * (10 + abs(more[finite]))
        assert not (less[finite] > more[finite] + rounding).any()
        assert np.isneginf(less[~finite]).all()
    if np.isneginf(row["log10_gradient_norm"]):
        assert not rows["signed_share"].any()
    elif rows["log10_incoherent"].max() < row["log10_gradient_norm"] + 6:
        # Otherwise the gradient is what rounding leaves of terms that cancel.
        rounding = 1e-14 * (10 + abs(rows["log10_contribution"].max()))
        assert rows["share"].sum() == pytest.approx(1.0, rel=max(1e-12, rounding))
        assert rows["signed_share"].sum() == pytest.approx(1.0, rel=1e-8)
    return rows, row


@pytest.mark.slow
@pytest.mark.parametrize("activation", naive.NAMES)
@pytest.mark.filterwarnings("error")
def test_random_nets_of_every_size(activation):
    """Radii from 0.01 to 100, biases that saturate, read-outs that are sure, huge weights."""
    rng = np.random.default_rng(4)
    gradients = 0
    for _ in range(150):
        size, symbols, outputs = rng.choice([1, 2, 5, 16]), rng.choice([2, 4]), rng.choice([2, 6])
        embedding_size = rng.choice([None, 3])
        net = naive.draw_net(rng, size, symbols, outputs, embedding_size, 10 ** rng.uniform(-2, 2))
        kind = rng.choice(["plain", "wide", "huge"])
        largest = {"plain": 0, "wide": 4, "huge": 150}[kind]
        for array in net.values():
            array *= 10.0 ** rng.uniform(-min(largest, 4), largest)
        if rng.random() < 0.3:
            net["b_h"] = net["b_h"] * 0 - 10.0 ** rng.uniform(0, 3)
        inputs = rng.integers(0, symbols, (rng.choice([2, 3, 30]), rng.choice([1, 8])))
        targets = rng.integers(0, outputs, inputs.shape)
        last = np.arange(len(inputs)) == len(inputs) - 1
        _, row = check(activation, net, probe_of(inputs, targets, last | (rng.random() < 0.5)))
        gradients += np.isfinite(row["log10_gradient_norm"])
    # Most of these nets are saturated, which for hard tanh means slopes of exactly 0.
    assert gradients > (40 if activation == "hard_tanh" else 60)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("activation", "bias", "alive"),
    [
        ("tanh", -320.0, True),
        ("tanh", -345.0, False),
        ("tanh", -365.0, False),
        ("tanh", -372.5, False),
        ("sigmoid", -340.0, True),
        ("sigmoid", -640.0, True),
        ("sigmoid", -690.0, False),
        ("sigmoid", -720.0, False),
        ("softsign", 1e140, True),
        ("softsign", 1e160, False),
    ],
)
def test_slopes_at_the_edge_of_zero(activation, bias, alive):
    """Slopes near and below 1e-308 count as zero: their products would not add up."""
    net, inputs, targets = naive.draw_batch(5)
    net["b_h"] += bias
    _, row = check(activation, net, probe_of(inputs, targets))
    assert np.isfinite(row["log10_gradient_norm"]) == alive


@pytest.mark.filterwarnings("error")
def test_the_mean_of_the_largest_losses():
    """Each loss can be represented, and so can their mean, but not their sum."""
    net, inputs, targets = naive.draw_batch(9)
    net["b_s"][:] = 0.0
    targets[:] = 0
    # The states are near 1e154 and so are the weights that turn them into logits.
    for name in ("W_hx", "b_h"):
        net[name] *= 1e154
    net["W_s"] *= 2e153
    loss = measure(rnn.Dynamics(ACTIVATIONS["linear"], net), probe_of(inputs, targets))[1][
        "probe_loss"
    ]
    net["W_s"] /= 1e10
    smaller = naive.loss_and_accuracy("linear", net, inputs, targets, np.ones(naive.STEPS, bool))[0]
    assert loss == pytest.approx(smaller * 1e10, rel=1e-12)
    assert loss * inputs.size > np.finfo(float).max


@pytest.mark.filterwarnings("error")
def test_states_of_a_sigmoid_that_is_off():
    """States of 1e-170, whose squares underflow, still pair with delta to a finite logarithm."""
    net, inputs, targets = naive.draw_batch(6, batch=1)
    net["b_h"][:], net["W_hx"][:] = -391.0, 0.0
    rows, _ = check("sigmoid", net, probe_of(inputs, targets))
    state = np.exp(-391.0) * np.sqrt(naive.SIZE)
    # delta at distance 0 is e_t times a slope that equals the state's entries.
    _, _, logits = naive.forward("sigmoid", net, inputs[:, 0])
    probability = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    probability[np.arange(naive.STEPS), targets[:, 0]] -= 1.0
    errors = np.linalg.norm(probability @ net["W_s"], axis=1) / naive.STEPS
    expected = np.log10(errors[1:].sum() * state) - 391.0 / np.log(10)
    assert rows["log10_incoherent"][0] == pytest.approx(expected, rel=1e-12)


@pytest.mark.filterwarnings("error")
def test_a_gradient_that_cancels_is_not_taken_for_an_error():
    """Two sequences read the same and are to say the opposite, as sure as can be."""
    net, inputs, _ = naive.draw_batch(8, batch=6)
    inputs[:] = inputs[:, :1]
    net["W_s"], net["b_s"] = net["W_s"][:2], np.zeros(2)
    net["W_s"][1] = -net["W_s"][0]
    net["W_s"] *= 1e-9  # both are as likely as each other, to nine digits
    targets = np.tile([0, 1], (naive.STEPS, 3))
    rows, row = check("tanh", net, probe_of(inputs, targets))
    assert row["log10_gradient_norm"] < rows["log10_incoherent"].max() - 7


@pytest.mark.filterwarnings("error")
def test_a_net_that_is_off_has_no_gradient_and_no_horizon():
    net, inputs, targets = naive.draw_batch(7)
    net["b_h"] -= 1e3
    rows, row = check("relu", net, probe_of(inputs, targets))
    assert np.isneginf(row["log10_gradient_norm"]) and row["residual"] == 0.0
    assert np.isnan(rows["share"]).all()
    assert np.isnan(row["h99"]) and row["h99_censored"] is False
    assert rows["extinct"].tolist() == [0.0] + [1.0] * (naive.STEPS - 1)
    net["W_s"][:] = 0.0  # and no error either
    rows, _ = check("relu", net, probe_of(inputs, targets))
    assert np.isnan(rows["log10_transport"]).all() and np.isnan(rows["extinct"]).all()
