"""A population's buffer, its views, and products over all its nets."""

import numpy as np
import pytest

from gradient_horizon.numerics.population import (
    Weights,
    by_net,
    gathered,
    outer_products,
    pieces,
    prepared_product,
    product,
    runs,
)


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
        ((10, 26), 2, 64, 64),  # pieces of rows and of columns
        ((257, 5), 2, 64, 64),
        ((3,), 1, 1100, 1000),  # matrices of over a million entries
        ((0, 4), 2, 3, 3),  # nothing to add up
    ],
)
def test_products(lead, population, height, width, dtype):
    rng = np.random.default_rng(0)
    shapes = (*lead, population, height), (*lead, population, width), (population, height, width)
    left, right, matrix = (rng.standard_normal(shape).astype(dtype) for shape in shapes)
    tolerance = 20 * (1e-5 if dtype == np.float32 else 1e-13)
    left_rows, right_rows = (
        part.reshape(-1, *part.shape[-2:]).astype(float) for part in (left, right)
    )

    out = np.full(shapes[2], np.nan, dtype)
    outer_products(by_net(left), by_net(right), out)
    expected = np.einsum("rpi,rpj->pij", left_rows, right_rows)
    scale = np.sqrt(max(1, np.prod(lead)))
    np.testing.assert_allclose(out, expected, rtol=0, atol=tolerance * scale)

    out = np.full(shapes[1], np.nan, dtype)
    product(by_net(left), matrix, by_net(out))
    expected = np.einsum("rpi,pij->rpj", left_rows, matrix).reshape(out.shape)
    np.testing.assert_allclose(out, expected, rtol=0, atol=tolerance * np.sqrt(height))


def test_a_prepared_product_reads_and_writes_the_arrays_anew():
    rng = np.random.default_rng(0)
    left, out = np.zeros((2, 300, 3, 64))
    matrix = np.zeros((3, 64, 64))
    multiply = prepared_product(by_net(left), matrix, by_net(out))
    for _ in range(2):
        left[...], matrix[...] = rng.standard_normal(left.shape), rng.standard_normal(matrix.shape)
        multiply()
        np.testing.assert_allclose(out, np.einsum("rpi,pij->rpj", left, matrix), atol=1e-12)


@pytest.mark.parametrize(
    ("length", "operations", "expected"),
    [
        (240, 4096, 1),  # under a million operations
        (256, 4096, 2),
        (250, 4096, 2),
        (300, 4096, 2),
        (128, 64_000, 16),  # pieces of 8
        (251, 4096, 1),  # a prime number
        (20, 10**6, 1),  # no piece is small
        (1, 10**7, 1),
        (0, 4096, 1),
        (7, 0, 1),
    ],
)
def test_pieces_are_the_fewest_that_are_small(length, operations, expected):
    assert pieces(length, operations) == expected


def test_no_piece_is_shorter_than_the_shortest_that_is_asked_for():
    assert pieces(512, 128**2, shortest=32) == 16
    assert pieces(512, 128**2, shortest=64) == 1


@pytest.mark.parametrize(
    ("steps", "longest", "expected"),
    [
        (range(0), 3, []),
        (range(2, 3), 3, [(2, 3)]),
        (range(1, 7), 3, [(1, 4), (4, 7)]),
        (range(0, 7), 3, [(0, 2), (2, 4), (4, 7)]),
    ],
)
def test_runs_are_few_and_even(steps, longest, expected):
    assert [(run.start, run.stop) for run in runs(steps, longest)] == expected


def test_rows_that_lie_apart_are_gathered():
    rows = np.random.default_rng(0).standard_normal((3, 2, 4, 200))
    for array, copied in ((rows, True), (rows[..., :50].copy(), False)):
        buffer = np.empty(2 * array.size)
        result = gathered(by_net(array), buffer)
        np.testing.assert_array_equal(result, by_net(array))
        assert np.shares_memory(result, buffer) == copied
        assert result.flags.c_contiguous == copied


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
