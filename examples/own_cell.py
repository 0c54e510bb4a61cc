"""A cell of your own: does a gate make the signal reach farther back?

python examples/own_cell.py folder

The minimal gated unit (Zhou, Wu, Zhang and Zhou, 2016) is the equations of one step and their
derivative; training it and taking its gradient apart follow.  It is compared with the simple cell
at the start, on the task to repeat the symbol read ten steps before.
"""

import sys
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import gradient_horizon as gh


def sigmoid(a):
    """Return 1 / (1 + e^-a)."""
    return 0.5 + 0.5 * np.tanh(0.5 * a)


class MinimalGatedUnit(gh.Cell):
    """h_t = (1 - f_t) h_{t-1} + f_t n_t, with the gate f_t and the candidate n_t.

    f_t = sigmoid(W_f h_{t-1} + drive_f),    n_t = phi(W_n (f_t h_{t-1}) + drive_n)
    """

    BLOCKS = 2

    def step(self, net, state, drive):
        """Return the states one step on, and what the way back needs."""
        of_gate, of_candidate = np.split(net.weights["W_hh"], 2, axis=-2)
        for_gate, for_candidate = np.split(drive, 2, axis=-1)
        f = sigmoid(state @ of_gate.mT + for_gate)
        gated = f * state
        a = gated @ of_candidate.mT + for_candidate
        return (1.0 - f) * state + f * net.phi.value(a), (a, f, state, gated)

    def back(self, net, kept, signal):
        """Return what a signal dE/dh_t becomes one step back, and the gradient's terms."""
        a, f, state, gated = kept
        of_gate, of_candidate = np.split(net.weights["W_hh"], 2, axis=-2)
        of_n = signal * f * net.phi.slope(a)
        through = of_n @ of_candidate
        of_f = (signal * (net.phi.value(a) - state) + through * state) * f * (1.0 - f)
        farther = signal * (1.0 - f) + through * f + of_f @ of_gate
        delta = np.concatenate([of_f, of_n], axis=-1)
        return farther, delta, {"W_hh": [(of_f, state), (of_n, gated)]}


def main(folder: Path) -> None:
    """Measure both cells before and after training, and draw the signal by distance."""
    figure = Figure(layout="constrained")
    axes = figure.subplots()
    for cell in ("rnn", MinimalGatedUnit()):
        trained = gh.train("delayed_echo", cell=cell, optimiser="adam", steps=200, seeds=1)
        print(trained)
        for step in (0, 200):
            measured = gh.measure(trained.net(step=step), trained.probe)
            print(f"step {step}: {measured}")
            rows = measured.distances
            label = f"{trained.net().cell}, {'after' if step else 'before'} training"
            axes.semilogy(rows["distance"], rows["transport"], label=label)
    axes.set(xlabel="distance", ylabel="transport of a signal")
    axes.legend()
    folder.mkdir(parents=True, exist_ok=True)
    figure.savefig(folder / "own_cell.png")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
