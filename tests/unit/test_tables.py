"""Tidy tables from small hand-made run folders."""

import numpy as np
import pandas as pd
import pytest
from gradient_horizon import files, tables
from gradient_horizon.statistics import median_interval

STATISTICS = {"confidence": 0.9, "resamples": 200}
SEEDS, STEPS, DISTANCES = 3, (0, 10), 4
RUNS = {"echo": ("tanh", 1.0), "order": ("relu", 0.5)}


def seed_values(name, seed, step, distance=0):
    """A number that tells where it comes from."""
    return sum(map(ord, name)) + 100.0 * seed**2 + step + 0.01 * distance


def write_run(results, experiment, activation, radius, order=1):
    run = f"rnn_{activation}_gaussian_rho{radius:.2f}"
    grid = {
        "run": run,
        "task": "delayed_echo",
        "cell": "rnn",
        "activation": activation,
        "initialisation": "gaussian",
        "radius": radius,
    }
    path = results / experiment / "grid.csv"
    known = [files.read_table(path)] if path.exists() else []
    files.write_table(path, pd.concat([*known, pd.DataFrame([grid])], ignore_index=True))
    points = [(seed, step) for seed in range(SEEDS) for step in STEPS][::order]
    summary = [
        {
            "seed": seed,
            "step": step,
            "diverged_at": 5 if seed == 1 else -1,
            "residual": 1e-13 * (seed + 1),
            "h99_censored": seed == 2,
            **{name: seed_values(name, seed, step) for name in tables.SUMMARY_COLUMNS},
        }
        for seed, step in points
    ]
    contributions = [
        {
            "seed": seed,
            "step": step,
            "distance": distance,
            "log10_bound": seed_values("bound", seed, step, distance),
            "extinct": 0.1 * seed,
            **{name: seed_values(name, seed, step, distance) for name in tables.DISTANCE_COLUMNS},
        }
        for seed, step in points
        for distance in range(DISTANCES)
    ]
    folder = results / experiment / run
    files.write_table(folder / "summary.parquet", pd.DataFrame(summary))
    files.write_table(folder / "contributions.parquet", pd.DataFrame(contributions))
    loss = np.arange(120.0)[:, None] + [0.0, 1000.0, 10.0]
    files.write_arrays(folder / "train.npz", {"loss": loss})
    return run


@pytest.fixture(scope="module")
def collected(tmp_path_factory):
    results = tmp_path_factory.mktemp("results")
    for experiment, (activation, radius) in RUNS.items():
        write_run(results, experiment, activation, radius)
    write_run(results, "echo", "sigmoid", 2.0)
    return tables.collect(results, list(RUNS), STATISTICS)


def test_a_row_for_every_run_seed_step_and_distance(collected):
    assert list(collected["summary"].columns[:7]) == tables.AXES
    assert len(collected["summary"]) == 3 * SEEDS * len(STEPS)
    assert len(collected["contributions"]) == 3 * SEEDS * len(STEPS) * DISTANCES
    assert len(collected["summary_median"]) == 3 * len(STEPS)
    assert len(collected["contributions_median"]) == 3 * len(STEPS) * DISTANCES
    for name, table in collected.items():
        keys = [key for key in (*tables.AXES, "seed", "step", "distance") if key in table]
        assert not table.duplicated(keys).any(), name
    runs = collected["summary"].groupby("experiment")["run"].unique()
    assert set(runs["echo"]) == {"rnn_tanh_gaussian_rho1.00", "rnn_sigmoid_gaussian_rho2.00"}
    assert list(runs["order"]) == ["rnn_relu_gaussian_rho0.50"]


def test_the_axes_belong_to_their_rows(collected):
    for name in ("summary", "contributions", "summary_median", "learning_curves"):
        for row in collected[name].to_dict("records"):
            assert row["run"] == f"rnn_{row['activation']}_gaussian_rho{row['radius']:.2f}"


def test_medians_over_seeds(collected):
    for table, columns in (
        (collected["summary_median"], tables.SUMMARY_COLUMNS),
        (collected["contributions_median"], tables.DISTANCE_COLUMNS),
    ):
        for row in table.to_dict("records"):
            place = row["step"], row.get("distance", 0)
            for name in columns:
                values = np.array([seed_values(name, seed, *place) for seed in range(SEEDS)])
                expected = median_interval(values, **STATISTICS)
                assert row[name] == sorted(values)[1]
                assert (row[name], row[f"{name}_low"], row[f"{name}_high"]) == expected


def test_what_goes_with_the_medians(collected):
    for row in collected["summary_median"].to_dict("records"):
        assert row["residual"] == pytest.approx(3e-13, rel=1e-12, abs=0)
        assert row["h99_censored"] == pytest.approx(1 / 3)
        assert row["seeds"] == SEEDS
        assert row["diverged"] == (1 if row["step"] >= 5 else 0)
    for row in collected["contributions_median"].to_dict("records"):
        assert row["log10_bound"] == seed_values("bound", 1, row["step"], row["distance"])
        assert row["extinct"] == pytest.approx(0.1)


def test_the_order_of_rows_and_nets_without_a_value(tmp_path):
    """Medians do not depend on the order of the rows; nan is left out."""
    for order, name in ((1, "forward"), (-1, "backward")):
        run = write_run(tmp_path / name, "echo", "tanh", 1.0, order)
        path = tmp_path / name / "echo" / run / "summary.parquet"
        summary = files.read_table(path)
        summary.loc[summary["seed"] == 2, "h99"] = np.nan
        files.write_table(path, summary)
    forward, backward = (
        tables.collect(tmp_path / name, ["echo"], STATISTICS)["summary_median"]
        .sort_values("step")
        .reset_index(drop=True)
        for name in ("forward", "backward")
    )
    pd.testing.assert_frame_equal(forward, backward)
    expected = [np.mean([seed_values("h99", seed, step) for seed in (0, 1)]) for step in STEPS]
    assert forward["h99"].tolist() == expected


@pytest.mark.parametrize(("steps", "points"), [(1, 1), (7, 7), (50, 50), (120, 50), (601, 50)])
def test_learning_curves_average_over_stretches(steps, points):
    loss = np.random.default_rng(0).random((steps, SEEDS))
    curve = tables.learning_curve(loss, STATISTICS)
    assert len(curve) == points and curve["step"].iloc[-1] == steps
    assert curve["step"].is_monotonic_increasing
    start = 0
    for row in curve.to_dict("records"):
        stretch = loss[start : row["step"]].mean(axis=0)
        assert steps // points <= row["step"] - start <= steps // points + 1
        assert row["loss"] == pytest.approx(sorted(stretch)[1], rel=1e-14)
        assert row["loss_low"] <= row["loss"] <= row["loss_high"]
        start = row["step"]


@pytest.mark.filterwarnings("error")
def test_learning_curves_of_nets_that_diverge():
    loss = np.ones((10, 3))
    loss[4:, 0], loss[6:, 1] = np.nan, np.inf
    curve = tables.learning_curve(loss, STATISTICS)
    assert (curve["loss"] == 1.0).all()
    loss[8:] = np.nan
    assert np.isnan(tables.learning_curve(loss, STATISTICS)["loss"].iloc[-1])


def test_a_run_that_is_missing_is_named(tmp_path):
    run = write_run(tmp_path, "echo", "tanh", 1.0)
    (tmp_path / "echo" / run / "summary.parquet").unlink()
    with pytest.raises(files.FileError, match=run):
        tables.collect(tmp_path, ["echo"], STATISTICS)
