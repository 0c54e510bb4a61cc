"""Style and workflow are clean by the tools' own judgement."""

import shutil

import pytest

import project


@pytest.mark.parametrize(
    "command",
    [
        ["ruff", "check", "--no-cache"],
        ["ruff", "format", "--check", "--no-cache"],
        ["snakefmt", "--check", "Snakefile", "workflow"],
        ["snakemake", "--lint"],
        ["lint-imports", "--no-cache"],
        ["sh", "-n", "bootstrap.sh"],
    ],
    ids=" ".join,
)
def test_clean(command):
    assert shutil.which(command[0], path=project.PATH)
    project.succeed(command, project.ROOT)
