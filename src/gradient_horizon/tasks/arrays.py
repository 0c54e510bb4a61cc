"""The user's own sequences: an .npz with inputs, targets and, if not all steps count, a mask.

What `own_arrays` allows: symbols or vectors in, classes or numbers out.  The arrays have time as
their first axis and the sequences as their second.
"""

import numpy as np

from ..ground.seeds import generator
from ..ground.user_files import check_place, sha256
from . import TOLERANCE, Prepared, recorded
from .user_arrays import LONGEST, read_sequences

OPTIONS = {
    "file": {
        "type": "string",
        "minLength": 1,
        "description": "An `.npz` with the arrays `inputs`, (T, S) integers or (T, S, D) floats, "
        "and `targets`, (T, S) integers for classes or (T, S, O) floats for numbers: T steps of S "
        "sequences. `loss_mask`, (T,) bool, may say which steps carry a loss.",
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


def problems(options: dict, settings: dict):
    """Yield what is wrong with the file, and batches that its sequences cannot fill."""
    try:
        check_place(options["file"])
        own = read_sequences(options["file"])
    except ValueError as error:  # also Python's own, where the path has a null character
        yield "file", str(error)
        return
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
    own = read_sequences(options["file"])
    sequences = own.inputs.shape[1]
    order = np.arange(sequences)
    if options["shuffle"]:
        order = generator(settings["base_seed"], "arrays", "split").permutation(sequences)
    parts = tuple(np.split(order, [sequences - held_out_size(options, sequences)]))
    facts = {
        "file": options["file"],
        "file_sha256": sha256(options["file"]),
        "asked_steps": int(own.loss_mask.sum()),
    }
    if own.targets.dtype.kind == "f":
        facts["tolerance"] = options["tolerance"]
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
    }
