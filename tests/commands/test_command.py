"""The command as a user types it: what it can do, and one clear line for a mistake."""

import os
import subprocess
import sys

import pytest

import gradient_horizon
from gradient_horizon.cli import COMMANDS

COMMAND = [sys.executable, "-m", "gradient_horizon"]


def call(folder, *arguments):
    """Exit code, output and errors."""
    done = subprocess.run(
        [*COMMAND, *arguments], cwd=folder, capture_output=True, text=True, timeout=120
    )
    return done.returncode, done.stdout, done.stderr


def test_the_help_names_every_command_with_an_example(tmp_path):
    code, printed, errors = call(tmp_path, "--help")
    assert (code, errors) == (0, "")
    for name in COMMANDS:
        assert f"\n    gradient-horizon {name} " in printed and f"\n{name} " in printed


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_each_has_an_example(tmp_path, name):
    code, printed, errors = call(tmp_path, name, "--help")
    assert (code, errors) == (0, "")
    assert printed.startswith(f"usage: gradient-horizon {name} [-h]")
    assert f"\n    gradient-horizon {name} " in printed
    assert list(tmp_path.iterdir()) == []


def test_the_version(tmp_path):
    printed = f"gradient-horizon {gradient_horizon.__version__}\n"
    assert call(tmp_path, "--version") == (0, printed, "")


MISTAKES = {
    "": "the following arguments are required: command (gradient-horizon --help",
    "mesure": (
        "argument command: 'mesure' is not possible; allowed: measure, check, run; "
        "did you mean 'measure'?"
    ),
    "measure": "the following arguments are required: --weights, --probe, --output (gradient-h",
    "measure --weights a --probe b --output c --activation rleu": (
        "argument --activation: 'rleu' is not possible; allowed: tanh, relu; did you mean 'relu'?"
    ),
    "measure --weights a --probe b --output c --rows 1": "unrecognized arguments: --rows 1",
    "measure --weights a.safetensors --probe b.npz --output c": "cannot read a.safetensors: No",
    "check": "the following arguments are required: FILE",
    "run --directory": "argument --directory/-d: expected one argument",
}


@pytest.mark.parametrize("arguments", MISTAKES)
def test_a_mistake_is_said_in_one_line(tmp_path, arguments):
    code, printed, errors = call(tmp_path, *arguments.split())
    assert code in (1, 2) and printed == ""
    (line,) = errors.splitlines()
    assert line.startswith(f"error: {MISTAKES[arguments]}")
    assert list(tmp_path.iterdir()) == []


def test_without_snakemake_a_run_says_what_to_install(tmp_path, monkeypatch):
    """As after an installation without the extra: Python cannot find it."""
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.modules['snakemake'] = None\n")
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}{os.pathsep}{os.environ['PYTHONPATH']}")
    (tmp_path / "here").mkdir()
    code, printed, errors = call(tmp_path / "here", "run")
    assert (code, printed) == (1, "")
    assert errors == "error: the workflow needs snakemake: install gradient-horizon[paper]\n"
    assert list((tmp_path / "here").iterdir()) == []
