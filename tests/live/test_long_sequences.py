"""Long sequences: stopping with a certificate, and distances that are chosen."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="no PyTorch")

import gradient_horizon as gh

STEPS = 600


@pytest.fixture(scope="module")
def long():
    """A net that does not forget, and a closure."""
    torch.manual_seed(0)
    net = torch.nn.RNN(4, 12)
    with torch.no_grad():
        net.weight_hh_l0.copy_(torch.linalg.qr(torch.randn(12, 12))[0])
        net.weight_ih_l0.mul_(0.01)
        net.bias_ih_l0.zero_()
        net.bias_hh_l0.zero_()
    x = torch.randn(STEPS, 8, 4)
    return net, lambda: net(x)[0][-1].pow(2).mean()


@pytest.fixture(scope="module")
def whole(long):
    """All its distances."""
    return gh.live.measure(*long, distances="all", tolerance=0.0)


@pytest.mark.parametrize("distances", ["auto", [100, 1, 350, 599, 2000]])
def test_chosen_distances_are_those_of_the_walk(long, whole, distances):
    report = gh.live.measure(*long, distances=distances, tolerance=0.0)
    first = 128 if distances == "auto" else 16
    assert f"`rnn` beyond {first} steps: at chosen distances" in repr(report)
    keys = ["parameter", "distance"]
    left, right = (each.distances.set_index(keys) for each in (report, whole))
    assert len(left) < len(right) / 3
    for column in ("contribution", "signed_share", "truncation_bias"):
        expected = right.loc[left.index, column]
        scale = right["contribution"].groupby("parameter").sum() if column == "contribution" else 1
        difference = (left[column] - expected).abs().groupby("parameter").max() / scale
        assert difference.max() < 1e-12, column
    assert report.summary["residual"].max() < 1e-12
    ours, theirs = (each.summary.query("parameter == 'all'").iloc[0] for each in (report, whole))
    assert ours["h99"] == pytest.approx(theirs["h99"], rel=0.05)
    assert not report.partial


def test_a_tolerance_ends_the_walk():
    torch.manual_seed(1)
    forgetful = torch.nn.RNN(4, 12)
    x = torch.randn(STEPS, 8, 4)

    def closure():
        return forgetful(x)[0].pow(2).mean()

    walked = {}
    for tolerance in (1e-2, 1e-6, 1e-10):
        report = gh.live.measure(forgetful, closure, tolerance=tolerance)
        assert report.summary["remainder"].max() <= tolerance
        assert report.summary["residual"].max() < 1e-12
        walked[tolerance] = report.summary["distances"].max()
    assert walked[1e-2] < walked[1e-6] < walked[1e-10] < STEPS / 2
    complete = gh.live.measure(forgetful, closure, tolerance=0.0, distances="all")
    bias = complete.distances.query("parameter == 'all'")["truncation_bias"].to_numpy()
    report = gh.live.measure(forgetful, closure, tolerance=1e-3)
    row = report.summary.query("parameter == 'all'").iloc[0]
    assert row["remainder"] == pytest.approx(bias[row["distances"]], rel=1e-6)


def test_where_distances_cannot_be_chosen():
    both = torch.nn.GRU(2, 3, bidirectional=True)
    x = torch.randn(40, 8, 2)
    with pytest.raises(ValueError, match="none can be chosen for `gru`: it has a direction in rev"):
        gh.live.measure(both, lambda: both(x)[0].sum(), distances=[20])
    wide = torch.nn.RNN(2, 400)
    with pytest.raises(
        ValueError, match=r"the Jacobians of all steps take 1[0-9] GiB, more than 4"
    ):
        gh.live.measure(wide, lambda: wide(x.repeat(38, 1, 1))[0].sum(), distances=[20])
    for wrong in ("some", [0], [1.5]):
        with pytest.raises(
            ValueError, match=r"distances: .* is not possible; allowed: auto or all"
        ):
            gh.live.measure(wide, lambda: wide(x)[0].sum(), distances=wrong)
    assert np.isfinite(gh.live.measure(wide, lambda: wide(x)[0].sum()).loss)
