"""Audit the lecture note: measure what decides each of its claims on the nets of this run.

python audit_claims.py --config JSON --results results --claims results/tables/audit.csv
    --paper results/paper

Into the folder of the paper go `audit_table.tex`, all claims with verdicts, and `audit.json`, the
macros of the section.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from gradient_horizon.analysis import grid_points
from gradient_horizon.audit import claims, over_the_grid
from gradient_horizon.audit.audited_net import Net, forward
from gradient_horizon.audit.equations import EQUATIONS
from gradient_horizon.audit.jacobians import JACOBIANS, SEQUENCES, STEPS
from gradient_horizon.config import grid
from gradient_horizon.ground import files, programs
from gradient_horizon.ground.latex import conjunction, escape
from gradient_horizon.networks.activations import ACTIVATIONS

NOTHING_AUDITED = "none in this run: the note speaks of simple cells, symbols and classes"
# Differences of larger states have too few digits left.
LARGEST_STATE = 100.0


def readable(probe: dict) -> bool:
    """Tell whether the note speaks of nets on such a batch: symbols in, soft-max over classes."""
    return all(probe[name].dtype.kind in "iu" for name in ("inputs", "targets"))


def audited_runs(settings: dict, names: Sequence[str]) -> tuple[str, list[dict]]:
    """Choose an experiment, on words if there is one, and a run for each of its activations.

    Parameters
    ----------
    settings : the resolved configuration.
    names : the experiments whose probe batch is `readable`.

    Returns
    -------
    The experiment's name, and the runs of the simple cell whose radius is next to 1, without a
    remedy if any is.  There are none where no experiment is readable and has simple cells.
    """
    experiments = settings["experiments"]
    simple = {
        name: [run for run in grid.runs(experiments[name]) if run["cell"] == "rnn"]
        for name in names
    }
    possible = [name for name in names if simple[name]]
    on_words = [name for name in possible if experiments[name]["task"]["name"] == "words"]
    name = next(iter((*on_words, *possible, *experiments)))
    runs = simple.get(name, [])
    return name, [
        min(
            (run for run in runs if run["activation"] == activation),
            key=lambda run: (run["remedy"] != grid.PLAIN, abs(run["radius"] - 1.0)),
        )
        for activation in dict.fromkeys(run["activation"] for run in runs)
    ]


def audited_net(activation: str, trained: dict, probe: dict) -> Net | None:
    """Take the first net that has not diverged, after training.

    Where there is none, or its states are too large to take differences of, the first net before
    training; None if its states are too large as well.
    """
    steady = np.flatnonzero(trained["diverged_at"] < 0)
    for kept, net in [*((-1, net) for net in steady[:1]), (0, 0)]:
        weights = {
            name: array.astype(np.float64)
            for name, array in files.weights_of(trained, kept, net).items()
        }
        chosen = Net(ACTIVATIONS[activation], weights, **probe).window(STEPS, SEQUENCES)
        with np.errstate(all="ignore"):
            if np.abs(forward(chosen).state).max() <= LARGEST_STATE:
                return chosen
    return None


def by_step(distances: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """log10 of bound and transport for one step, of every grid point before training."""
    start = grid_points.at_the_middle(distances[distances["step"] == 0])
    return tuple(
        (start[column] / start["distance"]).to_numpy()
        for column in ("log10_bound", "log10_transport")
    )


def horizons(name: str, summary: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Both horizons of every grid point of one experiment after training.

    Parameters
    ----------
    name : the experiment.
    summary : `summary_median`.

    Returns
    -------
    That of the gradient and that of the forward influence, nan where only a bound is known.
    """
    own = summary[summary["experiment"] == name]
    last = own[own["step"] == own["step"].max()]
    return tuple(
        last[column].where(~last[f"{column}_censored"].astype(bool)).to_numpy(float)
        for column in ("h99", "forward_horizon")
    )


def training_record(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Read gradient norms (steps, P) and steps of divergence (P,) and not the weights.

    Raises
    ------
    FileError : the file is missing or damaged.
    """
    try:
        with np.load(path, allow_pickle=False) as archive:
            return archive["gradient_norm"], archive["diverged_at"]
    except Exception as error:
        raise files.FileError(f"cannot read {path}: {' '.join(str(error).split())}") from error


def clipping(settings: dict, results: Path) -> dict[str, int]:
    """Count clipped steps and diverged nets over the runs that are trained with clipping."""
    counts = dict.fromkeys(("clipped", "steps", "diverged", "nets"), 0)
    for name, experiment in settings["experiments"].items():
        for run in grid.runs(experiment):
            clip = grid.training_settings(experiment, run["remedy"])["gradient_clip"]
            if clip is None:
                continue
            norms, diverged_at = training_record(results / name / run["run"] / "train.npz")
            clipped, steps = over_the_grid.clipped_steps(norms, diverged_at, clip)
            diverged = int((diverged_at >= 0).sum())
            for count, value in zip(
                counts, (clipped, steps, diverged, len(diverged_at)), strict=True
            ):
                counts[count] += value
    return counts


def label(runs: list[dict]) -> str:
    """Name the audited nets in a sentence, by activation and radius."""
    names = [ACTIVATIONS[run["activation"]].label for run in runs]
    radii = [f"radius {run['radius']:g}" for run in runs]
    if len(set(radii)) == 1:
        return f"{conjunction(names)}, of {radii[0]}"
    return conjunction(map(" of ".join, zip(names, radii, strict=True)))


def main() -> None:
    """Measure, write the table as CSV and LaTeX, and the macros."""
    parser = programs.parser(__doc__)
    parser.add_argument("--config", type=programs.settings, required=True)
    parser.add_argument("--results", type=Path, required=True)
    parser.add_argument("--claims", type=Path, required=True)
    parser.add_argument("--paper", type=Path, required=True)
    arguments = parser.parse_args()
    settings, results = arguments.config, arguments.results
    probes = {
        name: files.read_arrays(results / name / "probe.npz") for name in settings["experiments"]
    }
    name, runs = audited_runs(settings, [name for name in probes if readable(probes[name])])
    audited, nets = [], []
    for run in runs:
        trained = files.read_nets(results / name / run["run"] / "train.npz")
        net = audited_net(run["activation"], trained, probes[name])
        if net is not None:
            audited.append(run)
            nets.append(net)
    errors = {
        number: claims.worst([measure(net) for net in nets])
        for number, measure in (EQUATIONS | JACOBIANS).items()
    }
    distances = files.read_table(results / "tables/contributions_median.parquet")
    grids = grid.without_remedies(settings["experiments"])
    distances = distances[distances["experiment"].isin(list(grids))]
    bound, transport = by_step(distances)
    errors[13] = over_the_grid.phase_diagram(bound, transport)
    summary = files.read_table(results / "tables/summary_median.parquet")
    errors[15] = over_the_grid.learning_signal(*horizons(name, summary))
    errors[16] = over_the_grid.explosion(transport, **clipping(settings, results))

    findings = [claims.finding(number, errors[number]) for number in sorted(errors)]
    files.write_table(arguments.claims, pd.DataFrame([part.row() for part in findings]))
    files.write_text(arguments.paper / "audit_table.tex", claims.audit_table(findings))
    macros = {
        **claims.audit_numbers(findings),
        "AuditExperiment": escape(name.replace("_", " ")),
        "AuditNets": label(audited) if audited else NOTHING_AUDITED,
    }
    files.write_json(arguments.paper / "audit.json", macros)


if __name__ == "__main__":
    programs.run(main)
