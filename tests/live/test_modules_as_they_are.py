"""Modules as people have them: parametrised, tied, in low precision, with dropout, packed."""

import copy
import random

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="no PyTorch")

import gradient_horizon as gh

nn = torch.nn
functional = nn.functional


class Tagger(nn.Module):
    """A recurrent net with a head."""

    def __init__(self, **options):
        super().__init__()
        self.rnn = nn.LSTM(3, 6, batch_first=True, **options)
        self.head = nn.Linear(6, 4)

    def forward(self, x):
        return self.head(self.rnn(x)[0])


def batch(count=10, steps=8):
    """Inputs and classes."""
    torch.manual_seed(5)
    return torch.randn(count, steps, 3), torch.randint(0, 4, (count, steps))


def state_of(model):
    """Return all that must not change."""
    tensors = [*model.parameters(), *model.buffers()]
    return {
        "values": [tensor.detach().clone() for tensor in tensors],
        "dtypes": [tensor.dtype for tensor in tensors],
        "identities": [(id(tensor), tensor.data_ptr()) for tensor in tensors],
        "gradients": [
            (id(tensor.grad), None if tensor.grad is None else tensor.grad.clone())
            for tensor in tensors
        ],
        "requires": [tensor.requires_grad for tensor in tensors],
        "modes": [module.training for module in model.modules()],
        "hooks": [
            [copy.copy(value) for key, value in vars(module).items() if "hooks" in key]
            for module in model.modules()
        ],
        "attributes": [sorted(vars(module)) for module in model.modules()],
        "forwards": [type(module).forward for module in model.modules()],
        "classes": [nn.RNN.forward, nn.GRU.forward, nn.LSTM.forward, nn.LSTMCell.forward],
        "random": [torch.get_rng_state(), np.random.get_state()[1].copy(), random.getstate()],
        "dtype": torch.get_default_dtype(),
        "grad": torch.is_grad_enabled(),
    }


def same(one, other):
    """Tell whether two states are the same, to the bit."""
    if isinstance(one, torch.Tensor):
        return torch.equal(one, other)
    if isinstance(one, np.ndarray):
        return np.array_equal(one, other)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    return one == other


@pytest.mark.parametrize("fails", [False, True])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16, torch.float64])
def test_the_model_is_left_as_it_was(fails, dtype):
    model = Tagger(num_layers=2, dropout=0.2)
    model.norm = nn.BatchNorm1d(4)
    model.to(dtype)
    model.head.weight.requires_grad_(False)
    seen = []
    model.rnn.register_forward_hook(lambda *arguments: seen.append(1))
    x, y = batch()
    x = x.to(dtype)
    functional.cross_entropy(model(x).flatten(0, 1).float(), y.flatten()).backward()
    before = state_of(model)

    def loss(output, targets):
        np.random.rand(), random.random(), torch.rand(1)
        output = model.norm(output)
        if fails:
            raise RuntimeError("meant")
        return functional.cross_entropy(output, targets)

    with torch.no_grad():
        inside = state_of(model)
        if fails:
            with pytest.raises(RuntimeError, match="meant"):
                gh.live.measure(model, x, y, loss=loss)
        else:
            assert gh.live.measure(model, x, y, loss=loss).summary["residual"].max() < 1e-12
        assert same(state_of(model), inside)
    assert same(state_of(model), before)
    assert len(seen) == 2


PARAMETRISATIONS = {
    "weight norm": lambda rnn: nn.utils.parametrizations.weight_norm(rnn, "weight_hh_l0"),
    "orthogonal": lambda rnn: nn.utils.parametrizations.orthogonal(rnn, "weight_hh_l0"),
    "spectral norm": lambda rnn: nn.utils.parametrizations.spectral_norm(rnn, "weight_hh_l0"),
    "old weight norm": lambda rnn: nn.utils.weight_norm(rnn, "weight_hh_l0"),
}


@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore:.*weight_norm.*")
@pytest.mark.parametrize("mode", ["train", "eval"])
@pytest.mark.parametrize("name", PARAMETRISATIONS)
def test_parametrised_weights(name, mode):
    torch.manual_seed(3)
    model = nn.ModuleDict({"rnn": nn.RNN(3, 6, batch_first=True), "head": nn.Linear(6, 4)})
    PARAMETRISATIONS[name](model["rnn"])
    getattr(model, mode)()
    x, y = batch()

    def closure():
        return functional.cross_entropy(
            model["head"](model["rnn"](x)[0]).flatten(0, 1), y.flatten()
        )

    closure()
    before = state_of(model)
    answer = gh.live.measure(model, closure)
    assert same(state_of(model), before)
    assert set(answer.summary["parameter"]) >= {"weight_hh_l0", "weight_ih_l0"}
    # As the same net without a parametrisation has it, with the weights that are in use.
    plain = nn.RNN(3, 6, batch_first=True)
    with torch.no_grad():
        for weight, _ in plain.named_parameters():
            getattr(plain, weight).copy_(getattr(model["rnn"], weight))
    other = nn.ModuleDict({"rnn": plain, "head": model["head"]})

    def again():
        return functional.cross_entropy(
            other["head"](other["rnn"](x)[0]).flatten(0, 1), y.flatten()
        )

    expected = gh.live.measure(other, again).distances
    assert answer.distances["share"].to_numpy() == pytest.approx(
        expected["share"].to_numpy(), rel=1e-4
    )


def test_a_tied_read_out():
    torch.manual_seed(4)

    class Tied(nn.Module):
        def __init__(self):
            super().__init__()
            self.embedding = nn.Embedding(11, 6)
            self.rnn = nn.GRU(6, 6)
            self.out = nn.Linear(6, 11)
            self.out.weight = self.embedding.weight

        def forward(self, words):
            return self.out(self.rnn(self.embedding(words))[0])

    words = torch.randint(0, 11, (9, 8))
    answer = gh.live.measure(Tied(), words[:-1], words[1:], loss=functional.cross_entropy)
    assert "used elsewhere" not in repr(answer)
    assert answer.summary["residual"].max() < 1e-12


def test_a_weight_that_two_modules_share_is_told():
    torch.manual_seed(4)
    model = nn.ModuleDict({"one": nn.GRU(3, 3), "two": nn.GRU(3, 3)})
    model["two"].weight_hh_l0 = model["one"].weight_hh_l0
    x = torch.randn(6, 8, 3)
    answer = gh.live.measure(model, lambda: model["two"](model["one"](x)[0])[0].pow(2).sum())
    assert "`one.weight_hh_l0` is used elsewhere too" in repr(answer)
    assert "weight_ih_l0` is used" not in repr(answer)


def test_dropout_between_layers_is_the_same_draw():
    torch.manual_seed(4)
    model = Tagger(num_layers=3, dropout=0.5)
    x, y = batch()
    answer = gh.live.measure(model, x, y, loss=functional.cross_entropy)
    assert answer.summary["residual"].max() < 1e-12
    assert "dropout is on" in repr(answer)
    model.eval()
    assert "dropout is on" not in repr(gh.live.measure(model, x, y, loss=functional.cross_entropy))


def test_unbatched_and_one_output():
    torch.manual_seed(4)
    model = nn.LSTM(3, 4)
    answer = gh.live.measure(model, torch.randn(9, 3), torch.randn(9, 4), loss=functional.mse_loss)
    assert "only 1 sequence" in repr(answer)
    cell = nn.ModuleDict({"cell": nn.RNNCell(3, 4)})
    x = torch.randn(5, 3)

    def closure():
        state = None
        for row in x:
            state = cell["cell"](row, state)
        return state.sum()

    assert gh.live.measure(cell, closure).summary["steps"].eq(5).all()


def test_autocast_and_a_compiled_stance():
    torch.manual_seed(4)
    model = Tagger()
    x, y = batch()

    def closure():
        with torch.autocast("cpu", dtype=torch.bfloat16):
            return functional.cross_entropy(model(x).flatten(0, 1), y.flatten())

    autocast = gh.live.measure(model, closure)
    plain = gh.live.measure(model, x, y, loss=functional.cross_entropy)
    assert autocast.loss == pytest.approx(plain.loss, rel=1e-12)


def test_attention_over_all_states_and_a_convolution_in_front():
    torch.manual_seed(4)

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.front = nn.Conv1d(2, 6, 3, padding=1)
            self.encoder = nn.GRU(6, 5, 2, batch_first=True, bidirectional=True)
            self.pool = nn.MultiheadAttention(10, 2, batch_first=True)
            self.out = nn.Linear(10, 3)

        def forward(self, x):
            y, _ = self.encoder(torch.relu(self.front(x)).transpose(1, 2))
            y, _ = self.pool(y, y, y)
            return self.out(y.mean(1))

    answer = gh.live.measure(
        Net(), torch.randn(8, 2, 12), torch.randint(0, 3, (8,)), loss=functional.cross_entropy
    )
    assert answer.summary["residual"].max() < 1e-12


def test_outputs_that_are_changed_in_place():
    torch.manual_seed(4)
    model = Tagger()
    x, y = batch()

    def closure():
        output, _ = model.rnn(x)
        output.mul_(2.0)
        output[:, 0] = 0.0
        return functional.cross_entropy(model.head(output).flatten(0, 1), y.flatten())

    def plainly():
        output = 2.0 * model.rnn(x)[0]
        output = torch.cat([torch.zeros_like(output[:, :1]), output[:, 1:]], 1)
        return functional.cross_entropy(model.head(output).flatten(0, 1), y.flatten())

    ours, theirs = (gh.live.measure(model, each) for each in (closure, plainly))
    assert "used elsewhere" not in repr(ours)
    for column in ("contribution", "signed_share"):
        assert ours.distances[column].to_numpy() == pytest.approx(
            theirs.distances[column].to_numpy(), rel=1e-9, abs=1e-14
        )


def test_subclasses_and_what_is_compiled():
    torch.manual_seed(4)

    class Doubled(nn.LSTM):
        def forward(self, x, state=None):
            return super().forward(2.0 * x, state)

    model = Tagger()
    model.rnn = Doubled(3, 6, batch_first=True)
    x, y = batch()
    report = gh.live.measure(torch.compile(model), x, y, loss=functional.cross_entropy)
    assert report.summary["module"].unique().tolist() == ["rnn"]
    assert report.summary["residual"].max() < 1e-12
    alone = nn.LSTM(3, 6, batch_first=True)
    report = gh.live.measure(torch.compile(alone), x, torch.randn(10, 8, 6), functional.mse_loss)
    assert report.summary["module"].unique().tolist() == ["lstm"]
    model.rnn = torch.jit.script(nn.LSTM(3, 6, batch_first=True))
    with pytest.raises(TypeError, match="a scripted model cannot be taken apart"):
        gh.live.measure(model, x, y, loss=functional.cross_entropy)
