"""What `docs/weights.md` says to type, typed in its order; the losses are those of PyTorch."""

import re
import shlex
from pathlib import Path

import numpy as np
import pytest

from gradient_horizon.commands import measure

PAGE = (Path(__file__).parents[2] / "docs/weights.md").read_text()
SYMBOLS, STEPS, BATCH = 6, 30, 16


def typed():
    """All code and all commands of the page, in their order."""
    pattern = r"^```python\n(.*?)^```$|^    (gradient-horizon measure [^\n]*)$"
    return [match.groups() for match in re.finditer(pattern, PAGE, re.M | re.S)]


def test_the_page(tmp_path, monkeypatch, capsys):
    torch = pytest.importorskip("torch", reason="no PyTorch")
    torch.manual_seed(0)
    net = torch.nn.ModuleDict(
        {
            "emb": torch.nn.Embedding(SYMBOLS, 5),
            "rnn": torch.nn.LSTM(5, 8, num_layers=2),
            "head": torch.nn.Linear(8, SYMBOLS),
        }
    )
    words = torch.randint(SYMBOLS, (STEPS + 1, BATCH))
    inputs, targets = words[:-1], words[1:]
    lengths = np.arange(STEPS, STEPS - BATCH, -1)

    def loss_of(targets):
        model = net.double()
        states, _ = model["rnn"](model["emb"](inputs))
        logits = model["head"](states).reshape(-1, SYMBOLS)
        return torch.nn.functional.cross_entropy(logits, targets.reshape(-1)).item()

    counted = torch.arange(STEPS)[:, None] < torch.tensor(lengths)
    cut = torch.where(counted, targets, -100)
    # The first command stands before the code that writes its files.
    parts = typed()
    parts[:2] = parts[1::-1]
    given = {"net": net, "inputs": inputs, "targets": targets, "lengths": lengths}
    expected = [targets, targets, cut, cut, cut]
    monkeypatch.chdir(tmp_path)
    for code, command in parts:
        if code:
            exec(code, given)
            continue
        measure.main([*shlex.split(command)[2:], "--engine", "none"])
        printed = capsys.readouterr().out
        assert f"\nloss {loss_of(expected.pop(0)):.4g}, h99 " in printed
        order = "sequences" if "--batch-first" in command else "steps"
        assert printed.startswith(f"read as 16 sequences of 30 steps, {order} first\n")
        assert "\nnn.LSTM, 2 layers (rnn); embedding emb; read-out head\n" in printed
        assert ("the state is carried on every 10 steps" in printed) == ("--stateful" in command)
        assert ("; truncating at 5 keeps " in printed) == ("--truncation" in command)
    assert not expected
