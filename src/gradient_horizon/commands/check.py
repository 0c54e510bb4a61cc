"""Check files before anything is trained or measured: what they are, and what is wrong with them.

    gradient-horizon check my.yaml
    gradient-horizon check net.safetensors probe.npz

Configurations (.yaml, .yml, .json) are laid over the default one, each over those before, as
`gradient-horizon run --configfile` does; the files that they name are looked at too.  A file of
weights (.safetensors) says what net is found in it, a file of arrays (.npz) how its sequences are
read, and the two together whether the net can read them.  The exit code is 1 if anything is wrong.
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import product
from pathlib import Path

import numpy as np

from ..checkpoints import checkpoint, probe
from ..checkpoints.tensor_file import PICKLES
from ..ground import programs
from ..ground.files import FileError
from ..ground.names import nearest
from ..ground.user_arrays import check_range, naming
from . import measure

CONFIGURATIONS, ARRAYS = (".yaml", ".yml", ".json"), (".npz",)
WEIGHTS = (".safetensors", *PICKLES)
KNOWN = CONFIGURATIONS + WEIGHTS + ARRAYS
FILES = ("file", "probe")


class Wrong(Exception):
    """What is wrong, a line for each mistake."""


def main(arguments: Sequence[str] | None = None, prog: str | None = None) -> None:
    """Run the command.

    Parameters
    ----------
    arguments : those of the program if left out.
    prog : what the user calls the program.
    """
    parser = programs.parser(__doc__, prog)
    parser.add_argument("files", nargs="+", metavar="FILE", help="what to check")
    parser.add_argument(
        "--replace-workflow-config",
        action="store_true",
        help="check the configurations without the default one, as `run` with the same argument",
    )
    measure.add_parts(parser)
    given = parser.parse_args(arguments)
    of_net, of_batch = (measure.said_of(given, keys) for keys in (measure.NET, measure.BATCH))
    configurations, nets, batches = (
        [file for file in given.files if Path(file).suffix in endings]
        for endings in (CONFIGURATIONS, WEIGHTS, ARRAYS)
    )
    checks = [
        *(partial(_unknown, file) for file in given.files if Path(file).suffix not in KNOWN),
        *(partial(_net, file, of_net) for file in nets),
        *(partial(_batch, file, given.batch_first) for file in batches),
    ]
    if configurations:
        checks.append(partial(_configuration, configurations, given.replace_workflow_config))
    is_right = all([_says(check) for check in checks])  # a list: every check speaks
    for net, batch in product(nets, batches) if is_right else ():
        is_right &= _says(partial(_both, net, batch, of_net | of_batch))
    sys.exit(0 if is_right else 1)


def _says(check: Callable[[], Iterator[str]]) -> bool:
    """Print what a check finds: lines on what something is, or on what is wrong with it."""
    try:
        print("\n  ".join(check()), flush=True)
    except FileError as error:
        print(f"error: {error}", file=sys.stderr)
    except Wrong as error:
        print(error, file=sys.stderr)
    else:
        return True
    return False


def _unknown(file: str) -> Iterator[str]:
    """Refuse a file whose ending is none of those that are read."""
    ending = Path(file).suffix
    raise FileError(
        f"cannot tell from its ending what {file} is; allowed: {', '.join(KNOWN)}"
        f"{nearest(ending, KNOWN)}"
    )


def _net(file: str, parts: dict) -> Iterator[str]:
    """Say what net is found in a file of weights."""
    net = checkpoint.read_net(file, **parts)
    width, units = net.layers.width, net.layers.units
    yield f"{file}: a trained {net.layers}"
    yield f"recurrent layer: {net.layer or 'the net itself'}, units {units}, inputs {width}"
    if net.cell == "rnn":
        yield f"activation: taken to be {net.activation}; the file does not say it"
    if net.embedding is None:
        yield f"embedding: none; it reads vectors of length {width}, or {width} symbols one-hot"
    else:
        yield f"embedding: {net.embedding}, symbols {len(net.vectors)}"
    yield f"read-out: {net.readout}, outputs {len(net.matrix)}"
    for state, name in net.parts.initial.items():
        yield f"initial state: {state} is {name}"
    if net.unused:
        yield f"not used: {', '.join(net.unused)}"


def _batch(file: str, batch_first: bool) -> Iterator[str]:
    """Say how the sequences of a file of arrays are read."""
    own = probe.read(file, batch_first)
    inputs, targets, mask = own.inputs, own.targets, own.loss_mask
    with naming(file):  # no net has symbols below 0; which are too many, the net decides
        for name, values in (("inputs", inputs), ("targets", targets[mask])):
            if values.dtype.kind != "f":
                check_range(name, values, max(values.max(), 0) + 1)
    yield f"{file}: sequences {inputs.shape[1]}, steps {inputs.shape[0]}"
    yield f"inputs: {_values(inputs, 'symbols')}"
    yield f"targets: {_values(targets[mask], 'classes')}"
    places = "steps" if mask.ndim == 1 else "targets"
    yield f"loss: at {'all' if mask.all() else mask.sum()} of the {mask.size} {places}"
    yield from own.lines[1:]


def _values(array: np.ndarray, whole: str) -> str:
    """Say what kind of numbers an array holds, and between which bounds."""
    kind = f"vectors of length {array.shape[-1]}" if array.dtype.kind == "f" else whole
    return f"{kind}, from {array.min():.4g} to {array.max():.4g}"


def _both(net: str, batch: str, parts: dict) -> Iterator[str]:
    """Say whether a net can read a batch."""
    checkpoint.read(net, batch, **parts)
    yield f"{net} can read {batch}"


def _configuration(files: list[str], alone: bool) -> Iterator[str]:
    """Say which experiments and nets a configuration asks for."""
    from ..config import configuration, grid, reading  # half a second that nets do without

    default = None if alone else str(reading.default_file())
    layers = [default, *files] if default else files
    if problems := [problem for file in layers for problem in reading.problems(file)]:
        raise _config_errors(problems)
    try:
        config = configuration.resolve(reading.merged(files, default))
    except configuration.ConfigError as error:
        raise _config_errors(error.lines) from None
    except RecursionError:
        raise _config_errors([f"{' or '.join(files)}: a mapping contains itself"]) from None
    nets, wrong = [], []
    for name, net in config["checkpoints"].items():
        try:
            said = {key: value for key, value in net.items() if key not in FILES}
            read = checkpoint.read(net["file"], net["probe"], **said)
            if not read.is_plain:
                raise FileError(checkpoint.INCOMPLETE)
            nets.append(f"{name}: a trained nn.{read.cell.upper()}, {net['file']}")
        except FileError as error:
            wrong.append(f"checkpoints.{name}: {error}")
    if wrong:
        raise _config_errors(wrong)
    yield " over ".join(reversed(layers)) + ": a configuration"
    for name, experiment in config["experiments"].items():
        yield (
            f"{name}: task {experiment['task']['name']}, grid points {len(grid.runs(experiment))}, "
            f"seeds {experiment['grid']['seeds']}, steps {experiment['training']['steps']}, "
            f"checkpoints {experiment['measurement']['checkpoints']}"
        )
    yield from nets


def _config_errors(lines: list[str]) -> Wrong:
    """Say what is wrong with a configuration as a run does."""
    return Wrong("\n".join(f"config error: {line}" for line in lines))
