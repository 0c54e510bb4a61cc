"""Measure a trained nn.RNN, nn.GRU or nn.LSTM from a file of its weights, without PyTorch.

    gradient-horizon measure --weights net.safetensors --probe probe.npz --output folder

The net is a recurrent module of any depth, in one direction or two, with a linear read-out and,
for symbols, an embedding.  The probe batch has `inputs`, (T, B) whole numbers or (T, B, D) floats,
and `targets`, (T, B) classes or (T, B, O) floats; perhaps a `loss_mask`, (T,) or (T, B), `lengths`,
(B,), and the states `h0` and `c0`.  Of one layer that starts from zeros there are tables, figures
and a report of two pages, of any other net tables and the answer in words.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from ..checkpoints import checkpoint, losses
from ..gradients import measurement
from ..ground import files, programs, user_files
from ..report import typesetting

JACOBIAN_DISTANCES = (1, 10, 20)
NO_REPORT = "none"
# What the user says of the net, and of the batch.
NET = ("activation", "readout", "embedding", "initial_state", "ignore")
BATCH = ("batch_first", "loss", "stateful")


def main(arguments: Sequence[str] | None = None, prog: str | None = None) -> None:
    """Run the command.

    Parameters
    ----------
    arguments : those of the program if left out.
    prog : what the user calls the program.
    """
    programs.find_environment()
    parser = programs.parser(__doc__, prog)
    parser.add_argument(
        "--weights", type=Path, required=True, help="a .safetensors file; a .pt where PyTorch is"
    )
    parser.add_argument("--probe", type=Path, required=True, help="an .npz file")
    parser.add_argument("--output", type=Path, required=True, help="the folder to write to")
    parser.add_argument("--name", help="what the report calls the net; the file's name if left out")
    add_parts(parser)
    parser.add_argument(
        "--truncation",
        type=_steps,
        metavar="K",
        help="say what is kept where backpropagation stops after so many steps",
    )
    parser.add_argument(
        "--complete",
        action="store_true",
        help="refuse a net of which not every table and figure can be made",
    )
    engines = (*typesetting.COMMANDS, NO_REPORT)
    parser.add_argument(
        "--engine",
        type=programs.one_of(engines),
        metavar="|".join(engines),
        default=typesetting.find_engine() or NO_REPORT,
        help="what typesets the report",
    )
    given = parser.parse_args(arguments)
    programs.run(lambda: _measure(given), measurement.InexactError, typesetting.PaperError)


def add_parts(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that say how a file of weights and a batch are put to use."""
    parser.add_argument(
        "--activation",
        type=programs.one_of(checkpoint.ACTIVATIONS),
        metavar="|".join(checkpoint.ACTIVATIONS),
        default="tanh",
        help="that of an nn.RNN",
    )
    parser.add_argument("--readout", help="the read-out's name in the net, if several might be it")
    parser.add_argument("--embedding", help="the embedding's, likewise; none if there is none")
    parser.add_argument(
        "--initial-state",
        action="append",
        default=[],
        metavar="NAME",
        help="a learnt initial state's name, if it is not found by it; h0, then c0",
    )
    parser.add_argument(
        "--ignore",
        action="append",
        default=[],
        metavar="NAME",
        help="a tensor or module that takes no part; may be given several times",
    )
    parser.add_argument(
        "--batch-first",
        action="store_true",
        help="sequences are the first axis of the probe, steps the second",
    )
    parser.add_argument(
        "--stateful",
        type=_steps,
        metavar="K",
        help="the net carries its state on from each K steps to the next, but no gradient",
    )
    parser.add_argument(
        "--loss",
        type=programs.one_of(losses.LOSSES),
        metavar="|".join(losses.LOSSES),
        help="a mean over all targets that count, as PyTorch's; found by the targets if left out",
    )


def said_of(given: argparse.Namespace, keys: Sequence[str]) -> dict:
    """Return what arguments of `add_parts` say, as `checkpoint.read` takes it."""
    return {key: getattr(given, key) for key in keys}


def _steps(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is not possible; allowed: 1, 2, ... steps")
    return int(text)


def _measure(given: argparse.Namespace) -> None:
    """Read, say how it was read, measure, and write."""
    net = checkpoint.read(given.weights, given.probe, **said_of(given, (*NET, *BATCH)))
    lines = [*net.batch.lines, *net.lines()]
    if net.chunk is not None:
        lines.append(f"the state is carried on every {net.chunk} steps, the gradient is not")
    print("\n".join(lines), flush=True)
    if net.is_plain:
        _report(given, net)
    elif given.complete:
        raise files.FileError(f"{given.weights} on {given.probe}: {checkpoint.INCOMPLETE}")
    else:
        _tables(given, net)


def _report(given: argparse.Namespace, net: checkpoint.Checkpoint) -> None:
    """Write tables and figures, typeset the report where there is LaTeX."""
    # What computes and draws takes a second to load: a mistake is said before.
    from ..checkpoints import measuring
    from ..report import net_report

    tables = measuring.measure(net, JACOBIAN_DISTANCES)
    digests = {
        "WeightsDigest": user_files.sha256(given.weights),
        "ProbeDigest": user_files.sha256(given.probe),
    }
    sources = net_report.write(given.name or given.weights.stem, net, tables, digests, given.output)
    row = tables["summary"].iloc[0]
    print(f"loss {row['probe_loss']:.4g}, h99 {row['h99']:g}, k01 {row['k01']:g}: {given.output}")
    if given.truncation is not None:
        from ..checkpoints import stacked
        from ..gradients.stacks import words

        print(words.answer(stacked.measure(net).rows, given.truncation))
    if given.engine == NO_REPORT:
        print("No report.pdf was asked for, or no LaTeX was found.")
    else:
        net_report.typeset(given.engine, sources, given.output / "report.pdf")


def _tables(given: argparse.Namespace, net: checkpoint.Checkpoint) -> None:
    """Write the tables of a net of any depth, and the answer."""
    from ..checkpoints import stacked
    from ..gradients.stacks import words

    measured = stacked.measure(net)
    tables = stacked.tables(measured)
    for name, table in tables.items():
        for ending in ("parquet", "csv"):
            files.write_table(given.output / f"{name}.{ending}", table)
    # One layer is told by its recurrent weights, as in the report; of several all are taken.
    chosen = "weight_hh_l0" if len(net.layers.names) == 1 else "all"
    row = tables["summary"].set_index("parameter").loc[chosen]
    print(
        f"loss {measured.loss:.4g}, h99 {row['h99']:g}, k01 {row['k01']:g}"
        f"{' of all weights' * (chosen == 'all')}: {given.output}"
    )
    answer = words.answer(measured.rows, given.truncation)
    files.write_text(given.output / "answer.txt", f"{answer}\n")
    print(f"{answer}\n{stacked.found_on(measured)}")
