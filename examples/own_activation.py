"""How far back does the signal of an activation of your own reach, as the spectral radius grows?

python examples/own_activation.py folder

The activation is a root, whose slope falls slower than that of tanh.  Nets of both learn to repeat
the symbol that they read ten steps before; their gradient is measured before and after training.
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

import gradient_horizon as gh

RADII = (0.5, 1.0, 1.5)
STEPS = 200


def root(a):
    """Return sign(a) (sqrt(1 + |a|) - 1)."""
    return np.sign(a) * (np.sqrt(1.0 + np.abs(a)) - 1.0)


def root_slope(a):
    """Return its derivative."""
    return 0.5 / np.sqrt(1.0 + np.abs(a))


def horizons(activation) -> pd.DataFrame:
    """Return a row for each radius, net and checkpoint."""
    rows = []
    for radius in RADII:
        trained = gh.train(
            "delayed_echo", activation=activation, radius=radius, steps=STEPS, seeds=3
        )
        for seed in range(3):
            for step in (0, STEPS):
                measured = gh.measure(trained.net(seed, step), trained.probe)
                rows.append(measured.summary.assign(radius=radius, step=step))
    return pd.concat(rows)


def main(folder: Path) -> None:
    """Print the median horizons, and draw them."""
    table = pd.concat([horizons("tanh"), horizons(gh.Activation(root, root_slope))])
    medians = table.groupby(["activation", "step", "radius"])[["h99", "k01", "probe_loss"]].median()
    print(medians.round(3).to_string())
    figure = Figure(layout="constrained")
    axes = figure.subplots()
    for (activation, step), rows in medians.reset_index().groupby(["activation", "step"]):
        when = "after" if step else "before"
        axes.plot(rows["radius"], rows["h99"], marker="o", label=f"{activation}, {when} training")
    axes.set(xlabel="spectral radius", ylabel="steps within which 99 % of the gradient arises")
    axes.legend()
    folder.mkdir(parents=True, exist_ok=True)
    figure.savefig(folder / "own_activation.png")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
