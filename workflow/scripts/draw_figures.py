"""Draw figures of one experiment; their names are those of the files to write.

python draw_figures.py --experiment words --output slopes_words.pdf learning_curves_words.pdf
    --sources results/tables/slopes.parquet results/tables/learning_curves.parquet
    results/words/task.json

Each is written as PDF and PNG.
"""

from pathlib import Path

from gradient_horizon.ground import programs
from gradient_horizon.report.figures import drawing


def main() -> None:
    """Read, draw, write."""
    parser = programs.parser(__doc__)
    parser.add_argument("--experiment", required=True)
    parser.add_argument("--sources", type=Path, nargs="+", required=True, metavar="FILE")
    parser.add_argument("--output", type=Path, nargs="+", required=True, metavar="FILE")
    arguments = parser.parse_args()
    drawing.draw_run(arguments.experiment, arguments.sources, arguments.output)


if __name__ == "__main__":
    programs.run(main)
