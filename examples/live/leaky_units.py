"""Does training change how fast the leaky units of one's own forget?

python examples/live/leaky_units.py folder

Each unit moves to a new value by a part of its own, 1 / tau, which is learnt.  The target is the
mean of the last twenty inputs.
"""

import sys
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional

import gradient_horizon as gh

STEPS, WINDOW = 80, 20


class LeakyUnits(nn.Module):
    """h_t = (1 - a) h_{t-1} + a tanh(W [x_t, h_{t-1}] + b), a = 1 / tau = sigmoid(rate)."""

    def __init__(self, inputs, size):
        super().__init__()
        self.new = nn.Linear(inputs + size, size)
        self.rate = nn.Parameter(torch.full((size,), 1.0))

    def forward(self, x, state):
        """Return the next state."""
        new = torch.tanh(self.new(torch.cat([x, state], -1)))
        return torch.lerp(state, new, torch.sigmoid(self.rate))


class Net(nn.Module):
    """Leaky units in a loop."""

    def __init__(self, size=16):
        super().__init__()
        self.cell, self.head = LeakyUnits(1, size), nn.Linear(size, 1)

    def forward(self, x):
        """Return (T, B, 1)."""
        state, states = x.new_zeros(x.shape[1], self.head.in_features), []
        for now in x:
            state = self.cell(now, state)
            states.append(state)
        return self.head(torch.stack(states))


def batch(count=32):
    """Return numbers, and the mean of the last twenty, scaled to variance 1."""
    x = torch.randn(STEPS, count, 1)
    sums = x.cumsum(0)
    sums = torch.cat([sums[:WINDOW], sums[WINDOW:] - sums[:-WINDOW]])
    return x, sums / WINDOW**0.5


def main(folder: Path) -> None:
    """Watch the horizon over training."""
    torch.manual_seed(0)
    model = Net()
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-2)
    monitor = gh.live.Monitor(model, *batch(), functional.mse_loss, every=75, cells=["cell"])
    for _ in range(151):
        x, y = batch()
        optimiser.zero_grad()
        functional.mse_loss(model(x), y).backward()
        optimiser.step()
        monitor.step()
    print(monitor.last)
    for row in monitor.table.to_dict("records"):
        print(f"step {row['step']}: loss {row['loss']:.3f}, {row['h99']:.0f} steps")
    tau = 1 / torch.sigmoid(model.cell.rate.detach())
    print(f"the longest tau is now {tau.max():.1f} steps: the memory lies in the weights")
    folder.mkdir(parents=True, exist_ok=True)
    monitor.plot().savefig(folder / "leaky_units.png")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
