"""The grid: a checked configuration spread out into runs, and what each stage reads of it."""

from collections.abc import Mapping
from decimal import Decimal
from itertools import product

# The remedy that changes nothing.
PLAIN = "none"
# What tells the lines and rows of one activation and radius apart.
VARIANT_AXES = ["cell", "initialisation", "remedy"]


def radius_label(radius: float) -> str:
    """Write a radius as it stands in file names: two decimals, or as many as it has."""
    text = format(Decimal(repr(float(radius))), "f")
    whole, _, decimals = text.partition(".")
    return f"{whole}.{decimals.ljust(2, '0')}"


def name_label(name: str) -> str:
    """Write a cell or an activation as in file names: my_module:Mish is my_module.mish."""
    return name.replace(":", ".").lower()


def run_name(cell: str, activation: str, initialisation: str, radius: float) -> str:
    """Name a grid point, without a remedy, as it stands in paths and as its streams belong to."""
    names = f"{name_label(cell)}_{name_label(activation)}"
    return f"{names}_{initialisation}_rho{radius_label(radius)}"


def runs(experiment: dict) -> list[dict]:
    """List the grid points of one experiment of a resolved configuration.

    Returns
    -------
    One dict each with `run` (its name in paths), `task`, `cell` (a remedy may put another in place
    of the grid's), `activation`, `initialisation`, `radius` (the spectral radius at initialisation)
    and `remedy`.
    """
    grid = experiment["grid"]
    axes = (
        grid["cells"],
        grid["activations"],
        grid["initialisations"],
        grid["spectral_radii"],
        grid["remedies"].items(),
    )
    return [
        {
            "run": run_name(cell, activation, initialisation, radius)
            + (f"_{remedy}" if remedy != PLAIN else ""),
            "task": experiment["task"]["name"],
            "cell": changes.get("cell", cell),
            "activation": activation,
            "initialisation": initialisation,
            "radius": radius,
            "remedy": remedy,
        }
        for cell, activation, initialisation, radius, (remedy, changes) in product(*axes)
    ]


def records(experiment: dict) -> list[dict]:
    """Rows of `grid.csv`: the runs, whose remedy is named only where the grid has any."""
    rows = runs(experiment)
    if {row["remedy"] for row in rows} == {PLAIN}:
        return [{axis: row[axis] for axis in row if axis != "remedy"} for row in rows]
    return rows


def training_settings(experiment: dict, remedy: str) -> dict:
    """Return the settings of `training` with what a remedy changes of them."""
    changes = experiment["grid"]["remedies"][remedy]
    return experiment["training"] | {key: changes[key] for key in changes if key != "cell"}


def plain_run(run: Mapping) -> str:
    """Return the name of a run's counterpart without its remedy."""
    return run["run"].removesuffix(f"_{run['remedy']}")


def compares_remedies(experiment: dict) -> bool:
    """Tell whether an experiment has several remedies."""
    return len(experiment["grid"]["remedies"]) > 1


def without_remedies(experiments: dict) -> dict:
    """Leave out the experiments that compare remedies, unless there are no others.

    Their nets start alike: in a count of grid points before training each would be there again.
    """
    others = {name: own for name, own in experiments.items() if not compares_remedies(own)}
    return others or experiments


def mapped_run(experiment: dict) -> dict:
    """Choose the grid point whose sentence is mapped: tanh if there is one, radius next to 1.

    Without a remedy, if any is.
    """
    return min(
        runs(experiment),
        key=lambda run: (
            run["remedy"] != PLAIN,
            run["activation"] != "tanh",
            abs(run["radius"] - 1.0),
        ),
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
    """Everything that the training of one grid point of experiment `name` depends on.

    The streams of weights and data belong to `identity`, the run without its remedy: remedies are
    compared on the same initial weights and the same batches (common random numbers).
    """
    experiment = config["experiments"][name]
    return {
        "base_seed": config["base_seed"],
        "experiment": name,
        "identity": f"{name}/{plain_run(run)}",
        "cell": run["cell"],
        "activation": run["activation"],
        "initialisation": run["initialisation"],
        "radius": run["radius"],
        "seeds": experiment["grid"]["seeds"],
        "task": experiment["task"],
        "model": experiment["model"],
        "training": training_settings(experiment, run["remedy"]),
        "measurement": {"checkpoints": experiment["measurement"]["checkpoints"]},
    }


def net_settings(config: dict, name: str, run: dict) -> dict:
    """Everything but its weights that a net of one grid point of experiment `name` depends on."""
    experiment = config["experiments"][name]
    return {
        "cell": run["cell"],
        "activation": run["activation"],
        "model": experiment["model"],
    }


def measure_settings(config: dict, name: str, run: dict) -> dict:
    """Everything that measuring one grid point of experiment `name` depends on."""
    experiment = config["experiments"][name]
    return {
        **net_settings(config, name, run),
        "jacobian_distances": experiment["measurement"]["jacobian_distances"],
    }
