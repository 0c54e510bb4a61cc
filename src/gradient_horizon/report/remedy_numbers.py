"""What the remedies changed and what they cost, as a table and as numbers of the paper.

What helped is decided by intervals: the gain in accuracy over the same nets without the remedy, in
the median over seeds, lies above zero with its whole interval, or below, or is undecided.
"""

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd

from ..analysis.grid_points import lower_bound_label
from ..analysis.remedies import SOLVED
from ..analysis.variants import readable
from ..config.grid import PLAIN, plain_run
from ..ground.latex import conjunction, escape, interval, number, table
from ..networks.activations import ACTIVATIONS

# So many undecided remedies are named at most; the table has them all.
FEW = 3


def remedy_macros(
    experiment: dict, comparison: pd.DataFrame, cost: Mapping[str, float]
) -> dict[str, str]:
    """Return the macros of an experiment that compares remedies, besides those of any experiment.

    Parameters
    ----------
    experiment : its part of the resolved configuration.
    comparison : its rows of the table `remedies`.
    cost : operations of a training step, relative to the plain one, by remedy.
    """
    changes = [
        f"{readable(name)}: "
        + ", ".join(f"{readable(key)} {_setting(value)}" for key, value in changed.items())
        for name, changed in experiment["grid"]["remedies"].items()
        if changed
    ]
    costliest = max(cost, key=cost.get)
    return {
        "RemedyChanges": escape("; ".join(changes)),
        "RemedyStarts": "".join(_starts_compared(comparison)),
        "CostliestRemedy": escape(readable(costliest)),
        "LargestCost": number(cost[costliest], 4),
        "SolvedAccuracy": f"{100 * SOLVED:g}\\,\\%",
    }


def remedy_table(comparison: pd.DataFrame, cost: Mapping[str, float]) -> str:
    """Return a table with a row for each remedy and start, as LaTeX.

    Parameters
    ----------
    comparison, cost : as `remedy_macros` takes them.
    """
    rows = []
    for start, part in _starts(comparison):
        before = part.iloc[(part["remedy"] != PLAIN).argmin()]
        rows.append([rf"\emph{{{escape(start)}}}", "", "", "", *_reach(before, "before"), "", ""])
        for row in part.to_dict("records"):
            rows.append(
                [
                    escape(readable(row["remedy"])),
                    _interval(row, "accuracy"),
                    _interval(row, "gain"),
                    f"{row['solved']:g}/{row['seeds']:g}",
                    *_reach(row, "after"),
                    f"{row['diverged']:g}",
                    number(cost[row["remedy"]], 4),
                ]
            )
    head = ["", "accuracy", "gain", "solved", r"$\log_{10}$ share", "$h_{99}$", "diverged", "cost"]
    return table("lllrllrr", head, rows)


def _starts(comparison: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yield the rows of nets that start alike, with a name of what they have in common."""
    runs = comparison.to_dict("records")
    several = {axis: comparison[axis].nunique() > 1 for axis in ("initialisation", "activation")}
    for _, part in comparison.groupby(list(map(plain_run, runs)), sort=False):
        first = part.iloc[0]
        labels = {
            "initialisation": readable(first["initialisation"]),
            "activation": ACTIVATIONS[first["activation"]].label,
        }
        shown = [label for axis, label in labels.items() if several[axis]]
        yield ", ".join([*shown, f"radius {first['radius']:g}"]), part


def _starts_compared(comparison: pd.DataFrame) -> Iterator[str]:
    r"""Yield for each start which remedies helped, which did harm, and which are undecided.

    Each is a `\remedystart{start}{plain nets that solve the task}{plain nets}{remedies that raise
    the accuracy}{that lower it}{that are undecided, if few}{how many are undecided}`.
    """
    for start, part in _starts(comparison):
        plain = part[part["remedy"] == PLAIN]
        others = part[part["remedy"] != PLAIN]
        if not (len(plain) and len(others)):
            continue
        helps, harms = others["gain_low"] > 0.0, others["gain_high"] < 0.0
        rest = others[~(helps | harms)]
        arguments = (
            escape(start),
            *(number(int(plain[column].iloc[0])) for column in ("solved", "seeds")),
            *(_named(others[chosen], gains=True) for chosen in (helps, harms)),
            _named(rest) if len(rest) <= FEW else "",
            number(len(rest)),
        )
        yield r"\remedystart" + "".join(f"{{{argument}}}" for argument in arguments)


def _named(rows: pd.DataFrame, gains: bool = False) -> str:
    """Name the remedies of some rows, with their gains if asked for."""
    if not len(rows):
        return ""
    return conjunction(
        rf"\emph{{{escape(readable(row['remedy']))}}}"
        + (f" ({_interval(row, 'gain')})" if gains else "")
        for row in rows.to_dict("records")
    )


def _interval(row: Mapping, column: str) -> str:
    """Write a median of the comparison with its interval."""
    return interval(*(row[f"{column}{end}"] for end in ("", "_low", "_high")), digits=2)


def _reach(row: Mapping, when: str) -> list[str]:
    """Write the median share at the relevant distance, as log10, and the median horizon."""
    with np.errstate(divide="ignore"):
        share = np.log10([row[f"share_{when}{end}"] for end in ("", "_low", "_high")])
    horizon = {column: row[f"{column}_{when}"] for column in ("h99", "h99_censored")}
    low, high = (row[f"h99_{end}_{when}"] for end in ("low", "high"))
    spread = "" if np.isnan(low) else f" [{number(low, 2)}, {number(high, 2)}]"
    return [
        interval(*share, digits=2),
        lower_bound_label(pd.Series(horizon), "h99") + spread,
    ]


def _setting(value) -> str:
    """Write the value of a setting as text."""
    if value is None:
        return "none"
    if isinstance(value, dict):
        parts = [
            f"{readable(key)} {_setting(one)}" for key, one in value.items() if one is not None
        ]
        return f"({', '.join(parts)})"
    return f"{value:g}" if isinstance(value, float) else readable(str(value))
