"""A killed run is taken up again; a run that is going on is not disturbed.

Only processes that the tests have started are killed, by their number.
"""

import random
import signal
import subprocess
import sys
import threading
import time

import project
import psutil
import pytest

TINY = ("--configfile", "tiny.yaml")
PATIENCE = 120  # seconds, far more than anything here takes


def wait_until(condition, process):
    """Wait while a run goes on until `condition()` holds."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert process.poll() is None, "the run ended before it was to be killed"
        assert time.monotonic() < end
        time.sleep(0.02)


def kill_snakemake_alone(process):
    """Its jobs go on."""
    process.send_signal(signal.SIGKILL)
    process.wait()


@pytest.mark.parametrize("kill", [project.kill_group, kill_snakemake_alone])
def test_three_kills_on_the_way(tiny, tmp_path, kill):
    """At random moments, each time further on; every start is the same command."""
    moments = random.Random(kill.__name__)
    folder = project.tiny_copy(tmp_path / "project")
    log = tmp_path / "log"
    for _ in range(3):
        process = project.start(folder, log, *TINY)
        try:
            done = moments.randint(1, 3)
            # A job is at work while Snakemake lives, but for the moments between two.
            wait_until(
                lambda done=done, process=process: (
                    log.read_text().count("Finished jobid") >= done
                    and psutil.Process(process.pid).children()
                ),
                process,
            )
            time.sleep(moments.random() / 4)
            assert process.poll() is None
        finally:
            kill(process)
    process = project.start(folder, log, *TINY)
    try:
        assert process.wait(PATIENCE) == 0, log.read_text()
    finally:
        project.kill_group(process)
    assert project.different(tiny.results, project.results(folder)) == []


def test_a_job_left_behind_is_stopped(tiny):
    """With what it has started: TeX does not work in the project's folder itself."""
    job = subprocess.Popen(
        ["sh", "-c", "(cd results/paper && exec sleep 600); :", "workflow/scripts/build_paper.py"],
        cwd=tiny.folder,
    )
    other = subprocess.Popen(
        [sys.executable, "-c", "input()"], stdin=subprocess.PIPE, cwd=tiny.folder
    )
    try:
        left = psutil.Process(job.pid)
        wait_until(left.children, job)
        (inner,) = left.children()
        threading.Thread(target=job.wait).start()  # as init does, at once
        project.succeed(project.RUN_WORKFLOW, tiny.folder, *TINY)
        assert job.wait(PATIENCE) == -signal.SIGTERM
        assert not inner.is_running()
        assert other.poll() is None
    finally:
        for process in (job, other):
            process.kill()
            process.communicate()


def test_two_starts_at_once(tmp_path):
    folder = project.tiny_copy(tmp_path / "project")
    target = "results/delayed_echo/grid.csv"
    logs = [tmp_path / "one", tmp_path / "other"]
    processes = [project.start(folder, log, target, *TINY) for log in logs]
    try:
        codes = [process.wait(PATIENCE) for process in processes]
    finally:
        for process in processes:
            project.kill_group(process)
    assert sorted(codes) == [0, 1]
    second = logs[codes.index(1)].read_text()
    assert second == "error: another run is going on in this folder\n"
    assert (folder / target).is_file()


def test_what_writes_nothing_may_be_started_meanwhile(tmp_path):
    folder = project.tiny_copy(tmp_path / "project")
    log = tmp_path / "log"
    process = project.start(folder, log, *TINY)
    try:
        wait_until(lambda: "Finished jobid" in log.read_text(), process)
        output = project.succeed(project.RUN_WORKFLOW, folder, "-n", "--quiet", "host", *TINY)
        assert process.poll() is None
        assert "build_paper" in output or "draw_figures" in output
    finally:
        project.kill_group(process)
