"""A killed run is taken up again; a run that is going on is not disturbed.

Only processes that the tests have started are killed, by their number.
"""

import os
import random
import re
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import psutil

import project

TINY = ("--configfile", "tiny.yaml")
PATIENCE = 120  # seconds, far more than anything here takes

# Each moment lies in one of the run's stages; these come in this order.
STAGES = ("prepare_task", "train_networks", "measure_gradients", "collect_tables", "draw_figures")
MOMENTS = ("planning",) * 4 + ("prepare_task", *("train_networks",) * 2, *STAGES[2:])
KILLED = re.compile(r"^Command .*/(\w+)\.py .* exit status 137", re.MULTILINE)


def wait_until(condition, process):
    """Wait while a run goes on until `condition()` holds; what it came to."""
    end = time.monotonic() + PATIENCE
    while not (found := condition()):
        assert process.poll() is None, "the run ended before it was to be killed"
        assert time.monotonic() < end
        time.sleep(0.02)
    return found


def jobs(snakemake):
    """The processes of the jobs at work, and what each was started with."""
    found = {}
    with suppress(psutil.NoSuchProcess):
        for process in psutil.Process(snakemake.pid).children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                command = tuple(process.cmdline())
                # The shell that starts a script has it in one long argument, and Snakemake's own
                # command is that of a process which it is just about to start.
                if (
                    len(command) > 1
                    and command[1].startswith("workflow/scripts/")
                    and command[1] != project.RUN_WORKFLOW[1]
                ):
                    found[process] = command
    return found


def made(folder):
    """Names of the results that are there, but for what does not bear a result's name yet."""
    found = set()
    for place, folders, names in os.walk(folder / "results"):
        folders[:] = [name for name in folders if not name.startswith(".part-")]
        path = Path(place).relative_to(folder / "results")
        found |= {(path / name).as_posix() for name in names if not name.startswith(".part-")}
    return found - {"provenance.json"}


def half_made(folder, finished):
    """Names of the results that are there and are not what they come to be."""
    place = folder / "results"
    return {name for name in made(folder) if (place / name).read_bytes() != finished.results[name]}


def wait_in_planning(seconds, process):
    """Wait that long, but not until a job is at work."""
    end = time.monotonic() + seconds
    wait_until(lambda: time.monotonic() > end or jobs(process), process)


def wait_for_stage(stage, process):
    """Wait for it, or for a later one, where several cores do all its jobs at once; which it is."""
    later = {*STAGES[STAGES.index(stage) :]}

    def at_work():
        return later.intersection(Path(command[1]).stem for command in jobs(process).values())

    return wait_until(at_work, process)


def wait_in_job(seconds, folder):
    """Wait that long, but not until the job is over: the first of its results is the end."""
    before, end = made(folder), time.monotonic() + seconds
    while made(folder) <= before and time.monotonic() < end:
        time.sleep(0.005)


def kill_snakemake_alone(process):
    """Its jobs go on."""
    process.send_signal(signal.SIGKILL)
    process.wait()


def test_ten_kills_of_a_run(without_tex, path_without_tex, tmp_path):
    """With its jobs or without them, further and further on; every start is the same command."""

    def start():
        return project.start(folder, log, *TINY, path=path_without_tex)

    moments = random.Random(1)
    folder, log = project.tiny_copy(tmp_path / "project"), tmp_path / "log"
    hit = set()
    for stage in MOMENTS:
        kill = moments.choice([project.kill_group, kill_snakemake_alone])
        process = start()
        try:
            if stage == "planning":
                wait_in_planning(moments.uniform(0, 2), process)
                hit.add(stage)
            else:
                hit |= wait_for_stage(stage, process)
                wait_in_job(moments.random(), folder)
            assert process.poll() is None, log.read_text()
        finally:
            kill(process)
        assert half_made(folder, without_tex) == set()
    assert hit >= {*MOMENTS}
    process = start()
    try:
        assert process.wait(PATIENCE) == 0, log.read_text()
    finally:
        project.kill_group(process)
    assert project.different(without_tex.results, project.results(folder)) == []


def test_every_job_is_killed_once(tiny, tmp_path):
    """By itself; the run goes on with what does not need it, a restart makes the rest."""
    moments = random.Random(2)
    folder, log = project.tiny_copy(tmp_path / "project"), tmp_path / "log"
    aimed_at, killed, code = set(), [], None
    while code != 0:
        process = project.start(folder, log, "--cores", "1", "--keep-going", *TINY)
        before = len(aimed_at)
        try:
            while process.poll() is None:
                for job, command in jobs(process).items():
                    if command not in aimed_at:
                        aimed_at.add(command)
                        wait_in_job(moments.random(), folder)
                        with suppress(psutil.NoSuchProcess):
                            job.kill()
                time.sleep(0.02)
        finally:
            project.kill_group(process)
        code = process.returncode
        assert code == 0 or len(aimed_at) > before, log.read_text()
        assert half_made(folder, tiny) == set()
        killed += KILLED.findall(log.read_text())
    # All but, at most, one that ended between the last look at it and the signal.
    assert len(aimed_at) >= 10 and len(killed) >= len(aimed_at) - 1
    assert {*killed} >= {*STAGES}
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
