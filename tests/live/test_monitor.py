"""Measuring during training, in a loop and in Lightning."""

import warnings

import pandas as pd
import pytest

torch = pytest.importorskip("torch", reason="no PyTorch")

import gradient_horizon as gh

nn = torch.nn


class Echo(nn.Module):
    """Repeats what it read some steps before."""

    def __init__(self):
        super().__init__()
        self.rnn, self.head = nn.RNN(1, 24), nn.Linear(24, 1)

    def forward(self, x):
        return self.head(self.rnn(x)[0])


def batch(delay=5, steps=30, count=16):
    """Numbers, and the same some steps later."""
    x = torch.randn(steps, count, 1)
    return x, torch.cat([torch.zeros(delay, count, 1), x[:-delay]])


def train(steps, after):
    """Train for some steps, and call something after each."""
    torch.manual_seed(0)
    model = Echo()
    optimiser = torch.optim.Adam(model.parameters(), 3e-3)
    probe = batch()
    monitor = after(model, probe)
    for _ in range(steps):
        x, y = batch()
        optimiser.zero_grad()
        nn.functional.mse_loss(model(x), y).backward()
        optimiser.step()
        monitor.step()
    return model, monitor


def test_in_a_plain_loop(tmp_path):
    path = tmp_path / "new" / "horizon.csv"

    def watched(model, probe):
        return gh.live.Monitor(
            model, *probe, nn.functional.mse_loss, every=100, truncation=3, allowed=0.2, path=path
        )

    with pytest.warns(
        gh.live.TruncationWarning, match=r"step \d+: training in chunks of 3 loses [0-9]+ % of the"
    ):
        model, monitor = train(401, watched)
    table = monitor.table
    assert table["step"].tolist() == [0, 100, 200, 300, 400]
    assert table["module"].unique().tolist() == ["rnn"]
    pd.testing.assert_frame_equal(pd.read_csv(path), table)
    # It learns to look five steps back, and so its gradient reaches farther.
    assert table["loss"].iloc[-1] < 0.7 * table["loss"].iloc[0]
    assert table["h99"].iloc[-1] > table["h99"].iloc[0]
    assert table["kept"].iloc[-1] < 0.8
    alone, _ = train(401, lambda model, probe: type("Nothing", (), {"step": lambda self: None})())
    for one, other in zip(model.parameters(), alone.parameters(), strict=True):
        assert torch.equal(one, other)
    assert len(monitor.plot().axes) == 1
    again = gh.live.Monitor(model, *batch(), nn.functional.mse_loss, path=path)
    again.measure(500)
    assert pd.read_csv(path)["step"].tolist() == [0, 100, 200, 300, 400, 500]


def test_no_warning_where_nothing_much_is_lost():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        train(
            11,
            lambda model, probe: gh.live.Monitor(
                model, *probe, nn.functional.mse_loss, every=5, truncation=25, allowed=0.2
            ),
        )


@pytest.mark.parametrize("probed", [True, False])
def test_as_a_callback_of_lightning(probed, tmp_path):
    lightning = pytest.importorskip("pytorch_lightning", reason="no Lightning")

    class Lit(lightning.LightningModule):
        def __init__(self):
            super().__init__()
            self.net = Echo()

        def training_step(self, batch, number):
            x, y = (part.transpose(0, 1) for part in batch)
            loss = nn.functional.mse_loss(self.net(x), y)
            self.log("loss", loss)
            return {"loss": loss}

        def configure_optimizers(self):
            return torch.optim.Adam(self.parameters(), 1e-2)

    def fitted(*callbacks):
        torch.manual_seed(0)
        model = Lit()
        x, y = (part.transpose(0, 1) for part in batch(count=64))
        data = torch.utils.data.TensorDataset(x, y)
        trainer = lightning.Trainer(
            max_epochs=4,
            callbacks=[make(model) for make in callbacks],
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            accelerator="cpu",
            default_root_dir=tmp_path,
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            trainer.fit(model, torch.utils.data.DataLoader(data, batch_size=16))
        return model, trainer

    monitors = []

    def watch(model):
        given = (*batch(), nn.functional.mse_loss) if probed else ()
        state = torch.get_rng_state()
        if probed:
            monitors.append(gh.live.Monitor(model.net, *given, every=8))
        else:
            monitors.append(gh.live.Monitor(model, every=8))
        torch.set_rng_state(state)
        return monitors[-1].callback()

    model, trainer = fitted(watch)
    (monitor,) = monitors
    assert monitor.table["step"].tolist() == [0, 8]
    assert monitor.table["module"].unique().tolist() == ["rnn" if probed else "net.rnn"]
    assert trainer.callback_metrics["loss"] < 10.0
    if not probed:
        alone, _ = fitted()
        for one, other in zip(model.parameters(), alone.parameters(), strict=True):
            assert torch.equal(one, other)


def test_bad_input(tmp_path):
    model = Echo()
    with pytest.raises(
        ValueError, match="every: 0 is not possible; allowed: a whole number from 1"
    ):
        gh.live.Monitor(model, every=0)
    with pytest.raises(ValueError, match=r"allowed: 2.0 is not possible; allowed: from 0 to 1"):
        gh.live.Monitor(model, allowed=2.0)
    with pytest.raises(ValueError, match="there is nothing to measure on"):
        gh.live.Monitor(model).step()
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    with pytest.raises(ValueError, match="is there and is no table of a monitor"):
        gh.live.Monitor(model, path=tmp_path / "other.csv")
