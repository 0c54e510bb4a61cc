"""The horizon over training: a measurement every so many steps, in any loop."""

import sys
import warnings
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from unittest import mock

import pandas as pd
from torch import nn

from ..gradients.stacks.rows import ALL
from ..ground import files
from . import figure
from .measuring import TOLERANCE, measure
from .report import Report

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LIGHTNING = ("lightning.pytorch", "pytorch_lightning")
SUMMARY = ("h99", "h99_censored", "k01", "k01_censored", "gradient_norm")


class TruncationWarning(UserWarning):
    """Truncation loses more of the gradient than is allowed."""


class Monitor:
    """Measures a model every so many steps of its training.

    Parameters
    ----------
    model : is trained.
    inputs, targets, loss : of a batch that is the same every time, as in `measure`; or a closure in
        place of the inputs.  May be left out if every call of `step` brings its own.
    every : how many steps there are from one measurement to the next; the first is at step 0.
    truncation : how long the chunks are that are trained on, the state being carried from one to
        the next; None for whole sequences.
    allowed : the part of the gradient that chunks may lose; a warning says so where it is more.
    path : of a CSV that holds the table after every measurement; rows that it already has are kept.
    tolerance, max_distance, cells : as in `measure`.

    Attributes
    ----------
    table : a row for each measurement and module: `step`, `module`, `loss`, `h99`, `k01`, either
        `_censored` where it is a lower bound, `gradient_norm`, and what chunks keep, `kept`, and
        the `angle` in degrees.
    last : the last report; None before the first.

    Examples
    --------
    >>> import gradient_horizon as gh, torch
    >>> _ = torch.manual_seed(0)
    >>> model = torch.nn.GRU(2, 4)
    >>> x, y = torch.randn(20, 8, 2), torch.randn(20, 8, 4)
    >>> optimiser = torch.optim.Adam(model.parameters())
    >>> monitor = gh.live.Monitor(model, x, y, torch.nn.functional.mse_loss, every=10)
    >>> for _ in range(21):
    ...     optimiser.zero_grad()
    ...     torch.nn.functional.mse_loss(model(x)[0], y).backward()
    ...     optimiser.step()
    ...     _ = monitor.step()
    >>> monitor.table["step"].tolist()
    [0, 10, 20]
    """

    def __init__(
        self,
        model: nn.Module,
        inputs=None,
        targets=None,
        loss: Callable | None = None,
        *,
        every: int = 200,
        truncation: int | None = None,
        allowed: float = 0.05,
        path: str | Path | None = None,
        tolerance: float = TOLERANCE,
        max_distance: int | None = None,
        cells=(),
    ):
        if not isinstance(every, int) or every < 1:
            raise ValueError(f"every: {every!r} is not possible; allowed: a whole number from 1 on")
        if not 0.0 <= allowed <= 1.0:
            raise ValueError(f"allowed: {allowed!r} is not possible; allowed: from 0 to 1")
        self.model, self._batch, self._loss = model, (inputs, targets), loss
        self.every, self.truncation, self.allowed = every, truncation, allowed
        self.path = None if path is None else Path(path)
        self._options = {"tolerance": tolerance, "max_distance": max_distance, "cells": cells}
        self._options |= {"truncation": truncation, "progress": False}
        self.table = pd.DataFrame()
        if self.path is not None and self.path.exists():
            self.table = _read(self.path)
        self.last: Report | None = None
        self._steps = 0

    def step(self, inputs=None, targets=None) -> Report | None:
        """Count a step of training, and measure if it is time.

        Parameters
        ----------
        inputs, targets : the batch to measure on, or a closure; that of the monitor if left out.

        Returns
        -------
        The report, or None where nothing was measured.
        """
        number, self._steps = self._steps, self._steps + 1
        if number % self.every:
            return None
        return self.measure(number, inputs, targets)

    def measure(self, number: int, inputs=None, targets=None) -> Report:
        """Measure now, as step so and so.

        Raises
        ------
        ValueError : there is no batch to measure on.
        """
        if inputs is None:
            inputs, targets = self._batch
        if inputs is None:
            raise ValueError(
                "there is nothing to measure on: give the monitor, or the step, a batch"
            )
        loss = None if targets is None else self._loss
        self.last = measure(self.model, inputs, targets, loss, **self._options)
        rows = pd.DataFrame(list(_rows(self.last, number)))
        self.table = pd.concat([self.table, rows], ignore_index=True)
        if self.path is not None:
            files.write_table(self.path, self.table)
        for row in rows.to_dict("records"):
            self._warn(row)
        return self.last

    def _warn(self, row: dict) -> None:
        """Warn where truncation loses more than is allowed."""
        lost = 1.0 - row["kept"]
        if self.truncation is not None and lost > self.allowed:
            message = (
                f"step {row['step']}: training in chunks of {self.truncation} loses "
                f"{100 * lost:.0f} % of the gradient of `{row['module']}`, allowed "
                f"{100 * self.allowed:.0f} %"
            )
            warnings.warn(message, TruncationWarning, stacklevel=4)

    def plot(self) -> "Figure":
        """Draw the horizon over training."""
        return figure.draw_training(self.table, self.truncation)

    def callback(self):
        """Return a callback for the Trainer of Lightning.

        It measures on the monitor's batch or, if there is none, on the loss that `training_step`
        gives for the batch just trained on.

        Raises
        ------
        ImportError : Lightning has not been imported.
        """
        return _callback_class()(self)


def _rows(report: Report, number: int):
    """Give the rows of a report."""
    summary = report.summary.query("parameter == @ALL", local_dict={"ALL": ALL})
    for row in summary.to_dict("records"):
        kept, angle = report.kept(row["module"])
        yield {
            "step": number,
            "module": row["module"],
            "loss": report.loss,
            **{name: row[name] for name in SUMMARY},
            "kept": kept,
            "angle": angle,
        }


def _read(path: Path) -> pd.DataFrame:
    try:
        table = pd.read_csv(path)
    except (OSError, ValueError) as error:
        raise ValueError(f"path: {path} cannot be read as a table: {error}") from error
    if "step" not in table or "h99" not in table:
        raise ValueError(f"path: {path} is there and is no table of a monitor")
    return table


def _callback_class() -> type:
    """Return the class of a callback, of the Lightning that is in use."""
    for name in LIGHTNING:
        if name in sys.modules:
            return type("HorizonCallback", (_Callback, sys.modules[name].Callback), {})
    raise ImportError(f"a callback is for Lightning: import {' or '.join(LIGHTNING)} first")


class _Callback:
    """Measures after batches of training."""

    def __init__(self, monitor: Monitor):
        super().__init__()
        self.monitor = monitor

    def on_train_batch_end(self, trainer, pl_module, outputs, batch, batch_idx) -> None:
        """Measure if it is time."""
        monitor = self.monitor
        if monitor._batch[0] is not None:
            monitor.step()
            return

        def closure():
            found = pl_module.training_step(batch, batch_idx)
            return found["loss"] if isinstance(found, dict) else found

        with _silent(pl_module):
            monitor.step(closure)


@contextmanager
def _silent(module):
    """Let nothing be logged twice."""
    with (
        mock.patch.object(module, "log", lambda *arguments, **named: None),
        mock.patch.object(module, "log_dict", lambda *arguments, **named: None),
    ):
        yield
