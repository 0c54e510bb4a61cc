"""The variants of a table: what sets runs of one activation and radius apart, and its names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..config.grid import PLAIN, VARIANT_AXES

if TYPE_CHECKING:
    import pandas as pd

# Cells that are known by their initials.
ACRONYMS = ("rnn", "lstm", "gru", "lru")


def variants(rows: pd.DataFrame) -> dict[tuple, str]:
    """Name each variant of a table by the axes in which they differ; '' where there is but one."""
    known = list(rows[VARIANT_AXES].drop_duplicates().itertuples(index=False, name=None))
    told = [len(set(values)) > 1 for values in zip(*known, strict=True)]
    # Where cells differ with the remedies alone, which may put another in place, these name them.
    remedies = {(variant[0], variant[-1]) for variant in known}
    told[:1] = [len(remedies) > len({remedy for _, remedy in remedies})]
    return {
        variant: ", ".join(
            readable(value) for value, differs in zip(variant, told, strict=True) if differs
        )
        for variant in known
    }


def of_variant(rows: pd.DataFrame, variant: tuple) -> pd.DataFrame:
    """Keep the rows of one variant."""
    return rows[(rows[VARIANT_AXES] == list(variant)).all(axis=1)]


def readable(value: str) -> str:
    """Write a name of the configuration, such as that of a remedy, as text names it."""
    if value in ACRONYMS:
        return value.upper()
    # Of `module:name`, a cell of the user's own, the name.
    return "plain" if value == PLAIN else value.rpartition(":")[2].replace("_", " ")
