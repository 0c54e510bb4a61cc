"""The audit of a run: which nets it looks at, and the script from files to files."""

import json

import numpy as np
import pandas as pd
import pytest

import audit_claims
from audit_cases import VERDICTS, draw
from gradient_horizon.audit import audited_runs
from gradient_horizon.audit.claims import CORRECTED, FAILS, HOLDS, UNDECIDED
from gradient_horizon.ground import files

EXPERIMENT = {
    "task": {"name": "delayed_echo"},
    "grid": {
        "cells": ["rnn"],
        "activations": ["tanh", "relu"],
        "initialisations": ["gaussian"],
        "spectral_radii": [0.5, 1.2, 2.0],
        "remedies": {"none": {}},
    },
    "training": {"gradient_clip": 1.0},
}
SETTINGS = {"experiments": {"echo": EXPERIMENT}}


def trained(activation, seeds=(0, 1)):
    """The arrays of `train.npz` for two nets, the second checkpoint ten times the first."""
    nets = [draw(activation, seed).weights for seed in seeds]
    first = {name: np.stack([net[name] for net in nets]) for name in nets[0]}
    return {
        "step": np.array([0, 5]),
        **{
            name: np.stack([0.1 * array, array]).astype(np.float32) for name, array in first.items()
        },
        "gradient_norm": np.full((5, 2), 0.5),
        "seed": np.array([0, 1]),
        "diverged_at": np.full(2, -1),
    }


def probe():
    net = draw()
    return {"inputs": net.inputs, "targets": net.targets, "loss_mask": net.loss_mask}


def test_the_audited_runs():
    name, runs = audited_runs.chosen_runs(SETTINGS, ["echo"])
    assert name == "echo"
    assert [(run["activation"], run["radius"]) for run in runs] == [("tanh", 1.2), ("relu", 1.2)]
    words = EXPERIMENT | {"task": {"name": "words"}}
    both = {"experiments": {"echo": EXPERIMENT, "text": words}}
    assert audited_runs.chosen_runs(both, ["echo", "text"])[0] == "text"
    assert audited_runs.chosen_runs(both, ["echo"])[0] == "echo"
    assert audited_runs.chosen_runs(both, []) == ("echo", [])
    assert audited_runs.label(runs) == "tanh and ReLU, of radius 1.2"
    assert audited_runs.label([runs[0], runs[1] | {"radius": 2.0}]) == (
        "tanh of radius 1.2 and ReLU of radius 2"
    )
    assert audited_runs.label([]) == "--"


def test_only_experiments_of_symbols_and_classes_are_audited():
    symbols = probe()
    assert audited_runs.readable(symbols)
    for name in ("inputs", "targets"):
        assert not audited_runs.readable(symbols | {name: np.zeros((3, 2, 1))})


@pytest.mark.parametrize(
    ("diverged_at", "kept", "place"), [((-1, -1), 1, 0), ((3, -1), 1, 1), ((3, 4), 0, 0)]
)
def test_the_audited_net(diverged_at, kept, place):
    arrays = trained("tanh") | {"diverged_at": np.array(diverged_at)}
    net = audited_runs.net_of("tanh", arrays, probe())
    assert net.weights["W_hh"].dtype == np.float64
    np.testing.assert_array_equal(net.weights["W_hh"], arrays["W_hh"][kept, place])


def test_states_too_large_for_differences():
    arrays = trained("relu")
    arrays["b_h"][1] = 1e6
    net = audited_runs.net_of("relu", arrays, probe())
    np.testing.assert_array_equal(net.weights["W_hh"], arrays["W_hh"][0, 0])
    arrays["b_h"][0] = np.finfo(np.float32).max
    assert audited_runs.net_of("relu", arrays, probe()) is None


def tables():
    """Medians of six grid points: the bound grows from radius 1.2 on, transport nowhere."""
    rows = [
        {"experiment": "echo", "run": f"rnn_{name}_gaussian_rho{radius:.2f}", "radius": radius}
        for name in ("tanh", "relu")
        for radius in (0.5, 1.2, 2.0)
    ]
    distances = [
        {**row, "step": 0, "distance": d, "log10_transport": -0.2 * d}
        | {"log10_bound": d * np.log10(1.5 * row["radius"])}
        for row in rows
        for d in range(9)
    ]
    reach = {"h99": 4.0, "h99_censored": False, "forward_horizon_censored": False}
    summary = [
        {**row, **reach, "step": step, "forward_horizon": forward}
        for row in rows
        for step, forward in {0: np.nan, 5: 9.0}.items()
    ]
    return pd.DataFrame(distances), pd.DataFrame(summary)


@pytest.mark.parametrize("learnt", [False, True])
def test_the_script(tmp_path, monkeypatch, learnt):
    results = tmp_path / "results"
    distances, summary = tables()
    if not learnt:
        summary["forward_horizon"] = np.nan
    files.write_table(results / "tables/contributions_median.parquet", distances)
    files.write_table(results / "tables/summary_median.parquet", summary)
    files.write_arrays(results / "echo/probe.npz", probe())
    for run in summary["run"].unique():
        activation = run.split("_")[1]
        files.write_arrays(results / f"echo/{run}/train.npz", trained(activation))
    arguments = {
        "--config": json.dumps(SETTINGS),
        "--results": results,
        "--claims": tmp_path / "audit.csv",
        "--numbers": tmp_path / "audit.json",
    }
    flat = [str(part) for pair in arguments.items() for part in pair]
    monkeypatch.setattr("sys.argv", ["audit_claims.py", *flat])
    audit_claims.main()
    table = files.read_table(tmp_path / "audit.csv").set_index("claim")
    expected = VERDICTS | {13: CORRECTED, 15: FAILS if learnt else UNDECIDED, 16: HOLDS}
    assert table["verdict"].to_dict() == expected
    # Four of the six points have a bound above 1, and all shrink.
    assert table.loc[13, "note_value"] == pytest.approx(4 / 6)
    assert table.loc[13, "measured"] == "above=4; shrinking=4; largest_bound=3"
    macros = files.read_json(tmp_path / "audit.json")
    assert macros["AuditNets"] == "tanh and ReLU, of radius 1.2"
    assert macros["AuditExperiment"] == "echo"
    assert macros["AuditPhaseDiagramNote"] == "0.67"
    undecided = expected[15] == UNDECIDED
    assert (macros["AuditUndecided"], macros["AuditFailing"]) == (
        ("1", "1") if undecided else ("0", "2")
    )
