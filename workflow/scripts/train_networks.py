"""Train the nets of one grid point, all seeds side by side, and keep their weights over time.

python train_networks.py --settings JSON --data data.npz --facts task.json --output train.npz
"""

from gradient_horizon.ground import files, programs
from gradient_horizon.ground.seeds import generator
from gradient_horizon.tasks import TASKS
from gradient_horizon.training import loop


def main() -> None:
    """Read the data, train, write."""
    parser = programs.parser(__doc__)
    parser.add_argument("--settings", type=programs.settings, required=True)
    parser.add_argument("--data", required=True)
    parser.add_argument("--facts", required=True)
    parser.add_argument("--output", required=True)
    arguments = parser.parse_args()
    settings, arrays = arguments.settings, files.read_arrays(arguments.data)
    task, options = TASKS[settings["task"]["name"]], settings["task"]
    streams = [
        task.batches(
            options,
            arrays,
            settings["training"]["batch_size"],
            generator(settings["base_seed"], settings["identity"], "data", seed),
        )
        for seed in range(settings["seeds"])
    ]
    trained = loop.train(
        settings,
        files.read_json(arguments.facts),
        arrays["loss_mask"],
        (arrays["evaluation_inputs"], arrays["evaluation_targets"]),
        streams,
    )
    files.write_arrays(arguments.output, trained)


if __name__ == "__main__":
    programs.run(main)
