"""The style of the figures: the project's own, wherever they are drawn."""

import matplotlib
import pytest
from gradient_horizon import plotting


def test_a_users_settings_change_no_figure():
    with matplotlib.rc_context():
        plotting.use_style()
        expected = dict(matplotlib.rcParams)
        assert expected["savefig.dpi"] == 200 and expected["pdf.fonttype"] == 42
        matplotlib.rcParams.update({"lines.linewidth": 5.0, "axes.titleweight": "bold"})
        plotting.use_style()
        assert dict(matplotlib.rcParams) == expected


@pytest.mark.parametrize(
    ("name", "count", "rows"),
    [
        ("radius 1.5", 5, 1),
        ("radius 1.5", 8, 2),
        ("rnn, orthogonal, radius 1.5", 5, 2),
        ("rnn, orthogonal, radius 1.5", 12, 4),
        ("rnn, " + "very " * 12 + "long", 3, 3),
    ],
)
def test_a_legend_is_no_wider_than_its_figure(name, count, rows):
    with matplotlib.rc_context():
        plotting.use_style()
        figure, _ = plotting.new_figure(3.0, 1, 1)
        plotting.add_legend(figure, {f"{name} {number}": {} for number in range(count)})
        (legend,) = figure.legends
        figure.draw_without_rendering()
        extent = legend.get_window_extent()
        assert extent.x0 >= -0.5 and extent.x1 <= figure.bbox.width + 0.5
        heights = {round(text.get_window_extent().y0) for text in legend.get_texts()}
        assert len(heights) == rows
