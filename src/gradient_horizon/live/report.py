"""What was measured on a live model: the answer in words, tables, and figures."""

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ..gradients.stacks.rows import Rows, half_lives
from ..gradients.stacks.words import answer
from ..ground import files
from ..ground.names import count_of
from . import figure
from .notes import about_module
from .one_module import Taken

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DIRECTIONS = ("forward", "reverse")


class Report:
    """What was measured.

    Attributes
    ----------
    distances : a row for each module, parameter and distance: `contribution`, `share`,
        `signed_share`, `cosine`, `transport`, `truncation_bias`.  The parameter `all` is all
        weights of the module together; `h0` and `c0` are the initial states that were given.
    summary : a row for each module and parameter: `h99`, `k01`, either `_censored` where it is
        only a lower bound, `gradient_norm`, `residual`, `remainder`.
    truncations : a row for each module and k: what of the gradient is `kept` if backpropagation
        stops after k steps, the `angle` to it in degrees, the `cost` in steps gone back over.
    half_lives : a row for each unit of a gated module: the mean of the gate that keeps its state,
        and after how many steps half of it is left.
    loss : on this batch.
    notes : what makes the answer mean less, in a line each.
    partial : whether it was interrupted.
    """

    def __init__(self, taken: list[Taken], loss: float, notes: list[str], truncation: int | None):
        self.loss, self.truncation = loss, truncation
        self._rows = [
            Rows(one.name, one.apart, one.steps, one.farthest, one.places) for one in taken
        ]
        self._batch = [(one.sequences, one.steps) for one in taken]
        self.partial = any(one.apart.why == "interrupt" for one in taken) or any(
            note.startswith("interrupted") for note in notes
        )
        self.notes = list(notes)
        for one, rows in zip(taken, self._rows, strict=True):
            self.notes += about_module(one, rows, len(taken) > 1)
        self.half_lives = pd.concat([_half_lives(one) for one in taken], ignore_index=True)

    @cached_property
    def distances(self) -> pd.DataFrame:
        """A row for each module, parameter and distance."""
        tables = [pd.DataFrame(part) for rows in self._rows for part in rows.distances()]
        return pd.concat(tables, ignore_index=True)

    @cached_property
    def summary(self) -> pd.DataFrame:
        """A row for each module and parameter."""
        return pd.DataFrame([row for rows in self._rows for row in rows.summary()])

    @cached_property
    def truncations(self) -> pd.DataFrame:
        """A row for each module and k."""
        tables = [pd.DataFrame(rows.truncations()) for rows in self._rows]
        return pd.concat(tables, ignore_index=True)

    def kept(self, module: str) -> tuple[float, float]:
        """Return what chunks as long as the truncation keep of a module's gradient, and the angle.

        Both are nan where there is no truncation.
        """
        (rows,) = (rows for rows in self._rows if rows.module == module)
        if self.truncation is None:
            return np.nan, np.nan
        k = min(self.truncation, rows.steps)
        return float(1.0 - rows.chunk_bias()[k]), float(rows.chunk_angle()[k])

    def __repr__(self) -> str:
        """Give the answer, what it was found on, and what makes it mean less."""
        residual = max(max(rows.residual.values()) for rows in self._rows)
        batch = max(sequences for sequences, _ in self._batch)
        steps = max(steps for _, steps in self._batch)
        found = (
            f"loss {self.loss:.4g} on {count_of(batch, 'sequence')} of {count_of(steps, 'step')}; "
            f"the sum over distances is autograd's gradient to {residual:.0e}"
        )
        answers = [answer(rows, self.truncation) for rows in self._rows]
        return "\n".join([*answers, found, *(f"note: {note}" for note in self.notes)])

    def plot(self, name: str | None = None) -> "Figure":
        """Draw what was measured.

        Parameters
        ----------
        name : distances, the share of every distance; truncation, what is kept where
            backpropagation stops; half_lives, of the units of gated modules; all that there are
            beside each other if left out.

        Raises
        ------
        ValueError : there is no such figure.
        """
        return figure.draw(self, name)

    def save(self, folder: str | Path) -> None:
        """Write the tables as CSV and Parquet, the figure as PDF and PNG, and the answer as text.

        Parameters
        ----------
        folder : is made if it is not there.

        Raises
        ------
        gradient_horizon.ground.files.FileError : it cannot be written to.
        """
        folder = Path(folder)
        tables = {name: getattr(self, name) for name in ("distances", "summary", "truncations")}
        if len(self.half_lives):
            tables["half_lives"] = self.half_lives
        for name, table in tables.items():
            for ending in ("csv", "parquet"):
                files.write_table(folder / f"{name}.{ending}", table)
        files.write_text(folder / "answer.txt", f"{self!r}\n")
        figure.save(self, folder / "gradient_horizon")


def _half_lives(taken: Taken) -> pd.DataFrame:
    """Return the half-lives of all units of a module; no rows if it has no gate."""
    columns = ["module", "layer", "direction", "unit", "mean_gate", "half_life"]
    tables = [pd.DataFrame(columns=columns)]
    for (level, direction), gate in taken.reading.keep_gates().items():
        mean = gate.cpu().numpy()
        tables.append(
            pd.DataFrame(
                {
                    "module": taken.name,
                    "layer": level,
                    "direction": DIRECTIONS[direction],
                    "unit": np.arange(len(mean)),
                    "mean_gate": mean,
                    "half_life": half_lives(mean),
                }
            )
        )
    return pd.concat(tables[1:] or tables, ignore_index=True)
