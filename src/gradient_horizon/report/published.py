"""What was published beside what is measured here: a table, a section of the paper, a summary."""

import textwrap

import pandas as pd

from ..config.grid import training_settings
from ..ground.latex import escape, table
from ..published import PUBLISHED, Claim, Finding

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
    A row a net: its axes and seed, `length` of the sequences, `clipped` and `regularised` of its
    training, and held-out `loss` and `accuracy`.
    """
    own = summary[summary["experiment"].isin(list(experiments))]
    last = own[own["step"] == own.groupby("experiment")["step"].transform("max")]
    trained = [
        training_settings(experiments[row.experiment], row.remedy) for row in last.itertuples()
    ]
    return last[[*AXES, "loss", "accuracy"]].assign(
        length=[experiments[name]["task"]["sequence_length"] for name in last["experiment"]],
        clipped=[settings["gradient_clip"] is not None for settings in trained],
        regularised=[settings["regulariser"] is not None for settings in trained],
    )


def findings(settings: dict, summary: pd.DataFrame) -> pd.DataFrame:
    """Measure every claim of every comparison of a configuration: a row each, of `COLUMNS`."""
    rows = []
    for name, experiments in compared(settings["experiments"]).items():
        paper = PUBLISHED[name]
        own = nets(summary, experiments)
        for claim in paper.CLAIMS:
            found = claim.measure(own, settings["statistics"]["confidence"])
            rows.append(_row(name, claim, found))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def section(rows: pd.DataFrame) -> str:
    """Return the section of the paper, as LaTeX.

    Parameters
    ----------
    rows : of `findings`.
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
    whole = table(
        r"p{0.36\textwidth}p{0.41\textwidth}l",
        ("published", "here", "same direction?"),
        cells,
        long_caption=r"What was published, and what is measured here. \label{tab:published}",
    )
    return SECTION + r"\begingroup\small" + f"\n{whole}" + r"\endgroup" + "\n"


def closing(rows: pd.DataFrame) -> str:
    """Return the summary that is printed at the end of a run."""
    lines = ["Compared with what was published (published | here | same direction?):"]
    for row in rows.itertuples():
        lines += [
            f"  {row.paper}, {row.source}",
            *_wrapped("published", row.published),
            *_wrapped("here", row.here),
            *_wrapped("same direction?", row.same_direction),
        ]
    return "\n".join(lines)


SECTION = r"""\section{Compared with what was published}
\label{sec:published}

\autoref{tab:published} sets statements of earlier papers beside what the networks of this run do.
The direction is the same, or the opposite one, where the whole \Confidence{} interval lies on one
side: for rates of success that of \citet{wilson1927}, for differences of rates that of
\citet{newcombe1998}. Otherwise it is undecided, and with few networks most things are. Lengths and
numbers of steps are those of this configuration, which may be smaller than the papers'; so it is
the direction that can be compared.

"""


def _row(name: str, claim: Claim, found: Finding) -> dict:
    """Return the row of a claim and what was found of it."""
    cells = (
        name,
        PUBLISHED[name].PAPER,
        claim.source,
        claim.published,
        found.here,
        found.same_direction,
    )
    return dict(zip(COLUMNS, cells, strict=True))


def _wrapped(label: str, text: str) -> list[str]:
    """Write a labelled text in lines of at most 100 characters."""
    return textwrap.wrap(
        text, width=100, initial_indent=f"    {label}: ", subsequent_indent=" " * 6
    )
