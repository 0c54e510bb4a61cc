"""A population's buffer, its views, and products over all its nets."""

import numpy as np
import pytest
from gradient_horizon.population import Weights, by_net, sum_of_outer_products


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("lead", "population", "height", "width"),
    [
        ((1,), 1, 1, 1),
        ((7,), 2, 3, 5),
        ((4, 3), 3, 2, 2),
        ((2, 1, 5), 2, 4, 1),
        ((13, 7), 1, 6, 3),
        ((131,), 2, 100, 90),  # a prime number of rows
        ((257, 5), 2, 64, 64),
        ((3,), 1, 1100, 1000),  # matrices of over a million entries
        ((0, 4), 2, 3, 3),  # nothing to add up
    ],
)
def test_sum_of_outer_products(lead, population, height, width, dtype):
    rng = np.random.default_rng(0)
    left = rng.standard_normal((*lead, population, height)).astype(dtype)
    right = rng.standard_normal((*lead, population, width)).astype(dtype)
    out = np.full((population, height, width), np.nan, dtype)
    sum_of_outer_products(left, right, out)
    rows = (part.reshape(-1, *part.shape[-2:]).astype(float) for part in (left, right))
    expected = np.einsum("rpi,rpj->pij", *rows)
    tolerance = 1e-5 if dtype == np.float32 else 1e-13
    scale = np.sqrt(max(1, np.prod(lead)))
    np.testing.assert_allclose(out, expected, rtol=0, atol=20 * tolerance * scale)


def test_by_net_views_each_nets_rows():
    rows = np.arange(2 * 3 * 4 * 5.0).reshape(2, 3, 4, 5)
    view = by_net(rows)
    assert view.shape == (4, 6, 5)
    for net in range(4):
        np.testing.assert_array_equal(view[net], rows[:, :, net].reshape(6, 5))
    view[1] = -1.0
    assert (rows[:, :, 1] == -1.0).all() and (rows[:, :, 0] >= 0).all()


def test_weights_are_views_into_one_buffer():
    weights = Weights({"matrix": (2, 3), "vector": (4,)}, 5, np.float32)
    assert weights.flat.shape == (5, 10) and weights.flat.dtype == np.float32
    assert not weights.flat.any()
    assert weights.names() == ["matrix", "vector"]
    assert "vector" in weights and "other" not in weights
    assert weights["matrix"].shape == (5, 2, 3) and weights["vector"].shape == (5, 4)
    weights["matrix"][3] = 1.0
    weights["vector"][3] = 2.0
    assert weights.flat[3].tolist() == [1.0] * 6 + [2.0] * 4
    assert not np.delete(weights.flat, 3, axis=0).any()
    weights.flat *= 0.5
    assert (weights["vector"][3] == 1.0).all()
