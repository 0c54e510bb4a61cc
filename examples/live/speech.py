"""How many milliseconds of sound teach a model to tell where somebody speaks?

python examples/live/speech.py folder

A convolution turns sound of 4 kHz into frames of 8 ms, a GRU reads them, and says of every frame
whether it is speech.  The speech is a tone with harmonics, in noise twice as loud.
"""

import sys
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional

import gradient_horizon as gh

RATE, STRIDE, FRAMES = 4000, 32, 60


def recordings(count):
    """Return sounds (B, 1, samples), and the frames with speech, (B, frames), 0 or 1."""
    edges = torch.rand(count, 2).sort(-1).values * FRAMES
    frame = torch.arange(FRAMES)
    speaks = ((edges[:, :1] <= frame) & (frame < edges[:, 1:])).float()
    time = torch.arange(FRAMES * STRIDE) / RATE
    pitch = 100 + 100 * torch.rand(count, 1)
    voice = sum(torch.sin(2 * torch.pi * k * pitch * time) / k for k in (1, 2, 3))
    sound = voice * speaks.repeat_interleave(STRIDE, -1) + 2.0 * torch.randn(count, len(time))
    return sound[:, None], speaks


class Detector(nn.Module):
    """A convolution, a recurrent layer and a read-out of every frame."""

    def __init__(self, size=24):
        super().__init__()
        self.conv = nn.Conv1d(1, size, kernel_size=2 * STRIDE, stride=STRIDE, padding=STRIDE // 2)
        self.gru = nn.GRU(size, size, batch_first=True)
        self.head = nn.Linear(size, 1)

    def forward(self, sound):
        """Return logits, (B, frames)."""
        frames = torch.relu(self.conv(sound)).transpose(1, 2)
        return self.head(self.gru(frames)[0]).squeeze(-1)


def main(folder: Path) -> None:
    """Train, and measure."""
    torch.manual_seed(0)
    model = Detector()
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-2)
    for _ in range(60):
        sound, speaks = recordings(32)
        optimiser.zero_grad()
        functional.binary_cross_entropy_with_logits(model(sound), speaks).backward()
        optimiser.step()
    sound, speaks = recordings(64)
    right = ((model(sound) > 0) == (speaks > 0)).float().mean()
    loss = functional.binary_cross_entropy_with_logits
    answer = gh.live.measure(model, sound, speaks, loss=loss)
    print(answer)
    reach = answer.summary["h99"].iloc[0]
    print(
        f"{right:.0%} of the frames are right; {reach:.0f} frames are "
        f"{1000 * reach * STRIDE / RATE:.0f} ms"
    )
    folder.mkdir(parents=True, exist_ok=True)
    answer.plot().savefig(folder / "speech.png")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
