"""The horizons by hand, against closed forms of geometric shares, and their censoring."""

import math

import numpy as np
import pytest

from gradient_horizon.gradients.horizon import horizon, truncation_horizon


def geometric(ratio, steps):
    share = ratio ** np.arange(steps)
    return share / share.sum()


@pytest.mark.parametrize(
    ("share", "level", "expected"),
    [
        ([1.0, 0.0, 0.0, 0.0], 0.99, 0),
        ([0.5, 0.25, 0.125, 0.125], 0.5, 0),
        ([0.5, 0.25, 0.125, 0.125], 0.51, 1),
        ([0.5, 0.25, 0.125, 0.125], 0.75, 1),
        ([0.5, 0.25, 0.125, 0.125], 0.99, 3),
        ([0.0, 0.0, 1.0, 0.0], 0.99, 2),
        ([1.0], 0.99, 0),
        ([0.1] * 10, 1.0, 9),  # ten times 0.1 is less than 1
    ],
)
def test_horizons_by_hand(share, level, expected):
    assert horizon(np.array(share), level)[0] == expected


@pytest.mark.parametrize("ratio", [0.1, 0.5, 0.9, 0.99, 1.05])
@pytest.mark.parametrize("level", [0.5, 0.9, 0.99])
def test_geometric_shares(ratio, level):
    """The sum up to D is (1 - r^(D+1)) / (1 - r^T)."""
    steps = 200
    reached = 1 - level * (1 - ratio**steps)
    expected = math.ceil(math.log(reached) / math.log(ratio) - 1 - 1e-9)
    assert horizon(geometric(ratio, steps), level)[0] == expected


@pytest.mark.parametrize("steps", [20, 40, 200])
def test_a_horizon_that_moves_with_the_length_is_censored(steps):
    """Flat shares, growing ones, and all of it at the farthest distance."""
    farthest = np.zeros(steps)
    farthest[-1] = 1.0
    assert horizon(farthest) == (steps - 1, True)
    for share in (geometric(1.0, steps), geometric(1.1, steps)):
        reached, censored = horizon(share)
        assert censored and reached >= 0.9 * steps - 1


def test_the_rule_of_censoring_at_its_edge():
    """The farthest quarter may move the horizon by a tenth, or a single step."""
    share = np.zeros(40)
    share[[10, 11, 35]] = 0.985, 0.005, 0.01  # without the farthest: reached at 10 instead of 11
    assert horizon(share) == (11, False)
    share = np.zeros(40)
    share[[10, 12, 35]] = 0.985, 0.005, 0.01
    assert horizon(share) == (12, True)


@pytest.mark.parametrize(("farthest", "censored"), [(29, False), (30, True), (39, True)])
def test_it_is_the_farthest_quarter_that_is_left_out(farthest, censored):
    share = np.zeros(40)
    share[[0, farthest]] = 0.98, 0.02
    assert horizon(share) == (farthest, censored)


@pytest.mark.parametrize("share", [[np.nan] * 4, [0.5, np.nan, 0.5]])
def test_no_shares_no_horizon(share):
    reached, censored = horizon(np.array(share))
    assert math.isnan(reached) and censored is False


def tail(share):
    """Truncation bias of contributions along one direction: the share that is left out."""
    return share[::-1].cumsum()[::-1]


def bias_of(contributions):
    """Truncation bias at K = 0 ... T-1 of contributions (T, N), straight from its definition."""
    gradient = contributions.sum(axis=0)
    lost = [gradient - contributions[:length].sum(axis=0) for length in range(len(contributions))]
    return np.linalg.norm(lost, axis=1) / np.linalg.norm(gradient)


@pytest.mark.parametrize(
    ("bias", "level", "expected"),
    [
        ([1.0, 0.5, 0.01, 0.001], 0.01, 2),
        ([1.0, 0.5, 0.011, 0.001], 0.01, 3),
        ([1.0, 0.5, 0.2, 0.1], 0.01, 4),  # only the whole sequence will do
        ([1.0, 0.0, 0.0, 0.0], 0.01, 1),
        ([1.0, 0.5, 0.2, 0.1], 1.0, 0),
        ([1.0, 0.005, 0.02, 0.001], 0.01, 3),  # what lies beyond 1 cancels there by chance
        ([1.0, 7.0, np.inf, 0.001], 0.01, 3),
        ([1.0], 0.01, 1),
    ],
)
def test_truncation_horizons_by_hand(bias, level, expected):
    assert truncation_horizon(np.array(bias), level)[0] == expected


@pytest.mark.parametrize("ratio", [0.15, 0.5, 0.9, 0.99, 1.05])
@pytest.mark.parametrize("level", [0.5, 0.1, 0.01])
def test_geometric_contributions_along_one_direction(ratio, level):
    """The bias at K is (r^K - r^T) / (1 - r^T)."""
    steps = 200
    left = level + (1 - level) * ratio**steps
    expected = math.ceil(math.log(left) / math.log(ratio) - 1e-9)
    assert truncation_horizon(tail(geometric(ratio, steps)), level)[0] == expected


@pytest.mark.parametrize("steps", [20, 40, 200])
@pytest.mark.parametrize("ratio", [0.15, 0.5, 0.7, 0.8, 0.83, 0.87, 0.9, 0.95, 0.99, 1.0, 1.1])
def test_both_horizons_agree_on_contributions_along_one_direction(steps, ratio):
    """K counts the distances that are kept and D is the last of them."""
    share = geometric(ratio, steps)
    reached, censored = horizon(share)
    assert truncation_horizon(tail(share)) == (reached + 1, censored)


def test_the_rule_of_censoring_of_truncation_horizons_at_its_edge():
    """Without the farthest quarter, bias up to 0.008 + 0.01 (1 + 0.008) might be 0.01: 0.01808."""
    bias = np.full(40, 0.008)
    bias[:11], bias[11] = 1.0, 0.01805
    assert truncation_horizon(bias) == (12, False)  # moves to 11
    bias[10] = 0.01805
    assert truncation_horizon(bias) == (12, True)  # moves to 10
    bias[10] = 0.01810
    assert truncation_horizon(bias) == (12, False)


def test_no_contributions_that_move_it_escape_the_censoring():
    """Against the horizon of the nearer distances alone, from the contributions themselves."""
    rng = np.random.default_rng(0)
    found = {True: 0, False: 0}
    for _ in range(400):
        steps, size = rng.integers(4, 60), rng.integers(1, 6)
        decay = rng.uniform(0.6, 1.05) ** np.arange(steps)
        contributions = decay[:, None] * (rng.standard_normal((steps, size)) + rng.uniform(0, 3))
        whole, censored = truncation_horizon(bias_of(contributions))
        nearer, _ = truncation_horizon(bias_of(contributions[: 3 * steps // 4]))
        moved = whole - nearer > max(1, 0.1 * whole)
        assert censored or not moved
        found[bool(moved)] += 1
    assert min(found.values()) > 50


def test_no_gradient_no_truncation_horizon():
    reached, censored = truncation_horizon(np.full(4, np.nan))
    assert math.isnan(reached) and censored is False
