"""One version everywhere, and files for other people's machines that are what they should be."""

import re
import shlex
import subprocess
import sys

import pytest
import yaml

import gradient_horizon
import project

ROOT = project.ROOT
BIN = project.BIN


def test_one_version_and_date():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    newest = re.search(r"^## (\S+) - (\S+)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert citation["version"] == newest[1] == gradient_horizon.__version__
    assert str(citation["date-released"]) == newest[2]


@pytest.mark.parametrize(
    "schema, file",
    [
        ("vendor.github-workflows", ".github/workflows/tests.yml"),
        ("custom.github-workflows-require-timeout", ".github/workflows/tests.yml"),
        ("vendor.citation-file-format", "CITATION.cff"),
    ],
)
def test_files_are_of_their_schema(schema, file):
    project.succeed(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema], ROOT, file
    )


def test_the_workflow_calls_targets_that_there_are():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    jobs = yaml.safe_load((ROOT / ".github/workflows/tests.yml").read_text())["jobs"]
    commands = [step["run"] for job in jobs.values() for step in job["steps"] if "run" in step]
    called = {command.split()[1] for command in commands if command.startswith("make ")}
    assert called == {"check", "test", "smoke"} and called <= targets
    scripts = re.findall(r"workflow/scripts/\w+\.py", "\n".join(commands))
    assert scripts and all((ROOT / script).is_file() for script in scripts)


def test_every_hook_before_a_commit_starts_and_passes():
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"][0]["hooks"]
    assert {hook["id"] for hook in hooks} == {"ruff-check", "ruff-format", "snakefmt", "contracts"}
    for hook in hooks:
        command = shlex.split(hook["entry"].replace(".venv/bin/", f"{BIN}/"))
        files = [] if hook.get("pass_filenames") is False else ["Snakefile"]
        if hook.get("types") == ["python"]:
            files = ["src/gradient_horizon/__init__.py"]
        subprocess.run([*command, *files], cwd=ROOT, check=True, capture_output=True)


def test_what_is_to_be_checked_is_made_by_the_default_run(tmp_path):
    codecheck = yaml.safe_load((ROOT / "codecheck.yml").read_text())
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert codecheck["paper"]["title"] == citation["title"]
    assert codecheck["paper"]["authors"] == citation["authors"]
    files = [entry["file"] for entry in codecheck["manifest"]]
    assert len(files) == len(set(files)) and all(
        entry["comment"] for entry in codecheck["manifest"]
    )
    # Snakemake refuses a file that no rule makes.
    arguments = ["-n", "--quiet", "--snakefile", ROOT / "Snakefile", "--directory", tmp_path, "--"]
    project.succeed(project.SNAKEMAKE, ROOT, *arguments, *files)
