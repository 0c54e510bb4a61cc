"""Time training steps and decompositions, against the peak of matrix products in the same run.

Usage: python benchmarks/bench.py
"""

import os
import subprocess
import sys
from pathlib import Path

import ours
from timing import medians, products
from workloads import DECOMPOSITION, TRAINING, Workload

ROUNDS = 9
LENGTHS = (200, 400, 800)


def speed() -> None:
    """Print a line for each workload and precision."""
    print("workload  precision   ms per call   GFLOP/s   of the large products' peak   in cache")
    for dtype in ("float32", "float64"):
        peaks = products(dtype)
        calls, operations = {}, {}
        for workload in TRAINING:
            calls[workload.name] = ours.training(workload, dtype)[0]
            operations[workload.name] = workload.training_operations()
        for workload in DECOMPOSITION if dtype == "float64" else ():
            calls[workload.name] = ours.decomposition(workload)
            operations[workload.name] = workload.decomposition_operations()
        times = medians(calls | {name: call for name, (_, call) in peaks.items()}, ROUNDS)
        peak = {name: count / times[name] for name, (count, _) in peaks.items()}
        for name in calls:
            rate = operations[name] / times[name]
            print(
                f"{name:8s}  {dtype}  {1e3 * times[name]:11.2f}  "
                f"{rate / 1e9:8.1f}  {rate / peak['square']:18.0%}  {rate / peak['in cache']:20.0%}"
            )
        print(
            f"peak      {dtype}               "
            f"{peak['square'] / 1e9:8.1f} (square of 1000), {peak['in cache'] / 1e9:.1f} (in cache)"
        )


def memory() -> None:
    """Print the memory of decompositions of several lengths, each in a process of its own."""
    print("\ndecomposition, peak of the resident memory beyond that before it")
    for steps in LENGTHS:
        process = [sys.executable, __file__, "--memory", str(steps)]
        used = float(subprocess.run(process, check=True, capture_output=True, text=True).stdout)
        print(f"T = {steps}: {used:6.1f} MiB, {1024 * used / steps:.0f} KiB a step")


def peak_of_one(steps: int) -> None:
    """Print by how many MiB the peak rises with a decomposition of that length."""
    ours.decomposition(Workload("warm", 1, 64, 32, 64, 5, 32))()
    decompose = ours.decomposition(Workload("D", 1, 64, 32, 64, steps, 32))
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    before = _resident("VmRSS")
    decompose()
    print((_resident("VmHWM") - before) / 1024)


def _resident(name: str) -> int:
    """Return a figure of this process's memory, in KiB."""
    status = Path("/proc/self/status").read_text()
    return int(status.split(f"{name}:")[1].split()[0])


if __name__ == "__main__":
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    if sys.argv[1:2] == ["--memory"]:
        peak_of_one(int(sys.argv[2]))
    else:
        speed()
        memory()
