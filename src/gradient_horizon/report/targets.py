"""The files that a run leaves: which there are, by its configuration."""

from collections.abc import Iterable, Mapping

from ..config import grid
from ..networks.cells import CELLS
from .figures import FIGURES, OF_A_NET

# What is measured of the nets of a grid point, and of a trained net from elsewhere.
MEASURED = ("contributions", "influence", "spectra", "summary")
TABLES = (
    "contributions_median",
    "influence",
    "influence_median",
    "learnability",
    "learning_curves",
    "remedies",
    "slopes",
    "spectra_median",
    "summary",
    "summary_median",
)
# Too long for text files.
LONG_TABLES = ("contributions", "spectra")
PAPER_PARTS = (
    "config.yaml",
    "experiments.tex",
    "grids.tex",
    "learnability.tex",
    "numbers.tex",
    "versions.tex",
)


def _reads_words(experiment: Mapping) -> bool:
    return experiment["task"].get("unit") == "word"


def _has_parts(experiment: Mapping) -> bool:
    """Tell whether the state of some cell has parts, through which the signal goes back apart."""
    return any(len(CELLS[run["cell"]].PARTS) > 1 for run in grid.runs(experiment))


# What some figures alone are drawn of.
HAS = {"words": _reads_words, "parts": _has_parts}


class Targets:
    """What the workflow makes of a configuration; each list is empty where there is no such thing.

    What later jobs read is a target too: a file that is lost is made again, even where all that was
    made from it is still there.

    Parameters
    ----------
    experiments : those of a resolved configuration, by name.
    nets : names of its trained nets.
    typeset : whether there is a TeX engine; without one no document is built.

    Attributes
    ----------
    data : each experiment's grid, data and probe batch.
    runs : the nets of every grid point, and what was measured of them.
    tables : those over all runs.
    figures : those of every experiment.
    published : what was published, beside what is measured, where an experiment asks for it.
    paper_parts : the numbers and tables that the paper reads.
    records : the audit of the lecture note, and what everything was made with.
    papers : the paper and its supplement.
    nets : what is measured and drawn of every trained net, and the numbers of its report.
    reports : a report on each of them.
    everything : all of these.
    """

    def __init__(self, experiments: Mapping[str, dict], nets: Iterable[str], typeset: bool):
        self.data = [
            f"results/{name}/{file}"
            for name in experiments
            for file in ("data.npz", "grid.csv", "probe.npz", "task.json")
        ]
        self.runs = [
            f"results/{name}/{run['run']}/{file}"
            for name, experiment in experiments.items()
            for run in grid.runs(experiment)
            for file in (*_with_endings(MEASURED, "parquet"), "train.npz")
        ]
        self.figures = [
            f"results/figures/{file}"
            for name, experiment in experiments.items()
            for figure, kind in FIGURES.items()
            if not kind.only or HAS[kind.only](experiment)
            for file in _with_endings([f"{figure}_{name}"], "pdf", "png")
        ]
        asked = any("published" in experiment for experiment in experiments.values())
        published = ["tables/published.csv", "tables/published.txt", "paper/published_table.tex"]
        self.published = [f"results/{file}" for file in published] if asked else []
        self.tables, self.paper_parts, self.records = [], [], []
        if experiments:
            tables = _with_endings(TABLES, "parquet", "csv")
            tables += _with_endings(LONG_TABLES, "parquet")
            self.tables = [f"results/tables/{file}" for file in tables]
            parts = [
                f"{table}_{name}" for table in ("activations", "slopes") for name in experiments
            ]
            parts += [f"remedies_{name}" for name in comparing(experiments)]
            files = (*PAPER_PARTS, *_with_endings(parts, "tex"))
            self.paper_parts = [f"results/paper/{file}" for file in files]
            self.records = ["results/tables/audit.csv", "results/provenance.json"]
        papers = ["results/paper/paper.pdf", "results/paper/supplement.pdf"]
        self.papers = papers if typeset and experiments else []
        measured = _with_endings(MEASURED, "parquet", "csv")
        measured += ["numbers.json", "numbers.tex", *_with_endings(OF_A_NET, "pdf", "png")]
        self.nets = [f"results/checkpoints/{net}/{file}" for net in nets for file in measured]
        self.reports = [f"results/checkpoints/{net}/report.pdf" for net in nets if typeset]
        self.everything = [file for files in vars(self).values() for file in files]


def comparing(experiments: Mapping[str, dict]) -> list[str]:
    """Return the names of the experiments that compare remedies."""
    return [name for name, own in experiments.items() if grid.compares_remedies(own)]


def _with_endings(names: Iterable[str], *endings: str) -> list[str]:
    return [f"{name}.{ending}" for name in names for ending in endings]
