"""What figures over training show is what the tables hold."""

import matplotlib.colors
import numpy as np
import pytest

import figure_tables as tables
from figure_tables import panels
from gradient_horizon.report.figures import radius, training


def test_an_interval_without_end_goes_to_the_frame():
    table = tables.summary()
    table["h99_high"] = table["h99"] + 1
    expected = panels(training.horizon_over_training(table))[0].get_ylim()
    highest = table["h99_high"].idxmax()
    lower = table.index[0] if highest != table.index[0] else table.index[1]
    table.loc[lower, ["h99_high", "h99_censored"]] = np.inf, True
    panel = panels(training.horizon_over_training(table))[0]
    assert panel.get_ylim() == expected
    # The lines are drawn radius by radius, and this is the first's.
    band = panel.collections[0].get_paths()[0].vertices[:, 1]
    assert np.isfinite(band).all() and band.max() == expected[1]
    hollow = [line for line in panel.lines if matplotlib.colors.same_color(line.get_mfc(), "white")]
    assert [value for line in hollow for value in line.get_ydata()] == [table["h99"][lower]]


def test_every_interval_without_end():
    table = tables.summary().assign(h99_high=np.inf, h99_censored=True)
    for draw in (training.horizon_over_training, radius.phase_diagram):
        for panel in panels(draw(table)):
            assert np.isfinite(panel.get_ylim()).all()
    assert panels(training.horizon_over_training(table))[0].get_ylim()[1] > table["h99"].max()


@pytest.mark.parametrize(
    ("loss", "text"),
    [
        ("cross_entropy", "training loss (nats)"),
        ("squared_error", "training mean\nsquared error"),
    ],
)
def test_learning_curves_name_their_loss(loss, text):
    facts = {"baselines": {"guessing": 1.0}, "loss": loss}
    figure = training.learning_curves(tables.learning_curves(), facts)
    assert figure.axes[0].get_ylabel() == text
