"""What a report says and writes, and what is said of bad input."""

import itertools
import os
import signal
import threading

import numpy as np
import pandas as pd
import pytest

torch = pytest.importorskip("torch", reason="no PyTorch")

import gradient_horizon as gh

nn = torch.nn
functional = nn.functional
measure = gh.live.measure


class Net(nn.Module):
    """A recurrent net with a head."""

    def __init__(self, kind="LSTM", **options):
        super().__init__()
        self.rnn = getattr(nn, kind)(3, 6, batch_first=True, **options)
        self.head = nn.Linear(6, 4)

    def forward(self, x):
        return self.head(self.rnn(x)[0])


def drawn():
    """A net and a batch for it, the same every time."""
    torch.manual_seed(0)
    return Net(), torch.randn(16, 30, 3), torch.randint(0, 4, (16, 30))


@pytest.fixture(scope="module")
def answer():
    """A report on an LSTM."""
    return measure(*drawn(), loss=functional.cross_entropy, truncation=5)


def test_the_answer_is_in_two_lines(answer):
    first, second = repr(answer).splitlines()
    assert first.startswith("99 % of the gradient of `rnn` arises within ")
    summary = answer.summary.iloc[0]
    assert f"within {int(summary['h99'])} steps; truncating at 5 keeps " in first
    assert "on 16 sequences of 30 steps; the sum over distances is autograd's gradient to" in second
    row = answer.truncations.query("k == 5").iloc[0]
    assert f"{100 * row['kept']:.1f} % of it, {row['angle']:.1f} degrees off" in first
    enough = answer.truncations.query("kept >= 0.95")["k"].min()
    assert first.endswith(f"to keep 95 % take {enough}")


def test_truncations_are_those_of_truncated_gradients(answer):
    table = answer.truncations
    distances = answer.distances.query("parameter == 'all'")
    bias = distances["truncation_bias"].to_numpy()
    assert table["kept"].to_numpy()[: len(bias) - 1] == pytest.approx(1.0 - bias[1:], abs=1e-12)
    assert table["cost"].to_numpy() == pytest.approx(table["k"] / 30)
    # The same from vectors: a loop that is cut by detaching.
    model, x, y = drawn()
    model, x = model.double(), x.double()
    weights = list(model.rnn.parameters())

    def gradient(output, targets):
        loss = functional.cross_entropy(model.head(output).flatten(0, 1), targets.flatten())
        return torch.cat([part.flatten() for part in torch.autograd.grad(loss, weights)])

    k, cut = 3, 0.0
    for t in range(30):
        start = max(0, t - k + 1)
        with torch.no_grad():
            state = model.rnn(x[:, :start])[1] if start else None
        output, _ = model.rnn(x[:, start : t + 1], state)
        cut = cut + gradient(output[:, -1:], y[:, t : t + 1]) / 30
    whole = gradient(model.rnn(x)[0], y)
    row = table.query("k == 3").iloc[0]
    assert row["kept"] == pytest.approx(1.0 - float((whole - cut).norm() / whole.norm()))
    angle = np.degrees(float(torch.arccos(cut @ whole / cut.norm() / whole.norm())))
    assert row["angle"] == pytest.approx(angle)


@pytest.mark.parametrize("k", [1, 4, 30])
def test_chunks_keep_what_training_in_chunks_keeps(answer, k):
    """The mean over where chunks may begin, with autograd."""
    model, x, y = drawn()
    model, x = model.double(), x.double()
    weights = list(model.rnn.parameters())
    total = 0.0
    for first in range(k):
        state, outputs = None, []
        for begin, end in itertools.pairwise([0, *range(first or k, 30, k), 30]):
            output, state = model.rnn(x[:, begin:end], state)
            state = tuple(part.detach() for part in state)
            outputs.append(output)
        logits = model.head(torch.cat(outputs, 1))
        loss = functional.cross_entropy(logits.flatten(0, 1), y.flatten())
        gradient = torch.autograd.grad(loss, weights)
        total = total + torch.cat([part.flatten() for part in gradient]) / k
    loss = functional.cross_entropy(model(x).flatten(0, 1), y.flatten())
    whole = torch.cat([part.flatten() for part in torch.autograd.grad(loss, weights)])
    row = answer.truncations.query("k == @k", local_dict={"k": k}).iloc[0]
    kept = 1.0 - float((whole - total).norm() / whole.norm())
    assert row["chunk_kept"] == pytest.approx(kept, abs=1e-6)
    angle = np.degrees(
        float(torch.arccos((total @ whole / total.norm() / whole.norm()).clip(-1, 1)))
    )
    assert row["chunk_angle"] == pytest.approx(angle, abs=1e-3)
    assert row["chunk_kept"] <= row["kept"] + 1e-9


def test_the_tables(answer):
    assert list(answer.distances) == [
        *("module", "parameter", "distance", "contribution", "share", "signed_share", "cosine"),
        *("transport", "truncation_bias"),
    ]
    parameters = ["all", "weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"]
    assert answer.summary["parameter"].tolist() == parameters
    assert answer.summary["residual"].max() < 1e-12
    assert 0.0 < answer.summary["remainder"].max() <= 1e-6
    for parameter, rows in answer.distances.groupby("parameter"):
        assert rows["share"].sum() == pytest.approx(1.0), parameter
        assert rows["signed_share"].sum() == pytest.approx(1.0, abs=1e-5), parameter
        assert rows["truncation_bias"].iloc[0] == pytest.approx(1.0)
        assert rows["transport"].iloc[0] == pytest.approx(1.0) or parameter == "all"


def test_all_weights_together_are_one_vector():
    torch.manual_seed(0)
    x, y = torch.randn(16, 9, 3), torch.randn(16, 9, 4)
    table = measure(Net(), x, y, loss=functional.mse_loss, tolerance=0.0).distances
    parts = table[table["parameter"] != "all"].groupby("distance")
    whole = table[table["parameter"] == "all"].set_index("distance")
    norms = parts["contribution"].apply(lambda part: np.sqrt((part**2).sum()))
    assert whole["contribution"].to_numpy() == pytest.approx(norms.to_numpy())
    cosine = whole["signed_share"] / whole["contribution"]
    assert (cosine / whole["cosine"]).std() < 1e-9 * abs(cosine / whole["cosine"]).mean()


def test_half_lives_of_constant_gates():
    # sigmoid(b) for b = 0 ... 5: 1.0, 2.2, 5.5, 14.3, 38.2, 103 steps.
    for kind, first in (("LSTM", 6), ("GRU", 6)):
        model = Net(kind)
        with torch.no_grad():
            for name, weight in model.rnn.named_parameters():
                if "weight" in name:
                    weight.zero_()
                else:
                    weight.zero_()[first : first + 6] = torch.arange(6.0) / 2
        x, y = torch.randn(8, 5, 3), torch.randint(0, 4, (8, 5))
        lives = measure(model, x, y, loss=functional.cross_entropy).half_lives
        assert lives["half_life"].round(1).tolist() == [1.0, 2.2, 5.5, 14.3, 38.2, 103.2]
        assert lives["unit"].tolist() == list(range(6))


def test_a_simple_net_has_no_half_lives():
    torch.manual_seed(0)
    model = Net("RNN")
    x, y = torch.randn(8, 5, 3), torch.randint(0, 4, (8, 5))
    report = measure(model, x, y, loss=functional.cross_entropy)
    assert report.half_lives.empty
    with pytest.raises(ValueError, match="'half_lives' is not there; allowed: distances, trunc"):
        report.plot("half_lives")


@pytest.mark.parametrize("name", [None, "distances", "truncation", "half_lives"])
def test_figures(answer, name):
    figure = answer.plot(name)
    assert len(figure.axes) == (3 if name is None else 1)
    assert figure._repr_png_().startswith(b"\x89PNG")


def test_saved_files(answer, tmp_path):
    answer.save(tmp_path / "new" / "folder")
    folder = tmp_path / "new" / "folder"
    tables = ("distances", "half_lives", "summary", "truncations")
    assert sorted(path.name for path in folder.iterdir()) == sorted(
        [f"{name}.{ending}" for name in tables for ending in ("csv", "parquet")]
        + ["answer.txt", "gradient_horizon.pdf", "gradient_horizon.png"]
    )
    assert (folder / "answer.txt").read_text() == f"{answer!r}\n"
    pd.testing.assert_frame_equal(pd.read_parquet(folder / "summary.parquet"), answer.summary)


def test_a_largest_distance():
    part = measure(*drawn(), loss=functional.cross_entropy, max_distance=4)
    assert part.distances["distance"].max() == 4
    assert "walked to distance 4; " in repr(part)
    assert part.summary["h99_censored"].all() and part.summary["k01_censored"].all()
    assert not part.partial
    whole = measure(*drawn(), loss=functional.cross_entropy).distances.query("distance < 5")
    for column in ("contribution", "signed_share", "truncation_bias"):
        assert part.distances[column].to_numpy() == pytest.approx(whole[column].to_numpy())


def test_ctrl_c_gives_what_is_there():
    torch.manual_seed(0)
    model = nn.RNN(2, 40)
    with torch.no_grad():
        model.weight_hh_l0.copy_(1.1 * torch.linalg.qr(torch.randn(40, 40))[0])
    x = torch.randn(4000, 4, 2)
    timer = threading.Timer(1.5, os.kill, (os.getpid(), signal.SIGINT))
    handler = signal.getsignal(signal.SIGINT)

    def closure():
        output = model(x)[0]
        if not timer.is_alive():
            timer.start()
        return output.pow(2).mean()

    report = measure(model, closure, tolerance=0.0, distances="all", progress=False)
    assert report.partial
    assert "partial: interrupted after" in repr(report)
    assert report.summary["residual"].max() < 1e-9
    assert report.summary["remainder"].max() > 0.0
    assert report.summary["h99_censored"].all()
    assert signal.getsignal(signal.SIGINT) is handler


# What makes an answer mean less.


def test_few_sequences_and_short_ones():
    torch.manual_seed(0)
    model = Net("RNN")
    with torch.no_grad():
        model.rnn.weight_hh_l0.copy_(torch.eye(6))
        model.rnn.weight_ih_l0.mul_(0.01)
    x, y = torch.randn(4, 12, 3), torch.randint(0, 4, (4,))
    report = measure(model, lambda: functional.cross_entropy(model(x)[:, -1], y), tolerance=0.0)
    assert "read only 4 sequences: another batch may give another answer" in repr(report)
    assert "reaches as far as its sequences of 12 steps" in repr(report)


def test_targets_that_do_not_count_and_padding():
    torch.manual_seed(0)
    x, y = torch.randn(8, 12, 3), torch.randint(1, 4, (8, 12))
    for row in range(8):
        y[row, 12 - row :] = 0
    model = Net()
    said = repr(measure(model, x, y, loss=functional.cross_entropy))
    assert "6 sequences end in runs of target 0: if that is padding, it counts" in said
    y[y == 0] = -100
    said = repr(measure(model, x, y, loss=functional.cross_entropy))
    assert "28 of 96 targets are -100: they do not count" in said
    assert "padding" not in said


def test_a_gradient_that_nearly_cancels():
    # dE/dw is the sum over k of error_k (k + 1) at w = h_0 = 1: 1 - 1.99.. nearly, of parts 1 + 2.
    w = torch.tensor(1.0, requires_grad=True)
    error = torch.tensor([1.999, -1.0])[:, None, None]
    report = gh.live.measure_step(
        lambda x, h: w * h, torch.zeros(2, 1, 1), torch.ones(1, 1), error, {"w": w}
    )
    rows = report.distances.query("parameter == 'w'")
    assert rows["contribution"].tolist() == pytest.approx([0.999, 1.0])
    assert "nearly cancel: its gradient is 0.05 % of the sum of their norms" in repr(report)


def test_no_gradient_reaches_a_module():
    torch.manual_seed(0)
    model = nn.ModuleDict({"frozen": nn.GRU(3, 3), "rnn": nn.GRU(3, 3)})
    x = torch.randn(5, 8, 3)

    def closure():
        with torch.no_grad():
            read = model["frozen"](x)[0]
        return model["rnn"](read)[0].sum()

    report = measure(model, closure)
    assert "no gradient reaches `frozen`" in repr(report)
    assert report.summary["module"].unique().tolist() == ["rnn"]


# Bad input.


def batch():
    """Inputs and classes."""
    return torch.randn(8, 5, 3), torch.randint(0, 4, (8, 5))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"tolerance": 1.0}, "tolerance: 1.0 is not possible; allowed: from 0 to below 1"),
        ({"max_distance": -1}, "max_distance: -1 is not possible; allowed: a whole number from 0"),
        ({"truncation": 0}, "truncation: 0 is not possible; allowed: a whole number from 1"),
        ({"cells": ["rn"]}, "cells: 'rn' is not in the model; allowed: rnn, head; did you mean"),
    ],
)
def test_arguments_that_make_no_sense(options, said):
    x, y = batch()
    with pytest.raises(ValueError, match=said):
        measure(Net(), x, y, loss=functional.cross_entropy, **options)


def test_what_is_no_model_and_no_loss():
    x, y = batch()
    with pytest.raises(TypeError, match=r"model: str is none; allowed: a torch.nn.Module"):
        measure("model", x, y, loss=functional.cross_entropy)
    with pytest.raises(TypeError, match=r"targets and loss=\.\.\.; loss=\.\.\. is missing"):
        measure(Net(), x, y)
    model = Net()
    model.register_forward_hook(lambda module, read, given: {"logits": given})
    with pytest.raises(TypeError, match="the model gives a dict, of which it is not clear"):
        measure(model, x, y, loss=functional.cross_entropy)
    with pytest.raises(TypeError, match=r"a closure that returns the loss"):
        measure(Net(), x)
    model = Net()
    with pytest.raises(TypeError, match=r"the loss is \(8, 5, 4\); allowed: a tensor of one num"):
        measure(model, lambda: model(x))
    with pytest.raises(ValueError, match="the loss is nan"):
        measure(model, lambda: model(x).sum() * float("nan"))
    with pytest.raises(ValueError, match="the loss has no gradient"):
        measure(model, lambda: model(x).sum().detach())
    with pytest.raises(ValueError, match=r"calls backward\(\) itself; it has to return the loss"):

        def closure():
            loss = model(x).sum()
            loss.backward()
            return loss

        measure(model, closure)
    assert model.head.weight.grad is None


def test_nothing_that_can_be_measured():
    x, y = batch()
    with pytest.raises(ValueError, match=r"no recurrent module ran; nn.RNN, GRU, LSTM and their"):
        measure(nn.Linear(3, 4), x, y, loss=functional.cross_entropy)
    model = Net()
    with pytest.raises(ValueError, match="no recurrent module ran, though there are some: rnn"):
        measure(model, lambda: model.head(torch.zeros(6)).sum())
    other = nn.GRU(3, 3)
    with pytest.raises(ValueError, match="a module of type GRU ran that is not in the model"):
        measure(model, lambda: other(x)[0].sum() + model(x).sum())


def test_a_cell_that_draws_at_random():
    class Noisy(nn.Module):
        def __init__(self):
            super().__init__()
            self.w = nn.Linear(3, 3)

        def forward(self, x, state):
            return torch.tanh(self.w(x) + state + torch.randn_like(state))

    model = nn.ModuleDict({"cell": Noisy()})

    def closure():
        state = torch.zeros(8, 3)
        for _ in range(4):
            state = model["cell"](torch.zeros(8, 3), state)
        return state.sum()

    with pytest.raises(ValueError, match="cell: run again on all steps at once it gives something"):
        measure(model, closure, cells="cell")
