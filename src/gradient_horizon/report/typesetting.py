"""Building the paper with whichever TeX engine is there, the same bytes every time."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

from ..ground import files

# Both run BibTeX and TeX as often as it takes; neither lets a document start a program.
COMMANDS = {
    "latexmk": [
        *("latexmk", "-norc", "-pdf", "-interaction=nonstopmode", "-halt-on-error"),
        *("-file-line-error", "-latexoption=-no-shell-escape"),
    ],
    "tectonic": ["tectonic", "--untrusted", "--keep-logs", "--keep-intermediates"],
}
# Two passes within one second look alike to latexmk where the files' lengths are the same: then it
# stops too early, which TeX says in its log.
RERUN = "Rerun to get cross-references right"
FORCE = {"latexmk": ["-g"], "tectonic": []}
MOST_PASSES = 3
WITHOUT_TIME = {"SOURCE_DATE_EPOCH": "0", "FORCE_SOURCE_DATE": "1"}
UNRESOLVED = re.compile(r"(?:Reference|Citation) `([^']+)'[^\n]* undefined")


class PaperError(Exception):
    """The paper cannot be built, said in one line."""


def find_engine() -> str | None:
    """Return the TeX engine to use, or None where there is none."""
    if shutil.which("latexmk") and shutil.which("pdflatex"):
        return "latexmk"
    return "tectonic" if shutil.which("tectonic") else None


def build(engine: str, document: str, sources: Iterable[Path], folder: Path) -> Path:
    """Typeset one document and return the PDF.

    Parameters
    ----------
    engine : `latexmk` or `tectonic`.
    document : the name of its file, without the ending.
    sources : every file that it reads, this one among them.
    folder : where to build; emptied first.

    Raises
    ------
    PaperError : TeX stopped, or a reference or citation leads nowhere.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for source in sources:
        shutil.copy(source, folder)
    text = RERUN
    for force in ([], *MOST_PASSES * [FORCE[engine]]):
        if RERUN not in text:
            break
        run = subprocess.run(
            [*COMMANDS[engine], *force, f"{document}.tex"],
            cwd=folder,
            env={**os.environ, **WITHOUT_TIME},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
        print(run.stdout)
        log = folder / f"{document}.log"
        # TeX breaks the lines of its log at 79 characters, wherever that falls.
        text = log.read_text(encoding="utf-8", errors="replace") if log.is_file() else run.stdout
        if run.returncode != 0:
            break
    if run.returncode != 0:
        errors = re.findall(r"^(?:\S+:\d+: |! ).+", text, flags=re.MULTILINE)
        raise PaperError(f"{engine} stopped: {errors[0] if errors else 'see the log'}")
    unresolved = sorted(set(UNRESOLVED.findall(text.replace("\n", ""))))
    if unresolved:
        raise PaperError(f"the paper cites or refers to what is not there: {', '.join(unresolved)}")
    return folder / f"{document}.pdf"


def write(engine: str, document: str, sources: Iterable[Path], output: Path) -> None:
    """Typeset one document in a folder beside the output and keep the PDF.

    Parameters
    ----------
    engine, document, sources : as for `build`.
    output : the PDF.

    Raises
    ------
    PaperError : as `build`.
    """
    folder = output.with_name(f".part-{output.stem}")
    pdf = build(engine, document, sources, folder)
    with files.replacing(output) as temporary:
        shutil.copyfile(pdf, temporary)
    shutil.rmtree(folder)
