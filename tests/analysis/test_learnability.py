"""Rank correlations against SciPy, resamples drawn one by one, closed forms and simulations."""

import numpy as np
import pandas as pd
import pytest
import scipy.stats

from gradient_horizon.analysis.learnability import POOLED, rank_correlations, signal_and_outcome

RADII = (0.5, 1.0, 2.0)


def table_of(**columns):
    """A row a net of one activation and radius, unless the columns say otherwise."""
    nets = len(next(iter(columns.values())))
    return pd.DataFrame({"activation": "tanh", "radius": 1.0, "seed": np.arange(nets), **columns})


def random_table(seed=0, seeds=10, activations=("tanh", "relu")):
    """Predictors and an outcome with ties and infinite values, related by way of the radius."""
    rng = np.random.default_rng(seed)
    design = pd.MultiIndex.from_product(
        [activations, RADII, range(seeds)], names=["activation", "radius", "seed"]
    ).to_frame(index=False)
    signal = design["radius"] + rng.standard_normal(len(design))
    signal[rng.random(len(design)) < 0.1] = -np.inf
    share = rng.integers(0, 6, len(design))
    outcome = np.round(design["radius"] + 0.3 * share + rng.standard_normal(len(design)), 1)
    return design.assign(signal=signal, share=share, outcome=outcome)


def rank_correlation(one, other):
    return np.corrcoef(scipy.stats.rankdata(one), scipy.stats.rankdata(other))[0, 1]


def held_correlation(one, other, groups):
    """Correlation of ranks, less their mean, within each group."""
    parts = []
    for values in (one, other):
        ranks = np.empty(len(values))
        for group in np.unique(groups):
            ranks[groups == group] = scipy.stats.rankdata(values[groups == group])
            ranks[groups == group] -= ranks[groups == group].mean()
        parts.append(ranks)
    return np.corrcoef(*parts)[0, 1]


def row_of(result, activation, predictor):
    (row,) = result[
        (result["activation"] == activation) & (result["predictor"] == predictor)
    ].to_dict("records")
    return row


def test_a_published_example():
    """Intelligence and hours of television a week: rho = -29/165, by 1 - 6 sum d^2 / (n^3 - n)."""
    iq = [106, 100, 86, 101, 99, 103, 97, 113, 112, 110]
    hours = [7, 27, 2, 50, 28, 29, 20, 12, 6, 17]
    result = rank_correlations(table_of(iq=iq, hours=hours), ["iq"], "hours", 0.9, 100)
    assert result["rho"].tolist() == pytest.approx([-29 / 165] * 2, rel=1e-14)
    assert result["activation"].tolist() == ["tanh", POOLED] and (result["nets"] == 10).all()


def test_correlations_are_those_of_scipy():
    table = random_table()
    result = rank_correlations(table, ["signal", "share"], "outcome", 0.9, 50)
    assert list(zip(result["activation"], result["predictor"], strict=True)) == [
        (name, column) for name in ("tanh", "relu", POOLED) for column in ("signal", "share")
    ]
    for row in result.to_dict("records"):
        part = table[(table["activation"] == row["activation"]) | (row["activation"] == POOLED)]
        expected = scipy.stats.spearmanr(part[row["predictor"]], part["outcome"]).statistic
        assert row["rho"] == pytest.approx(expected, rel=1e-13)
        assert row["nets"] == len(part)
        assert -1 <= row["low"] <= row["rho"] <= row["high"] <= 1


@pytest.mark.parametrize("hold_radius", [False, True])
@pytest.mark.parametrize("activation", ["relu", POOLED])
def test_intervals_are_those_of_the_resamples(activation, hold_radius):
    """Draw nets of every grid point with the library's generator, repeat them, correlate."""
    resamples, confidence = 150, 0.9
    table = random_table(seeds=5)
    result = rank_correlations(table, ["share"], "outcome", confidence, resamples, hold_radius)
    part = table[(table["activation"] == activation) | (activation == POOLED)]
    part = part.sort_values(["activation", "radius", "seed"]).reset_index(drop=True)
    points = part.groupby(["activation", "radius"]).ngroup()
    rng = np.random.default_rng(0)
    drawn = [
        part.index[points == point].to_numpy()[rng.integers(0, 5, (5, resamples))]
        for point in range(points.max() + 1)
    ]
    rhos = []
    for places in np.concatenate(drawn).T:
        one, other = (part.loc[places, name].to_numpy() for name in ("share", "outcome"))
        groups = points[places].to_numpy()
        rho = held_correlation(one, other, groups) if hold_radius else rank_correlation(one, other)
        rhos.append(rho)
    rhos.sort()
    row = row_of(result, activation, "share")
    low = next(rho for i, rho in enumerate(rhos) if (i + 1) / resamples >= 0.05)
    high = next(rho for i, rho in enumerate(rhos) if (i + 1) / resamples >= 0.95)
    # Three sums of at most 30 products: 100 units of rounding are plenty.
    np.testing.assert_allclose([row["low"], row["high"]], [low, high], atol=2e-14)


@pytest.mark.parametrize("hold_radius", [False, True])
def test_what_the_radius_hides(hold_radius):
    """Within each radius the outcome falls with the signal, from radius to radius both rise."""
    place = np.arange(12)
    table = table_of(radius=np.repeat(RADII, 4), signal=place, outcome=4 * (place // 4) - place % 4)
    result = rank_correlations(table, ["signal"], "outcome", 0.9, 200, hold_radius)
    squares = ((place - (4 * (place // 4) + 3 - place % 4)) ** 2).sum()
    expected = -1.0 if hold_radius else 1 - 6 * squares / (12**3 - 12)
    assert result["rho"].tolist() == [pytest.approx(expected, rel=1e-14)] * 2


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("constant", ["signal", "outcome"])
def test_constant_columns_have_no_correlation(constant):
    table = random_table().assign(**{constant: -np.inf})
    for hold_radius in (False, True):
        result = rank_correlations(table, ["signal"], "outcome", 0.95, 100, hold_radius)
        assert result[["rho", "low", "high"]].isna().all(axis=None)
        assert result["nets"].tolist() == [30, 30, 60]


@pytest.mark.filterwarnings("error")
def test_resamples_without_a_correlation_are_left_out():
    """One net differs: a resample has a correlation only if it is drawn, and then it is 1."""
    table = table_of(signal=[0, 0, 0, 1], outcome=[0, 0, 0, 1])
    result = rank_correlations(table, ["signal"], "outcome", 0.95, 200)
    assert (result[["rho", "low", "high"]] == 1.0).all(axis=None)


@pytest.mark.filterwarnings("error")
def test_nets_without_a_value_are_left_out():
    table = random_table()
    table.loc[[0, 7], "signal"], table.loc[[3], "outcome"] = np.nan, np.nan
    result = rank_correlations(table, ["signal", "share"], "outcome", 0.9, 100)
    assert result["nets"].tolist() == [27, 29, 30, 30, 57, 59]
    known = table.drop(index=[0, 3, 7])
    expected = rank_correlations(known, ["signal"], "outcome", 0.9, 100)
    pd.testing.assert_frame_equal(
        result[result["predictor"] == "signal"].reset_index(drop=True), expected
    )


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("nets", [1, 2])
def test_too_few_nets(nets):
    table = table_of(signal=range(nets), outcome=range(nets))
    result = rank_correlations(table, ["signal"], "outcome", 0.9, 100)
    assert result["rho"].isna().all() and (result["nets"] == nets).all()
    nothing = rank_correlations(table.assign(signal=np.nan), ["signal"], "outcome", 0.9, 100)
    assert nothing["rho"].isna().all() and (nothing["nets"] == 0).all()


@pytest.mark.filterwarnings("error")
def test_one_seed_a_radius_has_no_interval():
    """There is nothing to draw: an interval of width zero would pretend to certainty."""
    table = random_table(seeds=1)
    result = rank_correlations(table, ["share"], "outcome", 0.9, 100)
    assert result["rho"].notna().all() and result[["low", "high"]].isna().all(axis=None)


NETS = [("a_rho0.50", "tanh", 0.5, 0), ("a_rho0.50", "tanh", 0.5, 1), ("b_rho1.00", "relu", 1.0, 0)]


def tables():
    """A summary and contributions in which every number tells where it comes from."""
    summary, contributions = [], []
    for net, (run, activation, radius, seed) in enumerate(NETS):
        axes = {"run": run, "cell": "rnn", "initialisation": "gaussian", "activation": activation}
        axes |= {"remedy": "none"}
        axes |= {"radius": radius, "seed": seed, "task": "delayed_echo"}
        for step in (0, 5, 20):
            held_out = {"accuracy": 100 * net + step, "loss": -100 * net - step}
            summary.append({**axes, "step": step, **held_out})
            for distance in range(4):
                code = 1000 * net + 10 * step + distance
                contributions.append(
                    {
                        **axes,
                        "step": step,
                        "distance": distance,
                        "share": code + 0.1,
                        "log10_contribution": code + 0.2,
                        "log10_transport": code + 0.3,
                    }
                )
    return pd.DataFrame(summary), pd.DataFrame(contributions)


@pytest.mark.parametrize("order", [1, -1])
def test_the_signal_before_training_stands_beside_the_outcome_after_it(order):
    """The state that the input entered is d back, and W_hh reads it one step later, d - 1 back."""
    summary, contributions = (table.iloc[::order] for table in tables())
    result = signal_and_outcome(summary, contributions, 3).sort_values(["run", "seed"])
    assert len(result) == len(NETS)
    for net, (row, axes) in enumerate(zip(result.to_dict("records"), NETS, strict=True)):
        assert tuple(row[name] for name in ("run", "activation", "radius", "seed")) == axes
        assert (row["accuracy"], row["loss"]) == (100 * net + 20, -100 * net - 20)
        assert row["log10_transport"] == 1000 * net + 3 + 0.3
        assert row["share"] == 1000 * net + 2 + 0.1
        assert row["log10_contribution"] == 1000 * net + 2 + 0.2
