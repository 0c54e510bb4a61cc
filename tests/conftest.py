"""Tests run as jobs do: on one BLAS thread, set before NumPy is imported, in this environment."""

import os
import sys
from pathlib import Path

import pytest

# Programs that tests start are those of this environment, and use this checkout's library.
os.environ["PYTHONPATH"] = str(Path(__file__).parents[1] / "src")
os.environ.update(
    dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
)
os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"


def pytest_collection_modifyitems(config, items):
    """Where tests run side by side, one process has all that share what is made once."""
    if not config.pluginmanager.hasplugin("xdist"):
        return
    together = {}
    for item in items:
        group = {other for name in shared(item) for other in together.get(name, {name})}
        together |= dict.fromkeys(group, group)
    for item in items:
        for name in shared(item)[:1]:
            item.add_marker(pytest.mark.xdist_group(min(together[name])))


def shared(item):
    """What a test has in common with others: fixtures of a module or of all, and the cluster."""
    definitions = getattr(item, "_fixtureinfo", None)
    fixtures = definitions.name2fixturedefs.items() if definitions else ()
    names = [
        f"{found[-1].baseid}:{name}"
        for name, found in fixtures
        if found[-1].baseid.startswith("tests") and found[-1].scope in ("module", "session")
    ]
    return names + ["slurm"] * bool(item.get_closest_marker("slurm"))
