"""Do nets that learn a moving mean look as far back as the mean does?

python examples/own_arrays.py folder

The arrays might be anybody's: inputs and targets of 400 sequences, time first.  Each target is the
mean of the last eight inputs, so the signal has to come from distances up to seven.
"""

import sys
from pathlib import Path

import numpy as np

import gradient_horizon as gh

STEPS, SEQUENCES, WINDOW = 60, 400, 8


def sequences() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return inputs (T, S, 1), targets (T, S, 1) and the steps that have a whole window (T,)."""
    inputs = np.random.default_rng(0).normal(size=(STEPS, SEQUENCES, 1))
    sums = np.cumsum(inputs, axis=0)
    sums[WINDOW:] -= sums[:-WINDOW].copy()
    return inputs, sums / WINDOW, np.arange(STEPS) >= WINDOW - 1


def main(folder: Path) -> None:
    """Train, tell the horizon of one net at every checkpoint, and draw it after training."""
    trained = gh.train(
        sequences(), radius=0.9, optimiser="adam", learning_rate=0.003, steps=400, seeds=1
    )
    print(trained)
    for step in trained.steps:
        measured = gh.measure(trained.net(step=step), trained.probe)
        print(f"\nafter {step} steps\n{measured}")
    near = measured.distances["input_share"][:WINDOW].sum()
    print(f"\n{near:.0%} of the gradient of the input weights arise within the window")
    folder.mkdir(parents=True, exist_ok=True)
    measured.plot().savefig(folder / "own_arrays.png")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
