"""Write the grid of one experiment: a row a run, with every axis value of it.

python write_grid.py --experiment JSON --output grid.csv
"""

from gradient_horizon.config import grid
from gradient_horizon.ground import files, programs


def main() -> None:
    """Spread the experiment's grid out, write it."""
    parser = programs.parser(__doc__)
    parser.add_argument("--experiment", type=programs.settings, required=True)
    parser.add_argument("--output", required=True)
    arguments = parser.parse_args()
    files.write_records(arguments.output, grid.records(arguments.experiment))


if __name__ == "__main__":
    programs.run(main)
