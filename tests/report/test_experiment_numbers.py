"""The paper's numbers from small tables whose answers are known by hand."""

import numpy as np
import pandas as pd
import pytest

import phrases
from gradient_horizon.analysis import grid_points
from gradient_horizon.config import configuration
from gradient_horizon.report import experiment_numbers, paper_tables

EXPERIMENT = {
    "task": {"name": "delayed_echo", "lag": 3, "sequence_length": 6},
    "grid": {"activations": ["tanh", "relu"], "spectral_radii": [0.5, 1.5], "seeds": 4},
    "training": {"steps": 10},
    "measurement": {"checkpoints": 2},
}
CONFIG = configuration.resolve({"experiments": {"echo": EXPERIMENT}})
FACTS = {"baselines": {"guessing": 1.0}, "relevant_distance": 3, "loss": "cross_entropy"}
POINTS = [("tanh", 0.5), ("tanh", 1.5), ("relu", 0.5), ("relu", 1.5)]
# For each grid point: loss with the upper end of its interval, horizon before and after.
LOSSES = [(0.9, 1.1), (0.4, 0.5), (0.7, 0.8), (np.nan, np.nan)]
HORIZONS = [(1.0, 2.0), (4.5, 4.5), (2.0, 1.0), (3.0, 1.0)]
DISTANCES = 6


def labels(place):
    activation, radius = POINTS[place]
    return {
        "experiment": "echo",
        "run": f"{activation}_{radius}",
        "task": "delayed_echo",
        "cell": "rnn",
        "activation": activation,
        "initialisation": "gaussian",
        "remedy": "none",
        "radius": radius,
    }


def summary(points=(0, 1, 2, 3)):
    rows = []
    for step in (0, 10):
        for place in points:
            loss, high = LOSSES[place] if step else (2.0, 2.1)
            row = {
                "step": step,
                "loss": loss,
                "loss_low": loss - 0.1,
                "loss_high": high,
                "accuracy": 0.5,
                "h99": HORIZONS[place][step > 0],
                "h99_censored": place == 1,
                "sigma_max": 2.0 * POINTS[place][1],
                "residual": 1e-15 * (place + 1),
                "diverged": 3 if place == 3 and step else 0,
                "seeds": 4,
            }
            rows.append({**labels(place), **row})
    return pd.DataFrame(rows)


def distances(points=(0, 1, 2, 3)):
    """Transport falls by half a decade a step but for the last point, where it grows."""
    rows = []
    for step in (0, 10):
        for place in points:
            for d in range(DISTANCES):
                row = {
                    "step": step,
                    "distance": d,
                    "share": 0.1 * (d == 2) + 0.2 * (d == 2 and step > 0),
                    "log10_transport": (0.25 if place == 3 else -0.5) * d,
                    "log10_bound": np.log10(2.0 * POINTS[place][1] + 1e-9) * d,
                    "coherence": 0.5 / (d + 1),
                }
                rows.append({**labels(place), **row})
    return pd.DataFrame(rows)


@pytest.fixture(scope="module")
def macros():
    experiment = CONFIG["experiments"]["echo"]
    return experiment_numbers.experiment_macros("echo", experiment, FACTS, summary(), distances())


def test_what_is_learnt(macros):
    assert macros["BestPoint"] == "tanh networks of radius 1.5"
    assert macros["BestLoss"] == "0.400 [0.300, 0.500]" and macros["BestLossMedian"] == "0.400"
    assert (macros["LossName"], macros["LossUnit"]) == ("loss", " nats")
    assert (macros["BestPerplexity"], macros["BestAccuracy"]) == ("1.49", r"50.0\,\%")
    assert (macros["BestHorizonBefore"], macros["BestHorizonAfter"]) == 2 * (
        r"\ensuremath{\ge}4.5",
    )
    # 0.9 is below 1, but its interval reaches 1.1; nothing is known of the fourth.
    assert macros["Baselines"] == r"\baseline{guessing}{1}{2.72}{2}"
    assert macros["Diverged"] == "3"
    assert (macros["NumbersOut"], macros["Tolerance"]) == ("no", "--")


def test_the_worst_predictor_comes_first():
    facts = {**FACTS, "baselines": {"the bigram": 0.5, "the unigram": 0.75}}
    experiment = CONFIG["experiments"]["echo"]
    macros = experiment_numbers.experiment_macros("echo", experiment, facts, summary(), distances())
    assert macros["Baselines"] == (
        r"\baseline{the unigram}{0.750}{2.12}{1}\baseline{the bigram}{0.500}{1.65}{0}"
    )


def test_a_squared_error_has_neither_nats_nor_perplexity():
    experiment = CONFIG["experiments"]["echo"]
    facts = {**FACTS, "loss": "squared_error", "tolerance": 0.04}
    macros = experiment_numbers.experiment_macros("echo", experiment, facts, summary(), distances())
    assert (macros["LossName"], macros["LossUnit"]) == ("mean squared error", "")
    assert macros["BestLoss"] == "0.400 [0.300, 0.500]"
    assert (macros["NumbersOut"], macros["Tolerance"]) == ("yes", "0.04")
    assert macros["BestPerplexity"] == "--"
    assert macros["Baselines"] == r"\baseline{guessing}{1}{--}{2}"
    for given, expected in ((facts, "yes"), (FACTS, "no")):
        overall = experiment_numbers.overall_macros(CONFIG, summary(), distances(), {"echo": given})
        assert overall["AnySquaredError"] == expected
    table = paper_tables.by_activation(summary(), "squared_error")
    said = " ".join([*macros.values(), table])
    assert "nats" not in said and "perplexity" not in said
    first = table.split("\\midrule\n")[1].splitlines()[0]
    assert first.startswith(r"tanh & 1.5 & 0.400 [0.300, 0.500] & 50.0\,\% & ")


def test_the_length_of_what_was_read_where_the_task_has_no_such_option():
    experiment = {**CONFIG["experiments"]["echo"], "task": {"name": "digits", "by": "row"}}
    chosen = {"permuted": False, "held_out": 0.2}
    experiment["task"] |= chosen
    facts = {
        "baselines": {"the class frequencies": 2.3},
        "loss": "cross_entropy",
        "sequence_length": 8,
        "train_sequences": 80,
        "held_out_sequences": 20,
    }
    macros = experiment_numbers.experiment_macros(
        "digits", experiment, facts, summary(), distances()
    )
    assert macros["SequenceLength"] == "8"
    names = ("RelevantDistance", "TraceDistance", "TraceShareBefore", "TraceShareAfter")
    assert [macros[name] for name in names] == 4 * ["--"]


def test_how_the_horizon_moves(macros):
    assert macros["ShortestBefore"] == "1 (tanh networks of radius 0.5)"
    assert macros["LongestAfter"] == r"\ensuremath{\ge}4.5 (tanh networks of radius 1.5)"
    moved = [macros[key] for key in ("Lengthened", "Shortened", "Unmoved")]
    assert moved == ["1", "2", "1"]
    # Ranks 1, 3, 2 of the horizons with losses 0.9, 0.4, 0.7: exactly reversed.
    assert macros["HorizonLoss"] == r"\ensuremath{-}1"
    assert (macros["RelevantDistance"], macros["TraceDistance"]) == ("3", "2")
    assert macros["TraceShareBefore"] == r"10.0\,\%"
    assert macros["TraceShareAfter"] == r"30.0\,\%"


def test_the_bound_and_what_is_measured(macros):
    # sigma_max is 1 or 3; at distance 2 the bounds are 10^0 (by a hair more) and 10^0.954.
    assert macros["MiddleDistance"] == "2"
    assert (macros["GrowingBounds"], macros["GrowingBoundsShrinking"]) == ("4", "3")
    excesses = [1.0, 2 * np.log10(3) + 1.0, 1.0, 2 * np.log10(3) - 0.5]
    for when in ("Before", "After"):
        told = float(macros[f"BoundExcess{when}"])
        assert told == pytest.approx(np.median(excesses), abs=0.05)
    assert macros["CoherenceNearAfter"] == "0.50" and macros["CoherenceFarAfter"] == "0.17"


def test_cells_without_a_bound():
    unknown = distances().assign(log10_bound=np.nan)
    experiment = CONFIG["experiments"]["echo"]
    macros = experiment_numbers.experiment_macros("echo", experiment, FACTS, summary(), unknown)
    assert (macros["BoundExcessBefore"], macros["BoundExcessAfter"]) == ("--", "--")
    assert (macros["GrowingBounds"], macros["GrowingBoundsShrinking"]) == ("0", "0")


def test_all_experiments_together():
    other = {"experiment": "other", "step": [0, 30]}
    both = pd.concat([summary(), summary([0]).assign(**other)])
    by_distance = pd.concat(
        [distances(), distances([0]).assign(experiment="other", step=lambda t: 3 * t["step"])]
    )
    whole = {**CONFIG, "experiments": {**CONFIG["experiments"], "other": {}}}
    facts = {"echo": FACTS, "other": FACTS}
    macros = experiment_numbers.overall_macros(whole, both, by_distance, facts)
    assert macros["ExperimentNames"] == "echo and other"
    counts = [macros[name] for name in ("ExperimentCount", "PointCount", "NetCount")]
    assert counts == ["2", "5", "20"]
    assert macros["GradientCount"] == "40" and macros["MovedHorizons"] == "4"
    assert macros["BoundedPoints"] == macros["PointCount"] and macros["BoundExcess"] != "--"
    assert phrases.sentences(macros) == []


@pytest.mark.parametrize(("unknown", "points"), [(1, "3"), (4, "0")])
def test_bounds_of_some_cells_or_of_none(unknown, points):
    table = distances()
    missing = table["run"].isin(table["run"].unique()[:unknown])
    table.loc[missing, "log10_bound"] = np.nan
    macros = experiment_numbers.overall_macros(CONFIG, summary(), table, {"echo": FACTS})
    assert macros["BoundedPoints"] == points
    assert (macros["BoundExcess"] == "--") == (points == "0")


def test_a_single_grid_point_without_any_loss():
    experiment = CONFIG["experiments"]["echo"]
    macros = experiment_numbers.experiment_macros(
        "echo", experiment, FACTS, summary([3]), distances([3])
    )
    unknown = ("BestLoss", "BestLossMedian", "BestPerplexity", "HorizonLoss")
    assert [macros[name] for name in unknown] == 4 * ["--"]
    assert macros["Baselines"] == r"\baseline{guessing}{1}{2.72}{0}"
    assert (macros["Points"], macros["GrowingBounds"]) == ("1", "1")
    assert "nan" not in " ".join(macros.values()).lower()


def test_tables():
    table = paper_tables.by_activation(summary())
    rows = table.split("\\midrule\n")[1].splitlines()[:2]
    assert rows[0].startswith(r"tanh & 1.5 & 0.400 [0.300, 0.500] & 1.49 & 50.0\,\% & ")
    assert rows[1].startswith("ReLU & 0.5 & 0.700 ") and rows[1].endswith(r"& 2 & 1 & 0/4 \\")
    whole = paper_tables.whole_grid("Echo", summary(), distances())
    assert whole.count(r"ReLU & ") == 2 and whole.count(r"\caption{Echo}") == 1


def test_several_initialisations_are_named():
    table = summary().replace({"initialisation": {"gaussian": "other"}})
    several = pd.concat([summary(), table])
    assert grid_points.variant_label(several.iloc[0], several) == "gaussian, tanh"
    assert grid_points.variant_label(several.iloc[0], summary()) == "tanh"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, {"ClipNorm": "1"}),
        ({"gradient_clip_value": 0.5}, {"ClipNorm": "1", "ClipValue": "0.5"}),
        ({"gradient_clip": None, "truncation": 5}, {"Truncation": "5"}),
        (
            {"regulariser": "pascanu_2013_code"},
            {
                "ClipNorm": "1",
                "Regulariser": "the published program of Pascanu, Mikolov and Bengio (2013)",
            },
        ),
        (
            {"flossing": {"exponents": 1, "steps": 200}},
            {"ClipNorm": "1", "FlossingSteps": "200", "FlossingExponents": "1"},
        ),
    ],
)
def test_what_is_done_with_the_gradient(changes, expected):
    given = EXPERIMENT | {"training": {"steps": 10, "regulariser_weight": 2, **changes}}
    experiment = configuration.resolve({"experiments": {"echo": given}})["experiments"]["echo"]
    macros = experiment_numbers.experiment_macros("echo", experiment, FACTS, summary(), distances())
    names = ("ClipNorm", "ClipValue", "Truncation", "Regulariser", "FlossingSteps")
    found = {name: macros[name] for name in (*names, "FlossingExponents")}
    assert {name: value for name, value in found.items() if value != "--"} == expected
    assert macros["RegulariserWeight"] == "2"
    assert phrases.sentences(macros) == []
