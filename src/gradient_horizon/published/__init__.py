"""Comparisons with what was published, one file each.

A module has

`PAPER`
    authors and year, for text;
`CITATION`
    the key in `paper/references.bib`;
`TASK`
    the task of the experiments that it compares;
`CLAIMS`
    what the paper says, each a `Claim`.

An experiment takes part by `published: {comparison: NAME}`; all that name one comparison are looked
at together.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # its import takes a third of a second, and the names alone are often enough
    import pandas as pd

SAME, OPPOSITE, UNDECIDED = "yes", "no", "undecided"


@dataclass(frozen=True)
class Measured:
    """What was measured here of a claim.

    Attributes
    ----------
    here : the measurement, as text.
    same_direction : `SAME`, `OPPOSITE` or `UNDECIDED`.
    """

    here: str
    same_direction: str


@dataclass(frozen=True)
class Claim:
    """One statement of a paper.

    Attributes
    ----------
    source : where in the paper it stands.
    published : the statement or the number, as text.
    measure : takes the table that `report.published.nets` returns and the level of confidence.
    """

    source: str
    published: str
    measure: Callable[[pd.DataFrame, float], Measured]


def verdict(low: float, high: float, threshold: float) -> str:
    """Tell whether what was claimed to lie above a threshold does, by its interval."""
    return SAME if low > threshold else OPPOSITE if high < threshold else UNDECIDED


# They use the names above.
from . import irnn2015, pascanu2013  # noqa: E402

PUBLISHED = {"pascanu2013": pascanu2013, "irnn2015": irnn2015}
