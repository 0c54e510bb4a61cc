# The checked configuration, and what all rules share.
import json
import os
import sys
from pathlib import Path
from shutil import which

ROOT = Path(str(workflow.current_basedir)).parents[1]


configfile: "config/config.yaml" if Path("config/config.yaml").is_file() else ROOT / "config/config.yaml"


sys.path.insert(0, str(ROOT / "workflow/scripts"))
from gradient_horizon import config as configuration
from gradient_horizon.code_digest import digest

try:
    CONFIG = configuration.resolve(config)
except configuration.ConfigError as error:
    for line in error.lines:
        print(f"config error: {line}", file=sys.stderr)
    sys.exit(1)

EXPERIMENTS = {
    name: {run["run"]: run for run in configuration.runs(experiment)}
    for name, experiment in CONFIG["experiments"].items()
}
TEX_ENGINE = next((name for name in ("latexmk", "tectonic") if which(name)), None)
TABLE_NAMES = [
    "contributions",
    "contributions_median",
    "learning_curves",
    "summary",
    "summary_median",
]
TABLES = [f"results/tables/{name}.{ending}" for name in TABLE_NAMES for ending in ("parquet", "csv")]


wildcard_constraints:
    experiment="|".join(EXPERIMENTS),
    run=r"[a-z0-9_.]+",


def script(name):
    """Path of a script as seen from the working directory, so that a moved project is the same."""
    return os.path.relpath(ROOT / "workflow/scripts" / f"{name}.py")


def code(name):
    """Digest of a script and of all library code that it uses."""
    return digest(ROOT / "workflow/scripts" / f"{name}.py")


def canonical(value):
    """Settings as JSON: the same settings, the same text."""
    return json.dumps(value, sort_keys=True)


def closing_line():
    """What the user reads last."""
    if TEX_ENGINE:
        return "The paper is results/paper/paper.pdf."
    return (
        "Everything but the PDF is made: no LaTeX was found. To add it: sudo apt-get install "
        "--no-install-recommends latexmk lmodern texlive-latex-base texlive-latex-recommended"
    )
