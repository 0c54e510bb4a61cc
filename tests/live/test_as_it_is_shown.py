"""Calls, bars, notes and figures, where a first user stumbled over them."""

import io
import sys
import warnings

import pandas as pd
import pytest

torch = pytest.importorskip("torch", reason="no PyTorch")

import gradient_horizon as gh
from gradient_horizon.live import watching

nn = torch.nn
mse_loss = nn.functional.mse_loss


class Terminal(io.StringIO):
    """What is written to a terminal."""

    def isatty(self):
        return True


@pytest.mark.parametrize("kind", [Terminal, io.StringIO])
def test_a_bar_is_shown_in_a_terminal_and_not_in_a_log(kind, monkeypatch):
    bar, written = watching.tqdm, kind()
    monkeypatch.setattr(watching, "tqdm", lambda **options: bar(**options | {"delay": 0.0}))
    monkeypatch.setattr(sys, "stderr", written)
    gh.live.measure(nn.RNN(2, 3), torch.randn(9, 8, 2), torch.randn(9, 8, 3), mse_loss)
    assert ("distances" in written.getvalue()) == (kind is Terminal)


def test_a_module_that_looks_nowhere_back_is_drawn():
    torch.manual_seed(0)
    model = nn.RNN(3, 6)
    with torch.no_grad():
        model.weight_hh_l0.zero_()
    report = gh.live.measure(model, torch.randn(20, 8, 3), torch.randn(20, 8, 6), mse_loss)
    assert report.summary["h99"].iloc[0] == 0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figure = report.plot("truncation")
    left, right = figure.axes[0].get_xlim()
    assert left <= 1.0 <= right


def test_units_are_counted_in_whole_numbers():
    nets = nn.ModuleDict({"one": nn.GRU(3, 9), "other": nn.GRU(3, 9)})
    with torch.no_grad():
        for weight in nets.parameters():
            weight.zero_()  # all nine of a net forget alike: one bar
    x, y = torch.randn(5, 8, 3), torch.randn(5, 8, 9)
    report = gh.live.measure(nets, lambda: sum(mse_loss(net(x)[0], y) for net in nets.values()))
    ticks = report.plot().axes[2].get_yticks()
    assert len(ticks) > 1 and all(tick == int(tick) for tick in ticks)


def test_a_horizon_that_is_known_is_not_said_to_reach_as_far_as_its_sequences():
    torch.manual_seed(12)
    model = nn.RNN(2, 4)
    with torch.no_grad():
        model.weight_hh_l0.copy_(torch.linalg.qr(torch.randn(4, 4))[0])
    report = gh.live.measure(model, torch.randn(20, 8, 2), torch.randn(20, 8, 4), mse_loss)
    row = report.summary.iloc[0]
    assert row["k01_censored"] and not row["h99_censored"]
    assert "sequences of `rnn` longer than 20 steps may take more to keep 99 %" in repr(report)
    assert "reaches as far" not in repr(report)


class Simple(nn.Module):
    """h_t = tanh(W [x_t, h_{t-1}] + b), or what is made of it."""

    def __init__(self, gives=lambda h: h):
        super().__init__()
        self.new, self.gives = nn.Linear(5, 3), gives

    def forward(self, x, state):
        return self.gives(torch.tanh(self.new(torch.cat([x, state], -1))))


@pytest.mark.parametrize(("cell", "names"), [(nn.GRUCell, "input hx"), (Simple, "x state")])
def test_arguments_by_name(cell, names):
    torch.manual_seed(0)
    model = nn.ModuleDict({"cell": cell(2, 3) if cell is nn.GRUCell else cell()})
    x, read = torch.randn(6, 8, 2), names.split()

    def loss(by_name):
        state = torch.zeros(8, 3)
        for now in x:
            pair = (now, state)
            state = (
                model["cell"](**dict(zip(read, pair, strict=True)))
                if by_name
                else (model["cell"](*pair))
            )
        return state.pow(2).sum()

    one, other = (
        gh.live.measure(model, lambda by_name=by_name: loss(by_name), cells=["cell"])
        for by_name in (True, False)
    )
    assert one.summary["steps"].eq(6).all()
    pd.testing.assert_frame_equal(one.distances, other.distances)


def test_what_gives_something_else_than_its_next_state():
    x, state = torch.randn(8, 2), torch.zeros(8, 3)
    twice = nn.ModuleDict({"cell": Simple(lambda h: (h, h))})
    said = r"Simple reads a state of \(8, 3\) and gives \(8, 3\) and \(8, 3\); allowed: what maps"
    with pytest.raises(TypeError, match=said):
        gh.live.measure(twice, lambda: twice["cell"](x, state)[0].sum(), cells=["cell"])
    plain = nn.ModuleDict({"cell": Simple()})
    with pytest.raises(TypeError, match=r"reads a state of \(8, 2\) and gives \(8, 3\)"):
        gh.live.measure(plain, lambda: plain["cell"](state, x).sum(), cells=["cell"])


def test_a_loss_by_name():
    with pytest.raises(TypeError, match="loss: 'mse' cannot be called; allowed: as in loss"):
        gh.live.measure(nn.GRU(2, 3), torch.randn(5, 8, 2), torch.randn(5, 8, 3), "mse")
