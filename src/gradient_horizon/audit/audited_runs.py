"""Which nets are audited: one for each activation, of one experiment with simple cells."""

from collections.abc import Sequence

import numpy as np

from ..config import grid
from ..ground import files
from ..ground.latex import conjunction
from ..networks.activations import ACTIVATIONS
from .audited_net import Net, forward
from .jacobians import SEQUENCES, STEPS

# Differences of larger states have too few digits left.
LARGEST_STATE = 100.0


def readable(probe: dict) -> bool:
    """Tell whether the note speaks of nets on such a batch: symbols in, soft-max over classes."""
    return all(probe[name].dtype.kind in "iu" for name in ("inputs", "targets"))


def chosen_runs(settings: dict, names: Sequence[str]) -> tuple[str, list[dict]]:
    """Choose an experiment, on words if there is one, and a run for each of its activations.

    Parameters
    ----------
    settings : the resolved configuration.
    names : the experiments whose probe batch is `readable`.

    Returns
    -------
    The experiment's name, and the runs of the simple cell whose radius is nearest to 1, without a
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


def net_of(activation: str, trained: dict, probe: dict) -> Net | None:
    """Take the first net that has not diverged, after training.

    Where there is none, or its states are too large to take differences of, the first net before
    training; None if its states are too large as well.

    Parameters
    ----------
    activation : its name.
    trained, probe : the arrays of `train.npz` and `probe.npz`.
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


def label(runs: list[dict]) -> str:
    """List the audited nets by activation and radius; -- where there are none."""
    if not runs:
        return "--"
    names = [ACTIVATIONS[run["activation"]].label for run in runs]
    radii = [f"radius {run['radius']:g}" for run in runs]
    if len(set(radii)) == 1:
        return f"{conjunction(names)}, of {radii[0]}"
    return conjunction(map(" of ".join, zip(names, radii, strict=True)))
