"""Settings of training that are not for a cell, an activation or a size, found before any job."""

from collections.abc import Iterator

from ..networks.activations import ACTIVATIONS
from ..training import flossing, regulariser
from .grid import training_settings

# The cells that a key of `training` is for, where these are not all.
CELLS_OF_KEYS = {"regulariser": regulariser.ALLOWED_CELLS, "flossing": flossing.ALLOWED_CELLS}


def problems(experiment: dict, remedy: str) -> Iterator[tuple[tuple, str]]:
    """Find what does not go together where one remedy is used.

    Parameters
    ----------
    experiment : completed, every value for itself right.
    remedy : one of its grid's.

    Yields
    ------
    A key path below the experiment, and what is wrong there.
    """
    grid, training = experiment["grid"], training_settings(experiment, remedy)
    changes, where = grid["remedies"][remedy], ("grid", "remedies", remedy)
    cells = [changes["cell"]] if "cell" in changes else grid["cells"]
    if "cell" in changes and len(grid["cells"]) > 1:
        yield (
            (*where, "cell"),
            f"the runs of {len(grid['cells'])} cells would all be of this one; allowed: one cell "
            "in `cells`, or no `cell` here",
        )
    for key, suitable in CELLS_OF_KEYS.items():
        path = (*where, key) if key in changes else ("training", key)
        names = ", ".join(suitable)
        others = [cell for cell in cells if cell not in suitable]
        if training[key] is None:
            continue
        if others and "cell" in changes and key not in changes:
            message = f"`{others[0]}` has no {key}; allowed: {names}, or `{key}: null` beside it"
            yield (*where, "cell"), message
        elif others:
            yield path, f"not for the cell `{others[0]}`; allowed: `null`, or cells among {names}"
        elif key == "flossing":
            yield from _problems_of_flossing(experiment, training[key], path)


def _problems_of_flossing(experiment: dict, options: dict, path: tuple) -> Iterator:
    """Find what keeps the exponents from being differentiated."""
    size = experiment["model"]["hidden_size"]
    if options["exponents"] > size:
        yield (
            (*path, "exponents"),
            f"{options['exponents']} exponents of {size} hidden units; allowed: 1 to {size}",
        )
    known = [name for name, phi in ACTIVATIONS.items() if phi.curvature is not None]
    others = [name for name in experiment["grid"]["activations"] if name not in known]
    if others:
        yield (
            path,
            f"needs the second derivative of '{others[0]}', which is not known; allowed: `null`, "
            f"or activations among {', '.join(known)}",
        )
