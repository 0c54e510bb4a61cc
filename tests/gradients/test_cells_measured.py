"""Every cell from training to its rows in the tables: influence, spectra and arrays that are kept.

The gradient itself is tested in `test_cells.py`.
"""

import numpy as np
import pytest

import loops
from gradient_horizon.config import grid
from gradient_horizon.config.configuration import resolve
from gradient_horizon.gradients import measurement
from gradient_horizon.ground import files
from gradient_horizon.networks.cells import CELLS, net_of
from gradient_horizon.training import grid_point, loop

STEPS, SEQUENCES, SYMBOLS, SIZE = 8, 6, 4, 5
MASK = np.ones(STEPS, dtype=bool)
FACTS = {"input_size": SYMBOLS, "output_size": SYMBOLS, "embedded": False}

every = pytest.mark.parametrize("cell", CELLS)


def settings(cell):
    """Those of the one run of a configuration."""
    experiment = {
        "task": {"name": "delayed_echo", "lag": 3, "sequence_length": STEPS},
        "model": {"hidden_size": SIZE, **loops.OPTIONS},
        "grid": {
            "cells": [cell],
            "activations": ["tanh"],
            "spectral_radii": [loops.radius_of(cell)],
            "seeds": 2,
        },
        "training": {"steps": 5, "batch_size": SEQUENCES},
        "measurement": {"checkpoints": 2},
    }
    whole = resolve({"experiments": {"echo": experiment}})
    (run,) = grid.runs(whole["experiments"]["echo"])
    return grid.run_settings(whole, "echo", run)


def draw(rng):
    inputs = rng.integers(0, SYMBOLS, (STEPS, SEQUENCES))
    return inputs, rng.integers(0, SYMBOLS, inputs.shape)


@pytest.fixture(scope="module")
def trained_nets(tmp_path_factory):
    """The second net of each cell after some steps of training, read from its file."""
    nets = {}
    for cell in CELLS:
        rng = np.random.default_rng(2)
        stream = iter([draw(rng) for _ in range(10)])
        own = settings(cell)
        evaluation = dict(zip(("evaluation_inputs", "evaluation_targets"), draw(rng), strict=True))
        descent, _ = grid_point.prepare(own, FACTS, {"loss_mask": MASK, **evaluation})
        steps, kept = own["training"]["steps"], own["measurement"]["checkpoints"]
        trained = loop.train(
            descent,
            [stream, stream],
            tuple(evaluation.values()),
            steps,
            kept,
            say=lambda line: None,
        )
        path = tmp_path_factory.mktemp(cell) / "train.npz"
        files.write_arrays(path, trained)
        kept = files.read_nets(path)
        assert (kept["diverged_at"] == -1).all()
        assert all(kept[name].dtype.kind in "fi" for name in kept)
        weights = files.weights_of(kept, 1, 1)
        moved = {name for name in weights if (weights[name] != kept[name][0, 1]).any()}
        assert moved == set(weights)
        nets[cell] = weights, net_of(own, weights)
    return nets


def losses(cell, weights, inputs, targets):
    """E_t of one sequence, by plain loops."""
    one = loops.dynamics(cell, "tanh", weights | {"embedding": np.eye(SYMBOLS)})
    return loops.losses(one, inputs[:, None], targets[:, None])[:, 0]


@every
def test_rows_of_a_trained_net(cell, trained_nets):
    """`measure` refuses contributions that do not add up; all that it tells is a number."""
    weights, net = trained_nets[cell]
    inputs, targets = draw(np.random.default_rng(3))
    rows, row = measurement.measure(net, {"inputs": inputs, "targets": targets, "loss_mask": MASK})
    assert row["residual"] < 1e-13
    expected = [losses(cell, weights, inputs[:, b], targets[:, b]) for b in range(SEQUENCES)]
    assert row["probe_loss"] == pytest.approx(np.mean(expected), rel=1e-12)
    for column in ("spectral_radius", "sigma_max", "gain", "saturated", "slope"):
        assert np.isfinite(row[column])
    assert row["spectral_radius"] <= row["sigma_max"] * (1 + 1e-12)
    for column in ("log10_transport", "signed_share", "truncation_bias"):
        assert np.isfinite(rows[column]).all()
    for prefix in ("", "input_"):
        assert rows[f"{prefix}signed_share"].sum() == pytest.approx(1.0, abs=1e-12)


@every
def test_spectra_are_those_of_products_that_are_multiplied_out(cell, trained_nets):
    """All exponents add up to the mean of ln |det J_t|; of none left, the last is rounding."""
    _, net = trained_nets[cell]
    inputs, targets = draw(np.random.default_rng(4))
    probe = {"inputs": inputs, "targets": targets, "loss_mask": MASK}
    columns = measurement.jacobian_spectra(net, probe, [1, 3])
    unrolled = measurement.trace(net, **probe).unrolled
    jacobians = [unrolled.jacobian(t)[: measurement.LYAPUNOV_SEQUENCES] for t in range(STEPS)]
    for distance in (1, 3):
        product = np.eye(net.state_size)
        for jacobian in jacobians[STEPS - distance :]:
            product = jacobian @ product
        expected = np.log10(np.linalg.svd(product, compute_uv=False)[:, :2]).mean(axis=0)
        chosen = (columns["quantity"] == "singular") & (columns["distance"] == distance)
        np.testing.assert_allclose(columns["value"][chosen][:2], expected, rtol=0, atol=1e-12)
    exponents = columns["value"][columns["quantity"] == "lyapunov"]
    counted = jacobians[STEPS // 4 :]
    if min(np.linalg.svd(jacobian, compute_uv=False).min() for jacobian in counted) < 1e-12:
        assert exponents[-1] < np.log(1e-12)
    elif len(exponents) == net.state_size:
        volumes = [np.linalg.slogdet(jacobian).logabsdet for jacobian in counted]
        assert exponents.sum() == pytest.approx(np.mean(volumes), rel=1e-11)


@every
def test_influence_is_that_of_a_loop(cell, trained_nets):
    """Every target on its own, with the donor's inputs in place of the far ones."""
    weights, net = trained_nets[cell]
    inputs, targets = draw(np.random.default_rng(5))
    columns, _ = measurement.influence(
        net, {"inputs": inputs, "targets": targets, "loss_mask": MASK}, None
    )
    donors = measurement.forward_influence.draw_donors(SEQUENCES, np.random.default_rng(0))
    farthest = columns["distance"].max()
    assert farthest >= 2
    for distance, rise in zip(columns["distance"], columns["rise"], strict=True):
        rises = []
        for b in range(SEQUENCES):
            intact = losses(cell, weights, inputs[:, b], targets[:, b])
            for t in range(farthest + 1, STEPS):
                mixed = inputs[:, b].copy()
                mixed[: t - distance] = inputs[: t - distance, donors[b]]
                rises.append(losses(cell, weights, mixed, targets[:, b])[t] - intact[t])
        assert rise == pytest.approx(np.mean(rises), rel=0, abs=1e-14)
