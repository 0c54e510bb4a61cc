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

# Files of tests that take long; `make check` leaves them out.
SLOW = {
    *("analysis/test_tables.py", "api/test_measuring.py", "api/test_surface.py"),
    *("api/test_training.py", "checkpoints/test_measure_checkpoint.py"),
    *("checkpoints/test_vector_checkpoint.py", "commands/test_check.py", "config/test_fuzz.py"),
    *("examples/test_examples.py", "gradients/test_long_range.py"),
    *("gradients/test_lyapunov.py", "gradients/test_second_implementation.py"),
    *("ground/test_digests.py", "report/test_forms.py", "tasks/test_corpus.py"),
}


@pytest.hookimpl(tryfirst=True)  # before xdist, which sends by the groups that it finds
def pytest_collection_modifyitems(config, items):
    """Mark what takes long; keep what shares things that are made once in one process."""
    tests = Path(__file__).parent
    for item in items:
        if item.path.is_relative_to(tests) and item.path.relative_to(tests).as_posix() in SLOW:
            item.add_marker(pytest.mark.slow)
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
