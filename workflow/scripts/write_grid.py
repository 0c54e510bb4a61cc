"""Write the grid of one experiment: a row a run, with every axis value of it.

python write_grid.py --experiment JSON --output grid.csv
"""

from gradient_horizon import command_line, files, grid


def main() -> None:
    """Spread the experiment's grid out, write it."""
    parser = command_line.parser(__doc__)
    parser.add_argument("--experiment", type=command_line.settings, required=True)
    parser.add_argument("--output", required=True)
    arguments = parser.parse_args()
    files.write_records(arguments.output, grid.records(arguments.experiment))


if __name__ == "__main__":
    command_line.run(main)
