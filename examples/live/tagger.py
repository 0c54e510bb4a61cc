"""How far does a tagger look in either direction?

python examples/live/tagger.py folder

A bidirectional GRU reads lines of Python character by character and says of each what it belongs
to: a keyword, a name, a number, a string, an operator or a comment.  Lines differ in length and are
packed; what fills them up has the target -100.
"""

import inspect
import io
import keyword
import random
import sys
import tokenize
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence, pad_sequence

import gradient_horizon as gh

KINDS = (tokenize.NAME, tokenize.NUMBER, tokenize.STRING, tokenize.OP, tokenize.COMMENT)


def tagged_lines(source):
    """Return the lines of a source as codes, and a tag for each character: 0 is a keyword."""
    lines = source.splitlines()
    tags = [torch.full((len(line),), len(KINDS) + 1) for line in lines]
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    for kind, text, (row, first), (end, last), _ in tokens:
        if kind in KINDS and row == end:
            tags[row - 1][first:last] = 0 if keyword.iskeyword(text) else 1 + KINDS.index(kind)
    return [
        (torch.tensor([min(ord(letter), 127) for letter in line]), tag)
        for line, tag in zip(lines, tags, strict=True)
        if len(line) > 1
    ]


class Tagger(nn.Module):
    """Reads packed lines."""

    def __init__(self, size=32):
        super().__init__()
        self.embedding = nn.Embedding(128, size)
        self.gru = nn.GRU(size, size, batch_first=True, bidirectional=True)
        self.head = nn.Linear(2 * size, len(KINDS) + 2)

    def forward(self, letters, lengths):
        """Return logits (B, T, tags)."""
        packed = pack_padded_sequence(
            self.embedding(letters), lengths, batch_first=True, enforce_sorted=False
        )
        return self.head(pad_packed_sequence(self.gru(packed)[0], batch_first=True)[0])


def batch(lines):
    """Return letters and lengths, and targets."""
    letters, tags = zip(*lines, strict=True)
    targets = pad_sequence(tags, batch_first=True, padding_value=-100)
    return (pad_sequence(letters, batch_first=True), torch.tensor([*map(len, tags)])), targets


def main(folder: Path) -> None:
    """Train, and measure both directions."""
    torch.manual_seed(0)
    random.seed(0)
    lines = tagged_lines(inspect.getsource(tokenize))
    random.shuffle(lines)
    model = Tagger()
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-2)
    for _ in range(35):
        inputs, targets = batch(random.sample(lines[32:], 32))
        optimiser.zero_grad()
        functional.cross_entropy(model(*inputs).transpose(1, 2), targets).backward()
        optimiser.step()
    inputs, targets = batch(lines[:32])
    answer = gh.live.measure(model, inputs, targets, loss=functional.cross_entropy)
    print(answer)
    reach = answer.summary.set_index("parameter")["h99"]
    before, after = reach["weight_hh_l0"], reach["weight_hh_l0_reverse"]
    print(f"it looks {before:.0f} characters back and {after:.0f} ahead")
    folder.mkdir(parents=True, exist_ok=True)
    answer.plot().savefig(folder / "tagger.png")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
