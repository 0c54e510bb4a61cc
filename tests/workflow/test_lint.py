"""Style and workflow are clean by the tools' own judgement."""

import re
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


RULES = sorted((project.ROOT / "workflow/rules").glob("*.smk"))


@pytest.mark.parametrize("file", RULES, ids=lambda file: file.stem)
def test_rules_name_their_outputs_and_commands_take_them_from_there(file):
    """A command that names a folder itself would write beside a prefix."""
    text = file.read_text()
    for block in re.findall(r"^    output:\n((?: {8}.*\n)+)", text, re.MULTILINE):
        for entry in re.findall(r"^ {8}([^ )\]}].*)", block, re.MULTILINE):
            assert re.match(r"\w+=|\*\*drawn\(", entry), entry
    for command in re.findall(r"^    shell:\n((?: {8}.*\n)+)", text, re.MULTILINE):
        assert not re.search(r"\b(?:results|logs)/", command), command
