"""Record versions, configuration, data, commit and time: the only result that holds a time.

python record_provenance.py --config JSON --facts results/*/task.json --output provenance.json
"""

from pathlib import Path

from gradient_horizon.ground import files, programs, provenance


def main() -> None:
    """Collect, write."""
    parser = programs.parser(__doc__)
    parser.add_argument("--config", type=programs.settings, required=True)
    parser.add_argument("--facts", type=Path, nargs="+", required=True)
    parser.add_argument("--output", required=True)
    arguments = parser.parse_args()
    facts = {path.parent.name: files.read_json(path) for path in arguments.facts}
    files.write_json(arguments.output, provenance.record(arguments.config, facts))


if __name__ == "__main__":
    programs.run(main)
