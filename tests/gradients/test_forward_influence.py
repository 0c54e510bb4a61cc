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
from naive import BATCH, STEPS, draw_batch

MASKS = {
    "dense": np.ones(STEPS, dtype=bool),
    "last": np.arange(STEPS) == STEPS - 1,
    "holes": np.arange(STEPS) % 4 == 2,
}
DONORS = draw_donors(BATCH, np.random.default_rng(5))


def brute_force(name, net, inputs, targets, loss_mask, distances, donors):
    """The mean rise (D, B) of the targets that have something to replace at the farthest distance.

    Steps are counted from 1 here.
    """
    rises = np.zeros((len(distances), inputs.shape[1]))
    compared = [t for t in np.flatnonzero(loss_mask) + 1 if t > distances[-1] + 1]
    for t in compared:
        for b, wanted in enumerate(targets[t - 1]):
            own = inputs[:t, b]
            intact = naive.cross_entropy(naive.forward(name, net, own)[2][-1], wanted)
            for row, d in enumerate(distances):
                mixed = own.copy()
                for k in range(1, t + 1):
                    if t - k > d:
                        mixed[k - 1] = inputs[k - 1, donors[b]]
                logits = naive.forward(name, net, mixed)[2][-1]
                rises[row, b] += naive.cross_entropy(logits, wanted) - intact
    return rises / len(compared)


def measured(name, net, *given):
    return forward_influence(rnn.Dynamics(ACTIVATIONS[name], net), *given)


@pytest.mark.parametrize("embedding_size", [None, 4])
@pytest.mark.parametrize(
    ("mask", "distances"),
    [("dense", range(STEPS - 1)), ("last", range(STEPS - 1)), ("holes", [1, 3])],
)
@pytest.mark.parametrize("activation", naive.NAMES)
@pytest.mark.filterwarnings("error")
def test_it_is_the_rise_of_really_replacing_the_words(activation, mask, distances, embedding_size):
    """Losses of about 1 after 9 steps: 1e-12 is some thousand roundings."""
    given = (*draw_batch(11, embedding_size=embedding_size), MASKS[mask], distances, DONORS)
    expected = brute_force(activation, *given)
    assert abs(expected).max() > 1e-6
    np.testing.assert_allclose(measured(activation, *given), expected, rtol=0, atol=1e-12)


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
    distances, donors = np.arange(9), draw_donors(batch, rng)
    result = measured(activation, net, inputs, targets, np.arange(steps) >= lag, distances, donors)
    compared = range(distances[-1] + 1, steps)  # counted from 0
    differ = [inputs[t - lag] != inputs[t - lag][donors] for t in compared]
    expected = np.where(distances[:, None] < lag, gain * np.mean(differ, axis=0), 0.0)
    assert expected[0].min() > 0.0
    np.testing.assert_allclose(result, expected, rtol=0, atol=1e-13)
    assert forward_horizon(result.mean(axis=1), distances) == (lag, False)


def test_equal_questions_have_equal_answers():
    """In whatever precision the weights are kept, and whatever stands where no loss is."""
    net, inputs, targets = draw_batch(14, embedding_size=4)
    single = {name: array.astype(np.float32) for name, array in net.items()}
    double = {name: array.astype(np.float64) for name, array in single.items()}
    given = MASKS["last"], [0, 3], DONORS
    expected = measured("tanh", single, inputs, targets, *given)
    targets[:-1] = -1
    np.testing.assert_array_equal(measured("tanh", double, inputs, targets, *given), expected)


@pytest.mark.filterwarnings("error")
def test_states_that_leave_the_numbers_leave_no_rise():
    net, inputs, targets = draw_batch(15)
    net["W_hh"] *= 1e100
    result = measured("linear", net, inputs, targets, MASKS["dense"], range(4), DONORS)
    assert not np.isfinite(result.mean(axis=1)).any()


def test_every_other_sequence_is_as_likely_to_be_the_donor():
    """Each of 12 pairs in a third of 3,000 draws, to five standard deviations of the binomial."""
    rng, draws = np.random.default_rng(4), 3000
    counts = np.zeros((4, 4))
    for _ in range(draws):
        donors = draw_donors(4, rng)
        assert sorted(donors) == [0, 1, 2, 3]
        counts[np.arange(4), donors] += 1
    assert not counts.diagonal().any()
    deviation = math.sqrt(draws * 1 / 3 * 2 / 3)
    assert abs(counts[~np.eye(4, dtype=bool)] - draws / 3).max() < 5 * deviation


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
    assert forward_horizon(np.array(rise), distances) == expected


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
    reached, censored = forward_horizon(np.array(rise), [0, 1])
    assert math.isnan(reached) and censored is False


def test_a_rise_within_its_noise_is_none():
    """Three standard errors, of the largest rise alone."""
    rise, distances = np.array([0.09, 0.1, 0.0]), [0, 1, 2]
    assert forward_horizon(rise, distances, standard_error=[1.0, 0.033, 1.0]) == (2, False)
    assert math.isnan(forward_horizon(rise, distances, standard_error=[0.001, 0.034, 0.001])[0])
    assert math.isnan(forward_horizon(rise, distances, standard_error=0.034)[0])
