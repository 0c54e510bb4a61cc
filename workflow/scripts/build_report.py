"""Typeset the report on one trained net.

python build_report.py --engine latexmk --sources FILE ... --output report.pdf
"""

from pathlib import Path

from gradient_horizon.ground import programs
from gradient_horizon.report import typesetting


def main() -> None:
    """Build it in a folder beside the output, keep the PDF."""
    parser = programs.parser(__doc__)
    parser.add_argument("--engine", choices=typesetting.COMMANDS, required=True)
    parser.add_argument("--sources", type=Path, nargs="+", required=True)
    parser.add_argument("--output", type=Path, required=True)
    arguments = parser.parse_args()
    typesetting.write(arguments.engine, "report", arguments.sources, arguments.output)


if __name__ == "__main__":
    programs.run(main, typesetting.PaperError)
