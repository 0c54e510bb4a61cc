"""The one reader of a user's sequences: forms that mean the same, files that are none, nets."""

import pickle
import zipfile

import numpy as np
import pytest

from gradient_horizon.ground import user_arrays
from gradient_horizon.ground.files import FileError
from gradient_horizon.ground.user_files import OwnFileError
from user_sequences import DEFECTS, SEQUENCES, STEPS, good

NO_NPZ = "is not an .npz file as numpy.savez writes it"


@pytest.fixture
def file(tmp_path):
    return tmp_path / "own.npz"


def refused(path):
    """The one line that is said of a file, whoever reads it."""
    with pytest.raises(OwnFileError) as caught:
        user_arrays.read_sequences(path)
    assert isinstance(caught.value, FileError) and "\n" not in str(caught.value)
    return str(caught.value)


def same(found, inputs, targets, loss_mask):
    for array, expected in zip(found, (inputs, targets, loss_mask), strict=True):
        np.testing.assert_array_equal(array, expected)
        assert array.dtype == np.asarray(expected).dtype


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_one_number_a_step_needs_no_third_axis(file, save):
    inputs, targets = np.random.default_rng(1).random((2, STEPS, 1)).astype(np.float32)
    save(file, inputs=inputs, targets=targets)
    expected = [array.astype(float)[..., None] for array in (inputs, targets)]
    same(user_arrays.read_sequences(file), *expected, np.ones(STEPS, dtype=bool))
    save(file, inputs=inputs[..., None], targets=targets[..., None])
    same(user_arrays.read_sequences(file), *expected, np.ones(STEPS, dtype=bool))


@pytest.mark.parametrize("dtype", [np.int8, np.uint16, np.int64, np.uint64])
def test_integers_of_any_width(file, dtype):
    symbols = np.arange(STEPS * 3, dtype=dtype).reshape(STEPS, 3)
    np.savez(file, inputs=symbols, targets=symbols % 2)
    expected = symbols.astype(np.int64)
    same(user_arrays.read_sequences(file), expected, expected % 2, np.ones(STEPS, dtype=bool))


@pytest.mark.parametrize("missing", [-100, np.nan])
def test_targets_without_a_loss_are_0_whatever_they_were(missing):
    mask = np.arange(STEPS) == 4
    targets = np.full((STEPS, SEQUENCES), missing)
    targets[4] = 2
    given = targets.copy()
    found = user_arrays.checked(good()["inputs"], targets, mask)
    assert not found.targets[~mask].any() and (found.targets[mask] == 2).all()
    np.testing.assert_array_equal(targets, given)  # the caller's own array is left alone


def test_arrays_in_memory_have_no_path_in_front():
    with pytest.raises(ValueError, match=r"^loss_mask is float64 \(6,\); allowed: bool"):
        user_arrays.checked(**good(loss_mask=np.ones(STEPS)))
    lists = {name: array.tolist() for name, array in good().items()}
    same(user_arrays.checked(**lists), *user_arrays.checked(**good()))


@pytest.mark.parametrize(("changes", "message"), DEFECTS)
def test_arrays_of_no_use(file, changes, message):
    np.savez(file, **good(**changes))
    assert refused(file) == message.replace("FILE", str(file))


@pytest.mark.parametrize("content", [b"", b"1,2,3\n", pickle.dumps([1]), b"PK\x03\x04"])
def test_files_that_are_no_npz(file, content):
    file.write_bytes(content)
    assert refused(file) == f"{file} {NO_NPZ}"


def test_a_single_array_is_no_npz(tmp_path):
    np.save(tmp_path / "own.npy", np.ones((STEPS, SEQUENCES)))
    assert refused(tmp_path / "own.npy") == f"{tmp_path / 'own.npy'} {NO_NPZ}"


def test_files_that_cannot_be_read(tmp_path):
    assert refused(tmp_path / "missing.npz") == f"{tmp_path / 'missing.npz'} does not exist"
    assert refused(tmp_path) == (
        f"{tmp_path} is a folder, not an .npz file as numpy.savez writes it"
    )
    assert refused("x" * 5000).endswith("cannot be read (File name too long)")


def test_a_damaged_array(file):
    np.savez(file, **good())
    content = bytearray(file.read_bytes())
    content[len(content) // 4] ^= 0xFF
    file.write_bytes(content)
    assert refused(file).startswith(f"in {file} inputs cannot be read (Bad CRC-32")


def test_something_else_in_the_archive(file):
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("inputs", "text")
        archive.writestr("targets", "text")
    assert refused(file) == f"in {file} inputs is not an array"


NET = {"symbols": 4, "width": 2, "outputs": 3}


def symbols(low, high):
    return np.random.default_rng(0).integers(low, high + 1, (STEPS, SEQUENCES))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({}, None),
        ({"inputs": symbols(0, 3)}, None),
        ({"targets": np.zeros((STEPS, SEQUENCES, 3))}, None),
        ({"inputs": symbols(0, 4)}, "inputs are integers from 0 to 4; allowed: 0 to 3"),
        ({"inputs": symbols(-1, 3)}, "inputs are integers from -1 to 3; allowed: 0 to 3"),
        (
            {"inputs": np.full((STEPS, SEQUENCES), 2**63 + 1, np.uint64)},
            f"inputs are integers from {2**63 + 1} to {2**63 + 1}; allowed: 0 to 3",
        ),
        ({"targets": symbols(0, 3)}, "targets are integers from 0 to 3; allowed: 0 to 2"),
        (
            {"inputs": np.zeros((STEPS, SEQUENCES))},
            "inputs are vectors of length 1; allowed: length 2, or integers for symbols",
        ),
        (
            {"targets": np.zeros((STEPS, SEQUENCES, 2))},
            "targets are vectors of length 2; allowed: length 3, or integers for classes",
        ),
    ],
)
def test_what_a_net_can_read(changes, message):
    sequences = user_arrays.checked(**good(**changes))
    if message is None:
        user_arrays.check_for_net(sequences, **NET)
        return
    with pytest.raises(OwnFileError) as caught, user_arrays.naming("own.npz"):
        user_arrays.check_for_net(sequences, **NET)
    assert str(caught.value) == f"in own.npz {message}"
