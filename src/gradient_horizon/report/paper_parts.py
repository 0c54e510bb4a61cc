"""What the paper reads besides its sources: numbers, tables, experiments, versions, settings.

`paper/main.tex` and `paper/supplement.tex` hold the sentences; every file written here is data.
"""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import yaml

from ..analysis import grid_points, remedy_cost
from ..config import grid
from ..ground import files, latex, provenance
from ..ground.imports import SEPARATOR
from ..tasks import TASKS, Percentage
from . import experiment_numbers, paper_tables, remedy_numbers, theory_numbers

MEDIANS = ("summary_median", "contributions_median", "slopes")
TABLES = (*MEDIANS, "learnability", "remedies")
# Known only of cells whose state has two parts.
PART_COLUMN = "log10_transport_cell"


def write(settings: dict, results: Path, output: Path) -> None:
    """Write everything that the paper reads.

    Parameters
    ----------
    settings : the resolved configuration.
    results : the folder of all results.
    output : the folder of the paper's parts, where the audit's `audit.json` is already.

    Raises
    ------
    FileError : a result cannot be read.
    """
    experiments = settings["experiments"]
    facts = {name: files.read_json(results / name / "task.json") for name in experiments}
    tables = {name: files.read_table(results / f"tables/{name}.parquet") for name in TABLES}
    costs = {}
    for name in filter(lambda name: grid.compares_remedies(experiments[name]), experiments):
        loss_mask = files.read_arrays(results / name / "probe.npz")["loss_mask"]
        costs[name] = remedy_cost.relative_costs(experiments[name], facts[name], loss_mask)
    macros = numbers(settings, facts, files.read_json(output / "audit.json"), tables, costs)
    written = {
        **result_tables(facts, tables, costs),
        "experiments.tex": experiment_list(experiments),
        "versions.tex": versions(),
        "config.yaml": yaml.safe_dump(
            settings, sort_keys=False, default_flow_style=None, width=110
        ),
        "numbers.tex": macros.definitions(),
    }
    for file, content in written.items():
        files.write_text(output / file, content)
    files.write_json(output / "numbers.json", macros)


def numbers(
    settings: dict,
    facts: Mapping[str, dict],
    audit: Mapping[str, str],
    tables: Mapping[str, pd.DataFrame],
    costs: Mapping[str, Mapping[str, float]],
) -> latex.Macros:
    """Return all macros: those of all experiments together, then each experiment's.

    Parameters
    ----------
    settings : the resolved configuration.
    facts : every experiment's `task.json`, by name.
    audit : the macros of the audit.
    tables : those of `TABLES`.
    costs : of each experiment that compares remedies, what they cost.
    """
    macros = latex.Macros()
    grids = grid.without_remedies(settings["experiments"])
    summary, distances, slopes = (
        tables[name][tables[name]["experiment"].isin(list(grids))] for name in MEDIANS
    )
    overall = experiment_numbers.overall_macros(
        {**settings, "experiments": grids}, summary, distances, facts
    )
    residual = latex.number(tables["summary_median"]["residual"].max(), 2)
    macros.add({**overall, "LargestResidual": residual})
    macros.add(theory_numbers.across_macros(slopes))
    macros.add(theory_numbers.matrix_macros(summary))
    macros.add(audit)
    ranked = paper_tables.ranked(tables["learnability"])["experiment"].nunique()
    macros.add({"RankedExperiments": latex.number(ranked)})
    for name, experiment in settings["experiments"].items():
        prefix = latex.macro_prefix(name)
        medians = [_rows_of(tables[table], name) for table in MEDIANS]
        macros.add(experiment_parts(name, experiment, facts[name], *medians), prefix)
        macros.add(task_macros(experiment["task"], facts[name]), prefix)
        # Whether it is one of those that the numbers of all together count.
        macros.add({"Counted": latex.switch(name in grids)}, prefix)
        if name in costs:
            compared = _rows_of(tables["remedies"], name)
            macros.add(remedy_numbers.remedy_macros(experiment, compared, costs[name]), prefix)
    return macros


def experiment_parts(
    name: str,
    experiment: dict,
    facts: dict,
    summary: pd.DataFrame,
    distances: pd.DataFrame,
    slopes: pd.DataFrame,
) -> latex.Macros:
    """Return the macros that every experiment has, without their prefix.

    Parameters
    ----------
    name, experiment, facts : its name, its part of the configuration, and its `task.json`.
    summary, distances, slopes : its rows of the tables of `MEDIANS`.
    """
    mapped = "--"
    if experiment["task"].get("unit") == "word":
        mapped = grid_points.run_label(grid.mapped_run(experiment))
    by_part = PART_COLUMN in distances and distances[PART_COLUMN].notna().any()
    macros = latex.Macros()
    macros.add(experiment_numbers.experiment_macros(name, experiment, facts, summary, distances))
    macros.add(theory_numbers.slope_macros(slopes))
    macros.add(theory_numbers.reach_macros(summary, distances))
    macros.add(
        {
            "ComparesRemedies": latex.switch(grid.compares_remedies(experiment)),
            "MappedPoint": mapped,
            "PartsKnown": latex.switch(by_part),
            "TextDigest": facts.get("corpus_sha256", "--"),
            "FileDigest": facts.get("file_sha256", "--"),
        }
    )
    return macros


def task_macros(options: dict, facts: dict) -> dict[str, str]:
    """Return the macros of the task's paragraph, and what a task from elsewhere says of itself."""
    task = TASKS[options["name"]]
    macros = {name: _written(value) for name, value in task.numbers(options, facts).items()}
    if SEPARATOR in options["name"]:
        macros["TaskDescription"] = latex.escape(" ".join((type(task).__doc__ or "").split()))
    return macros


def _written(value) -> str:
    """Write what a task says of itself as LaTeX."""
    match value:
        case None:
            return "--"
        case bool():
            return latex.switch(value)
        case Percentage():
            return latex.percent(value)
        case int():
            return latex.count(value)
        case float():
            return latex.number(value, 4)
        case tuple():
            return latex.conjunction(map(latex.escape, value))
        case _:
            return latex.escape(value)


def experiment_list(experiments: Mapping[str, dict]) -> str:
    r"""Return the definition of `\everyexperiment`, which takes what is done for each."""
    lines = [rf"\experimentis{{{name}}}{{{latex.macro_prefix(name)}}}#1%" for name in experiments]
    return "\n".join([r"\newcommand{\everyexperiment}[1]{%", *lines, "}", ""])


def result_tables(
    facts: Mapping[str, dict],
    tables: Mapping[str, pd.DataFrame],
    costs: Mapping[str, Mapping[str, float]],
) -> dict[str, str]:
    """Return the tables of results as LaTeX, by file.

    Parameters
    ----------
    facts, tables, costs : as for `numbers`.
    """
    written, grids = {}, []
    for name, known in facts.items():
        summary, distances, slopes = (_rows_of(tables[table], name) for table in MEDIANS)
        written[f"activations_{name}.tex"] = paper_tables.by_activation(summary, known["loss"])
        written[f"slopes_{name}.tex"] = paper_tables.slopes(slopes)
        title = latex.escape(name.replace("_", " ").capitalize())
        grids.append(paper_tables.whole_grid(rf"\gridcaption{{{title}}}", summary, distances))
    for name, cost in costs.items():
        compared = _rows_of(tables["remedies"], name)
        written[f"remedies_{name}.tex"] = remedy_numbers.remedy_table(compared, cost)
    written["learnability.tex"] = paper_tables.learnability(tables["learnability"])
    written["grids.tex"] = "\n".join(grids)
    return written


def versions() -> str:
    """Return a table of the versions behind the numbers."""
    rows = [
        (latex.escape(name), latex.escape(value)) for name, value in provenance.versions().items()
    ]
    return latex.table("ll", ("package", "version"), rows)


def _rows_of(table: pd.DataFrame, experiment: str) -> pd.DataFrame:
    return table[table["experiment"] == experiment]
