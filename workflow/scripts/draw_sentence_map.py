"""Draw the contributions between the words of one sentence, as PDF and PNG.

python draw_sentence_map.py --map sentence_map.npz --output results/figures/sentence_map_words
"""

from pathlib import Path

from gradient_horizon.ground import files, programs
from gradient_horizon.report import figures, plotting


def main() -> None:
    """Read the map, draw, write."""
    parser = programs.parser(__doc__)
    parser.add_argument("--map", required=True)
    parser.add_argument("--output", type=Path, required=True)
    arguments = parser.parse_args()
    plotting.use_style()
    plotting.save(figures.sentence_map(files.read_arrays(arguments.map)), arguments.output)


if __name__ == "__main__":
    programs.run(main)
