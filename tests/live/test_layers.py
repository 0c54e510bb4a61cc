"""nn.RNN, GRU and LSTM of any shape, against the polynomial of scaled recurrent edges."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch", reason="no PyTorch")

import gradient_horizon as gh
import scaled_recurrence

nn = torch.nn
packing = nn.utils.rnn


class Net(nn.Module):
    """A recurrent module, a head, and initial states that may be learnt."""

    def __init__(self, recurrent, learnt=False):
        super().__init__()
        self.recurrent = recurrent
        directions = 2 if recurrent.bidirectional else 1
        size = getattr(recurrent, "proj_size", 0) or recurrent.hidden_size
        self.head = nn.Linear(size * directions, 3)
        rows = recurrent.num_layers * directions
        self.first = None
        if learnt:
            self.first = nn.ParameterList([nn.Parameter(torch.randn(rows, 1, size))])
            if isinstance(recurrent, nn.LSTM):
                self.first.append(nn.Parameter(torch.randn(rows, 1, recurrent.hidden_size)))

    def state(self, batch):
        """Return the learnt initial state for so many sequences."""
        if self.first is None:
            return None
        parts = tuple(part.expand(-1, batch, -1) for part in self.first)
        return parts if len(parts) > 1 else parts[0]

    def loss(self, output, finals):
        """Return a loss on everything that the module gives."""
        finals = finals if isinstance(finals, tuple) else (finals,)
        read = torch.tanh(self.head(output))
        return (read**2).sum() + read.sum() + sum((part**3).sum() for part in finals)


def reference(net, x, lengths, distances):
    """Return C_d of every weight by name."""
    steps, batch = x.shape[:2]
    names = [name for name, _ in net.named_parameters() if not name.startswith("head")]
    wanted = [dict(net.named_parameters())[name] for name in names]
    inside = torch.arange(steps)[:, None] < torch.as_tensor(lengths)[None]

    def gradient(z):
        state = net.state(batch)
        state = (state,) if isinstance(state, torch.Tensor) else state
        output, finals = scaled_recurrence.run(net.recurrent, x, state, lengths, z)
        got = torch.autograd.grad(net.loss(output[inside], finals), wanted)
        return torch.cat([part.flatten() for part in got]).numpy()

    whole = scaled_recurrence.coefficients(gradient, distances)
    ends = np.cumsum([weight.numel() for weight in wanted])[:-1]
    names = [name.removeprefix("recurrent.") for name in names]
    return dict(zip(names, np.split(whole, ends, axis=1), strict=True))


kinds = st.sampled_from(["rnn", "rnn_relu", "gru", "lstm"])


@st.composite
def architectures(draw):
    """A module, how it is called, and on what."""
    kind, levels = draw(kinds), draw(st.integers(1, 3))
    options = {
        "num_layers": levels,
        "bidirectional": draw(st.booleans()),
        "batch_first": draw(st.booleans()),
        "bias": draw(st.booleans()),
    }
    if kind == "lstm":
        options["proj_size"] = draw(st.integers(0, 2))
    if kind == "rnn_relu":
        options["nonlinearity"] = "relu"
    torch.manual_seed(draw(st.integers(0, 1000)))
    module = {"gru": nn.GRU, "lstm": nn.LSTM}.get(kind, nn.RNN)(2, 3, **options)
    net = Net(module, learnt=draw(st.booleans()))
    steps, batch = draw(st.integers(1, 4)), draw(st.integers(1, 3))
    lengths = draw(st.lists(st.integers(1, steps), min_size=batch, max_size=batch))
    return net, steps, batch, draw(st.sampled_from([None, [*lengths[1:], steps]]))


@settings(max_examples=200, deadline=None)
@given(architectures())
def test_every_distance_of_every_architecture(case):
    net, steps, batch, lengths = case
    net.double()
    x = torch.randn(steps, batch, 2, dtype=torch.float64)
    as_read = x.transpose(0, 1) if net.recurrent.batch_first else x

    def closure():
        if lengths is None:
            output, finals = net.recurrent(as_read, net.state(batch))
            return net.loss(output.flatten(0, 1), finals)
        packed = packing.pack_padded_sequence(
            as_read, lengths, net.recurrent.batch_first, enforce_sorted=False
        )
        output, finals = net.recurrent(packed, net.state(batch))
        return net.loss(output.data, finals)

    answer = gh.live.measure(net, closure, tolerance=0.0, progress=False)
    mixed = net.recurrent.bidirectional and net.recurrent.num_layers > 1
    distances = net.recurrent.num_layers * (steps - 1) + 1 if mixed else steps
    found = reference(net, x, lengths or [steps] * batch, distances)
    table = answer.distances
    assert set(table["parameter"]) == {"all", *found}
    for name, contributions in found.items():
        rows = table[table["parameter"] == name]
        if not np.abs(contributions).any():
            continue
        scaled_recurrence.check(rows, contributions)
