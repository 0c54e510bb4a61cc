"""Measuring one net on one batch: how far back its gradient comes from."""

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from ..checkpoints import measuring
from ..gradients import measurement
from ..ground import files
from ..ground.names import count_of
from ..ground.user_arrays import check_for_net
from ..networks.losses import Loss, loss_of
from . import arguments, drawing
from .nets import Net
from .sequences import sequences

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Over how many steps the singular values of products of Jacobians are taken.
JACOBIAN_DISTANCES = (1, 10, 20)


class Measurement:
    """What was measured on one net.

    Attributes
    ----------
    net : the net.
    distances : a table with a row for each distance d = 0 ... T-1, how many steps back: `share` of
        the gradient of W_hh, `transport` of a signal, `truncation_bias` of backpropagation cut off
        there, and others; columns of W_hx begin with `input_`.
    summary : a table of one row: `h99`, the distance within which 99 % of the gradient arises,
        `k01`, the steps that backpropagation has to keep to lose at most 1 % of it, either
        `_censored` where the sequences are too short to tell, the `residual`, by how much the sum
        over distances differs from the gradient, the loss on the batch, and others.
    """

    def __init__(self, net: Net, batch: dict, rows: dict, row: dict, jacobian_distances):
        self.net, self._batch, self._jacobian_distances = net, batch, jacobian_distances
        self.distances = pd.DataFrame(rows)
        self.summary = pd.DataFrame([{"cell": net.cell, "activation": net.activation, **row}])

    def __repr__(self) -> str:
        """Give the answer, and what it was found on, in two lines."""
        row = self.summary.iloc[0]
        steps, batch = self._batch["inputs"].shape[:2]
        return (
            f"{_answer(row, self.distances['truncation_bias'])}\n"
            f"loss {row['probe_loss']:.4g} on {count_of(batch, 'sequence')} of "
            f"{count_of(steps, 'step')}; the sum over distances is the gradient to "
            f"{row['residual']:.0e}"
        )

    @cached_property
    def influence(self) -> pd.DataFrame:
        """By how much the loss rises when all inputs farther back than a distance are replaced.

        Columns `distance`, `rise` and its `standard_error`; no rows for a single sequence.
        """
        return pd.DataFrame(self._influence[0])

    @cached_property
    def _influence(self) -> tuple[dict, dict]:
        with threadpool_limits(1):
            return measurement.influence(self.net.dynamics, self._batch, relevant=None)

    @cached_property
    def spectra(self) -> pd.DataFrame:
        """Lyapunov exponents, and singular values of products of Jacobians.

        Columns `quantity`, `distance`, `index`, `value` and its `standard_error`.
        """
        with threadpool_limits(1):
            columns = measurement.jacobian_spectra(
                self.net.dynamics, self._batch, self._jacobian_distances
            )
        return pd.DataFrame(columns)

    def plot(self, figure: str = "contribution") -> "Figure":
        """Draw what was measured.

        Parameters
        ----------
        figure : contribution, the share of every distance in the gradient; transport, how a signal
            is scaled on its way back; truncation, what backpropagation loses that is cut off;
            influence, how much the loss rests on far inputs; spectra, of the Jacobians.

        Returns
        -------
        A Matplotlib figure, in the style of the paper; no settings of Matplotlib are changed.

        Raises
        ------
        ValueError : there is no such figure.

        Examples
        --------
        >>> import gradient_horizon as gh
        >>> trained = gh.train("delayed_echo", hidden_size=8, seeds=1, steps=5)
        >>> answer = gh.measure(trained.net(), trained.probe)
        >>> answer.plot("truncation").axes[0].get_ylabel()
        'truncation bias'
        """
        return drawing.draw(figure, self._table)

    def save(self, folder: str | Path) -> None:
        """Write all tables and figures: the files that the command `measure` writes.

        Parameters
        ----------
        folder : is made if it is not there.

        Raises
        ------
        gradient_horizon.ground.files.FileError : it cannot be written to.

        Examples
        --------
        >>> import gradient_horizon as gh, os, tempfile
        >>> trained = gh.train("delayed_echo", hidden_size=8, seeds=1, steps=5)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     gh.measure(trained.net(), trained.probe).save(folder)
        ...     sorted(name for name in os.listdir(folder) if name.endswith(".csv"))
        ['contributions.csv', 'influence.csv', 'spectra.csv', 'summary.csv']
        """
        tables = {name: self._table(name) for name in measuring.NAMES}
        for name, table in tables.items():
            for ending in ("parquet", "csv"):
                files.write_table(Path(folder) / f"{name}.{ending}", table)
        drawing.save_all(tables, Path(folder))

    def _table(self, name: str) -> pd.DataFrame:
        """Return the table of a file; that of the summary has `forward_horizon` too."""
        match name:
            case "contributions":
                return self.distances
            case "summary":
                return pd.concat([self.summary, pd.DataFrame([self._influence[1]])], axis=1)
        return getattr(self, name)


def measure(net: Net, batch, *, jacobian_distances=JACOBIAN_DISTANCES) -> Measurement:
    """Take the gradient of one net apart by distance, exactly, in float64.

    Parameters
    ----------
    net : one of trained nets, `trained.net(seed, step)`, or a net of weights, from `gh.net`.
    batch : `(inputs, targets)` or `(inputs, targets, loss_mask)`, or a mapping with these names,
        such as `trained.probe` or an opened `.npz`; time is the first axis.  Inputs are symbols,
        (T, B) int, or vectors, (T, B, D) float; targets are classes, (T, B) int, or numbers,
        (T, B, O) float; loss_mask, (T,) bool, says which steps have a target, all if left out.
    jacobian_distances : over how many steps the singular values of products of Jacobians are taken
        where `spectra` are asked for.

    Returns
    -------
    The tables, and the answer in two lines.

    Raises
    ------
    ValueError : the batch is none that the net can read.
    TypeError : something is of a type that is not possible.
    gradient_horizon.networks.cells.dynamics.InexactError : the sum over distances is not the
        gradient by backpropagation through time, to a relative 1e-9.

    Examples
    --------
    >>> import gradient_horizon as gh
    >>> trained = gh.train("delayed_echo", radius=0.8, hidden_size=16, seeds=2, steps=20)
    >>> answer = gh.measure(trained.net(seed=1), trained.probe)
    >>> answer
    99 % of the gradient arises within 6 steps; truncating at 7 steps keeps 99.3 % of it
    loss 1.39... on 20 sequences of 40 steps; the sum over distances is the gradient to ...
    >>> answer.distances[["distance", "share", "transport"]].head(3).round(2)
       distance  share  transport
    0         0   0.58       1.00
    1         1   0.24       0.49
    2         2   0.09       0.24
    >>> answer.summary["h99"].item()
    6.0

    What a net cannot read is told:

    >>> gh.measure(trained.net(), (trained.probe["inputs"].T, trained.probe["targets"]))
    Traceback (most recent call last):
    ...
    ValueError: inputs (20, 40) and targets (40, 20) differ in their first two axes: ...
    """
    if not isinstance(net, Net):
        raise TypeError(
            f"net: {type(net).__name__} is no net; allowed: trained.net(seed, step), or what "
            "gh.net(cell, weights) returns"
        )
    distances = arguments.checked({"jacobian_distances": jacobian_distances})
    own, weights = sequences(batch), net.weights
    check_for_net(own, net.dynamics.symbols, weights["W_hx"].shape[1], len(weights["W_s"]))
    probe = {**own._asdict(), "loss": _loss(net, own.targets)}
    with threadpool_limits(1):
        rows, row = measurement.measure(net.dynamics, probe)
    return Measurement(net, probe, rows, row, distances["jacobian_distances"])


def _loss(net: Net, targets: np.ndarray) -> Loss:
    """Return what the net's answers cost."""
    facts = {key: value for key, value in net.answers.items() if value is not None}
    loss = loss_of(facts, targets)
    if loss.of_classes != (targets.dtype.kind != "f"):
        kind = "classes, integers" if loss.of_classes else "numbers, floats"
        raise ValueError(
            f"targets are {targets.dtype}; the net's loss, {facts['loss']}, is of {kind}"
        )
    return loss


def _answer(row: pd.Series, bias: pd.Series) -> str:
    """Say how far back the gradient comes from, and what truncating would keep of it."""
    if not np.isfinite(row["h99"]):
        return "the gradient is exactly zero on this batch"
    reach, kept = int(row["h99"]), int(row["k01"])
    answer = f"99 % of the gradient arises within {count_of(reach, 'step')}; truncating at "
    if kept == len(bias):
        answer += "any step loses more than 1 % of it"
    else:
        answer += f"{count_of(kept, 'step')} keeps {100.0 * (1.0 - bias[kept]):.1f} % of it"
    if row["h99_censored"] or row["k01_censored"]:
        answer += "; longer sequences may show more"
    return answer
