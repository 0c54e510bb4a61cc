"""Tests run as jobs do: on one BLAS thread, set before NumPy is imported, in this environment."""

import os
import sys
from collections import Counter
from pathlib import Path

import pytest

# Programs that tests start are those of this environment, and use this checkout's library. They
# keep what Python compiles, as it does by default: there are hundreds of them.
os.environ["PYTHONPATH"] = str(Path(__file__).parents[1] / "src")
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
os.environ.update(
    dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
)
os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"

# Files of tests that take long; `make check` leaves them out.
SLOW = {
    "analysis/test_tables.py",
    "api/test_measuring.py",
    "api/test_mistakes.py",
    "api/test_own_parts.py",
    "api/test_surface.py",
    "api/test_training.py",
    "checkpoints/test_any_net.py",
    "checkpoints/test_by_degree.py",
    "checkpoints/test_measure_checkpoint.py",
    "checkpoints/test_readme_recipe.py",
    "checkpoints/test_stacked.py",
    "checkpoints/test_torch_files.py",
    "checkpoints/test_vector_checkpoint.py",
    "checkpoints/test_weights_page.py",
    "checkpoints/test_wrong_numbers.py",
    "commands/test_check.py",
    "commands/test_command.py",
    "config/test_fuzz.py",
    "examples/test_examples.py",
    "examples/test_live_examples.py",
    "gradients/test_long_range.py",
    "gradients/test_lyapunov.py",
    "gradients/test_new_loss.py",
    "gradients/test_second_implementation.py",
    "ground/test_digests.py",
    "live/test_answers.py",
    "live/test_as_it_is_shown.py",
    "live/test_layers.py",
    "live/test_long_sequences.py",
    "live/test_loops.py",
    "live/test_modules_as_they_are.py",
    "live/test_monitor.py",
    "live/test_own_cells.py",
    "live/test_readme.py",
    "live/test_surface.py",
    "networks/test_other_gated_cells.py",
    "report/figures/test_drawing.py",
    "report/test_forms.py",
    "tasks/test_corpus.py",
}
# Made in no time: each process may have its own.
CHEAP = {"path_without_tex"}


def pytest_configure(config):
    """Keep the order of groups that is made below: xdist has one of its own."""
    config.option.loadscopereorder = False


def pytest_ignore_collect(collection_path, config):
    """Not even read what is left out anyway: `make check` is to be quick."""
    return True if config.option.markexpr == "not slow" and name(collection_path) in SLOW else None


# Before xdist, which takes the groups as it finds them.
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config, items):
    """Mark what takes long; keep what shares things that are made once in one process."""
    for item in items:
        if name(item.path) in SLOW:
            item.add_marker(pytest.mark.slow)
    if not hasattr(config, "workerinput"):  # one process has all of it
        return
    together = {}
    for item in items:
        group = {other for name in shared(item) for other in together.get(name, {name})}
        together |= dict.fromkeys(group, group)
    groups = {item: min(together[name]) for item in items for name in shared(item)[:1]}
    for item, group in groups.items():
        item.add_marker(pytest.mark.xdist_group(group))
    sizes = Counter(groups.values())
    items.sort(key=lambda item: (kind(item), -sizes[groups.get(item)], groups.get(item, "")))


def name(path):
    """A file below the tests as `SLOW` names it."""
    tests = Path(__file__).parent
    return path.relative_to(tests).as_posix() if path.is_relative_to(tests) else None


def kind(item):
    """What takes longest comes first, for no process to be left alone with it at the end."""
    runs = (name(item.path) or "").startswith("workflow/")
    return 0 if runs else 1 if item.get_closest_marker("slow") else 2


def shared(item):
    """What a test has in common with others: fixtures of a module or of all, and the cluster."""
    definitions = getattr(item, "_fixtureinfo", None)
    fixtures = definitions.name2fixturedefs.items() if definitions else ()
    names = [
        f"{found[-1].baseid}:{name}"
        for name, found in fixtures
        if found[-1].baseid.startswith("tests")
        and found[-1].scope in ("module", "session")
        and name not in CHEAP
    ]
    return names + ["slurm"] * bool(item.get_closest_marker("slurm"))
