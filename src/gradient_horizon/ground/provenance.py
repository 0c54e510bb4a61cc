"""With which versions, configuration and commit the results were made."""

import platform
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import version

from .. import __version__
from . import project

PACKAGES = ("matplotlib", "numpy", "pandas", "pyarrow", "scipy", "snakemake")


def record(config: dict, facts: Mapping[str, dict]) -> dict:
    """Return all of it, with the time.

    Parameters
    ----------
    config : the resolved configuration.
    facts : every experiment's `task.json`, of which the digests of texts and files count.
    """
    digests = {
        key: {name: own[key] for name, own in facts.items() if key in own}
        for key in ("corpus_sha256", "file_sha256")
    }
    return {
        "commit": commit(),
        "config": config,
        **digests,
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": platform.machine(),
        "system": platform.platform(),
        "version": __version__,
        "versions": {**versions(), "python": platform.python_version()},
    }


def versions() -> dict[str, str]:
    """Return the versions of Python (its minor version) and of the packages behind the numbers."""
    python = ".".join(platform.python_version_tuple()[:2])
    return {"python": python, **{name: version(name) for name in PACKAGES}}


def commit() -> str | None:
    """Return the commit of the project, with a mark if files differ from it.

    None without git, and where the project was not checked out but installed: the commit of a
    repository around it would be that of another project.
    """
    if not (project.ROOT / ".git").exists():
        return None
    try:
        run = subprocess.run(
            ["git", "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"],
            cwd=project.ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return run.stdout.strip()
