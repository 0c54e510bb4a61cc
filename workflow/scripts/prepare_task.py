"""Prepare an experiment's data: what every net shares, the probe batch, and facts for the paper.

python prepare_task.py --settings JSON --data data.npz --probe probe.npz --facts task.json
"""

from gradient_horizon.ground import files, programs
from gradient_horizon.tasks import TASKS


def main() -> None:
    """Read the settings, prepare, write."""
    arguments = programs.arguments(__doc__, "data", "probe", "facts")
    settings = arguments.settings
    prepared = TASKS[settings["task"]["name"]].prepare(settings["task"], settings)
    files.write_arrays(arguments.data, prepared.data())
    files.write_arrays(arguments.probe, prepared.probe())
    files.write_json(arguments.facts, prepared.facts)


if __name__ == "__main__":
    programs.run(main)
