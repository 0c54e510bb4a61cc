"""The style of the figures: the project's own, wherever they are drawn."""

import matplotlib
import pytest
from matplotlib.layout_engine import ConstrainedLayoutEngine

from gradient_horizon.report import plotting


def test_a_users_settings_change_no_figure():
    with matplotlib.rc_context():
        plotting.use_style()
        expected = dict(matplotlib.rcParams)
        assert expected["figure.dpi"] == 200 and expected["pdf.fonttype"] == 42
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


def test_what_is_saved_is_laid_out_once(tmp_path, monkeypatch):
    """For both formats together; the panels leave room for their labels all the same."""
    layouts = []
    execute = ConstrainedLayoutEngine.execute
    monkeypatch.setattr(
        ConstrainedLayoutEngine,
        "execute",
        lambda engine, figure: (layouts.append(figure), execute(engine, figure)),
    )
    with matplotlib.rc_context():
        plotting.use_style()
        figure, ((axes,),) = plotting.new_figure(2.0, 1, 1)
        axes.set(xlabel="distance", ylabel="share\nof the\ngradient")
        plotting.save(figure, tmp_path / "laid_out")
        assert layouts == [figure]
        extent = axes.get_tightbbox()
    assert extent.x0 >= 0 and extent.y0 >= 0
    assert extent.x1 <= figure.bbox.width and extent.y1 <= figure.bbox.height


def test_a_figure_grows_with_its_legend():
    """By the rows that there was no room for; the panels keep their height."""
    heights = []
    for count in (3, 8, 30):
        with matplotlib.rc_context():
            plotting.use_style()
            figure, _ = plotting.new_figure(2.0, 1, 1)
            plotting.add_legend(figure, {f"a name of some length {k}": {} for k in range(count)})
            figure.draw_without_rendering()
        heights.append(figure.axes[0].get_window_extent().height)
        assert (figure.get_figheight() > 2.0) == (count > 3)
    assert max(heights) < 1.1 * min(heights)
