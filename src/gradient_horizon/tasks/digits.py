"""Handwritten digits, read row by row or pixel by pixel; the class is asked for at the end.

The 1,797 images of 8 x 8 pixels that come with scikit-learn: the test part of the optical digits of
Alpaydin and Kaynak (1998).  Reading images so is the task of Le, Jaitly and Hinton (2015), section
4.2, and permuting the pixels, by one permutation for all images, is theirs too.
"""

from importlib.metadata import version

import numpy as np

from ..ground.seeds import generator
from . import Prepared, recorded

SIDE = 8
BRIGHTEST = 16
# How many images there are of each digit (a test counts them).
CLASS_SIZES = (178, 182, 177, 183, 181, 182, 181, 179, 174, 180)

OPTIONS = {
    "by": {
        "type": "string",
        "enum": ["row", "pixel"],
        "default": "row",
        "description": "What is read at a step: a row of 8 pixels, T = 8 and D = 8, or one pixel, "
        "T = 64 and D = 1.",
    },
    "permuted": {
        "type": "boolean",
        "default": False,
        "description": "Whether the pixels are permuted, all images alike, before they are read.",
    },
    "held_out": {
        "type": "number",
        "exclusiveMinimum": 0,
        "maximum": 0.5,
        "default": 0.2,
        "description": "Part of the images of every digit that no net is trained on.",
        "unit": "fraction",
    },
}


def sources(options: dict) -> dict[str, str]:
    """Return what the images depend on."""
    return {"scikit-learn": version("scikit-learn")}


def held_out_sizes(options: dict) -> list[int]:
    """Count the images of each digit that are held out, one at least."""
    return [max(1, round(options["held_out"] * size)) for size in CLASS_SIZES]


def problems(options: dict, settings: dict):
    """Yield the batches that the images cannot fill."""
    held_out = sum(held_out_sizes(options))
    yield from recorded.too_few(sum(CLASS_SIZES) - held_out, held_out, settings)


def split(
    labels: np.ndarray, sizes: list[int], rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Hold out so many images of each digit, drawn at random.

    Parameters
    ----------
    labels : (S,) int.
    sizes : how many of each class.

    Returns
    -------
    The numbers of the others, and of those held out, each in random order.
    """
    order = rng.permutation(len(labels))
    held_out = np.zeros(len(labels), dtype=bool)
    for digit, size in enumerate(sizes):
        held_out[order[labels[order] == digit][:size]] = True
    return order[~held_out[order]], order[held_out[order]]


def prepare(options: dict, settings: dict) -> Prepared:
    """Read the images, cut them into steps and split them, the same way in all experiments."""
    from sklearn.datasets import load_digits  # a second and more, which only this task needs

    images, labels = load_digits(return_X_y=True)
    base_seed = settings["base_seed"]
    if options["permuted"]:
        images = images[:, generator(base_seed, "digits", "permutation").permutation(SIDE**2)]
    width = {"row": SIDE, "pixel": 1}[options["by"]]
    inputs = (images / BRIGHTEST).reshape(len(images), -1, width).swapaxes(0, 1)
    targets = np.zeros(inputs.shape[:2], dtype=np.int64)
    targets[-1] = labels
    loss_mask = np.arange(len(inputs)) == len(inputs) - 1
    parts = split(labels, held_out_sizes(options), generator(base_seed, "digits", "split"))
    return recorded.prepare(inputs, targets, loss_mask, parts, settings, {})


def batches(options: dict, arrays: dict, batch_size: int, rng: np.random.Generator):
    """Yield the training part in ever new orders."""
    return recorded.epochs(arrays, batch_size, rng)


def numbers(options: dict, facts: dict) -> dict:
    """Return what `paper/task_digits.tex` says."""
    return {
        "ByRow": options["by"] == "row",
        "Permuted": options["permuted"],
        "Images": facts["train_sequences"] + facts["held_out_sequences"],
        "HeldOut": facts["held_out_sequences"],
        "ChanceLoss": facts["baselines"]["the class frequencies"],
    }
