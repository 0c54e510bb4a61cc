"""Populations that read vectors and give numbers, as a whole: gradients, spread, learning."""

import numpy as np
import pytest

import naive
from gradient_horizon.networks.inputs import VectorInputs
from gradient_horizon.networks.losses.squared_error import SquaredError
from gradient_horizon.numerics.population import Weights
from gradient_horizon.tasks import TASKS
from gradient_horizon.training import grid_point
from gradient_horizon.training.network import Network

STEPS, BATCH, SIZE, WIDTH, OUTPUTS = 6, 3, 4, 2, 3
MASK = np.array([True, False, False, True, True, False])


def settings(name, **training_changes):
    return {
        "base_seed": 1,
        "experiment": name,
        "identity": name,
        "cell": "rnn",
        "activation": "tanh",
        "initialisation": "gaussian",
        "radius": 1.0,
        "seeds": 2,
        "model": {"hidden_size": 24, "embedding_size": 8, "input_scale": 1.0},
        "training": {
            "optimiser": "adam",
            "steps": 300,
            "batch_size": 20,
            "learning_rate": 0.01,
            "momentum": 0.9,
            "gradient_clip": 1.0,
            "gradient_clip_value": None,
            "truncation": None,
            "regulariser": None,
            "flossing": None,
            "precision": "float32",
            **training_changes,
        },
        "measurement": {"checkpoints": 2, "probe_batch": 4},
    }


def naive_loss(activation, net, inputs, targets):
    """Mean over the masked steps and the sequences of the squares, summed over the outputs."""
    losses = []
    for b in range(inputs.shape[1]):
        state = np.zeros(len(net["b_h"]))
        for t, x in enumerate(inputs[:, b]):
            drive = net["W_hx"] @ x + net["b_h"]
            state = naive.PHI[activation](net["W_hh"] @ state + drive)
            if MASK[t]:
                losses.append(sum((net["W_s"] @ state + net["b_s"] - targets[t, b]) ** 2))
    return np.mean(losses)


@pytest.mark.parametrize("activation", ["tanh", "relu", "gelu"])
def test_every_gradient_is_that_of_central_differences(activation):
    rng = np.random.default_rng(0)
    shapes = {"W_hh": (SIZE, SIZE), "W_hx": (SIZE, WIDTH), "b_h": (SIZE,)}
    shapes |= {"W_s": (OUTPUTS, SIZE), "b_s": (OUTPUTS,)}
    weights, gradient = (Weights(shapes, 2, np.float64) for _ in range(2))
    weights.flat[...] = 0.5 * rng.standard_normal(weights.flat.shape)
    gradient.flat[...] = np.nan
    inputs = rng.standard_normal((STEPS, BATCH, 2, WIDTH))
    targets = rng.standard_normal((STEPS, BATCH, 2, OUTPUTS))
    kinds = VectorInputs, SquaredError().readout
    network = Network("rnn", activation, weights, MASK, BATCH, *kinds)
    loss = network.loss_and_gradient(inputs, targets, gradient)
    for p in range(2):
        net = {name: weights[name][p] for name in shapes}

        def own_loss(net=net, p=p):
            return naive_loss(activation, net, inputs[:, :, p], targets[:, :, p])

        assert loss[p] == pytest.approx(own_loss(), rel=1e-13)
        for name, array in net.items():
            expected = naive.central_differences(own_loss, array)
            assert abs(expected).max() > 1e-3
            np.testing.assert_allclose(gradient[name][p], expected, rtol=0, atol=1e-9)
    # The last batch of seven sequences is filled up.
    several = rng.standard_normal((STEPS, 7, WIDTH)), rng.standard_normal((STEPS, 7, OUTPUTS))
    for p, value in enumerate(network.evaluate(*several)[0]):
        net = {name: weights[name][p] for name in shapes}
        assert value == pytest.approx(naive_loss(activation, net, *several), rel=1e-13)


@pytest.mark.parametrize("name", ["adding", "digits"])
def test_the_drive_has_the_promised_spread_at_initialisation(name):
    """The standard deviation over 3,000 nets, at inputs of the task itself."""
    chosen = {key: part["default"] for key, part in TASKS[name].OPTIONS.items()}
    prepared = TASKS[name].prepare(chosen, settings(name))
    vectors = prepared.arrays["evaluation_inputs"].reshape(-1, prepared.facts["input_size"])
    wanted = settings(name, precision="float64") | {"seeds": 3000}
    wanted["model"] = {"hidden_size": 2, "embedding_size": 1, "input_scale": 0.7}
    matrices = grid_point.weights_of(wanted, prepared.facts)["W_hx"]
    drive = vectors[::20] @ matrices.swapaxes(1, 2)
    assert drive.mean() == pytest.approx(0.0, abs=0.02)
    # Of 6,000 W_hx rows the mean square is within 4 sqrt(2 / 6000) of its expectation, 7 %; of the
    # hundreds of inputs it is within 5 %.
    assert drive.std() == pytest.approx(0.7, rel=0.06)


def train(name, changes, **training_changes):
    chosen = {key: part["default"] for key, part in TASKS[name].OPTIONS.items()} | changes
    own = settings(name, **training_changes) | {"task": {"name": name, **chosen}}
    prepared = TASKS[name].prepare(chosen, own)
    return prepared.facts, grid_point.train(
        own, prepared.facts, prepared.arrays, say=lambda line: None
    )


@pytest.mark.parametrize(
    ("name", "changes", "part"),
    [("adding", {"sequence_length": 6}, 0.3), ("digits", {}, 0.3)],
)
def test_short_sequences_are_learnt(name, changes, part):
    facts, trained = train(name, changes)
    (chance,) = facts["baselines"].values()
    assert (trained["held_out_loss"][-1] < part * chance).all()
    assert (trained["held_out_accuracy"][-1] > 2 * facts["chance_accuracy"]).all()
    assert (trained["diverged_at"] == -1).all()


@pytest.mark.parametrize("learning_rate", [10.0, 1e30])
def test_nets_that_diverge_keep_finite_weights(learning_rate):
    _, trained = train(
        "adding",
        {"sequence_length": 6},
        optimiser="sgd",
        learning_rate=learning_rate,
        gradient_clip=None,
        steps=20,
    )
    assert (trained["diverged_at"] >= 0).all()
    for name in ("W_hh", "W_hx", "b_h", "W_s", "b_s"):
        assert np.isfinite(trained[name]).all()
