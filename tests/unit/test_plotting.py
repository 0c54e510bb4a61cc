"""The style of the figures: the project's own, wherever they are drawn."""

import matplotlib
from gradient_horizon import plotting


def test_a_users_settings_change_no_figure():
    with matplotlib.rc_context():
        plotting.use_style()
        expected = dict(matplotlib.rcParams)
        assert expected["savefig.dpi"] == 200 and expected["pdf.fonttype"] == 42
        matplotlib.rcParams.update({"lines.linewidth": 5.0, "axes.titleweight": "bold"})
        plotting.use_style()
        assert dict(matplotlib.rcParams) == expected
