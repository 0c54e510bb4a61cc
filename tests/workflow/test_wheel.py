"""The package as others install it: a wheel, in an environment of its own, far from the project."""

import os
import resource
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

import gradient_horizon
import project
from gradient_horizon.report import typesetting

VECTORS = project.ROOT / "tests/reference/vectors"
MEASURE = (
    *("measure", "--weights", VECTORS / "net.safetensors", "--probe", VECTORS / "probe.npz"),
    *("--activation", "relu", "--output", "out"),
)
LONGEST_IMPORT = 0.3  # seconds of processor time
# Without the environment of the tests, whose Python is not to be found.
OTHER_PATH = os.pathsep.join(
    place for place in project.PATH.split(os.pathsep) if place != str(project.BIN)
)
CHANGES_NOTHING = """
import importlib, os, pkgutil
import numpy, threadpoolctl

def settings():
    pools = threadpoolctl.threadpool_info()
    return dict(os.environ), {pool["filepath"]: pool["num_threads"] for pool in pools}

environment, pools = settings()
import gradient_horizon
assert settings() == (environment, pools)
package = gradient_horizon.__path__, "gradient_horizon."
names = [module.name for module in pkgutil.walk_packages(*package)]
for name in names:
    if not name.endswith(".__main__"):
        importlib.import_module(name)
now, threads = settings()
assert now == environment
assert {file: threads[file] for file in pools} == pools
print(len(names), *pools.values(), gradient_horizon.__file__)
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel, built from a copy of the project without a network."""
    folder = tmp_path_factory.mktemp("wheel")
    copy = project.copy(folder / "project")
    project.succeed([sys.executable, "-m", "hatchling", "build"], copy, "-d", folder / "dist")
    (wheel,) = (folder / "dist").glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """A new environment with nothing but the wheel in it; returns a function that starts things.

    What the wheel depends on is not installed again but found in the environment of the tests,
    which stands on the path last.
    """
    place = tmp_path_factory.mktemp("elsewhere") / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", place], check=True)
    bare = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    install = ["--python", place, "install", "-q", "--no-index", "--no-deps", wheel]
    subprocess.run([sys.executable, "-m", "pip", *install], check=True, env=bare)
    site = next(place.glob("lib/python*/site-packages"))
    assert {path.name for path in site.iterdir()} == {
        "gradient_horizon",
        f"gradient_horizon-{gradient_horizon.__version__}.dist-info",
    }
    (site / "dependencies.pth").write_text(f"{sysconfig.get_path('purelib')}\n")
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        bare.pop(name, None)

    def start(program, folder, *arguments, path=OTHER_PATH):
        done = subprocess.run(
            [place / "bin" / program, *arguments],
            **{"cwd": folder, "env": bare | {"PATH": path}, "text": True, "timeout": 300},
            **{"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT},
        )
        return done.stdout, done.returncode

    return start


def succeed(installed, program, folder, *arguments, **options):
    """Start a program that has to end well; what it printed."""
    printed, code = installed(program, folder, *arguments, **options)
    assert code == 0, printed
    return printed


def test_the_wheel_carries_the_project_and_no_more(wheel):
    names = {Path(name) for name in zipfile.ZipFile(wheel).namelist()}
    carried = Path("gradient_horizon/project")
    expected = {
        carried / path.relative_to(project.ROOT)
        for folder in ("config", "paper", "workflow")
        for path in (project.ROOT / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert {name for name in names if carried in name.parents} == {*expected, carried / "Snakefile"}
    library = {
        path.relative_to(project.ROOT / "src")
        for path in (project.ROOT / "src").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    others = {name for name in names if carried not in name.parents}
    assert {name for name in others if name.suffix != ".dist-info"} >= library
    assert {name.parts[0] for name in others - library} == {
        f"gradient_horizon-{gradient_horizon.__version__}.dist-info"
    }


def test_importing_it_takes_no_time(installed, tmp_path):
    def cost(*arguments):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        succeed(installed, "python", tmp_path, *arguments)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    times = [cost("-c", "import gradient_horizon") for _ in range(5)]
    assert min(times) < LONGEST_IMPORT, times


def test_importing_any_of_it_changes_no_setting(installed, tmp_path):
    """Neither the environment nor how many threads the BLAS has, which NumPy has loaded before."""
    printed = succeed(installed, "python", tmp_path, "-c", CHANGES_NOTHING)
    count, threads, place = printed.split(" ", 2)
    assert int(count) > 60 and int(threads) == len(os.sched_getaffinity(0))
    assert "/elsewhere" in place and str(project.ROOT) not in place


def test_help_and_version(installed, tmp_path):
    assert "gradient-horizon measure --weights" in succeed(
        installed, "gradient-horizon", tmp_path, "--help"
    )
    printed = succeed(installed, "gradient-horizon", tmp_path, "--version")
    assert printed == f"gradient-horizon {gradient_horizon.__version__}\n"


def test_a_net_is_measured(installed, tmp_path):
    printed = succeed(installed, "gradient-horizon", tmp_path, *MEASURE, path=project.PATH)
    assert printed.startswith("read as 4 sequences of 12 steps, steps first\n")
    assert "\nloss 1.011, h99 3, k01 4: out\n" in printed
    written = {path.name for path in (tmp_path / "out").iterdir()}
    assert {"transport.pdf", "summary.csv", "numbers.json"} <= written
    assert ("report.pdf" in written) == (typesetting.find_engine() is not None)


def test_a_configuration_is_checked(installed, tmp_path):
    project.write_yaml(tmp_path / "tiny.yaml", project.TINY)
    printed = succeed(installed, "gradient-horizon", tmp_path, "check", "tiny.yaml")
    assert "\n  delayed_echo: task delayed_echo, grid points 2, seeds 2, steps 5," in printed


def test_the_workflow_runs_in_any_folder(installed, tmp_path):
    """From the user's configuration to the tables; the rest is planned, with all its sources."""
    project.write_yaml(tmp_path / "tiny.yaml", project.TINY)
    (tmp_path / "snakemake.py").write_text("raise ImportError('not this one')\n")
    run = ("run", "--configfile", "tiny.yaml")
    planned = project.jobs(
        succeed(installed, "gradient-horizon", tmp_path, *run, "-n", "--quiet", "host")
    )
    assert planned.keys() >= {"train_networks", "draw_figures", "write_numbers"}
    summary = "results/tables/summary.csv"
    succeed(installed, "gradient-horizon", tmp_path, *run, "--", summary)
    assert len((tmp_path / summary).read_text().splitlines()) == 1 + 2 * 2 * 2
    assert (tmp_path / "logs/collect_tables.log").is_file()


def test_conda_is_for_checkouts(installed, tmp_path):
    for arguments in (["--sdm", "conda"], ["--deployment=conda"], ["--use-conda"]):
        printed, code = installed("gradient-horizon", tmp_path, "run", *arguments)
        assert code == 1
        assert printed == (
            "error: environments of conda need a checkout of the project, not a package of it\n"
        )
    assert list(tmp_path.iterdir()) == []
