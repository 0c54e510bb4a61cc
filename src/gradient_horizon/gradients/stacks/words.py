"""The answer in words: within how many steps a gradient arises, and what truncating keeps of it."""

import numpy as np

from ...ground.names import count_of
from .rows import Rows

KEPT = (0.99, 0.95)


def answer(rows: Rows, truncation: int | None) -> str:
    """Say how far back a module's gradient arises, and what truncating keeps of it."""
    summary = next(rows.summary())
    if not np.isfinite(summary["h99"]):
        return f"the gradient of `{rows.module}` is exactly zero on this batch"
    least = "at least " if summary["h99_censored"] else ""
    said = (
        f"99 % of the gradient of `{rows.module}` arises within {least}"
        f"{count_of(int(summary['h99']), 'step')}"
    )
    kept, angle = 1.0 - rows.truncation_bias(), rows.angle()
    if truncation is not None and truncation >= rows.steps:
        said += f"; truncating at {truncation} loses nothing of sequences so short"
    elif truncation is not None:
        said += (
            f"; truncating at {truncation} keeps {percent(kept[truncation])} of it, "
            f"{angle[truncation]:.1f} degrees off"
        )
        chunks = 1.0 - rows.chunk_bias()[truncation]
        if np.isfinite(chunks):
            said += f" (in chunks, {percent(chunks)})"
    levels = KEPT if truncation is None else KEPT[1:]
    takes = [
        f"to keep {level:.0%} take ".replace("%", " %") + _takes(kept, level) for level in levels
    ]
    return f"{said}; {', '.join(takes)}"


def _takes(kept: np.ndarray, level: float) -> str:
    """Return from how many steps on at least so much is kept."""
    below = np.flatnonzero(kept < level)
    return str(int(below[-1]) + 1 if len(below) else 0)


def percent(part: float) -> str:
    """Write a part of a gradient; who loses more than there is keeps nothing."""
    return f"{100.0 * part:.1f} %" if part > 0.0 else "nothing"
