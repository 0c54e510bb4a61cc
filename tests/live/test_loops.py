"""Cells in loops, modules that are called again, and states that are made of earlier ones."""

import pytest

torch = pytest.importorskip("torch", reason="no PyTorch")

import gradient_horizon as gh
import scaled_recurrence
from scaled_recurrence import compare, edge

nn = torch.nn
STEPS, BATCH = 5, 3
KINDS = {"rnn": nn.RNNCell, "gru": nn.GRUCell, "lstm": nn.LSTMCell}


@pytest.fixture(autouse=True)
def seeded():
    """The same weights and inputs every time."""
    torch.manual_seed(0)


def parts(state):
    """Return a state as a tuple."""
    return state if isinstance(state, tuple) else (state,)


def one(state):
    """Return a state as a cell gives it."""
    return state if len(state) > 1 else state[0]


class Looped(nn.ModuleDict):
    """A cell, a read-out, and something that maps states."""

    def __init__(self, kind, inputs=2):
        super().__init__(
            {"cell": KINDS[kind](inputs, 4), "head": nn.Linear(4, 2), "map": nn.Linear(4, 4)}
        )
        self.double()


@pytest.mark.parametrize("kind", KINDS)
def test_a_cell_in_a_loop(kind):
    model, x = Looped(kind), torch.randn(STEPS, BATCH, 2).double()

    def closure(z=1.0):
        state, loss = None, 0.0
        for k in range(STEPS):
            if state is not None and z != 1.0:
                state = one(tuple(edge(part, z) for part in parts(state)))
            state = model["cell"](x[k], state)
            loss = loss + (model["head"](parts(state)[0]) ** 2).sum()
        return loss

    answer = compare(model, closure, STEPS, "cell", closure)
    assert answer.summary["steps"].eq(STEPS).all()
    assert "comes back" not in repr(answer)


@pytest.mark.parametrize("kind", KINDS)
def test_masks_at_the_ends_of_episodes(kind):
    model, x = Looped(kind), torch.randn(STEPS, BATCH, 2).double()
    going = (torch.rand(STEPS, BATCH, 1) > 0.3).double()

    def closure(z=1.0):
        state, loss = None, 0.0
        for k in range(STEPS):
            if state is not None:
                state = one(tuple(edge(part, z) * going[k] for part in parts(state)))
            state = model["cell"](x[k], state)
            loss = loss + (model["head"](parts(state)[0]) ** 2).sum()
        return loss

    answer = compare(model, closure, STEPS, "cell", closure)
    assert answer.summary["steps"].eq(STEPS).all()
    assert f"{BATCH} sequences of {STEPS} steps" in repr(answer)


@pytest.mark.parametrize("kind", KINDS)
def test_a_learnt_first_state_and_a_state_that_is_mapped(kind):
    model, x = Looped(kind), torch.randn(STEPS, BATCH, 2).double()
    model.first = nn.Parameter(torch.randn(4).double())

    def closure(z=1.0):
        state, loss = None, 0.0
        for k in range(STEPS):
            if state is None:
                state = one(
                    tuple(model.first.expand(BATCH, 4) for _ in range(1 + (kind == "lstm")))
                )
            else:
                state = one(tuple(torch.tanh(model["map"](edge(p, z))) for p in parts(state)))
            state = model["cell"](x[k], state)
            loss = loss + (model["head"](parts(state)[0]) ** 2).sum()
        return loss

    answer = compare(model, closure, STEPS, "cell", closure)
    assert "first" in set(answer.summary["parameter"])


def test_a_decoder_that_reads_what_it_gave():
    model = Looped("gru")

    def steps(z=1.0, cut=lambda read: read):
        state, read, reads = None, torch.ones(BATCH, 2).double(), []
        for _ in range(STEPS):
            state = model["cell"](cut(read), None if state is None else edge(state, z))
            read = model["head"](state)
            reads.append(read)
        return reads

    def closure():
        state, loss, read = None, 0.0, torch.ones(BATCH, 2).double()
        for _ in range(STEPS):
            state = model["cell"](read, state)
            read = model["head"](state)
            loss = loss + (read**2).sum()
        return loss

    # What returns as an input enters anew, at distance 0: the whole signal there is an error.
    reads = steps()
    total = torch.autograd.grad(sum((read**2).sum() for read in reads), reads)

    def scaled(z):
        cut = steps(z, lambda read: read.detach())
        return sum((read * whole).sum() for read, whole in zip(cut, total, strict=True))

    answer = compare(model, closure, STEPS, "cell", scaled)
    assert "comes back to it as an input" in repr(answer)


@pytest.mark.parametrize("kind", KINDS)
def test_layers_by_hand(kind):
    model, x = Looped(kind), torch.randn(STEPS, BATCH, 2).double()
    model["upper"] = KINDS[kind](4, 4).double()

    def closure(z=1.0, of=None):
        lower = upper = None
        loss = 0.0
        for k in range(STEPS):
            if k:
                lower = one(tuple(edge(p, z if of == "cell" else 1.0) for p in parts(lower)))
                upper = one(tuple(edge(p, z if of == "upper" else 1.0) for p in parts(upper)))
            lower = model["cell"](x[k], lower)
            upper = model["upper"](parts(lower)[0], upper)
            loss = loss + (model["head"](parts(upper)[0]) ** 2).sum()
        return loss

    for name in ("cell", "upper"):
        compare(model, closure, STEPS, name, lambda z, name=name: closure(z, name))


@pytest.mark.parametrize("kind", ["RNN", "GRU", "LSTM"])
def test_a_state_that_is_carried_from_chunk_to_chunk(kind):
    model = nn.ModuleDict({"net": getattr(nn, kind)(2, 3, 2, batch_first=True)}).double()
    x = torch.randn(BATCH, 7, 2).double()

    def closure():
        state, loss = None, 0.0
        for chunk in x.split(3, dim=1):
            output, state = model["net"](chunk, state)
            loss = loss + (output**3).sum()
        return loss

    def scaled(z):
        output, _ = scaled_recurrence.run(model["net"], x.transpose(0, 1), z=z)
        return (output**3).sum()

    answer = compare(model, closure, 7, "net", scaled)
    assert answer.summary["steps"].eq(7).all()


@pytest.mark.parametrize("kind", ["RNN", "GRU", "LSTM"])
def test_a_detached_state_begins_anew(kind):
    model = nn.ModuleDict({"net": getattr(nn, kind)(2, 3)}).double()
    x = torch.randn(6, BATCH, 2).double()

    def closure():
        state, loss = None, 0.0
        for chunk in x.split(3):
            output, state = model["net"](chunk, state)
            state = one(tuple(part.detach() for part in parts(state)))
            loss = loss + (output**3).sum()
        return loss

    answer = gh.live.measure(model, closure, tolerance=0.0)
    assert answer.summary["steps"].eq(3).all()
    assert answer.distances["distance"].max() == 2


def test_encoder_and_decoder():
    model = nn.ModuleDict(
        {"encoder": nn.GRU(2, 4), "decoder": nn.GRU(2, 4), "head": nn.Linear(4, 1)}
    ).double()
    x, y = torch.randn(STEPS, BATCH, 2).double(), torch.randn(4, BATCH, 2).double()

    def closure(z=1.0, of=None):
        if of is None:
            _, state = model["encoder"](x)
            output, _ = model["decoder"](y, state)
        else:
            scale = {"encoder": 1.0, "decoder": 1.0} | {of: z}
            _, state = scaled_recurrence.run(model["encoder"], x, z=scale["encoder"])
            output, _ = scaled_recurrence.run(model["decoder"], y, state, z=scale["decoder"])
        return (model["head"](output) ** 2).sum()

    for name, steps in (("encoder", STEPS), ("decoder", 4)):
        answer = compare(model, closure, steps, name, lambda z, name=name: closure(z, name))
    given = answer.summary[answer.summary["parameter"] == "h0"]
    assert given["module"].tolist() == ["decoder"]


def test_states_that_are_changed_in_place():
    model, x = Looped("gru"), torch.randn(STEPS, BATCH, 2).double()
    weights = torch.randn(STEPS, BATCH, 4).double()

    def closure(z=1.0):
        state, loss = torch.zeros(BATCH, 4).double(), 0.0
        for k in range(STEPS):
            state = model["cell"](x[k], edge(state, z) if k else state)
            loss = loss + (state * weights[k]).sum()
            state[0] = 0.0
            state.mul_(0.9)
        return loss

    compare(model, closure, STEPS, "cell", closure)


def test_states_in_a_buffer_that_is_written_to():
    model, x = Looped("rnn"), torch.randn(STEPS, BATCH, 2).double()

    def closure(z=1.0):
        states = torch.zeros(STEPS + 1, BATCH, 4).double()
        for k in range(STEPS):
            before = edge(states[k], z) if k else states[k].clone()
            states[k + 1] = model["cell"](x[k], before)
        return (model["head"](states[1:]) ** 2).sum()

    compare(model, closure, STEPS, "cell", closure)


def test_beams_that_begin_with_the_same_state():
    model, x = Looped("lstm"), torch.randn(STEPS, BATCH, 2).double()

    def closure(z=1.0):
        state, loss = model["cell"](x[0]), 0.0
        for k in range(1, STEPS):
            edged = tuple(edge(part, z) for part in state) if z != 1.0 else state
            other = model["cell"](-x[k], edged)
            state = model["cell"](x[k], edged)
            loss = loss + (model["head"](state[0] * other[0]) ** 2).sum()
            state = tuple(part[[1, 0, 2]] for part in state)
        return loss

    compare(model, closure, STEPS, "cell", closure)
