"""What the workflow itself costs of a run of the default configuration; a fifth is the limit.

python benchmarks/workflow_cost.py [--configfile FILE]

The processor time of a whole run, in a temporary folder, is split into Snakemake's own, the start
of every job's process with its imports, and the work.  For the start, one job of each rule and
experiment is done again to see what it imports, early or late, and those imports are timed alone.
A benchmark, no test: it takes as long as the run.
"""

import argparse
import json
import os
import re
import resource
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

import psutil

ROOT = Path(__file__).parents[1]
SNAKEMAKE = Path(sys.executable).with_name("snakemake")
# Imports what a job has imported; what is not there was only tried.
IMPORT = """
import contextlib, importlib, sys
for name in sys.argv[1:]:
    with contextlib.suppress(ImportError):
        importlib.import_module(name)
"""
ENVIRONMENT = os.environ | {"PATH": f"{SNAKEMAKE.parent}{os.pathsep}{os.environ['PATH']}"}


def children_seconds() -> float:
    """Processor time of all processes that were started and have ended, in seconds."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def run(folder: Path, configfile: Path) -> tuple[float, float, float]:
    """Run the workflow; return wall, total and Snakemake's own seconds."""
    command = [SNAKEMAKE, "-s", ROOT / "Snakefile", "--workflow-profile"]
    command += [ROOT / "workflow/profiles/default", "--configfile", configfile]
    before, start, own = children_seconds(), time.perf_counter(), 0.0
    with (folder / "printed").open("w") as printed:
        process = psutil.Popen(
            command, cwd=folder, env=ENVIRONMENT, stdout=printed, stderr=subprocess.STDOUT
        )
        while process.poll() is None:
            try:
                times = process.cpu_times()
                own = times.user + times.system
            except psutil.Error:  # it has ended meanwhile
                break
            time.sleep(0.05)
        code = process.wait()
    if code:
        sys.exit((folder / "printed").read_text())
    return time.perf_counter() - start, children_seconds() - before, own


def commands(folder: Path) -> dict[tuple[str, str], list[str]]:
    """Return the jobs' commands by rule and folder of logs, from Snakemake's records of a run."""
    found = defaultdict(set)
    for file in (folder / ".snakemake/metadata").rglob("*"):
        if file.is_file():
            record = json.loads(file.read_text())
            found[record["rule"], os.path.dirname(record["log"][0])].add(record["shellcmd"])
    return {key: sorted(found[key]) for key in sorted(found)}


def start_seconds(command: str, folder: Path) -> float:
    """Processor time that a job's process takes to start and import, the median of three."""
    listed = subprocess.run(
        shlex.split(command.rpartition(" > ")[0]),  # without its log
        cwd=folder,
        env=ENVIRONMENT | {"PYTHONPROFILEIMPORTTIME": "1"},
        capture_output=True,
        text=True,
        check=True,
    ).stderr
    modules = re.findall(r"^import time: .*\| *(\S+)$", listed, re.MULTILINE)
    taken = []
    for _ in range(3):
        before = children_seconds()
        subprocess.run(
            [sys.executable, "-c", IMPORT, *modules],
            env=ENVIRONMENT | {"PYTHONPATH": str(ROOT / "src")},
            check=True,
        )
        taken.append(children_seconds() - before)
    return statistics.median(taken)


def main() -> None:
    """Run, split the time, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--configfile", type=Path, default=ROOT / "config/config.yaml")
    configfile = parser.parse_args().configfile.resolve()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        wall, total, own = run(folder, configfile)
        jobs = commands(folder)
        starts = {key: start_seconds(jobs[key][0], folder) for key in jobs}
    starting = sum(len(jobs[key]) * starts[key] for key in jobs)
    cost = own + starting
    count = sum(map(len, jobs.values()))
    print(f"{count} jobs in {wall:.0f} s of wall and {total:.0f} s of processor time:")
    print(f"  Snakemake      {own:7.1f} s {own / total:6.1%}")
    print(f"  starting jobs  {starting:7.1f} s {starting / total:6.1%}")
    print(f"  the work       {total - cost:7.1f} s {1 - cost / total:6.1%}")
    for (rule, logs), seconds in starts.items():
        print(f"{len(jobs[rule, logs]):4d} times {seconds:.2f} s to start {rule} ({logs})")


if __name__ == "__main__":
    main()
