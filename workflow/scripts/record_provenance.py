"""Record versions, configuration, corpora, commit and time: the only result that holds a time.

python record_provenance.py --config JSON --facts results/*/task.json --output provenance.json
"""

import platform
from datetime import UTC, datetime
from pathlib import Path

from gradient_horizon import command_line, files, provenance


def main() -> None:
    """Collect, write."""
    parser = command_line.parser(__doc__)
    parser.add_argument("--config", type=command_line.settings, required=True)
    parser.add_argument("--facts", type=Path, nargs="+", required=True)
    parser.add_argument("--output", required=True)
    arguments = parser.parse_args()
    corpora = {
        path.parent.name: facts["corpus_sha256"]
        for path in arguments.facts
        if "corpus_sha256" in (facts := files.read_json(path))
    }
    content = {
        "commit": provenance.commit(Path(__file__).parent),
        "config": arguments.config,
        "corpus_sha256": corpora,
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": platform.machine(),
        "system": platform.platform(),
        "versions": {**provenance.versions(), "python": platform.python_version()},
    }
    files.write_json(arguments.output, content)


if __name__ == "__main__":
    command_line.run(main)
