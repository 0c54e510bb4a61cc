# The checked configuration, and what all rules share.
import json
import os
import re
import shlex
import sys
from functools import cache
from pathlib import Path

ROOT = Path(str(workflow.current_basedir)).parents[1]

# In a checkout the library needs no installation; otherwise it is the one that this is a part of.
SOURCE = ROOT / "src"
if SOURCE.is_dir():
    sys.path.insert(0, str(SOURCE))
from gradient_horizon.config import configuration, grid, reading
from gradient_horizon.ground import provenance
from gradient_horizon.ground.digests import PACKAGE, digest, place_digest
from gradient_horizon.ground.programs import THREADS
from gradient_horizon.ground.user_files import sha256
from gradient_horizon.networks.activations import ACTIVATIONS
from gradient_horizon.networks.cells import CELLS
from gradient_horizon.report.typesetting import find_engine
from gradient_horizon.tasks import TASKS

# Jobs use the same library, and one BLAS thread each.
shell.prefix(
    "export "
    + (f"PYTHONPATH={shlex.quote(str(SOURCE))} " if SOURCE.is_dir() else "")
    + "".join(f"{variable}=1 " for variable in THREADS)
    + "; "
)

CONFIG_FILE = reading.default_file()


def end_with(errors):
    """Say what is wrong with the configuration, if anything, and stop."""
    for error in errors:
        print(f"config error: {error}", file=sys.stderr)
    if errors:
        sys.exit(1)


for file in (CONFIG_FILE, *workflow.overwrite_configfiles):
    end_with(reading.problems(file))


configfile: CONFIG_FILE


try:
    CONFIG = configuration.resolve(config)
except configuration.ConfigError as error:
    end_with(error.lines)

# They are none of the paper's concern.
CHECKPOINTS = CONFIG.pop("checkpoints")
EXPERIMENTS = {
    name: {run["run"]: run for run in grid.runs(experiment)}
    for name, experiment in CONFIG["experiments"].items()
}
ALL_RUNS = [run for runs in EXPERIMENTS.values() for run in runs.values()]
# What every run leaves. All of it is a target: one that is lost is made again, even where all that
# was made from it is still there.
RUN_FILES = [
    f"results/{experiment}/{run}/{file}"
    for experiment, runs in EXPERIMENTS.items()
    for run in runs
    for file in (
        "contributions.parquet",
        "influence.parquet",
        "spectra.parquet",
        "summary.parquet",
        "train.npz",
    )
]
DATA_FILES = [
    f"results/{experiment}/{file}"
    for experiment in EXPERIMENTS
    for file in ("data.npz", "grid.csv", "probe.npz", "task.json")
]
TEX_ENGINE = find_engine()
TABLE_NAMES = [
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
]
TABLES = [
    *(f"results/tables/{name}.{ending}" for name in TABLE_NAMES for ending in ("parquet", "csv")),
    # Too long for text files.
    "results/tables/contributions.parquet",
    "results/tables/spectra.parquet",
]

# What was published, beside what is measured here: where an experiment asks for it.
IS_COMPARED = any("published" in experiment for experiment in CONFIG["experiments"].values())
PUBLISHED_TABLE = ["results/paper/published_table.tex"] if IS_COMPARED else []
COMPARISON = (
    ["results/tables/published.csv", "results/tables/published.txt", *PUBLISHED_TABLE]
    if IS_COMPARED
    else []
)

FIGURE_NAMES = [
    "contribution",
    "horizon_over_training",
    "influence",
    "learning_curves",
    "phase_diagram",
    "slopes",
    "spectra",
    "transport",
    "truncation",
]
HAS_WORDS = [
    name
    for name, experiment in CONFIG["experiments"].items()
    if experiment["task"].get("unit") == "word"
]
# A state of several parts, through which the signal goes back apart.
HAS_PARTS = [
    name
    for name, runs in EXPERIMENTS.items()
    if any(len(CELLS[run["cell"]].PARTS) > 1 for run in runs.values())
]
COMPARING = [
    name for name, experiment in CONFIG["experiments"].items() if grid.compares_remedies(experiment)
]
FIGURES = [
    f"results/figures/{figure}_{experiment}.{ending}"
    for experiment in EXPERIMENTS
    for figure in (
        *FIGURE_NAMES,
        *(["sentence_map"] if experiment in HAS_WORDS else []),
        *(["transport_parts"] if experiment in HAS_PARTS else []),
    )
    for ending in ("pdf", "png")
]
PAPER_PARTS = [
    f"results/paper/{name}"
    for name in (
        *(
            "config.yaml",
            "experiments.tex",
            "grids.tex",
            "learnability.tex",
            "numbers.tex",
            "versions.tex",
        ),
        *(
            f"{table}_{experiment}.tex"
            for table in ("activations", "slopes")
            for experiment in EXPERIMENTS
        ),
        *(f"remedies_{experiment}.tex" for experiment in COMPARING),
    )
]
FIGURE_STYLE = os.path.relpath(PACKAGE / "report/figures.mplstyle", ROOT)
PAPER_SOURCES = [
    f"paper/{name}"
    for name in (
        "audit.tex",
        "audit_claims.tex",
        "cells.tex",
        "details.tex",
        "experiment.tex",
        "forms.tex",
        "main.tex",
        "preamble.tex",
        "published.tex",
        "references.bib",
        "related_work.tex",
        "remedies.tex",
        "remedies_details.tex",
        "sentence_map.tex",
        "supplement.tex",
        "task_other.tex",
        "transport_parts.tex",
        *(
            f"task_{name}.tex"
            for name in sorted({own["task"]["name"] for own in CONFIG["experiments"].values()})
            if (ROOT / f"paper/task_{name}.tex").is_file()
        ),
    )
]
PAPERS = ["results/paper/paper.pdf", "results/paper/supplement.pdf"] if EXPERIMENTS else []
CHECKPOINT_FIGURES = ["contribution", "influence", "spectra", "transport", "truncation"]
REPORT_PARTS = ["numbers.tex", *(f"{figure}.pdf" for figure in CHECKPOINT_FIGURES)]
CHECKPOINT_FILES = [
    "numbers.json",
    *REPORT_PARTS,
    *(f"{figure}.png" for figure in CHECKPOINT_FIGURES),
    *(
        f"{table}.{ending}"
        for table in ("contributions", "influence", "spectra", "summary")
        for ending in ("parquet", "csv")
    ),
]
REPORTS = [f"results/checkpoints/{net}/report.pdf" for net in CHECKPOINTS]
REPORT_SOURCES = [
    f"paper/{name}" for name in ("forms.tex", "preamble.tex", "references.bib", "report.tex")
]
NOTHING = "(?!)"


wildcard_constraints:
    experiment="|".join(EXPERIMENTS) or NOTHING,
    net="|".join(CHECKPOINTS) or NOTHING,
    run=r"[a-z0-9_.]+",


def own(file):
    """Path of a project's file as seen from the working directory: a moved project is the same."""
    return os.path.relpath(ROOT / file)


def script(name):
    """Path of a script, likewise."""
    return own(f"workflow/scripts/{name}.py")


def code(name, *files):
    """Digest of a script, of all library code that it uses, and of other files of the project."""
    return digest(ROOT / "workflow/scripts" / f"{name}.py", *(ROOT / file for file in files))


def own_code(runs, kinds=("cell", "activation", "task")):
    """Digests of the code behind what is named in some runs: of what a script finds by its name."""
    registries = {"cell": CELLS, "activation": ACTIVATIONS, "task": TASKS}
    places = {registries[kind].place(run[kind]) for run in runs for kind in kinds}
    return canonical({place: code_at(place) for place in places if place})


code_at = cache(place_digest)


def canonical(value):
    """Settings as JSON: the same settings, the same text."""
    return json.dumps(value, sort_keys=True)


def own_file(wildcards):
    """The user's own file that the experiment reads, if any."""
    options = CONFIG["experiments"][wildcards.experiment]["task"]
    find = getattr(TASKS[options["name"]], "own_file", lambda options: None)
    path = find(options)
    return {"own_file": path} if path else {}


def sources(experiment):
    """What the experiment's data come from: versions of packages, or a file's sha256."""
    options = CONFIG["experiments"][experiment]["task"]
    find = getattr(TASKS[options["name"]], "sources", lambda options: {})
    return canonical(find(options))


def mapped_run(experiment):
    """The run whose sentence is mapped."""
    return grid.mapped_run(CONFIG["experiments"][experiment])["run"]


def named_parts(net):
    """What the user says of a trained net beside its file, as arguments."""
    given = {key: CHECKPOINTS[net][key] for key in ("activation", "readout", "embedding")}
    return [part for key, value in given.items() if value for part in (f"--{key}", value)]


def as_seen(path):
    """A path of this run as seen from where the user started it: `--directory` works elsewhere."""
    return str(Path(workflow.overwrite_workdir or "", path))


def comparison():
    """What was published beside what was found, for the user to read; nothing if not asked for."""
    file = Path("results/tables/published.txt")
    return file.read_text() if IS_COMPARED and file.is_file() else ""


def closing_line():
    """What the user reads last."""
    if TEX_ENGINE:
        documents = {"The paper": PAPERS[:1]}
        documents["The reports on your nets" if len(REPORTS) > 1 else "The report"] = REPORTS
        lines = [
            f"{name} {'is' if len(paths) == 1 else 'are'} {', '.join(map(as_seen, paths))}."
            for name, paths in documents.items()
            if paths and all(map(os.path.isfile, paths))
        ]
        return "\n".join(lines) or "Done."
    return (
        "Everything but the PDF is made: no LaTeX was found. To add it: sudo apt-get install "
        "--no-install-recommends latexmk lmodern texlive-latex-base texlive-latex-recommended"
    )


def failures(logs):
    """What the jobs that failed, by Snakemake's own logs, say for themselves, each once."""
    text = "\n".join(Path(log).read_text(errors="replace") for log in logs)
    # In full, Snakemake names the log; where it is quiet, the command that wrote it.
    named = re.findall(r"^    log: (\S+) \(check|> (\S+) 2>&1' returned", text, re.MULTILINE)
    found = []
    for file in dict.fromkeys("".join(pair) for pair in named):
        if Path(file).is_file():
            lines = Path(file).read_text(errors="replace").splitlines()
            found += [f"{as_seen(file)}:", *lines[-5:]]
    return "\n".join(found)
