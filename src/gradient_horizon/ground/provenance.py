"""With which versions, configuration and commit the results were made."""

import platform
import subprocess
from importlib.metadata import version

from . import project

PACKAGES = ("matplotlib", "numpy", "pandas", "pyarrow", "scipy", "snakemake")


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
