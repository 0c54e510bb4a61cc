"""What does truncating backpropagation at 35 steps keep of a language model's gradient?

python examples/live/language_model.py folder

Two layers read characters of Python's manual, with the embedding tied to the read-out and dropout.
A monitor measures on stretches four times as long as those of the training.  What truncating keeps
is told for errors that all go back 35 steps; in chunks of 35 those at the start of a chunk do not.
"""

import sys
from pathlib import Path
from pydoc_data.topics import topics

import torch
from torch import nn
from torch.nn import functional

import gradient_horizon as gh

TRUNCATION, BATCH, UPDATES = 35, 16, 161


class LanguageModel(nn.Module):
    """Predicts the next character."""

    def __init__(self, symbols, size=48):
        super().__init__()
        self.embedding, self.drop = nn.Embedding(symbols, size), nn.Dropout(0.1)
        self.lstm = nn.LSTM(size, size, num_layers=2, dropout=0.1)
        self.head = nn.Linear(size, symbols)
        self.head.weight = self.embedding.weight

    def forward(self, symbols, state=None):
        """Return logits (T, B, symbols) and the state."""
        output, state = self.lstm(self.drop(self.embedding(symbols)), state)
        return self.head(self.drop(output)), state


def main(folder: Path) -> None:
    """Train with the state carried on and detached, and say what of the gradient that loses."""
    torch.manual_seed(0)
    characters = "".join(topics.values()).encode("ascii", "replace")
    text = torch.frombuffer(bytearray(characters), dtype=torch.uint8).long()
    columns = text[: len(text) // BATCH * BATCH].view(BATCH, -1).T
    probe = columns[-4 * TRUNCATION - 1 :, :8]
    model = LanguageModel(symbols=128)
    optimiser = torch.optim.Adam(model.parameters(), lr=2e-2)
    monitor = gh.live.Monitor(
        model,
        probe[:-1],
        probe[1:],
        functional.cross_entropy,
        every=160,
        truncation=TRUNCATION,
        allowed=0.2,
    )
    state = None
    for start in range(0, UPDATES * TRUNCATION, TRUNCATION):
        chunk = columns[start : start + TRUNCATION + 1]
        logits, state = model(chunk[:-1], state)
        state = tuple(part.detach() for part in state)
        optimiser.zero_grad()
        functional.cross_entropy(logits.flatten(0, 1), chunk[1:].flatten()).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        model.eval()
        monitor.step()
        model.train()
    print(monitor.last)
    print(monitor.table[["step", "loss", "h99", "kept"]].round(3).to_string(index=False))
    row = monitor.last.truncations.query(f"k == {TRUNCATION}").iloc[0]
    print(
        f"{TRUNCATION} steps back from everywhere keep {row.kept:.1%}, "
        f"chunks of {TRUNCATION} keep {row.chunk_kept:.1%}"
    )
    folder.mkdir(parents=True, exist_ok=True)
    monitor.last.plot().savefig(folder / "language_model.png")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
