"""What the remedies changed: compared by hand, written down, and counted."""

import re

import numpy as np
import pandas as pd
import pytest

import phrases
from gradient_horizon.analysis import remedies, remedy_cost, tables
from gradient_horizon.config import configuration
from gradient_horizon.report import remedy_numbers

STATISTICS = {"confidence": 0.95, "resamples": 500}
SEEDS = 6
# Accuracy after training by remedy, a number a seed.
ACCURACY = {
    "none": [0.2, 0.3, 0.4, 0.5, 0.6, 1.0],
    "adam": [0.5, 0.6, 0.7, 0.8, 0.9, 1.0],
    "no_clipping": [0.1, 0.2, 0.3, 0.4, 0.5, 0.9],
    "momentum": [0.3, 0.2, 0.5, 0.4, 0.7, 0.9],
}
DISTANCES, RELEVANT, STEPS = 5, 4, (0, 7)


def axes(remedy, radius=0.8):
    name = f"rnn_tanh_gaussian_rho{radius:.2f}" + (f"_{remedy}" if remedy != "none" else "")
    return {
        "experiment": "both",
        "run": name,
        "task": "temporal_order",
        "cell": "rnn",
        "activation": "tanh",
        "initialisation": "gaussian",
        "radius": radius,
        "remedy": remedy,
    }


def measured(remedy_names=tuple(ACCURACY), order=1):
    """The tables that a comparison reads, from numbers that tell where they come from."""
    summary, distances = [], []
    for place, remedy in enumerate(remedy_names):
        for step in STEPS:
            for seed in range(SEEDS)[::order]:
                known = dict.fromkeys(tables.SUMMARY_COLUMNS, 1.0)
                known |= {f"{name}_censored": False for name in tables.CENSORED_COLUMNS}
                known |= dict.fromkeys(tables.CENSORED_COLUMNS, 3.0)
                known |= {
                    "residual": 1e-15,
                    "diverged_at": 3 if (remedy, seed) == ("adam", 0) else -1,
                }
                known["accuracy"] = ACCURACY[remedy][seed] if step else 0.25
                summary.append({**axes(remedy), "seed": seed, "step": step, **known})
                for distance in range(DISTANCES):
                    share = 10.0 ** -(distance + (place + 1) * (step > 0))
                    known = dict.fromkeys(tables.DISTANCE_COLUMNS, 1.0) | {"share": share}
                    known |= dict.fromkeys(tables.PART_COLUMNS, np.nan)
                    known |= {"seed": seed, "step": step, "distance": distance}
                    distances.append({**axes(remedy), **known, "log10_bound": 0.0, "extinct": 0.0})
    return pd.DataFrame(summary), pd.DataFrame(distances)


def compared(*given, relevant=RELEVANT, **options):
    summary, distances = measured(*given, **options)
    medians = tables.summary_medians(summary, STATISTICS)
    by_distance = tables.distance_medians(distances, STATISTICS)
    return remedies.comparison(summary, medians, by_distance, relevant, STATISTICS)


# The comparison


@pytest.mark.parametrize("order", [1, -1])
def test_nets_are_compared_seed_by_seed(order):
    found = compared(order=order).set_index("remedy")
    assert list(found.index) == list(ACCURACY)
    for remedy, accuracy in ACCURACY.items():
        row = found.loc[remedy]
        gains = np.subtract(accuracy, ACCURACY["none"])
        assert row["accuracy"] == np.median(accuracy)
        if remedy == "none":
            assert np.isnan(row[["gain", "gain_low", "gain_high"]].astype(float)).all()
        else:
            assert row["gain"] == pytest.approx(np.median(gains), abs=1e-15)
            assert gains.min() - 1e-15 <= row["gain_low"] <= row["gain"] <= row["gain_high"]
        assert row["solved"] == sum(number >= 0.99 for number in accuracy)
        assert (row["seeds"], row["diverged"]) == (SEEDS, int(remedy == "adam"))
    # A steady gain has no spread, however much the seeds differ.
    assert found.loc["no_clipping", "gain_high"] == pytest.approx(-0.1, abs=1e-15)


def test_shares_are_those_at_the_relevant_distance():
    """W_hh reads what was read d steps back at distance d - 1."""
    found = compared()
    np.testing.assert_array_equal(found["share_before"], 10.0 ** -(RELEVANT - 1))
    expected = [10.0 ** -(RELEVANT - 1 + place + 1) for place in range(len(ACCURACY))]
    np.testing.assert_array_equal(found["share_after"], expected)
    assert compared(relevant=None)["share_after"].isna().all()


def test_without_plain_nets_there_are_no_gains():
    found = compared(("adam", "momentum"))
    assert found["gain"].isna().all() and list(found["solved"]) == [1, 0]


def test_only_experiments_with_several_remedies_are_compared():
    summary, distances = measured()
    single = summary[summary["remedy"] == "none"].assign(experiment="single")
    others = distances[distances["remedy"] == "none"].assign(experiment="single")
    summary, distances = pd.concat([single, summary]), pd.concat([others, distances])
    collected = {
        "summary": summary,
        "summary_median": tables.summary_medians(summary, STATISTICS),
        "contributions_median": tables.distance_medians(distances, STATISTICS),
    }
    relevant = {"single": RELEVANT, "both": RELEVANT}
    found = tables.comparisons(collected, relevant, STATISTICS)
    pd.testing.assert_frame_equal(found, compared())
    nothing = tables.comparisons(collected, {"single": RELEVANT}, STATISTICS)
    assert list(nothing.columns) == list(found.columns) and not len(nothing)


# Numbers and table


EXPERIMENT = {
    "task": {"name": "temporal_order", "sequence_length": 20},
    "grid": {
        "spectral_radii": [0.8],
        "remedies": {
            "none": {},
            "adam": {"optimiser": "adam", "learning_rate": 0.01},
            "no_clipping": {"gradient_clip": None},
            "momentum": {"optimiser": "momentum"},
        },
    },
}
WHOLE = configuration.resolve({"experiments": {"both": EXPERIMENT}})["experiments"]["both"]
COST = {"none": 1.0, "adam": 1.25, "no_clipping": 0.75, "momentum": 1.0}


def starts(comparison):
    """The arguments of every `\\remedystart`."""
    text = remedy_numbers.remedy_macros(WHOLE, comparison, COST)["RemedyStarts"]
    found = [re.sub(r"\\emph\{([^{}]*)\}", r"\1", part) for part in text.split(r"\remedystart")[1:]]
    found = [part.replace(r"\ensuremath{-}", "-") for part in found]
    assert all(re.fullmatch(r"(\{[^{}]*\}){7}", part) for part in found)
    return [re.findall(r"\{([^{}]*)\}", part) for part in found]


def test_many_undecided_remedies_are_not_named():
    """More than three: the table has them all."""
    rows = compared()
    momentum = rows[rows["remedy"] == "momentum"]
    for count, named in ((2, "momentum, other 0 and other 1"), (3, "")):
        more = [
            momentum.assign(remedy=name, run=momentum["run"].str.replace("momentum", name))
            for name in (f"other_{number}" for number in range(count))
        ]
        (start,) = starts(pd.concat([rows, *more], ignore_index=True))
        assert start[5:] == [named, str(count + 1)]


def test_what_helped_and_what_did_not():
    (start,) = starts(compared())
    assert start[:3] == ["radius 0.8", "1", "6"]
    assert start[3].startswith("adam (0.30 [") and start[4].startswith("no clipping (-0.10 [")
    assert start[5:] == ["momentum", "1"]
    macros = remedy_numbers.remedy_macros(WHOLE, compared(), COST)
    assert (macros["CostliestRemedy"], macros["LargestCost"]) == ("adam", "1.250")
    assert macros["RemedyChanges"] == (
        "adam: optimiser adam, learning rate 0.01; no clipping: gradient clip none; "
        "momentum: optimiser momentum"
    )
    assert phrases.sentences(macros) == []


def test_without_anything_to_compare_with_nothing_is_said():
    found = compared(("adam", "momentum"))
    assert starts(found) == []
    assert remedy_numbers.remedy_table(found, COST).count("--") == 2


def test_the_table_has_a_row_for_each_remedy():
    lines = remedy_numbers.remedy_table(compared(), COST).splitlines()
    first = lines.index(r"\midrule") + 1
    assert lines[first].startswith(r"\emph{radius 0.8} &  &  &  & \ensuremath{-}3 [")
    rows = [line.split(" & ") for line in lines[first + 1 : -2]]
    assert [row[0] for row in rows] == ["plain", "adam", "no clipping", "momentum"]
    assert rows[1][3:] == [
        "1/6",
        r"\ensuremath{-}5 [\ensuremath{-}5, \ensuremath{-}5]",
        "3 [3, 3]",
        "1",
        r"1.250 \\",
    ]
    assert rows[0][2] == "--"


# Cost


@pytest.mark.parametrize(
    ("changes", "operations"),
    [
        # The norm takes two operations a weight, clipping one, a step of descent two.
        ({}, 2 + 1 + 2),
        ({"gradient_clip": None}, 2 + 2),
        ({"gradient_clip": None, "gradient_clip_value": 0.1}, 2 + 1 + 2),
        ({"gradient_clip_value": 0.1}, 2 + 1 + 1 + 2),
        # Velocity: two products and a difference; then a sum.
        ({"optimiser": "momentum"}, 2 + 1 + 4),
        # Each moment two products and a sum, one a square; root, sum, ratio, product and step.
        ({"optimiser": "adam"}, 2 + 1 + 3 + 4 + 5),
    ],
)
def test_operations_of_an_update(changes, operations):
    training = WHOLE["training"] | {"gradient_clip": 1.0} | changes
    assert remedy_cost.update_operations(training) == operations


def test_operations_of_a_step_by_hand():
    facts = {"input_size": 3, "output_size": 2, "embedded": False}
    given = ({"hidden_size": 2, "embedding_size": 7}, WHOLE["training"] | {"batch_size": 5})
    mask = np.array([False, False, False, True])
    # W_hh and W_hx have 10 entries, at 4 steps; W_s has 4, at one step; with biases 18 weights.
    assert remedy_cost.step_operations("rnn", *given, facts, mask) == 6 * 5 * 44 + 5 * 18
    embedded = facts | {"embedded": True}
    # W_hx is 2 by 7 now, and 21 entries of vectors are updated too.
    expected = 6 * 5 * (4 * 18 + 4) + 5 * (26 + 21)
    assert remedy_cost.step_operations("rnn", *given, embedded, mask) == expected


def test_operations_of_a_regulariser_and_of_flossing_by_hand():
    facts = {"input_size": 3, "output_size": 2, "embedded": False}
    model, mask = {"hidden_size": 2, "embedding_size": 7}, np.arange(4) == 3
    plain = WHOLE["training"] | {"batch_size": 5, "steps": 100}
    options = {"exponents": 1, "steps": 10, "every": None, "episodes": 2}

    def more(**changes):
        counts = [
            remedy_cost.step_operations("rnn", model, training, facts, mask)
            for training in (plain | changes, plain)
        ]
        return counts[0] - counts[1]

    # W_hh has 4 entries, at 4 steps of 5 sequences.
    assert more(regulariser="pascanu_2013_code") == 2 * 2 * 4 * 4 * 5
    # Ten sequences of 4 steps, over 100 training steps: 3 products by W_hh for state and column.
    assert more(flossing=options) == round(10 * 4 * (3 * 2 * 2 * 4 + 10 * 2) / 100)
    again = more(flossing=options | {"every": 99})
    assert again == more(flossing=options | {"every": 1, "episodes": 1})
    assert again == round(20 * 4 * 68 / 100)


def test_operations_that_truncation_leaves_out():
    facts = {"input_size": 3, "output_size": 2, "embedded": False}
    mask = np.arange(9) == 8

    def count(**changes):
        training = WHOLE["training"] | {"batch_size": 5} | changes
        return remedy_cost.step_operations("rnn", {"hidden_size": 4}, training, facts, mask)

    # A product with W_hh takes 2 operations for 16 entries and 5 sequences; of 9 steps it is left
    # out before the last 3 and 6, before the last 4 and 8, and nowhere.
    assert [count() - count(truncation=length) for length in (3, 4, 9)] == [320, 320, 0]


def test_costs_are_relative_to_plain():
    facts = {"input_size": 6, "output_size": 4, "embedded": False}
    costs = remedy_cost.relative_costs(WHOLE, facts, np.arange(20) == 19)
    assert costs["none"] == 1.0 and costs["no_clipping"] < 1.0 < costs["momentum"] < costs["adam"]
