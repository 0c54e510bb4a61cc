"""The figures: what each is called, shows and is drawn from.

A figure is a function from tables, of a run or of one trained net, to a drawing. Whoever names
figures, be it a rule, a report on a net or the page of a run, takes the names from here; a new
figure is one function and one line. Nothing that draws is imported before something is drawn.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from . import distance, radius, sentences, spectra, training

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Kind:
    """A kind of figure.

    Attributes
    ----------
    title : what lists of figures call it.
    draw : from tables to the figure.
    run : what `draw` takes of one experiment, in this order: tables, `task` for the facts of its
        task, `sentence_map` for the arrays of that name.
    net : the same of one trained net; empty where nets have no such figure.
    only : what an experiment must have for this figure: `words` that it reads, or `parts` of the
        state of some cell; empty where every experiment has it.
    """

    title: str
    draw: Callable[..., Figure]
    run: tuple[str, ...]
    net: tuple[str, ...] = ()
    only: str = ""


FIGURES = {
    "contribution": Kind(
        "Share of each distance in the gradient",
        distance.contribution,
        run=("contributions_median",),
        net=("contributions",),
    ),
    "horizon_over_training": Kind(
        "The horizon over training",
        training.horizon_over_training,
        run=("summary_median",),
    ),
    "influence": Kind(
        "Learning signal and forward influence",
        distance.influence,
        run=("contributions_median", "influence_median", "summary_median", "task"),
        net=("contributions", "influence"),
    ),
    "learning_curves": Kind(
        "Learning curves",
        training.learning_curves,
        run=("learning_curves", "task"),
    ),
    "phase_diagram": Kind(
        "Phase diagram of the horizon",
        radius.phase_diagram,
        run=("summary_median",),
    ),
    "sentence_map": Kind(
        "Between the words of a sentence",
        sentences.sentence_map,
        run=("sentence_map",),
        only="words",
    ),
    "slopes": Kind(
        "Slope of transport beside theory",
        radius.slopes,
        run=("slopes",),
    ),
    "spectra": Kind(
        "Spectra and Lyapunov exponents",
        spectra.spectra,
        run=("spectra_median", "summary_median"),
        net=("spectra",),
    ),
    "transport": Kind(
        "Transport by distance",
        distance.transport,
        run=("contributions_median",),
        net=("contributions",),
    ),
    "transport_parts": Kind(
        "Transport through the parts of the state",
        distance.transport_parts,
        run=("contributions_median",),
        only="parts",
    ),
    "truncation": Kind(
        "What truncation loses",
        distance.truncation,
        run=("contributions_median",),
        net=("contributions",),
    ),
}
OF_EVERY_RUN = [name for name, kind in FIGURES.items() if not kind.only]
OF_A_NET = [name for name, kind in FIGURES.items() if kind.net]
