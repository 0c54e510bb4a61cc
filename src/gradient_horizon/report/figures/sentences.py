"""One sentence, word by word."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..plotting import new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def sentence_map(mapped: dict[str, np.ndarray]) -> Figure:
    """Contributions by pairs of words of one held-out sentence, before and after training.

    Parameters
    ----------
    mapped : `step` (2,), `log10_contribution` (2, T, T) and `words` (T+1,).
    """
    words = [{"</s>": "⟨end⟩", "<unk>": "⟨unknown⟩"}.get(word, word) for word in mapped["words"]]
    figure, panels = new_figure(3.45, 1, 2, sharey=True)
    for axes, values, title in zip(
        panels[0], mapped["log10_contribution"], ("before training", "after training"), strict=True
    ):
        with np.errstate(invalid="ignore"):
            relative = values - np.nanmax(values, axis=1, keepdims=True)
        image = axes.imshow(relative, cmap="cividis", vmin=-4, vmax=0)
        axes.set_xticks(range(len(words) - 1), words[:-1], rotation=90)
        axes.set_yticks(range(len(words) - 1), words[1:])
        axes.set(title=title, xlabel="word read, $x_k$")
        axes.grid(False)
        axes.tick_params(length=0)
    panels[0, 0].set_ylabel("word predicted, $y_t$")
    figure.colorbar(
        image,
        ax=panels,
        label=r"$\log_{10}$ contribution, relative to the row's largest",
        shrink=0.75,
        pad=0.01,
        extend="min",
    )
    return figure
