"""Spectral radii and singular values against closed forms and published numbers."""

import numpy as np
import pytest
from gradient_horizon.initialise import (
    INITIALISATIONS,
    gaussian,
    largest_singular_value,
    spectral_radius,
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
    assert not np.isin(draws[0], draws[2]).any()


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


def test_large_gaussian_matrices_approach_the_circular_law():
    """Of 800 units: the radius is near g, sigma_max near 2 g (Girko; Marchenko and Pastur)."""
    g, size = 1.5, 800
    draw = g * rng(4).standard_normal((size, size)) / np.sqrt(size)
    assert spectral_radius(draw) == pytest.approx(g, rel=0.06)
    assert largest_singular_value(draw) == pytest.approx(2 * g, rel=0.02)
    # So after rescaling to the exact radius sigma_max is nearly twice the radius.
    exact = gaussian(rng(4), size, g)
    assert largest_singular_value(exact) / g == pytest.approx(1.95, abs=0.1)


def test_entries_are_normal():
    entries = gaussian(rng(5), 200, 1.0).ravel()
    entries /= entries.std()
    assert np.mean(entries) == pytest.approx(0.0, abs=0.02)
    assert np.mean(entries**4) == pytest.approx(3.0, abs=0.1)
