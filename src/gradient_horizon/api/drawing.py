"""Figures of one net as objects: in the style of the paper, and without pyplot."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ..ground.names import nearest

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from .measuring import Measurement

# The figures, and the tables that each is drawn from.
FIGURES = {
    "contribution": ("distances",),
    "transport": ("distances",),
    "truncation": ("distances",),
    "influence": ("distances", "influence"),
    "spectra": ("spectra",),
}


def draw(name: str, measured: "Measurement") -> "Figure":
    """Draw one figure of a net.

    Raises
    ------
    ValueError : there is no such figure.
    """
    if name not in FIGURES:
        raise ValueError(
            f"figure: {name!r} is not known; allowed: {', '.join(FIGURES)}{nearest(name, FIGURES)}"
        )
    with _style():
        figure = _drawn(name, measured)
        # What Matplotlib leaves for later, such as ticks, would take the user's own settings.
        figure.draw_without_rendering()
    # A notebook shows it, though pyplot does not know of it.
    figure._repr_png_ = partial(_png, figure)
    return figure


def save_all(measured: "Measurement", folder: Path) -> None:
    """Write every figure of a net as PDF and PNG."""
    from ..report import plotting

    with _style():
        for name in FIGURES:
            plotting.save(_drawn(name, measured), folder / name)


@contextmanager
def _style() -> Iterator[None]:
    """Draw in the style of the paper in the block, and as before after it."""
    import matplotlib

    from ..report import plotting

    with matplotlib.rc_context(fname=plotting.STYLE):
        yield


def _drawn(name: str, measured: "Measurement") -> "Figure":
    from ..report import net_figures

    return getattr(net_figures, name)(*(getattr(measured, table) for table in FIGURES[name]))


def _png(figure: "Figure") -> bytes:
    content = io.BytesIO()
    figure.savefig(content, format="png")
    return content.getvalue()
