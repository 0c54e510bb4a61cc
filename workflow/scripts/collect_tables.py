"""Collect all runs into tidy tables, as Parquet and, but for the longest, CSV.

python collect_tables.py --results results --experiments words delayed_echo
    --statistics JSON --output results/tables
"""

from pathlib import Path

from gradient_horizon.analysis import tables
from gradient_horizon.ground import files, programs


def main() -> None:
    """Collect and write every table."""
    parser = programs.parser(__doc__)
    parser.add_argument("--results", type=Path, required=True)
    parser.add_argument("--experiments", nargs="+", required=True)
    parser.add_argument("--statistics", type=programs.settings, required=True)
    parser.add_argument("--output", type=Path, required=True)
    arguments = parser.parse_args()
    collected = tables.collect(arguments.results, arguments.experiments, arguments.statistics)
    for name, table in collected.items():
        files.write_table(arguments.output / f"{name}.parquet", table)
        if name not in tables.LONG_TABLES:
            files.write_table(arguments.output / f"{name}.csv", table)


if __name__ == "__main__":
    programs.run(main)
