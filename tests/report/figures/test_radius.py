"""What figures over the initial radius show is what the tables hold."""

import numpy as np
import pytest

import figure_tables as tables
from figure_tables import names, panels, shows
from gradient_horizon.report.figures import radius


def test_slopes_beside_theory():
    table = tables.slopes()
    figure = radius.slopes(table)
    axes = iter(panels(figure))
    for step in tables.STEPS:
        for activation in tables.ACTIVATIONS:
            panel = next(axes)
            rows = table[(table["step"] == step) & (table["activation"] == activation)]
            for column in ("slope", "mean_field_slope", "worst_slope"):
                assert shows(panel, rows["radius"], rows[column])
            # Only for the sigmoid is the note's bound another.
            assert shows(panel, rows["radius"], rows["note_slope"])
            assert len(panel.lines) == (5 if activation == "sigmoid" else 4)
            segments = panel.collections[-1].get_segments()
            ends = rows[["slope_low", "slope_high"]].to_numpy()
            np.testing.assert_array_equal([segment[:, 1] for segment in segments], ends)
    assert "the note's bound" in names(figure)
    rest = table[table["activation"] != "sigmoid"]
    assert "the note's bound" not in names(radius.slopes(rest))


def test_vanishing_is_certain_where_the_worst_case_falls():
    table = tables.slopes()
    table["worst_slope"] = table["radius"] - 1.5
    for panel in panels(radius.slopes(table)):
        across = panel.collections[0].get_paths()[0].vertices[:, 0]
        # The crossing is at 1.5, found on a raster of 400 points over the radii.
        assert across.min() == tables.RADII[0]
        assert across.max() == pytest.approx(1.5, abs=(tables.RADII[-1] - tables.RADII[0]) / 399)
    table["worst_slope"] = 0.1
    assert not any(panel.collections[0].get_paths() for panel in panels(radius.slopes(table)))


def test_slopes_of_several_initialisations_are_told_apart():
    table = tables.slopes(initialisations=("gaussian", "orthogonal"))
    figure = radius.slopes(table)
    assert names(figure)[:2] == ["measured, gaussian", "measured, orthogonal"]
    for panel in panels(figure):
        np.testing.assert_array_equal(panel.get_xticks(), tables.RADII)
    for initialisation in ("gaussian", "orthogonal"):
        own = table["initialisation"] == initialisation
        rows = table[own & (table["step"] == 0) & (table["activation"] == "sigmoid")]
        (marks,) = (
            line.get_xdata() - rows["radius"]
            for line in panels(figure)[0].lines
            if np.array_equal(line.get_ydata(), rows["slope"])
        )
        # Side by side: 0.15 of the smallest gap between radii, one to each side.
        side = -1.0 if initialisation == "gaussian" else 1.0
        np.testing.assert_allclose(marks, side * 0.075, rtol=1e-12)


def test_nothing_is_certain_where_a_bound_is_unknown():
    def shaded(table):
        axes = panels(radius.slopes(table))[0]
        return any(len(path.vertices) for area in axes.collections[:1] for path in area.get_paths())

    table = tables.slopes(initialisations=("gaussian", "orthogonal"))
    assert shaded(table)
    table.loc[table["initialisation"] == "orthogonal", "worst_slope"] = np.nan
    assert not shaded(table)
    assert "certain to vanish" in names(radius.slopes(table))
    unknown = table.assign(worst_slope=np.nan, note_slope=np.nan, mean_field_slope=np.nan)
    measured_alone = names(radius.slopes(unknown))
    assert measured_alone == ["measured, gaussian", "measured, orthogonal"]


def test_only_a_lower_bound_is_marked_as_one():
    table = tables.summary()
    table.loc[table["radius"] == tables.RADII[-1], "h99_censored"] = True
    for panel in panels(radius.phase_diagram(table)):
        for text in panel.texts:
            at_bound = text.get_position()[0] == len(tables.RADII) - 1
            assert text.get_text().startswith("≥") == at_bound
