"""The training loop: initial weights, checkpoints, divergence, and that nets learn."""

from itertools import product

import numpy as np
import pytest

import loops
import naive
from gradient_horizon.gradients.measurement import measure
from gradient_horizon.ground.seeds import generator
from gradient_horizon.networks.activations import ACTIVATIONS
from gradient_horizon.networks.cells import rnn
from gradient_horizon.tasks import delayed_echo
from gradient_horizon.training import grid_point, loop
from gradient_horizon.training.network import Network
from gradient_horizon.training.optimisers import OPTIMISERS
from gradient_horizon.training.progress import Progress

WEIGHTS = ("W_hh", "W_hx", "b_h", "W_s", "b_s")


def settings(**changes):
    chosen = {
        "base_seed": 1,
        "identity": "echo",
        "cell": "rnn",
        "activation": "tanh",
        "initialisation": "gaussian",
        "radius": 1.0,
        "seeds": 3,
        "model": {"hidden_size": 16, "embedding_size": 8, "input_scale": 1.0},
        "training": {
            "optimiser": "sgd",
            "steps": 12,
            "batch_size": 5,
            "learning_rate": 1.0,
            "momentum": 0.9,
            "gradient_clip": 1.0,
            "gradient_clip_value": None,
            "truncation": None,
            "regulariser": None,
            "flossing": None,
            "precision": "float32",
        },
        "measurement": {"checkpoints": 4},
    }
    for name, value in changes.items():
        inside = [part for part in ("training", "model", "measurement") if name in chosen[part]]
        (chosen[inside[0]] if inside else chosen)[name] = value
    return chosen


def train(lag=2, **changes):
    chosen = settings(**changes)
    task = {"name": "delayed_echo", "sequence_length": 12, "lag": lag, "symbols": 4}
    facts = {"input_size": 4, "output_size": 4, "embedded": False}
    inputs, targets = delayed_echo.draw(task, 100, generator(1, "echo", "evaluation"))
    data = {
        "loss_mask": np.arange(12) >= lag,
        "evaluation_inputs": inputs,
        "evaluation_targets": targets,
    }
    return grid_point.train(chosen | {"task": task}, facts, data, say=lambda line: None)


# Initial weights


@pytest.mark.parametrize("embedded", [False, True])
def test_initial_weights_have_the_promised_spread(embedded):
    facts = {"input_size": 50, "output_size": 40, "embedded": embedded}
    chosen = settings(
        seeds=20, hidden_size=32, input_scale=0.7, embedding_size=25, precision="float64"
    )
    weights = grid_point.weights_of(chosen, facts)
    radii = abs(np.linalg.eigvals(weights["W_hh"])).max(axis=1)
    np.testing.assert_allclose(radii, 1.0, rtol=1e-12)
    assert weights["W_s"].std() == pytest.approx(1 / np.sqrt(32), rel=0.03)
    assert not weights["b_h"].any() and not weights["b_s"].any()
    table = weights["W_hx"].swapaxes(1, 2)
    if embedded:
        assert weights["embedding"].std() == pytest.approx(1.0, rel=0.03)
        table = weights["embedding"] @ table
    drive = table.std()
    assert table.shape == (20, 50, 32)
    assert drive == pytest.approx(0.7, rel=0.03)


def test_initial_weights_of_a_net_depend_on_its_own_seed_alone():
    facts = {"input_size": 4, "output_size": 4, "embedded": True}
    first, more, other = (
        grid_point.weights_of(chosen, facts).flat
        for chosen in (settings(), settings(seeds=7), settings(identity="echo/other"))
    )
    np.testing.assert_array_equal(first, more[:3])
    for one in (*more[1:], *other):
        assert not np.isin(one[one != 0], more[0]).any()


# Checkpoints


@pytest.mark.parametrize(
    ("steps", "count", "expected"),
    [
        (600, 6, [0, 1, 5, 24, 121, 600]),
        (1000, 5, [0, 1, 10, 100, 1000]),
        (600, 2, [0, 600]),
        (600, 3, [0, 1, 600]),
        (1, 2, [0, 1]),
        (5, 6, [0, 1, 2, 3, 4, 5]),
        (20, 8, [0, 1, 2, 3, 4, 7, 12, 20]),
    ],
)
def test_checkpoints_by_hand(steps, count, expected):
    assert loop.checkpoint_steps(steps, count) == expected


@pytest.mark.parametrize("steps", [1, 2, 3, 7, 30, 99, 1000])
def test_there_are_as_many_checkpoints_as_asked_for(steps):
    for count in range(2, min(steps + 1, 100) + 1):
        kept = loop.checkpoint_steps(steps, count)
        assert len(kept) == count == len(set(kept))
        assert kept == sorted(kept)
        assert (kept[0], kept[-1]) == (0, steps)


def test_what_training_returns():
    trained = train()
    assert trained["step"].tolist() == [0, 1, 3, 12]
    shapes = {name: array.shape for name, array in trained.items()}
    assert shapes["W_hh"] == (4, 3, 16, 16) and shapes["b_s"] == (4, 3, 4)
    assert shapes["loss"] == shapes["gradient_norm"] == (12, 3)
    assert shapes["held_out_loss"] == shapes["held_out_accuracy"] == (4, 3)
    assert trained["seed"].tolist() == [0, 1, 2]
    assert trained["diverged_at"].tolist() == [-1, -1, -1]
    again = train()
    for name, array in trained.items():
        np.testing.assert_array_equal(array, again[name])


def test_one_step_of_training_is_one_of_gradient_descent():
    trained = train(steps=1, checkpoints=2, seeds=2, precision="float64", gradient_clip=0.1)
    task = {"sequence_length": 12, "lag": 2, "symbols": 4}
    for p in range(2):
        rng = generator(1, "echo", "data", p)
        inputs, targets = next(delayed_echo.batches(task, {}, 5, rng))
        net = {name: trained[name][0, p] for name in WEIGHTS}
        first = {name: array.copy() for name, array in net.items()}

        def loss(net=net, inputs=inputs, targets=targets):
            return naive.loss_and_accuracy("tanh", net, inputs, targets, np.arange(12) >= 2)[0]

        assert trained["loss"][0, p] == pytest.approx(loss(), rel=1e-13)
        # Only a part of the weights: the norm of the whole is the one that training reports.
        for name in ("b_h", "W_s", "b_s"):
            gradient = naive.central_differences(loss, net[name])
            expected = first[name] - 0.1 * gradient / trained["gradient_norm"][0, p]
            np.testing.assert_allclose(trained[name][1, p], expected, rtol=0, atol=1e-11)


def test_the_gradient_is_clipped_by_norm_and_then_by_value():
    short = {"steps": 1, "checkpoints": 2, "precision": "float64", "gradient_clip": 0.1}
    by_norm, by_both = train(**short), train(**short, gradient_clip_value=0.01)
    assert (by_norm["gradient_norm"] > 0.1).all()
    np.testing.assert_array_equal(by_norm["gradient_norm"], by_both["gradient_norm"])
    for name in WEIGHTS:
        moved, cut = (trained[name][1] - trained[name][0] for trained in (by_norm, by_both))
        # Differences of weights below 4 are rounded to 2^-52 of them.
        np.testing.assert_allclose(cut, np.clip(moved, -0.01, 0.01), rtol=0, atol=1e-15)
    assert abs(cut).max() == pytest.approx(0.01, rel=1e-12)


@pytest.mark.parametrize("truncation", [1, 5])
def test_training_follows_the_truncated_gradient(truncation):
    """One step of gradient descent against differences with the states between blocks held."""
    short = {"steps": 1, "checkpoints": 2, "precision": "float64", "gradient_clip": None}
    trained, whole = (
        train(**short, hidden_size=6, truncation=truncation),
        train(**short, hidden_size=6),
    )
    task = {"sequence_length": 12, "lag": 2, "symbols": 4}
    batch = next(delayed_echo.batches(task, {}, 5, generator(1, "echo", "data", 1)))
    net = {name: trained[name][0, 1] for name in WEIGHTS} | {"embedding": np.eye(4)}
    for name in ("W_hh", "W_hx", "b_h"):
        moved, cut = (given[name][0, 1] - given[name][1, 1] for given in (whole, trained))
        expected = loops.truncated_gradient(
            "rnn", "tanh", net, name, *batch, np.arange(12) >= 2, truncation
        )
        np.testing.assert_allclose(cut, expected, rtol=0, atol=2e-10)
        assert abs(cut - moved).max() > 1e-3


@pytest.mark.parametrize("truncation", [12, 99999])
def test_blocks_as_long_as_the_sequence_cut_nothing(truncation):
    plain, trained = train(), train(truncation=truncation)
    for name, array in plain.items():
        np.testing.assert_array_equal(trained[name], array)


# Divergence


@pytest.mark.parametrize(
    ("activation", "learning_rate", "precision"),
    [
        *((activation, 1e30, "float32") for activation in naive.NAMES),
        *product(["linear", "tanh"], [0.5, 1e300], ["float32", "float64"]),
    ],
)
def test_nets_that_diverge_keep_finite_weights_that_can_be_measured(
    activation, learning_rate, precision
):
    trained = train(
        activation=activation,
        learning_rate=learning_rate,
        gradient_clip=None,
        precision=precision,
        radius=2.0,
    )
    diverged = trained["diverged_at"] >= 0
    if learning_rate == 1e300 or (activation == "linear" and precision == "float32"):
        assert diverged.all()
    task = {"sequence_length": 12, "lag": 2, "symbols": 4}
    inputs, targets = delayed_echo.draw(task, 5, np.random.default_rng(0))
    probe = {"inputs": inputs, "targets": targets, "loss_mask": np.arange(12) >= 2}
    for net in range(3):
        weights = {name: trained[name][-1, net] for name in WEIGHTS}
        assert all(np.isfinite(array).all() for array in weights.values())
        measure(rnn.Dynamics(ACTIVATIONS[activation], weights), probe)
        frozen = trained["step"] >= trained["diverged_at"][net]
        for name in WEIGHTS if diverged[net] else ():
            assert (trained[name][frozen, net] == trained[name][-1, net]).all()


def test_a_net_that_diverges_leaves_the_others_alone(monkeypatch):
    alone = train(seeds=2, gradient_clip=None)
    draw = grid_point.weights_of

    def with_a_wild_third(*given):
        weights = draw(*given)
        weights["W_hx"][2] *= 1e30
        weights["W_s"][2] *= 1e30
        return weights

    monkeypatch.setattr(grid_point, "weights_of", with_a_wild_third)
    together = train(seeds=3, gradient_clip=None)
    assert together["diverged_at"].tolist() == [-1, -1, 0]
    for name, array in alone.items():
        part = together[name][:2] if array.ndim == 1 and name != "step" else together[name]
        part = part if array.ndim == 1 else part[:, :2]
        np.testing.assert_array_equal(part, array)


@pytest.mark.parametrize("optimiser", OPTIMISERS)
def test_a_net_stays_frozen_when_its_loss_is_finite_again(monkeypatch, optimiser):
    undisturbed = train(steps=30, optimiser=optimiser)
    calculate, calls = Network.loss_and_gradient, []

    def with_one_bad_batch(self, *given):
        loss = calculate(self, *given)
        calls.append(len(calls))
        loss[1] = np.nan if len(calls) == 3 else loss[1]
        return loss

    monkeypatch.setattr(Network, "loss_and_gradient", with_one_bad_batch)
    disturbed = train(steps=30, optimiser=optimiser)
    assert disturbed["diverged_at"].tolist() == [-1, 2, -1]
    assert np.isfinite(np.delete(disturbed["loss"][:, 1], 2)).all()
    for name in WEIGHTS:
        assert (disturbed[name][2:, 1] == disturbed[name][-1, 1]).all()
        assert (disturbed[name][-1, 1] != disturbed[name][0, 1]).any()
        np.testing.assert_array_equal(disturbed[name][:, ::2], undisturbed[name][:, ::2])


def test_a_gradient_too_long_for_its_norm_is_divergence_even_when_clipped():
    """Loss and gradient are finite, the sum of squares is not: clipping would make it nothing."""
    trained = train(activation="linear", radius=1e15, precision="float64", gradient_clip=1.0)
    assert np.isfinite(trained["loss"][0]).all() and np.isinf(trained["gradient_norm"][0]).all()
    assert (trained["diverged_at"] == 0).all()


def test_the_step_of_divergence_is_the_first_without_finite_numbers():
    trained = train(activation="linear", radius=2.0, learning_rate=0.5, gradient_clip=None)
    for net, step in enumerate(trained["diverged_at"]):
        finite = np.isfinite(trained["loss"][:, net]) & np.isfinite(
            trained["gradient_norm"][:, net]
        )
        assert 0 < step < 12
        assert finite[:step].all()
        # Either this step's numbers are not finite, or its update would have left them.
        assert not finite[step] or trained["gradient_norm"][step, net] > 1e10


@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_a_net_does_not_depend_on_how_many_seeds_there_are(activation):
    few, many = train(activation=activation, seeds=1), train(activation=activation, seeds=4)
    for name in (*WEIGHTS, "loss", "gradient_norm", "held_out_loss", "held_out_accuracy"):
        np.testing.assert_array_equal(few[name], many[name][:, :1])


# Learning


@pytest.mark.parametrize("activation", ["tanh", "relu", "softsign", "linear"])
def test_a_short_echo_is_learnt(activation):
    trained = train(lag=1, activation=activation, steps=250, batch_size=10, hidden_size=24)
    assert (trained["held_out_accuracy"][0] < 0.5).all()
    assert (trained["held_out_accuracy"][-1] > 0.95).all()
    assert (trained["held_out_loss"][-1] < 0.25).all()


def test_progress_is_reported_at_the_start_and_the_end():
    lines = []
    progress = Progress(100, lines.append)
    for step in range(1, 101):
        progress.report(step, np.array([1.0, 3.0, 2.0]), np.array([5.0, 0.0, 4.0]))
    assert [line.split("  time")[0] for line in lines] == [
        "step 1/100  loss 2.0000  gradient norm 4",
        "step 100/100  loss 2.0000  gradient norm 4",
    ]
