"""The workflow as a module of another one, in a project of somebody else's."""

import re
import shutil

import pytest
import yaml
from snakemake.utils import update_config

import project

PAGE = (project.ROOT / "docs/another_workflow.md").read_text()
MODULE, ANSWER = re.findall(r"```snakemake\n(.*?)```", PAGE, re.DOTALL)
(CONFIGURATION,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
# The other project has a prefix and threads of its own, and a rule that comes before ours.
SNAKEFILE = f"""
shell.prefix("OTHER=other; ")

rule all:
    input:
        "answer.txt", "settings.txt",

{MODULE}
{ANSWER}
rule settings:
    output:
        settings="settings.txt",
    threads: 2
    shell:
        'echo "$OTHER $OPENBLAS_NUM_THREADS ${{{{PYTHONPATH:-none}}}}" > {{output.settings}}'
"""
INSIDE = "modules/gradient-horizon/workflow/Snakefile"
OUTSIDE = str(project.ROOT / "workflow/Snakefile")
# Nothing of ours is installed there.
SNAKEMAKE = ["env", "-u", "PYTHONPATH", *project.SNAKEMAKE]
ECHO = "delayed_echo"
RUNS = {f"{ECHO}/rnn_tanh_gaussian_rho{radius}" for radius in ("0.50", "1.00")}
ONCE = {""}


def whole(changes):
    """The default configuration with changes laid over it: a module gets all of its own."""
    configuration = yaml.safe_load((project.ROOT / "config/config.yaml").read_text())
    update_config(configuration, changes)
    return configuration


def other_project(folder, snakefile, changes=project.TINY):
    """Write the other project, the configuration of ours a part of its own."""
    (folder / "config").mkdir(parents=True)
    (folder / "Snakefile").write_text(SNAKEFILE.replace(INSIDE, snakefile))
    content = {"gradient_horizon": whole(changes), "its_own": [1, 2]}
    project.write_yaml(folder / "config/config.yaml", content)
    return folder


def plan(folder, *targets):
    return project.jobs(project.succeed(SNAKEMAKE, folder, "-n", *targets))


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """The other project after a run of what it makes by default: our tables and its own answer."""
    folder = other_project(tmp_path_factory.mktemp("module") / "other", INSIDE)
    project.copy(folder / "modules/gradient-horizon")
    project.succeed(SNAKEMAKE, folder, "--cores", "2")
    return folder


def test_the_tables_are_those_of_a_run_by_itself(finished, without_tex):
    tables = finished / "horizon/results/tables"
    names = {path.name for path in tables.iterdir()}
    assert {"summary_median.csv", "slopes.parquet", "contributions.parquet"} <= names
    for name in names:
        assert (tables / name).read_bytes() == without_tex.results[f"tables/{name}"], name


def test_everything_lies_below_the_prefix(finished):
    assert {path.name for path in finished.iterdir()} == {
        *("Snakefile", "config", "modules", ".snakemake", "answer.txt", "settings.txt", "horizon")
    }
    assert {path.name for path in (finished / "horizon").iterdir()} == {"results", "logs"}
    ours = {path.name for path in (finished / "modules/gradient-horizon").iterdir()}
    assert not ours & {"results", "logs", ".snakemake"}


def test_rules_of_the_other_project_do_not_notice(finished):
    """Their prefix, threads and library are their own; so is what is made by default."""
    assert (finished / "settings.txt").read_text() == "other 2 none\n"
    assert int((finished / "answer.txt").read_text()) == 1 + len(RUNS) * 2  # checkpoints


def test_the_rest_is_made_when_asked_for(finished):
    jobs = plan(finished, "gh_all")
    jobs.pop("gh_all")
    assert jobs.pop("gh_build_paper", ONCE) == ONCE  # where there is TeX
    assert jobs == {
        "gh_draw_figures": {ECHO},
        **dict.fromkeys(("gh_audit_claims", "gh_write_numbers", "gh_record_provenance"), ONCE),
    }
    figure = f"horizon/results/figures/transport_{ECHO}.png"
    project.succeed(SNAKEMAKE, finished, "--cores", "2", figure)
    assert (finished / figure).read_bytes().startswith(b"\x89PNG")


def test_nothing_runs_again(finished):
    assert plan(finished) == {}


def test_a_copy_that_lies_elsewhere_and_files_of_the_users_own(tmp_path):
    """These stay where the user says, as seen from the working directory."""
    shutil.copytree(project.ROOT / "tests/reference/vectors", tmp_path / "other/nets")
    net = {"file": "nets/net.safetensors", "probe": "nets/probe.npz", "activation": "relu"}
    words = {"task": {"corpus": "my text.txt"}}
    changes = {**project.TINY, "checkpoints": {"mine": net}}
    changes["experiments"] = {**project.TINY["experiments"], "words": words}
    folder = other_project(tmp_path / "other", OUTSIDE, changes)
    text = (project.ROOT / "README.md").read_text()
    (folder / "my text.txt").write_text(30 * text)
    jobs = plan(folder, "gh_all")
    assert jobs["gh_measure_checkpoint"] == {"mine"}
    assert jobs["gh_prepare_task"] == {"words", ECHO}


def test_the_configuration_of_the_page(tmp_path):
    folder = other_project(tmp_path / "other", OUTSIDE)
    (folder / "config/config.yaml").write_text(CONFIGURATION)
    assert len(plan(folder)["gh_train_networks"]) == 2


def test_a_configuration_that_is_wrong_is_said_in_one_line(tmp_path):
    changes = {"experiments": {ECHO: {"grid": {"activations": ["tan"]}}}}
    folder = other_project(tmp_path / "other", OUTSIDE, changes)
    printed, code = project.call(SNAKEMAKE, folder, "-n")
    (line,) = [line for line in printed.splitlines() if "error" in line]
    assert code == 1 and "Traceback" not in printed
    assert line.startswith(f"config error: experiments.{ECHO}.grid.activations[0]: 'tan'")
