"""The linear recurrent unit against closed forms: its ring, and signals that it shrinks."""

import numpy as np
import pytest

from gradient_horizon.config.configuration import ConfigError, resolve
from gradient_horizon.config.grid import run_settings, runs
from gradient_horizon.gradients import contributions, forward_pass, lyapunov, measurement
from gradient_horizon.networks.activations import ACTIVATIONS
from gradient_horizon.networks.cells import lru
from gradient_horizon.networks.initialisations import (
    gaussian,
    largest_singular_value,
    spectral_radius,
)
from gradient_horizon.training import grid_point

STEPS, BATCH, SIZE, SYMBOLS, OUTPUTS = 12, 3, 5, 4, 3
MASK = np.ones(STEPS, dtype=bool)
FACTS = {"input_size": SYMBOLS, "output_size": SYMBOLS, "embedded": False}


def draw(seed=0, size=SIZE, radius=0.9, ring=0.0):
    """A net, one-hot inputs and targets (T, B)."""
    rng = np.random.default_rng(seed)
    net = {name: np.zeros(shape) for name, shape in lru.Lru().shapes(size, SYMBOLS).items()}
    lru.Lru().initialise(net, rng, gaussian, radius, 1.0, {"ring": ring})
    net["b_y"] += 0.3 * rng.standard_normal(size)
    net |= {"W_s": rng.standard_normal((OUTPUTS, size)), "b_s": rng.standard_normal(OUTPUTS)}
    inputs = rng.integers(0, SYMBOLS, (STEPS, BATCH))
    return net, inputs, rng.integers(0, OUTPUTS, inputs.shape)


def path_of(net, inputs, targets, activation="tanh"):
    one = lru.Dynamics(ACTIVATIONS[activation], net)
    return one, forward_pass.trace(one, inputs, targets, MASK)


def moduli(net):
    return np.exp(-np.exp(net["nu_log"]))


# The start


@pytest.mark.parametrize(("inner", "outer"), [(0.0, 0.9), (0.5, 0.99), (0.9, 0.95)])
def test_moduli_lie_evenly_in_the_ring(inner, outer):
    """Lemma 3.2, and the mean gain of white noise that follows from it.

    E[1/(1-|lambda|^2)] = ln((1-a)/(1-b)) / (b-a), a and b the squared radii; both means to within
    4 of their standard errors, 1 in 16,000 by chance.
    """
    squares = np.square(lru.draw_moduli(np.random.default_rng(1), 200_000, inner, outer))
    assert inner**2 <= squares.min() and squares.max() <= outer**2
    a, b = inner**2, outer**2
    gains = 1.0 / (1.0 - squares)
    for values, mean in ((squares, (a + b) / 2), (gains, np.log((1 - a) / (1 - b)) / (b - a))):
        error = values.std() / np.sqrt(values.size)
        assert abs(values.mean() - mean) < 4.0 * error
    # The distribution as a whole: a Kolmogorov-Smirnov distance beyond 2.3 / sqrt(n) is as rare.
    expected = (np.arange(squares.size) + 0.5) / squares.size
    assert abs(np.sort((squares - a) / (b - a)) - expected).max() < 2.3 / np.sqrt(squares.size)


@pytest.mark.parametrize("ring", [0.0, 0.5, 1.0])
def test_one_unit_lies_on_the_edge_and_the_others_where_they_were_drawn(ring):
    radius, size = 0.95, 40
    net, *_ = draw(2, size, radius, ring)
    drawn = lru.draw_moduli(np.random.default_rng(2), size, ring * radius, radius)
    drawn[drawn.argmax()] = radius
    np.testing.assert_allclose(moduli(net), drawn, rtol=1e-14)
    one = lru.Dynamics(ACTIVATIONS["tanh"], net)
    for found in (spectral_radius, largest_singular_value):
        assert found(one.recurrent) == pytest.approx(radius, rel=1e-14)
    assert one.step_bound(0.25) == pytest.approx(radius, rel=1e-14)


def test_phases_are_even_and_the_inputs_weighted():
    size = 100_000
    net = {
        name: np.zeros(shape) for name, shape in lru.Lru().shapes(size, 2).items() if name != "C"
    }
    net["C"] = np.zeros((1, 1))  # as it should be, it would not fit into memory
    lru.Lru().initialise(net, np.random.default_rng(3), gaussian, 0.9, 0.7, {"ring": 0.3})
    phases = np.exp(net["theta_log"])
    assert phases.min() > 0.0 and phases.max() <= 2.0 * np.pi * (1 + 1e-15)
    expected = (np.arange(size) + 0.5) / size
    assert abs(np.sort(phases) / (2.0 * np.pi) - expected).max() < 2.3 / np.sqrt(size)
    weights = np.exp(2.0 * net["gamma_log"])
    np.testing.assert_allclose(weights, 1.0 - moduli(net) ** 2, rtol=1e-12)
    # The mean of 2e5 squared moduli of a complex normal number, each exponentially distributed.
    squares = np.square(net["W_hx"][::2]) + np.square(net["W_hx"][1::2])
    assert squares.mean() == pytest.approx(0.49, rel=4.0 / np.sqrt(2 * size))


def test_white_noise_gives_states_of_the_size_of_the_drive():
    """Section 3.4: Var |s_k|^2 = exp(2 gamma_log) |b_k|^2 / (1 - |lambda_k|^2) = |b_k|^2."""
    net, *_ = draw(4, size=20, radius=0.9)
    rng = np.random.default_rng(4)
    one = lru.Dynamics(ACTIVATIONS["tanh"], net)
    state = np.zeros((20_000, one.state_size))
    for _ in range(100):  # 0.9^200 is 1e-9
        vectors = rng.standard_normal((len(state), SYMBOLS))
        state = one.advance(state, one.drives(vectors[None])[0])
    mean = np.square(state.reshape(-1, 20, 2)).sum(axis=2).mean(axis=0)
    expected = np.square(net["W_hx"].reshape(20, -1)).sum(axis=1)
    # A squared modulus of a Gaussian state has a standard deviation of up to sqrt(2) its mean.
    np.testing.assert_allclose(mean, expected, rtol=4.0 * np.sqrt(2.0 / len(state)))


# Signals


def test_a_single_unit_shrinks_every_signal_by_its_modulus():
    net, *batch = draw(5, size=1, radius=0.7)
    _, path = path_of(net, *batch)
    transport = contributions.by_distance(path).log10_transport
    np.testing.assert_allclose(transport, np.arange(STEPS) * np.log10(0.7), rtol=0, atol=1e-13)


def test_units_of_one_modulus_shrink_every_signal_alike():
    """Whatever their phases: every singular value of every product is r^d."""
    net, *batch = draw(6, radius=0.8, ring=1.0)
    np.testing.assert_allclose(moduli(net), 0.8, rtol=1e-14)
    _, path = path_of(net, *batch)
    transport = contributions.by_distance(path).log10_transport
    np.testing.assert_allclose(transport, np.arange(STEPS) * np.log10(0.8), rtol=0, atol=1e-13)
    jacobians = measurement.Jacobians(path.unrolled, BATCH)
    found = lyapunov.jacobian_log10_singular_values(jacobians, 10)
    assert found.shape == (BATCH, 2 * SIZE)
    np.testing.assert_allclose(found, 10 * np.log10(0.8), rtol=0, atol=1e-13)


def test_exponents_are_the_logarithms_of_the_moduli():
    """Each twice: a complex direction is two real ones."""
    net, *batch = draw(7)
    _, path = path_of(net, *batch)
    jacobians = measurement.Jacobians(path.unrolled, BATCH)
    steps = [jacobians[t] for t in range(STEPS)] * 200
    exponents, _ = lyapunov.lyapunov_spectrum(np.array(steps), discard=1200)
    expected = np.sort(np.repeat(np.log(moduli(net)), 2))[::-1]
    np.testing.assert_allclose(exponents, expected, rtol=0, atol=1e-10)


def test_the_activation_does_not_touch_what_goes_back():
    """Its slope is met once, where the signal is sent: J is Lambda at every step."""
    net, *batch = draw(8)
    for activation in ("tanh", "sigmoid", "relu"):
        one, path = path_of(net, *batch, activation)
        for t in (0, STEPS - 1):
            for jacobian in path.unrolled.jacobian(t):
                np.testing.assert_array_equal(jacobian, one.recurrent)


def test_the_matrix_of_real_numbers_is_the_complex_diagonal():
    net, *_ = draw(9)
    one = lru.Dynamics(ACTIVATIONS["tanh"], net)
    rng = np.random.default_rng(9)
    state = rng.standard_normal((SIZE, 2)) @ [1.0, 1j]
    turned = np.exp(-np.exp(net["nu_log"]) + 1j * np.exp(net["theta_log"])) * state
    real = one.recurrent @ np.stack([state.real, state.imag], axis=1).ravel()
    np.testing.assert_allclose(real[::2] + 1j * real[1::2], turned, rtol=1e-14)


def test_a_net_beyond_single_precision_can_be_measured():
    """Such as training leaves it that has diverged: at its last finite weights."""
    net, *batch = draw(10)
    net |= {"nu_log": net["nu_log"] * 1e9, "theta_log": net["theta_log"] + 1e12}
    net |= {"gamma_log": net["gamma_log"] + 1e15, "C": net["C"] * 1e19, "W_hx": net["W_hx"] * 1e19}
    for activation in ("tanh", "linear", "gelu"):
        one = lru.Dynamics(ACTIVATIONS[activation], net)
        _, row = measurement.measure(
            one, {"inputs": batch[0], "targets": batch[1], "loss_mask": MASK}
        )
        assert row["residual"] < 1e-12
        assert np.isfinite(row["probe_loss"])


# The configuration


def config_with(cells, radii, remedies=None):
    own_grid = {"cells": cells, "activations": ["tanh"], "spectral_radii": radii, "seeds": 2}
    return {
        "experiments": {
            "echo": {
                "task": {"name": "delayed_echo", "lag": 3, "sequence_length": 12},
                "model": {"hidden_size": 8, "ring": 0.5},
                "grid": own_grid | ({} if remedies is None else {"remedies": remedies}),
            }
        }
    }


@pytest.mark.parametrize(
    "parts", [(["rnn", "lru"], [0.9, 1.0, 2]), (["rnn"], [1, 2], {"ring": {"cell": "lru"}})]
)
def test_radii_from_one_on_are_refused(parts):
    with pytest.raises(ConfigError) as error:
        resolve(config_with(*parts))
    assert error.value.lines == [
        "experiments.echo.grid.spectral_radii: 1, 2 cannot be the radius of the cell `lru`; "
        "allowed: below 1, or a grid without that cell"
    ]


def test_other_cells_may_have_any_radius():
    resolve(config_with(["rnn", "lstm"], [0.9, 1.0, 2.0]))


@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_a_radius_next_to_one_is_exact_in_the_weights_that_are_kept(precision):
    """To the rounding of ln(-ln radius), -13.8, times -ln radius, 1e-6."""
    whole = config_with(["lru"], [0.999999])
    whole["experiments"]["echo"]["training"] = {"precision": precision}
    whole = resolve(whole)
    (run,) = runs(whole["experiments"]["echo"])
    weights = grid_point.weights_of(run_settings(whole, "echo", run), FACTS)
    largest = moduli({"nu_log": weights["nu_log"].astype(np.float64)}).max(axis=1)
    tolerance = 1e-6 * 13.8 * np.finfo(precision).eps + 1e-16
    np.testing.assert_allclose(largest, 0.999999, rtol=0, atol=2 * tolerance)
    smallest = moduli({"nu_log": weights["nu_log"].astype(np.float64)}).min()
    assert smallest >= 0.499999 and weights.flat.dtype == precision
