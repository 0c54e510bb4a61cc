"""Reading and writing results: whole or not at all, and the same bytes for the same content."""

import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from zipfile import BadZipFile

import numpy as np


class FileError(Exception):
    """A file that cannot be read or written, said in one line for the user."""


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """Give the name of a temporary file that takes the place of `path` when the block succeeds.

    The temporary file lies in the folder of `path`, so that the renaming is atomic: a reader
    finds the earlier content or the new one, never a part.

    Raises
    ------
    FileError : the folder cannot be written to, or the disk is full.
    """
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(
            dir=path.parent, prefix=f".{path.stem}-", suffix=path.suffix
        )
        os.close(handle)
        temporary = Path(name)
        try:
            yield temporary
            mask = os.umask(0)
            os.umask(mask)
            temporary.chmod(0o666 & ~mask)  # mkstemp made it private
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
        raise FileError(f"cannot read {path}: {error}") from error


def write_arrays(path: str | Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Write an uncompressed `.npz`; NumPy dates its members 1980, so equal arrays, equal bytes."""
    with replacing(path) as temporary:
        np.savez(temporary, allow_pickle=False, **arrays)


def read_arrays(path: str | Path) -> dict[str, np.ndarray]:
    """Read every array of an `.npz`.

    Raises
    ------
    FileError : it is missing, truncated, corrupted, or holds pickled objects.
    """
    try:
        with np.load(path, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except (OSError, ValueError, EOFError, BadZipFile) as error:
        raise FileError(f"cannot read {path}: {error}") from error


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
    except (OSError, ValueError) as error:
        raise FileError(f"cannot read {path}: {error}") from error
