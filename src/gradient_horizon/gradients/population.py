"""All nets that training has kept of one grid point: their rows in the tables of a run."""

from collections.abc import Callable, Mapping

import numpy as np

from ..ground.files import weights_of
from ..ground.user_arrays import Sequences, check_for_net
from ..networks.cells import net_of
from ..networks.losses import loss_of
from . import measurement

TABLES = ("contributions", "summary", "spectra", "influence")


def check_probe(probe: Sequences, trained: Mapping[str, np.ndarray]) -> None:
    """Refuse a probe batch that the nets cannot read.

    Parameters
    ----------
    probe : as `ground.user_arrays.checked` returns it.
    trained : the arrays of `train.npz`.

    Raises
    ------
    ValueError : as `ground.user_arrays.check_for_net`.
    """
    width, outputs = trained["W_hx"].shape[3], trained["W_s"].shape[2]
    symbols = trained["embedding"].shape[2] if "embedding" in trained else width
    check_for_net(probe, symbols, width, outputs)


def measure(
    settings: Mapping,
    trained: Mapping[str, np.ndarray],
    probe: Sequences,
    held_out: Sequences,
    facts: Mapping,
    say: Callable[[str], None] = print,
) -> dict[str, list[dict]]:
    """Measure every net at every checkpoint.

    Its Jacobians are looked at before and after training, and how much its loss rests on far inputs
    after it.  A net that has diverged, and so far that nothing but rounding is left of its
    gradient, has missing values.

    Parameters
    ----------
    settings : the grid point (`config.grid.measure_settings`).
    trained : the arrays of `train.npz`.
    probe : the batch whose gradient is taken apart.
    held_out : what no net is trained on.
    facts : what the task says of itself, `loss` and perhaps `relevant_distance` among it.
    say : receives a line for each net without values.

    Returns
    -------
    For each of `TABLES` its blocks of rows, as `files.write_blocks` takes them.

    Raises
    ------
    InexactError : a net that has not diverged cannot be taken apart exactly.
    """
    loss = loss_of(facts, probe.targets)
    batch, evaluation = ({**part._asdict(), "loss": loss} for part in (probe, held_out))
    relevant, steps = facts.get("relevant_distance"), trained["step"].tolist()
    tables = {name: [] for name in TABLES}
    blank = {}
    for number, seed in enumerate(trained["seed"].tolist()):
        diverged_at = trained["diverged_at"][number]
        for kept, step in enumerate(steps):
            net = net_of(settings, weights_of(trained, kept, number))
            first, last = step == steps[0], step == steps[-1]
            distances = settings["jacobian_distances"] if first or last else None
            try:
                parts = _columns(net, batch, distances)
                reach = {"forward_horizon": np.nan, "forward_horizon_censored": False}
                if last:
                    parts["influence"], reach = measurement.influence(net, evaluation, relevant)
            except measurement.InexactError as error:
                # Only what has diverged may end so, and not before it did.
                if not (blank and 0 <= diverged_at <= step):
                    raise
                say(f"seed {seed} at step {step}, which diverged at {diverged_at}: {error}")
                parts = {name: blank[name] for name in ("contributions", "summary")}
                if last:
                    parts["spectra"] = blank["spectra"]
                    parts["influence"], reach = measurement.no_influence(evaluation, relevant)
            blank = blank or {name: _without_values(columns) for name, columns in parts.items()}
            parts["summary"] = {
                "loss": trained["held_out_loss"][kept, number],
                "accuracy": trained["held_out_accuracy"][kept, number],
                "diverged_at": diverged_at,
                **parts["summary"],
                **reach,
            }
            for name, columns in parts.items():
                tables[name].append({"seed": seed, "step": step, **columns})
    return tables


def _columns(net, batch: dict, distances: list[int] | None) -> dict[str, dict]:
    """Return the columns of a net's rows by table; `spectra` where distances are given."""
    rows, row = measurement.measure(net, batch)
    parts = {"contributions": rows, "summary": row}
    if distances is not None:
        parts["spectra"] = measurement.jacobian_spectra(net, batch, distances)
    return parts


def _without_values(columns: dict) -> dict:
    """Return the same columns with nan for every measured number, and False for what is true."""

    def blank(value):
        kind = np.asarray(value).dtype.kind
        return np.full_like(value, np.nan) if kind == "f" else False if kind == "b" else value

    return {name: blank(value) for name, value in columns.items()}
