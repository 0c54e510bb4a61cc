"""Sequences of a user's own, and defects that every reader of them has the same words for."""

import numpy as np

STEPS, SEQUENCES = 6, 40


def good(**changes):
    """Arrays that can be used: vectors in, classes out."""
    rng = np.random.default_rng(0)
    arrays = {
        "inputs": rng.standard_normal((STEPS, SEQUENCES, 2)),
        "targets": rng.integers(0, 3, (STEPS, SEQUENCES)),
    }
    return {name: array for name, array in (arrays | changes).items() if array is not None}


def _with(value, shape):
    array = np.random.default_rng(0).random(shape)
    array[3, 5] = value
    return array


# What is changed, and what is said of it by every reader; FILE stands for the path.
DEFECTS_ANYWHERE = [
    ({"inputs": None}, "FILE has no array inputs; it has targets"),
    (
        {"inputs": np.array([["a"]])},
        "in FILE inputs are of type <U1; allowed: integers (T, S) or floats (T, S) or (T, S, D)",
    ),
    (
        {"inputs": np.ones((STEPS, SEQUENCES), bool)},
        "in FILE inputs are of type bool; allowed: integers (T, S) or floats (T, S) or (T, S, D)",
    ),
    (
        {"inputs": np.ones((STEPS, SEQUENCES, 2), int)},
        "in FILE inputs are int64 (6, 40, 2); allowed: integers (T, S) or floats (T, S) or "
        "(T, S, D), T steps of S sequences",
    ),
    (
        {"inputs": np.ones((STEPS, 0, 2))},
        "in FILE inputs are float64 (6, 0, 2); allowed: integers (T, S) or floats (T, S) or "
        "(T, S, D), T steps of S sequences",
    ),
    (
        {"loss_mask": np.zeros(STEPS, bool)},
        "in FILE loss_mask is False everywhere: no step carries a loss",
    ),
    (
        {"inputs": np.array([[{}]])},
        "in FILE inputs holds Python objects, which are not read; allowed: an array of numbers",
    ),
    *(
        (
            {"inputs": _with(value, (STEPS, SEQUENCES, 2))},
            f"in FILE inputs are not all finite: {value} at [3, 5, 0], counted from 0",
        )
        for value in (np.nan, np.inf, -np.inf)
    ),
    (
        {"targets": _with(np.nan, (STEPS, SEQUENCES))},
        "in FILE targets are not all finite: nan at [3, 5], counted from 0",
    ),
]
# Likewise, where the only arrays are inputs, targets of every step and a loss_mask of steps.
DEFECTS = [
    *DEFECTS_ANYWHERE,
    (
        {"targets": np.ones(STEPS)},
        "in FILE targets are float64 (6,); allowed: integers (T, S) or floats (T, S) or "
        "(T, S, O), T steps of S sequences",
    ),
    (
        {"inputs": None, "Input": np.zeros(1)},
        "in FILE the array Input is not known; allowed: inputs, targets, loss_mask; did you "
        "mean 'inputs'?",
    ),
    (
        {"loss_masks": np.ones(STEPS, bool)},
        "in FILE the array loss_masks is not known; allowed: inputs, targets, loss_mask; did "
        "you mean 'loss_mask'?",
    ),
    (
        {"targets": np.ones((SEQUENCES, STEPS), int)},
        "in FILE inputs (6, 40, 2) and targets (40, 6) differ in their first two axes: steps T, "
        "sequences S; where only some steps have a target, loss_mask says which",
    ),
    (
        {"inputs": np.ones((1, 9)), "targets": np.ones((1, 9))},
        "in FILE inputs (1, 9) have a first axis of 1; allowed: 2 to 100,000 steps T",
    ),
    (
        {"loss_mask": np.ones(STEPS, int)},
        "in FILE loss_mask is int64 (6,); allowed: bool (6,), one for each step",
    ),
    (
        {"loss_mask": np.ones(7, bool)},
        "in FILE loss_mask is bool (7,); allowed: bool (6,), one for each step",
    ),
]
