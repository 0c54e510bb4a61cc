"""Draw transport through the parts of the state of one experiment's nets, as PDF and PNG.

python draw_transport_parts.py --experiment cells --output results/figures/transport_parts_cells
    --distances results/tables/contributions_median.parquet
"""

from pathlib import Path

from gradient_horizon.ground import files, programs
from gradient_horizon.report import figures, plotting


def main() -> None:
    """Read the table, draw, write."""
    parser = programs.parser(__doc__)
    parser.add_argument("--experiment", required=True)
    parser.add_argument("--distances", required=True)
    parser.add_argument("--output", type=Path, required=True)
    arguments = parser.parse_args()
    table = files.read_table(arguments.distances)
    plotting.use_style()
    figure = figures.transport_parts(table[table["experiment"] == arguments.experiment])
    plotting.save(figure, arguments.output)


if __name__ == "__main__":
    programs.run(main)
