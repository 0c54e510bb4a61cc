"""Measure a trained nn.RNN, nn.GRU or nn.LSTM: tables, figures, and a report of two pages.

python measure_checkpoint.py --weights net.safetensors --probe probe.npz --output folder

The net is one recurrent layer with a read-out and, for symbols, an embedding; the probe batch has
`inputs`, (T, B) whole numbers or (T, B, D) floats, `targets`, (T, B) classes or (T, B, O) floats,
and, if not every step has a target, `loss_mask` (T,).  PyTorch is not needed.
"""

import contextlib
from pathlib import Path

from gradient_horizon.checkpoints import checkpoint, measuring
from gradient_horizon.gradients import measurement
from gradient_horizon.ground import files, latex, programs, user_files
from gradient_horizon.report import net_numbers, typesetting
from gradient_horizon.report.figures import drawing

PAPER = Path(__file__).parents[2] / "paper"
SOURCES = [PAPER / name for name in ("report.tex", "preamble.tex", "references.bib")]
JACOBIAN_DISTANCES = (1, 10, 20)
NO_REPORT = "none"


def main() -> None:
    """Read, measure, write tables and figures, typeset the report where there is LaTeX."""
    parser = programs.parser(__doc__)
    parser.add_argument("--weights", type=Path, required=True, help="a .safetensors file")
    parser.add_argument("--probe", type=Path, required=True, help="an .npz file")
    parser.add_argument("--output", type=Path, required=True, help="the folder to write to")
    parser.add_argument("--name", help="what the report calls the net; the file's name if left out")
    parser.add_argument(
        "--activation", choices=checkpoint.ACTIVATIONS, default="tanh", help="that of an nn.RNN"
    )
    parser.add_argument("--readout", help="the read-out's name in the net, if several might be it")
    parser.add_argument("--embedding", help="the embedding's, likewise")
    parser.add_argument(
        "--engine",
        choices=(*typesetting.COMMANDS, NO_REPORT),
        default=typesetting.find_engine() or NO_REPORT,
        help="what typesets the report",
    )
    arguments = parser.parse_args()
    output = arguments.output
    net = checkpoint.read(
        arguments.weights,
        arguments.probe,
        arguments.activation,
        arguments.readout,
        arguments.embedding,
    )
    tables = measuring.measure(net, JACOBIAN_DISTANCES)
    for name, table in tables.items():
        for ending in ("parquet", "csv"):
            files.write_table(output / f"{name}.{ending}", table)
    figures = drawing.draw_net(tables, output)
    macros = latex.Macros()
    macros.add(
        net_numbers.macros(arguments.name or arguments.weights.stem, net, tables)
        | {
            "WeightsDigest": user_files.sha256(arguments.weights),
            "ProbeDigest": user_files.sha256(arguments.probe),
        }
    )
    files.write_json(output / "numbers.json", macros)
    files.write_text(output / "numbers.tex", macros.definitions())
    row = tables["summary"].iloc[0]
    print(f"loss {row['probe_loss']:.4g}, h99 {row['h99']:g}, k01 {row['k01']:g}: {output}")
    if arguments.engine == NO_REPORT:
        print("No report.pdf was asked for, or no LaTeX was found.")
        return
    sources = [*SOURCES, output / "numbers.tex", *figures]
    with contextlib.redirect_stdout(None):  # what TeX says is in its log where it fails
        typesetting.write(arguments.engine, "report", sources, output / "report.pdf")


if __name__ == "__main__":
    programs.run(main, measurement.InexactError, typesetting.PaperError)
