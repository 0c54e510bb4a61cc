"""Does a forget bias of 3 make a rainfall-runoff model look farther back?

python examples/live/runoff.py folder

An LSTM reads 365 days of rain and temperature and gives the discharge of the last day.  The
catchment stores snow, and empties a fast and a slow reservoir.  Two models differ in nothing but
the bias that their forget gates begin with.
"""

import sys
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional

import gradient_horizon as gh

YEAR, SIZE = 365, 16


def catchment(days):
    """Return rain in mm and temperature in degrees, (days, 2), and the discharge in mm a day."""
    season = torch.cos(2 * torch.pi * torch.arange(days) / YEAR)
    temperature = 8 - 10 * season + 3 * torch.randn(days)
    rain = torch.where(torch.rand(days) < 0.4, -8 * torch.rand(days).log(), 0.0)
    snow = fast = slow = torch.tensor(0.0)
    discharge = []
    for fallen, warmth in zip(rain, temperature, strict=True):
        melt = torch.minimum(snow, 3 * warmth.relu())
        snow = snow - melt + fallen * (warmth <= 0)
        water = melt + fallen * (warmth > 0)
        fast, slow = (fast + 0.5 * water) * (1 - 1 / 4), (slow + 0.5 * water) * (1 - 1 / 60)
        discharge.append(fast / 3 + slow / 59)
    return torch.stack([rain, temperature], -1), torch.stack(discharge)


def standardised(values):
    """Return values of mean 0 and variance 1."""
    return (values - values.mean(0)) / values.std(0)


class Runoff(nn.Module):
    """The discharge after the last day read."""

    def __init__(self, forget_bias):
        super().__init__()
        self.lstm, self.head = nn.LSTM(2, SIZE, batch_first=True), nn.Linear(SIZE, 1)
        with torch.no_grad():
            self.lstm.bias_ih_l0[SIZE : 2 * SIZE] = forget_bias
            self.lstm.bias_hh_l0[SIZE : 2 * SIZE] = 0

    def forward(self, x):
        """Return the discharge, (B,)."""
        return self.head(self.lstm(x)[0][:, -1]).squeeze(-1)


def trained(forget_bias, windows, targets):
    """Return a model that has learnt for a while."""
    torch.manual_seed(1)
    model = Runoff(forget_bias)
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-2)
    for _ in range(40):
        days = torch.randint(len(windows), (32,))
        optimiser.zero_grad()
        functional.mse_loss(model(windows[days]), targets[days]).backward()
        optimiser.step()
    return model


def main(folder: Path) -> None:
    """Train both on the same windows, and compare their horizons and half-lives."""
    torch.manual_seed(0)
    forcing, discharge = map(standardised, catchment(6 * YEAR))
    windows, targets = forcing.unfold(0, YEAR, 1).mT, discharge[YEAR - 1 :]
    known, held_out = slice(4 * YEAR), slice(4 * YEAR, None, 20)
    models = nn.ModuleDict(
        {f"bias_{bias}": trained(bias, windows[known], targets[known]) for bias in (0, 3)}
    )
    x, y = windows[held_out], targets[held_out]
    # Neither model has to do with the other: the sum of their losses measures both at once.
    answer = gh.live.measure(
        models, lambda: sum(functional.mse_loss(model(x), y) for model in models.values())
    )
    print(answer)
    lives = answer.half_lives.groupby("module")["half_life"].median()
    for row in answer.summary.query("parameter == 'all'").to_dict("records"):
        print(
            f"{row['module']} learns from {row['h99']:.0f} days; "
            f"half of its units forget half within {lives[row['module']]:.1f} days"
        )
    folder.mkdir(parents=True, exist_ok=True)
    answer.plot().savefig(folder / "runoff.png")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
