"""What figures over distance show is what the tables hold."""

import numpy as np
import pytest

import figure_tables as tables
from figure_tables import names, panels, shows
from gradient_horizon.report.figures import distance


def test_transport_through_the_parts_of_the_state():
    """Where it is known, the cell state solid and the hidden state dashed."""
    table = tables.parts()
    figure = distance.transport_parts(table)
    both = panels(figure)
    assert len(both) == len(tables.STEPS)
    known = table[table["activation"] == "tanh"]
    for axes, step in zip(both, tables.STEPS, strict=True):
        for _, rows in known[known["step"] == step].groupby("radius"):
            for column in ("log10_transport_hidden", "log10_transport_cell"):
                assert shows(axes, rows["distance"], rows[column])
        solid = [line for line in axes.lines if line.get_linestyle() == "-"]
        assert len(solid) == len(axes.lines) / 2 == len(tables.RADII)
        assert all(line.get_ydata()[0] == -np.inf for line in solid)
    radii = [f"radius {radius:g}" for radius in tables.RADII]
    assert names(figure) == [*radii, "cell state", "hidden state"]


@pytest.mark.parametrize(
    ("draw", "column"),
    [
        (distance.transport, "log10_transport"),
        (distance.transport, "log10_bound"),
        (distance.contribution, "share"),
        (distance.truncation, "truncation_bias"),
    ],
)
def test_curves_by_distance(draw, column):
    table = tables.contributions()
    axes = iter(panels(draw(table)))
    for step in tables.STEPS:
        for activation in tables.ACTIVATIONS:
            panel = next(axes)
            for radius in tables.RADII:
                rows = table[
                    (table["step"] == step)
                    & (table["activation"] == activation)
                    & (table["radius"] == radius)
                ]
                rows = rows[rows[column] > 0] if column == "share" else rows
                assert len(rows) >= 3
                assert shows(panel, rows["distance"], rows[column])


def test_a_bound_that_is_unknown_is_not_in_the_legend():
    """At distance 0 it is known of every cell."""
    table = tables.contributions()
    assert "worst-case bound" in names(distance.transport(table))
    unknown = table.assign(log10_bound=np.where(table["distance"] == 0, 0.0, np.nan))
    assert "worst-case bound" not in names(distance.transport(unknown))


def test_influence_is_drawn_at_the_radius_that_learns_best():
    shares, loss, rise = tables.contributions(), tables.summary(), tables.rises(at_zero=0.2)
    figure = distance.influence(shares, rise, loss, facts={"relevant_distance": 2})
    for panel, activation in zip(panels(figure), tables.ACTIVATIONS, strict=True):
        after = loss[(loss["activation"] == activation) & (loss["step"] == tables.STEPS[-1])]
        best = after.loc[after["loss"].idxmin()]
        assert panel.get_title() == f"{activation}, radius {best['radius']:g}"
        assert shows(panel, [2, 2], [0, 1])
        own = shares[(shares["run"] == best["run"]) & (shares["step"] == tables.STEPS[-1])]
        share = list(own["share"])
        farther = [sum(share[d:]) / sum(share) for d in range(3)]
        _, gradient, loss_rise = panel.lines
        np.testing.assert_array_equal(gradient.get_xdata(), tables.DISTANCES[:-1])
        # Sums of four numbers, each rounded.
        np.testing.assert_allclose(gradient.get_ydata(), farther, rtol=1e-15)
        np.testing.assert_array_equal(loss_rise.get_xdata(), [0, 1, 3])
        np.testing.assert_allclose(loss_rise.get_ydata(), [1, 1 / 4, 1 / 64], rtol=1e-15)
        assert not panel.texts


@pytest.mark.parametrize("at_zero", [0.2, -0.2, np.nan])
def test_a_net_that_makes_no_use_of_its_past_says_so(at_zero):
    rise = tables.rises(at_zero)
    rise["rise_low"] = np.where(rise["activation"] == "tanh", rise["rise_low"], -0.01)
    sigmoid, tanh = panels(distance.influence(tables.contributions(), rise, tables.summary()))
    assert [text.get_text() for text in sigmoid.texts] == ["nothing\nlearnt"]
    assert len(sigmoid.lines) == 1
    assert bool(tanh.texts) == (at_zero != 0.2)


def test_one_seed_has_no_interval_and_may_have_learnt():
    rise = tables.rises().assign(rise_low=np.nan, rise_high=np.nan)
    for panel in panels(distance.influence(tables.contributions(), rise, tables.summary())):
        assert not panel.texts and len(panel.lines) == 2


def test_influence_that_is_not_measured_is_not_judged():
    nothing = tables.rises().iloc[:0]
    for panel in panels(distance.influence(tables.contributions(), nothing, tables.summary())):
        assert not panel.texts and len(panel.lines) == 1


def check_curves_of_net(figure, table, *columns):
    """The one panel shows these columns and nothing else."""
    (panel,) = panels(figure)
    assert figure.get_figwidth() < 3.3  # half the text's width
    assert len(panel.lines) == len(columns) and not panel.collections
    for column in columns:
        rows = table[table[column] > 0] if "share" in column else table
        assert shows(panel, rows["distance"], rows[column])


def test_contribution_of_one_net():
    table = tables.of_net()
    figure = distance.contribution(table)
    check_curves_of_net(figure, table, "share", "input_share")
    assert names(figure) == ["$W_{hh}$", "$W_{hx}$"]


def test_truncation_of_one_net():
    table = tables.of_net()
    figure = distance.truncation(table)
    assert names(figure) == ["$W_{hh}$", "$W_{hx}$", "1 %"]
    panels(figure)[0].lines[0].remove()  # the level of 1 %
    check_curves_of_net(figure, table, "truncation_bias", "input_truncation_bias")


def test_transport_of_one_net():
    table = tables.of_net()
    figure = distance.transport(table)
    check_curves_of_net(figure, table, "log10_transport", "log10_bound")
    assert names(figure) == ["transport", "worst-case bound"]


def test_transport_of_one_net_whose_state_has_parts():
    table = tables.of_net(parts=True)
    figure = distance.transport(table)
    assert names(figure) == ["state", "cell state", "hidden state"]
    panels(figure)[0].lines[1].remove()  # the bound, which nobody knows
    parts = [f"log10_transport_{part}" for part in ("cell", "hidden")]
    check_curves_of_net(figure, table, "log10_transport", *parts)


def test_influence_of_one_net():
    table = tables.of_net()
    (panel,) = panels(distance.influence(table, tables.rises_of_net(at_zero=0.8)))
    share = list(table["share"])
    signal, rise = panel.lines
    farther = [sum(share[d:]) / sum(share) for d in range(3)]
    np.testing.assert_allclose(signal.get_ydata(), farther, rtol=1e-15)
    np.testing.assert_array_equal(rise.get_xdata(), [0, 1, 3])
    np.testing.assert_allclose(rise.get_ydata(), [1, 1 / 4, 1 / 16], rtol=1e-15)
    (panel,) = panels(distance.influence(table, tables.rises_of_net(at_zero=-0.1)))
    assert [text.get_text() for text in panel.texts] == ["nothing\nlearnt"]
