"""Forward influence against really replacing the words, one target and one distance at a time."""

import math

import numpy as np
import pytest

import naive
from gradient_horizon.gradients.forward_influence import (
    draw_donors,
    forward_horizon,
    forward_influence,
)
from gradient_horizon.networks.activations import ACTIVATIONS
from gradient_horizon.networks.cells import rnn
from naive import BATCH, OUTPUTS, STEPS, SYMBOLS, draw_batch

MASKS = {
    "dense": np.ones(STEPS, dtype=bool),
    "last": np.arange(STEPS) == STEPS - 1,
    "holes": np.arange(STEPS) % 4 == 2,
}
DONORS = draw_donors(BATCH, 2, np.random.default_rng(5))


def brute_force(name, net, inputs, targets, loss_mask, distances, donors):
    """The rise (D, T, B) by distance, target and sequence; nan where there is none to take.

    Steps are counted from 1 here.
    """
    rises = np.full((len(distances), *inputs.shape), np.nan)
    for t in np.flatnonzero(loss_mask) + 1:
        for b, wanted in enumerate(targets[t - 1]):
            own = inputs[:t, b]
            intact = naive.cross_entropy(naive.forward(name, net, own)[2][-1], wanted)
            for row, d in enumerate(distances):
                far = [k for k in range(1, t + 1) if t - k > d]
                if not far:
                    continue
                losses = []
                for donor in donors:
                    mixed = own.copy()
                    for k in far:
                        mixed[k - 1] = inputs[k - 1, donor[b]]
                    logits = naive.forward(name, net, mixed)[2][-1]
                    losses.append(naive.cross_entropy(logits, wanted))
                rises[row, t - 1, b] = np.mean(losses) - intact
    return rises


def measured(name, *given, **options):
    net, *batch = given
    return forward_influence(rnn.Dynamics(ACTIVATIONS[name], net), *batch, **options)


@pytest.mark.parametrize("embedding_size", [None, 4])
@pytest.mark.parametrize(
    ("mask", "distances"),
    [
        ("dense", range(STEPS - 1)),
        ("last", range(STEPS - 1)),
        ("holes", [1, 3]),
    ],
)
@pytest.mark.parametrize("activation", naive.NAMES)
@pytest.mark.filterwarnings("error")
def test_it_is_the_rise_of_really_replacing_the_words(activation, mask, distances, embedding_size):
    """Losses of about 1 after 9 steps: 1e-12 is some thousand roundings."""
    given = (*draw_batch(11, embedding_size=embedding_size), MASKS[mask], distances, DONORS)
    by_target = brute_force(activation, *given)
    at_farthest = np.isfinite(by_target[-1, :, 0])
    for common_targets, rows in ((True, by_target[:, at_farthest]), (False, by_target)):
        expected = np.nanmean(rows, axis=1)
        assert abs(expected).max() > 1e-6
        result = measured(activation, *given, common_targets=common_targets)
        np.testing.assert_allclose(result.by_sequence, expected, rtol=0, atol=1e-12)
        np.testing.assert_allclose(result.rise, expected.mean(axis=1), rtol=0, atol=1e-12)
        errors = [np.std(row, ddof=1) / math.sqrt(BATCH) for row in expected]
        np.testing.assert_allclose(result.standard_error, errors, rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("common_targets", "expected"), [(True, [6, 7, 8]), (False, [2, 3, 4, 5, 6, 7, 8])]
)
def test_the_targets_compared_and_their_loss(common_targets, expected):
    """Counted from 0: the farthest distance is 5, the nearest 1."""
    net, inputs, targets = draw_batch(12)
    given = net, inputs, targets, MASKS["dense"], [1, 5], DONORS
    result = measured("tanh", *given, common_targets=common_targets)
    assert result.target_steps.tolist() == expected
    mask = np.isin(np.arange(STEPS), expected)
    for b in range(BATCH):
        column = slice(b, b + 1)
        loss, _ = naive.loss_and_accuracy("tanh", net, inputs[:, column], targets[:, column], mask)
        assert result.loss[b] == pytest.approx(loss, rel=1e-13)


@pytest.mark.parametrize("activation", naive.NAMES)
def test_without_recurrent_weights_no_earlier_word_matters(activation):
    """Exactly: the same state, read out in the same way."""
    net, inputs, targets = draw_batch(13, embedding_size=4, batch=33)
    net["W_hh"][...] = 0.0
    donors = draw_donors(33, 3, np.random.default_rng(0))
    for common_targets in (True, False):
        given = net, inputs, targets, MASKS["dense"], range(STEPS - 1), donors, common_targets
        assert not measured(activation, *given).by_sequence.any()


@pytest.mark.parametrize("lag", [1, 2, 5])
@pytest.mark.parametrize("activation", ["linear", "relu"])
def test_a_delay_line_needs_the_word_at_its_lag(activation, lag):
    """Blocks of units that hand a symbol on, the last one read: the word at distance `lag`.

    Where the symbol is another's the loss is higher by the read-out's gain, unless the two agree.
    """
    symbols, gain, steps, batch = 3, 4.0, 14, 6
    rng = np.random.default_rng(lag)
    blocks = lag + 1
    net = {
        "W_hh": np.kron(np.eye(blocks, k=-1), np.eye(symbols)),
        "W_hx": np.kron(np.eye(blocks, 1), np.eye(symbols)),
        "b_h": np.zeros(blocks * symbols),
        "W_s": gain * np.kron(np.eye(1, blocks, k=lag), np.eye(symbols)),
        "b_s": np.zeros(symbols),
    }
    inputs = rng.integers(0, symbols, (steps, batch))
    targets = np.roll(inputs, lag, axis=0)
    distances, donors = np.arange(9), draw_donors(batch, 2, rng)
    result = measured(activation, net, inputs, targets, np.arange(steps) >= lag, distances, donors)
    compared = range(distances[-1] + 1, steps)  # counted from 0
    differ = [inputs[t - lag] != inputs[t - lag][donor] for t in compared for donor in donors]
    expected = np.where(distances[:, None] < lag, gain * np.mean(differ, axis=0), 0.0)
    assert expected[0].min() > 0.0
    np.testing.assert_allclose(result.by_sequence, expected, rtol=0, atol=1e-13)
    assert forward_horizon(result.rise, distances) == (lag, False)


def test_equal_questions_have_equal_answers():
    """Whatever else is asked, and in whatever precision the weights are kept."""
    net, inputs, targets = draw_batch(14, embedding_size=4)
    net = {name: array.astype(np.float32) for name, array in net.items()}
    batch = inputs, targets, MASKS["dense"]
    wide = {name: array.astype(np.float64) for name, array in net.items()}
    before = {name: array.copy() for name, array in wide.items()}
    every = measured("tanh", wide, *batch, range(8), DONORS, common_targets=False)
    some = measured("tanh", net, *batch, [2, 5], DONORS, common_targets=False)
    assert some.by_sequence.tolist() == every.by_sequence[[2, 5]].tolist()
    assert all((wide[name] == before[name]).all() for name in wide)


@pytest.mark.filterwarnings("error")
def test_states_that_leave_the_numbers_leave_no_rise():
    net, inputs, targets = draw_batch(15)
    net["W_hh"] *= 1e100
    result = measured("linear", net, inputs, targets, MASKS["dense"], range(4), DONORS)
    assert not np.isfinite(result.rise).any()
    reached, censored = forward_horizon(result.rise, result.distances)
    assert math.isnan(reached) and censored is False


@pytest.mark.parametrize(("batch", "count"), [(2, 1), (5, 1), (5, 4), (32, 4)])
def test_donors_are_others_and_no_donor_comes_twice(batch, count):
    donors = draw_donors(batch, count, np.random.default_rng(3))
    assert donors.shape == (count, batch)
    for row in donors:
        assert sorted(row) == list(range(batch))
    for b, column in enumerate(donors.T):
        assert len({b, *column.tolist()}) == count + 1
    again = draw_donors(batch, count, np.random.default_rng(3))
    assert donors.tolist() == again.tolist()


def test_every_other_sequence_is_as_likely_to_be_the_donor():
    """Each of 12 pairs in a third of 3,000 draws, to five standard deviations of the binomial."""
    rng, draws = np.random.default_rng(4), 3000
    counts = np.zeros((4, 4))
    for _ in range(draws):
        counts[np.arange(4), draw_donors(4, 1, rng)[0]] += 1
    assert not counts.diagonal().any()
    deviation = math.sqrt(draws * 1 / 3 * 2 / 3)
    assert abs(counts[~np.eye(4, dtype=bool)] - draws / 3).max() < 5 * deviation


@pytest.mark.parametrize(("batch", "count"), [(1, 1), (4, 4), (4, 0), (0, 1)])
def test_donors_that_there_are_not(batch, count):
    with pytest.raises(ValueError, match="donors for each"):
        draw_donors(batch, count, np.random.default_rng(0))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"distances": []}, "integers"),
        ({"distances": 3}, "integers"),
        ({"distances": [0.0, 1.0]}, "integers"),
        ({"distances": [-1, 0]}, "ascend"),
        ({"distances": [0, 2, 1]}, "ascend"),
        ({"distances": [1, 1]}, "ascend"),
        ({"distances": [0, STEPS - 1]}, f"farther back than {STEPS - 1} steps.*is step {STEPS}"),
        ({"distances": [2], "loss_mask": np.arange(STEPS) < 3}, "the last one is step 3"),
        ({"distances": [0], "loss_mask": np.zeros(STEPS, bool)}, "no step carries a loss"),
        ({"donors": [[0, 1, 2, 3]]}, "its own donor"),
        ({"donors": [[1, 0, 3, 2], [1, 2, 0, 3]]}, "its own donor"),
        ({"donors": [[1, 0, 3, 3]]}, "permutations of 4"),
        ({"donors": [[1, 2, 0]]}, "permutations of 4"),
        ({"donors": [[1]]}, "permutations of 4"),
        ({"donors": [1, 2, 3, 0]}, "permutations of 4"),
        ({"donors": np.empty((0, BATCH), int)}, "permutations of 4"),
        (
            {"inputs": np.full((STEPS, BATCH), SYMBOLS)},
            f"inputs are integers from 5 to 5; allowed: 0 to {SYMBOLS - 1}",
        ),
        ({"inputs": np.full((STEPS, BATCH), -1)}, "inputs are integers from -1"),
        ({"inputs": np.zeros((STEPS, BATCH))}, "inputs are vectors of length 1"),
        ({"inputs": np.zeros((STEPS, BATCH + 1), int)}, "differ in their first two axes"),
        (
            {"inputs": np.zeros(STEPS, int), "targets": np.zeros(STEPS, int)},
            r"inputs are int64 \(9",
        ),
        (
            {"targets": np.full((STEPS, BATCH), OUTPUTS)},
            f"targets are integers from 3 to 3; allowed: 0 to {OUTPUTS - 1}",
        ),
        ({"loss_mask": np.ones(STEPS - 1, bool)}, r"loss_mask is bool \(8,\)"),
        ({"loss_mask": np.ones(STEPS)}, "loss_mask is float64"),
    ],
)
def test_bad_input_is_refused(change, message):
    net, inputs, targets = draw_batch(16)
    given = {
        "inputs": inputs,
        "targets": targets,
        "loss_mask": MASKS["dense"],
        "distances": [0, 1],
        "donors": DONORS,
    }
    with pytest.raises(ValueError, match=message):
        measured("tanh", net, **(given | change))


def test_targets_without_a_loss_may_be_anything():
    net, inputs, targets = draw_batch(17)
    given = MASKS["last"], [0, 3], DONORS
    expected = measured("tanh", net, inputs, targets, *given).rise
    targets[:-1] = -1
    assert measured("tanh", net, inputs, targets, *given).rise.tolist() == expected.tolist()


@pytest.mark.parametrize(
    ("rise", "distances", "expected"),
    [
        ([1.0, 0.5, 0.005, 0.0], [0, 1, 2, 3], (2, False)),
        ([1.0, 0.005, 0.02, 0.0], [0, 1, 2, 3], (3, False)),  # it comes up again
        ([1.0, -0.5, 0.0], [0, 1, 2], (1, False)),
        ([0.1, 1.0, 0.005], [0, 1, 2], (2, False)),
        ([1.0, 0.01], [0, 1], (1, False)),
        ([1.0, 0.5, 0.001], [0, 2, 7], (7, False)),
        ([1.0, 0.5, 0.02], [0, 2, 7], (7, True)),
        ([1.0], [0], (0, True)),
    ],
)
def test_forward_horizons_by_hand(rise, distances, expected):
    assert forward_horizon(rise, distances) == expected


# No power of a ratio is a level: processors differ in the last digit of a power.
@pytest.mark.parametrize("ratio", [0.12, 0.5, 0.9])
@pytest.mark.parametrize("level", [0.01, 0.05, 0.3])
def test_the_forward_horizon_of_a_geometric_rise(ratio, level):
    """r^d <= level from d = ln level / ln r on."""
    distances = np.arange(100)
    expected = math.ceil(math.log(level) / math.log(ratio))
    assert forward_horizon(0.3 * ratio**distances, distances, level) == (expected, False)


@pytest.mark.parametrize("rise", [[0.0, 0.0], [-1.0, -0.5], [1.0, np.nan], [np.inf, 0.0]])
def test_no_rise_no_horizon(rise):
    reached, censored = forward_horizon(rise, [0, 1])
    assert math.isnan(reached) and censored is False


def test_a_rise_within_its_noise_is_none():
    """Three standard errors, of the largest rise alone."""
    rise, distances = [0.09, 0.1, 0.0], [0, 1, 2]
    assert forward_horizon(rise, distances, standard_error=[1.0, 0.033, 1.0]) == (2, False)
    assert math.isnan(forward_horizon(rise, distances, standard_error=[0.001, 0.034, 0.001])[0])
    assert math.isnan(forward_horizon(rise, distances, standard_error=0.034)[0])


@pytest.mark.parametrize(
    ("rise", "distances", "level", "message"),
    [
        ([1.0, 0.0], [0, 1], 0.0, "level is 0.0"),
        ([1.0, 0.0], [0, 1], 1.0, "level is 1.0"),
        ([1.0, 0.0], [0, 1], np.nan, "level is nan"),
        ([1.0, 0.0], [0, 1, 2], 0.01, "do not go with"),
        ([], [], 0.01, "do not go with"),
        ([[1.0, 0.0]], [[0, 1]], 0.01, "do not go with"),
    ],
)
def test_horizons_that_cannot_be_asked_for(rise, distances, level, message):
    with pytest.raises(ValueError, match=message):
        forward_horizon(rise, distances, level)
