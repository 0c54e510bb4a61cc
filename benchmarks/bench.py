"""Time training steps and decompositions, against the peak of matrix products in the same run.

Usage: python benchmarks/bench.py
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import ours
from timing import medians, products, timed_products
from workloads import DECOMPOSITION, TRAINING, Workload

ROUNDS = 9
LENGTHS = (200, 400, 800)


def speed() -> None:
    """Print a line for each workload and precision."""
    print(
        "workload  precision  ms per call  GFLOP/s  of the large products' peak  in cache"
        "    time in products, at what part of the peak"
    )
    for dtype in ("float32", "float64"):
        peaks = products(dtype)
        builders = {w: partial(_training, w, dtype) for w in TRAINING}
        if dtype == "float64":
            builders |= {w: partial(ours.decomposition, w) for w in DECOMPOSITION}
        calls = {workload.name: build() for workload, build in builders.items()}
        times = medians(calls | {name: call for name, (_, call) in peaks.items()}, ROUNDS)
        peak = {name: count / times[name] for name, (count, _) in peaks.items()}
        for workload, build in builders.items():
            seconds = times[workload.name]
            known = workload in TRAINING
            operations = (
                workload.training_operations() if known else workload.decomposition_operations()
            )
            rate = operations / seconds
            share, product_rate = in_products(build)
            print(
                f"{workload.name:8s}  {dtype}  {1e3 * seconds:11.2f}  {rate / 1e9:7.1f}  "
                f"{rate / peak['square']:26.0%}  {rate / peak['in cache']:8.0%}  "
                f"{share:18.0%}  {product_rate / peak['square']:25.0%}"
            )
        print(
            f"peak      {dtype}               {peak['square'] / 1e9:7.1f} (square of 1000), "
            f"{peak['in cache'] / 1e9:.1f} (in cache)"
        )


def in_products(build: Callable[[], Callable]) -> tuple[float, float]:
    """Return the part of a call's time that its matrix products take, and their operations/s.

    `build` returns the call: products may be prepared in it.
    """
    with timed_products() as done:
        call = build()
        call()
        done.seconds = done.operations = 0.0
        start = time.perf_counter()
        for _ in range(ROUNDS):
            call()
        return done.seconds / (time.perf_counter() - start), done.operations / done.seconds


def _training(workload: Workload, dtype: str) -> Callable:
    return ours.training(workload, dtype)[0]


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
