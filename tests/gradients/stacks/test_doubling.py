"""Chosen distances by doubling, against the walk."""

import numpy as np
import pytest

from gradient_horizon.gradients.stacks import doubling
from gradient_horizon.gradients.stacks.cells import CELLS
from gradient_horizon.gradients.stacks.rows import Rows
from gradient_horizon.gradients.stacks.stack import Signal, Stack, trimmed
from gradient_horizon.gradients.stacks.taking_apart import take_apart
from gradient_horizon.networks.cells.dynamics import InexactError

STEPS, BATCH, UNITS, INPUTS = 40, 2, 4, 3


def stack_of(kind, levels, steps=STEPS, scale=1.2, lengths=None, seed=0):
    """A random stack that has read a random batch, and random errors at its top."""
    rng = np.random.default_rng(seed)
    gates, layers = CELLS[kind].gates, []
    for level in range(levels):
        shapes = {
            "weight_ih": (gates * UNITS, UNITS if level else INPUTS),
            "weight_hh": (gates * UNITS, UNITS),
            "bias_ih": (gates * UNITS,),
            "bias_hh": (gates * UNITS,),
        }
        weights = {name: rng.standard_normal(shape) / 2 for name, shape in shapes.items()}
        weights["weight_hh"] *= scale
        layers.append([CELLS[kind](np, weights)])
    made = Stack(layers, rng.standard_normal((steps, BATCH, INPUTS)), lengths=lengths)
    top = (levels - 1, 0)
    errors = rng.standard_normal((steps, BATCH, made.cell(top).state_size))
    if lengths is not None:
        errors *= (np.arange(steps)[:, None] < lengths)[..., None]
    return made, {top: Signal(0, errors)}


def walked(stack, errors):
    """Contributions of every distance, by weight."""
    signals, found = trimmed(errors), []
    while signals:
        back = stack.back(signals)
        found.append(back.contributions)
        signals = trimmed(back.farther)
    return found


@pytest.mark.parametrize(
    ("kind", "levels", "lengths"),
    [
        ("rnn", 1, None),
        ("rnn_relu", 2, None),
        ("gru", 2, None),
        ("lstm", 1, None),
        ("lstm", 3, np.array([STEPS, 17])),
    ],
)
def test_every_distance_is_that_of_the_walk(kind, levels, lengths):
    stack, errors = stack_of(kind, levels, lengths=lengths)
    walk = walked(stack, errors)
    found = list(doubling.at_distances(stack, errors, range(1, STEPS)))
    assert sorted(far.distance for far in found) == list(range(1, STEPS))
    for far in found:
        for weight, value in far.at.items():
            whole = sum(part[weight] for part in walk)
            size = np.linalg.norm(whole)
            at = np.ldexp(value, far.at_exponent)
            beyond = np.ldexp(far.from_there[weight], far.from_there_exponent)
            np.testing.assert_allclose(at, walk[far.distance][weight], rtol=0, atol=1e-12 * size)
            rest = sum(part[weight] for part in walk[far.distance :])
            np.testing.assert_allclose(beyond, rest, rtol=0, atol=1e-12 * size)


def test_far_beyond_the_range_of_floating_point_numbers():
    # h' = w h: what is left at distance D is w^D times what is at 0, here down to 2^-3000.
    for factor in (0.5, 1.2):
        weights = {"weight_ih": np.ones((1, 1)), "weight_hh": np.full((1, 1), factor)}
        inputs = np.zeros((3001, 1, 1))
        # States of 0 but at the first step, so that the slope of the ReLU is 1 all along.
        inputs[0] = 1e-300 if factor > 1.0 else 1.0
        made = Stack([[CELLS["rnn_relu"](np, weights)]], inputs)
        made.cell((0, 0)).slope[:] = 1.0
        error = np.zeros((3001, 1, 1))
        error[-1] = 1.0
        with np.errstate(over="ignore"):  # in the squares of the whole signal
            (far,) = doubling.at_distances(made, {(0, 0): Signal(0, error)}, [3000])
        log2 = np.log2(np.abs(far.at["weight_ih_l0"][0, 0])) + far.at_exponent
        expected = 3000.0 * np.log2(factor) + np.log2(inputs[0, 0, 0])
        assert log2 == pytest.approx(expected, rel=1e-12)
        assert far.log10_transport[0, 0] == pytest.approx(3000.0 * np.log10(factor), rel=1e-12)


def test_chosen_distances():
    found = doubling.chosen_distances(100, 1000)
    assert found == [100, 128, 192, 256, 384, 512, 768]


@pytest.mark.parametrize("kind", ["rnn", "lstm"])
def test_taken_apart_with_chosen_distances(kind):
    stack, errors = stack_of(kind, 1, steps=300, scale=1.0)
    gradient, _ = stack.sweep(errors)
    whole = take_apart([stack], [errors], gradient)
    part = take_apart(
        [stack], [errors], gradient, far=lambda done: [20, 64, 100, 299] if done == 20 else []
    )
    assert part.why == "doubling"
    assert part.distances.tolist() == [*range(20), 20, 64, 100, 299]
    assert max(part.residual.values()) < 1e-12
    for name, columns in part.columns.items():
        right = whole.columns[name]
        for column in ("signed_share", "truncation_bias"):
            np.testing.assert_allclose(
                getattr(columns, column),
                getattr(right, column)[part.distances],
                rtol=0,
                atol=1e-12,
            )
        np.testing.assert_allclose(
            part.signed_from[name], whole.signed_from[name][part.distances], rtol=0, atol=1e-12
        )
    for place, rows in part.log10_transport.items():
        np.testing.assert_allclose(rows, whole.log10_transport[place][part.distances], rtol=1e-9)
    places = dict.fromkeys(gradient, (0, 0))
    rows, right = (Rows("net", apart, 300, 300, places) for apart in (part, whole))
    np.testing.assert_allclose(
        rows.angle()[[1, 20, 64, 100]], right.angle()[[1, 20, 64, 100]], rtol=0, atol=1e-5
    )
    table = rows.truncations()
    assert table["k"].tolist() == [*range(1, 21), 64, 100, 299, 300]
    np.testing.assert_allclose(
        table["kept"], right.truncations()["kept"][table["k"] - 1], atol=1e-12
    )


@pytest.mark.parametrize("after", [21, 23])
def test_interrupted_between_chosen_distances(after):
    stack, errors = stack_of("rnn", 1, steps=300, scale=1.0)
    gradient, _ = stack.sweep(errors)
    whole = take_apart([stack], [errors], gradient)
    part = take_apart(
        [stack],
        [errors],
        gradient,
        stop=lambda done: done >= after,
        far=lambda done: [20, 40, 64, 100, 299] if done == 20 else [],
    )
    assert part.why == "interrupt"
    assert max(part.residual.values()) < 1e-12
    assert 19 <= part.distances[-1] < 299
    for name, columns in part.columns.items():
        bias = whole.columns[name].truncation_bias
        np.testing.assert_allclose(
            columns.truncation_bias, bias[part.distances], rtol=0, atol=1e-12
        )
        left = bias[20] if len(part.distances) == 20 else bias[part.distances[-1]]
        assert part.remainder[name] == pytest.approx(left, abs=1e-12)


def test_a_wrong_product_is_found():
    stack, errors = stack_of("rnn", 1)
    gradient, _ = stack.sweep(errors)
    gradient["weight_ih_l0"] = gradient["weight_ih_l0"] * 1.001
    with pytest.raises(InexactError, match="weight_ih_l0 of 20 distances differ from its gradient"):
        take_apart([stack], [errors], gradient, far=lambda done: [20, 30] if done == 20 else [])
