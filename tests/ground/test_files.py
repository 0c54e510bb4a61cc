"""Files are written whole or not at all, alike for like content, and read with clear errors."""

import os
import pickle
import stat
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pyarrow import parquet

from gradient_horizon.ground import files

SCRIPTS = Path(files.__file__).parents[1]

ARRAYS = {"numbers": np.arange(12.0).reshape(3, 4), "words": np.array(["a", "é"])}
TABLE = pd.DataFrame({"x": [1, 2, 3], "name": ["a", "é", "c"], "value": [0.1, np.nan, 1e-300]})

BLOCKS = [
    {"seed": 0, "distance": np.arange(3), "share": np.array([0.1, np.nan, -np.inf]), "far": False},
    {"seed": 1, "distance": np.arange(2), "share": [5e-324, 1.0], "far": np.array([True, False])},
]
RECORDS = [{"run": "a", "radius": 0.5}, {"run": 'é, "b"', "radius": 1e-7}]

WRITERS = {
    "a.npz": lambda path: files.write_arrays(path, ARRAYS),
    "a.parquet": lambda path: files.write_table(path, TABLE),
    "a.csv": lambda path: files.write_table(path, TABLE),
    "blocks.parquet": lambda path: files.write_blocks(path, BLOCKS),
    "records.csv": lambda path: files.write_records(path, RECORDS),
    "a.json": lambda path: files.write_json(path, {"b": [1, 2.5, None], "a": "é"}),
    "a.txt": lambda path: files.write_text(path, "é\n"),
}
READERS = {
    "a.npz": files.read_arrays,
    "a.parquet": files.read_table,
    "a.csv": files.read_table,
    "a.json": files.read_json,
}

every = pytest.mark.parametrize("name", WRITERS)
readable = pytest.mark.parametrize("name", READERS)


def one_line(error, path):
    message = str(error.value)
    assert str(path) in message and message.startswith("cannot ")
    assert len(message.splitlines()) == 1
    return message


# Writing


@every
def test_like_content_gives_like_bytes(tmp_path, name):
    first, again = tmp_path / name, tmp_path / "deep" / "er" / name
    WRITERS[name](first)
    time.sleep(0.01)
    WRITERS[name](again)
    assert first.read_bytes() == again.read_bytes()


def test_nothing_in_an_archive_of_arrays_tells_the_time(tmp_path, monkeypatch):
    WRITERS["a.npz"](tmp_path / "a.npz")
    monkeypatch.setattr(time, "time", lambda: 1e9)
    monkeypatch.setattr(time, "localtime", lambda *given: time.gmtime(1e9))
    WRITERS["a.npz"](tmp_path / "b.npz")
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


@every
@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, MemoryError])
def test_an_error_in_the_middle_leaves_what_was_there(tmp_path, name, error):
    path = tmp_path / name
    WRITERS[name](path)
    before = path.read_bytes()
    with pytest.raises(error), files.replacing(path) as temporary:
        assert temporary.parent == path.parent and temporary != path
        assert temporary.suffix == path.suffix
        temporary.write_bytes(b"half of it")
        assert path.read_bytes() == before
        raise error
    assert os.listdir(tmp_path) == [name]
    assert path.read_bytes() == before


def test_arrays_that_would_need_pickling_are_not_written(tmp_path):
    with pytest.raises(ValueError, match="pickle"):
        files.write_arrays(tmp_path / "a.npz", {"x": np.array([{}, None], dtype=object)})
    assert os.listdir(tmp_path) == []


def test_what_a_killed_job_left_is_overwritten(tmp_path):
    with files.replacing(tmp_path / "a.json") as temporary:
        temporary.write_text("{}")
        left = temporary
    left.write_text('{"half": ')
    files.write_json(tmp_path / "a.json", {"x": 1})
    assert os.listdir(tmp_path) == ["a.json"]
    assert files.read_json(tmp_path / "a.json") == {"x": 1}


def test_others_may_read_what_is_written(tmp_path):
    before = os.umask(0o022)
    try:
        WRITERS["a.npz"](tmp_path / "a.npz")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a.npz").stat().st_mode) == 0o644


@every
def test_a_folder_that_is_a_file_cannot_be_written_to(tmp_path, name):
    (tmp_path / "file").write_text("")
    with pytest.raises(files.FileError) as error:
        WRITERS[name](tmp_path / "file" / name)
    one_line(error, tmp_path / "file" / name)


def test_a_full_disk_is_said_in_one_line(tmp_path):
    (tmp_path / "a.txt").write_text("before")
    with pytest.raises(files.FileError) as error, files.replacing(tmp_path / "a.txt") as temporary:
        temporary.write_text("part")
        raise OSError(28, "No space left on device")
    assert one_line(error, tmp_path / "a.txt").endswith("a.txt: No space left on device")
    assert os.listdir(tmp_path) == ["a.txt"]
    assert (tmp_path / "a.txt").read_text() == "before"


def same_as_pandas(folder, blocks):
    """What is written is what pandas writes: values, kinds of columns, what counts as missing."""
    table = pd.concat([pd.DataFrame(block) for block in blocks], ignore_index=True)
    table.to_parquet(folder / "expected.parquet", index=False)
    files.write_blocks(folder / "written.parquet", blocks)
    written, expected = (
        parquet.read_table(folder / f"{name}.parquet") for name in ("written", "expected")
    )
    assert written.equals(expected)
    assert [column.null_count for column in written] == [column.null_count for column in expected]
    written.validate(full=True)
    read = files.read_table(folder / "written.parquet")
    pd.testing.assert_frame_equal(read, files.read_table(folder / "expected.parquet"))
    return read


def test_blocks_are_written_as_pandas_would(tmp_path):
    read = same_as_pandas(tmp_path, BLOCKS)
    assert read.dtypes.tolist() == [np.int64, np.int64, np.float64, bool]
    assert read["share"].tolist()[2:] == [-np.inf, 5e-324, 1.0]


@pytest.mark.parametrize("rows", [0, 1, 7, 8, 9, 1000])
def test_columns_of_every_kind_and_length(tmp_path, rows):
    rng = np.random.default_rng(rows)
    bits = rng.integers(0, 2**63, rows, dtype=np.uint64)
    with np.errstate(invalid="ignore"):  # signalling nan among them
        single = bits.astype(np.uint32).view(np.float32).astype(np.float32)
    block = {
        "float64": bits.view(np.float64),
        "float32": single,
        "int64": bits.view(np.int64),
        "int32": bits.astype(np.int32),
        "every_other": bits[::2].repeat(2)[:rows],
        "bool": bits % 2 == 0,
        "text": rng.choice(["", "lyapunov", "é", "语言"], rows),
    }
    same_as_pandas(tmp_path, [block])
    same_as_pandas(tmp_path, [block, block])


def test_a_block_of_single_values_is_one_row(tmp_path):
    summary = [{"seed": seed, "h99": [4.0], "loss": np.float32(0.1)} for seed in range(3)]
    assert len(same_as_pandas(tmp_path, summary)) == 3
    files.write_blocks(tmp_path / "a.parquet", [{"seed": 3, "h99": np.nan, "far": False}])
    assert len(files.read_table(tmp_path / "a.parquet")) == 1


def test_writing_blocks_imports_no_pandas(tmp_path):
    code = f"""
import sys
import numpy as np
from gradient_horizon.ground import files
files.write_blocks({str(tmp_path / "a.parquet")!r}, [{{"x": np.ones(3), "y": True, "z": "text"}}])
assert "pyarrow" in sys.modules and "pandas" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_records_are_written_as_pandas_would(tmp_path):
    rows = [*RECORDS, {"run": " x\n", "radius": 1e22}, {"run": "y", "radius": 0.1 + 0.2}]
    files.write_records(tmp_path / "a.csv", rows)
    files.write_table(tmp_path / "b.csv", pd.DataFrame(rows))
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()


# Reading


def test_what_is_written_is_read(tmp_path):
    for name, write in WRITERS.items():
        write(tmp_path / name)
    arrays = files.read_arrays(tmp_path / "a.npz")
    assert list(arrays) == list(ARRAYS)
    for name, array in ARRAYS.items():
        assert arrays[name].dtype == array.dtype
        np.testing.assert_array_equal(arrays[name], array)
    pd.testing.assert_frame_equal(files.read_table(tmp_path / "a.parquet"), TABLE)
    pd.testing.assert_frame_equal(files.read_table(tmp_path / "a.csv"), TABLE)
    assert files.read_json(tmp_path / "a.json") == {"a": "é", "b": [1, 2.5, None]}
    text = (tmp_path / "a.json").read_text(encoding="utf-8")
    assert text.index('"a": "é"') < text.index('"b"') and text.endswith("}\n")


@readable
def test_missing_files(tmp_path, name):
    with pytest.raises(files.FileError) as error:
        READERS[name](tmp_path / name)
    assert "No such file" in one_line(error, tmp_path / name)


@readable
def test_a_folder_is_no_file(tmp_path, name):
    (tmp_path / name).mkdir()
    if name != "a.parquet":  # which may be a folder of tables
        with pytest.raises(files.FileError) as error:
            READERS[name](tmp_path / name)
        one_line(error, tmp_path / name)


@pytest.mark.parametrize("name", ["a.npz", "a.parquet", "a.json"])
def test_truncated_files(tmp_path, name):
    """At any length; a table as CSV is one line shorter and nothing tells."""
    path = tmp_path / name
    WRITERS[name](path)
    whole = path.read_bytes()
    for length in range(0, len(whole) - 1, max(1, len(whole) // 60)):
        path.write_bytes(whole[:length])
        with pytest.raises(files.FileError) as error:
            READERS[name](path)
        one_line(error, path)


@readable
def test_corrupted_bytes_are_read_or_refused_in_one_line(tmp_path, name):
    path = tmp_path / name
    WRITERS[name](path)
    whole = bytearray(path.read_bytes())
    refused = 0
    for place in range(0, len(whole), max(1, len(whole) // 120)):
        for value in (0, 255, whole[place] ^ 1):
            path.write_bytes(whole[:place] + bytes([value]) + whole[place + 1 :])
            try:
                READERS[name](path)
            except files.FileError as error:
                refused += 1
                assert len(str(error).splitlines()) == 1
    assert refused > 10


def test_corrupted_numbers_do_not_pass(tmp_path):
    path = tmp_path / "a.npz"
    WRITERS["a.npz"](path)
    whole = path.read_bytes()
    place = whole.index(np.float64(7.0).tobytes())
    path.write_bytes(whole[:place] + b"\1" + whole[place + 1 :])
    with pytest.raises(files.FileError) as error:
        files.read_arrays(path)
    assert "CRC" in one_line(error, path)


def test_pickles_are_refused(tmp_path):
    class Evil:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "evil"),)

    np.savez(tmp_path / "a.npz", x=np.array([Evil()], dtype=object), allow_pickle=True)
    (tmp_path / "b.npz").write_bytes(pickle.dumps(Evil()))
    for name in ("a.npz", "b.npz"):
        with pytest.raises(files.FileError) as error:
            files.read_arrays(tmp_path / name)
        assert "pickle" in one_line(error, tmp_path / name)
    assert not (tmp_path / "evil").exists()


def test_a_file_of_another_kind_is_refused(tmp_path):
    np.save(tmp_path / "single.npy", np.arange(3))
    (tmp_path / "single.npy").rename(tmp_path / "a.npz")
    with pytest.raises(files.FileError) as error:
        files.read_arrays(tmp_path / "a.npz")
    one_line(error, tmp_path / "a.npz")
