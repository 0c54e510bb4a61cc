"""Drive and gradient of the input side against loops, with few symbols and with many.

Weights and delta are small whole numbers: every sum is exact, in whatever order it is taken.
"""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from gradient_horizon.networks import inputs
from gradient_horizon.numerics.population import Weights

STEPS, BATCH, POPULATION, SIZE = 7, 5, 3, 4
SCRIPTS = Path(inputs.__file__).parents[1]
# The two ways to add up meet between the second and the third.
COUNTS = [1, inputs.FEW_SYMBOLS, inputs.FEW_SYMBOLS + 1, 40]

counts = pytest.mark.parametrize("count", COUNTS)
kinds = pytest.mark.parametrize("dtype", [np.float32, np.float64])
embeddings = pytest.mark.parametrize("embedding_size", [None, 3])


def draw(count, embedding_size, dtype=np.float64, population=POPULATION, size=SIZE):
    """Weights, symbols (T, B, P) and delta (T, B, P, N)."""
    rng = np.random.default_rng(count)
    shapes = {"W_hx": (size, embedding_size or count), "b_h": (size,)}
    if embedding_size:
        shapes["embedding"] = (count, embedding_size)
    weights = Weights(shapes, population, dtype)
    weights.flat[...] = rng.integers(-8, 9, weights.flat.shape)
    symbols = rng.integers(0, count, (STEPS, BATCH, population))
    delta = rng.integers(-8, 9, (*symbols.shape, size)).astype(dtype)
    return weights, symbols, delta


def gradient_of(weights, symbols, delta):
    """The gradient; what is not overwritten stays nan."""
    shapes = {name: weights[name].shape[1:] for name in weights.names()}
    slopes = Weights(shapes, len(weights.flat), weights.flat.dtype)
    slopes.flat[...] = np.nan
    inputs.SymbolInputs(weights).gradient(symbols, delta, slopes)
    return slopes


def vectors(weights, p, count):
    """What stands for each symbol in net p, (V_in, D)."""
    return weights["embedding"][p] if "embedding" in weights else np.eye(count)


@counts
@embeddings
@kinds
def test_drive(count, embedding_size, dtype):
    weights, symbols, _ = draw(count, embedding_size, dtype)
    drive = np.full((*symbols.shape, SIZE), np.nan, dtype)
    inputs.SymbolInputs(weights).drive(symbols, out=drive)
    for t, b, p in np.ndindex(symbols.shape):
        x = vectors(weights, p, count)[symbols[t, b, p]]
        np.testing.assert_array_equal(drive[t, b, p], weights["W_hx"][p] @ x + weights["b_h"][p])


@counts
@embeddings
@kinds
def test_gradient(count, embedding_size, dtype):
    weights, symbols, delta = draw(count, embedding_size, dtype)
    slopes = gradient_of(weights, symbols, delta)
    expected = {name: np.zeros(weights[name].shape) for name in weights.names()}
    for t, b, p in np.ndindex(symbols.shape):
        symbol, signal = symbols[t, b, p], delta[t, b, p]
        expected["b_h"][p] += signal
        expected["W_hx"][p] += np.outer(signal, vectors(weights, p, count)[symbol])
        if embedding_size:
            expected["embedding"][p, symbol] += weights["W_hx"][p].T @ signal
    for name, array in expected.items():
        np.testing.assert_array_equal(slopes[name], array, err_msg=name)


@pytest.mark.parametrize("count", COUNTS[1:])
@embeddings
@kinds
def test_a_net_has_the_same_bits_whatever_stands_beside_it(count, embedding_size, dtype):
    """With numbers whose sums do round."""
    weights, symbols, delta = draw(count, embedding_size, dtype, population=9, size=12)
    rng = np.random.default_rng(0)
    for array in (weights.flat, delta):
        array[...] = rng.standard_normal(array.shape)
    together = gradient_of(weights, symbols, delta)
    alone, own_symbols, own_delta = draw(count, embedding_size, dtype, population=1, size=12)
    for p in range(9):
        alone.flat[...] = weights.flat[p]
        own_symbols[...], own_delta[...] = symbols[:, :, p : p + 1], delta[:, :, p : p + 1]
        slopes = gradient_of(alone, own_symbols, own_delta)
        np.testing.assert_array_equal(slopes.flat[0], together.flat[p])


def without_bias(weights):
    """The same weights, of a cell that has no b_h."""
    names = [name for name in weights.names() if name != "b_h"]
    less = Weights({n: weights[n].shape[1:] for n in names}, len(weights.flat), weights.flat.dtype)
    for name in names:
        less[name][...] = weights[name]
    return less


@embeddings
@counts
def test_a_cell_without_bias_reads_the_symbols_alone(count, embedding_size):
    weights, symbols, delta = draw(count, embedding_size)
    weights["b_h"][...] = 0.0
    drive, other = np.full((2, *delta.shape), np.nan)
    inputs.SymbolInputs(weights).drive(symbols, out=drive)
    inputs.SymbolInputs(without_bias(weights)).drive(symbols, out=other)
    np.testing.assert_array_equal(other, drive)
    slopes = gradient_of(weights, symbols, delta)
    others = gradient_of(without_bias(weights), symbols, delta)
    for name in others.names():
        np.testing.assert_array_equal(others[name], slopes[name])


def draw_vectors(width, dtype=np.float64, population=POPULATION, size=SIZE, whole=True):
    """Weights, vectors (T, B, P, D) and delta (T, B, P, N)."""
    rng = np.random.default_rng(width)
    weights = Weights({"W_hx": (size, width), "b_h": (size,)}, population, dtype)
    vectors = np.empty((STEPS, BATCH, population, width))
    delta = np.empty((*vectors.shape[:-1], size), dtype)
    for array in (weights.flat, vectors, delta):
        shape = array.shape
        array[...] = rng.integers(-8, 9, shape) if whole else rng.standard_normal(shape)
    return weights, vectors, delta


def vector_results(weights, vectors, delta):
    """Drive and gradient; what is not overwritten stays nan."""
    reader = inputs.VectorInputs(weights)
    shapes = {name: weights[name].shape[1:] for name in weights.names()}
    slopes = Weights(shapes, delta.shape[2], delta.dtype)
    drive = np.full_like(delta, np.nan)
    slopes.flat[...] = np.nan
    reader.drive(vectors, out=drive)
    reader.gradient(vectors, delta, slopes)
    return drive, slopes


widths = pytest.mark.parametrize("width", [1, 2, 9])


@widths
@kinds
# The second sum is cut into runs of a single step.
@pytest.mark.parametrize("longest", [inputs.LONGEST_SUM, 1])
def test_vectors_against_loops(width, dtype, longest, monkeypatch):
    monkeypatch.setattr(inputs, "LONGEST_SUM", longest)
    weights, vectors, delta = draw_vectors(width, dtype)
    drive, slopes = vector_results(weights, vectors, delta)
    expected = {name: np.zeros(weights[name].shape) for name in weights.names()}
    for t, b, p in np.ndindex(vectors.shape[:3]):
        x, signal = vectors[t, b, p], delta[t, b, p]
        np.testing.assert_array_equal(drive[t, b, p], weights["W_hx"][p] @ x + weights["b_h"][p])
        expected["b_h"][p] += signal
        expected["W_hx"][p] += np.outer(signal, x)
    for name, array in expected.items():
        np.testing.assert_array_equal(slopes[name], array, err_msg=name)


@widths
@kinds
def test_a_net_reads_vectors_with_the_same_bits_whatever_stands_beside_it(width, dtype):
    drawn = draw_vectors(width, dtype, population=9, size=12, whole=False)
    drive, slopes = vector_results(*drawn)
    for p in range(9):
        alone, vectors, delta = draw_vectors(width, dtype, population=1, size=12)
        alone.flat[...] = drawn[0].flat[p]
        vectors[...], delta[...] = (array[:, :, p : p + 1] for array in drawn[1:])
        own_drive, own = vector_results(alone, vectors, delta)
        np.testing.assert_array_equal(own_drive[:, :, 0], drive[:, :, p])
        np.testing.assert_array_equal(own.flat[0], slopes.flat[p])


def test_unit_vectors_are_symbols():
    """With numbers whose sums round: to a few units in the last place of a sum of 35."""
    weights, symbols, delta = draw(6, None)
    rng = np.random.default_rng(0)
    for array in (weights.flat, delta):
        array[...] = rng.standard_normal(array.shape)
    vectors = np.eye(6)[symbols]
    kinds = [inputs.kind(values) for values in (symbols, vectors, vectors.astype(np.float32))]
    assert kinds == [inputs.SymbolInputs, inputs.VectorInputs, inputs.VectorInputs]
    expected = np.empty_like(delta)
    inputs.SymbolInputs(weights).drive(symbols, out=expected)
    drive, slopes = vector_results(weights, vectors, delta)
    np.testing.assert_array_equal(drive, expected)
    np.testing.assert_allclose(
        slopes.flat, gradient_of(weights, symbols, delta).flat, rtol=0, atol=1e-13
    )


def test_few_symbols_need_no_scipy():
    code = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
import test_inputs
for count in test_inputs.COUNTS:
    test_inputs.gradient_of(*test_inputs.draw(count, None))
    assert ("scipy" in sys.modules) == (count > test_inputs.inputs.FEW_SYMBOLS)
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_cell_without_bias_reads_the_vectors_alone():
    weights, vectors, delta = draw_vectors(3)
    weights["b_h"][...] = 0.0
    drive, slopes = vector_results(weights, vectors, delta)
    other_drive, other = vector_results(without_bias(weights), vectors, delta)
    np.testing.assert_array_equal(other_drive, drive)
    np.testing.assert_array_equal(other["W_hx"], slopes["W_hx"])
