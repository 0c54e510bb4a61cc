"""What every program shares: its arguments, one BLAS thread, and one clear line for mistakes."""

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NoReturn

from .names import nearest

# What libraries that are loaded later, and programs that are started, read.
THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


class Parser(argparse.ArgumentParser):
    """An argument parser that says a mistake in one line."""

    def error(self, message: str) -> NoReturn:
        """End with exit code 2, as argparse does, but without the usage."""
        self.exit(2, f"error: {message} ({self.prog} --help lists all arguments)\n")


def parser(description: str | None, prog: str | None = None) -> argparse.ArgumentParser:
    """Return an argument parser that shows a script's docstring.

    Parameters
    ----------
    description : the docstring.
    prog : what the user calls the program; the script's file name if left out.
    """
    return Parser(
        prog=prog, description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )


def one_of(names: Iterable[str]) -> Callable[[str], str]:
    """Return the `type` of an argument that has to be one of some names."""
    known = tuple(names)

    def checked(name: str) -> str:
        if name not in known:
            raise argparse.ArgumentTypeError(
                f"'{name}' is not possible; allowed: {', '.join(known)}{nearest(name, known)}"
            )
        return name

    return checked


def settings(text: str) -> dict:
    """Read `--settings`, a JSON object."""
    return json.loads(text)


def arguments(description: str | None, *files: str) -> argparse.Namespace:
    """Read the arguments of a job: its `--settings`, and a path for each of the named files."""
    reader = parser(description)
    reader.add_argument("--settings", type=settings, required=True)
    for name in files:
        reader.add_argument(f"--{name}", required=True)
    return reader.parse_args()


def find_environment() -> None:
    """Find programs beside this Python, TeX among them, though its environment is not active."""
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"


def use_one_thread() -> None:
    """Let BLAS use one thread in this program: jobs, and not threads, fill the cores."""
    from threadpoolctl import threadpool_limits

    os.environ.update(dict.fromkeys(THREADS, "1"))
    threadpool_limits(1)


def run(main: Callable[[], None], *user_errors: type[Exception]) -> None:
    """Run a program on one BLAS thread.

    It ends with one line and exit code 1 where a file or the user's input is wrong.

    Parameters
    ----------
    main : the program.
    user_errors : what it raises, beside `FileError`, where the user is to mend something.
    """
    from .files import FileError  # with NumPy, which no help needs

    use_one_thread()
    try:
        main()
    except (FileError, *user_errors) as error:
        sys.exit(f"error: {error}")
