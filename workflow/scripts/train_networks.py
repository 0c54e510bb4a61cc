"""Train the nets of one grid point, all seeds side by side, and keep their weights over time.

python train_networks.py --settings JSON --data data.npz --facts task.json --output train.npz
"""

from gradient_horizon.ground import files, programs
from gradient_horizon.training import grid_point


def main() -> None:
    """Read the data, train, write."""
    parser = programs.parser(__doc__)
    parser.add_argument("--settings", type=programs.settings, required=True)
    parser.add_argument("--data", required=True)
    parser.add_argument("--facts", required=True)
    parser.add_argument("--output", required=True)
    arguments = parser.parse_args()
    facts, data = files.read_json(arguments.facts), files.read_arrays(arguments.data)
    files.write_arrays(arguments.output, grid_point.train(arguments.settings, facts, data))


if __name__ == "__main__":
    programs.run(main)
