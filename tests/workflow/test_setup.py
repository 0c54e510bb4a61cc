"""bootstrap.sh and the Makefile, with stand-ins for the programs that install anything."""

import os
import re
import shutil
import subprocess

import pytest

import project

# Python, pip and uv all in one: notes how it is called and makes what the real one would.
STAND_IN = """#!/bin/sh
echo "$(basename "$0") $*" >> "$CALLS"
case "$*" in
    *FAIL*) exit 1 ;;
    "-m venv .venv") mkdir -p .venv/bin && cp "$0" .venv/bin/python && cp "$0" .venv/bin/uv ;;
esac
"""
EDITABLE = "--no-index --no-deps --no-build-isolation -e ."
TOOLS = ("sh", "cat", "cksum", "rm", "mkdir", "cp", "dirname", "basename", "flock", "id")


@pytest.fixture
def fresh(tmp_path):
    """A folder to set up, where Python and LaTeX are stand-ins: returns a function to start it."""
    programs, folder = tmp_path / "programs", tmp_path / "a project"
    programs.mkdir()
    folder.mkdir()
    for name in ("bootstrap.sh", "requirements.lock", "requirements-torch.txt", "environment.yml"):
        shutil.copy(project.ROOT / name, folder)
    for name in TOOLS:
        if place := shutil.which(name):
            (programs / name).symlink_to(place)
    for name in ("python3", "latexmk", "pdflatex", "pdftotext"):
        (programs / name).write_text(STAND_IN)
        (programs / name).chmod(0o755)
    calls = tmp_path / "calls"

    def bootstrap(*options):
        calls.write_text("")
        done = subprocess.run(
            [folder / "bootstrap.sh", *options],
            env={"PATH": str(programs), "CALLS": str(calls)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=60,
        )
        return done.returncode, done.stdout, calls.read_text().splitlines()

    return folder, bootstrap


def state(folder):
    return {
        path.relative_to(folder): (path.stat().st_ino, path.stat().st_mtime_ns)
        for path in folder.rglob("*")
    }


def test_a_second_start_does_nothing(fresh):
    folder, bootstrap = fresh
    code, printed, calls = bootstrap()
    assert (code, printed) == (0, "bootstrap: creating .venv from requirements.lock\n")
    locked, itself = calls[-2:]
    assert locked.startswith("uv pip install") and "--require-hashes --compile-bytecode" in locked
    assert itself.startswith("python -m pip install") and itself.endswith(EDITABLE)
    before = state(folder)
    assert bootstrap() == (0, "", [])
    assert state(folder) == before


@pytest.mark.parametrize("name", ["requirements.lock", "environment.yml", "bootstrap.sh"])
def test_other_pins_are_set_up_anew(fresh, name):
    folder, bootstrap = fresh
    bootstrap()
    (folder / ".venv" / "old").touch()
    with (folder / name).open("a") as file:
        file.write("# changed\n")
    assert bootstrap()[0] == 0
    assert not (folder / ".venv" / "old").exists()
    assert bootstrap() == (0, "", [])


def test_a_moved_project_is_set_up_anew(fresh):
    """Programs of the environment, and the installed project, name the folder that they are in."""
    folder, bootstrap = fresh
    bootstrap()
    elsewhere = folder.rename(folder.with_name("moved"))
    (folder.parent / "a project").symlink_to(elsewhere)  # where the fixture starts it
    code, _, calls = bootstrap()
    assert code == 0 and calls[-1].endswith(EDITABLE)
    assert bootstrap() == (0, "", [])


def test_an_interrupted_set_up_is_begun_again(fresh):
    folder, bootstrap = fresh
    script = folder / "bootstrap.sh"
    with project.changed(script, lambda text: text.replace("--no-deps", "--no-deps FAIL")):
        assert bootstrap()[0] != 0
        code, printed, calls = bootstrap()
        assert code != 0 and printed and calls
    assert bootstrap()[0] == 0
    assert bootstrap() == (0, "", [])


def test_pytorch_is_set_up_for_the_tests_alone(fresh):
    folder, bootstrap = fresh
    for name in ("slurmctld", "munged"):
        shutil.copy(folder.parent / "programs" / "latexmk", folder.parent / "programs" / name)
    assert not any("torch" in call for call in bootstrap()[2])
    code, printed, calls = bootstrap("--test")
    assert (code, printed) == (0, "bootstrap: installing PyTorch\n")
    assert [call for call in calls if call.endswith("-r requirements-torch.txt")] == calls
    assert bootstrap("--test") == (0, "", [])
    (folder / "requirements-torch.txt").write_text("torch==1.FAIL\n")
    program = folder / ".venv" / "bin" / "python"
    program.write_text("#!/bin/sh\nexit 1\n")
    for _ in range(2):  # what failed is tried again
        code, printed, _ = bootstrap("--test")
        assert code == 0 and printed.endswith("bootstrap: no PyTorch: its tests are skipped\n")


@pytest.mark.skipif(not shutil.which("make"), reason="not installed: make")
def test_make_help_lists_every_target():
    text = (project.ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^([\w-]+):", text, re.MULTILINE))
    phony = re.search(r"^\.PHONY: (.*)$", text, re.MULTILINE)[1].split()
    assert set(phony) == targets
    lines = project.succeed(["make", "--no-print-directory"], project.ROOT, "help").splitlines()
    assert {line.split()[1] for line in lines} == targets
    assert all(len(line.split()) > 2 for line in lines)
    assert os.access(project.ROOT / "bootstrap.sh", os.X_OK)


@pytest.mark.parametrize(
    ("name", "command"),
    [
        ("micromamba", "create -y -q -p ./.venv -f environment.yml"),
        ("mamba", "env create -y -q -p ./.venv -f environment.yml"),
        ("conda", "env create -y -q -p ./.venv -f environment.yml"),
    ],
)
def test_where_conda_is_it_makes_the_environment(fresh, name, command):
    folder, bootstrap = fresh
    program = folder.parent / "programs" / name
    made = "mkdir -p .venv/bin && cp ../programs/python3 .venv/bin/python"
    program.write_text(f'#!/bin/sh\necho "$(basename "$0") $*" >> "$CALLS"\n{made}\n')
    program.chmod(0o755)
    code, printed, calls = bootstrap()
    assert code == 0 and calls[0] == f"{name} {command}", printed
    (itself,) = calls[1:]
    assert itself.startswith("python -m pip install") and itself.endswith(EDITABLE)
    assert bootstrap() == (0, "", [])


def test_where_conda_fails_pip_makes_the_environment(fresh):
    folder, bootstrap = fresh
    program = folder.parent / "programs" / "mamba"
    program.write_text("#!/bin/sh\nmkdir .venv\nexit 1\n")
    program.chmod(0o755)
    code, printed, calls = bootstrap()
    assert code == 0 and "mamba could not create it; going on with pip" in printed
    assert any("--require-hashes" in call for call in calls)
    assert bootstrap() == (0, "", [])
