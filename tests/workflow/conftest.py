"""Runs that several tests look at, each made once."""

import os
import shutil
import subprocess

import pytest

import mixed
import project


def pytest_runtest_setup(item):
    """Skip what needs programs that are not there."""
    if item.get_closest_marker("tex"):
        has_engine = any(shutil.which(name, path=project.PATH) for name in ("latexmk", "tectonic"))
        missing = [] if has_engine else ["latexmk or tectonic"]
        missing += [
            name for name in ("pdfinfo", "pdftotext") if not shutil.which(name, path=project.PATH)
        ]
        if missing:
            pytest.skip(f"not installed: {', '.join(missing)}")


class Run:
    """A finished run: its folder, what it printed, and its results by name."""

    def __init__(self, folder, printed):
        self.folder, self.printed, self.results = folder, printed, project.results(folder)


@pytest.fixture(scope="session")
def smoke(tmp_path_factory):
    """The smoke configuration, run the way a user of Snakemake does."""
    folder = project.copy(tmp_path_factory.mktemp("smoke") / "project")
    printed = project.succeed(project.SNAKEMAKE, folder, "--cores", "all", *project.SMOKE)
    return Run(folder, printed)


@pytest.fixture(scope="session")
def path_without_tex(tmp_path_factory):
    """A PATH with all programs but TeX's."""
    folder = tmp_path_factory.mktemp("path")
    for place in os.environ["PATH"].split(os.pathsep):
        for program in os.scandir(place) if os.path.isdir(place) else ():
            link = folder / program.name
            if program.name not in ("latexmk", "tectonic") and not os.path.lexists(link):
                link.symlink_to(program.path)
    # Not a link: Python finds its environment by the place it is started from.
    python = folder / "python"
    python.unlink(missing_ok=True)
    python.write_text(f'#!/bin/sh\nexec "{project.BIN}/python" "$@"\n')
    python.chmod(0o755)
    return folder


@pytest.fixture(scope="session")
def without_tex(tmp_path_factory, path_without_tex):
    """The tiny configuration where there is no TeX."""
    folder = project.tiny_copy(tmp_path_factory.mktemp("tiny") / "project")
    printed = project.succeed(
        project.RUN_WORKFLOW, folder, "--configfile", "tiny.yaml", path=path_without_tex
    )
    return Run(folder, printed)


@pytest.fixture(scope="session")
def tiny(without_tex, tmp_path_factory):
    """A copy of the same once TeX is there, if it is."""
    folder = tmp_path_factory.mktemp("tiny") / "project"
    subprocess.run(["cp", "-a", without_tex.folder, folder], check=True)
    printed = project.succeed(project.RUN_WORKFLOW, folder, "--configfile", "tiny.yaml")
    return Run(folder, printed)


@pytest.fixture(scope="session")
def mixed_run(tmp_path_factory):
    """Tiny experiments on a text of the user's own, and compared with a paper."""
    folder = mixed.copy(tmp_path_factory.mktemp("mixed") / "project")
    printed = project.succeed(project.SNAKEMAKE, folder, "--cores", "all", *mixed.CONFIGURED)
    return Run(folder, printed)
