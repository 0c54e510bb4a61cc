"""Names that users give, and the valid one that somebody may have meant; counts of things."""

from collections.abc import Iterable
from difflib import get_close_matches


def nearest(name: object, names: Iterable[str], before: str = "", after: str = "") -> str:
    """Suggest the valid name that is nearest to a wrong one, if any is near.

    Parameters
    ----------
    name : what was given.
    names : the valid ones.
    before, after : what stands around the name in what is suggested.
    """
    close = get_close_matches(str(name).lower(), list(names), n=1, cutoff=0.5)
    return f"; did you mean '{before}{close[0]}{after}'?" if close else ""


def count_of(count: int, thing: str) -> str:
    """Write how many there are of a thing: 1 step, 2,000 steps."""
    return f"{count:,} {thing}{'' if count == 1 else 's'}"
