"""Flossing: exponents and their gradient by independent ways, and what it does to nets."""

import numpy as np
import pytest

import naive
from gradient_horizon.config.configuration import ConfigError, resolve
from gradient_horizon.gradients.lyapunov import lyapunov_spectrum
from gradient_horizon.ground.seeds import generator
from gradient_horizon.networks.activations import ACTIVATIONS
from gradient_horizon.networks.inputs import SymbolInputs, VectorInputs
from gradient_horizon.numerics.population import Weights
from gradient_horizon.tasks import delayed_echo
from gradient_horizon.training import flossing, grid_point
from gradient_horizon.training.network import Network

STEPS, POPULATION, SIZE = 6, 2, 4
WEIGHTS = ("W_hh", "W_hx", "b_h", "W_s", "b_s")


def draw(seed=0, size=SIZE, population=POPULATION, steps=STEPS, gain=1.2):
    rng = np.random.default_rng(seed)
    recurrent = rng.normal(0.0, gain / np.sqrt(size), (population, size, size))
    return recurrent, rng.normal(0.0, 0.7, (steps, population, size))


def by_loop(name, recurrent, drive, count):
    """Exponents of every net, from Jacobians made one step at a time."""
    result = []
    for own, drives in zip(recurrent, drive.swapaxes(0, 1), strict=True):
        state, jacobians = np.zeros(len(own)), []
        for u in drives:
            pre_activation = own @ state + u
            jacobians.append(np.diag(naive.SLOPE[name](pre_activation)) @ own)
            state = naive.PHI[name](pre_activation)
        jacobians = np.array(jacobians)[:, None]
        result.append(lyapunov_spectrum(jacobians, len(drive) // 4, count)[0])
    return np.array(result)


@pytest.mark.parametrize("count", [1, 3, SIZE])
@pytest.mark.parametrize("name", ["tanh", "gelu"])
def test_exponents_are_those_that_are_measured(name, count):
    recurrent, drive = draw()
    found = flossing.exponents_and_gradient(ACTIVATIONS[name], recurrent, drive, count)[0]
    expected = by_loop(name, recurrent, drive, count)
    np.testing.assert_allclose(-np.sort(-found), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize(("name", "count"), [("tanh", 1), ("tanh", 3), ("gelu", 3), ("sigmoid", 2)])
def test_the_gradient_is_that_of_differences_of_measured_exponents(name, count):
    recurrent, drive = draw(1)
    _, *gradients = flossing.exponents_and_gradient(ACTIVATIONS[name], recurrent, drive, count)

    def squares():
        return np.square(by_loop(name, recurrent, drive, count)).sum()

    for gradient, array in zip(gradients, (recurrent, drive), strict=True):
        expected = naive.central_differences(squares, array)
        assert abs(expected).max() > 0.1
        # Squares of size 10, rounded to 1e-15, over steps of 1e-4.
        np.testing.assert_allclose(gradient, expected, rtol=0, atol=1e-9)


def test_all_exponents_of_a_linear_net_add_up_to_its_determinant():
    """sum of lambda_i = ln |det W|; of scaled orthogonal weights each is ln r."""
    recurrent, drive = draw(3)
    recurrent = 0.8 * np.linalg.qr(recurrent)[0]
    found, gradient, for_drive = flossing.exponents_and_gradient(
        ACTIVATIONS["linear"], recurrent, drive, SIZE
    )
    np.testing.assert_allclose(found, np.log(0.8), rtol=1e-13)
    # d sum (lambda_i^2) = 2 ln r d ln |det W| = 2 ln r tr(W^-1 dW), and W^-T = W / r^2.
    np.testing.assert_allclose(gradient, 2 * np.log(0.8) * recurrent / 0.64, rtol=0, atol=1e-13)
    assert not for_drive.any()


# Steps and episodes


def trained(chosen, cell="rnn", lag=3, **changes):
    """The echo with flossing or without; the arrays of `train.npz`."""
    task = {"name": "delayed_echo", "lag": lag, "symbols": 4, "sequence_length": 20}
    own = {
        "task": task,
        "model": {"hidden_size": 12},
        "grid": {"spectral_radii": [0.6], "activations": ["tanh"]},
        "training": {"steps": 9, "batch_size": 4, "learning_rate": 0.1, "flossing": chosen},
        "measurement": {"checkpoints": 10},
    }
    own["training"] |= changes
    echo = resolve({"experiments": {"echo": own}})["experiments"]["echo"]
    settings = {
        "base_seed": 1,
        "identity": "echo",
        "cell": cell,
        "activation": "tanh",
        "initialisation": "gaussian",
        "radius": 0.6,
        "seeds": 3,
        **{key: echo[key] for key in ("task", "model", "training", "measurement")},
    }
    facts = {"input_size": 4, "output_size": 4, "embedded": False}
    inputs, targets = delayed_echo.draw(task, 30, generator(1, "echo", "evaluation"))
    data = {
        "loss_mask": np.arange(20) >= lag,
        "evaluation_inputs": inputs,
        "evaluation_targets": targets,
    }
    return grid_point.train(settings, facts, data, say=lambda line: None)


def test_every_weight_is_moved_by_its_own_slope():
    """Of words: the drive's weights by differences; what only training learns stays."""
    rng = np.random.default_rng(6)
    shapes = {"W_hh": (SIZE, SIZE), "W_hx": (SIZE, 2), "b_h": (SIZE,), "embedding": (9, 2)}
    weights = Weights(shapes, POPULATION, float)
    weights.flat[...] = 0.6 * rng.standard_normal(weights.flat.shape)
    words = rng.integers(0, 9, (STEPS, 1, POPULATION))
    inputs = SymbolInputs(weights)
    flosser = flossing.Flossing(ACTIVATIONS["tanh"], weights, inputs, 2, 1, learning_rate=0.1)
    moved = []
    flosser._optimiser.update = lambda weights, gradient: moved.append(gradient.copy())
    flosser.step(words)

    def squares():
        vectors = weights["embedding"][np.arange(POPULATION), words[:, 0]]
        drive = np.einsum("pnd,tpd->tpn", weights["W_hx"], vectors) + weights["b_h"]
        return np.square(by_loop("tanh", weights["W_hh"], drive, 2)).sum()

    learnt = slice(0, SIZE * (SIZE + 2 + 1))
    expected = naive.central_differences(squares, weights.flat[:, learnt])
    np.testing.assert_allclose(moved[0][:, learnt], expected, rtol=0, atol=1e-8)
    assert abs(expected).max(axis=0).min() > 1e-4 and not moved[0][:, learnt.stop :].any()


def test_nets_that_explode_are_brought_to_zero():
    weights = Weights({"W_hh": (10, 10), "W_hx": (10, 1), "b_h": (10,)}, 2, float)
    weights["W_hh"][...] = draw(4, size=10, gain=1.8)[0]
    inputs = VectorInputs(weights)
    flosser = flossing.Flossing(ACTIVATIONS["linear"], weights, inputs, 3, 1, learning_rate=0.003)
    found = [flosser.step(np.zeros((12, 1, 2, 1))) for _ in range(150)]
    assert (found[0] > 0.05).any(axis=1).all()
    assert (np.square(found[-1]).sum(axis=1) < 0.01 * np.square(found[0]).sum(axis=1)).all()


def test_training_sees_the_same_batches_with_flossing_and_without(monkeypatch):
    seen = []
    calculate = Network.loss_and_gradient

    def spy(self, inputs, targets, gradient):
        seen.append((inputs.copy(), targets.copy()))
        return calculate(self, inputs, targets, gradient)

    monkeypatch.setattr(Network, "loss_and_gradient", spy)
    plain, flossed = trained(None), trained({"steps": 10, "every": 2, "episodes": 3})
    for before, after in zip(seen[:9], seen[9:], strict=True):
        for one, other in zip(before, after, strict=True):
            np.testing.assert_array_equal(one, other)
    for name in WEIGHTS:
        np.testing.assert_array_equal(plain[name][0], flossed[name][0])
    assert (plain["W_hh"][1] != flossed["W_hh"][1]).all()


def test_episodes_come_when_they_are_due():
    def due(**options):
        every = flossing.Flossing.is_due
        own = type("Own", (), {"every": None, "episodes": 2} | options)
        return [step for step in range(12) if every(own, step)]

    assert due() == [0]
    assert due(every=3) == [0, 3, 6]
    assert due(every=5, episodes=9) == [0, 5, 10]


def test_a_step_sees_one_sequence_of_every_net_after_the_other(monkeypatch):
    seen, first = [], [next(stream)[0] for stream in streams()]
    monkeypatch.setattr(flossing.Flossing, "step", lambda self, inputs: seen.append(inputs))
    trained({"steps": 6})
    assert [inputs.shape for inputs in seen] == [(20, 1, 3)] * 6
    for number in range(4):  # the batch of four is used up, then the next one
        for net in range(3):
            np.testing.assert_array_equal(seen[number][:, 0, net], first[net][:, number])


def streams():
    task = {"lag": 3, "symbols": 4, "sequence_length": 20}
    return [delayed_echo.batches(task, {}, 4, generator(1, "echo", "data", p)) for p in range(3)]


def test_frozen_nets_stay_frozen(monkeypatch):
    calculate, calls = Network.loss_and_gradient, []

    def with_one_bad_batch(self, *given):
        loss = calculate(self, *given)
        calls.append(len(calls))
        loss[1] = np.nan if len(calls) == 3 else loss[1]
        return loss

    monkeypatch.setattr(Network, "loss_and_gradient", with_one_bad_batch)
    found = trained({"steps": 5, "every": 2, "episodes": 9})
    assert found["diverged_at"].tolist() == [-1, 2, -1]
    for name in WEIGHTS:
        np.testing.assert_array_equal(found[name][4:, 1], np.repeat(found[name][3:4, 1], 6, axis=0))
    assert (found["W_hh"][-1, 0] != found["W_hh"][3, 0]).all()


@pytest.mark.filterwarnings("error")
def test_a_net_without_any_direction_left_is_left_as_it_is():
    """Units that are all off: -inf cannot be pushed; the net beside it is flossed."""
    recurrent, drive = draw(5)
    drive[:, 0] = -50.0
    drive[:, 1] += 2.0
    found, *gradients = flossing.exponents_and_gradient(ACTIVATIONS["relu"], recurrent, drive, 1)
    assert found[0] == -np.inf and np.isfinite(found[1])
    assert np.isnan(gradients[0][0]).all() and np.isfinite(gradients[0][1]).all()
    alone = flossing.exponents_and_gradient(ACTIVATIONS["relu"], recurrent[1:], drive[:, 1:], 1)
    np.testing.assert_allclose(gradients[0][1], alone[1][0], rtol=1e-12)
    weights = Weights({"W_hh": (SIZE, SIZE), "W_hx": (SIZE, 3), "b_h": (SIZE,)}, 2, float)
    weights["W_hh"][...] = recurrent
    weights["b_h"][...] = [[-50.0], [1.0]]
    inputs = SymbolInputs(weights)
    before = weights.flat.copy()
    flosser = flossing.Flossing(ACTIVATIONS["relu"], weights, inputs, 1, 1, learning_rate=0.1)
    flosser.step(np.zeros((6, 1, 2), dtype=int))
    np.testing.assert_array_equal(weights.flat[0], before[0])
    assert (weights["W_hh"][1] != recurrent[1]).any()


# The configuration


def mistakes(training_changes=(), **grid):
    whole = {
        "task": {"name": "delayed_echo"},
        "grid": {"spectral_radii": [1.0], **grid},
        "training": dict(training_changes),
    }
    with pytest.raises(ConfigError) as error:
        resolve({"experiments": {"echo": whole}})
    return [line.removeprefix("experiments.echo.") for line in error.value.lines]


def test_options_are_completed():
    remedies = {"none": {}, "floss": {"flossing": {"steps": 20}}, "plain": {"flossing": None}}
    own = {
        "task": {"name": "delayed_echo"},
        "grid": {"spectral_radii": [1.0], "remedies": remedies},
        "training": {"flossing": {}},
    }
    echo = resolve({"experiments": {"echo": own}})["experiments"]["echo"]
    whole = {"exponents": 8, "steps": 500, "learning_rate": 0.001, "every": None, "episodes": 2}
    assert echo["training"]["flossing"] == whole
    assert echo["grid"]["remedies"]["floss"] == {"flossing": whole | {"steps": 20}}
    assert echo["grid"]["remedies"]["plain"] == {"flossing": None}


def test_what_flossing_is_not_for():
    assert mistakes({"flossing": {}}, cells=["scaled_orthogonal"]) == [
        "training.flossing: not for the cell `scaled_orthogonal`; allowed: `null`, or cells among "
        "rnn"
    ]
    assert mistakes(remedies={"a": {"flossing": {"exponents": 33}}}) == [
        "grid.remedies.a.flossing.exponents: 33 exponents of 32 hidden units; allowed: 1 to 32"
    ]
    (line,) = mistakes({"flossing": {"step": 3}})
    assert line.startswith("training.flossing.step: unknown key; allowed: exponents, steps, ")
    assert line.endswith("; did you mean 'steps'?")
    (line,) = mistakes({"flossing": 3})
    assert line.startswith("training.flossing: 3 is not possible; allowed: the keys exponents, ")
    assert line.endswith(", or `null`")


def test_activations_of_ones_own_have_no_second_derivative(tmp_path, monkeypatch):
    (tmp_path / "flossed_bend.py").write_text(
        "import numpy as np\n\ndef bend(a):\n    return np.tanh(a)\n\n"
        "def bend_slope(a):\n    return 1.0 - np.tanh(a) ** 2\n"
    )
    monkeypatch.chdir(tmp_path)
    (line,) = mistakes({"flossing": {}}, activations=["tanh", "flossed_bend:bend"])
    assert line == (
        "training.flossing: needs the second derivative of 'flossed_bend:bend', which is not "
        f"known; allowed: `null`, or activations among {', '.join(ACTIVATIONS)}"
    )
