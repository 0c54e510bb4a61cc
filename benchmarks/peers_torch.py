"""The same work in PyTorch, as its users write it: `nn.RNN`, autograd, one module a net."""

from collections.abc import Callable

import numpy as np
import torch
from torch.nn.functional import cross_entropy
from workloads import LARGEST_NORM, LEARNING_RATE, Workload, draw

torch.set_num_threads(1)


class Net(torch.nn.Module):
    """Embedding, simple recurrent layer and read-out of one net."""

    def __init__(self, workload: Workload, arrays: dict[str, np.ndarray]):
        super().__init__()
        self.embedding = torch.nn.Embedding(workload.words, workload.width)
        self.recurrent = torch.nn.RNN(workload.width, workload.size)
        self.readout = torch.nn.Linear(workload.size, workload.words)
        self.parameter = {
            "W_hh": self.recurrent.weight_hh_l0,
            "W_hx": self.recurrent.weight_ih_l0,
            "b_h": self.recurrent.bias_ih_l0,
            "W_s": self.readout.weight,
            "b_s": self.readout.bias,
            "embedding": self.embedding.weight,
        }
        with torch.no_grad():
            for name, parameter in self.parameter.items():
                parameter.copy_(torch.from_numpy(arrays[name]))
            self.recurrent.bias_hh_l0.zero_().requires_grad_(False)

    def forward(self, symbols: torch.Tensor) -> torch.Tensor:
        """Logits (T, B, V)."""
        return self.readout(self.recurrent(self.embedding(symbols))[0])


def training(workload: Workload, dtype: str) -> tuple[Callable, Callable]:
    """Return a function that trains one step, and one that returns the weights by name."""
    arrays, inputs, targets = draw(workload)
    torch.set_default_dtype(getattr(torch, dtype))
    nets = []
    for p in range(workload.population):
        net = Net(workload, {name: array[p] for name, array in arrays.items()})
        trained = [parameter for parameter in net.parameters() if parameter.requires_grad]
        data = [torch.from_numpy(part[..., p].copy()) for part in (inputs, targets)]
        nets.append((net, trained, torch.optim.SGD(trained, lr=LEARNING_RATE), *data))

    def step():
        for net, trained, optimiser, symbols, wanted in nets:
            optimiser.zero_grad()
            cross_entropy(net(symbols).flatten(0, 1), wanted.flatten()).backward()
            torch.nn.utils.clip_grad_norm_(trained, LARGEST_NORM)
            optimiser.step()

    def weights():
        names = nets[0][0].parameter
        return {
            name: np.stack([net[0].parameter[name].detach().numpy() for net in nets])
            for name in names
        }

    return step, weights


def decomposition(workload: Workload) -> Callable:
    """Return a function that takes a net's gradient apart by a call of autograd for every step."""
    arrays, inputs, targets = draw(workload)
    net = {name: torch.from_numpy(array[0]) for name, array in arrays.items()}
    symbols, wanted = (torch.from_numpy(part[..., 0].copy()) for part in (inputs, targets))
    steps, batch = symbols.shape

    def decompose():
        drive = net["embedding"][symbols] @ net["W_hx"].T + net["b_h"]
        state = torch.zeros(batch, workload.size, dtype=torch.float64)
        before, pre_activations, states = [], [], []
        for t in range(steps):
            before.append(state)
            pre_activations.append((drive[t] + state @ net["W_hh"].T).requires_grad_())
            state = torch.tanh(pre_activations[-1])
            states.append(state)
        logits = torch.stack(states) @ net["W_s"].T + net["b_s"]
        losses = cross_entropy(logits.flatten(0, 1), wanted.flatten(), reduction="none")
        losses = losses.view(steps, batch).sum(dim=1) / losses.numel()
        before = torch.stack(before).detach()
        contribution = torch.zeros(steps, workload.size, workload.size, dtype=torch.float64)
        transport, incoherent = (torch.zeros(steps, dtype=torch.float64) for _ in range(2))
        for t in range(steps):
            wrt = states[: t + 1] + pre_activations[: t + 1]
            both = torch.autograd.grad(losses[t], wrt, retain_graph=t + 1 < steps)
            # Newest first: the distance counts back from t.
            signal = torch.stack(both[t::-1])
            delta = torch.stack(both[:t:-1])
            state = before[: t + 1].flip(0)
            contribution[: t + 1] += delta.transpose(1, 2) @ state
            size = signal.norm(dim=2).log10()
            transport[: t + 1] += (size - size[0]).sum(dim=1)
            incoherent[: t + 1] += (delta.norm(dim=2) * state.norm(dim=2)).sum(dim=1)
        pairs = batch * torch.arange(steps, 0, -1)
        norms = contribution.flatten(1).norm(dim=1)
        return norms.numpy(), (transport / pairs).numpy(), incoherent.numpy()

    return decompose
