"""Sentences on theory, truncation and influence from small tables whose answers are known."""

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
    gap = theory_numbers.slope_gaps(slopes())
    assert gap["before"] == "0.020"
    assert gap["after"] == "0.20"
    assert gap["largest"] == r"\ensuremath{-}0.50 (tanh networks of radius 1.5)"
    # The last interval reaches from -0.1 to 0.5.
    assert gap["outside"] == "2 of 3 grid points"
    assert gap["bound"] == "1"
    own, across = theory_numbers.slope_macros(slopes()), theory_numbers.across_macros(slopes())
    assert "the bound lies a median of 1 a step above" in own["SlopeGaps"]
    assert "and the mean field is off by 0.020 in the median. After" in own["SlopeGaps"]
    assert "to 0.020 a step in the median before" in across["MeanFieldFinding"]
    assert across["SlopesAcross"].startswith("Over all grid points the median")
    some = theory_numbers.across_macros(slopes(deviation=(0.01, -0.02, np.nan)))
    assert some["SlopesAcross"].startswith("Over the 2 grid points of which both are known the")
    assert "zero lies outside of its interval at 2 of 3 grid points" in across["SlopesAcross"]


def test_of_several_experiments_the_largest_gap_is_named_with_its_own():
    other = slopes(after=(0.1, 0.1, 0.1)).assign(experiment="temporal_order")
    found = theory_numbers.slope_gaps(pd.concat([other, slopes()], ignore_index=True))
    gap = r"\ensuremath{-}0.50 (tanh networks of radius 1.5, echo)"
    assert found["largest"] == gap


def test_no_gap_is_known():
    unknown = (np.nan,) * 3
    table = slopes(unknown, unknown, unknown)
    gap = theory_numbers.slope_gaps(table)
    assert gap["largest"] == "none" and gap["after"] == "--"
    assert gap["outside"] == "0 of 0 grid points"
    own, across = theory_numbers.slope_macros(table), theory_numbers.across_macros(table)
    assert own["SlopeGaps"].endswith(
        "before training. Mean-field theory is of the simple cell only."
    )
    assert across["MeanFieldFinding"] == ""
    assert across["SlopesAcross"].startswith("The bound lies a median of 1 above")


@pytest.mark.parametrize("deviation", [(0.01, -0.02, 0.03), (np.nan,) * 3])
def test_no_bound_is_known(deviation):
    table = slopes(deviation, deviation, deviation).assign(worst_slope=np.nan)
    own, across = theory_numbers.slope_macros(table), theory_numbers.across_macros(table)
    sentence = own["SlopeGaps"]
    assert sentence.startswith("No worst-case bound is known of these cells")
    assert ("mean field is off by 0.020" in sentence) == (not np.isnan(deviation[0]))
    for text in (sentence, *across.values()):
        assert "nan" not in text and "--" not in text and "bound lies" not in text


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
    macros = theory_numbers.reach_macros(summary(), distances(), None)
    assert macros["ShortestTruncation"] == "7 (tanh networks of radius 0.5)"
    assert macros["LongestTruncation"] == r"\ensuremath{\ge}12 (tanh networks of radius 1.5)"
    assert macros["SaturatedBefore"] == r"10.0\,\%" and macros["SaturatedAfter"] == r"40.0\,\%"
    assert macros["InputAlike"] == "2 of the 3 grid points have"


@pytest.mark.parametrize(
    ("low", "where"),
    [
        ((1.0, 0.5, 0.1, -0.2, 0.3), "up to distance 2"),
        ((1.0, 2.0), "at all distances"),
        ((0.0, 1.0), "at no distance"),
        ((np.nan, np.nan), "at no distance"),
    ],
)
def test_how_far_contributions_are_more_than_noise(low, where):
    """The lowest loss is that of the second grid point."""
    sentence = theory_numbers.reach_macros(summary(), distances(low), None)["Signal"]
    assert sentence.startswith("For the tanh networks of radius 1.5,") and sentence.endswith(where)


def test_influence_beside_the_gradient():
    """Forward horizons 3 and 9 beside h99 of 6 and 4: at 3 - 1 < 6 - 1 nearer, at 9 - 1 farther."""
    sentence = theory_numbers.reach_macros(summary(), distances(), 10)["Influence"]
    assert "up to 9 steps back (the task asks for 10 steps); 99\\,\\% of their gradient lie" in (
        sentence
    )
    assert "within distance 4." in sentence
    assert "Of the 2 grid points where both" in sentence
    assert "from farther back at 1 and from less far back at 1" in sentence


def test_a_lower_bound_is_not_compared():
    sentence = theory_numbers.reach_macros(
        summary(forward_censored=(False, True, False)), distances(), None
    )["Influence"]
    assert r"up to \ensuremath{\ge}9 steps back; 99" in sentence
    assert "Of the 1 grid point where both" in sentence
    assert "from farther back at 0 and from less far back at 1" in sentence


def test_nothing_was_learnt():
    nothing = theory_numbers.reach_macros(summary((np.nan,) * 3), distances(), None)
    assert nothing["Influence"] == "No grid point has learnt to use its inputs."


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
    assert "No task of this run has a place that matters." in nothing
