"""Write the paper's numbers and tables, and the list of its experiments.

python write_numbers.py --config JSON --results results --output results/paper

Into the output folder go `numbers.json`, the same as LaTeX macros in `numbers.tex`, and what
main.tex and supplement.tex also read: tables of results, versions and the configuration.
"""

from pathlib import Path

from gradient_horizon.ground import programs
from gradient_horizon.report import paper_parts


def main() -> None:
    """Read the tables, write everything that the paper reads."""
    parser = programs.parser(__doc__)
    parser.add_argument("--config", type=programs.settings, required=True)
    parser.add_argument("--results", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    arguments = parser.parse_args()
    paper_parts.write(arguments.config, arguments.results, arguments.output)


if __name__ == "__main__":
    programs.run(main)
