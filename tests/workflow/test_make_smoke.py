"""`make smoke` works in a folder of its own; the paths that it names are those from outside."""

import shutil
import sys

import pytest

import project

VECTORS = project.ROOT / "tests/reference/vectors"
# Not with the arguments that the tests were started with.
MAKE = ["env", "-u", "MAKEFLAGS", "-u", "ARGS", "make", "--no-print-directory", "smoke"]
EXPERIMENTS = ("words", "delayed_echo", "temporal_order", "remedies")

pytestmark = pytest.mark.skipif(not shutil.which("make"), reason="not installed: make")


@pytest.fixture
def folder(tmp_path):
    """A copy of the project, set up already; its small configuration is one net: seconds."""
    folder = project.copy(tmp_path / "a project")
    (folder / ".venv").symlink_to(sys.prefix)
    (folder / "bootstrap.sh").write_text("#!/bin/sh\n")
    for name in ("net.safetensors", "probe.npz"):
        shutil.copy(VECTORS / name, folder)
    net = {"file": f"{folder}/net.safetensors", "probe": f"{folder}/probe.npz"}
    config = {"experiments": dict.fromkeys(EXPERIMENTS), "checkpoints": {"mine": net}}
    project.write_yaml(folder / "config/smoke.yaml", config)
    return folder


@pytest.mark.tex
def test_the_last_line_names_a_file_that_is_there(folder):
    report = "smoke/results/checkpoints/mine/report.pdf"
    printed = project.succeed(MAKE, folder)
    assert printed.splitlines()[-1] == f"The report is {report}."
    assert (folder / report).read_bytes().startswith(b"%PDF")
    assert not (folder / "results").exists() and not (folder / ".snakemake").exists()


def test_a_job_that_fails_names_a_log_that_is_there(folder):
    shutil.copy(folder / "probe.npz", folder / "net.safetensors")
    printed, code = project.call(MAKE, folder)
    log = "smoke/logs/measure_checkpoint/mine.log"
    assert code != 0 and f"\n{log}:\n" in printed, printed
    assert (folder / log).read_text() in printed


def test_a_file_in_the_way_is_said_in_one_line(folder):
    (folder / "smoke").touch()
    printed, code = project.call(MAKE, folder)
    assert code != 0
    assert printed.splitlines()[0] == f"error: {folder}/smoke is no folder that can be written to"
