"""The user's own arrays: what they become, and one clear line for every defect."""

import hashlib

import numpy as np
import pytest

from gradient_horizon.config.configuration import ConfigError, resolve
from gradient_horizon.tasks import arrays as task
from user_sequences import DEFECTS, SEQUENCES, STEPS, good

SETTINGS = {"base_seed": 3, "experiment": "sample", "measurement": {"probe_batch": 3}}


def options(file, **changes):
    defaults = {key: part.get("default") for key, part in task.OPTIONS.items()}
    return defaults | {"file": str(file)} | changes


def lines(file, batch_size=1, probe_batch=1, **chosen):
    """What is said of an experiment on a file, without its path of keys; nothing if it is right."""
    experiment = {
        "task": {"name": "arrays", "file": str(file), **chosen},
        "grid": {"spectral_radii": [1]},
        "training": {"batch_size": batch_size},
        "measurement": {"probe_batch": probe_batch},
    }
    try:
        resolve({"experiments": {"own": experiment}})
    except ConfigError as error:
        return [line.removeprefix("experiments.own.") for line in error.lines]
    return []


@pytest.fixture
def file(tmp_path):
    return tmp_path / "own.npz"


# What the arrays become


@pytest.mark.parametrize("vectors", [False, True])
@pytest.mark.parametrize("numbers", [False, True])
def test_all_four_kinds(file, vectors, numbers):
    rng = np.random.default_rng(1)
    inputs = rng.random((STEPS, SEQUENCES, 3)) if vectors else rng.integers(0, 5, (STEPS, 40))
    targets = rng.random((STEPS, SEQUENCES, 2)) if numbers else rng.integers(0, 4, (STEPS, 40))
    np.savez(file, inputs=inputs, targets=targets)
    assert lines(file) == []
    prepared = task.prepare(options(file, tolerance=0.3, relevant_distance=2), SETTINGS)
    arrays, facts = prepared.arrays, prepared.facts
    train, held_out = ((arrays[f"{part}_inputs"]) for part in ("train", "evaluation"))
    assert (train.shape[1], held_out.shape[1], arrays["probe_inputs"].shape[1]) == (36, 4, 3)
    # Every sequence is in one of the parts, with its targets, and not in the file's order.
    place = {inputs[:, s].tobytes(): s for s in range(SEQUENCES)}
    order = [
        place[part[:, s].tobytes()] for part in (train, held_out) for s in range(part.shape[1])
    ]
    assert sorted(order) == list(range(SEQUENCES)) and order != sorted(order)
    both = np.concatenate([arrays["train_targets"], arrays["evaluation_targets"]], axis=1)
    np.testing.assert_array_equal(both, targets[:, order])
    assert facts["input_size"] == (3 if vectors else 5)
    assert facts["output_size"] == (2 if numbers else 4)
    assert facts["loss"] == ("squared_error" if numbers else "cross_entropy")
    assert facts["sequence_length"] == facts["asked_steps"] == STEPS
    assert facts["relevant_distance"] == 2
    assert ("tolerance" in facts, "input_squared_norm" in facts) == (numbers, vectors)
    assert facts["file_sha256"] == hashlib.sha256(file.read_bytes()).hexdigest()
    assert task.sources(options(file)) == {str(file): facts["file_sha256"]}
    if numbers:
        mean = targets[:, order[:36]].mean(axis=(0, 1))
        expected = np.square(arrays["evaluation_targets"] - mean).sum(axis=2).mean()
        assert facts["baselines"] == {"the training mean": pytest.approx(expected, rel=1e-13)}
    else:
        counts = np.bincount(targets[:, order[:36]].ravel()) + 1
        expected = -np.log(counts / counts.sum())[arrays["evaluation_targets"]].mean()
        assert facts["baselines"] == {"the class frequencies": pytest.approx(expected, rel=1e-13)}
    macros = task.numbers(options(file), facts)
    assert macros["ReadsVectors"] == vectors and macros["DataFile"] == str(file)
    counts = (macros["AskedSteps"], macros["Sequences"], macros["HeldOut"])
    assert counts == (STEPS, SEQUENCES, 4)


def test_one_number_a_step_needs_no_third_axis(file):
    rng = np.random.default_rng(1)
    inputs, targets = rng.random((2, STEPS, SEQUENCES)).astype(np.float32)
    np.savez_compressed(file, inputs=inputs, targets=targets)
    prepared = task.prepare(options(file, shuffle=False), SETTINGS)
    np.testing.assert_array_equal(prepared.arrays["train_inputs"], inputs[:, :36, None])
    np.testing.assert_array_equal(prepared.arrays["evaluation_targets"], targets[:, 36:, None])
    assert (prepared.facts["input_size"], prepared.facts["output_size"]) == (1, 1)


@pytest.mark.parametrize("missing", [-1, np.nan])
def test_targets_without_a_loss_are_not_looked_at(file, missing):
    mask = np.arange(STEPS) == 4
    targets = np.full((STEPS, SEQUENCES), missing)
    targets[4] = np.arange(SEQUENCES) % 3
    np.savez(file, **good(targets=targets, loss_mask=mask))
    assert lines(file) == []
    prepared = task.prepare(options(file), SETTINGS)
    for part in ("train", "evaluation", "probe"):
        assert not prepared.arrays[f"{part}_targets"][~mask].any()
    assert (prepared.arrays["loss_mask"] == mask).all()
    assert task.numbers(options(file), prepared.facts)["AskedSteps"] == 1


# Defects


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        *DEFECTS,
        (
            {"inputs": np.ones((STEPS, 1)), "targets": np.ones((STEPS, 1))},
            "in FILE there is a single sequence; allowed: 2 or more, one is held out",
        ),
        (
            {"targets": np.full((STEPS, SEQUENCES), -1)},
            "in FILE targets are integers from -1 to -1; allowed: 0 to 99,999",
        ),
        (
            {"inputs": np.full((STEPS, SEQUENCES), 2**63, np.uint64)},
            f"in FILE inputs are integers from {2**63} to {2**63}; allowed: 0 to 99,999",
        ),
        (
            {"targets": np.full((STEPS, SEQUENCES), 2)},
            "in FILE all targets are the same class: nothing to learn",
        ),
        (
            {"inputs": np.zeros((STEPS, SEQUENCES, 2))},
            "in FILE inputs are all smaller than 1e-15: nothing to read",
        ),
        (
            {"targets": np.full((STEPS, SEQUENCES), 1e300)},
            "in FILE targets are as large as 1e+300; allowed: up to 1e+15",
        ),
    ],
)
def test_arrays_of_no_use(file, changes, message):
    np.savez(file, **good(**changes))
    assert lines(file) == [f"task.file: {message.replace('FILE', str(file))}"]


def test_files_that_cannot_be_read(tmp_path):
    missing = tmp_path / "missing.npz"
    assert lines(missing) == [f"task.file: {missing} does not exist"]
    (line,) = lines("nul\0l")
    assert line.startswith("task.file: ")
    assert lines("") == ["task.file: '' is not possible; allowed: the path of an `.npz` file"]


def test_a_path_stays_in_the_project(tmp_path, monkeypatch):
    inside = tmp_path / "project"
    inside.mkdir()
    for folder in (tmp_path, inside):
        np.savez(folder / "own.npz", **good())
    monkeypatch.chdir(inside)
    assert lines("own.npz") == lines("./own.npz") == lines(tmp_path / "own.npz") == []
    assert lines("../own.npz") == [
        "task.file: ../own.npz leads out of the project; give it in full"
    ]


def test_a_file_has_to_be_given():
    experiment = {"task": {"name": "arrays"}, "grid": {"spectral_radii": [1]}}
    with pytest.raises(ConfigError) as error:
        resolve({"experiments": {"own": experiment}})
    assert error.value.lines == [
        "experiments.own.task.file: missing; allowed: the path of an `.npz` file"
    ]


@pytest.mark.parametrize(("held_out", "most"), [(0.001, 1), (0.1, 4), (0.5, 20)])
def test_batches_that_the_file_cannot_fill(file, held_out, most):
    np.savez(file, **good())
    train = SEQUENCES - most
    assert lines(file, train, most, held_out=held_out) == []
    assert lines(file, train + 1, most + 1, held_out=held_out) == [
        f"measurement.probe_batch: {most + 1} sequences are more than the held-out part holds; "
        f"allowed: 1 to {most}",
        f"training.batch_size: {train + 1} sequences are more than the training part holds; "
        f"allowed: 1 to {train}",
    ]


@pytest.mark.parametrize("numbers", [False, True])
def test_a_loss_of_the_other_kind_of_targets(file, numbers):
    targets = np.random.default_rng(0).random((STEPS, SEQUENCES)) if numbers else None
    np.savez(file, **(good() if targets is None else good(targets=targets)))
    names = {True: "squared_error", False: "cross_entropy"}
    assert lines(file, loss=names[numbers]) == lines(file, loss=None) == []
    kind = "numbers, floats" if numbers else "classes, integers"
    assert lines(file, loss=names[not numbers]) == [
        f"task.loss: '{names[not numbers]}' is not a loss of {kind}, as the targets are; allowed: "
        f"{names[numbers]}, or null"
    ]
    assert lines(file, loss="squared_eror") == [
        "task.loss: 'squared_eror' is not known; allowed: cross_entropy, squared_error, or `null`; "
        "did you mean 'squared_error'?"
    ]


def test_a_distance_longer_than_the_sequences(file):
    np.savez(file, **good())
    assert lines(file, relevant_distance=STEPS - 1) == []
    assert lines(file, relevant_distance=STEPS) == [
        "task.relevant_distance: 6 is not shorter than the sequences; allowed: 1 to 5, or null"
    ]
