"""Weights that a file holds as the parts that they are made of.

Weight normalisation (Salimans and Kingma, 2016), w = g v / |v|, is worked out.  What other
parametrisations make of their parts is not in the file: they are named, with what to do.
"""

import re

import numpy as np

from .layers import LIVE
from .tensor_file import TensorFile

PARAMETRISED = re.compile(r"((?:.*\.)?)parametrizations\.([^.]+)\.(.+)", re.DOTALL)
# How the parts of a weight end under the older functions of torch.nn.utils.
WEIGHT_NORM, SPECTRAL_NORM, WEIGHT_DROP = ("_g", "_v"), ("_orig", "_u"), "_raw"
# Other parts than the tensors that are always there.
KINDS = {"base": "orthogonal", "_u": "spectral norm"}


def worked_out(file: TensorFile) -> TensorFile:
    """Return the file with every weight in place of its parts.

    Raises
    ------
    files.FileError : a weight is made of its parts in a way that does not show in the file.
    """
    made, gone = {}, set()
    for (module, weight), own in _new(file).items():
        name = f"{module}{weight}"
        if set(own) != {"original0", "original1"}:
            raise _refusal(file, module, weight, own)
        made[name] = _normalised(file, name, own["original0"], own["original1"])
        gone |= set(own.values())
    for name in file.shapes:
        whole, size, direction = name[:-2], name, f"{name[:-2]}_v"
        if name.endswith(WEIGHT_NORM[0]) and direction in file.shapes and whole not in file.shapes:
            made[whole] = _normalised(file, whole, size, direction)
            gone |= {size, direction}
        module, _, last = name.rpartition(".")
        if last.endswith(SPECTRAL_NORM[0]) and f"{name[:-5]}_u" in file.shapes:
            raise file.refusal(
                f"{name[:-5]} has a spectral norm; before saving: torch.nn.utils."
                f'remove_spectral_norm(net.{module}, "{last[:-5]}"); or {LIVE}'
            )
        if re.fullmatch(r"weight_hh_l\d+_raw", last):
            raise file.refusal(
                f"{name} is a recurrent weight under weight drop, whose name in use is "
                f"{last[:-4]}; {LIVE}"
            )
    return file.replaced(made, gone) if made else file


def _new(file: TensorFile) -> dict[tuple[str, str], dict[str, str]]:
    """Return the parts of torch.nn.utils.parametrize, by module and weight."""
    found: dict[tuple[str, str], dict[str, str]] = {}
    for name in file.shapes:
        if match := PARAMETRISED.fullmatch(name):
            module, weight, part = match.groups()
            found.setdefault((module, weight), {})[part] = name
    return found


def _normalised(file: TensorFile, name: str, size: str, direction: str) -> np.ndarray:
    """Return g v / |v|; the norm is over the axes that g has not, all of them if it has none."""
    g, v = file.values(size), file.values(direction)
    kept = [axis for axis in range(v.ndim) if g.ndim == v.ndim and g.shape[axis] == v.shape[axis]]
    fits = g.size == 1 or (
        g.ndim == v.ndim and all(g.shape[axis] in (1, v.shape[axis]) for axis in range(v.ndim))
    )
    if not fits or len(kept) == v.ndim > 1:
        raise file.refusal(
            f"{name} is made of {size}, {g.shape}, and {direction}, {v.shape}, which is no weight "
            f"norm; {LIVE}"
        )
    over = tuple(axis for axis in range(v.ndim) if axis not in kept or g.size == 1)
    norm = np.sqrt(np.square(v).sum(axis=over, keepdims=True))
    if not norm.all():
        raise file.refusal(f"{name} has a weight norm, and a part of {direction} is zero")
    return g.reshape(norm.shape) * v / norm


def _refusal(file: TensorFile, module: str, weight: str, own: dict[str, str]):
    """Name a parametrisation for what it is, with the two lines that remove it."""
    ends = {part.rpartition(".")[2] for part in own}
    kind = next((kind for end, kind in KINDS.items() if end in ends), "not a weight norm")
    owner = f"net.{module.rstrip('.')}" if module else "net"
    return file.refusal(
        f"{module}{weight} is parametrised ({kind}): {', '.join(own.values())} are what it is made "
        "of, not the weight; before saving:\n"
        f"    from torch.nn.utils import parametrize\n"
        f'    parametrize.remove_parametrizations({owner}, "{weight}")\n'
        f"or {LIVE}"
    )
