"""How long Snakemake takes to plan a large grid: a dry run, nothing is trained.

    python benchmarks/plan_large_grid.py [--points 10000]

Prints seconds of wall clock and of the processor, and the peak memory.
"""

import argparse
import json
import math
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SNAKEFILE = Path(__file__).resolve().parents[1] / "Snakefile"
ACTIVATIONS = ["sigmoid", "tanh", "relu", "softsign", "linear"]


def overlay(points: int) -> dict:
    """Return a configuration of one experiment with that many grid points, rounded up."""
    radii = [round(0.001 * (1 + index), 3) for index in range(-(-points // len(ACTIVATIONS)))]
    grid = {"activations": ACTIVATIONS, "spectral_radii": radii}
    others = dict.fromkeys(("words", "temporal_order", "remedies"))
    return {"experiments": {**others, "delayed_echo": {"grid": grid}}}


def main() -> None:
    """Plan in an empty folder, so that everything is still to be done."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--points", type=int, default=10_000, help="grid points (%(default)s)")
    grid = overlay(parser.parse_args().points)
    points = math.prod(map(len, grid["experiments"]["delayed_echo"]["grid"].values()))
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "grid.json")
        file.write_text(json.dumps(grid))
        command = ["--snakefile", SNAKEFILE, "--configfile", file, "--dry-run", "--quiet"]
        start = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-m", "snakemake", *command],
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        wall = time.perf_counter() - start
    if done.returncode:
        sys.exit(done.stdout)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    processor = used.ru_utime + used.ru_stime
    print(f"{points} grid points are planned in {wall:.1f} s ", end="")
    print(f"({processor:.1f} s of the processor, {used.ru_maxrss / 1024:.0f} MiB)")


if __name__ == "__main__":
    main()
