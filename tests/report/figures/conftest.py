"""Figures are drawn in the project's style."""

import matplotlib
import pytest

from gradient_horizon.report import plotting


@pytest.fixture(autouse=True)
def style():
    with matplotlib.rc_context():
        plotting.use_style()
        yield
