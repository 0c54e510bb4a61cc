"""The profile for clusters, on a Slurm of this machine's own."""

import os
import re
import signal

import project
import pytest
import slurm_cluster

MISSING = slurm_cluster.missing()
pytestmark = [pytest.mark.slurm, pytest.mark.skipif(MISSING is not None, reason=str(MISSING))]

POINTS = {"activations": ["tanh", "relu"], "spectral_radii": [0.5, 1.0, 1.5], "seeds": 2}
TINY = project.TINY["experiments"]["delayed_echo"]
GRID = project.TINY | {
    "experiments": project.TINY["experiments"] | {"delayed_echo": TINY | {"grid": POINTS}}
}
PROFILE = [
    *("--workflow-profile", "workflow/profiles/slurm", "--configfile", "tiny.yaml"),
    *("--default-resources", "slurm_account=none", "slurm_partition=debug"),
    # This cluster keeps no accounts, and its jobs are over in seconds.
    *("--slurm-status-command", "squeue", "--slurm-init-seconds-before-status-checks", "1"),
    *("--latency-wait", "5", "--group-components", "data=100", "grid_points=3", "tables=100"),
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


def test_the_same_results_from_fewer_submissions_than_grid_points(cluster, tmp_path):
    here = project.tiny_copy(tmp_path / "here", GRID)
    project.succeed(project.RUN_WORKFLOW, here, "--configfile", "tiny.yaml")
    there = project.tiny_copy(tmp_path / "there", GRID)
    earlier = submissions(cluster)
    printed = project.succeed(project.RUN_WORKFLOW, there, *PROFILE)

    local, slurm = project.results(here), project.results(there)
    assert len([name for name in slurm if name.endswith("/train.npz")]) == 6
    assert project.different(local, slurm) == [], printed
    # The data, two bundles of three grid points, the tables with all that follows.
    logs = sorted((there / "logs" / "slurm").glob("group_*/*.log"))
    kinds = [re.match("group_(data|grid_points|tables)_", log.parent.name)[1] for log in logs]
    assert kinds == ["data", "grid_points", "grid_points", "tables"]
    assert sorted(log.stem for log in logs) == submissions(cluster)[len(earlier) :]
    assert "rule train_networks:" in logs[1].read_text()
    # Three times training and measuring, one after the other.
    bundle = about(logs[1].stem)
    assert (bundle["NumCPUs"], bundle["TimeLimit"]) == ("1", "01:30:00")
    assert "mem=2000M" in bundle["TRES"]


def test_an_interrupted_run_leaves_no_job(cluster, tmp_path):
    folder = project.tiny_copy(tmp_path / "project", GRID)
    earlier = submissions(cluster)
    run = project.start(folder, tmp_path / "log", *PROFILE)
    try:
        slurm_cluster.wait_for(
            lambda: submissions(cluster) != earlier or run.poll() is not None, 60, "no job"
        )
        assert run.poll() is None, (tmp_path / "log").read_text()
        number = submissions(cluster)[-1]
        slurm_cluster.wait_for(lambda: about(number)["JobState"] == "RUNNING", 30, "not running")
        os.kill(run.pid, signal.SIGINT)
        assert run.wait(60) != 0
    finally:
        project.kill_group(run)
    assert about(number)["JobState"] == "CANCELLED"
    assert slurm_cluster.say("squeue", "-h", "-t", "RUNNING,PENDING") == ""
