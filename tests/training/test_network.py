"""The population's loss, gradient and predictions against a naive net and central differences."""

from itertools import product

import numpy as np
import pytest

import naive
from gradient_horizon.numerics.population import Weights
from gradient_horizon.training.network import Network

STEPS, BATCH, POPULATION, SYMBOLS, OUTPUTS = 6, 3, 2, 5, 4
MASKS = {
    "dense": np.ones(STEPS, dtype=bool),
    "last": np.arange(STEPS) == STEPS - 1,
    "holes": np.array([True, False, False, True, True, False]),
}


def population_of(nets, dtype=np.float64):
    weights = Weights({name: array.shape for name, array in nets[0].items()}, len(nets), dtype)
    for name in nets[0]:
        weights[name][...] = [net[name] for net in nets]
    return weights


def empty_gradient(weights):
    """Filled with nan: what the library does not overwrite shows."""
    shapes = {name: weights[name].shape[1:] for name in weights.names()}
    gradient = Weights(shapes, len(weights.flat), weights.flat.dtype)
    gradient.flat[...] = np.nan
    return gradient


def draw(seed=0, embedding_size=None, population=POPULATION):
    """Nets, and data that differ from net to net."""
    rng = np.random.default_rng(seed)
    nets = [
        naive.draw_net(rng, 4, SYMBOLS, OUTPUTS, embedding_size, radius=1.2)
        for _ in range(population)
    ]
    inputs = rng.integers(0, SYMBOLS, (STEPS, BATCH, population))
    return nets, inputs, rng.integers(0, OUTPUTS, inputs.shape)


def run(activation, nets, inputs, targets, loss_mask, dtype=np.float64):
    weights = population_of(nets, dtype)
    gradient = empty_gradient(weights)
    network = Network("rnn", activation, weights, loss_mask, inputs.shape[1])
    return network.loss_and_gradient(inputs, targets, gradient), gradient


@pytest.mark.parametrize(
    ("activation", "mask", "embedding_size"),
    [
        *((activation, "holes", 3) for activation in naive.NAMES if activation != "tanh"),
        *product(["tanh"], MASKS, [None, 3]),
    ],
)
def test_every_gradient_is_that_of_central_differences(activation, mask, embedding_size):
    nets, inputs, targets = draw(1, embedding_size)
    loss, gradient = run(activation, nets, inputs, targets, MASKS[mask])
    for p, net in enumerate(nets):

        def naive_loss(p=p, net=net):
            part = inputs[:, :, p], targets[:, :, p], MASKS[mask]
            return naive.loss_and_accuracy(activation, net, *part)[0]

        assert loss[p] == pytest.approx(naive_loss(), rel=1e-13)
        for name, array in net.items():
            expected = naive.central_differences(naive_loss, array)
            assert abs(expected).max() > 1e-3
            np.testing.assert_allclose(gradient[name][p], expected, rtol=0, atol=1e-10)


def test_a_second_call_does_not_remember_the_first():
    nets, inputs, targets = draw(2)
    weights = population_of(nets)
    network = Network("rnn", "tanh", weights, MASKS["holes"], BATCH)
    first, second = empty_gradient(weights), empty_gradient(weights)
    network.loss_and_gradient(inputs, targets, first)
    network.loss_and_gradient(inputs[::-1], targets[::-1], second)
    network.loss_and_gradient(inputs, targets, second)
    np.testing.assert_array_equal(first.flat, second.flat)


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-11), (np.float32, 1e-3)])
def test_a_constant_on_all_logits_changes_nothing_however_large(dtype, tolerance):
    # exp(1000) overflows in float64 and exp(100) in float32: the maximum has to be taken off.
    nets, inputs, targets = draw(3)
    loss, gradient = run("tanh", nets, inputs, targets, MASKS["dense"])
    nets[0]["b_s"] += 1000.0 if dtype == np.float64 else 100.0
    shifted_loss, shifted = run("tanh", nets, inputs, targets, MASKS["dense"], dtype)
    np.testing.assert_allclose(shifted_loss, loss, rtol=tolerance)
    np.testing.assert_allclose(shifted.flat, gradient.flat, rtol=0, atol=tolerance)


@pytest.mark.parametrize(("states", "readout"), [(1.0, 5000.0), (5000.0, 1.0), (80.0, 60.0)])
def test_logits_far_apart(states, readout):
    nets, inputs, targets = draw(4)
    nets[1]["W_hx"] *= states
    nets[1]["W_s"] *= readout
    loss, gradient = run("relu", nets, inputs, targets, MASKS["dense"])
    for p, net in enumerate(nets):
        expected = naive.loss_and_accuracy(
            "relu", net, inputs[:, :, p], targets[:, :, p], MASKS["dense"]
        )
        assert loss[p] == pytest.approx(expected[0], rel=1e-13)
    assert loss[1] > 1000
    assert np.isfinite(gradient.flat).all()


@pytest.mark.parametrize("activation", naive.NAMES)
def test_single_precision_agrees_with_double(activation):
    nets, inputs, targets = draw(5, embedding_size=3)
    loss, double = run(activation, nets, inputs, targets, MASKS["dense"])
    single_loss, single = run(activation, nets, inputs, targets, MASKS["dense"], np.float32)
    assert single.flat.dtype == np.float32
    np.testing.assert_allclose(single_loss, loss, rtol=1e-5)
    error = np.linalg.norm(single.flat - double.flat, axis=1)
    assert (error < 1e-5 * np.linalg.norm(double.flat, axis=1)).all()


@pytest.mark.parametrize("sequences", [1, 2, 3, 4, 7, 9])
@pytest.mark.parametrize("mask", ["dense", "holes"])
def test_evaluation_of_any_number_of_sequences(mask, sequences):
    nets, _, _ = draw(6, embedding_size=3)
    rng = np.random.default_rng(7)
    inputs = rng.integers(0, SYMBOLS, (STEPS, sequences))
    targets = rng.integers(0, OUTPUTS, (STEPS, sequences))
    network = Network("rnn", "softsign", population_of(nets), MASKS[mask], BATCH)
    loss, accuracy = network.evaluate(inputs, targets)
    for p, net in enumerate(nets):
        expected = naive.loss_and_accuracy("softsign", net, inputs, targets, MASKS[mask])
        assert loss[p] == pytest.approx(expected[0], rel=1e-13)
        assert accuracy[p] == pytest.approx(expected[1], rel=1e-13)


def test_logits_that_are_cut_to_fit_the_cache(monkeypatch):
    nets, inputs, targets = draw(8)
    loss, gradient = run("tanh", nets, inputs, targets, MASKS["holes"])
    monkeypatch.setattr("gradient_horizon.networks.losses.cross_entropy.CACHED_LOGITS", 1)
    cut_loss, cut = run("tanh", nets, inputs, targets, MASKS["holes"])
    np.testing.assert_allclose(cut_loss, loss, rtol=1e-14)
    np.testing.assert_allclose(cut.flat, gradient.flat, rtol=0, atol=1e-15)


@pytest.mark.parametrize("embedding_size", [None, 3])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_net_does_not_depend_on_its_population(dtype, embedding_size, monkeypatch):
    """To the byte, with a neighbour whose logits are so large that its maximum is taken off."""
    monkeypatch.setattr(
        "gradient_horizon.networks.losses.cross_entropy.CACHED_LOGITS", 3 * BATCH * OUTPUTS
    )
    nets, inputs, targets = draw(9, embedding_size, population=5)
    nets[4]["W_s"] *= 1e4
    loss, gradient = run("tanh", nets, inputs, targets, MASKS["dense"], dtype)
    for size in (1, 2, 4):
        few_loss, few = run(
            "tanh", nets[:size], inputs[..., :size], targets[..., :size], MASKS["dense"], dtype
        )
        np.testing.assert_array_equal(few_loss, loss[:size])
        np.testing.assert_array_equal(few.flat, gradient.flat[:size])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_nor_where_the_rows_of_many_large_nets_lie_far_apart(dtype):
    """Products and sums in pieces, and rows that are gathered in a large population only."""
    rng = np.random.default_rng(10)
    steps, batch, population, size, outputs = 12, 16, 17, 64, 130
    nets = [naive.draw_net(rng, size, SYMBOLS, outputs) for _ in range(population)]
    inputs = rng.integers(0, SYMBOLS, (steps, batch, population))
    targets = rng.integers(0, outputs, inputs.shape)
    loss_mask = np.arange(steps) > 0
    loss, gradient = run("tanh", nets, inputs, targets, loss_mask, dtype)
    for few in (1, 2, 9):
        part = nets[:few], inputs[..., :few], targets[..., :few]
        few_loss, few_gradient = run("tanh", *part, loss_mask, dtype)
        np.testing.assert_array_equal(few_loss, loss[:few])
        np.testing.assert_array_equal(few_gradient.flat, gradient.flat[:few])
