"""Names that users give: the valid one that somebody may have meant."""

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
