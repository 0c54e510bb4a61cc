"""Files of torch.save: read where PyTorch is, without running what they hold; else converted."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from gradient_horizon.checkpoints import tensor_file
from gradient_horizon.ground.files import FileError

SYMBOLS, SIZE = 5, 4


@pytest.fixture
def torch():
    return pytest.importorskip("torch", reason="no PyTorch")


@pytest.fixture
def net(torch):
    torch.manual_seed(0)
    parts = {
        "emb": torch.nn.Embedding(SYMBOLS, 3),
        "rnn": torch.nn.LSTM(3, SIZE),
        "head": torch.nn.Linear(SIZE, SYMBOLS),
    }
    return torch.nn.ModuleDict(parts)


def same(path, state):
    found = tensor_file.read(path)
    assert set(found.shapes) == set(state)
    for name, tensor in state.items():
        np.testing.assert_array_equal(found.values(name), tensor.double().numpy(), err_msg=name)


@pytest.mark.parametrize("kind", ["float64", "float32", "float16", "bfloat16"])
@pytest.mark.parametrize("nested", [None, "state_dict", "model_state_dict"])
def test_every_precision_alone_or_beside_other_things(torch, net, tmp_path, kind, nested):
    state = net.to(getattr(torch, kind)).state_dict()
    saved = state if nested is None else {nested: state, "epoch": 3}
    torch.save(saved, tmp_path / "net.pt")
    same(tmp_path / "net.pt", state)


@pytest.mark.parametrize("name", ["best.pth.tar", "model", "net.model"])
@pytest.mark.parametrize("zipped", [True, False])
def test_files_of_any_name(torch, net, tmp_path, name, zipped):
    torch.save(net.state_dict(), tmp_path / name, _use_new_zipfile_serialization=zipped)
    same(tmp_path / name, net.state_dict())


def test_a_net_beside_an_optimiser_under_any_name(torch, net, tmp_path):
    optimiser = torch.optim.Adam(net.parameters())
    net["rnn"](torch.zeros(2, 1, 3))[0].sum().backward()
    optimiser.step()
    beside = {"optimizer": optimiser.state_dict(), "epoch": 3}
    torch.save({"generator": net.state_dict(), **beside}, tmp_path / "net.pt")
    same(tmp_path / "net.pt", net.state_dict())
    nets = {"online": net.state_dict(), "target": net.state_dict()}
    torch.save(nets, tmp_path / "net.pt")
    with pytest.raises(FileError, match="online, target are 2 nets; save the state_dict of one"):
        tensor_file.read(tmp_path / "net.pt")


def test_an_archive_of_arrays_is_no_file_of_weights(tmp_path):
    np.savez(tmp_path / "probe.npz", inputs=np.zeros(2))
    with pytest.raises(FileError, match=r"probe.npz: not a safetensors file"):
        tensor_file.read(tmp_path / "probe.npz")


def test_the_command_reads_one(torch, net, tmp_path):
    torch.save(net.state_dict(), tmp_path / "net.pt")
    symbols = torch.randint(SYMBOLS, (9, 3))
    np.savez(tmp_path / "probe.npz", inputs=symbols[:-1].numpy(), targets=symbols[1:].numpy())
    command = [sys.executable, "-m", "gradient_horizon", "measure", "--weights", "net.pt"]
    done = subprocess.run(
        [*command, "--probe", "probe.npz", "--output", "out", "--engine", "none"],
        **{"cwd": tmp_path, "capture_output": True, "text": True, "timeout": 300},
    )
    net = net.double()
    states, _ = net["rnn"](net["emb"](symbols[:-1]))
    logits = net["head"](states).reshape(-1, SYMBOLS)
    loss = torch.nn.functional.cross_entropy(logits, symbols[1:].reshape(-1)).item()
    assert done.returncode == 0, done.stderr
    assert f"\nloss {loss:.4g}, h99 " in done.stdout


def test_without_pytorch_two_lines_are_said_that_convert_it(torch, net, tmp_path, monkeypatch):
    import safetensors.torch

    torch.save(net.state_dict(), tmp_path / "net.pt")
    monkeypatch.chdir(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(importlib.util, "find_spec", lambda name: None)
        with pytest.raises(FileError, match=r"^cannot read net.pt without PyTorch, ") as caught:
            tensor_file.read("net.pt")
    _, *lines = str(caught.value).split("\n")
    assert len(lines) == 2
    exec("\n".join(map(str.strip, lines)), {"torch": torch, "safetensors": safetensors})
    assert set(load_file("net.safetensors")) == set(net.state_dict())
    same("net.safetensors", net.state_dict())


class Dangerous:
    """Does what a pickle of a stranger may do."""

    def __reduce__(self):
        return Path.touch, (Path("touched"),)


@pytest.mark.parametrize("content", ["whole net", "code", "damaged", "no tensors", "a list"])
def test_what_holds_more_than_tensors_is_not_loaded(torch, net, tmp_path, monkeypatch, content):
    monkeypatch.chdir(tmp_path)
    things = {
        "whole net": net,
        "code": Dangerous(),
        "no tensors": {"epoch": 3, "optimiser": {}},
        "a list": [torch.zeros(2)],
    }
    if content == "damaged":
        Path("net.pt").write_bytes(b"PK\x03\x04 not at all")
    else:
        torch.save(things[content], "net.pt")
    with pytest.raises(FileError, match=r"^cannot read net.pt: ") as caught:
        tensor_file.read("net.pt")
    said = {"no tensors": ", but epoch, optimiser; allowed: ", "a list": "no state_dict"}
    assert said.get(content, "what else it holds may run as code and is not loaded") in str(
        caught.value
    )
    assert not Path("touched").exists()
