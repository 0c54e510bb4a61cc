"""Put what was published beside what the nets of this run do.

python collect_published.py --config JSON --summary results/tables/summary.parquet
    --table results/tables/published.csv --section results/paper/published.tex
    --closing results/paper/published.txt
"""

from pathlib import Path

from gradient_horizon import command_line, files
from gradient_horizon.published import report


def main() -> None:
    """Read the table of nets; write the comparison as CSV, for the paper and for the terminal."""
    parser = command_line.parser(__doc__)
    parser.add_argument("--config", type=command_line.settings, required=True)
    for name in ("summary", "table", "section", "closing"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    arguments = parser.parse_args()
    rows = report.findings(arguments.config, files.read_table(arguments.summary))
    files.write_table(arguments.table, rows)
    files.write_text(arguments.section, report.section(rows))
    files.write_text(arguments.closing, report.closing(rows) + "\n")


if __name__ == "__main__":
    command_line.run(main)
