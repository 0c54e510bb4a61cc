"""Record versions, configuration, data, commit and time: the only result that holds a time.

python record_provenance.py --config JSON --facts results/*/task.json --output provenance.json
"""

import platform
from datetime import UTC, datetime
from pathlib import Path

from gradient_horizon import __version__
from gradient_horizon.ground import files, programs, provenance


def main() -> None:
    """Collect, write."""
    parser = programs.parser(__doc__)
    parser.add_argument("--config", type=programs.settings, required=True)
    parser.add_argument("--facts", type=Path, nargs="+", required=True)
    parser.add_argument("--output", required=True)
    arguments = parser.parse_args()
    facts = {path.parent.name: files.read_json(path) for path in arguments.facts}
    sums = {
        key: {name: own[key] for name, own in facts.items() if key in own}
        for key in ("corpus_sha256", "file_sha256")
    }
    content = {
        "commit": provenance.commit(),
        "config": arguments.config,
        **sums,
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": platform.machine(),
        "system": platform.platform(),
        "version": __version__,
        "versions": {**provenance.versions(), "python": platform.python_version()},
    }
    files.write_json(arguments.output, content)


if __name__ == "__main__":
    programs.run(main)
