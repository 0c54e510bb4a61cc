"""Nets of PyTorch, with what its autograd makes of them, for the tests to compare with.

    python tests/oracles/reference_checkpoints.py

writes tests/reference/checkpoints.npz anew.  Needs PyTorch, which the tests do not.

The contribution of every distance comes from one copy of the recurrent layer's weights for each
step: the derivative of a single E_t by the copy of step k is the term (t, k) of the gradient.  The
copies are put to use by PyTorch's own nn.RNNCell, nn.GRUCell and nn.LSTMCell.
"""

from pathlib import Path

import numpy as np

STORED = Path(__file__).parents[1] / "reference" / "checkpoints.npz"
KINDS = ("rnn_tanh", "rnn_relu", "gru", "lstm")
SIZE, WIDTH, SYMBOLS, OUTPUTS, STEPS, BATCH = 4, 3, 6, 5, 7, 3
LOSS_MASK = np.array([False, True, True, False, True, True, True])


def build(kind):
    """A net as a user would write it: embedding, recurrent layer, read-out."""
    import torch
    from torch import nn

    torch.manual_seed(KINDS.index(kind))
    layers = {
        "rnn_tanh": lambda: nn.RNN(WIDTH, SIZE),
        "rnn_relu": lambda: nn.RNN(WIDTH, SIZE, nonlinearity="relu"),
        "gru": lambda: nn.GRU(WIDTH, SIZE),
        "lstm": lambda: nn.LSTM(WIDTH, SIZE),
    }
    net = nn.ModuleDict(
        {
            "emb": nn.Embedding(SYMBOLS, WIDTH),
            "rnn": layers[kind](),
            "head": nn.Linear(SIZE, OUTPUTS),
        }
    )
    with torch.no_grad():
        for parameter in net["rnn"].parameters():
            parameter *= 2.0  # so that the gates do more than stand half open
    return net


def cell_of(kind):
    """The cell that does a single step of the layer."""
    from torch import nn

    cells = {"gru": nn.GRUCell, "lstm": nn.LSTMCell}
    if kind in cells:
        return cells[kind](WIDTH, SIZE).double()
    return nn.RNNCell(WIDTH, SIZE, nonlinearity=kind.removeprefix("rnn_")).double()


def unrolled_losses(kind, net, inputs, targets):
    """E_t of every step, and the copies of weight_hh and weight_ih, one of each a step."""
    import torch
    from torch.func import functional_call

    own = {name.removesuffix("_l0"): array for name, array in net["rnn"].named_parameters()}
    cell, losses, copies = cell_of(kind), [], []
    state = None
    for symbols, wanted in zip(inputs, targets, strict=True):
        copy = {name: array.detach().clone().requires_grad_() for name, array in own.items()}
        copies.append((copy["weight_hh"], copy["weight_ih"]))
        state = functional_call(cell, copy, (net["emb"](symbols), state))
        hidden = state[0] if kind == "lstm" else state
        losses.append(torch.nn.functional.cross_entropy(net["head"](hidden), wanted))
    return losses, copies


def contributions(kind, net, inputs, targets):
    """C_d of weight_hh and weight_ih, each (T, rows, columns)."""
    import torch

    losses, copies = unrolled_losses(kind, net, inputs, targets)
    totals = [np.zeros((STEPS, *weight.shape)) for weight in copies[0]]
    for t in np.flatnonzero(LOSS_MASK):
        for total, weights in zip(totals, zip(*copies, strict=True), strict=True):
            terms = torch.autograd.grad(
                losses[t] / LOSS_MASK.sum(), weights[: t + 1], retain_graph=True
            )
            for k, term in enumerate(terms):
                total[t - k] += term.numpy()
    return totals


def compute():
    """All arrays of the file, by name."""
    import torch

    generator = torch.Generator().manual_seed(9)
    inputs = torch.randint(SYMBOLS, (STEPS, BATCH), generator=generator)
    targets = torch.randint(OUTPUTS, (STEPS, BATCH), generator=generator)
    arrays = {"inputs": inputs.numpy(), "targets": targets.numpy(), "loss_mask": LOSS_MASK}
    for kind in KINDS:
        net = build(kind)
        weights = {name: array.numpy().copy() for name, array in net.state_dict().items()}
        net = net.double()
        states, _ = net["rnn"](net["emb"](inputs))
        logits, wanted = net["head"](states)[LOSS_MASK], targets[LOSS_MASK]
        loss = torch.nn.functional.cross_entropy(logits.reshape(-1, OUTPUTS), wanted.reshape(-1))
        loss.backward()
        recurrent, inward = contributions(kind, net, inputs, targets)
        found = {
            "loss": loss.item(),
            "accuracy": (logits.argmax(-1) == wanted).double().mean().item(),
            "gradient_hh": net["rnn"].weight_hh_l0.grad.numpy(),
            "gradient_ih": net["rnn"].weight_ih_l0.grad.numpy(),
            "contributions_hh": recurrent,
            "contributions_ih": inward,
        }
        arrays |= {f"{kind}/{name}": array for name, array in (weights | found).items()}
    return arrays


if __name__ == "__main__":
    np.savez_compressed(STORED, **compute())
