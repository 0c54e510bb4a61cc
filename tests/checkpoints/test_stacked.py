"""Nets of any depth from a file: to 1e-12 the same as live, by PyTorch and its autograd."""

import itertools

import numpy as np
import pytest
from safetensors.numpy import save_file

from gradient_horizon.checkpoints import checkpoint, stacked
from gradient_horizon.gradients.stacks.rows import ALL

SYMBOLS, WIDTH, SIZE, OUTPUTS, STEPS = 7, 4, 5, 6, 9
LENGTHS = [9, 7, 4]
KINDS = ("rnn", "rnn_relu", "gru", "lstm", "lstm_projected")


@pytest.fixture
def torch():
    return pytest.importorskip("torch", reason="no PyTorch")


def net_of(torch, kind, layers, bidirectional, learnt=False, bias=True):
    """Embedding, recurrent module, linear read-out, perhaps learnt initial states."""
    nn = torch.nn
    cell = {"rnn": nn.RNN, "rnn_relu": nn.RNN, "gru": nn.GRU}.get(kind, nn.LSTM)
    options = {"rnn_relu": {"nonlinearity": "relu"}, "lstm_projected": {"proj_size": 3}}

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.emb = nn.Embedding(SYMBOLS, WIDTH)
            given = {"num_layers": layers, "bidirectional": bidirectional, "bias": bias}
            self.rnn = cell(WIDTH, SIZE, **given, **options.get(kind, {}))
            self.size = self.rnn.proj_size or SIZE
            self.head = nn.Linear(self.size * (1 + bidirectional), OUTPUTS)
            places = layers * (1 + bidirectional)
            if learnt:
                self.h0 = nn.Parameter(0.5 * torch.randn(places, 1, self.size))
            if learnt and cell is nn.LSTM:
                self.c0 = nn.Parameter(0.5 * torch.randn(places, 1, SIZE))

        def state(self, batch):
            if not learnt:
                return None
            h0 = self.h0.expand(-1, batch, -1).contiguous()
            if cell is not nn.LSTM:
                return h0
            return h0, self.c0.expand(-1, batch, -1).contiguous()

        def forward(self, inputs, lengths=None, state=None):
            read = self.emb(inputs)
            if lengths is not None:
                read = nn.utils.rnn.pack_padded_sequence(read, lengths)
            output, _ = self.rnn(read, self.state(inputs.shape[1]) if state is None else state)
            if lengths is not None:
                output, _ = nn.utils.rnn.pad_packed_sequence(output, total_length=STEPS)
            return self.head(output)

    net = Net()
    with torch.no_grad():
        for weight in net.rnn.parameters():
            weight *= 1.5
    return net


def written(tmp_path, net, probe):
    tensors = {name: value.numpy().copy() for name, value in net.state_dict().items()}
    save_file(tensors, tmp_path / "net.safetensors")
    np.savez(tmp_path / "probe.npz", **probe)
    return tmp_path / "net.safetensors", tmp_path / "probe.npz"


def batch(torch, lengths=None):
    generator = torch.Generator().manual_seed(1)
    inputs = torch.randint(SYMBOLS, (STEPS, len(LENGTHS)), generator=generator)
    targets = torch.randint(OUTPUTS, (STEPS, len(LENGTHS)), generator=generator)
    if lengths is not None:
        targets[torch.arange(STEPS)[:, None] >= torch.tensor(lengths)] = -100
    return inputs, targets


def compared(torch, net, closure, measured, of_states=True):
    """Compare all rows with what is measured live, and the loss with PyTorch's."""
    import gradient_horizon as gh

    live = gh.live.measure(net, closure, tolerance=0.0)
    assert measured.loss == pytest.approx(live.loss, rel=1e-13)
    theirs, ours = live.distances, stacked.tables(measured)["distances"]
    names = set(theirs["parameter"])
    if not of_states:  # live, states that are carried on have rows of their own
        names -= {"h0", "c0"}
    assert names == set(ours["parameter"]) and ALL in names
    for name in names:
        one, other = (table[table["parameter"] == name] for table in (ours, theirs))
        assert len(one) == len(other)
        scale = other["contribution"].max()
        for column, size in (
            ("contribution", scale),
            ("share", 1.0),
            ("signed_share", 1.0),
            ("truncation_bias", 1.0),
        ):
            np.testing.assert_allclose(
                one[column], other[column], rtol=1e-12, atol=1e-12 * size, err_msg=(name, column)
            )


CASES = list(itertools.product(KINDS, (1, 3), (False, True)))


@pytest.mark.parametrize(("kind", "layers", "bidirectional"), CASES)
def test_both_ways_agree(torch, tmp_path, kind, layers, bidirectional):
    torch.manual_seed(layers)
    net = net_of(torch, kind, layers, bidirectional, bias=layers > 1)
    inputs, targets = batch(torch)
    paths = written(tmp_path, net, {"inputs": inputs.numpy(), "targets": targets.numpy()})
    read = checkpoint.read(*paths, "relu" if kind == "rnn_relu" else "tanh")
    assert (read.layers.levels, read.layers.directions) == (layers, 1 + bidirectional)
    assert read.is_plain == (layers == 1 and not bidirectional and kind != "lstm_projected")

    def closure(net):
        logits = net(inputs).reshape(-1, OUTPUTS)
        return torch.nn.functional.cross_entropy(logits, targets.reshape(-1))

    compared(torch, net, lambda: closure(net), stacked.measure(read, tolerance=0.0))


def cross_entropy(torch, net, inputs, targets, **others):
    logits = net(inputs, **others).reshape(-1, OUTPUTS)
    return torch.nn.functional.cross_entropy(logits, targets.reshape(-1))


@pytest.mark.parametrize("kind", ["gru", "lstm_projected"])
def test_packed_sequences_from_learnt_states(torch, tmp_path, kind):
    torch.manual_seed(0)
    net = net_of(torch, kind, 2, True, learnt=True)
    inputs, targets = batch(torch, LENGTHS)
    probe = {"inputs": inputs.numpy(), "targets": targets.numpy(), "lengths": np.array(LENGTHS)}
    read = checkpoint.read(*written(tmp_path, net, probe))
    assert set(read.initial) == ({"h0"} if kind == "gru" else {"h0", "c0"})
    measured = stacked.measure(read, tolerance=0.0)
    lengths = torch.tensor(LENGTHS)
    compared(
        torch, net, lambda: cross_entropy(torch, net, inputs, targets, lengths=lengths), measured
    )


def test_states_that_are_given_and_padding_that_is_read(torch, tmp_path):
    """Without lengths a net reads the padding, and only the targets there do not count."""
    torch.manual_seed(0)
    net = net_of(torch, "lstm", 2, True)
    inputs, targets = batch(torch, LENGTHS)
    h0, c0 = torch.randn(2, 4, len(LENGTHS), SIZE, dtype=torch.float64).unbind()
    probe = {
        "inputs": inputs.numpy(),
        "targets": np.where(targets.numpy() < 0, 0, targets.numpy()),
        "loss_mask": (targets >= 0).numpy(),
        "h0": h0.numpy(),
        "c0": c0.numpy(),
    }
    read = checkpoint.read(*written(tmp_path, net, probe))
    state = h0.requires_grad_(), c0.requires_grad_()
    compared(
        torch,
        net,
        lambda: cross_entropy(torch, net, inputs, targets, state=state),
        stacked.measure(read, tolerance=0.0),
    )


@pytest.mark.parametrize("chunk", [3, 4])
@pytest.mark.parametrize("kind", KINDS)
def test_a_stateful_net(torch, tmp_path, kind, chunk):
    """It carries its state on and detaches it, as programs of language models do."""
    torch.manual_seed(0)
    net = net_of(torch, kind, 2, False)
    inputs, targets = batch(torch)
    paths = written(tmp_path, net, {"inputs": inputs.numpy(), "targets": targets.numpy()})
    activation = "relu" if kind == "rnn_relu" else "tanh"
    read = checkpoint.read(*paths, activation, stateful=chunk)
    assert not read.is_plain

    def closure():
        state, logits = None, []
        for part in inputs.split(chunk):
            output, state = net.rnn(net.emb(part), state)
            parts = state if isinstance(state, tuple) else (state,)
            parts = tuple(part.detach() for part in parts)
            state = parts if isinstance(state, tuple) else parts[0]
            logits.append(net.head(output))
        logits = torch.cat(logits).reshape(-1, OUTPUTS)
        return torch.nn.functional.cross_entropy(logits, targets.reshape(-1))

    compared(torch, net, closure, stacked.measure(read, tolerance=0.0), of_states=False)


def test_only_the_first_chunk_starts_from_what_is_learnt(torch, tmp_path):
    torch.manual_seed(0)
    net = net_of(torch, "gru", 2, False, learnt=True)
    inputs, targets = batch(torch)
    paths = written(tmp_path, net, {"inputs": inputs.numpy(), "targets": targets.numpy()})
    found = stacked.tables(stacked.measure(checkpoint.read(*paths, stateful=4)))["summary"]
    net.double()
    state, logits = net.state(len(LENGTHS)), []
    for part in inputs.split(4):
        output, state = net.rnn(net.emb(part), state)
        state = state.detach()
        logits.append(net.head(output))
    logits = torch.cat(logits).reshape(-1, OUTPUTS)
    torch.nn.functional.cross_entropy(logits, targets.reshape(-1)).backward()
    norms = found.set_index("parameter")["gradient_norm"]
    assert norms["h0"] == pytest.approx(net.h0.grad.norm().item(), rel=1e-12)
    for name, weight in net.rnn.named_parameters():
        assert norms[name] == pytest.approx(weight.grad.norm().item(), rel=1e-12)


@pytest.mark.parametrize("loss", ["mse", "bce"])
def test_the_other_losses(torch, tmp_path, loss):
    torch.manual_seed(0)
    net = net_of(torch, "gru", 2, False)
    inputs, _ = batch(torch)
    targets = torch.rand(STEPS, len(LENGTHS), OUTPUTS)
    probe = {"inputs": inputs.numpy(), "targets": targets.numpy()}
    read = checkpoint.read(*written(tmp_path, net, probe), loss=loss)
    functions = {
        "mse": torch.nn.functional.mse_loss,
        "bce": torch.nn.functional.binary_cross_entropy_with_logits,
    }
    compared(
        torch,
        net,
        lambda: functions[loss](net(inputs), targets.double()),
        stacked.measure(read, tolerance=0.0),
    )


def test_gradients_are_central_differences(tmp_path):
    """Without PyTorch: a stack of LSTMs in both directions from a learnt h0, sequences packed."""
    rng = np.random.default_rng(0)
    tensors = {
        "emb.weight": rng.standard_normal((SYMBOLS, WIDTH)),
        "out.weight": rng.standard_normal((OUTPUTS, 2 * SIZE)),
        "h0": rng.standard_normal((4, SIZE)),
    }
    for level, end in itertools.product(range(2), ("", "_reverse")):
        read = WIDTH if level == 0 else 2 * SIZE
        for name, shape in (
            ("weight_ih", (4 * SIZE, read)),
            ("weight_hh", (4 * SIZE, SIZE)),
            ("bias_ih", (4 * SIZE,)),
        ):
            tensors[f"{name}_l{level}{end}"] = 0.5 * rng.standard_normal(shape)
    probe = {
        "inputs": rng.integers(SYMBOLS, size=(STEPS, 3)),
        "targets": rng.integers(OUTPUTS, size=(STEPS, 3)),
        "lengths": np.array(LENGTHS),
    }
    np.savez(tmp_path / "probe.npz", **probe)

    def measured(changed):
        save_file(changed, tmp_path / "net.safetensors")
        read = checkpoint.read(tmp_path / "net.safetensors", tmp_path / "probe.npz")
        return stacked.measure(read, tolerance=0.0)

    summary = stacked.tables(measured(tensors))["summary"].set_index("parameter")
    for name in ("h0", "bias_ih_l0_reverse"):
        found = np.zeros(tensors[name].shape)
        for place in np.ndindex(found.shape):
            losses = []
            for step in (1e-5, -1e-5):
                moved = tensors[name].copy()
                moved[place] += step
                losses.append(measured(tensors | {name: moved}).loss)
            found[place] = (losses[0] - losses[1]) / 2e-5
        norm = np.linalg.norm(found)
        assert summary.loc[name, "gradient_norm"] == pytest.approx(norm, rel=1e-7)
    assert summary["residual"].max() < 1e-13
