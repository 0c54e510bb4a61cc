"""Bars, notes and figures, where a first user stumbled over them."""

import io
import sys
import warnings

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
