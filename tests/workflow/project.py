"""Copies of the project to run and to break, and what running them says and leaves behind."""

import ctypes
import json
import multiprocessing
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import yaml

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
PATH = f"{BIN}{os.pathsep}{os.environ['PATH']}"
SNAKEMAKE = [str(BIN / "snakemake")]
RUN_WORKFLOW = [sys.executable, "workflow/scripts/run_workflow.py"]

# Processes that have imported Snakemake.
FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["snakemake.cli"])

SMOKE = ["--configfile", "config/smoke.yaml"]
# As small as a run can be: seconds.
TINY = {
    "statistics": {"resamples": 100},
    "experiments": {
        "words": None,
        "temporal_order": None,
        "remedies": None,
        "delayed_echo": {
            "task": {"lag": 2, "sequence_length": 6},
            "model": {"hidden_size": 4},
            "grid": {"activations": ["tanh"], "spectral_radii": [0.5, 1.0], "seeds": 2},
            "training": {"steps": 5, "batch_size": 4},
            "measurement": {"checkpoints": 2, "probe_batch": 2},
        },
    },
}


def environment(folder, path=PATH):
    """Return the environment of a program that uses the library of a copy, where that is one."""
    library = Path(folder) / "src"
    return os.environ | {
        "PATH": str(path),
        "PYTHONPATH": str(library if library.is_dir() else ROOT / "src"),
    }


def call(command, folder, *arguments, path=PATH):
    """Start a command in a folder; what it printed, whatever the stream, and its exit code."""
    done = subprocess.run(
        [*command, *arguments],
        cwd=folder,
        env=environment(folder, path),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=600,
    )
    return done.stdout, done.returncode


def succeed(command, folder, *arguments, **options):
    """Start a command that has to end well; what it printed."""
    output, code = call(command, folder, *arguments, **options)
    assert code == 0, output
    return output


def dry_run(folder, *arguments, path=PATH):
    """Which jobs a dry run announces; Snakemake, whose import takes half of its time, is there."""
    with tempfile.NamedTemporaryFile("r") as output:
        process = FORKS.Process(
            target=_snakemake,
            args=(output.name, folder, environment(folder, path), ["-n", *map(str, arguments)]),
        )
        process.start()
        process.join(600)
        printed = output.read()
    assert process.exitcode == 0, printed
    found = jobs(printed)
    # A dry run that says anything else than this has jobs, and they were understood.
    assert bool(found) != ("Nothing to be done" in printed), printed
    return found


def _snakemake(output, folder, environment, arguments):
    """Run Snakemake in this process as `call` does in a new one."""
    with open(output, "w") as file:
        for stream in (1, 2):
            os.dup2(file.fileno(), stream)
    os.chdir(folder)
    os.environ |= environment
    sys.path[:0] = os.environ["PYTHONPATH"].split(os.pathsep)
    from snakemake.cli import main

    main(arguments)


def copy(folder):
    """Copy the project as git has it, without what it ignores."""
    ignored = [line.rstrip("/") for line in (ROOT / ".gitignore").read_text().split()]
    return shutil.copytree(ROOT, folder, ignore=shutil.ignore_patterns(".git", *ignored))


def tiny_copy(folder, changes=None):
    """Copy the project and write tiny.yaml beside it, a configuration to run in seconds."""
    copy(folder)
    write_yaml(folder / "tiny.yaml", TINY if changes is None else changes)
    return folder


def write_yaml(file, content):
    file.write_text(yaml.safe_dump(content))


def start(folder, log, *arguments, path=PATH):
    """Start the workflow in a process group of its own, as a terminal does."""
    with log.open("w") as output:
        return subprocess.Popen(
            [*RUN_WORKFLOW, *arguments],
            cwd=folder,
            env=environment(folder, path),
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            # A shell has what it starts with `&` ignore a Ctrl-C: these tests, say.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )


def interrupt_elsewhere(process):
    """Press Ctrl-C, and have another thread than the main one take it, as the kernel may."""
    time.sleep(3)  # a second after its last submission, Snakemake's main thread sleeps for good
    newest = max(thread.id for thread in psutil.Process(process.pid).threads())
    assert newest != process.pid
    assert ctypes.CDLL(None).tgkill(process.pid, newest, signal.SIGINT) == 0


def kill_group(process):
    """Kill what `start` started, with all its jobs."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def jobs(output):
    """Which jobs a dry run announces: {rule: {its wildcards, joined by a slash}}."""
    found = {}
    for block in re.split(r"\n(?=(?:local)?(?:rule|checkpoint) )", output)[1:]:
        rule = re.match(r"\w+ (\w+):", block)[1]
        wildcards = re.search(r"^    wildcards: (.*)$", block, re.MULTILINE)
        values = re.findall(r"\w+=([^,]+)", wildcards[1]) if wildcards else []
        found.setdefault(rule, set()).add("/".join(values))
    for name in ("all", "default"):
        found.pop(name, None)
    return found


def page_data(html, script):
    """What one of the scripts in the page of a run defines."""
    begin = html.index(" = ", html.index(f'<script id="{script}">')) + len(" = ")
    return json.JSONDecoder().raw_decode(html, begin)[0]


def results(folder):
    """The bytes of every result but the provenance, the only one that may differ."""
    place = folder / "results"
    return {
        path.relative_to(place).as_posix(): path.read_bytes()
        for path in place.rglob("*")
        if path.is_file() and path != place / "provenance.json"
    }


def different(one, other):
    """Names of results that only one has, or that differ."""
    return sorted(name for name in {*one, *other} if one.get(name) != other.get(name))


@contextmanager
def changed(file, change, mtime=None):
    """Change a text file for a while: `change` turns its text into another."""
    before, status = file.read_text(), file.stat()
    file.write_text(change(before))
    if mtime is not None:
        os.utime(file, (mtime, mtime))
    try:
        yield
    finally:
        file.write_text(before)
        os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
