"""What makes an answer mean less than it seems to, in a line each."""

import math

import numpy as np
import torch
from torch import nn

from ..gradients.stacks.rows import Rows
from ..ground.names import count_of
from .one_module import Taken
from .recording import Call

FEW_SEQUENCES = 8
IGNORED = -100  # PyTorch's ignore_index
CANCELLED = 0.01
UNLIKELY = 1e-6


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


def about_batch(targets, by_module: dict[str, list[Call]]) -> list[str]:
    """Say what of the targets counts for nothing, and what looks like padding and counts.

    Parameters
    ----------
    targets : of the model, if it was given any.
    by_module : the calls of each module, which tell whether sequences come first.
    """
    if not isinstance(targets, torch.Tensor) or targets.is_floating_point() or targets.dim() != 2:
        return []
    ignored = int((targets == IGNORED).sum())
    if ignored:
        count = count_of(targets.numel(), "target")
        return [f"{ignored:,} of {count} are {IGNORED}: they do not count"]
    modules = [calls[0].module for calls in by_module.values()]
    sequences_first = any(getattr(module, "batch_first", False) for module in modules)
    ends = _runs_at_the_end(targets if sequences_first else targets.T)
    if ends is None:
        return []
    value, count = ends
    return [
        f"{count_of(count, 'sequence')} end in runs of target {value}: if that is padding, it "
        f"counts as targets unless the loss ignores it (target {IGNORED})"
    ]


def _runs_at_the_end(rows: torch.Tensor) -> tuple[int, int] | None:
    """Return a class that ends sequences in runs, and how many; None where chance may do that."""
    value = int(rows[:, -1].mode().values)
    run = (rows == value).flip(1).cumprod(1).sum(1)
    elsewhere = int((rows == value).sum() - run.sum()), rows.numel() - int(run.sum())
    frequency = (elsewhere[0] + 1.0) / (elsewhere[1] + 2.0)
    ended = run[run > 1]
    by_chance = float(ended.sum()) * math.log(frequency) > math.log(UNLIKELY)
    if by_chance or len(ended.unique()) < 2:
        return None
    return value, len(ended)


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
    elif summary["h99_censored"]:
        found.append(
            f"`{name}` reaches as far as its sequences of {count_of(taken.steps, 'step')}: longer "
            "ones may show more"
        )
    elif summary["k01_censored"]:
        found.append(
            f"sequences of `{name}` longer than {count_of(taken.steps, 'step')} may take more to "
            "keep 99 % of the gradient"
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
