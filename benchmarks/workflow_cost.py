"""What the workflow itself costs of a run of the default configuration; a fifth is the limit.

python benchmarks/workflow_cost.py [--configfile FILE]

The processor time of a whole run, in a temporary folder, is split into Snakemake's own, the start
of every job's process with its imports (measured as what the script takes to show its help), and
the work.  A benchmark, no test: it takes as long as the run.
"""

import argparse
import os
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import psutil

ROOT = Path(__file__).parents[1]
SNAKEMAKE = Path(sys.executable).with_name("snakemake")
ENVIRONMENT = os.environ | {"PATH": f"{SNAKEMAKE.parent}{os.pathsep}{os.environ['PATH']}"}


def children_seconds() -> float:
    """Processor time of all processes that were started and have ended, in seconds."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def run(folder: Path, configfile: Path) -> tuple[float, float, float, Counter]:
    """Run the workflow; return wall, total and Snakemake's own seconds, and the jobs by rule."""
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
    text = (folder / "printed").read_text()
    if code:
        sys.exit(text)
    jobs = Counter(re.findall(r"Finished jobid: \d+ \(Rule: (\w+)\)", text))
    return time.perf_counter() - start, children_seconds() - before, own, jobs


def start_seconds(rule: str) -> float:
    """Processor time that a rule's script takes to start and import, the median of three."""
    script = ROOT / "workflow/scripts" / f"{rule}.py"
    if not script.is_file():
        return 0.0
    taken = []
    for _ in range(3):
        before = children_seconds()
        subprocess.run([sys.executable, script, "--help"], stdout=subprocess.DEVNULL, check=True)
        taken.append(children_seconds() - before)
    return statistics.median(taken)


def main() -> None:
    """Run, split the time, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--configfile", type=Path, default=ROOT / "config/config.yaml")
    configfile = parser.parse_args().configfile.resolve()
    with tempfile.TemporaryDirectory() as folder:
        wall, total, own, jobs = run(Path(folder), configfile)
    starting = sum(count * start_seconds(rule) for rule, count in jobs.items())
    cost = own + starting
    print(f"{sum(jobs.values())} jobs in {wall:.0f} s of wall and {total:.0f} s of processor time:")
    print(f"  Snakemake      {own:7.1f} s {own / total:6.1%}")
    print(f"  starting jobs  {starting:7.1f} s {starting / total:6.1%}")
    print(f"  the work       {total - cost:7.1f} s {1 - cost / total:6.1%}")


if __name__ == "__main__":
    main()
