"""A file of the user's own that is read."""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .files import FileError


class OwnFileError(FileError, ValueError):
    """A file of the user's own that cannot be used, said in one line."""


def check_place(path: str) -> None:
    """Refuse a relative path that leads out of the project; one in full is the user's own wish.

    Raises
    ------
    OwnFileError : it does.
    """
    if not os.path.isabs(path) and Path(os.path.normpath(path)).parts[:1] == (os.pardir,):
        raise OwnFileError(f"{path} leads out of the project; give it in full")


@contextmanager
def reading(path: str | Path, kind: str) -> Iterator[None]:
    """Say in one line why a file cannot be read in the block.

    Parameters
    ----------
    path : the file.
    kind : what it should be, such as "a text file".

    Raises
    ------
    OwnFileError : it is missing, no regular file, or may not be read.
    """
    try:
        # Reading a pipe or a device might never end.
        if Path(path).exists() and not Path(path).is_file():
            found = f"a folder, not {kind}" if Path(path).is_dir() else "no regular file"
            raise OwnFileError(f"{path} is {found}")
        yield
    except FileNotFoundError:
        raise OwnFileError(f"{path} does not exist") from None
    except OSError as error:
        raise OwnFileError(f"{path} cannot be read ({error.strerror})") from None


def sha256(path: str | Path) -> str:
    """Return the sha256 of a file, which tells whether it is still the same."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
