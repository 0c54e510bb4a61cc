"""The README's recipe for saving a trained net, run as it stands there, and what is then read."""

import re
from pathlib import Path

import numpy as np
import pytest

from gradient_horizon.checkpoints import checkpoint
from gradient_horizon.gradients import forward_pass
from gradient_horizon.networks.cells import net_of

README = Path(__file__).parents[2] / "README.md"
SIZE, WIDTH, SYMBOLS, OUTPUTS, STEPS, BATCH = 4, 3, 6, 5, 7, 3


def recipe():
    """The one piece of Python in the README that saves a net."""
    (code,) = (
        code
        for code in re.findall(r"^```python\n(.*?)^```$", README.read_text(), re.M | re.S)
        if "save_file(" in code
    )
    return code


def transposed(torch, net):
    """Some ways to train leave a weight that is a transposed view."""
    weight = net["rnn"].weight_hh_l0
    weight.data = weight.data.t()
    assert not weight.is_contiguous()


def orthogonal(torch, net):
    """A parametrisation that is taken off leaves a weight of the usual name."""
    torch.nn.utils.parametrizations.orthogonal(net["rnn"], "weight_hh_l0")
    torch.nn.utils.parametrize.remove_parametrizations(net["rnn"], "weight_hh_l0")


def tied(torch, net):
    """Two names of one tensor."""
    net["copy"] = net["head"]


@pytest.mark.parametrize("change", [transposed, orthogonal, tied])
def test_the_loss_of_what_is_saved_is_that_of_pytorch(change, tmp_path, monkeypatch):
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    net = torch.nn.ModuleDict(
        {
            "emb": torch.nn.Embedding(SYMBOLS, WIDTH),
            "rnn": torch.nn.RNN(WIDTH, SIZE),
            "head": torch.nn.Linear(SIZE, OUTPUTS),
        }
    )
    change(torch, net)
    inputs = torch.randint(SYMBOLS, (STEPS, BATCH))
    targets = torch.randint(OUTPUTS, (STEPS, BATCH))
    monkeypatch.chdir(tmp_path)
    exec(recipe(), {"net": net, "inputs": inputs, "targets": targets})
    ignore = ["copy"] if "copy" in net else []
    read = checkpoint.read("net.safetensors", "probe.npz", ignore=ignore)
    settings = {"cell": read.cell, "activation": read.activation, "model": {}}
    found = forward_pass.trace(net_of(settings, read.weights), **read.probe)
    net = net.double()
    states, _ = net["rnn"](net["emb"](inputs))
    logits = net["head"](states).reshape(-1, OUTPUTS)
    expected = torch.nn.functional.cross_entropy(logits, targets.reshape(-1)).item()
    assert found.loss == pytest.approx(expected, rel=1e-13)


def test_tensors_that_stand_in_memory_as_views_are_saved(tmp_path, monkeypatch):
    """Those of a parametrisation, each under its own name and with its own numbers."""
    torch = pytest.importorskip("torch")
    from safetensors.numpy import load_file

    net = torch.nn.ModuleDict({"rnn": torch.nn.RNN(WIDTH, SIZE)})
    torch.nn.utils.parametrizations.orthogonal(net["rnn"], "weight_hh_l0")
    given = net.state_dict()
    assert not all(tensor.is_contiguous() for tensor in given.values())
    steps = torch.zeros((STEPS, BATCH), dtype=torch.int64)
    monkeypatch.chdir(tmp_path)
    exec(recipe(), {"net": net, "inputs": steps, "targets": steps})
    saved = load_file("net.safetensors")
    assert saved.keys() == given.keys()
    for name, tensor in given.items():
        np.testing.assert_array_equal(saved[name], tensor.numpy(), err_msg=name)


def test_there_is_one_recipe():
    compile(recipe(), "README.md", "exec")
