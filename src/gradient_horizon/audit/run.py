"""The audit of a run: every claim of the lecture note measured on its nets and tables."""

from pathlib import Path

from ..config import grid
from ..ground import files
from ..ground.latex import escape
from . import audited_runs, claims, over_the_grid
from .equations import EQUATIONS
from .jacobians import JACOBIANS


def audit(settings: dict, results: Path) -> tuple[list[dict], dict[str, str]]:
    """Measure every claim.

    Parameters
    ----------
    settings : the resolved configuration.
    results : the folder of all results.

    Returns
    -------
    The rows of the table of claims, as dictionaries by column, and the macros of the paper's
    section.

    Raises
    ------
    FileError : a file of the run is missing or damaged.
    """
    probes = {
        name: files.read_arrays(results / name / "probe.npz") for name in settings["experiments"]
    }
    readable = [name for name in probes if audited_runs.readable(probes[name])]
    experiment, runs = audited_runs.chosen_runs(settings, readable)
    nets = []
    for run in runs:
        trained = files.read_nets(results / experiment / run["run"] / "train.npz")
        nets.append(audited_runs.net_of(run["activation"], trained, probes[experiment]))
    usable = [(run, net) for run, net in zip(runs, nets, strict=True) if net is not None]
    errors = {
        number: claims.worst([measure(net) for _, net in usable])
        for number, measure in (EQUATIONS | JACOBIANS).items()
    }
    errors |= _grid_errors(settings, results, experiment)
    audited = [claims.AuditedClaim(number, errors[number]) for number in sorted(errors)]
    macros = {
        **claims.macros(audited),
        "AuditExperiment": escape(experiment.replace("_", " ")),
        "AuditNets": audited_runs.label([run for run, _ in usable]),
    }
    return [part.row() for part in audited], macros


def _grid_errors(settings: dict, results: Path, experiment: str) -> dict[int, claims.Errors]:
    """Measure the claims that take the whole grid; the horizons are those of one experiment."""
    distances = files.read_table(results / "tables/contributions_median.parquet")
    grids = grid.without_remedies(settings["experiments"])
    distances = distances[distances["experiment"].isin(list(grids))]
    bound, transport = over_the_grid.by_step(distances)
    summary = files.read_table(results / "tables/summary_median.parquet")
    horizons = over_the_grid.horizons(summary[summary["experiment"] == experiment])
    clipping = over_the_grid.clipping(settings, results)
    return {
        13: over_the_grid.phase_diagram(bound, transport),
        15: over_the_grid.learning_signal(*horizons),
        16: over_the_grid.explosion(transport, **clipping),
    }
