"""What tasks on a fixed set of sequences have in common: a part held out, the others shuffled."""

from collections.abc import Iterator

import numpy as np

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
    facts : what the task says of itself, `tolerance` among it where targets are floats; completed
        by what follows from the arrays.
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
        "loss": "squared_error" if numbers else "cross_entropy",
        "sequence_length": len(loss_mask),
        "train_sequences": len(train),
        "held_out_sequences": len(held_out),
        **facts,
    }
    if vectors:
        square = np.square(arrays["train_inputs"]).sum(axis=2).mean()
        facts["input_squared_norm"] = float(square)
    level = (
        mean_baseline(known, asked, facts["tolerance"])
        if numbers
        else frequency_baseline(known, asked, facts["output_size"])
    )
    return Prepared(arrays, facts | level)


def frequency_baseline(known: np.ndarray, asked: np.ndarray, classes: int) -> dict:
    """Return the facts of who knows how frequent the classes are in the training part.

    One is added to each count (Laplace's rule of succession), so that no class is impossible.

    Parameters
    ----------
    known, asked : (|M|, S) int, targets of the training and of the held-out part.
    classes : how many there are.
    """
    counts = np.bincount(known.ravel(), minlength=classes) + 1.0
    losses = np.log(counts.sum() / counts)[asked]
    return {
        "baselines": {"the class frequencies": float(losses.mean())},
        "chance_accuracy": float((asked == counts.argmax()).mean()),
    }


def mean_baseline(known: np.ndarray, asked: np.ndarray, tolerance: float) -> dict:
    """Return the facts of who always answers the mean of the training part's targets.

    Parameters
    ----------
    known, asked : (|M|, S, O) float, targets of the training and of the held-out part.
    tolerance : how near an answer has to be to count as right.
    """
    errors = asked - known.mean(axis=(0, 1))
    return {
        "baselines": {"the training mean": float(np.square(errors).sum(axis=2).mean())},
        "chance_accuracy": float((np.abs(errors) < tolerance).all(axis=2).mean()),
    }


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
