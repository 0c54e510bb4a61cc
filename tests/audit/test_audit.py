"""The audit of the lecture note on nets whose answers are known, and with readings exchanged."""

import json
import re
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

import audit_claims
import naive
from gradient_horizon.audit import audited_net, claims, equations, jacobians, over_the_grid
from gradient_horizon.audit.claims import CORRECTED, FAILS, HOLDS, UNDECIDED, Errors, finding
from gradient_horizon.gradients import forward_pass
from gradient_horizon.ground import files, latex
from gradient_horizon.networks.activations import ACTIVATIONS
from gradient_horizon.networks.initialisations import spectral_radius

MEASURES = equations.EQUATIONS | jacobians.JACOBIANS
VERDICTS = {
    **dict.fromkeys((2, 3, 5, 9, 10, 11), HOLDS),
    **dict.fromkeys((1, 4, 6, 7, 8, 14), CORRECTED),
    12: FAILS,
}


def draw(activation="tanh", seed=0, embedding_size=3, **kinds):
    """A random net with 9 steps of 4 sequences, all of which carry a loss."""
    weights, inputs, targets = naive.draw_batch(seed, embedding_size=embedding_size, **kinds)
    mask = np.ones(len(inputs), dtype=bool)
    return audited_net.Net(ACTIVATIONS[activation], weights, inputs, targets, mask)


def verdict(number, net, **readings):
    return finding(number, MEASURES[number](net, **readings)).verdict


def one_unit(weight=0.7, loss_at=(True, True, True)):
    """A linear net of one unit, for closed forms."""
    weights = {
        "W_hh": np.array([[weight]]),
        "W_hx": np.array([[1.0, -0.5]]),
        "b_h": np.zeros(1),
        "W_s": np.array([[1.0], [-1.0]]),
        "b_s": np.zeros(2),
    }
    inputs, targets = np.array([[0], [1], [0]]), np.array([[1], [0], [1]])
    return audited_net.Net(ACTIVATIONS["linear"], weights, inputs, targets, np.array(loss_at))


# The verdict


@pytest.mark.parametrize(
    ("errors", "expected"),
    [
        (Errors(1e-10, 1e-10), HOLDS),
        (Errors(1e-9, 1.0), HOLDS),
        (Errors(1.1e-9, 1e-9), CORRECTED),
        (Errors(1.0, 1.1e-9), FAILS),
        (Errors(1.0, 0.0, contradicts=True), FAILS),
        (Errors(0.0, 0.0, contradicts=True), HOLDS),
        (Errors(1.0, None), CORRECTED),
        (Errors(1.0, None, contradicts=True), FAILS),
        (Errors(np.nan, 0.0), UNDECIDED),
        (Errors(0.0, np.nan), UNDECIDED),
        (Errors(np.nan, None), UNDECIDED),
        (Errors(np.inf, np.inf), FAILS),
    ],
)
def test_the_verdict_follows_from_the_errors(errors, expected):
    assert claims.CLAIMS[6].tolerance == 1e-9
    assert finding(6, errors).verdict == expected


def test_several_nets():
    parts = [
        Errors(0.1, 2e-9, numbers={"a": 1.0, "b": np.nan}),
        Errors(np.nan, np.nan),
        Errors(0.3, 1e-9, contradicts=True, numbers={"a": -1.0}),
    ]
    whole = claims.worst(parts)
    assert (whole.note, whole.correct, whole.contradicts) == (0.3, 2e-9, True)
    assert whole.numbers["a"] == 1.0 and np.isnan(whole.numbers["b"])
    assert finding(6, claims.worst([])).verdict == UNDECIDED
    assert not claims.worst([parts[0]]).contradicts


# What the readings are held against


@pytest.mark.parametrize("activation", naive.NAMES)
@pytest.mark.parametrize("embedding_size", [None, 3])
def test_the_loop_and_its_signals(activation, embedding_size):
    net = draw(activation, embedding_size=embedding_size)
    loop = audited_net.forward(net)
    signals = {(b, t): (e, deltas) for t, b, e, deltas in audited_net.signals(net, loop)}
    for b, symbols in enumerate(net.inputs.T):
        pre_activations, states, logits = naive.forward(activation, net.weights, symbols)
        np.testing.assert_allclose(loop.pre_activation[:, b], pre_activations, rtol=1e-13)
        # A rounding of a changes GELU(a) a^2 times as much far below 0, where it is nearly nothing.
        np.testing.assert_allclose(loop.state[:, b], states, rtol=1e-13, atol=1e-16)
        np.testing.assert_allclose(audited_net.logits(net, loop.state[1:, b]), logits, rtol=1e-12)
    pairs = naive.pairs(activation, net.weights, net.inputs, net.targets, net.loss_mask)
    for (b, t, k), error, _, delta, _ in pairs:
        np.testing.assert_allclose(signals[b, t][0], error, rtol=1e-11, atol=1e-16)
        np.testing.assert_allclose(signals[b, t][1][k], delta, rtol=1e-11, atol=1e-16)


@pytest.mark.parametrize("activation", ["tanh", "sigmoid"])
def test_the_gradient_beside_differences(activation):
    """The formula of fourth order with steps of 1e-4 is right to about 1e-11 here."""
    net = draw(activation)
    gradient = audited_net.backpropagated(net)

    def loss():
        return naive.loss_and_accuracy(
            activation, net.weights, net.inputs, net.targets, net.loss_mask
        )[0]

    for name in ("W_hh", "W_s", "W_hx"):
        expected = naive.central_differences(loss, net.weights[name])
        np.testing.assert_allclose(gradient[name], expected, atol=1e-10)


def test_differences_are_exact_for_polynomials_of_the_fourth_degree():
    result = audited_net.derivative(
        lambda rows: np.stack([rows[:, 0] ** 4, rows[:, 1] ** 3], axis=1),
        np.array([2.0, 3.0]),
        1,
        0.1,
    )
    assert result.shape == (1, 2)
    np.testing.assert_allclose(result, [[32.0, 0.0]], rtol=1e-13, atol=1e-13)


def test_differences_without_digits_decide_nothing():
    """1e-3 * 1e-9 beside 1: the difference has four digits left of sixteen."""

    def beside_one(scale):
        return audited_net.derivative(lambda rows: 1.0 + scale * rows, np.zeros(2), 2, 1e-3)

    with_digits, without = beside_one(1e-3), beside_one(1e-9)
    np.testing.assert_allclose(with_digits, 1e-3 * np.eye(2), atol=1e-12)
    assert np.isnan(without).all()


def test_a_window_ends_with_the_last_loss():
    net = replace(draw(), loss_mask=np.arange(9) == 6)
    part = net.window(3, 2)
    np.testing.assert_array_equal(part.inputs, net.inputs[4:7, :2])
    np.testing.assert_array_equal(part.targets, net.targets[4:7, :2])
    assert part.loss_mask.tolist() == [False, False, True]
    assert net.window(100, 100).inputs.shape == (7, 4)


def test_the_clearest_stretch_is_far_from_kinks():
    net = draw("relu")
    stretch = jacobians.clearest_stretch(net, 2)
    margins = np.abs(audited_net.forward(net).pre_activation).min(axis=2)
    best = np.minimum(margins[:-1], margins[1:]).max()
    assert np.abs(stretch.pre_activation).min() == best
    assert jacobians.clearest_stretch(net, 99).drive.shape == (9, naive.SIZE)
    expected = stretch.state[:-1] @ stretch.recurrent.T + stretch.drive
    np.testing.assert_allclose(stretch.pre_activation, expected, rtol=1e-13)


# The claims on random nets


@pytest.mark.parametrize("activation", ["tanh", "sigmoid", "relu", "softsign"])
@pytest.mark.parametrize("seed", [0, 1])
def test_verdicts_on_random_nets(activation, seed):
    net = draw(activation, seed)
    # Of few ReLU units the same may be on at successive steps, and then the slips do not show.
    net.weights.update(naive.draw_net(np.random.default_rng(seed), 24, naive.SYMBOLS, 3, 3))
    assert {number: verdict(number, net) for number in MEASURES} == VERDICTS


def test_verdicts_on_linear_nets():
    """All Jacobians are W: their order does not matter, and W^T is the gradient's convention."""
    expected = VERDICTS | {7: HOLDS, 8: HOLDS}
    assert {number: verdict(number, draw("linear")) for number in MEASURES} == expected


def test_one_loss_at_the_end():
    """Then there is no sum over t for the average to differ from."""
    net = replace(draw(), loss_mask=np.arange(9) == 8)
    assert {number: verdict(number, net) for number in MEASURES} == VERDICTS | {4: HOLDS}
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
    decided = {number for number in MEASURES if verdict(number, net) != UNDECIDED}
    assert decided == {1, 2, 4, 7, 8, 9, 11, 12}


# The numbers, by other ways


def test_the_dropped_average():
    errors = equations.normalisation(draw())
    assert errors.numbers == {"ratio": pytest.approx(9.0), "steps": 9}
    assert errors.note == pytest.approx(8.0)


def test_the_terms_of_the_double_sum():
    assert equations.double_sum(draw()).numbers == {"terms": 9 * 10 / 2, "steps": 9}


@pytest.mark.parametrize("activation", naive.NAMES)
def test_how_often_the_total_derivative_counts(activation):
    """Term k stands in the total derivatives of h_k, ..., h_t: t - k + 1 times."""
    net = draw(activation, batch=2)
    once = often = 0.0
    pairs = naive.pairs(activation, net.weights, net.inputs, net.targets, net.loss_mask)
    for (_, t, k), _, _, delta, before in pairs:
        once = once + np.outer(delta, before)
        often = often + (t - k + 1) * np.outer(delta, before)
    expected = np.linalg.norm(often - once) / np.linalg.norm(once)
    assert equations.inner_derivative(net).note == pytest.approx(expected)


def test_one_unit():
    """Loss at the last of three steps: the terms are e w^d h_{2-d}, counted d + 1 times."""
    weight, net = 0.7, one_unit(loss_at=(False, False, True))
    states = [0.0, 1.0, weight - 0.5]
    terms = np.array([weight**d * states[2 - d] for d in range(3)])
    often = terms @ [1.0, 2.0, 3.0]
    expected = abs(often - terms.sum()) / abs(terms.sum())
    assert equations.inner_derivative(net).note == pytest.approx(expected)
    assert verdict(7, net) == verdict(8, net) == verdict(9, net) == HOLDS


@pytest.mark.parametrize("activation", ["tanh", "sigmoid", "softsign"])
def test_conventions_in_numbers(activation):
    """Each formula beside each derivative, the derivatives by their own formulas."""
    net = draw(activation)
    stretch = jacobians.clearest_stretch(net, 2)
    slope, matrix = naive.SLOPE[activation], net.weights["W_hh"]
    before, now = stretch.pre_activation
    truths = {
        "State": np.diag(slope(now)) @ matrix,
        "Sum": matrix @ np.diag(slope(before)),
        "Gradient": matrix.T @ np.diag(slope(now)),
    }
    readings = {"Note": matrix.T @ np.diag(slope(naive.PHI[activation](before))), **truths}
    numbers = jacobians.conventions(net).numbers
    assert len(numbers) == 12
    for reading, formula in readings.items():
        for name, truth in truths.items():
            expected = np.linalg.norm(formula - truth) / np.linalg.norm(truth)
            # Differences are allowed a relative 1e-7.
            assert numbers[f"{reading}By{name}"] == pytest.approx(expected, abs=1e-7)
            assert (expected < 1e-7) == (reading == name)


def test_the_slip_in_the_slope():
    numbers = jacobians.slope_bound(draw()).numbers
    assert numbers["supremum"] == 0.25
    assert numbers["distance"] == 20 and numbers["inflation"] == 4.0**20


def test_equality_holds_only_at_rest():
    """Where all pre-activations are 0 every slope is 1/4, and J = W / 4."""
    net = draw("sigmoid")
    for name in ("W_hx", "b_h"):
        net.weights[name] = np.zeros_like(net.weights[name])
    net.weights["W_hh"] = 1e-12 * net.weights["W_hh"]
    assert verdict(12, net, note=0.25) == HOLDS
    assert verdict(12, net) == FAILS
    assert verdict(12, draw("sigmoid"), note=0.25) == FAILS


@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_the_factors_of_a_contribution(activation):
    net = draw(activation)
    rows = []
    pairs = naive.pairs(activation, net.weights, net.inputs, net.targets, net.loss_mask)
    for _, error, _, delta, before in pairs:
        sizes = [np.linalg.norm(vector) for vector in (error, delta, before)]
        if min(sizes) > 0.0:
            rows.append(np.log10([sizes[0], sizes[1] / sizes[0], sizes[2]]))
    whole = np.sum(rows, axis=1)
    errors = jacobians.factors_apart(net)
    assert errors.note == pytest.approx(np.std(whole - np.array(rows)[:, 1]))
    covariances = np.cov(np.column_stack([rows, whole]).T, bias=True)
    shares = covariances[:3, 3] / covariances[3, 3]
    assert list(errors.numbers.values()) == pytest.approx(shares.tolist())
    assert sum(errors.numbers.values()) == pytest.approx(1.0)


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
    assert verdict(number, net) == VERDICTS[number]


# The grid


def test_the_phase_diagram():
    bound = np.log10([0.5, 0.9, 1.5, 2.0, 3.0, 4.0, 2.0])
    transport = np.array([-0.3, -np.inf, -0.1, 0.1, -0.2, 0.3, np.nan])
    errors = over_the_grid.phase_diagram(bound, transport)
    assert errors.note == pytest.approx(2 / 6) and errors.correct == 0.0
    assert errors.numbers == {"above": 4, "shrinking": 2, "largest_bound": pytest.approx(3.0)}
    assert finding(13, errors).verdict == CORRECTED


def test_a_phase_diagram_as_the_note_has_it():
    errors = over_the_grid.phase_diagram(np.array([-0.1, 0.1]), np.array([-1.0, 0.01]))
    assert finding(13, errors).verdict == HOLDS
    assert finding(13, over_the_grid.phase_diagram(*np.zeros((2, 0)))).verdict == UNDECIDED


def test_growth_below_a_bound_of_1_would_be_an_error():
    errors = over_the_grid.phase_diagram(np.array([-0.1, 0.1]), np.array([0.1, 0.1]))
    assert errors.correct == 0.5 and finding(13, errors).verdict == FAILS


def test_words_that_matter_without_a_gradient():
    """A forward horizon counts one more than a gradient horizon for the same words."""
    gradient = np.array([4.0, 4.0, 20.0, 20.0, 30.0, np.nan, 5.0])
    forward = np.array([6.0, 7.0, 23.0, 24.0, 11.0, 9.0, np.nan])
    errors = over_the_grid.learning_signal(gradient, forward)
    assert errors.note == pytest.approx(3 / 5) and errors.correct is None
    expected = {"points": 5, "longer": 2, "shorter": 1, "gradient": 20.0, "forward": 10.0}
    assert errors.numbers == expected
    assert finding(15, errors).verdict == FAILS


@pytest.mark.parametrize(
    ("forward", "expected"), [(5.0, HOLDS), (6.0, HOLDS), (7.0, FAILS), (2.0, CORRECTED)]
)
def test_the_learning_signal_and_what_matters(forward, expected):
    errors = over_the_grid.learning_signal(np.full(3, 4.0), np.full(3, forward))
    assert finding(15, errors).verdict == expected


def test_one_point_in_many_may_stray():
    gradient, forward = np.full(40, 4.0), np.full(40, 5.0)
    forward[0] = 30.0
    assert finding(15, over_the_grid.learning_signal(gradient, forward)).verdict == HOLDS
    forward[:3] = 30.0
    assert finding(15, over_the_grid.learning_signal(gradient, forward)).verdict == FAILS
    nothing = over_the_grid.learning_signal(gradient, np.full(40, np.nan))
    assert finding(15, nothing).verdict == UNDECIDED


def test_clipped_steps():
    """The second net diverged at step 2: its steps count before that only."""
    norms = np.array([[0.5, 2.0], [1.0, 3.0], [1.5, np.inf], [9.0, 9.0]])
    assert over_the_grid.clipped_steps(norms, np.array([-1, 2]), 1.0) == (4, 6)


@pytest.mark.parametrize(
    ("growing", "diverged", "expected"),
    [(0, 0, HOLDS), (0, 50, HOLDS), (3, 0, CORRECTED), (3, 5, CORRECTED), (3, 6, FAILS)],
)
def test_explosion(growing, diverged, expected):
    transport = np.where(np.arange(10) < growing, 0.2, -0.2)
    errors = over_the_grid.explosion(transport, 30, 120, diverged, 100)
    assert errors.note == growing / 10 and errors.numbers == {"nets": 100, "clipped": 0.25}
    assert finding(16, errors).verdict == expected


def test_explosion_without_any_clipping():
    errors = over_the_grid.explosion(np.ones(3), 0, 0, 0, 0)
    assert finding(16, errors).verdict == UNDECIDED


# Tables and macros


def all_errors():
    net = draw()
    return {
        **{number: claims.worst([measure(net)]) for number, measure in MEASURES.items()},
        13: over_the_grid.phase_diagram(np.array([-0.1, 0.1]), np.array([-1.0, -0.01])),
        15: over_the_grid.learning_signal(np.full(3, 4.0), np.full(3, 7.0)),
        16: over_the_grid.explosion(np.array([-1.0, 1.0]), 30, 120, 0, 100),
    }


@pytest.fixture(scope="module")
def findings():
    return [finding(number, errors) for number, errors in sorted(all_errors().items())]


def test_every_claim_is_measured(findings):
    assert [part.number for part in findings] == list(claims.CLAIMS) == list(range(1, 17))


def test_every_number_that_is_named_is_measured(findings):
    for part in findings:
        named = set(re.findall(r"<(\w+)>", part.claim.measures))
        assert named <= set(part.errors.numbers), part.number
        assert part.measured()[1] != "--" and "<" not in part.measures


def test_the_rows(findings):
    for part in findings:
        row = part.row()
        assert tuple(row) == claims.COLUMNS
        assert row["verdict"] in (HOLDS, CORRECTED, FAILS)
        assert row["note_value"] == part.errors.note and row["tolerance"] == part.claim.tolerance


def test_the_table(findings):
    text = claims.audit_table(findings)
    assert text.count(r"\addlinespace") == 16 and text.count(r"\raggedright") == 4 * 16
    assert text.startswith(r"\begin{longtable}") and r"\label{tab:audit}" in text
    assert text.count("{") == text.count("}") and text.count("$") % 2 == 0


def test_what_was_not_measured_is_said_to_be():
    part = finding(15, Errors(np.nan, None))
    assert part.measured() == ("Not measured in this run", "--", "--")
    macros = claims.audit_numbers([part])
    assert macros["AuditVerdicts"] == "1 is left undecided by this run"


def test_the_verdicts_in_a_sentence(findings):
    verdicts = claims.audit_numbers(findings)["AuditVerdicts"]
    assert verdicts == "6 hold, 8 hold with a correction and 2 fail"


def test_the_macros_are_those_of_the_section(findings):
    source = (Path(__file__).parents[2] / "paper" / "audit.tex").read_text()
    used = set(re.findall(r"\\(Audit\w+)", source))
    macros = latex.Macros()
    macros.add(claims.audit_numbers(findings))
    assert used == {*macros, "AuditExperiment", "AuditNets"}
    assert "--" not in macros.values()


# The script


EXPERIMENT = {
    "task": {"name": "delayed_echo"},
    "grid": {
        "cells": ["rnn"],
        "activations": ["tanh", "relu"],
        "initialisations": ["gaussian"],
        "spectral_radii": [0.5, 1.2, 2.0],
        "remedies": {"none": {}},
    },
    "training": {"gradient_clip": 1.0},
}
SETTINGS = {"experiments": {"echo": EXPERIMENT}}


def trained(activation, seeds=(0, 1)):
    """The arrays of `train.npz` for two nets, the second checkpoint ten times the first."""
    nets = [draw(activation, seed).weights for seed in seeds]
    first = {name: np.stack([net[name] for net in nets]) for name in nets[0]}
    return {
        "step": np.array([0, 5]),
        **{
            name: np.stack([0.1 * array, array]).astype(np.float32) for name, array in first.items()
        },
        "gradient_norm": np.full((5, 2), 0.5),
        "seed": np.array([0, 1]),
        "diverged_at": np.full(2, -1),
    }


def probe():
    net = draw()
    return {"inputs": net.inputs, "targets": net.targets, "loss_mask": net.loss_mask}


def test_the_audited_runs():
    name, runs = audit_claims.audited_runs(SETTINGS, ["echo"])
    assert name == "echo"
    assert [(run["activation"], run["radius"]) for run in runs] == [("tanh", 1.2), ("relu", 1.2)]
    words = EXPERIMENT | {"task": {"name": "words"}}
    both = {"experiments": {"echo": EXPERIMENT, "text": words}}
    assert audit_claims.audited_runs(both, ["echo", "text"])[0] == "text"
    assert audit_claims.audited_runs(both, ["echo"])[0] == "echo"
    assert audit_claims.audited_runs(both, []) == ("echo", [])
    assert audit_claims.label(runs) == "tanh and ReLU, of radius 1.2"
    assert audit_claims.label([runs[0], runs[1] | {"radius": 2.0}]) == (
        "tanh of radius 1.2 and ReLU of radius 2"
    )


def test_only_experiments_of_symbols_and_classes_are_audited():
    symbols = probe()
    assert audit_claims.readable(symbols)
    for name in ("inputs", "targets"):
        assert not audit_claims.readable(symbols | {name: np.zeros((3, 2, 1))})


@pytest.mark.parametrize(
    ("diverged_at", "kept", "place"), [((-1, -1), 1, 0), ((3, -1), 1, 1), ((3, 4), 0, 0)]
)
def test_the_audited_net(diverged_at, kept, place):
    arrays = trained("tanh") | {"diverged_at": np.array(diverged_at)}
    net = audit_claims.audited_net("tanh", arrays, probe())
    assert net.weights["W_hh"].dtype == np.float64
    np.testing.assert_array_equal(net.weights["W_hh"], arrays["W_hh"][kept, place])


def test_states_too_large_for_differences():
    arrays = trained("relu")
    arrays["b_h"][1] = 1e6
    net = audit_claims.audited_net("relu", arrays, probe())
    np.testing.assert_array_equal(net.weights["W_hh"], arrays["W_hh"][0, 0])
    arrays["b_h"][0] = np.finfo(np.float32).max
    assert audit_claims.audited_net("relu", arrays, probe()) is None


def tables():
    """Medians of six grid points: the bound grows from radius 1.2 on, transport nowhere."""
    rows = [
        {"experiment": "echo", "run": f"rnn_{name}_gaussian_rho{radius:.2f}", "radius": radius}
        for name in ("tanh", "relu")
        for radius in (0.5, 1.2, 2.0)
    ]
    distances = [
        {**row, "step": 0, "distance": d, "log10_transport": -0.2 * d}
        | {"log10_bound": d * np.log10(1.5 * row["radius"])}
        for row in rows
        for d in range(9)
    ]
    reach = {"h99": 4.0, "h99_censored": False, "forward_horizon_censored": False}
    summary = [
        {**row, **reach, "step": step, "forward_horizon": forward}
        for row in rows
        for step, forward in {0: np.nan, 5: 9.0}.items()
    ]
    return pd.DataFrame(distances), pd.DataFrame(summary)


def test_horizons_that_are_lower_bounds():
    _, summary = tables()
    summary["h99_censored"] = True
    gradient, forward = audit_claims.horizons("echo", summary)
    assert np.isnan(gradient).all() and forward.tolist() == [9.0] * 6


def test_a_damaged_training_record(tmp_path):
    path = tmp_path / "train.npz"
    path.write_bytes(b"PK")
    with pytest.raises(files.FileError, match=r"cannot read .*train\.npz"):
        audit_claims.training_record(path)


@pytest.mark.parametrize("learnt", [False, True])
def test_the_script(tmp_path, monkeypatch, learnt):
    results = tmp_path / "results"
    distances, summary = tables()
    if not learnt:
        summary["forward_horizon"] = np.nan
    files.write_table(results / "tables/contributions_median.parquet", distances)
    files.write_table(results / "tables/summary_median.parquet", summary)
    files.write_arrays(results / "echo/probe.npz", probe())
    for run in summary["run"].unique():
        activation = run.split("_")[1]
        files.write_arrays(results / f"echo/{run}/train.npz", trained(activation))
    arguments = {
        "--config": json.dumps(SETTINGS),
        "--results": results,
        "--claims": tmp_path / "audit.csv",
        "--paper": tmp_path / "paper",
    }
    flat = [str(part) for pair in arguments.items() for part in pair]
    monkeypatch.setattr("sys.argv", ["audit_claims.py", *flat])
    audit_claims.main()
    table = files.read_table(tmp_path / "audit.csv").set_index("claim")
    expected = VERDICTS | {13: CORRECTED, 15: FAILS if learnt else UNDECIDED, 16: HOLDS}
    assert table["verdict"].to_dict() == expected
    # Four of the six points have a bound above 1, and all shrink.
    assert table.loc[13, "note_value"] == pytest.approx(4 / 6)
    macros = files.read_json(tmp_path / "paper/audit.json")
    assert macros["AuditNets"] == "tanh and ReLU, of radius 1.2"
    assert macros["AuditExperiment"] == "echo"
    assert (tmp_path / "paper/audit_table.tex").read_text().count(r"\addlinespace") == 16
