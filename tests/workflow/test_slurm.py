"""The profile for clusters, on a Slurm of this machine's own."""

import re

import pytest

import mixed
import project
import slurm_cluster

MISSING = slurm_cluster.missing()
pytestmark = [pytest.mark.slurm, pytest.mark.skipif(MISSING is not None, reason=str(MISSING))]

PROFILE = [
    *("--workflow-profile", "workflow/profiles/slurm", *mixed.CONFIGURED),
    *("--default-resources", "slurm_account=none", "slurm_partition=debug"),
    # This cluster keeps no accounts, and its jobs are over in seconds.
    *("--slurm-status-command", "squeue", "--slurm-init-seconds-before-status-checks", "1"),
    *("--latency-wait", "5"),
    # Two submissions at a time, one on each node, and more that wait.
    *("--group-components", "data=2", "grid_points=2", "tables=100"),
]
# Of each stage something; the figures of one experiment are like those of the others.
TARGETS = [
    *("results/tables/published.csv", "results/tables/summary.csv", "results/paper/numbers.tex"),
    *("results/figures/transport_words.pdf", "results/figures/sentence_map_words.pdf"),
]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """A running cluster, which all commands find by their environment; its folder."""
    folder = tmp_path_factory.mktemp("slurm")
    with slurm_cluster.cluster(folder) as environment, pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        yield folder


def submissions(cluster):
    """Numbers of the jobs that the controller was given."""
    log = (cluster / "slurmctld.log").read_text()
    return re.findall(r"_slurm_rpc_submit_batch_job: JobId=(\d+)", log)


def about(number):
    """What the controller knows of a job."""
    shown = slurm_cluster.say("scontrol", "show", "job", number)
    return dict(re.findall(r"(\w+)=(\S+)", shown))


def test_the_same_results_from_fewer_submissions_than_grid_points(mixed_run, cluster, tmp_path):
    folder = mixed.copy(tmp_path / "project")
    earlier = submissions(cluster)
    printed = project.succeed(project.RUN_WORKFLOW, folder, *PROFILE, "--", *TARGETS)

    results = project.results(folder)
    assert {target.removeprefix("results/") for target in TARGETS} <= results.keys()
    assert len([name for name in results if name.endswith("/train.npz")]) == 6
    here = {name: content for name, content in mixed_run.results.items() if name in results}
    assert project.different(here, results) == [], printed
    # The data, three bundles of two grid points, the tables with all that follows.
    logs = {log.stem: log.parent.name for log in (folder / "logs/slurm").glob("group_*/*.log")}
    assert logs.keys() == {*submissions(cluster)[len(earlier) :]}
    kinds = sorted(re.match("group_(data|grid_points|tables)_", name)[1] for name in logs.values())
    assert kinds == ["data"] * 3 + ["grid_points"] * 3 + ["tables"]
    # Twice training and measuring, one after the other; one bundle maps a sentence too.
    bundles = [about(number) for number, name in logs.items() if "train_networks" in name]
    assert sorted(bundle["TimeLimit"] for bundle in bundles) == ["01:00:00"] * 2 + ["01:10:00"]
    assert {bundle["NodeList"] for bundle in bundles} == {*slurm_cluster.NODES}
    for bundle in bundles:
        assert bundle["NumCPUs"] == "1" and "mem=2000M" in bundle["TRES"]


def test_an_interrupted_run_leaves_no_job(cluster, tmp_path):
    """Neither one that runs nor the third, which waits for a node; whoever is handed the signal."""
    folder, log = mixed.copy(tmp_path / "project"), tmp_path / "log"
    for script in ("write_grid", "prepare_task"):  # none is over before
        (folder / f"workflow/scripts/{script}.py").write_text("import time\n\ntime.sleep(600)\n")
    earlier = submissions(cluster)
    # Snakemake cancels no job whose state it is just asking for: it is not to ask yet.
    later = ["--slurm-init-seconds-before-status-checks", "20"]
    run = project.start(folder, log, *PROFILE, *later)
    try:
        slurm_cluster.wait_for(
            lambda: log.read_text().count("SLURM jobid") == 3 or run.poll() is not None,
            60,
            "no job",
        )
        assert run.poll() is None, log.read_text()
        numbers = submissions(cluster)[len(earlier) :]
        slurm_cluster.wait_for(
            lambda: about(numbers[0])["JobState"] == "RUNNING", 30, "not running"
        )
        project.interrupt_elsewhere(run)
        assert run.wait(60) != 0
    finally:
        project.kill_group(run)
    assert [about(number)["JobState"] for number in numbers] == ["CANCELLED"] * 3
    assert slurm_cluster.say("squeue", "-h", "-t", "RUNNING,PENDING") == ""
