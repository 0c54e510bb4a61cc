"""Drawing figures from files into files, and those of one net from its tables."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from ...ground import files
from ...ground.names import nearest
from .. import plotting
from . import FIGURES, OF_A_NET


def draw_run(experiment: str, sources: Iterable[Path], outputs: Iterable[Path]) -> None:
    """Draw figures of one experiment, each as PDF and PNG.

    Parameters
    ----------
    experiment : its name; of tables over all experiments its rows are drawn.
    sources : files, called after what they hold: tables, `task.json`, `sentence_map.npz`.
    outputs : files to write, called after a figure and the experiment: `transport_words.pdf`.

    Raises
    ------
    FileError : there is no such figure, what it is drawn from is not among `sources`, or a file
        cannot be read or written.
    """
    sources = {path.stem: path for path in sources}
    read = {}
    plotting.use_style()
    for place in dict.fromkeys(path.with_suffix("") for path in outputs):
        name = place.name.removesuffix(f"_{experiment}")
        if name not in FIGURES:
            hint = nearest(name, FIGURES)
            raise files.FileError(
                f"cannot draw {place}: '{name}' is no figure; allowed: {', '.join(FIGURES)}{hint}"
            )
        needed = FIGURES[name].run
        if missing := [source for source in needed if source not in sources]:
            raise files.FileError(f"cannot draw {place}: it is drawn from {', '.join(missing)} too")
        for source in needed:
            if source not in read:
                read[source] = _read(sources[source], experiment)
        plotting.save(FIGURES[name].draw(*(read[source] for source in needed)), place)


def draw_net(tables: Mapping, folder: Path) -> list[Path]:
    """Draw every figure of one net as PDF and PNG, from its tables by name; return the PDFs."""
    plotting.use_style()
    for name in OF_A_NET:
        kind = FIGURES[name]
        plotting.save(kind.draw(*(tables[table] for table in kind.net)), folder / name)
    return [folder / f"{name}.pdf" for name in OF_A_NET]


def _read(path: Path, experiment: str):
    """Read a file by its ending; of a table the rows of one experiment."""
    if path.suffix == ".json":
        return files.read_json(path)
    if path.suffix == ".npz":
        return files.read_arrays(path)
    table = files.read_table(path)
    return table[table["experiment"] == experiment]
