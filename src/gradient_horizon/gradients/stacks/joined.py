"""The contributions of several weights taken as one: the gradient of a whole module."""

from collections.abc import Sequence

import numpy as np

from ..distance_sum import Columns


def joined(parts: Sequence[Columns]) -> Columns:
    """Return the columns of all weights together, as if they stood in one vector.

    Norms add up as squares, products with the gradient as they are; so nothing is measured anew.

    Parameters
    ----------
    parts : of each weight, all of the same distances.
    """
    norms = np.array([part.log10_gradient_norm for part in parts])
    whole = _log10_of_squares(norms[:, None])[0]
    weights = np.zeros(len(parts))
    if np.isfinite(whole):
        weights = 10.0 ** (2.0 * (norms - whole))
    contribution = _log10_of_squares(np.array([part.log10_contribution for part in parts]))
    signed = _weighted([part.signed_share for part in parts], weights)
    bias = np.sqrt(_weighted([part.truncation_bias**2 for part in parts], weights))
    with np.errstate(invalid="ignore", over="ignore"):
        cosine = signed * 10.0 ** (whole - contribution)
        size = _log10_of_sum(contribution)
        share = 10.0 ** (contribution - size)
    if not np.isfinite(whole):
        bias = np.full_like(bias, np.nan)
    return Columns(
        contribution,
        share if np.isfinite(size) else np.full_like(share, np.nan),
        signed,
        np.where(np.isneginf(contribution), np.nan, cosine),
        bias,
        _log10_of_squares(np.array([part.log10_incoherent for part in parts])),
        np.full_like(signed, np.nan),
        float(whole),
        float(_log10_of_squares(np.array([[part.log10_rest] for part in parts]))[0]),
    )


def _weighted(columns: list[np.ndarray], weights: np.ndarray) -> np.ndarray:
    """Sum columns by weight; a weight of zero leaves its column out, whatever is in it."""
    total = np.zeros(len(columns[0]))
    for column, weight in zip(columns, weights, strict=True):
        if weight:
            total += weight * column
    return total


def _log10_of_squares(logs: np.ndarray) -> np.ndarray:
    """log10 of the root of the sum of squares along the first axis, of numbers given by log10."""
    largest = logs.max(axis=0)
    base = np.where(np.isfinite(largest), largest, 0.0)
    with np.errstate(divide="ignore"):
        return base + 0.5 * np.log10((10.0 ** (2.0 * (logs - base))).sum(axis=0))


def _log10_of_sum(logs: np.ndarray) -> float:
    """log10 of the sum of numbers given by their log10."""
    largest = logs.max()
    if not np.isfinite(largest):
        return float(largest)
    return float(largest + np.log10((10.0 ** (logs - largest)).sum()))
