"""Adding and digits: marks, sums, steps and splits by hand, and what a guess is worth."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from gradient_horizon.config.configuration import ConfigError, resolve
from gradient_horizon.networks.losses import LOSSES
from gradient_horizon.tasks import TASKS, adding, digits, recorded

SETTINGS = {"base_seed": 3, "experiment": "sample", "measurement": {"probe_batch": 7}}


def options(name, **changes):
    return {key: part["default"] for key, part in TASKS[name].OPTIONS.items()} | changes


def refused(task, **sections):
    """What the configuration says of an experiment; nothing where it is right."""
    experiment = {"task": task, "grid": {"spectral_radii": [1]}, **sections}
    try:
        resolve({"experiments": {"sample": experiment}})
    except ConfigError as error:
        return error.lines
    return []


# Adding


@pytest.mark.parametrize("steps", [2, 3, 11, 40])
def test_the_sum_of_the_two_marked_numbers(steps):
    """Arjovsky, Shah and Bengio (2016), section 4.2: a mark in each half, the sum at the end."""
    chosen = options("adding", sequence_length=steps)
    inputs, targets = adding.draw(chosen, 3000, np.random.default_rng(1))
    assert inputs.shape == (steps, 3000, 2) and targets.shape == (steps, 3000, 1)
    assert set(np.unique(inputs[..., 1])) <= {0.0, 1.0}
    places = np.nonzero(inputs[..., 1].T)[1].reshape(3000, 2)  # two in each, or this fails
    middle = steps // 2
    assert set(places[:, 0]) == set(range(middle))
    assert set(places[:, 1]) == set(range(middle, steps))
    for b, (first, second) in enumerate(places):
        assert targets[-1, b, 0] == inputs[first, b, 0] + inputs[second, b, 0]
    assert not targets[:-1].any()
    # Even on 0 to 1: every tenth of it, to four standard deviations.
    numbers = np.histogram(inputs[..., 0], 10, (0, 1))[0] / inputs[..., 0].size
    deviation = np.sqrt(0.09 / inputs[..., 0].size)
    assert numbers == pytest.approx([0.1] * 10, abs=4 * deviation)


def test_what_always_answering_one_is_worth():
    """1/6, as published, and the tolerance's part of a triangle; both as drawn, to 4 deviations."""
    facts = adding.prepare(options("adding"), SETTINGS).facts
    assert facts["baselines"] == {"guessing the mean": pytest.approx(1 / 6, rel=1e-15)}
    _, targets = adding.draw(options("adding"), 100_000, np.random.default_rng(2))
    off = targets[-1] - 1.0
    # The fourth moment of the triangle is 1/15.
    deviation = np.sqrt((1 / 15 - 1 / 36) / off.size)
    assert np.square(off).mean() == pytest.approx(1 / 6, abs=4 * deviation)
    assert targets[-1].mean() == pytest.approx(1.0, abs=4 * np.sqrt(1 / 6 / off.size))
    part = facts["chance_accuracy"]
    assert (abs(off) < 0.04).mean() == pytest.approx(
        part, abs=4 * np.sqrt(part * (1 - part) / off.size)
    )


@pytest.mark.parametrize("steps", [3, 40])
def test_facts_of_adding(steps):
    chosen = options("adding", sequence_length=steps)
    prepared = adding.prepare(chosen, SETTINGS)
    facts = prepared.facts
    assert np.flatnonzero(prepared.arrays["loss_mask"]).tolist() == [steps - 1]
    assert (facts["input_size"], facts["output_size"], facts["embedded"]) == (2, 1, False)
    assert (facts["loss"], facts["tolerance"]) == ("squared_error", 0.04)
    assert facts["relevant_distance"] == steps - 1  # the first step may be marked
    inputs, _ = adding.draw(chosen, 20_000, np.random.default_rng(3))
    square = np.square(inputs).sum(axis=2)
    # The squares of even numbers have the variance 4/45.
    assert square.mean() == pytest.approx(
        facts["input_squared_norm"], abs=4 * np.sqrt(4 / 45 / square.size)
    )


# Digits


@pytest.fixture(scope="module")
def images():
    from sklearn.datasets import load_digits

    return load_digits(return_X_y=True)


@pytest.mark.parametrize("by", ["row", "pixel"])
@pytest.mark.parametrize("permuted", [False, True])
def test_every_image_is_read_once(images, by, permuted):
    chosen = options("digits", by=by, permuted=permuted)
    prepared = digits.prepare(chosen, SETTINGS)
    arrays, facts = prepared.arrays, prepared.facts
    steps, width = {"row": (8, 8), "pixel": (64, 1)}[by]
    inputs = np.concatenate([arrays["train_inputs"], arrays["evaluation_inputs"]], axis=1)
    targets = np.concatenate([arrays["train_targets"], arrays["evaluation_targets"]], axis=1)
    assert inputs.shape == (steps, 1797, width) and targets.shape == (steps, 1797)
    assert inputs.min() == 0.0 and inputs.max() == 1.0
    assert np.flatnonzero(arrays["loss_mask"]).tolist() == [steps - 1]
    read = 16 * inputs.swapaxes(0, 1).reshape(1797, 64)
    pixels, labels = images
    order = np.lexsort(np.hstack([read, targets[-1][:, None]]).T)
    if permuted:
        columns = {tuple(np.sort(column)): place for place, column in enumerate(pixels.T)}
        # A pixel is known by how often it has each brightness; blank ones are interchangeable.
        place = [columns[tuple(np.sort(column))] for column in read.T]
        assert place != list(range(64))
        pixels = pixels[:, place]
    expected = np.lexsort(np.hstack([pixels, labels[:, None]]).T)
    np.testing.assert_array_equal(read[order], pixels[expected])
    np.testing.assert_array_equal(targets[-1][order], labels[expected])
    assert (facts["input_size"], facts["output_size"]) == (width, 10)
    square = np.square(arrays["train_inputs"]).sum(axis=2).mean()
    assert facts["input_squared_norm"] == pytest.approx(square, rel=1e-14)
    assert facts["loss"] == "cross_entropy" and "relevant_distance" not in facts


@pytest.mark.parametrize("held_out", [0.0001, 0.2, 0.5])
def test_the_same_part_of_every_digit_is_held_out(images, held_out):
    sizes = np.bincount(images[1])
    assert tuple(sizes) == digits.CLASS_SIZES and sizes.sum() == 1797
    chosen = options("digits", held_out=held_out)
    arrays = digits.prepare(chosen, SETTINGS).arrays
    held = np.bincount(arrays["evaluation_targets"][-1])
    assert held.tolist() == [max(1, round(held_out * size)) for size in sizes]
    assert (np.bincount(arrays["train_targets"][-1]) == sizes - held).all()


def test_the_split_is_the_experiments_own_neither_by_name_nor_by_way_of_reading():
    def drawn(**changes):
        return digits.prepare(options("digits", by="pixel"), SETTINGS | changes).arrays

    first, again, other = drawn(), drawn(experiment="another"), drawn(base_seed=4)
    for name, array in first.items():
        np.testing.assert_array_equal(array, again[name])
    assert (first["evaluation_inputs"] != other["evaluation_inputs"]).any()
    by_row = digits.prepare(options("digits"), SETTINGS).arrays
    np.testing.assert_array_equal(
        by_row["train_inputs"].swapaxes(0, 1).reshape(-1, 64), first["train_inputs"][..., 0].T
    )


def test_batches_that_the_digits_cannot_fill():
    held_out = sum(round(0.2 * size) for size in digits.CLASS_SIZES)
    train = 1797 - held_out
    fits = {"training": {"batch_size": train}, "measurement": {"probe_batch": held_out}}
    assert refused({"name": "digits"}, **fits) == []
    beyond = {"training": {"batch_size": train + 1}, "measurement": {"probe_batch": held_out + 1}}
    assert refused({"name": "digits"}, **beyond) == [
        f"experiments.sample.measurement.probe_batch: {held_out + 1} sequences are more than the "
        f"held-out part holds; allowed: 1 to {held_out}",
        f"experiments.sample.training.batch_size: {train + 1} sequences are more than the training "
        f"part holds; allowed: 1 to {train}",
    ]


def test_only_preparing_digits_needs_scikit_learn():
    code = """
import sys
from gradient_horizon.tasks import TASKS
list(TASKS["digits"].problems({"held_out": 0.2}, {
    "training": {"batch_size": 1}, "measurement": {"probe_batch": 1}
}))
TASKS["digits"].sources({})
assert "sklearn" not in sys.modules
"""
    scripts = Path(digits.__file__).parents[2]
    subprocess.run([sys.executable, "-c", code], check=True, cwd=scripts)


# Both, and what they share with the user's own arrays


def test_every_pass_reads_every_sequence_at_most_once():
    numbers = np.arange(10)
    arrays = {"train_inputs": np.tile(numbers, (3, 1)), "train_targets": np.tile(numbers, (3, 1))}
    stream = recorded.epochs(arrays, 4, np.random.default_rng(0))
    left_out, orders = set(), set()
    for _ in range(40):
        batches = [next(stream) for _ in range(2)]
        for inputs, targets in batches:
            assert inputs.shape == (3, 4)
            np.testing.assert_array_equal(inputs, targets)
        read = np.concatenate([inputs[0] for inputs, _ in batches])
        assert len(set(read)) == 8
        left_out |= {*numbers} - {*read}
        orders.add(tuple(read))
    assert left_out == {*numbers} and len(orders) == 40


def test_frequencies_by_hand():
    """Counts 3, 1 and 0, each with one more: 4, 2 and 1 of 7."""
    known, asked = np.array([[0, 0, 1, 0]]), np.array([[0, 2, 1]])
    facts = LOSSES["cross_entropy"]().baseline(known, asked, 3)
    expected = -np.log([4 / 7, 1 / 7, 2 / 7]).mean()
    assert facts["baselines"] == {"the class frequencies": pytest.approx(expected, rel=1e-15)}
    assert facts["chance_accuracy"] == pytest.approx(1 / 3)


def test_the_mean_by_hand():
    """Means 2 and 5; squares summed over the outputs, an answer right where both are near."""
    known = np.array([[[1.0, 5.0], [3.0, 5.0]]])
    asked = np.array([[[2.0, 4.0], [2.05, 5.0], [2.0, 5.2]]])
    facts = LOSSES["squared_error"](0.1).baseline(known, asked, 2)
    expected = (1.0 + 0.05**2 + 0.2**2) / 3
    assert facts["baselines"] == {"the training mean": pytest.approx(expected, rel=1e-14)}
    assert facts["chance_accuracy"] == pytest.approx(1 / 3)
