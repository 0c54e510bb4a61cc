"""Tidy tables from small hand-made run folders."""

import numpy as np
import pandas as pd
import pytest

from gradient_horizon.analysis import tables
from gradient_horizon.analysis.learnability import rank_correlations
from gradient_horizon.analysis.slopes import with_predictions
from gradient_horizon.ground import files
from gradient_horizon.numerics.statistics import censored_median, median_interval

STATISTICS = {"confidence": 0.9, "resamples": 200}
SEEDS, STEPS, DISTANCES = 3, (0, 10), 4
RUNS = {"echo": ("tanh", 1.0), "order": ("relu", 0.5)}
RELEVANT = {"echo": 2, "order": None}
# Where something is measured, and of which nets it is a lower bound: seed 0 has the least of all.
CENSORED_SEEDS = {"h99": {2}, "k01": {1, 2}, "input_h99": {0}, "input_k01": set()}


def seed_values(name, seed, step, distance=0):
    """A number that tells where it comes from."""
    return sum(map(ord, name)) + 100.0 * seed**2 + step + 0.01 * distance


def write_run(results, experiment, activation, radius, order=1, influence=True):
    """Write all that a run leaves, and what is known of its task."""
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
    write_facts(results, experiment, RELEVANT[experiment])
    points = [(seed, step) for seed in range(SEEDS) for step in STEPS][::order]
    summary = [
        {
            "seed": seed,
            "step": step,
            "diverged_at": 5 if seed == 1 else -1,
            "residual": 1e-13 * (seed + 1),
            "hidden_size": 10,
            "gain": 0.5 + 0.1 * seed,
            "worst_slope": np.log(seed_values("sigma_max", seed, step)),
            "note_slope": np.log(seed_values("sigma_max", seed, step)),
            "drive_variance": 0.5,
            "forward_horizon": 3.0 + seed if step else np.nan,
            "forward_horizon_censored": step > 0 and seed == 1,
            **{name: seed_values(name, seed, step) for name in CENSORED_SEEDS},
            **{f"{name}_censored": seed in seeds for name, seeds in CENSORED_SEEDS.items()},
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
            **dict.fromkeys(tables.PART_COLUMNS, np.nan),
            **{name: seed_values(name, seed, step, distance) for name in tables.DISTANCE_COLUMNS},
        }
        for seed, step in points
        for distance in range(DISTANCES)
    ]
    spectra = [
        {
            "seed": seed,
            "step": step,
            "quantity": quantity,
            "distance": distance,
            "index": index,
            "value": seed_values(quantity, seed, step, distance) - index,
            "standard_error": 0.1,
        }
        for seed, step in points
        for quantity, distance in (("lyapunov", 0), ("singular", 1), ("singular", 3))
        for index in range(2)
    ]
    far = [
        {
            "seed": seed,
            "step": step,
            "distance": distance,
            "rise": seed_values("rise", seed, step, distance),
            "standard_error": 0.1,
        }
        for seed, step in points
        for distance in (0, 2)
        if step == STEPS[-1]
    ]
    folder = results / experiment / run
    files.write_table(folder / "summary.parquet", pd.DataFrame(summary))
    files.write_table(folder / "contributions.parquet", pd.DataFrame(contributions))
    files.write_table(folder / "spectra.parquet", pd.DataFrame(spectra))
    table = pd.DataFrame(far)
    files.write_table(folder / "influence.parquet", table if influence else table[:0])
    loss = np.arange(120.0)[:, None] + [0.0, 1000.0, 10.0]
    files.write_arrays(folder / "train.npz", {"loss": loss})
    return run


def write_facts(results, experiment, relevant):
    files.write_json(results / experiment / "task.json", {"relevant_distance": relevant})


@pytest.fixture(scope="module")
def collected(tmp_path_factory):
    results = tmp_path_factory.mktemp("results")
    for experiment, (activation, radius) in RUNS.items():
        write_run(results, experiment, activation, radius)
    write_run(results, "echo", "sigmoid", 2.0)
    return tables.collect(results, list(RUNS), STATISTICS)


def test_a_row_for_every_run_seed_step_and_distance(collected):
    assert list(collected["summary"].columns[:8]) == tables.AXES
    assert len(collected["summary"]) == 3 * SEEDS * len(STEPS)
    assert len(collected["contributions"]) == 3 * SEEDS * len(STEPS) * DISTANCES
    assert len(collected["summary_median"]) == 3 * len(STEPS)
    assert len(collected["contributions_median"]) == 3 * len(STEPS) * DISTANCES
    assert len(collected["spectra"]) == 3 * SEEDS * len(STEPS) * 6
    assert len(collected["spectra_median"]) == 3 * len(STEPS) * 6
    assert len(collected["influence"]) == 3 * SEEDS * 2
    assert len(collected["influence_median"]) == 3 * 2
    assert len(collected["slopes"]) == 3 * len(STEPS)
    names = (*tables.AXES, "seed", "step", "quantity", "distance", "index")
    names += ("radius_held", "predictor")
    for name, table in collected.items():
        keys = [key for key in names if key in table]
        assert not table.duplicated(keys).any(), name
    runs = collected["summary"].groupby("experiment")["run"].unique()
    assert set(runs["echo"]) == {"rnn_tanh_gaussian_rho1.00", "rnn_sigmoid_gaussian_rho2.00"}
    assert list(runs["order"]) == ["rnn_relu_gaussian_rho0.50"]


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
        assert row["seeds"] == SEEDS
        assert row["diverged"] == (1 if row["step"] >= 5 else 0)
    for row in collected["contributions_median"].to_dict("records"):
        assert row["log10_bound"] == seed_values("bound", 1, row["step"], row["distance"])
        assert row["extinct"] == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("name", "column", "of"), [("spectra", "value", "quantity"), ("influence", "rise", None)]
)
def test_medians_of_spectra_and_influence(collected, name, column, of):
    for row in collected[f"{name}_median"].to_dict("records"):
        source = row[of] if of else column
        values = np.array(
            [seed_values(source, seed, row["step"], row["distance"]) for seed in range(SEEDS)]
        )
        expected = median_interval(values - row.get("index", 0), **STATISTICS)
        assert (row[column], row[f"{column}_low"], row[f"{column}_high"]) == expected
        assert row[column] == seed_values(source, 1, row["step"], row["distance"]) - row.get(
            "index", 0
        )


def test_medians_of_what_may_be_a_lower_bound(collected):
    """Of three values the second is the median; which may be larger depends on who is censored."""
    table = collected["summary_median"]
    assert {*tables.CENSORED_COLUMNS} == {*CENSORED_SEEDS, "forward_horizon"}
    assert all(table[f"{name}_censored"].dtype == bool for name in tables.CENSORED_COLUMNS)
    for row in table.to_dict("records"):
        for name, seeds in CENSORED_SEEDS.items():
            values = np.array([seed_values(name, seed, row["step"]) for seed in range(SEEDS)])
            flags = np.isin(range(SEEDS), [*seeds])
            parts = [row[name + end] for end in ("", "_low", "_high", "_censored")]
            assert parts == [float(part) for part in censored_median(values, flags, **STATISTICS)]
            assert row[name] == values[1]
        # Only the largest may be larger: the median stands, a resample's is open in 7 of 27 cases.
        assert not row["h99_censored"] and row["h99_high"] == np.inf
        # The second may be larger too, or the first larger than the second.
        assert row["k01_censored"] and row["k01_high"] == np.inf
        assert row["input_h99_censored"] and row["input_h99_high"] == np.inf
        assert not row["input_k01_censored"]
        assert row["input_k01_high"] == seed_values("input_k01", 2, row["step"])


def test_slopes_are_medians_of_the_nets_own(collected):
    nets = with_predictions(collected["summary"])
    for row in collected["slopes"].to_dict("records"):
        own = nets[(nets["run"] == row["run"]) & (nets["step"] == row["step"])]
        assert len(own) == SEEDS
        for name in tables.SLOPE_COLUMNS:
            expected = median_interval(own[name].to_numpy(), **STATISTICS)
            assert (row[name], row[f"{name}_low"], row[f"{name}_high"]) == expected


# Learnability


def test_what_predicts_learning_where_it_is_known_what_matters(collected):
    """Only one experiment has a relevant distance; in it whatever grows with the seed does so."""
    table = collected["learnability"]
    assert list(table) == tables.LEARNABILITY
    assert set(table["experiment"]) == {"echo"}
    activations = {"tanh", "sigmoid", "all"}
    assert len(table) == len(activations) * len(tables.PREDICTORS) * 2
    assert set(table["activation"]) == activations and set(table["radius_held"]) == {False, True}
    assert (table["rho"] == 1.0).all() and (table["cell"] == "rnn").all()
    assert (table["nets"] == np.where(table["activation"] == "all", 2 * SEEDS, SEEDS)).all()


def test_correlations_are_those_of_signal_before_and_accuracy_after(tmp_path):
    """Transport at the relevant distance, share a step nearer, all before training."""
    rng = np.random.default_rng(0)
    runs = [write_run(tmp_path, "echo", "tanh", radius) for radius in (0.5, 1.0, 2.0)]
    nets = []
    for place, run in enumerate(runs):
        folder = tmp_path / "echo" / run
        summary, distances = (
            files.read_table(folder / f"{name}.parquet") for name in ("summary", "contributions")
        )
        summary["accuracy"] = rng.random(len(summary))
        for name in tables.PREDICTORS:
            distances[name] = rng.random(len(distances))
        files.write_table(folder / "summary.parquet", summary)
        files.write_table(folder / "contributions.parquet", distances)
        for seed in range(SEEDS):
            start = distances[(distances["seed"] == seed) & (distances["step"] == 0)]
            start = start.set_index("distance")
            end = summary[(summary["seed"] == seed) & (summary["step"] == STEPS[-1])]
            nets.append(
                {
                    "activation": "tanh",
                    "radius": (0.5, 1.0, 2.0)[place],
                    "seed": seed,
                    "log10_transport": start["log10_transport"][2],
                    "log10_contribution": start["log10_contribution"][1],
                    "share": start["share"][1],
                    "accuracy": end["accuracy"].item(),
                }
            )
    table = tables.collect(tmp_path, ["echo"], STATISTICS)["learnability"]
    for held in (False, True):
        own = table[table["radius_held"] == held].reset_index(drop=True)
        expected = rank_correlations(
            pd.DataFrame(nets), tables.PREDICTORS, "accuracy", **STATISTICS, hold_radius=held
        )
        pd.testing.assert_frame_equal(own[list(expected)], expected)
        assert expected["rho"].abs().max() < 1.0


@pytest.mark.parametrize("relevant", [None, DISTANCES, 40])
def test_nothing_is_known_of_what_matters(tmp_path, relevant):
    """No relevant distance, or one that the sequences do not have: the columns are there."""
    write_run(tmp_path, "echo", "tanh", 1.0)
    write_facts(tmp_path, "echo", relevant)
    table = tables.collect(tmp_path, ["echo"], STATISTICS)["learnability"]
    assert len(table) == 0 and list(table) == tables.LEARNABILITY
    write_facts(tmp_path, "echo", DISTANCES - 1)
    table = tables.collect(tmp_path, ["echo"], STATISTICS)["learnability"]
    assert len(table) == 2 * 2 * len(tables.PREDICTORS) and list(table) == tables.LEARNABILITY


def test_runs_without_influence(tmp_path):
    """Tables without a row have their columns, and change no other's kinds of columns."""
    write_run(tmp_path, "order", "tanh", 1.0)
    full = tables.collect(tmp_path, ["order"], STATISTICS)
    write_run(tmp_path, "echo", "tanh", 1.0, influence=False)
    both, empty = (
        tables.collect(tmp_path, names, STATISTICS) for names in (["echo", "order"], ["echo"])
    )
    for name in ("influence", "influence_median"):
        pd.testing.assert_frame_equal(both[name], full[name])
        assert len(empty[name]) == 0 and list(empty[name]) == list(full[name])
    assert len(empty["summary"]) == SEEDS * len(STEPS)


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
