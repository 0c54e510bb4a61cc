"""What makes an answer mean less than it seems to, in a line each."""

import numpy as np
import torch
from torch import nn

from ..gradients.stacks.rows import Rows
from ..ground.names import count_of
from .one_module import Taken

FEW_SEQUENCES = 8
IGNORED = -100  # PyTorch's ignore_index
CANCELLED = 0.01


def about_model(model: nn.Module) -> list[str]:
    """Say that dropout is on."""
    dropout = nn.modules.dropout._DropoutNd
    on = any(
        part.training
        and (
            (isinstance(part, dropout) and part.p)
            or (isinstance(part, nn.RNNBase) and part.dropout)
        )
        for part in model.modules()
    )
    if not on:
        return []
    return ["dropout is on: this is the gradient of one draw; model.eval() measures without"]


def about_batch(targets) -> list[str]:
    """Say what of the targets counts for nothing, and what looks like padding and counts."""
    if not isinstance(targets, torch.Tensor) or targets.is_floating_point() or targets.dim() < 2:
        return []
    ignored = int((targets == IGNORED).sum())
    if ignored:
        return [
            f"{ignored:,} of {count_of(targets.numel(), 'target')} are {IGNORED}: they do not count"
        ]
    for axis in (1, 0):
        rows = targets.transpose(axis, -1).reshape(-1, targets.shape[axis])
        ends = _runs_at_the_end(rows)
        if ends is not None:
            return [
                f"{count_of(ends[1], 'sequence')} end in runs of target {ends[0]}: if that is "
                f"padding, it counts as targets unless the loss ignores it (target {IGNORED})"
            ]
    return []


def _runs_at_the_end(rows: torch.Tensor) -> tuple[int, int] | None:
    """Return a class that ends sequences in runs of different lengths, and how many of them."""
    if rows.shape[0] < 2 or rows.shape[1] < 4:
        return None
    last = rows[:, -1]
    value = int(last.mode().values)
    run = (rows == value).flip(1).cumprod(1).sum(1)
    long = run[run > 1]
    if 2 * len(long) < len(rows) or len(long.unique()) < 2 or bool((run == rows.shape[1]).all()):
        return None
    return value, len(long)


def about_module(taken: Taken, rows: Rows, several: bool) -> list[str]:
    """Say what limits the answer for one module."""
    found, name = [], taken.name
    batch = taken.sequences
    summary = next(rows.summary())
    if taken.apart.why == "interrupt":
        found.append(
            f"partial: interrupted after {count_of(rows.walked, 'distance')} of `{name}`; "
            f"{rows.remainder['all']:.2g} of its gradient lies farther back"
        )
    elif rows.sparse:
        found.append(
            f"`{name}` beyond {np.flatnonzero(np.diff(taken.apart.distances) > 1)[0]} steps: at "
            "chosen distances; what is said between them is read off"
        )
    elif taken.apart.why == "distance":
        found.append(
            f"`{name}` was walked to distance {rows.walked - 1}; {rows.remainder['all']:.2g} of "
            "its gradient lies farther back"
        )
    elif summary["h99_censored"] or summary["k01_censored"]:
        found.append(
            f"`{name}` reaches as far as its sequences of {count_of(taken.steps, 'step')}: longer "
            "ones may show more"
        )
    if batch < FEW_SEQUENCES:
        found.append(
            f"`{name}` read only {count_of(batch, 'sequence')}: another batch may give another "
            "answer"
        )
    if cancellation(rows) < CANCELLED:
        found.append(
            f"the contributions to `{name}` nearly cancel: its gradient is "
            f"{100 * cancellation(rows):.2g} % of the sum of their norms"
        )
    if taken.returns:
        found.append(
            f"what `{name}` gives comes back to it as an input; what returns that way enters anew, "
            "at distance 0"
        )
    for weight in taken.shared:
        found.append(f"`{name}.{weight}` is used elsewhere too; this is its use in `{name}`")
    return found


def cancellation(rows: Rows) -> float:
    """Return the norm of the gradient over the sum of the norms of its contributions."""
    if not np.isfinite(rows.whole.log10_gradient_norm):
        return 1.0
    size = 10.0 ** (rows.whole.log10_contribution - rows.whole.log10_gradient_norm)
    return float(1.0 / size.sum())
