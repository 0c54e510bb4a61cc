"""Counting nets that succeeded, and saying so."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

NOT_MEASURED = "not in this run"


def tally(succeeded: pd.Series) -> tuple[int, int]:
    """Return how many nets succeeded, and of how many."""
    return int(succeeded.sum()), len(succeeded)


def fraction(counts: tuple[int, int]) -> str:
    """Write a tally: 4 of 5."""
    return f"{counts[0]} of {counts[1]}"


def by_length(nets: pd.DataFrame, succeeded: pd.Series) -> str:
    """Write a tally for each length of the sequences: 5 of 5 at 10 steps, 4 of 5 at 20."""
    parts = [
        f"{fraction(tally(succeeded[rows.index]))} at {length}"
        for length, rows in nets.groupby("length")
    ]
    return ", ".join([f"{parts[0]} steps", *parts[1:]])


def interval(low: float, high: float, confidence: float) -> str:
    """Write an interval with its level: 95 % interval 0.57 to 1.00."""
    return f"{100 * confidence:g} % interval {low:.2f} to {high:.2f}"
