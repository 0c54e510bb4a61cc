"""Draw the contributions between the words of one sentence, as PDF and PNG.

python draw_sentence_map.py --map sentence_map.npz --output results/figures/sentence_map_words
"""

from pathlib import Path

from gradient_horizon import command_line, figures, files, plotting


def main() -> None:
    """Read the map, draw, write."""
    parser = command_line.parser(__doc__)
    parser.add_argument("--map", required=True)
    parser.add_argument("--output", type=Path, required=True)
    arguments = parser.parse_args()
    plotting.use_style()
    plotting.save(figures.sentence_map(files.read_arrays(arguments.map)), arguments.output)


if __name__ == "__main__":
    command_line.run(main)
