"""The paper's numbers and sentences from small tables whose answers are known by hand."""

import re

import numpy as np
import pandas as pd
import pytest

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
    assert macros["BestLoss"] == "0.400 [0.300, 0.500]"
    assert (macros["LossName"], macros["LossUnit"]) == ("loss", " nats")
    assert macros["BestBeside"] == r"a perplexity of 1.49 and an accuracy of 50.0\,\%"
    # 0.9 is below 1, but its interval reaches 1.1; nothing is known of the fourth.
    assert macros["Comparison"] == (
        "The loss of guessing is 1 nats (perplexity 2.72); 2 of the 4 grid points are better."
    )
    assert macros["Divergence"] == "3 nets diverged and stayed frozen from then on."


def test_a_squared_error_has_neither_nats_nor_perplexity():
    experiment = CONFIG["experiments"]["echo"]
    facts = {**FACTS, "loss": "squared_error", "tolerance": 0.04}
    own = experiment_numbers.experiment_macros("echo", experiment, facts, summary(), distances())
    assert (own["LossName"], own["LossUnit"]) == ("mean squared error", "")
    assert own["BestLoss"] == "0.400 [0.300, 0.500]"
    assert own["BestBeside"] == r"and 50.0\,\% of the answers are less than 0.04 off"
    assert own["Comparison"] == (
        "The mean squared error of guessing is 1; 2 of the 4 grid points are better."
    )
    overall = experiment_numbers.overall_macros(CONFIG, summary(), distances(), {"echo": facts})
    assert "a held-out mean squared error of 0.400 against 1 for" in overall["AbstractFindings"]
    assert "$E_t=" in overall["SquaredErrorNote"]
    plain = experiment_numbers.overall_macros(CONFIG, summary(), distances(), {"echo": FACTS})
    assert plain["SquaredErrorNote"] == ""
    table = paper_tables.by_activation(summary(), "squared_error")
    said = " ".join([*own.values(), overall["AbstractFindings"], table])
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
    own = experiment_numbers.experiment_macros("digits", experiment, facts, summary(), distances())
    assert own["SequenceLength"] == "8" and own["Relevance"] == ""


def test_how_the_horizon_moves(macros):
    assert macros["ShortestBefore"] == "1 (tanh networks of radius 0.5)"
    assert macros["LongestAfter"] == r"\ensuremath{\ge}4.5 (tanh networks of radius 1.5)"
    moved = [macros[key] for key in ("Lengthened", "Shortened", "Unmoved")]
    assert moved == ["1", "2", "1"]
    # Ranks 1, 3, 2 of the horizons with losses 0.9, 0.4, 0.7: exactly reversed.
    assert macros["HorizonLoss"] == r"is \ensuremath{-}1"
    assert "have 10.0\\,\\% of their gradient there before training and 30.0" in macros["Relevance"]
    assert macros["Relevance"].startswith("Distance 2 ")


def test_the_bound_and_what_is_measured(macros):
    # sigma_max is 1 or 3; at distance 2 the bounds are 10^0 (by a hair more) and 10^0.954.
    assert macros["MiddleDistance"] == "2"
    assert macros["GrowingBounds"] == (
        "All of the 4 grid points have a worst-case bound that grows with distance before "
        "training; at 3 of them the measured transport shrinks all the same."
    )
    excesses = [1.0, 2 * np.log10(3) + 1.0, 1.0, 2 * np.log10(3) - 0.5]
    told = re.search(r"a median of (\S+) decades above the transport before", macros["BoundExcess"])
    assert float(told[1]) == pytest.approx(np.median(excesses), abs=0.05)
    assert macros["CoherenceNearAfter"] == "0.50" and macros["CoherenceFarAfter"] == "0.17"


def test_cells_without_a_bound():
    unknown = distances().assign(log10_bound=np.nan)
    experiment = CONFIG["experiments"]["echo"]
    macros = experiment_numbers.experiment_macros("echo", experiment, FACTS, summary(), unknown)
    assert macros["BoundExcess"] == "Of these cells no worst-case bound is known."
    assert macros["GrowingBounds"] == (
        "None of the 4 grid points have a worst-case bound that grows with distance before "
        "training."
    )


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
    assert macros["PointCount"] == "5 grid points" and macros["NetCount"] == "20 networks"
    assert macros["GradientCount"] == "40 gradients" and macros["MovedHorizons"] == "4"
    assert macros["AbstractFindings"].count("learn best") == 2
    assert macros["BoundExcess"].endswith("the bound allows, over all grid points after training.")


def test_bounds_of_some_cells_or_of_none():
    for unknown, ending in (
        ("run", "over the 3 grid points with a bound after training."),
        (None, ""),
    ):
        table = distances()
        missing = table["run"] == table["run"].iloc[0] if unknown else slice(None)
        table.loc[missing, "log10_bound"] = np.nan
        macros = experiment_numbers.overall_macros(CONFIG, summary(), table, {"echo": FACTS})
        assert macros["BoundExcess"].endswith(ending)
        assert bool(macros["BoundExcess"]) == bool(ending)


def test_a_single_grid_point_without_any_loss():
    experiment = CONFIG["experiments"]["echo"]
    macros = experiment_numbers.experiment_macros(
        "echo", experiment, FACTS, summary([3]), distances([3])
    )
    assert macros["BestLoss"] == "--" and macros["HorizonLoss"] == "is not defined"
    assert macros["Comparison"].endswith("the only grid point is not better.")
    assert macros["GrowingBounds"].startswith("The only grid point has a worst-case bound")
    assert "nan" not in " ".join(macros.values()).lower()


def test_tables():
    table = paper_tables.by_activation(summary())
    rows = table.split("\\midrule\n")[1].splitlines()[:2]
    assert rows[0].startswith(r"tanh & 1.5 & 0.400 [0.300, 0.500] & 1.49 & 50.0\,\% & ")
    assert rows[1].startswith("ReLU & 0.5 & 0.700 ") and rows[1].endswith(r"& 2 & 1 & 0/4 \\")
    whole = paper_tables.whole_grid("Echo", summary(), distances())
    assert whole.count(r"ReLU & ") == 2 and whole.count(r"\caption{Echo}") == 1


@pytest.mark.parametrize(
    ("words", "text"), [(["a"], "a"), (["a", "b"], "a and b"), ("abc", "a, b and c")]
)
def test_conjunction(words, text):
    assert experiment_numbers.conjunction(words) == text


def test_several_initialisations_are_named():
    table = summary().replace({"initialisation": {"gaussian": "other"}})
    several = pd.concat([summary(), table])
    assert grid_points.variant_label(several.iloc[0], several) == "gaussian, tanh"
    assert grid_points.variant_label(several.iloc[0], summary()) == "tanh"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "clipped at norm 1"),
        ({"gradient_clip_value": 0.5}, "clipped at norm 1 and then at value 0.5"),
        (
            {"gradient_clip": None, "truncation": 5},
            "without clipping, truncated to blocks of 5 steps",
        ),
        (
            {"regulariser": "pascanu_2013_code", "regulariser_weight": 2},
            "clipped at norm 1, regularised with weight 2 by the published program of Pascanu, "
            "Mikolov and Bengio (2013)",
        ),
        (
            {"flossing": {"exponents": 1, "steps": 200}},
            "clipped at norm 1, after 200 steps of flossing 1 exponent",
        ),
    ],
)
def test_what_is_done_with_the_gradient(changes, words):
    given = EXPERIMENT | {"training": {"steps": 10, **changes}}
    experiment = configuration.resolve({"experiments": {"echo": given}})["experiments"]["echo"]
    macros = experiment_numbers.experiment_macros("echo", experiment, FACTS, summary(), distances())
    assert macros["Clipping"] == words
