"""What measuring a live PyTorch model costs, in forward and backward passes of its module.

Usage: python benchmarks/live.py

The walk over all T distances, to the end, against T times a forward and backward pass in the same
precision, one thread each, in interleaved rounds; and memory at T and 2 T steps.
"""

import os
import resource
import subprocess
import sys
from pathlib import Path

os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1"))
sys.path.insert(0, str(Path(__file__).parents[1] / "src"))

import torch
from timing import medians

from gradient_horizon import live

# Kind, options, steps, batch, units.
CASES = {
    "rnn": ("RNN", {}, 100, 16, 128),
    "gru": ("GRU", {}, 100, 16, 128),
    "lstm": ("LSTM", {}, 100, 16, 128),
    "lstm, 2 layers": ("LSTM", {"num_layers": 2}, 35, 20, 200),
    "lstm, both directions": ("LSTM", {"bidirectional": True}, 50, 16, 128),
    "lstm, wide": ("LSTM", {}, 35, 16, 650),
}
LIMIT = 0.5
ROUNDS = 3
NEAR = 8  # distances; signals take most memory at the first


def prepared(
    kind: str, options: dict, steps: int, batch: int, units: int, max_distance: int | None = None
) -> tuple:
    """Return a pass forward and back, and a measurement, of the same module and batch."""
    torch.manual_seed(0)
    model = getattr(torch.nn, kind)(units, units, **options).double()
    x = torch.randn(steps, batch, units, dtype=torch.float64, requires_grad=True)
    target = torch.randn_like(model(x)[0])

    def loss() -> torch.Tensor:
        return torch.nn.functional.mse_loss(model(x)[0], target)

    def back_and_forth() -> None:
        loss().backward()

    def measure() -> None:
        live.measure(model, loss, tolerance=0.0, max_distance=max_distance, progress=False)

    return back_and_forth, measure


def most_memory(steps: int) -> float:
    """Return by how much a measurement of so many steps raises the most memory in use, in MiB."""
    alone = [sys.executable, __file__, str(steps)]  # the most ever in use is a process's own
    return float(subprocess.run(alone, check=True, capture_output=True, text=True).stdout)


def _memory(steps: int) -> float:
    prepared("LSTM", {}, 2, 16, 64)[1]()  # what is loaded in any case
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    prepared("LSTM", {}, steps, 16, 64, max_distance=NEAR)[1]()
    return (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024.0


def main() -> None:
    """Print a line for each module, or for one number of steps the memory that they take."""
    if len(sys.argv) > 1:
        print(_memory(int(sys.argv[1])))
        return
    torch.set_num_threads(1)
    heads = f"{'pass, ms':>10}{'measure, ms':>13}{'of T passes':>13}"
    print(f"{'live':24}{'T':>5}{'B':>4}{'N':>5}{heads}")
    for name, (kind, options, steps, batch, units) in CASES.items():
        back_and_forth, measure = prepared(kind, options, steps, batch, units)
        calls = {"pass": back_and_forth, "measure": measure}
        found = medians(calls, ROUNDS)
        part = found["measure"] / found["pass"] / steps
        print(
            f"{name:24}{steps:5}{batch:4}{units:5}{1e3 * found['pass']:10.1f}"
            f"{1e3 * found['measure']:13.0f}{part:13.2f}"
        )
    print(f"limit: {LIMIT} of T passes")
    short, long = most_memory(1000), most_memory(2000)
    print(f"memory, lstm of 64 units, B = 16: {short:.0f} MiB at T = 1000, {long:.0f} at 2000")


if __name__ == "__main__":
    main()
