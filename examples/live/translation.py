"""Does attention spare an encoder the long way back?

python examples/live/translation.py folder

A sequence of digits is to be written in reverse: an LSTM reads it, an LSTMCell writes, and attends
to what was read, or has to have it all in its first state.  The decoder reads the right digits in
training, and what it wrote itself when it is tested.
"""

import sys
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional

import gradient_horizon as gh

DIGITS, LENGTH, SIZE = 10, 8, 32


class Translator(nn.Module):
    """An encoder and a decoder, with attention or without."""

    def __init__(self, attends):
        super().__init__()
        self.attends = attends
        self.embedding = nn.Embedding(DIGITS + 1, SIZE)  # the last one begins the answer
        self.encoder = nn.LSTM(SIZE, SIZE, batch_first=True)
        self.decoder = nn.LSTMCell(2 * SIZE, SIZE)
        self.head = nn.Linear(2 * SIZE, DIGITS)

    def forward(self, source, target=None):
        """Return logits (B, T, digits); without a target, the decoder reads what it wrote."""
        read, state = self.encoder(self.embedding(source))
        state = tuple(part.squeeze(0) for part in state)
        context, symbol = torch.zeros_like(state[0]), torch.full_like(source[:, 0], DIGITS)
        logits = []
        for k in range(LENGTH):
            state = self.decoder(torch.cat([self.embedding(symbol), context], -1), state)
            if self.attends:
                scores = torch.einsum("bts,bs->bt", read, state[0])
                context = torch.einsum("bt,bts->bs", scores.softmax(-1), read)
            logits.append(self.head(torch.cat([state[0], context], -1)))
            symbol = logits[-1].argmax(-1) if target is None else target[:, k]
        return torch.stack(logits, 1)


def trained(attends):
    """Return a model that has learnt for a while."""
    torch.manual_seed(0)
    model = Translator(attends)
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-2)
    for _ in range(80):
        source = torch.randint(DIGITS, (32, LENGTH))
        target = source.flip(1)
        optimiser.zero_grad()
        functional.cross_entropy(model(source, target).transpose(1, 2), target).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
    return model


def main(folder: Path) -> None:
    """Measure the gradient of both on the same batch."""
    folder.mkdir(parents=True, exist_ok=True)
    source = torch.randint(DIGITS, (64, LENGTH))
    target = source.flip(1)
    for attends in (False, True):
        model = trained(attends)
        right = (model(source).argmax(-1) == target).float().mean()
        answer = gh.live.measure(model, (source, target), target, loss=functional.cross_entropy)
        print(answer)
        rows = answer.distances.query("module == 'encoder' and parameter == 'all'")
        print(
            f"{'with' if attends else 'without'} attention {right:.0%} are right; the encoder's "
            f"gradient arises {(rows['share'] * rows['distance']).sum():.2f} steps back on average"
        )
    answer.plot().savefig(folder / "translation.png")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
