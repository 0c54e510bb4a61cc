"""The configuration's section of trained nets: what is completed and what is refused."""

import pytest

from gradient_horizon.config.configuration import ConfigError, resolve

ECHO = {"task": {"name": "delayed_echo"}, "grid": {"spectral_radii": [1.0]}}


@pytest.fixture
def net(tmp_path):
    """An entry whose files are there."""
    for name in ("net.safetensors", "probe.npz"):
        (tmp_path / name).touch()
    return {"file": str(tmp_path / "net.safetensors"), "probe": str(tmp_path / "probe.npz")}


def lines(config):
    with pytest.raises(ConfigError) as error:
        resolve(config)
    return error.value.lines


def test_defaults(net):
    resolved = resolve({"experiments": {"echo": ECHO}, "checkpoints": {"mine": net}})
    assert resolved["checkpoints"] == {
        "mine": net
        | {"activation": "tanh", "readout": None, "embedding": None}
        | {"ignore": [], "batch_first": False, "loss": None}
    }
    assert resolve({"experiments": {"echo": ECHO}})["checkpoints"] == {}


@pytest.mark.parametrize("experiments", [{}, {"experiments": {}}, {"experiments": {"echo": None}}])
def test_nets_alone_without_experiments(net, experiments):
    assert resolve(experiments | {"checkpoints": {"mine": net}})["experiments"] == {}


@pytest.mark.parametrize("checkpoints", [{}, {"mine": None}])
def test_neither_experiments_nor_nets(checkpoints):
    (line,) = lines({"experiments": {}, "checkpoints": checkpoints})
    assert line.startswith("experiments: {} is not possible; allowed: one experiment or more")


def test_one_that_is_null_is_left_out(net):
    resolved = resolve({"checkpoints": {"mine": net, "other": None}})
    assert list(resolved["checkpoints"]) == ["mine"]


def test_all_mistakes_at_once(net, tmp_path):
    wrong = {
        "mine": net | {"activation": "rleu", "readuot": "head"},
        "other": {"file": str(tmp_path / "missing"), "probe": str(tmp_path), "readout": 3},
        "third": {"file": net["file"]},
        "My Net": net,
    }
    kinds = {"file": "the path of a .safetensors file", "probe": "the path of an .npz file"}
    assert lines({"checkpoints": wrong}) == [
        "checkpoints.My Net: not possible as a name; allowed: small letters, digits and "
        "underscores, beginning with a letter, at most 40; did you mean 'my_net'?",
        "checkpoints.mine.activation: 'rleu' is not known; allowed: tanh, relu; "
        "did you mean 'relu'?",
        "checkpoints.mine.readuot: unknown key; allowed: file, probe, activation, readout, "
        "embedding, ignore, batch_first, loss; did you mean 'readout'?",
        f"checkpoints.other.file: {tmp_path}/missing does not exist; allowed: {kinds['file']}",
        f"checkpoints.other.probe: {tmp_path} is a folder, not an .npz file; "
        f"allowed: {kinds['probe']}",
        "checkpoints.other.readout: 3 is not possible; allowed: the name of a linear layer, "
        "or `null`",
        f"checkpoints.third.probe: missing; allowed: {kinds['probe']}",
    ]


@pytest.mark.parametrize("path", ["../net.safetensors", "a/../../net.safetensors", "net\0"])
def test_paths_that_are_not_read(net, path):
    (line,) = lines({"checkpoints": {"mine": net | {"file": path}}})
    assert line.startswith("checkpoints.mine.file: ")
    assert line.endswith("; allowed: the path of a .safetensors file")


@pytest.mark.parametrize("checkpoints", [[], 3, {"mine": 3}, {"mine": []}, {7: {}}])
def test_no_mapping(checkpoints):
    assert any(line.startswith("checkpoints") for line in lines({"checkpoints": checkpoints}))
