"""A run of two experiments as the paper reads it: facts and tables whose numbers are made up."""

from itertools import product

import numpy as np
import pandas as pd

from gradient_horizon.audit import claims
from gradient_horizon.config import configuration
from gradient_horizon.report import paper_parts

STEPS = (0, 10)
DISTANCES = 6
SEEDS = 4
GRID = {"activations": ["tanh", "relu"], "spectral_radii": [0.5, 1.5], "seeds": SEEDS}
REMEDIES = {"none": {}, "adam": {"optimiser": "adam"}}
SETTINGS = configuration.resolve(
    {
        "experiments": {
            "echo": {
                "task": {"name": "delayed_echo", "lag": 3, "sequence_length": 6},
                "grid": GRID,
                "training": {"steps": 10},
            },
            "cures": {
                "task": {"name": "temporal_order", "sequence_length": 10},
                "grid": GRID
                | {
                    "activations": ["tanh"],
                    "remedies": {"none": {}, "adam": {"optimiser": "adam"}},
                },
                "training": {"steps": 10},
            },
        }
    }
)
FACTS = {
    name: {"baselines": {"guessing": 1.4}, "relevant_distance": 3, "loss": "cross_entropy"}
    for name in SETTINGS["experiments"]
}


def points(name):
    """The axes of every grid point of an experiment."""
    grid = SETTINGS["experiments"][name]["grid"]
    for activation, radius, remedy in product(
        grid["activations"], grid["spectral_radii"], grid["remedies"]
    ):
        yield {
            "experiment": name,
            "run": f"rnn_{activation}_gaussian_rho{radius:.2f}_{remedy}",
            "cell": "rnn",
            "activation": activation,
            "initialisation": "gaussian",
            "radius": radius,
            "remedy": remedy,
        }


def spread(name, value):
    return {name: value, f"{name}_low": value - 0.1, f"{name}_high": value + 0.1}


def tables():
    """Those of `paper_parts.TABLES`, a tenth added to the numbers for every grid point."""
    summary, distances, slopes, remedies = [], [], [], []
    for place, axes in enumerate(point for name in FACTS for point in points(name)):
        for step in STEPS:
            shift = 0.1 * place + 0.1 * (step > 0)
            reach = {name: 3.0 + place % 3 for name in ("h99", "input_h99", "k01")}
            reach["forward_horizon"] = 5.0 if step else np.nan
            known = {
                **spread("loss", 1.0 + shift),
                **reach,
                **{f"{name}_censored": False for name in reach},
                **{"accuracy": 0.5, "saturated": 0.1, "residual": 1e-15, "diverged": 0},
                **{"spectral_radius": 1.0, "sigma_max": 2.0, "gain": 1.0, "seeds": SEEDS},
            }
            summary.append({**axes, "step": step, **known})
            for distance in range(DISTANCES):
                known = {
                    "distance": distance,
                    "share": 0.2,
                    "coherence": 0.5,
                    "log10_transport": -0.5 * distance,
                    "log10_bound": 0.1 * (place + 1) * distance,
                    "signal_squared_low": 2.5 - distance,
                }
                distances.append({**axes, "step": step, **known})
            known = {
                **spread("slope", -1.0),
                **spread("deviation", 0.2 + shift),
                **{"mean_field_slope": -1.2, "worst_slope": 0.5},
            }
            slopes.append({**axes, "step": step, **known})
        if axes["experiment"] == "cures":
            pair = {**spread("accuracy", 0.6), **spread("gain", 0.3), "solved": 1, "seeds": SEEDS}
            remedies.append({**axes, **pair})
    ranks = [
        {"experiment": "echo", "cell": "rnn", "initialisation": "gaussian", "remedy": "none"}
        | {"radius_held": held, "activation": "tanh", "predictor": "share"}
        | {"rho": 0.5, "low": 0.1, "high": 0.9, "nets": 9}
        for held in (False, True)
    ]
    frames = (summary, distances, slopes, ranks, remedies)
    return {name: pd.DataFrame(rows) for name, rows in zip(paper_parts.TABLES, frames, strict=True)}


def audit():
    """The macros of an audit that could measure nothing."""
    nothing = [claims.AuditedClaim(number, claims.worst([])) for number in claims.CLAIMS]
    return {**claims.macros(nothing), "AuditExperiment": "echo", "AuditNets": "--"}


def numbers():
    """All macros of the paper."""
    costs = {"cures": {"none": 1.0, "adam": 1.25}}
    return paper_parts.numbers(SETTINGS, FACTS, audit(), tables(), costs)
