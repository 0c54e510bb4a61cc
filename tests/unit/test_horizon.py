"""The horizon by hand, against the closed form of geometric shares, and its censoring."""

import math

import numpy as np
import pytest
from gradient_horizon.horizon import horizon


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


def test_a_horizon_within_the_sequence_is_not_censored():
    for ratio in (0.1, 0.5, 0.8):
        assert horizon(geometric(ratio, 100)) == (horizon(geometric(ratio, 1000))[0], False)


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
