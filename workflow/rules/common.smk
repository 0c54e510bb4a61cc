# The checked configuration, and what all rules share.
import json
import os
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
from gradient_horizon.ground.user_files import sha256
from gradient_horizon.networks.activations import ACTIVATIONS
from gradient_horizon.networks.cells import CELLS
from gradient_horizon.report import closing, targets
from gradient_horizon.report.figures import FIGURES, OF_A_NET, OF_EVERY_RUN
from gradient_horizon.report.typesetting import find_engine
from gradient_horizon.tasks import TASKS


def end_with(errors):
    """Say what is wrong with the configuration, if anything, and stop."""
    for error in errors:
        print(f"config error: {error}", file=sys.stderr)
    if errors:
        sys.exit(1)


CONFIG_FILE = reading.default_file()
# A workflow that uses this one as a module hands its part of its own configuration over instead.
if not workflow.modifier.skip_configfile:
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
TEX_ENGINE = find_engine()
COMPARING = targets.comparing(CONFIG["experiments"])
TARGETS = targets.Targets(CONFIG["experiments"], CHECKPOINTS, typeset=TEX_ENGINE is not None)

FIGURE_STYLE = os.path.relpath(PACKAGE / "report/figures.mplstyle", ROOT)
# Of the paragraphs on tasks those that some experiment needs.
TASK_TEXTS = {f"task_{own['task']['name']}" for own in CONFIG["experiments"].values()}
PAPER_SOURCES = [
    f"paper/{file.name}"
    for file in sorted((ROOT / "paper").iterdir())
    if file.suffix in (".tex", ".bib")
    and file.stem != "report"
    and (not file.stem.startswith("task_") or file.stem in {"task_other", *TASK_TEXTS})
]
REPORT_SOURCES = [
    f"paper/{name}" for name in ("forms.tex", "preamble.tex", "references.bib", "report.tex")
]
NOTHING = "(?!)"


wildcard_constraints:
    experiment="|".join(EXPERIMENTS) or NOTHING,
    net="|".join(CHECKPOINTS) or NOTHING,
    run=r"[a-z0-9_.]+",


def own(file):
    """Path of a project's file as seen from the working directory: a moved project is the same.

    It stays where it is, whatever prefix the results of a module get.
    """
    return local(os.path.relpath(ROOT / file))


def script(name):
    """Path of a script, likewise."""
    return own(f"workflow/scripts/{name}.py")


def program(arguments):
    """The command that starts a rule's script, with the same library.

    Where that is not installed, its path is part of the command: a prefix of all commands would
    reach the rules of a workflow that uses this one as a module.
    """
    library = shlex.quote(own("src")).replace("{", "{{").replace("}", "}}")
    path = f"PYTHONPATH={library} " if SOURCE.is_dir() else ""
    return f"{path}python {{input.script:q}} {arguments} > {{log:q}} 2>&1"


def folder(file, above=1):
    """The folder that a file lies in, or one above it."""
    return str(Path(file).parents[above - 1])


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
    return {"own_file": local(path)} if path else {}


def sources(experiment):
    """What the experiment's data come from: versions of packages, or a file's sha256."""
    options = CONFIG["experiments"][experiment]["task"]
    find = getattr(TASKS[options["name"]], "sources", lambda options: {})
    return canonical(find(options))


def named_parts(net):
    """What the user says of a trained net beside its file, as arguments."""
    said = CHECKPOINTS[net]
    given = {key: said[key] for key in ("activation", "readout", "embedding", "loss")}
    parts = [part for key, value in given.items() if value for part in (f"--{key}", value)]
    parts += [part for name in said["ignore"] for part in ("--ignore", name)]
    return parts + ["--batch-first"] * said["batch_first"]


def drawn_from(names):
    """What some figures of an experiment are drawn from."""
    needed = dict.fromkeys(source for name in names for source in FIGURES[name].run)
    tables = [f"results/tables/{name}.parquet" for name in needed if name != "task"]
    return [*tables, *(["results/{experiment}/task.json"] if "task" in needed else [])]


def mapped_sentence(experiment):
    """The map of a sentence, which one of the experiment's runs gives."""
    run = grid.mapped_run(CONFIG["experiments"][experiment])["run"]
    return f"results/{experiment}/{run}/sentence_map.npz"


def as_seen(path):
    """A path of this run as seen from where the user started it: `--directory` works elsewhere."""
    return str(Path(workflow.overwrite_workdir or "", path))
