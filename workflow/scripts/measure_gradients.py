"""Take the gradient of every kept net apart by distance, in float64, on the probe batch.

Before and after training also the spectra of its Jacobians, and after training how much the loss
rests on far inputs.  A net that has diverged, and so far that nothing but rounding is left of its
gradient, has missing values.

python measure_gradients.py --settings JSON --train train.npz --probe probe.npz --data data.npz
    --facts task.json --contributions contributions.parquet --summary summary.parquet
    --spectra spectra.parquet --influence influence.parquet
"""

import numpy as np

from gradient_horizon.gradients import measurement
from gradient_horizon.ground import files, programs
from gradient_horizon.networks.cells import net_of
from gradient_horizon.networks.cells.dynamics import Dynamics

TABLES = ("contributions", "summary", "spectra", "influence")


def check_probe(path: str, probe: dict, symbols: int, width: int, outputs: int) -> None:
    """Refuse a probe batch that the nets cannot read, or of which NumPy would make another one.

    Parameters
    ----------
    path : where the probe batch is from.
    probe : as `measure` takes it.
    symbols, width, outputs : the nets' V_in, D and V.

    Raises
    ------
    files.FileError : inputs or targets are neither integers in range nor finite vectors of the
        right length, or the mask is not boolean.
    """
    for name, count, length in (("inputs", symbols, width), ("targets", outputs, outputs)):
        array = probe[name]
        if array.dtype.kind == "f" and array.ndim == 3:
            if array.shape[2] != length or not np.isfinite(array).all():
                raise files.FileError(
                    f"cannot use {path}: {name} are not all finite vectors of length {length}"
                )
        elif array.dtype.kind not in "iu" or ((array < 0) | (array >= count)).any():
            raise files.FileError(
                f"cannot use {path}: {name} are not all integers from 0 to {count - 1}"
            )
    if probe["loss_mask"].dtype != bool:
        raise files.FileError(f"cannot use {path}: loss_mask is not boolean")


def held_out(data: dict) -> dict:
    """Return what no net is trained on: `inputs`, `targets` and `loss_mask`."""
    return {
        "inputs": data["evaluation_inputs"],
        "targets": data["evaluation_targets"],
        "loss_mask": data["loss_mask"],
    }


def measured(net: Dynamics, probe: dict, distances: list[int] | None) -> dict[str, dict]:
    """Return the columns of a net's rows by table; `spectra` where distances are given."""
    rows, row = measurement.measure(net, probe)
    parts = {"contributions": rows, "summary": row}
    if distances is not None:
        parts["spectra"] = measurement.jacobian_spectra(net, probe, distances)
    return parts


def without_values(columns: dict) -> dict:
    """Return the same columns with nan for every measured number, and False for what is true."""

    def blank(value):
        kind = np.asarray(value).dtype.kind
        return np.full_like(value, np.nan) if kind == "f" else False if kind == "b" else value

    return {name: blank(value) for name, value in columns.items()}


def main() -> None:
    """Measure every seed at every checkpoint, write four tables."""
    parser = programs.parser(__doc__)
    parser.add_argument("--settings", type=programs.settings, required=True)
    for name in ("train", "probe", "data", "facts"):
        parser.add_argument(f"--{name}", required=True)
    for name in TABLES:
        parser.add_argument(f"--{name}", required=True)
    arguments = parser.parse_args()
    trained, probe = files.read_nets(arguments.train), files.read_arrays(arguments.probe)
    width = trained["W_hx"].shape[3]
    symbols = trained["embedding"].shape[2] if "embedding" in trained else width
    check_probe(arguments.probe, probe, symbols, width, outputs=trained["W_s"].shape[2])
    evaluation, facts = (
        held_out(files.read_arrays(arguments.data)),
        files.read_json(arguments.facts),
    )
    relevant = facts.get("relevant_distance")
    if "tolerance" in facts:
        probe["tolerance"] = facts["tolerance"]
    distances = arguments.settings["jacobian_distances"]
    tables = {name: [] for name in TABLES}
    steps = trained["step"].tolist()
    blank = {}
    for number, seed in enumerate(trained["seed"].tolist()):
        diverged_at = trained["diverged_at"][number]
        for kept, step in enumerate(steps):
            net = net_of(arguments.settings, files.weights_of(trained, kept, number))
            try:
                parts = measured(net, probe, distances if step in (steps[0], steps[-1]) else None)
                reach = {"forward_horizon": np.nan, "forward_horizon_censored": False}
                if step == steps[-1]:
                    parts["influence"], reach = measurement.influence(net, evaluation, relevant)
            except measurement.InexactError as error:
                # Only what has diverged may end so, and not before it did.
                if not (blank and 0 <= diverged_at <= step):
                    raise
                print(f"seed {seed} at step {step}, which diverged at {diverged_at}: {error}")
                parts = {name: blank[name] for name in ("contributions", "summary")}
                if step == steps[-1]:
                    parts["spectra"] = blank["spectra"]
                    parts["influence"], reach = measurement.no_influence(evaluation, relevant)
            blank = blank or {name: without_values(columns) for name, columns in parts.items()}
            parts["summary"] = {
                "loss": trained["held_out_loss"][kept, number],
                "accuracy": trained["held_out_accuracy"][kept, number],
                "diverged_at": diverged_at,
                **parts["summary"],
                **reach,
            }
            for name, columns in parts.items():
                tables[name].append({"seed": seed, "step": step, **columns})
    for name, blocks in tables.items():
        files.write_blocks(getattr(arguments, name), blocks)


if __name__ == "__main__":
    programs.run(main, measurement.InexactError)
