"""Predicted slopes beside measured ones: closed forms, another quadrature, and by hand."""

import numpy as np
import pandas as pd
import pytest
import scipy.integrate

from gradient_horizon.analysis.slopes import with_predictions
from gradient_horizon.gradients.mean_field import mean_field
from gradient_horizon.networks.activations import ACTIVATIONS

quiet = pytest.mark.filterwarnings("error")


def net(activation="tanh", **changes):
    """A row of the summary."""
    return {
        "experiment": "echo",
        "activation": activation,
        "step": 0,
        "slope": -0.3,
        "gain": 0.9,
        "drive_variance": 0.5,
        "hidden_size": 40,
        "cell": "rnn",
        **changes,
    }


def predicted(*rows):
    return with_predictions(pd.DataFrame(rows)).to_dict("records")


@pytest.mark.parametrize("gain", [0.3, 0.9, 2.0])
@quiet
def test_homogeneous_nets_in_closed_form(gain):
    """ln g and ln(g / sqrt 2), less 1/4 ln(1 + 2/N) and 1/4 ln(1 + 5/N), whatever the drive."""
    linear, relu = predicted(net("linear", gain=gain), net("relu", gain=gain, drive_variance=7.0))
    assert linear["mean_field_slope"] == pytest.approx(
        np.log(gain) - 0.25 * np.log(1 + 2 / 40), rel=1e-12
    )
    assert relu["mean_field_slope"] == pytest.approx(
        np.log(gain / np.sqrt(2)) - 0.25 * np.log(1 + 5 / 40), rel=1e-12
    )


@pytest.mark.parametrize("name", sorted(ACTIVATIONS))
@quiet
def test_nets_that_only_their_drive_moves(name):
    """At a gain of 1e-6 q is the drive's variance to 1e-12; moments of phi' by QUADPACK."""
    slope, variance, size = ACTIVATIONS[name].slope, 0.5, 40

    def moment(power):
        def integrand(z):
            density = np.exp(-0.5 * z**2 / variance) / np.sqrt(2 * np.pi * variance)
            return slope(np.array([z]))[0] ** power * density

        halves = [(-9.0, 0.0), (0.0, 9.0)]
        return sum(scipy.integrate.quad(integrand, *half, epsrel=1e-12)[0] for half in halves)

    (row,) = predicted(net(name, gain=1e-6, drive_variance=variance, hidden_size=size))
    kappa = moment(4) / moment(2) ** 2
    expected = 0.5 * np.log(1e-12 * moment(2)) - 0.25 * np.log(1 + (2 + 3 * (kappa - 1)) / size)
    assert row["mean_field_slope"] == pytest.approx(expected, rel=1e-9)


@quiet
def test_the_deviation_is_what_the_mean_field_leaves():
    rows = [net(name, slope=slope) for name in ACTIVATIONS for slope in (-2.0, 0.1, np.nan)]
    for row in predicted(*rows):
        difference = row["slope"] - row["mean_field_slope"]
        assert row["deviation"] == difference or np.isnan(row["slope"])
        assert np.isnan(row["deviation"]) == np.isnan(row["slope"])
        infinite = mean_field(ACTIVATIONS[row["activation"]], 0.9, 0.5).slope
        # The larger the net, the less is allowed for its size.
        linear = -0.25 * np.log(1 + 2 / 40)  # kappa = 1, the smallest there is
        assert -0.2 < row["mean_field_slope"] - infinite < linear + 1e-12


@quiet
def test_other_cells_have_no_mean_field():
    gated, simple = predicted(net("tanh", cell="lstm"), net("tanh"))
    assert np.isnan(gated["mean_field_slope"]) and np.isnan(gated["deviation"])
    assert np.isfinite(simple["mean_field_slope"])


@pytest.mark.parametrize("name", sorted(ACTIVATIONS))
@pytest.mark.parametrize(
    "beyond", [{"gain": np.inf}, {"drive_variance": np.inf}, {"gain": np.nan}, {"gain": -np.inf}]
)
@quiet
def test_a_net_beyond_all_numbers_has_no_mean_field(name, beyond):
    broken, whole = predicted(net(name, **beyond), net(name))
    assert np.isnan(broken["mean_field_slope"]) and np.isnan(broken["deviation"])
    assert np.isfinite(whole["mean_field_slope"])


def test_only_before_and_after_training():
    """The last step is each experiment's own; order and columns stay."""
    steps = {"short": (0, 5, 30), "long": (0, 30, 600)}
    rows = [
        net(activation, experiment=experiment, step=step, seed=seed)
        for experiment, kept in steps.items()
        for activation in ("tanh", "relu")
        for step in kept
        for seed in (0, 1)
    ]
    summary = pd.DataFrame(rows).sample(frac=1.0, random_state=0)
    result = with_predictions(summary)
    ends = [
        row for row in summary.to_dict("records") if row["step"] in steps[row["experiment"]][::2]
    ]
    assert result[list(summary)].to_dict("records") == ends and len(ends) == 16
    assert result.index.tolist() == list(range(16))
    assert [*result][len([*summary]) :] == ["mean_field_slope", "deviation"]


def test_an_experiment_without_training():
    (row,) = predicted(net())
    assert row["step"] == 0 and np.isfinite(row["deviation"])
