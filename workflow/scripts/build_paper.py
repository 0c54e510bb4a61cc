"""Typeset the paper and its supplement.

python build_paper.py --engine latexmk --sources FILE ... --paper paper.pdf
    --supplement supplement.pdf
"""

from pathlib import Path

from gradient_horizon.ground import programs
from gradient_horizon.report import typesetting


def main() -> None:
    """Build each in a folder beside the output, keep the PDF."""
    parser = programs.parser(__doc__)
    parser.add_argument("--engine", choices=typesetting.COMMANDS, required=True)
    parser.add_argument("--sources", type=Path, nargs="+", required=True)
    parser.add_argument("--paper", type=Path, required=True)
    parser.add_argument("--supplement", type=Path, required=True)
    arguments = parser.parse_args()
    for document, output in {"main": arguments.paper, "supplement": arguments.supplement}.items():
        typesetting.write(arguments.engine, document, arguments.sources, output)


if __name__ == "__main__":
    programs.run(main, typesetting.PaperError)
