"""What tasks on a fixed set of sequences have in common: a part held out, the others shuffled."""

from collections.abc import Iterator

import numpy as np

from ..networks import losses
from . import Prepared


def prepare(
    inputs: np.ndarray,
    targets: np.ndarray,
    loss_mask: np.ndarray,
    parts: tuple[np.ndarray, np.ndarray],
    settings: dict,
    facts: dict,
) -> Prepared:
    """Split the sequences, choose the probe batch, and measure what is reached without reading.

    Parameters
    ----------
    inputs : (T, S) int or (T, S, D) float.
    targets : (T, S) int or (T, S, O) float.
    loss_mask : (T,) bool.
    parts : the numbers of the sequences that are trained on, and of those that are held out.
    settings : as the task's own `prepare`.
    facts : what the task says of itself, perhaps `loss` and, where targets are floats, `tolerance`;
        completed by what follows from the arrays.
    """
    train, held_out = parts
    size = settings["measurement"]["probe_batch"]
    probe = held_out[np.linspace(0, len(held_out) - 1, size).round().astype(int)]
    arrays = {"loss_mask": loss_mask}
    for part, chosen in (("train", train), ("evaluation", held_out), ("probe", probe)):
        arrays |= {f"{part}_inputs": inputs[:, chosen], f"{part}_targets": targets[:, chosen]}
    known, asked = (arrays[f"{part}_targets"][loss_mask] for part in ("train", "evaluation"))
    vectors, numbers = inputs.dtype.kind == "f", targets.dtype.kind == "f"
    facts = {
        "input_size": inputs.shape[2] if vectors else int(inputs.max()) + 1,
        "output_size": targets.shape[2] if numbers else int(targets[loss_mask].max()) + 1,
        "embedded": False,
        "loss": losses.default(targets),
        "sequence_length": len(loss_mask),
        "train_sequences": len(train),
        "held_out_sequences": len(held_out),
        **facts,
    }
    if vectors:
        square = np.square(arrays["train_inputs"]).sum(axis=2).mean()
        facts["input_squared_norm"] = float(square)
    loss = losses.loss_of(facts, targets)
    return Prepared(arrays, facts | loss.baseline(known, asked, facts["output_size"]))


def too_few(train: int, held_out: int, settings: dict) -> Iterator[tuple[str, str]]:
    """Yield the batches that the parts, of so many sequences, cannot fill."""
    for key, part, most in (
        ("training.batch_size", "training", train),
        ("measurement.probe_batch", "held-out", held_out),
    ):
        section, name = key.split(".")
        size = settings[section][name]
        if size > most:
            yield (
                key,
                f"{size} sequences are more than the {part} part holds; allowed: 1 to {most}",
            )


def epochs(
    arrays: dict, batch_size: int, rng: np.random.Generator
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield the training part in ever new orders; what fills no batch is left out of a pass."""
    inputs, targets = arrays["train_inputs"], arrays["train_targets"]
    count = inputs.shape[1]
    while True:
        order = rng.permutation(count)
        for start in range(0, count - batch_size + 1, batch_size):
            chosen = order[start : start + batch_size]
            yield inputs[:, chosen], targets[:, chosen]
