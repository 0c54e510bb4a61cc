"""What was published and what is measured here: rows, a table of the paper, a summary."""

import textwrap

import pandas as pd

from ..config.grid import training_settings
from ..ground.latex import escape, table
from ..published import PUBLISHED

COLUMNS = ("comparison", "paper", "source", "published", "here", "same_direction")
AXES = ["experiment", "cell", "activation", "initialisation", "radius", "remedy", "seed"]


def compared(experiments: dict) -> dict[str, dict]:
    """Collect the experiments of every comparison that any of them names.

    Parameters
    ----------
    experiments : of a resolved configuration, by name.

    Returns
    -------
    Experiments by name, by comparison.
    """
    found = {}
    for name, experiment in experiments.items():
        if "published" in experiment:
            found.setdefault(experiment["published"]["comparison"], {})[name] = experiment
    return found


def nets(summary: pd.DataFrame, experiments: dict) -> pd.DataFrame:
    """List the nets of some experiments as training left them.

    Parameters
    ----------
    summary : the table `summary`.
    experiments : of a resolved configuration, by name.

    Returns
    -------
    A row for each net: its axes and seed, `length` of the sequences, whether it was trained
    `clipped` and `regularised`, and held-out `loss` and `accuracy`.
    """
    rows = summary[summary["experiment"].isin(list(experiments))]
    last = rows[rows["step"] == rows.groupby("experiment")["step"].transform("max")]
    trained = [
        training_settings(experiments[row.experiment], row.remedy) for row in last.itertuples()
    ]
    return last[[*AXES, "loss", "accuracy"]].assign(
        length=[experiments[name]["task"]["sequence_length"] for name in last["experiment"]],
        clipped=[settings["gradient_clip"] is not None for settings in trained],
        regularised=[settings["regulariser"] is not None for settings in trained],
    )


def comparisons(settings: dict, summary: pd.DataFrame) -> pd.DataFrame:
    """Measure every claim of every comparison of a configuration: a row each, of `COLUMNS`.

    Parameters
    ----------
    settings : the resolved configuration.
    summary : the table `summary`.
    """
    rows = []
    for name, experiments in compared(settings["experiments"]).items():
        paper = PUBLISHED[name]
        compared_nets = nets(summary, experiments)
        for claim in paper.CLAIMS:
            measured = claim.measure(compared_nets, settings["statistics"]["confidence"])
            cells = (
                name,
                paper.PAPER,
                claim.source,
                claim.published,
                measured.here,
                measured.same_direction,
            )
            rows.append(dict(zip(COLUMNS, cells, strict=True)))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def comparison_table(rows: pd.DataFrame) -> str:
    """Return the table of the paper's section, as LaTeX.

    Parameters
    ----------
    rows : of `comparisons`.
    """
    cells = [
        (
            rf"\citet{{{PUBLISHED[row.comparison].CITATION}}}, {escape(row.source)}: "
            + escape(row.published),
            escape(row.here),
            row.same_direction,
        )
        for row in rows.itertuples()
    ]
    return table(
        r"p{0.36\textwidth}p{0.41\textwidth}l",
        ("published", "here", "same direction?"),
        cells,
        long_caption=r"\publishedcaption",
    )


def closing(rows: pd.DataFrame) -> str:
    """Return the summary that is printed at the end of a run.

    Parameters
    ----------
    rows : of `comparisons`.
    """
    lines = ["Compared with what was published (published | here | same direction?):"]
    for row in rows.itertuples():
        lines += [
            f"  {row.paper}, {row.source}",
            *_wrapped("published", row.published),
            *_wrapped("here", row.here),
            *_wrapped("same direction?", row.same_direction),
        ]
    return "\n".join(lines)


def _wrapped(label: str, text: str) -> list[str]:
    """Write a labelled text in lines of at most 100 characters."""
    return textwrap.wrap(
        text, width=100, initial_indent=f"    {label}: ", subsequent_indent=" " * 6
    )
