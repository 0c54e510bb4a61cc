"""Reading and writing results: whole or not at all, and the same bytes for the same content."""

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from zipfile import ZipFile, ZipInfo

import numpy as np

# The arrays of `train.npz` beside the weights, which are all the others, each (K, P, ...).
CURVES = (
    "step",
    "loss",
    "gradient_norm",
    "held_out_loss",
    "held_out_accuracy",
    "seed",
    "diverged_at",
)


class FileError(Exception):
    """A file that cannot be read or written, said in one line for the user."""


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """Give the name of a temporary file that takes the place of `path` when the block succeeds.

    The temporary file lies in the folder of `path`, so that the renaming is atomic: a reader
    finds the earlier content or the new one, never a part.  Its name is always the same: what a
    killed job leaves behind is overwritten by the next one.

    Raises
    ------
    FileError : the folder cannot be written to, or the disk is full.
    """
    path = Path(path)
    temporary = path.with_name(f".part-{path.name}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield temporary
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise FileError(f"cannot write {path}: {error.strerror or error}") from error


def write_text(path: str | Path, text: str) -> None:
    """Write a UTF-8 text file."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: str | Path, content: object) -> None:
    """Write JSON with sorted keys."""
    write_text(path, json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False) + "\n")


def read_json(path: str | Path) -> dict:
    """Read a JSON file.

    Raises
    ------
    FileError : it is missing or is not JSON.
    """
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from error


def write_arrays(path: str | Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Write an uncompressed `.npz`: equal arrays, equal bytes.

    NumPy's own writer leaves the form of the archive's headers to Python, and its patch versions
    differ; an archive member given as a whole, with the fixed date of `ZipInfo`, does not.
    """
    with replacing(path) as temporary, ZipFile(temporary, "w") as archive:
        for name, array in arrays.items():
            content = io.BytesIO()
            np.lib.format.write_array(content, np.asanyarray(array), allow_pickle=False)
            archive.writestr(ZipInfo(f"{name}.npy"), content.getbuffer())


def read_arrays(path: str | Path) -> dict[str, np.ndarray]:
    """Read every array of an `.npz`.

    Raises
    ------
    FileError : it is missing, truncated, corrupted, or holds pickled objects.
    """
    try:
        with np.load(path, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except Exception as error:
        raise _unreadable(path, error) from error


def read_nets(path: str | Path) -> dict[str, np.ndarray]:
    """Read every array of a `train.npz`, the nets that training has kept.

    Raises
    ------
    FileError : as `read_arrays`, or a weight is not finite. Losses may be: a net that diverges is
        frozen at its last finite weights.
    """
    trained = read_arrays(path)
    for name in sorted(trained.keys() - set(CURVES)):
        broken = np.argwhere(~np.isfinite(trained[name]))
        if len(broken):
            kept, net = broken[0, :2]
            raise FileError(
                f"cannot use {path}: {name} of seed {trained['seed'][net]} "
                f"at step {trained['step'][kept]} is not finite"
            )
    return trained


def weights_of(trained: Mapping[str, np.ndarray], kept: int, net: int) -> dict[str, np.ndarray]:
    """Return the weights of one net at one checkpoint, by name, of a `train.npz` that was read."""
    return {name: array[kept, net] for name, array in trained.items() if name not in CURVES}


def write_records(path: str | Path, records: Sequence[Mapping]) -> None:
    """Write dicts with the same keys as the rows of a CSV table, as pandas would."""
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, records[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows(records)


def write_blocks(path: str | Path, blocks: Sequence[Mapping]) -> None:
    """Write blocks of a table, one below the other, as Parquet.

    pandas reads what it would have written itself, nan as a missing value included; its import,
    a third of a second, is spared.

    Parameters
    ----------
    path : the file.
    blocks : dicts with the same keys in the same order.  A value is an array (R,) of numbers,
        Booleans or text, or one of them for all R rows of the block.

    Raises
    ------
    FileError : as `replacing`.
    """
    from pyarrow import Table, parquet

    parts = [np.broadcast_arrays(*map(np.atleast_1d, block.values())) for block in blocks]
    columns = [_arrow_array(np.concatenate(column)) for column in zip(*parts, strict=True)]
    with replacing(path) as temporary:
        parquet.write_table(Table.from_arrays(columns, list(blocks[0])), temporary)


def _arrow_array(values: np.ndarray):
    """Make a column (R,) an Arrow array from its buffers; `pyarrow.array` would import pandas."""
    import pyarrow as pa

    if values.dtype.kind == "U":
        texts = [text.encode() for text in values.tolist()]
        ends = np.cumsum([0, *map(len, texts)], dtype=np.int64)
        buffers = [None, pa.py_buffer(ends), pa.py_buffer(b"".join(texts))]
        return pa.Array.from_buffers(pa.large_string(), len(values), buffers)
    missing = np.isnan(values)
    valid = pa.py_buffer(np.packbits(~missing, bitorder="little")) if missing.any() else None
    content = np.packbits(values, bitorder="little") if values.dtype == bool else values
    buffers = [valid, pa.py_buffer(content)]
    return pa.Array.from_buffers(pa.from_numpy_dtype(values.dtype), len(values), buffers)


def write_table(path: str | Path, table) -> None:
    """Write a pandas table as Parquet or CSV, by the file's ending."""
    with replacing(path) as temporary:
        if temporary.suffix == ".parquet":
            table.to_parquet(temporary, index=False)
        else:
            table.to_csv(temporary, index=False, lineterminator="\n")


def read_table(path: str | Path):
    """Read a Parquet or CSV table with pandas, by the file's ending.

    Raises
    ------
    FileError : it is missing, truncated or corrupted.
    """
    import pandas as pd  # a third of a second that computing scripts do without

    try:
        path = Path(path)
        return pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path)
    except Exception as error:
        raise _unreadable(path, error) from error


def _unreadable(path: str | Path, error: Exception) -> FileError:
    """Say in one line that a file cannot be read; what is corrupted may raise any error."""
    return FileError(f"cannot read {path}: {' '.join(str(error).split())}")
