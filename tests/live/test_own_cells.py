"""Cells of the user's own, and step functions."""

import pytest

torch = pytest.importorskip("torch", reason="no PyTorch")

import gradient_horizon as gh
from scaled_recurrence import compare, edge

nn = torch.nn


class Minimal(nn.Module):
    """A minimal gated unit of two parts: a state and a running mean of it."""

    def __init__(self, size=4, inputs=2):
        super().__init__()
        self.gate = nn.Linear(inputs + size, size)
        self.new = nn.Linear(inputs + size, size, bias=False)
        self.unused = nn.Parameter(torch.ones(3))

    def forward(self, x, state):
        h, mean = state
        keep = torch.sigmoid(self.gate(torch.cat([x, h], -1)))
        h = keep * h + (1 - keep) * torch.tanh(self.new(torch.cat([x, keep * mean], -1)))
        return h, 0.9 * mean + 0.1 * h


class Net(nn.Module):
    """A cell of one's own in a loop."""

    def __init__(self):
        super().__init__()
        self.cell, self.head = Minimal(), nn.Linear(4, 1)

    def loss(self, x, z=1.0):
        state, loss = (x.new_zeros(x.shape[1], 4), x.new_zeros(x.shape[1], 4)), 0.0
        for k in range(len(x)):
            if k and z != 1.0:
                state = tuple(edge(part, z) for part in state)
            state = self.cell(x[k], state)
            loss = loss + (self.head(state[0]) ** 2).mean()
        return loss


def test_a_module_that_maps_an_input_and_a_state_to_a_state():
    torch.manual_seed(1)
    model, x = Net().double(), torch.randn(6, 3, 2).double()
    for cells in ("cell", [model.cell]):
        answer = gh.live.measure(model, lambda: model.loss(x), cells=cells)
        assert "`cell` arises within" in repr(answer)
    model.cell.unused = None
    compare(model, lambda: model.loss(x), 6, "cell", lambda z: model.loss(x, z), cells=["cell"])


def test_a_step_by_itself():
    torch.manual_seed(2)
    x, error = torch.randn(7, 3, 2), torch.randn(7, 3, 4)
    cell = nn.GRUCell(2, 4)
    answer = gh.live.measure_step(cell, x, torch.zeros(3, 4), error, tolerance=0.0)

    class Unrolled(nn.Module):
        def __init__(self):
            super().__init__()
            self.step = cell

        def forward(self):
            state = torch.zeros(3, 4)
            loss = 0.0
            for k in range(7):
                state = self.step(x[k], state)
                loss = loss + (state * error[k]).sum()
            return loss

    model = Unrolled()
    by_hooks = gh.live.measure(model, lambda: model(), tolerance=0.0)
    for column in ("contribution", "signed_share", "truncation_bias", "transport"):
        for name in ("weight_ih", "weight_hh", "bias_hh"):
            ours, theirs = (
                report.distances.set_index("parameter").loc[name, column].to_numpy()
                for report in (answer, by_hooks)
            )
            assert ours == pytest.approx(theirs, rel=1e-12, abs=1e-14)
    assert cell.weight_ih.dtype == torch.float32


@pytest.mark.parametrize("length", [3, 6])
def test_a_scalar_linear_net(length):
    w = torch.tensor(0.2, requires_grad=True)
    error = torch.zeros(length, 1, 1)
    error[-1] = 1.0
    answer = gh.live.measure_step(
        lambda x, h: w * h,
        torch.zeros(length, 1, 1),
        torch.tensor([[0.9]]),
        error,
        {"w": w},
        tolerance=0.0,
    )
    # dE/dw is the sum over d of w^d h_{T-1-d}, and h_k = w^k h_0.
    rows = answer.distances.query("parameter == 'w'")
    assert rows["contribution"].tolist() == pytest.approx([0.9 * 0.2 ** (length - 1)] * length)
    assert w.dtype == torch.float32 and w.grad is None
