"""What the user reads when a run has ended: where the paper is, or what went wrong."""

import re
from collections.abc import Callable, Iterable
from pathlib import Path

from .targets import Targets

NO_TEX = (
    "Everything but the PDF is made: no LaTeX was found. To add it: sudo apt-get install "
    "--no-install-recommends latexmk lmodern texlive-latex-base texlive-latex-recommended"
)
# In full, Snakemake names the log of a job that failed; where it is quiet, the command does.
JOBS_LOG = re.compile(r"^    log: (\S+) \(check|> (\S+) 2>&1' returned", re.MULTILINE)
LAST_LINES = 5


def success(targets: Targets, typeset: bool, seen: Callable[[str], str]) -> str:
    """Say where the documents are, below what was published and what was found, if asked for.

    Parameters
    ----------
    targets : the run's.
    typeset : whether there is a TeX engine.
    seen : from a file's path in the run to that from where the user has started it.
    """
    compared = [Path(file) for file in targets.published if file.endswith(".txt")]
    compared = "".join(file.read_text() for file in compared if file.is_file())
    if not typeset:
        return compared + NO_TEX
    several = "The reports on your nets" if len(targets.reports) > 1 else "The report"
    documents = {"The paper": targets.papers[:1], several: targets.reports}
    lines = [
        f"{name} {'is' if len(files) == 1 else 'are'} {', '.join(map(seen, files))}."
        for name, files in documents.items()
        if files and all(Path(file).is_file() for file in files)
    ]
    return compared + ("\n".join(lines) or "Done.")


def failure(logs: Iterable[str], seen: Callable[[str], str]) -> str:
    """Let the jobs that failed speak for themselves, each once: the last lines of their logs.

    Parameters
    ----------
    logs : Snakemake's own.
    seen : as of `success`.
    """
    text = "\n".join(Path(log).read_text(errors="replace") for log in logs)
    found = []
    for file in dict.fromkeys("".join(pair) for pair in JOBS_LOG.findall(text)):
        if Path(file).is_file():
            lines = Path(file).read_text(errors="replace").splitlines()
            found += [f"{seen(file)}:", *lines[-LAST_LINES:]]
    return "\n".join(found)
