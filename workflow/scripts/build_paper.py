"""Typeset the paper.

python build_paper.py --engine latexmk --sources FILE ... --output paper.pdf
"""

import shutil
from pathlib import Path

from gradient_horizon import command_line, files, typesetting


def main() -> None:
    """Build in a folder beside the output, keep the PDF."""
    parser = command_line.parser(__doc__)
    parser.add_argument("--engine", choices=typesetting.COMMANDS, required=True)
    parser.add_argument("--sources", type=Path, nargs="+", required=True)
    parser.add_argument("--output", type=Path, required=True)
    arguments = parser.parse_args()
    output = arguments.output
    folder = output.with_name(f".part-{output.stem}")
    pdf = typesetting.build(arguments.engine, arguments.sources, folder)
    with files.replacing(output) as temporary:
        shutil.copyfile(pdf, temporary)
    shutil.rmtree(folder)


if __name__ == "__main__":
    command_line.run(main, typesetting.PaperError)
