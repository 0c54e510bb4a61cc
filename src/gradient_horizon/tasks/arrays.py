"""The user's own sequences: an .npz with inputs, targets and, if not all steps count, a mask.

Symbols or vectors in, classes or numbers out, as `ground.user_arrays` has them.  The arrays have
time as their first axis and the sequences as their second.
"""

import numpy as np

from ..ground.names import nearest
from ..ground.seeds import generator
from ..ground.user_arrays import LONGEST, Sequences, check_range, naming, read_sequences
from ..ground.user_files import check_place, sha256
from ..networks.losses import LOSSES
from . import TOLERANCE, Prepared, recorded

MOST_SYMBOLS = 100_000
# Squares of larger numbers, and the inverse of smaller ones, come near the end of float32.
LARGEST, SMALLEST = 1e15, 1e-15

OPTIONS = {
    "file": {
        "type": "string",
        "minLength": 1,
        "description": "An `.npz` with the arrays `inputs`, (T, S) integers or (T, S, D) floats, "
        "and `targets`, (T, S) integers for classes or (T, S, O) floats for numbers: T steps of S "
        "sequences; (T, S) floats are one number a step. `loss_mask`, (T,) bool, may say which "
        "steps carry a loss.",
        "allowed": "the path of an `.npz` file",
    },
    "held_out": {
        "type": "number",
        "exclusiveMinimum": 0,
        "maximum": 0.5,
        "default": 0.1,
        "description": "Part of the sequences that no net is trained on.",
        "unit": "fraction",
    },
    "shuffle": {
        "type": "boolean",
        "default": True,
        "description": "Whether the sequences are shuffled before the last of them are held out; "
        "`false` where their order is that of time.",
    },
    "relevant_distance": {
        "type": ["integer", "null"],
        "minimum": 1,
        "maximum": LONGEST,
        "default": None,
        "description": "How many steps before the loss the input lies that matters, if that is "
        "known; the figures mark it.",
        "unit": "steps",
        "allowed": "1 to T - 1, or `null`",
    },
    "loss": {
        "anyOf": [{"enum": [*LOSSES]}, {"type": "null", "allowed": "`null`"}],
        "default": None,
        "description": "What an answer costs; `null` for the cross-entropy of classes, the squared "
        "error of numbers.",
    },
    "tolerance": {
        "type": "number",
        "exclusiveMinimum": 0,
        "default": TOLERANCE,
        "description": "How near to its target every output of an answer has to be to count as "
        "right, where targets are floats.",
    },
}


def own_file(options: dict) -> str:
    """Return the user's file."""
    return options["file"]


def sources(options: dict) -> dict[str, str]:
    """Return the sha256 of the file."""
    return {options["file"]: sha256(options["file"])}


def held_out_size(options: dict, sequences: int) -> int:
    """Count the sequences that are held out, one at least."""
    return max(1, round(options["held_out"] * sequences))


def read(path: str) -> Sequences:
    """Read a file of sequences that nets can be trained on.

    Raises
    ------
    OwnFileError : `read_sequences` refuses it, or `check` what it holds.
    """
    own = read_sequences(path)
    with naming(path):
        check(own)
    return own


def check(own: Sequences) -> None:
    """Refuse sequences that nets cannot be trained on.

    Raises
    ------
    ValueError : there is nothing to learn or to hold out, or numbers are out of all proportion.
    """
    if own.inputs.shape[1] < 2:
        raise ValueError("there is a single sequence; allowed: 2 or more, one is held out")
    for name in ("inputs", "targets"):
        values = getattr(own, name)
        if values.dtype.kind == "f":
            largest = max(values.max(), -values.min())
            if largest > LARGEST:
                raise ValueError(
                    f"{name} are as large as {largest:.3g}; allowed: up to {LARGEST:g}"
                )
            if name == "inputs" and largest < SMALLEST:
                raise ValueError(f"inputs are all smaller than {SMALLEST:g}: nothing to read")
        else:
            check_range(name, values, MOST_SYMBOLS)
    if own.targets.dtype.kind != "f" and np.ptp(own.targets[own.loss_mask]) == 0:
        raise ValueError("all targets are the same class: nothing to learn")


def problems(options: dict, settings: dict):
    """Yield what is wrong with the file, and batches that its sequences cannot fill."""
    try:
        check_place(options["file"])
        own = read(options["file"])
    except ValueError as error:  # also Python's own, where the path has a null character
        yield "file", str(error)
        return
    yield from misfits(own, options, settings)


def misfits(own: Sequences, options: dict, settings: dict):
    """Yield what does not go together with sequences that nets can be trained on."""
    if options["loss"] is not None:
        yield from _wrong_loss(options["loss"], own.targets)
    steps, sequences = own.inputs.shape[:2]
    held_out = held_out_size(options, sequences)
    yield from recorded.too_few(sequences - held_out, held_out, settings)
    if (options["relevant_distance"] or 1) >= steps:
        yield (
            "relevant_distance",
            f"{options['relevant_distance']} is not shorter than the sequences; allowed: 1 to "
            f"{steps - 1}, or null",
        )


def prepare(options: dict, settings: dict) -> Prepared:
    """Read the file, split the sequences, and measure what is reached without reading them.

    Raises
    ------
    OwnFileError : the file cannot be used.
    """
    file = options["file"]
    return split(read(file), options, settings, {"file": file, "file_sha256": sha256(file)})


def split(own: Sequences, options: dict, settings: dict, origin: dict) -> Prepared:
    """Split sequences, and measure what is reached without reading them.

    `origin` are facts that say where they are from.
    """
    sequences = own.inputs.shape[1]
    order = np.arange(sequences)
    if options["shuffle"]:
        order = generator(settings["base_seed"], "arrays", "split").permutation(sequences)
    parts = tuple(np.split(order, [sequences - held_out_size(options, sequences)]))
    facts = {**origin, "asked_steps": int(own.loss_mask.sum())}
    if own.targets.dtype.kind == "f":
        facts["tolerance"] = options["tolerance"]
    if options["loss"] is not None:
        facts["loss"] = options["loss"]
    if options["relevant_distance"] is not None:
        facts["relevant_distance"] = options["relevant_distance"]
    return recorded.prepare(own.inputs, own.targets, own.loss_mask, parts, settings, facts)


def batches(options: dict, arrays: dict, batch_size: int, rng: np.random.Generator):
    """Yield the training part in ever new orders."""
    return recorded.epochs(arrays, batch_size, rng)


def numbers(options: dict, facts: dict) -> dict:
    """Return what `paper/task_arrays.tex` says."""
    return {
        "DataFile": facts["file"],
        "Sequences": facts["train_sequences"] + facts["held_out_sequences"],
        "HeldOut": facts["held_out_sequences"],
        "Shuffled": options["shuffle"],
        "ReadsVectors": "input_squared_norm" in facts,
        "InputSize": facts["input_size"],
        "OutputSize": facts["output_size"],
        "AskedSteps": facts["asked_steps"],
        "RightAnswer": LOSSES[facts["loss"]](facts.get("tolerance", 0.0)).right,
    }


def _wrong_loss(name: str, targets: np.ndarray):
    """Yield that a loss is none of such targets, if it is not."""
    of_classes = targets.dtype.kind != "f"
    if LOSSES[name].of_classes != of_classes:
        fitting = [one for one, loss in LOSSES.items() if loss.of_classes == of_classes]
        yield (
            "loss",
            f"'{name}' is not a loss of {'classes, integers' if of_classes else 'numbers, floats'},"
            f" as the targets are; allowed: {', '.join(fitting)}, or null{nearest(name, fitting)}",
        )
