"""Time the library beside PyTorch and JAX and print a Markdown table of ratios.

Every contestant must first give the same weights after three steps, or the same columns by
distance, as the library does.  All run in this process, on one core, in interleaved rounds.

Usage: python benchmarks/compare.py [workload ...]    (with what requirements-peers.txt names)
"""

import os
import platform
import sys
from importlib.metadata import version
from pathlib import Path

import ours
import peers_jax
import peers_torch
from timing import medians, products
from workloads import DECOMPOSITION, TRAINING, Workload

ROUNDS = 9
TOLERANCE = {"float32": 1e-4, "float64": 1e-11}


def training(workload: Workload, dtype: str) -> dict[str, float]:
    """Return the time of a training step by contestant."""
    contestants = {
        "ours": ours.training(workload, dtype),
        "PyTorch": peers_torch.training(workload, dtype),
    }
    for name, *functions in peers_jax.training(workload, dtype):
        contestants[f"JAX, {name}"] = functions
    results = {}
    for name, (step, weights) in contestants.items():
        for _ in range(3):
            step()
        results[name] = weights()
        for key, array in results[name].items():
            difference = abs(array - results["ours"][key]).max()
            assert difference < TOLERANCE[dtype], (workload.name, name, key, difference)
    return medians({name: step for name, (step, _) in contestants.items()}, ROUNDS)


def decomposition(workload: Workload) -> dict[str, float]:
    """Return the time of a decomposition by contestant."""
    contestants = {
        "ours": ours.decomposition(workload),
        "PyTorch": peers_torch.decomposition(workload),
    }
    for name, function in peers_jax.decomposition(workload):
        contestants[f"JAX, {name}"] = function
    expected = contestants["ours"]()
    for name, function in contestants.items():
        for column, truth in zip(function(), expected, strict=True):
            difference = abs(column - truth).max() / abs(truth).max()
            assert difference < TOLERANCE["float64"], (workload.name, name, difference)
    return medians(contestants, ROUNDS)


def main() -> None:
    """Time everything and print the table."""
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    cpu = Path("/proc/cpuinfo").read_text().split("model name")[1].split("\n")[0].strip("\t :")
    versions = ", ".join(f"{name} {version(name)}" for name in ("numpy", "torch", "jax"))
    print(f"One core of {cpu}; Python {platform.python_version()}, {versions}\n")
    print("| workload | ours, ms | GFLOP/s | of the peak | PyTorch | JAX, best form | which |")
    print("|---|---|---|---|---|---|---|")
    jobs = [(w, dtype) for dtype in TOLERANCE for w in TRAINING]
    jobs += [(w, "float64") for w in DECOMPOSITION]
    names = sys.argv[1:] or [workload.name for workload, _ in jobs]
    for workload, dtype in jobs:
        if workload.name not in names:
            continue
        peak = products(dtype)
        seconds = medians({name: call for name, (_, call) in peak.items()}, ROUNDS)
        rate = peak["square"][0] / seconds["square"]
        if workload in TRAINING:
            times, operations = training(workload, dtype), workload.training_operations()
        else:
            times, operations = decomposition(workload), workload.decomposition_operations()
        mine = times["ours"]
        best = min((name for name in times if name.startswith("JAX")), key=times.get)
        print(
            f"| {workload.name} {dtype} | {1e3 * mine:.1f} "
            f"| {operations / mine / 1e9:.0f} | {operations / mine / rate:.0%} "
            f"| {times['PyTorch'] / mine:.2f} | {times[best] / mine:.2f} | {best[5:]} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
