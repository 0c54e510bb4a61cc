"""The digest covers exactly the modules that a script imports, and changes with them."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from gradient_horizon.config import configuration, grid
from gradient_horizon.ground import digests
from gradient_horizon.networks.cells import CELLS
from gradient_horizon.tasks import TASKS

ROOT = Path(__file__).parents[2]
SCRIPTS = ROOT / "workflow" / "scripts"
VECTORS = ROOT / "tests" / "reference" / "vectors"
# Those that prepare, train and measure must not wait for what only draws, nor for pandas and SciPy.
COMPUTE = ("prepare_task", "train_networks", "measure_gradients", "map_sentence")
NAMES = sorted(path.stem for path in SCRIPTS.glob("*.py") if path.stem != "run_workflow")

# What loads all that the script uses; measure_checkpoint loads most of it once the net is read.
ARGUMENTS = {name: ["--help"] for name in NAMES} | {
    "measure_checkpoint": [
        *("--weights", f"{VECTORS}/net.safetensors", "--probe", f"{VECTORS}/probe.npz"),
        *("--output", "out", "--engine", "none", "--truncation", "5"),
    ],
}

REPORT = """
import runpy, sys
script = sys.argv[1]
sys.argv = sys.argv[1:]
try:
    runpy.run_path(script, run_name="__main__")
except SystemExit as end:
    assert not end.code, end.code
for name, module in sorted(sys.modules.items()):
    if getattr(module, "__file__", None):
        print("module", name, module.__file__)
"""


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    """The modules that each script has loaded in the end: {script: {name: file}}."""
    folder = tmp_path_factory.mktemp("scripts")
    processes = {
        name: subprocess.Popen(
            [sys.executable, "-c", REPORT, str(SCRIPTS / f"{name}.py"), *ARGUMENTS[name]],
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        )
        for name in NAMES
    }
    result = {}
    for name, process in processes.items():
        output, errors = process.communicate(timeout=60)
        assert process.returncode == 0, errors
        lines = [line.split(" ", 2)[1:] for line in output.splitlines() if line[:7] == "module "]
        result[name] = dict(lines)
    return result


@pytest.mark.parametrize("name", NAMES)
def test_the_list_of_modules_is_what_the_script_imports(loaded, name):
    script = SCRIPTS / f"{name}.py"
    assert set(digests.modules(script)) == files_of(loaded[name]) | {script}


def files_of(loaded):
    """The library's files among loaded modules."""
    return {
        Path(file) for name, file in loaded.items() if name.split(".")[0] == digests.PACKAGE.name
    }


@pytest.fixture(scope="module")
def jobs(tmp_path_factory):
    """The library's files that the jobs of an LRU on parity have loaded: {script: files}."""
    folder = tmp_path_factory.mktemp("jobs")
    experiment = {
        "task": {"name": "parity", "sequence_length": 4},
        "model": {"hidden_size": 2},
        "grid": {"cells": ["lru"], "activations": ["tanh"], "spectral_radii": [0.5], "seeds": 1},
        "training": {"steps": 1, "batch_size": 2},
        "measurement": {"checkpoints": 2, "probe_batch": 2},
    }
    config = configuration.resolve({"experiments": {"mine": experiment}})
    (run,) = grid.runs(config["experiments"]["mine"])
    data, facts, probe = ("--data", "data.npz"), ("--facts", "task.json"), ("--probe", "probe.npz")
    tables = ("contributions", "summary", "spectra", "influence")
    given = {
        "prepare_task": (grid.task_settings(config, "mine"), *data, *facts, *probe),
        "train_networks": (
            grid.run_settings(config, "mine", run),
            *(*data, *facts, "--output", "train.npz"),
        ),
        "measure_gradients": (
            grid.measure_settings(config, "mine", run),
            *(*data, *facts, *probe, "--train", "train.npz"),
            *(part for name in tables for part in (f"--{name}", f"{name}.parquet")),
        ),
    }
    found = {}
    for name, (settings, *arguments) in given.items():
        script = str(SCRIPTS / f"{name}.py")
        done = subprocess.run(
            [sys.executable, "-c", REPORT, script, "--settings", json.dumps(settings), *arguments],
            cwd=folder,
            capture_output=True,
            text=True,
            check=True,
        )
        lines = [
            line.split(" ", 2)[1:] for line in done.stdout.splitlines() if line[:7] == "module "
        ]
        found[name] = files_of(dict(lines))
    return found


OWN = {
    "prepare_task": [TASKS.place("parity")],
    "train_networks": [TASKS.place("parity"), CELLS.place("lru")],
    "measure_gradients": [CELLS.place("lru")],
}


@pytest.mark.parametrize("name", OWN)
def test_a_job_loads_what_its_script_imports_and_what_its_run_names(jobs, name):
    """But for the lists of names, which say no more than where that is."""
    own = {
        file
        for place in OWN[name]
        for file in digests.place_modules(
            place.partition(":")[0], digests.PACKAGE.parent, digests.PACKAGE.name
        )
    }
    known = {*digests.modules(SCRIPTS / f"{name}.py"), *own}
    lists = {file for file in jobs[name] if file.name == "registered.py"}
    assert jobs[name] - lists <= known
    assert own <= jobs[name] and len(lists) == len(OWN[name])


def test_cells_and_tasks_that_are_not_used_are_not_loaded(jobs):
    cells = {path.stem for path in (digests.PACKAGE / "networks/cells").glob("*.py")}
    base = {"__init__", "cell", "dynamics", "recurrence", "stepwise"}
    for files in (jobs["train_networks"], jobs["measure_gradients"]):
        loaded = {path.stem for path in files if path.parent.name == "cells"}
        assert loaded & cells == base | {"lru", "registered"}
    loaded = {path.stem for path in jobs["train_networks"] if path.parent.name == "tasks"}
    assert loaded == {"__init__", "parity", "registered", "synthetic", "task"}


@pytest.mark.parametrize("name", COMPUTE)
def test_what_computes_does_not_import_what_draws(loaded, name):
    packages = {module.split(".")[0] for module in loaded[name]}
    others = {"matplotlib", "snakemake", "IPython", "pandas", "pyarrow", "scipy"}
    assert "numpy" in packages and not packages & others
    own = {module for module in loaded[name] if module.startswith("gradient_horizon.")}
    assert not any(module.split(".")[1] in ("analysis", "audit", "report") for module in own)


@pytest.fixture
def copy(tmp_path, monkeypatch):
    """A copy of the scripts and, beside them, the library, to change."""
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(SCRIPTS, tmp_path / "scripts", ignore=ignore)
    package = tmp_path / "scripts" / digests.PACKAGE.name
    shutil.copytree(digests.PACKAGE, package, ignore=ignore)
    monkeypatch.setattr(digests, "PACKAGE", package)
    digests.modules.cache_clear()
    yield tmp_path / "scripts"
    digests.modules.cache_clear()


def digests_of(folder):
    return {path.stem: digests.digest(path) for path in folder.glob("*.py")}


def test_a_change_shows_in_the_scripts_that_use_the_module_and_in_no_other(copy):
    package = copy / digests.PACKAGE.name
    users = {path.stem: set(digests.modules(path)) for path in copy.glob("*.py")}
    before = digests_of(copy)
    for module in sorted(package.rglob("*.py")):
        text = module.read_bytes()
        module.write_bytes(text + b"# changed\n")
        after = digests_of(copy)
        changed = {name for name in before if after[name] != before[name]}
        assert changed == {name for name, used in users.items() if module in used}, module
        module.write_bytes(text)
    assert digests_of(copy) == before


def test_a_digest_is_of_names_and_contents_alone(copy):
    """Not of places and dates; a script's own text counts."""
    before = digests_of(copy)
    for path in copy.rglob("*.py"):
        os.utime(path, (1e9, 1e9))
    assert digests_of(copy) == before
    (copy / "train_networks.py").write_text("import json\n")
    digests.modules.cache_clear()
    after = digests_of(copy)
    assert {name for name in before if after[name] != before[name]} == {"train_networks"}


@pytest.mark.parametrize(
    "statement",
    [
        "import gradient_horizon.gradients.horizon",
        "import numpy, gradient_horizon.gradients.horizon as other",
        "from gradient_horizon.gradients import horizon",
        "from gradient_horizon.gradients.horizon import horizon",
        "def f():\n    from gradient_horizon.gradients import horizon",
        "try:\n    import gradient_horizon.gradients.horizon\nexcept ImportError:\n    pass",
    ],
)
def test_ways_to_import(copy, statement):
    script = copy / "sample.py"
    script.write_text(statement + "\n")
    package = copy / digests.PACKAGE.name
    expected = {
        script,
        package / "__init__.py",
        package / "gradients/__init__.py",
        package / "gradients/horizon.py",
    }
    assert set(digests.modules(script)) == expected


def place_digests():
    places = [CELLS.place(name) for name in CELLS] + [TASKS.place(name) for name in TASKS]
    return {place: digests.place_digest(place) for place in places}


@pytest.mark.parametrize(
    ("file", "changed"),
    [
        ("networks/cells/lru.py", {"cells.lru:Lru"}),
        ("networks/cells/gates.py", {"cells.gru:Gru", "cells.lstm:Lstm"}),
        (
            "networks/cells/rnn.py",
            {
                f"cells.{name}"
                for name in (
                    "leaky:Leaky",
                    "residual:Residual",
                    "rnn:Rnn",
                    "scaled_orthogonal:ScaledOrthogonal",
                )
            },
        ),
        ("tasks/parity.py", {"tasks.parity"}),
        ("tasks/recorded.py", {"tasks.arrays", "tasks.digits"}),
        ("networks/cells/registered.py", set()),
        ("tasks/registered.py", set()),
        ("training/loop.py", set()),
    ],
)
def test_a_change_shows_in_the_cells_and_tasks_that_use_the_module(copy, file, changed):
    before = place_digests()
    module = copy / digests.PACKAGE.name / file
    module.write_bytes(module.read_bytes() + b"# changed\n")
    after = place_digests()
    found = {place for place in before if after[place] != before[place]}
    assert {
        place.partition("networks.")[2] or place.partition(".")[2] for place in found
    } == changed


def test_a_name_more_shows_in_no_script(copy):
    before = digests_of(copy)
    for room in ("networks/cells", "tasks"):
        (copy / digests.PACKAGE.name / room / "registered.py").write_text("REGISTERED = {}\n")
        (copy / digests.PACKAGE.name / room / "new.py").write_text("import numpy\n")
    digests.modules.cache_clear()
    assert digests_of(copy) == before
