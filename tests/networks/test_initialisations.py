"""Spectral radii and singular values against closed forms and published numbers."""

import numpy as np
import pytest

from gradient_horizon.networks.initialisations import (
    INITIALISATIONS,
    largest_singular_value,
    orthogonal,
    sparse,
    spectral_radius,
    uniform,
)


def rng(seed=0):
    return np.random.default_rng(seed)


@pytest.mark.parametrize("name", INITIALISATIONS)
@pytest.mark.parametrize("size", [1, 2, 3, 7, 32, 100])
@pytest.mark.parametrize("radius", [0.01, 0.5, 1.0, 1.2, 2.0, 100.0])
def test_the_radius_is_exact(name, size, radius):
    matrix = INITIALISATIONS[name](rng(size), size, radius)
    assert matrix.shape == (size, size) and matrix.dtype == np.float64
    assert abs(np.linalg.eigvals(matrix)).max() == pytest.approx(radius, rel=1e-12)


@pytest.mark.parametrize("name", INITIALISATIONS)
def test_the_generator_decides_everything(name):
    draws = [INITIALISATIONS[name](rng(seed), 16, 1.0) for seed in (1, 1, 2)]
    assert draws[0].tobytes() == draws[1].tobytes()
    if name == "identity":
        np.testing.assert_array_equal(draws[0], np.eye(16))
    else:
        assert not np.isin(draws[0][draws[0] != 0.0], draws[2]).any()


@pytest.mark.parametrize("name", INITIALISATIONS)
def test_a_single_unit_has_the_radius_up_to_its_sign(name):
    signs = {float(np.sign(INITIALISATIONS[name](rng(seed), 1, 0.7)[0, 0])) for seed in range(20)}
    assert signs == ({1.0} if name == "identity" else {-1.0, 1.0})


@pytest.mark.parametrize("size", [1, 2, 5, 64])
@pytest.mark.parametrize("name", ["orthogonal", "identity"])
def test_all_singular_values_are_the_radius(name, size):
    matrix = INITIALISATIONS[name](rng(6), size, 1.3)
    np.testing.assert_allclose(np.linalg.svd(matrix, compute_uv=False), 1.3, rtol=1e-13)


def test_orthogonal_matrices_are_drawn_by_haar_measure():
    """Moments of the trace: of O(3) E tr^2 = 1 and E tr^4 = 3, E tr = 0 (Diaconis and Evans, 2001).

    Without the signs of R, E tr is far from 0: LAPACK's Householder reflections are not symmetric.
    """
    count = 20_000
    generator = rng(7)
    traces = np.array([np.trace(orthogonal(generator, 3, 1.0)) for _ in range(count)])
    for power, expected in ((1, 0.0), (2, 1.0), (3, 0.0)):
        values = traces**power
        assert values.mean() == pytest.approx(expected, abs=4 * values.std() / np.sqrt(count))
    raw = [np.trace(np.linalg.qr(generator.standard_normal((3, 3)))[0]) for _ in range(2_000)]
    assert abs(np.mean(raw)) > 0.3


@pytest.mark.parametrize(("size", "incoming"), [(1, 1), (3, 3), (15, 15), (16, 15), (100, 15)])
def test_sparse_units_read_fifteen_others(size, incoming):
    matrix = sparse(rng(8), size, 1.0)
    assert ((matrix != 0.0).sum(axis=1) == incoming).all()
    if size == 100:  # who is read is left to chance: binomial, of mean 15 and variance 12.75
        read = (matrix != 0.0).sum(axis=0)
        assert read.mean() == 15.0 and read.var() == pytest.approx(12.75, rel=0.5)


def test_sparse_entries_are_normal_and_uniform_ones_uniform():
    """Kurtosis 3 and 9/5; the standard errors are sqrt(24 / n) and less."""
    normal, flat = sparse(rng(9), 800, 1.0), uniform(rng(9), 120, 1.0)
    for entries, kurtosis in ((normal[normal != 0.0], 3.0), (flat.ravel(), 1.8)):
        entries = entries / entries.std()
        assert entries.mean() == pytest.approx(0.0, abs=4 / np.sqrt(entries.size))
        error = np.sqrt(24 / entries.size)
        assert (entries**4).mean() == pytest.approx(kurtosis, abs=4 * error)
    assert abs(flat).max() / flat.std() == pytest.approx(np.sqrt(3), rel=0.02)


def test_radius_and_singular_value_by_hand():
    turn = np.array([[0.0, -3.0], [3.0, 0.0]])  # eigenvalues +-3i
    assert spectral_radius(turn) == pytest.approx(3.0, rel=1e-15)
    jordan = np.array([[0.5, 4.0], [0.0, -0.25]])
    assert spectral_radius(jordan) == pytest.approx(0.5, rel=1e-15)
    squared = (jordan.T @ jordan).trace()
    determinant = (0.5 * 0.25) ** 2
    largest = np.sqrt((squared + np.sqrt(squared**2 - 4 * determinant)) / 2)
    assert largest_singular_value(jordan) == pytest.approx(largest, rel=1e-14)
    assert largest_singular_value(np.array([[3.0, 4.0]])) == pytest.approx(5.0, rel=1e-15)


def test_the_radius_of_an_unscaled_draw_of_32_units_scatters():
    """Over draws with variance 1/N it is 1.067 +- .085: the reason for rescaling."""
    draws = rng(3).standard_normal((400, 32, 32)) / np.sqrt(32)
    radii = [spectral_radius(matrix) for matrix in draws]
    assert np.mean(radii) == pytest.approx(1.067, abs=0.02)
    assert np.std(radii) == pytest.approx(0.085, abs=0.012)
