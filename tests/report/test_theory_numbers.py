"""Numbers on theory, truncation and influence from small tables whose answers are known."""

import numpy as np
import pandas as pd
import pytest

from gradient_horizon.report import paper_tables, theory_numbers

POINTS = [("tanh", 0.5), ("tanh", 1.5), ("relu", 1.0)]


def rows(**columns):
    """A row for each grid point before (step 0) and after training; a column is a pair of lists."""
    table = []
    for when, step in enumerate((0, 10)):
        for place, (activation, radius) in enumerate(POINTS):
            table.append(
                {
                    "experiment": "echo",
                    "run": f"{activation}_{radius}",
                    "cell": "rnn",
                    "activation": activation,
                    "initialisation": "gaussian",
                    "remedy": "none",
                    "radius": radius,
                    "step": step,
                    **{name: values[when][place] for name, values in columns.items()},
                }
            )
    return pd.DataFrame(table)


def slopes(deviation=(0.01, -0.02, 0.03), after=(0.1, -0.5, 0.2), low=(0.05, -0.6, -0.1)):
    high = tuple(2 * middle - end for middle, end in zip(after, low, strict=True))
    return rows(
        slope=((-1.0, -0.5, 0.0), (-1.0, -0.7, -0.4)),
        slope_low=((-1.1, -0.6, -0.1), (-1.1, -0.8, -0.5)),
        slope_high=((-0.9, -0.4, 0.1), (-0.9, -0.6, -0.3)),
        mean_field_slope=((-1.01, -0.48, -0.03), (-1.1, -0.2, -0.6)),
        worst_slope=((0.0, 1.0, 0.75), (0.0, 1.0, 0.75)),
        deviation=(deviation, after),
        deviation_low=(deviation, low),
        deviation_high=(deviation, high),
    )


def test_gaps_between_theory_and_measurement():
    macros = theory_numbers.slope_macros(slopes())
    assert (macros["MeanFieldGapBefore"], macros["MeanFieldGapAfter"]) == ("0.020", "0.20")
    assert macros["LargestMeanFieldGap"] == r"\ensuremath{-}0.50"
    assert macros["LargestMeanFieldPoint"] == "tanh networks of radius 1.5"
    # The last interval reaches from -0.1 to 0.5.
    assert (macros["MeanFieldOutside"], macros["MeanFieldCompared"]) == ("2", "3")
    assert macros["BoundGap"] == "1"


def test_all_experiments_together():
    assert theory_numbers.across_macros(slopes())["MeanFieldPoints"] == "3"
    some = theory_numbers.across_macros(slopes(deviation=(0.01, -0.02, np.nan)))
    assert (some["MeanFieldPoints"], some["MeanFieldGapBefore"]) == ("2", "0.015")


def test_of_several_experiments_the_largest_gap_is_named_with_its_own():
    other = slopes(after=(0.1, 0.1, 0.1)).assign(experiment="temporal_order")
    macros = theory_numbers.across_macros(pd.concat([other, slopes()], ignore_index=True))
    assert macros["LargestMeanFieldGap"] == r"\ensuremath{-}0.50"
    assert macros["LargestMeanFieldPoint"] == "tanh networks of radius 1.5, echo"


def test_no_gap_is_known():
    unknown = (np.nan,) * 3
    macros = theory_numbers.across_macros(slopes(unknown, unknown, unknown))
    gaps = ("MeanFieldGapBefore", "MeanFieldGapAfter", "LargestMeanFieldGap")
    assert [macros[name] for name in (*gaps, "LargestMeanFieldPoint")] == 4 * ["--"]
    counts = ("MeanFieldPoints", "MeanFieldOutside", "MeanFieldCompared")
    assert [macros[name] for name in counts] == 3 * ["0"]
    assert macros["BoundGap"] == "1"


@pytest.mark.parametrize("known", [True, False])
def test_no_bound_is_known(known):
    deviation = (0.01, -0.02, 0.03) if known else (np.nan,) * 3
    table = slopes(deviation, deviation, deviation).assign(worst_slope=np.nan)
    macros = theory_numbers.slope_macros(table)
    assert macros["BoundGap"] == "--"
    assert macros["MeanFieldGapBefore"] == ("0.020" if known else "--")


def test_matrices_beside_their_limits():
    table = rows(
        spectral_radius=((0.5, 1.5, 1.0), (9.0, 9.0, 9.0)),
        sigma_max=((0.9, 2.7, 1.9), (9.0, 9.0, 9.0)),
        gain=((0.5, 1.25, 1.0), (9.0, 9.0, 9.0)),
    )
    macros = theory_numbers.matrix_macros(table)
    assert macros["RadiusOverGain"] == "1" and macros["SigmaOverGain"] == "1.90"
    assert (macros["RadiusLimit"], macros["SigmaLimit"]) == ("1", "2")
    nothing = theory_numbers.matrix_macros(table.assign(initialisation="identity"))
    assert nothing["SigmaOverGain"] == "--"


def summary(forward=(3.0, 9.0, np.nan), forward_censored=(False, False, False)):
    nothing = (False,) * 3
    return rows(
        loss=((2.0, 2.0, 2.0), (0.9, 0.4, 0.7)),
        h99=((1.0, 2.0, 3.0), (6.0, 4.0, 2.0)),
        h99_censored=(nothing, nothing),
        input_h99=((1.0, 2.0, 3.0), (6.0, 5.0, 4.0)),
        input_h99_censored=(nothing, nothing),
        k01=((1.0, 2.0, 3.0), (7.0, 12.0, np.nan)),
        k01_censored=(nothing, (False, True, False)),
        saturated=((0.0, 0.1, 0.2), (0.3, 0.4, 0.5)),
        forward_horizon=((np.nan,) * 3, forward),
        forward_horizon_censored=(nothing, forward_censored),
    )


def distances(low=(1.0, 0.5, 0.1, -0.2, 0.3)):
    return pd.DataFrame(
        {
            "run": "tanh_1.5",
            "step": 10,
            "distance": np.arange(len(low))[::-1],
            "signal_squared_low": np.array(low)[::-1],
        }
    )


def test_truncation_and_saturation():
    macros = theory_numbers.reach_macros(summary(), distances())
    assert macros["ShortestTruncation"] == "7 (tanh networks of radius 0.5)"
    assert macros["LongestTruncation"] == r"\ensuremath{\ge}12 (tanh networks of radius 1.5)"
    assert macros["SaturatedBefore"] == r"10.0\,\%" and macros["SaturatedAfter"] == r"40.0\,\%"
    assert macros["InputAlike"] == "2"


@pytest.mark.parametrize(
    ("low", "reach"),
    [
        ((1.0, 0.5, 0.1, -0.2, 0.3), "2"),
        ((1.0, 2.0), "all"),
        ((0.0, 1.0), "none"),
        ((np.nan, np.nan), "none"),
    ],
)
def test_how_far_contributions_are_more_than_noise(low, reach):
    """The lowest loss is that of the second grid point."""
    assert theory_numbers.reach_macros(summary(), distances(low))["SignalReach"] == reach


def influence(*forward):
    macros = theory_numbers.reach_macros(summary(*forward), distances())
    names = ("BestForwardHorizon", "HorizonsKnown", "InfluenceFarther", "InfluenceNearer")
    return tuple(macros[name] for name in names)


def test_influence_beside_the_gradient():
    """Forward horizons 3 and 9 beside h99 of 6 and 4: at 3 - 1 < 6 - 1 nearer, at 9 - 1 farther."""
    assert influence() == ("9", "2", "1", "1")


def test_a_lower_bound_is_not_compared():
    bound = r"\ensuremath{\ge}9"
    assert influence((3.0, 9.0, np.nan), (False, True, False)) == (bound, "1", "0", "1")


def test_nothing_was_learnt():
    assert influence((np.nan,) * 3) == ("--", "0", "0", "0")


def test_the_table_of_slopes():
    lines = paper_tables.slopes(slopes()).splitlines()
    assert "tanh & 0.5 & \\ensuremath{-}1 [\\ensuremath{-}1.10, \\ensuremath{-}0.900]" in lines[5]
    assert len(lines) == 10


def correlations(experiments=("echo", "order")):
    table = [
        {
            "experiment": experiment,
            "cell": "rnn",
            "initialisation": "gaussian",
            "remedy": "none",
            "radius_held": held,
            "activation": activation,
            "predictor": predictor,
            "rho": 0.5 - held / 4 + 0.1 * (experiment == "order"),
            "low": 0.1,
            "high": 0.9,
            "nets": 9,
        }
        for experiment in experiments
        for held in (False, True)
        for activation in ("tanh", "all")
        for predictor in ("share", "log10_transport")
    ]
    return pd.DataFrame(table, columns=paper_columns())


def paper_columns():
    axes = ["experiment", "cell", "initialisation", "remedy", "radius_held", "activation"]
    return [*axes, "predictor", "rho", "low", "high", "nets"]


def test_the_table_of_correlations():
    text = paper_tables.learnability(correlations())
    assert r"tanh & 0.50 [0.10, 0.90] & 0.25 [0.10, 0.90] & 0.60 [0.10, 0.90] & 0.35" in text
    assert text.count("all together") == 1
    three = paper_tables.learnability(correlations(("echo", "order", "third")))
    lines = three.splitlines()
    assert lines[0] == r"\begin{tabular}{lll}" and three.count("0.60 [0.10, 0.90] & 0.35") == 1
    assert lines[4] == r"echo & 0.50 [0.10, 0.90] & 0.25 [0.10, 0.90] \\"
    both = pd.concat(
        [correlations(("a", "b", "c")), correlations(("a", "b", "c")).assign(activation="relu")]
    ).drop_duplicates(subset=paper_columns()[:7])
    lines = paper_tables.learnability(both).splitlines()
    assert lines[4:8] == [
        r"\emph{a} &  &  \\",
        *(
            rf"{label} & 0.50 [0.10, 0.90] & 0.25 [0.10, 0.90] \\"
            for label in ("tanh", "all together", "ReLU")
        ),
    ]
    nothing = paper_tables.learnability(correlations(()))
    assert nothing == ""
