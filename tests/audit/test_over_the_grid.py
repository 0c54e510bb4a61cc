"""The claims that take a whole grid, from tables whose answers are known."""

import numpy as np
import pandas as pd
import pytest

from gradient_horizon.audit import over_the_grid
from gradient_horizon.audit.claims import CORRECTED, FAILS, HOLDS, UNDECIDED, AuditedClaim
from gradient_horizon.ground import files


def test_the_phase_diagram():
    bound = np.log10([0.5, 0.9, 1.5, 2.0, 3.0, 4.0, 2.0])
    transport = np.array([-0.3, -np.inf, -0.1, 0.1, -0.2, 0.3, np.nan])
    errors = over_the_grid.phase_diagram(bound, transport)
    assert errors.note == pytest.approx(2 / 6) and errors.correct == 0.0
    assert errors.numbers == {"above": 4, "shrinking": 2, "largest_bound": pytest.approx(3.0)}
    assert AuditedClaim(13, errors).verdict == CORRECTED


def test_a_phase_diagram_as_the_note_has_it():
    errors = over_the_grid.phase_diagram(np.array([-0.1, 0.1]), np.array([-1.0, 0.01]))
    assert AuditedClaim(13, errors).verdict == HOLDS
    assert AuditedClaim(13, over_the_grid.phase_diagram(*np.zeros((2, 0)))).verdict == UNDECIDED


def test_growth_below_a_bound_of_1_would_be_an_error():
    errors = over_the_grid.phase_diagram(np.array([-0.1, 0.1]), np.array([0.1, 0.1]))
    assert errors.correct == 0.5 and AuditedClaim(13, errors).verdict == FAILS


def test_words_that_matter_without_a_gradient():
    """A forward horizon counts one more than a gradient horizon for the same words."""
    gradient = np.array([4.0, 4.0, 20.0, 20.0, 30.0, np.nan, 5.0])
    forward = np.array([6.0, 7.0, 23.0, 24.0, 11.0, 9.0, np.nan])
    errors = over_the_grid.learning_signal(gradient, forward)
    assert errors.note == pytest.approx(3 / 5) and errors.correct is None
    expected = {"points": 5, "longer": 2, "shorter": 1, "gradient": 20.0, "forward": 10.0}
    assert errors.numbers == expected
    assert AuditedClaim(15, errors).verdict == FAILS


@pytest.mark.parametrize(
    ("forward", "expected"), [(5.0, HOLDS), (6.0, HOLDS), (7.0, FAILS), (2.0, CORRECTED)]
)
def test_the_learning_signal_and_what_matters(forward, expected):
    errors = over_the_grid.learning_signal(np.full(3, 4.0), np.full(3, forward))
    assert AuditedClaim(15, errors).verdict == expected


def test_one_point_in_many_may_stray():
    gradient, forward = np.full(40, 4.0), np.full(40, 5.0)
    forward[0] = 30.0
    assert AuditedClaim(15, over_the_grid.learning_signal(gradient, forward)).verdict == HOLDS
    forward[:3] = 30.0
    assert AuditedClaim(15, over_the_grid.learning_signal(gradient, forward)).verdict == FAILS
    nothing = over_the_grid.learning_signal(gradient, np.full(40, np.nan))
    assert AuditedClaim(15, nothing).verdict == UNDECIDED


def test_clipped_steps():
    """The second net diverged at step 2: its steps count before that only."""
    norms = np.array([[0.5, 2.0], [1.0, 3.0], [1.5, np.inf], [9.0, 9.0]])
    assert over_the_grid.clipped_steps(norms, np.array([-1, 2]), 1.0) == (4, 6)


@pytest.mark.parametrize(
    ("growing", "diverged", "expected"),
    [(0, 0, HOLDS), (0, 50, HOLDS), (3, 0, CORRECTED), (3, 5, CORRECTED), (3, 6, FAILS)],
)
def test_explosion(growing, diverged, expected):
    transport = np.where(np.arange(10) < growing, 0.2, -0.2)
    errors = over_the_grid.explosion(transport, 30, 120, diverged, 100)
    assert errors.note == growing / 10 and errors.numbers == {"nets": 100, "clipped": 0.25}
    assert AuditedClaim(16, errors).verdict == expected


def test_explosion_without_any_clipping():
    errors = over_the_grid.explosion(np.ones(3), 0, 0, 0, 0)
    assert AuditedClaim(16, errors).verdict == UNDECIDED


# What the claims are measured on


def test_bound_and_transport_for_one_step():
    """Both are read off at half of the longest distance, before training."""
    rows = [
        {"experiment": "echo", "step": step, "distance": d}
        | {"log10_bound": 0.3 * d * (step == 0), "log10_transport": -0.2 * d * (step == 0)}
        for step in (0, 5)
        for d in range(9)
    ]
    bound, transport = over_the_grid.by_step(pd.DataFrame(rows))
    assert bound == pytest.approx([0.3]) and transport == pytest.approx([-0.2])


def test_horizons_that_are_lower_bounds():
    summary = pd.DataFrame(
        {
            "step": [0, 5, 5],
            "h99": [2.0, 4.0, 3.0],
            "h99_censored": [False, True, False],
            "forward_horizon": [np.nan, 9.0, 8.0],
            "forward_horizon_censored": [False, False, True],
        }
    )
    gradient, forward = over_the_grid.horizons(summary)
    np.testing.assert_array_equal(gradient, [np.nan, 3.0])
    np.testing.assert_array_equal(forward, [9.0, np.nan])


def test_only_clipped_runs_are_counted(tmp_path):
    grid = {
        "cells": ["rnn"],
        "activations": ["tanh"],
        "initialisations": ["gaussian"],
        "spectral_radii": [1.0],
        "remedies": {"none": {}, "free": {"gradient_clip": None}},
    }
    experiment = {
        "task": {"name": "delayed_echo"},
        "grid": grid,
        "training": {"gradient_clip": 1.0},
    }
    for run in ("rnn_tanh_gaussian_rho1.00", "rnn_tanh_gaussian_rho1.00_free"):
        arrays = {"gradient_norm": np.full((4, 2), 2.0), "diverged_at": np.array([-1, 3])}
        files.write_arrays(tmp_path / f"echo/{run}/train.npz", arrays)
    counts = over_the_grid.clipping({"experiments": {"echo": experiment}}, tmp_path)
    assert counts == {"clipped": 7, "steps": 7, "diverged": 1, "nets": 2}


def test_a_damaged_training_record(tmp_path):
    path = tmp_path / "train.npz"
    path.write_bytes(b"PK")
    with pytest.raises(files.FileError, match=r"cannot read .*train\.npz"):
        over_the_grid.training_record(path)
