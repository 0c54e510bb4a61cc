"""How many hours of the past teach a forecaster of three layers?

python examples/live/forecaster.py folder

The load of each hour has a daily and a weekly course, and noise; it is scaled to mean 0 and
variance 1.  Three days are read, and the day that follows is forecast from the last state.
"""

import sys
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional

import gradient_horizon as gh

DAY, WEEK, READ = 24, 168, 72


def load(hours):
    """Return an hourly load in megawatts."""
    hour = torch.arange(hours)
    daily = torch.sin(2 * torch.pi * hour / DAY)
    weekend = (hour % WEEK >= 5 * DAY).float()
    return 500 + 100 * daily * (1 - 0.5 * weekend) - 80 * weekend + 20 * torch.randn(hours)


class Forecaster(nn.Module):
    """A stack with a read-out of the last step."""

    def __init__(self, size=24):
        super().__init__()
        self.gru = nn.GRU(1, size, num_layers=3, batch_first=True)
        self.head = nn.Linear(size, DAY)

    def forward(self, x):
        """Return the next day, (B, 24)."""
        return self.head(self.gru(x)[0][:, -1])


def main(folder: Path) -> None:
    """Train, and measure every layer."""
    torch.manual_seed(0)
    series = load(80 * WEEK)
    scaled = (series - series.mean()) / series.std()
    windows = scaled.unfold(0, READ + DAY, 1)
    model = Forecaster()
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-2)
    for _ in range(40):
        chosen = windows[torch.randint(len(windows) - WEEK, (32,))]
        optimiser.zero_grad()
        functional.mse_loss(model(chosen[:, :READ, None]), chosen[:, READ:]).backward()
        optimiser.step()
    held_out = windows[-WEEK::4]
    x, y = held_out[:, :READ, None], held_out[:, READ:]
    answer = gh.live.measure(model, x, y, loss=functional.mse_loss)
    print(answer)
    repeated = functional.mse_loss(x[:, -DAY:, 0], y)
    ours, naive = (float(series.std()) * float(loss) ** 0.5 for loss in (answer.loss, repeated))
    print(f"the error is {ours:.0f} MW, {naive:.0f} MW if the last day is repeated")
    reach = answer.summary.set_index("parameter")["h99"]
    hours = ", ".join(f"{reach[f'weight_hh_l{layer}']:.0f}" for layer in range(3))
    print(f"hours back of the layers, from the first to the last: {hours}")
    folder.mkdir(parents=True, exist_ok=True)
    answer.plot().savefig(folder / "forecaster.png")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
