"""How far back does a recurrent network's learning signal reach?

    gradient-horizon measure --weights net.safetensors --probe probe.npz --output folder
    gradient-horizon check my.yaml net.safetensors probe.npz
    gradient-horizon run --configfile my.yaml

measure   a trained net of PyTorch: tables, figures, a report
check     a configuration, a file of weights or of arrays: what it is, what is wrong with it
run       the workflow, from training to the paper, into this folder

`gradient-horizon measure --help` lists the arguments of measure, and so for the others.
"""

import sys
from collections.abc import Sequence

from . import __version__
from .ground import programs

PROGRAM = "gradient-horizon"


# Each command is imported when it is asked for.
def _measure(arguments: Sequence[str], prog: str) -> None:
    from .commands import measure

    measure.main(arguments, prog)


def _check(arguments: Sequence[str], prog: str) -> None:
    from .commands import check

    check.main(arguments, prog)


def _run(arguments: Sequence[str], prog: str) -> None:
    from .commands import run

    run.main(arguments, prog)


COMMANDS = {"measure": _measure, "check": _check, "run": _run}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command; `arguments` are those of the program if left out."""
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    parser = programs.parser(__doc__, PROGRAM)
    parser.add_argument("--version", action="version", version=f"{PROGRAM} {__version__}")
    parser.add_argument("command", type=programs.one_of(COMMANDS), help="its own arguments follow")
    name = parser.parse_args(arguments[:1]).command
    COMMANDS[name](arguments[1:], f"{PROGRAM} {name}")
