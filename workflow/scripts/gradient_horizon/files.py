"""Reading and writing results: whole or not at all, and the same bytes for the same content."""

import io
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from zipfile import ZipFile, ZipInfo

import numpy as np


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
