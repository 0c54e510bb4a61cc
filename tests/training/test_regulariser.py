"""The regulariser against loops, differences with the signals held, and closed forms."""

import numpy as np
import pytest

import naive
from gradient_horizon.config.configuration import ConfigError, resolve
from gradient_horizon.ground.seeds import generator
from gradient_horizon.numerics.population import Weights
from gradient_horizon.tasks import delayed_echo
from gradient_horizon.training import grid_point
from gradient_horizon.training.network import Network
from gradient_horizon.training.regulariser import ALLOWED_CELLS, REGULARISERS
from naive import STEPS

MASK = np.arange(STEPS) % 4 == 2  # the last two steps carry no loss: no signal is there
FORMS = tuple(REGULARISERS)
every = pytest.mark.parametrize("form", FORMS)


def population(nets, dtype=np.float64):
    weights = Weights({name: array.shape for name, array in nets[0].items()}, len(nets), dtype)
    for number, net in enumerate(nets):
        for name, array in net.items():
            weights[name][number] = array
    return weights


def gradient_of(form, activation, nets, batches, loss_mask=MASK, weight=1.0, dtype=np.float64):
    """What the regulariser adds to the gradient of W_hh (P, N, N), and Omega (P,)."""
    weights = population(nets, dtype)
    gradients = [population(nets, dtype) for _ in range(2)]
    inputs, targets = (np.stack(part, axis=2) for part in zip(*batches, strict=True))
    network = Network("rnn", activation, weights, loss_mask, inputs.shape[1])
    network.loss_and_gradient(inputs, targets, gradients[0])
    network.regulariser = REGULARISERS[form](network.recurrence, weight)
    values = []
    add = network.regulariser.add_gradient
    network.regulariser.add_gradient = lambda slopes: values.append(add(slopes))
    network.loss_and_gradient(inputs, targets, gradients[1])
    for name in nets[0]:
        if name != "W_hh":
            np.testing.assert_array_equal(gradients[1][name], gradients[0][name])
    return gradients[1]["W_hh"] - gradients[0]["W_hh"], values[0]


def held(activation, net, inputs, targets, loss_mask):
    """delta_k, g_k and phi'(a_k), (T, B, N) each, by loops over pairs."""
    delta, signal = np.zeros((2, *inputs.shape, len(net["b_h"])))
    for b, _, k, g, own in (
        (b, t, k, g, own)
        for (b, t, k), _, g, own, _ in naive.pairs(activation, net, inputs, targets, loss_mask)
    ):
        signal[k, b] += g
        delta[k, b] += own
    slope = np.empty_like(delta)
    for b in range(inputs.shape[1]):
        slope[:, b] = naive.SLOPE[activation](naive.forward(activation, net, inputs[:, b])[0])
    return delta, signal, slope


def omega(form, recurrent, delta, signal, slope):
    """Mean over all terms that have a signal, one sequence and step at a time."""
    terms = []
    for b in range(delta.shape[1]):
        if form == "pascanu_2013_equation_9":
            for k in range(len(delta) - 1):
                back = slope[k, b] * (recurrent.T @ delta[k + 1, b])
                length = np.linalg.norm(delta[k + 1, b])
                if length > 1e-10:
                    terms.append((np.linalg.norm(back) / length - 1.0) ** 2)
        else:
            for k in range(len(delta)):
                back, length = recurrent.T @ delta[k, b], np.linalg.norm(signal[k, b])
                if length > 1e-10:
                    terms.append((np.linalg.norm(back) ** 2 / length**2 - 1.0) ** 2)
    return np.mean(terms)


@every
@pytest.mark.parametrize("activation", ["tanh", "gelu", "relu"])
@pytest.mark.filterwarnings("error")
def test_the_gradient_is_that_of_differences_with_the_signals_held(form, activation):
    drawn = [naive.draw_batch(seed) for seed in (0, 1)]
    nets, batches = [one[0] for one in drawn], [one[1:] for one in drawn]
    added, values = gradient_of(form, activation, nets, batches, weight=3.0)
    for number, (net, batch) in enumerate(zip(nets, batches, strict=True)):
        constants = held(activation, net, *batch, MASK)
        expected = naive.central_differences(
            lambda net=net, constants=constants: 3.0 * omega(form, net["W_hh"], *constants),
            net["W_hh"],
        )
        assert values[number] == pytest.approx(omega(form, net["W_hh"], *constants), rel=1e-11)
        assert abs(expected).max() > 0.01
        # The formula of fourth order leaves out 1e-16 times the fifth derivative.
        np.testing.assert_allclose(added[number], expected, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize(("form", "value"), [(FORMS[0], 0.04), (FORMS[1], 0.1296)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_linear_net_with_a_scaled_orthogonal_matrix(form, value, dtype):
    """(r - 1)^2 and (r^2 - 1)^2 at r = 0.8, of each step whatever the signals are."""
    net, *batch = naive.draw_batch(2)
    net["W_hh"] = 0.8 * np.linalg.qr(net["W_hh"])[0]
    _, values = gradient_of(form, "linear", [net], [batch], dtype=dtype)
    assert values[0] == pytest.approx(value, rel=1e-12 if dtype == np.float64 else 1e-5)
    net["W_hh"] /= 0.8
    added, values = gradient_of(form, "linear", [net], [batch])
    assert values[0] < 1e-28 and abs(added).max() < 1e-13


@every
@pytest.mark.filterwarnings("error")
def test_vanished_signals_count_for_nothing(form):
    """Units that are off, for good or all of them: zeros over zeros are not taken."""
    net, *batch = naive.draw_batch(3)
    net["b_h"][:] = -100.0
    added, values = gradient_of(form, "relu", [net], [batch])
    assert not added.any()
    assert np.isfinite(values).all()
    net["W_s"][...] = 0.0
    added, values = gradient_of(form, "relu", [net], [batch])
    assert not added.any() and values[0] == 0.0


@every
def test_signals_too_large_for_their_squares_in_single_precision(form):
    net, *batch = naive.draw_batch(4, radius=1e4)
    net["W_hx"] *= 1e-30
    net["b_h"] *= 1e-30
    single, double = (
        gradient_of(form, "linear", [net], [batch], MASK, 1.0, dtype)
        for dtype in (np.float32, np.float64)
    )
    largest = max(abs(part).max() for part in held("linear", net, *batch, MASK)[:2])
    assert largest > 1e20 > np.sqrt(np.finfo(np.float32).max)
    assert single[1] == pytest.approx(double[1], rel=1e-4)
    scale = abs(double[0]).max()
    np.testing.assert_allclose(single[0], double[0], rtol=0, atol=1e-4 * scale)


@every
def test_a_net_does_not_depend_on_its_neighbours(form):
    drawn = [naive.draw_batch(seed) for seed in (5, 6)]
    alone = gradient_of(form, "tanh", [drawn[0][0]], [drawn[0][1:]], dtype=np.float32)
    drawn[1][0]["W_hh"] *= 1e30
    with np.errstate(all="ignore"):
        together = gradient_of(
            form, "tanh", [one[0] for one in drawn], [one[1:] for one in drawn], dtype=np.float32
        )
    for one, both in zip(alone, together, strict=True):
        np.testing.assert_array_equal(one[0], both[0])


# In training


def trained(chosen, **changes):
    """The echo with one changed setting of training; the arrays of `train.npz`."""
    task = {"name": "delayed_echo", "lag": 3, "symbols": 4, "sequence_length": 12}
    own = {
        "task": task,
        "model": {"hidden_size": 16},
        "grid": {"spectral_radii": [0.5], "activations": ["tanh"], "seeds": 4},
        "training": {"steps": 200, "learning_rate": 0.1, "regulariser": chosen, **changes},
        "measurement": {"checkpoints": 2},
    }
    echo = resolve({"experiments": {"echo": own}})["experiments"]["echo"]
    settings = {
        "base_seed": 1,
        "identity": "echo",
        "cell": "rnn",
        "activation": "tanh",
        "initialisation": "gaussian",
        "radius": 0.5,
        "seeds": 4,
        **{key: echo[key] for key in ("task", "model", "training", "measurement")},
    }
    facts = {"input_size": 4, "output_size": 4, "embedded": False}
    inputs, targets = delayed_echo.draw(task, 50, generator(1, "echo", "evaluation"))
    data = {
        "loss_mask": np.arange(12) >= 3,
        "evaluation_inputs": inputs,
        "evaluation_targets": targets,
    }
    return grid_point.train(settings, facts, data, say=lambda line: None)


def ratios(arrays, net):
    """Lengths of the signal before and after each step back, on data that no net has seen."""
    task = {"lag": 3, "symbols": 4, "sequence_length": 12}
    names = ("W_hh", "W_hx", "b_h", "W_s", "b_s")
    weights = {name: arrays[name][-1, net].astype(float) for name in names}
    batch = delayed_echo.draw(task, 10, generator(1, "echo", "probe"))
    delta, _, slope = held("tanh", weights, *batch, np.arange(12) >= 3)
    back = slope[:-1] * (delta[1:] @ weights["W_hh"])
    return np.linalg.norm(back, axis=2) / np.linalg.norm(delta[1:], axis=2)


@every
def test_regularised_nets_keep_their_signals_at_more_even_lengths(form):
    plain, regularised = trained(None), trained(form)
    for net in range(4):
        before, after = (np.median(ratios(arrays, net)) for arrays in (plain, regularised))
        assert abs(after - 1.0) < 0.5 * abs(before - 1.0)
    np.testing.assert_allclose(regularised["loss"][0], plain["loss"][0], rtol=0, atol=0)
    assert (regularised["gradient_norm"][0] > plain["gradient_norm"][0]).all()


@every
def test_a_weight_of_nothing_is_plain_training(form):
    plain, regularised = trained(None, steps=5), trained(form, steps=5, regulariser_weight=0)
    for name, array in plain.items():
        np.testing.assert_array_equal(regularised[name], array)


# The configuration


def mistake(training_changes, grid):
    whole = {
        "experiments": {
            "echo": {
                "task": {"name": "delayed_echo"},
                "grid": {"spectral_radii": [1.0], **grid},
                "training": training_changes,
            }
        }
    }
    with pytest.raises(ConfigError) as error:
        resolve(whole)
    return error.value.lines


def test_a_form_that_is_not_known():
    assert mistake({"regulariser": "pascanu_2013_eq_9"}, {}) == [
        "experiments.echo.training.regulariser: 'pascanu_2013_eq_9' is not known; allowed: "
        f"{', '.join(FORMS)}, or `null`; did you mean 'pascanu_2013_equation_9'?"
    ]


def test_it_is_for_cells_whose_jacobian_is_that_of_the_simple_cell():
    where, names = "experiments.echo", ", ".join(ALLOWED_CELLS)
    assert names == "rnn, scaled_orthogonal"
    on, allowed = {"regulariser": FORMS[1]}, f"allowed: `null`, or cells among {names}"
    assert mistake(on, {"cells": ["rnn", "leaky"]}) == [
        f"{where}.training.regulariser: not for the cell `leaky`; {allowed}"
    ]
    remedies = {"none": {}, "even": on, "both": on | {"cell": "scaled_orthogonal"}}
    assert mistake({}, {"cells": ["residual"], "remedies": remedies}) == [
        f"{where}.grid.remedies.even.regulariser: not for the cell `residual`; {allowed}"
    ]
    remedies = {"none": {}, "off": {"cell": "leaky", "regulariser": None}, "a": {"cell": "leaky"}}
    assert mistake(on, {"remedies": remedies}) == [
        f"{where}.grid.remedies.a.cell: `leaky` has no regulariser; "
        f"allowed: {names}, or `regulariser: null` beside it"
    ]
