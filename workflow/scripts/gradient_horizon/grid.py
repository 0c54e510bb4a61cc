"""The grid: a checked configuration spread out into runs, and what each stage reads of it."""

from decimal import Decimal
from itertools import product


def radius_label(radius: float) -> str:
    """Write a radius as it stands in file names: two decimals, or as many as it has."""
    text = format(Decimal(repr(float(radius))), "f")
    whole, _, decimals = text.partition(".")
    return f"{whole}.{decimals.ljust(2, '0')}"


def runs(experiment: dict) -> list[dict]:
    """List the grid points of one experiment of a resolved configuration.

    Returns
    -------
    One dict each with `run` (its name in paths), `task`, `cell`, `activation`, `initialisation`
    and `radius`, the spectral radius at initialisation.
    """
    grid = experiment["grid"]
    axes = (grid["cells"], grid["activations"], grid["initialisations"], grid["spectral_radii"])
    return [
        {
            "run": f"{cell}_{activation}_{initialisation}_rho{radius_label(radius)}",
            "task": experiment["task"]["name"],
            "cell": cell,
            "activation": activation,
            "initialisation": initialisation,
            "radius": radius,
        }
        for cell, activation, initialisation, radius in product(*axes)
    ]


def mapped_run(experiment: dict) -> dict:
    """Choose the grid point whose sentence is mapped: tanh if there is one, radius next to 1."""
    return min(
        runs(experiment), key=lambda run: (run["activation"] != "tanh", abs(run["radius"] - 1.0))
    )


def task_settings(config: dict, name: str) -> dict:
    """Everything that the data of experiment `name` depends on."""
    experiment = config["experiments"][name]
    return {
        "base_seed": config["base_seed"],
        "experiment": name,
        "task": experiment["task"],
        "measurement": {"probe_batch": experiment["measurement"]["probe_batch"]},
    }


def run_settings(config: dict, name: str, run: dict) -> dict:
    """Everything that the training of one grid point of experiment `name` depends on."""
    experiment = config["experiments"][name]
    return {
        "base_seed": config["base_seed"],
        "experiment": name,
        "identity": f"{name}/{run['run']}",
        "cell": run["cell"],
        "activation": run["activation"],
        "initialisation": run["initialisation"],
        "radius": run["radius"],
        "seeds": experiment["grid"]["seeds"],
        "task": experiment["task"],
        "model": experiment["model"],
        "training": experiment["training"],
        "measurement": {"checkpoints": experiment["measurement"]["checkpoints"]},
    }


def measure_settings(config: dict, name: str, run: dict) -> dict:
    """Everything that measuring one grid point of experiment `name` depends on."""
    experiment = config["experiments"][name]
    return {
        "activation": run["activation"],
        "jacobian_distances": experiment["measurement"]["jacobian_distances"],
    }
