"""What is written about one trained net: tables, figures, numbers, and a report of two pages."""

import contextlib
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from ..checkpoints.checkpoint import Checkpoint
from ..ground import files, latex, project
from . import net_numbers, typesetting
from .figures import drawing

SOURCES = [
    project.ROOT / "paper" / name
    for name in ("report.tex", "preamble.tex", "forms.tex", "references.bib")
]


def write(
    name: str,
    net: Checkpoint,
    tables: dict[str, pd.DataFrame],
    digests: Mapping[str, str],
    output: Path,
) -> list[Path]:
    """Write all but the report into a folder.

    Parameters
    ----------
    name : what the net is called.
    net : the net and its batch.
    tables : as `measuring.measure` returns them.
    digests : macros that say which files it was read from.
    output : the folder.

    Returns
    -------
    What the report is typeset from: `typeset` takes it.

    Raises
    ------
    files.FileError : the folder cannot be written to.
    """
    for table, content in tables.items():
        for ending in ("parquet", "csv"):
            files.write_table(output / f"{table}.{ending}", content)
    figures = drawing.draw_net(tables, output)
    macros = latex.Macros()
    macros.add(net_numbers.macros(name, net, tables) | digests)
    files.write_json(output / "numbers.json", macros)
    files.write_text(output / "numbers.tex", macros.definitions())
    return [*SOURCES, output / "numbers.tex", *figures]


def typeset(engine: str, sources: list[Path], output: Path) -> None:
    """Typeset the report from what `write` returns; what TeX says is in its log where it fails.

    Raises
    ------
    typesetting.PaperError : TeX stopped.
    """
    with contextlib.redirect_stdout(None):
        typesetting.write(engine, "report", sources, output)
