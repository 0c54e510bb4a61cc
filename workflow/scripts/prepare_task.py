"""Prepare an experiment's data: what every net shares, the probe batch, and facts for the paper.

python prepare_task.py --settings JSON --data data.npz --probe probe.npz --facts task.json
"""

import numpy as np

from gradient_horizon.ground import files, programs
from gradient_horizon.ground.user_files import OwnFileError
from gradient_horizon.tasks import TASKS


def main() -> None:
    """Read the settings, prepare, write."""
    parser = programs.parser(__doc__)
    parser.add_argument("--settings", type=programs.settings, required=True)
    parser.add_argument("--data", required=True)
    parser.add_argument("--probe", required=True)
    parser.add_argument("--facts", required=True)
    arguments = parser.parse_args()
    settings = arguments.settings
    prepared = TASKS[settings["task"]["name"]].prepare(settings["task"], settings)
    arrays = dict(prepared.arrays)
    probe = {
        "inputs": arrays.pop("probe_inputs"),
        "targets": arrays.pop("probe_targets"),
        "loss_mask": arrays["loss_mask"],
    }
    if prepared.words:
        arrays["words"] = np.array(prepared.words)
    files.write_arrays(arguments.data, arrays)
    files.write_arrays(arguments.probe, probe)
    files.write_json(arguments.facts, prepared.facts)


if __name__ == "__main__":
    programs.run(main, OwnFileError)
