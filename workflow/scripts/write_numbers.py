"""Write the paper's numbers, tables and the order of its sections.

python write_numbers.py --config JSON --results results --output results/paper

Into the output folder go `numbers.json`, the same as LaTeX macros in `numbers.tex`, and the files
that main.tex and supplement.tex read besides: tables of results, versions, texts and the
configuration.
"""

from collections.abc import Collection
from pathlib import Path

import pandas as pd
import yaml

from gradient_horizon.analysis import grid_points, remedy_cost
from gradient_horizon.config import grid
from gradient_horizon.ground import files, latex, programs, provenance
from gradient_horizon.report import (
    experiment_numbers,
    paper_tables,
    remedy_numbers,
    theory_numbers,
)
from gradient_horizon.tasks import words

TABLES = ("summary_median", "contributions_median", "slopes")
# Known only of cells whose state has two parts.
PART_COLUMN = "log10_transport_cell"
# What stands in place of a part, or after it, where an experiment compares remedies.
PLACES = {"experiment": ["remedies"], "details": ["details", "remedies_details"]}


def numbers(
    settings: dict,
    facts: dict[str, dict],
    audit: dict[str, str],
    tables: dict[str, pd.DataFrame],
    costs: dict[str, dict[str, float]],
) -> latex.Macros:
    """Return all macros: those of all experiments together, then each experiment's own.

    Parameters
    ----------
    settings : the resolved configuration.
    facts : every experiment's `task.json`, by name.
    audit : the macros of the audit.
    tables : those of `TABLES`, and `remedies`.
    costs : of each experiment that compares remedies, what they cost.
    """
    macros = latex.Macros()
    grids = grid.without_remedies(settings["experiments"])
    summary, distances, slopes = (
        tables[name][tables[name]["experiment"].isin(list(grids))] for name in TABLES
    )
    overall = experiment_numbers.overall_macros(
        {**settings, "experiments": grids}, summary, distances, facts
    )
    residual = latex.number(tables["summary_median"]["residual"].max(), 2)
    macros.add({**overall, "LargestResidual": residual})
    macros.add(theory_numbers.across_macros(slopes))
    macros.add(theory_numbers.matrix_macros(summary))
    macros.add(audit)
    for name, experiment in settings["experiments"].items():
        summary, distances, slopes = (_own(tables[table], name) for table in TABLES)
        relevant = facts[name].get("relevant_distance")
        own = {
            **experiment_numbers.experiment_macros(
                name, experiment, facts[name], summary, distances
            ),
            **theory_numbers.slope_macros(slopes),
            **theory_numbers.reach_macros(summary, distances, relevant),
        }
        if name in costs:
            compared = _own(tables["remedies"], name)
            own |= remedy_numbers.remedy_macros(experiment, compared, costs[name])
        macros.add(own, prefix=latex.macro_prefix(name))
    return macros


def _own(table: pd.DataFrame, experiment: str) -> pd.DataFrame:
    return table[table["experiment"] == experiment]


def sections(experiments: dict, file: str, by_part: Collection[str] = ()) -> str:
    """Return the LaTeX that runs through the experiments, reading `file` for each.

    `by_part` names the experiments whose transport is known for each part of the state.
    """
    lines = []
    for name, experiment in experiments.items():
        lines += [
            rf"\renewcommand{{\experiment}}{{{name}}}",
            rf"\renewcommand{{\experimentprefix}}{{{latex.macro_prefix(name)}}}",
        ]
        parts = PLACES[file] if grid.compares_remedies(experiment) else [file]
        lines += [rf"\input{{{part}}}" for part in parts]
        if file == "details" and experiment["task"].get("unit") == "word":
            mapped = grid_points.run_label(grid.mapped_run(experiment))
            lines += [rf"\renewcommand{{\mappedpoint}}{{{mapped}}}", r"\input{sentence_map}"]
        if file == "details" and name in by_part:
            lines += [r"\input{transport_parts}"]
    return "\n".join([*lines, ""])


def by_part(tables: dict[str, pd.DataFrame]) -> set[str]:
    """Return the experiments whose transport is known for each part of the state."""
    distances = tables["contributions_median"]
    if PART_COLUMN not in distances:
        return set()
    return set(distances.loc[distances[PART_COLUMN].notna(), "experiment"])


def versions() -> str:
    """Return a table of the versions behind the numbers."""
    rows = [
        (latex.escape(name), latex.escape(value)) for name, value in provenance.versions().items()
    ]
    return latex.table("ll", ("package", "version"), rows)


def texts(experiments: dict, facts: dict[str, dict]) -> str:
    """Return a paragraph on each text or file that an experiment read, with its sha256."""
    paragraphs = []
    for name, experiment in experiments.items():
        own, title = facts[name], latex.escape(name.replace("_", " "))
        if "corpus_sha256" in own:
            unit = experiment["task"]["unit"]
            said = (
                f"The text of {title} has {own['token_count']:,} {words.TOKENS[unit]}, of which "
                f"{latex.percent(own['unknown_rate'])} are the unknown {unit}; the sha256 of its "
                f"tokens is"
            )
        elif "file_sha256" in own:
            said = f"The sequences of {title} are {latex.escape(own['file'])}, whose sha256 is"
        else:
            continue
        sha256 = own.get("corpus_sha256") or own["file_sha256"]
        paragraphs.append(f"{said}\\\\\n{{\\footnotesize\\texttt{{{sha256}}}}}.\n\n")
    return "".join(paragraphs)


def main() -> None:
    """Read the tables, write everything that the paper reads."""
    parser = programs.parser(__doc__)
    parser.add_argument("--config", type=programs.settings, required=True)
    parser.add_argument("--results", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    arguments = parser.parse_args()
    results, output, settings = arguments.results, arguments.output, arguments.config
    experiments = settings["experiments"]
    facts = {name: files.read_json(results / name / "task.json") for name in experiments}
    tables = {
        name: files.read_table(results / f"tables/{name}.parquet")
        for name in (*TABLES, "learnability", "remedies")
    }

    grids = []
    for name in experiments:
        summary, distances, slopes = (_own(tables[table], name) for table in TABLES)
        title = latex.escape(name.replace("_", " ").capitalize())
        by_activation = paper_tables.by_activation(summary, facts[name]["loss"])
        files.write_text(output / f"activations_{name}.tex", by_activation)
        files.write_text(output / f"slopes_{name}.tex", paper_tables.slopes(slopes))
        grids.append(paper_tables.whole_grid(f"{title}: all grid points.", summary, distances))
    costs = {}
    for name in filter(lambda name: grid.compares_remedies(experiments[name]), experiments):
        loss_mask = files.read_arrays(results / name / "probe.npz")["loss_mask"]
        costs[name] = remedy_cost.relative_costs(experiments[name], facts[name], loss_mask)
        compared = remedy_numbers.remedy_table(_own(tables["remedies"], name), costs[name])
        files.write_text(output / f"remedies_{name}.tex", compared)
    macros = numbers(settings, facts, files.read_json(output / "audit.json"), tables, costs)
    written = {
        "experiments.tex": sections(experiments, "experiment"),
        "all_details.tex": sections(experiments, "details", by_part(tables)),
        "grids.tex": "{\\footnotesize\\setlength{\\tabcolsep}{4pt}\n" + "\n".join(grids) + "}\n",
        "learnability.tex": paper_tables.learnability(tables["learnability"]),
        "texts.tex": texts(experiments, facts),
        "versions.tex": versions(),
        "config.yaml": yaml.safe_dump(
            settings, sort_keys=False, default_flow_style=None, width=110
        ),
        "numbers.tex": macros.definitions(),
    }
    for file, content in written.items():
        files.write_text(output / file, content)
    files.write_json(output / "numbers.json", macros)


if __name__ == "__main__":
    programs.run(main)
