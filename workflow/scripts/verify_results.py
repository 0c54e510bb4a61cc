"""Compare results with the checked-in reference, or make them the reference.

python verify_results.py --results results --reference tests/reference --name smoke [--update]

Files of whole numbers must be the same to the byte, floating-point tables to a stated tolerance;
what differs is printed, and the exit code is then 1.
"""

import sys
from pathlib import Path

from gradient_horizon.ground import programs, verification


def main() -> None:
    """Compare, say what differs."""
    parser = programs.parser(__doc__)
    parser.add_argument("--results", type=Path, required=True)
    parser.add_argument("--reference", type=Path, required=True)
    parser.add_argument("--name", default="smoke")
    parser.add_argument("--update", action="store_true", help="make these results the reference")
    arguments = parser.parse_args()
    place = arguments.results, arguments.reference, arguments.name
    if arguments.update:
        verification.write(*place)
        return
    found = verification.differences(*place)
    if found:
        sys.exit("\n".join([*found, f"{len(found)} differences from the reference"]))
    print("The results are those of the reference.")


if __name__ == "__main__":
    programs.run(main)
