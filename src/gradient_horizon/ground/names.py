"""Names and counts in messages: the name that somebody may have meant, and how many there are."""

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


def count_of(count: int, one: str) -> str:
    """Write a count with what is counted: 1 net, 2,000 nets."""
    return f"{count:,} {one if count == 1 else f'{one}s'}"
