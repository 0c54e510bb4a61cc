"""Compare what was published with what the nets of this run do.

python collect_published.py --config JSON --summary results/tables/summary.parquet
    --table results/tables/published.csv --paper results/paper/published_table.tex
    --closing results/tables/published.txt
"""

from pathlib import Path

from gradient_horizon.ground import files, programs
from gradient_horizon.report import published


def main() -> None:
    """Read the table of nets; write the comparison as CSV, for the paper and for the terminal."""
    parser = programs.parser(__doc__)
    parser.add_argument("--config", type=programs.settings, required=True)
    for name in ("summary", "table", "paper", "closing"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    arguments = parser.parse_args()
    rows = published.comparisons(arguments.config, files.read_table(arguments.summary))
    files.write_table(arguments.table, rows)
    files.write_text(arguments.paper, published.comparison_table(rows))
    files.write_text(arguments.closing, published.closing(rows) + "\n")


if __name__ == "__main__":
    programs.run(main)
