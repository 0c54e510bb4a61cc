"""Time a training step with each remedy of the configuration, beside its count of operations.

Usage: python benchmarks/remedies.py

Of every experiment of config/config.yaml that compares remedies, at its first grid point: all its
training steps, on batches drawn beforehand, in interleaved rounds.
"""

import os
import sys
from collections.abc import Callable
from itertools import cycle, islice
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "src"))

import yaml
from timing import medians

import gradient_horizon  # noqa: F401  one BLAS thread: before NumPy
from gradient_horizon.analysis import remedy_cost
from gradient_horizon.config import configuration, grid
from gradient_horizon.tasks import TASKS
from gradient_horizon.training import grid_point, loop

ROOT = Path(__file__).parents[1]
ROUNDS, BATCHES = 5, 10


def trainings(whole: dict, name: str, arrays: dict, facts: dict) -> dict[str, Callable]:
    """Return by remedy a function that trains the nets of the first grid point."""
    runs = grid.runs(whole["experiments"][name])
    calls = {}
    for run in runs:
        if grid.plain_run(run) == grid.plain_run(runs[0]):
            settings = grid.run_settings(whole, name, run)
            calls[run["remedy"]] = training_of(settings, arrays, facts)
    return calls


def training_of(settings: dict, arrays: dict, facts: dict) -> Callable:
    """Return a function that trains one grid point."""
    batch = settings["training"]["batch_size"]
    drawn = [list(islice(stream, BATCHES)) for stream in grid_point.streams(settings, arrays)]
    evaluation = tuple(arrays[f"evaluation_{part}"][:, :batch] for part in ("inputs", "targets"))

    def train():
        descent, flossing = grid_point.prepare(settings, facts, arrays)
        streams = [cycle(batches) for batches in drawn]
        steps = settings["training"]["steps"]
        loop.train(descent, streams, evaluation, steps, 2, flossing, say=lambda line: None)

    return train


def main() -> None:
    """Print a line for each remedy."""
    whole = configuration.resolve(yaml.safe_load((ROOT / "config/config.yaml").read_text()))
    for name, experiment in whole["experiments"].items():
        if not grid.compares_remedies(experiment):
            continue
        task = TASKS[experiment["task"]["name"]]
        prepared = task.prepare(experiment["task"], grid.task_settings(whole, name))
        loss_mask = prepared.arrays["loss_mask"]
        counted = remedy_cost.relative_costs(experiment, prepared.facts, loss_mask)
        times = medians(trainings(whole, name, prepared.arrays, prepared.facts), ROUNDS)
        steps = experiment["training"]["steps"]
        unit = times.get(grid.PLAIN, next(iter(times.values())))
        print(f"{name:20s}  ms per step   of plain   operations, of plain")
        for remedy, seconds in times.items():
            print(
                f"{remedy:20s}  {1e3 * seconds / steps:11.3f}  {seconds / unit:9.2f}  "
                f"{counted[remedy]:21.3f}"
            )


if __name__ == "__main__":
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    main()
