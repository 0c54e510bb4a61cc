"""What every program shares: its arguments, one BLAS thread, and one clear line for mistakes."""

import argparse
import json
import os
import sys
from collections.abc import Callable

from threadpoolctl import threadpool_limits

from .files import FileError

# What libraries that are loaded later, and programs that are started, read.
THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


def parser(description: str | None) -> argparse.ArgumentParser:
    """Return an argument parser that shows a script's docstring."""
    return argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )


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


def use_one_thread() -> None:
    """Let BLAS use one thread in this program: jobs, and not threads, fill the cores."""
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
    use_one_thread()
    try:
        main()
    except (FileError, *user_errors) as error:
        sys.exit(f"error: {error}")
