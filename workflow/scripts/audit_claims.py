"""Audit the lecture note: measure what decides each of its claims on the nets of this run.

python audit_claims.py --config JSON --results results --claims results/tables/audit.csv
    --numbers results/paper/audit.json

The table has a row for each claim: its verdict, the errors of the note's reading and of the correct
one, what is allowed, and what else was measured. The numbers are the macros of the paper's section.
"""

from pathlib import Path

import pandas as pd

from gradient_horizon.audit import run
from gradient_horizon.ground import files, programs


def main() -> None:
    """Measure; write the table and the macros."""
    parser = programs.parser(__doc__)
    parser.add_argument("--config", type=programs.settings, required=True)
    parser.add_argument("--results", type=Path, required=True)
    parser.add_argument("--claims", type=Path, required=True)
    parser.add_argument("--numbers", type=Path, required=True)
    arguments = parser.parse_args()
    rows, macros = run.audit(arguments.config, arguments.results)
    files.write_table(arguments.claims, pd.DataFrame(rows))
    files.write_json(arguments.numbers, macros)


if __name__ == "__main__":
    programs.run(main)
