"""What the remedies changed and what they cost, as a table and as words for the paper.

What helped is decided by intervals: the gain in accuracy over the same nets without the remedy, in
the median over seeds, lies above zero with its whole interval, or below, or neither.
"""

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd

from ..analysis.grid_points import lower_bound_label
from ..analysis.remedies import SOLVED
from ..analysis.variants import readable
from ..config.grid import PLAIN, plain_run
from ..ground.latex import conjunction, count_of, escape, interval, number, table
from ..networks.activations import ACTIVATIONS

# So many remedies that cannot be told from plain are named; the table has them all.
FEW = 3


def remedy_macros(
    experiment: dict, comparison: pd.DataFrame, cost: Mapping[str, float]
) -> dict[str, str]:
    """Return the macros of an experiment that compares remedies, beside those of any experiment.

    Parameters
    ----------
    experiment : its part of the resolved configuration.
    comparison : its rows of the table `remedies`.
    cost : operations of a training step, relative to the plain one, by remedy.
    """
    grid = experiment["grid"]
    changes = [
        f"{readable(name)}: "
        + ", ".join(f"{readable(key)} {_setting(value)}" for key, value in own.items())
        for name, own in grid["remedies"].items()
        if own
    ]
    dearest = max(cost, key=cost.get)
    return {
        "TaskName": escape(readable(experiment["task"]["name"])),
        "RemedyChanges": escape("; ".join(changes)),
        "RemedyFindings": " ".join(_sentences(comparison)),
        "RemedyCost": (
            f"the dearest step, that of \\emph{{{escape(readable(dearest))}}}, takes "
            f"{number(cost[dearest], 4)} times the operations of the plain one"
        ),
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
        words = {
            "initialisation": readable(first["initialisation"]),
            "activation": ACTIVATIONS[first["activation"]].label,
        }
        told = [word for axis, word in words.items() if several[axis]]
        yield ", ".join([*told, f"radius {first['radius']:g}"]), part


def _sentences(comparison: pd.DataFrame) -> Iterator[str]:
    """Say for each start what helped, what did harm, and what cannot be told."""
    for start, part in _starts(comparison):
        plain = part[part["remedy"] == PLAIN]
        others = part[part["remedy"] != PLAIN]
        if not (len(plain) and len(others)):
            continue
        helps, harms = others["gain_low"] > 0.0, others["gain_high"] < 0.0
        said = [
            f"the accuracy is {verb} by {_named(others[chosen], gains=True)}"
            for chosen, verb in ((helps, "raised"), (harms, "lowered"))
            if chosen.any()
        ]
        rest = others[~(helps | harms)]
        if len(rest):
            whose = _named(rest) if len(rest) <= FEW else "the others"
            said.append(
                f"the interval of {whose} reaches zero"
                if len(rest) == 1
                else f"the intervals of {whose} reach zero"
            )
        solved, seeds = (int(plain[column].iloc[0]) for column in ("solved", "seeds"))
        yield (
            f"At {escape(start)}, {solved} of {count_of(seeds, 'plain net')} "
            f"{'solves' if solved == 1 else 'solve'} the task; {'; '.join(said)}."
        )


def _named(rows: pd.DataFrame, gains: bool = False) -> str:
    """Name the remedies of some rows, with their gains if asked for."""
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
    """Write a setting's value as text names it."""
    if value is None:
        return "none"
    if isinstance(value, dict):
        own = [f"{readable(key)} {_setting(one)}" for key, one in value.items() if one is not None]
        return f"({', '.join(own)})"
    return f"{value:g}" if isinstance(value, float) else readable(str(value))
