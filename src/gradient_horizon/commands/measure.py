"""Measure a trained nn.RNN, nn.GRU or nn.LSTM: tables, figures, and a report of two pages.

    gradient-horizon measure --weights net.safetensors --probe probe.npz --output folder

The net is one recurrent layer with a read-out and, for symbols, an embedding; the probe batch has
`inputs`, (T, B) whole numbers or (T, B, D) floats, `targets`, (T, B) classes or (T, B, O) floats,
and, if not every step has a target, `loss_mask` (T,).  PyTorch is not needed.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from ..checkpoints import checkpoint
from ..gradients import measurement
from ..ground import programs, user_files
from ..report import typesetting

JACOBIAN_DISTANCES = (1, 10, 20)
NO_REPORT = "none"


def main(arguments: Sequence[str] | None = None, prog: str | None = None) -> None:
    """Run the command.

    Parameters
    ----------
    arguments : those of the program if left out.
    prog : what the user calls the program.
    """
    programs.find_environment()
    parser = programs.parser(__doc__, prog)
    parser.add_argument("--weights", type=Path, required=True, help="a .safetensors file")
    parser.add_argument("--probe", type=Path, required=True, help="an .npz file")
    parser.add_argument("--output", type=Path, required=True, help="the folder to write to")
    parser.add_argument("--name", help="what the report calls the net; the file's name if left out")
    add_parts(parser)
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
    """Add the arguments that say how a file of weights is put to use."""
    parser.add_argument(
        "--activation",
        type=programs.one_of(checkpoint.ACTIVATIONS),
        metavar="|".join(checkpoint.ACTIVATIONS),
        default="tanh",
        help="that of an nn.RNN",
    )
    parser.add_argument("--readout", help="the read-out's name in the net, if several might be it")
    parser.add_argument("--embedding", help="the embedding's, likewise")


def _measure(given: argparse.Namespace) -> None:
    """Read, measure, write tables and figures, typeset the report where there is LaTeX."""
    net = checkpoint.read(
        given.weights, given.probe, given.activation, given.readout, given.embedding
    )
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
    if given.engine == NO_REPORT:
        print("No report.pdf was asked for, or no LaTeX was found.")
    else:
        net_report.typeset(given.engine, sources, given.output / "report.pdf")
