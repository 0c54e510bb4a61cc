"""What every script shares: its arguments, and one clear line for what the user can mend."""

import argparse
import json
import sys
from collections.abc import Callable

from .files import FileError


def parser(description: str | None) -> argparse.ArgumentParser:
    """Return an argument parser that shows a script's docstring."""
    return argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )


def settings(text: str) -> dict:
    """Read `--settings`, a JSON object."""
    return json.loads(text)


def run(main: Callable[[], None], *user_errors: type[Exception]) -> None:
    """Run a script; end with one line and exit code 1 where a file or the user's input is wrong."""
    try:
        main()
    except (FileError, *user_errors) as error:
        sys.exit(f"error: {error}")
