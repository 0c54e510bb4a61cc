"""The user's sequences, in whatever form they come: checked as those of a file are."""

from collections.abc import Mapping

import numpy as np

from ..ground.names import nearest
from ..ground.user_arrays import NEEDED, OPTIONAL, Sequences, checked

NAMES = (*NEEDED, *OPTIONAL)


def sequences(given) -> Sequences:
    """Return inputs, targets and mask, given in this order or by name.

    Raises
    ------
    TypeError : there are too few or too many, one of another name, or what is no array.
    ValueError : they are not T steps of S sequences.
    """
    if isinstance(given, Mapping):
        named = dict(given)
    elif isinstance(given, tuple | list):
        if len(given) > len(NAMES):
            raise TypeError(f"there are {len(given)} arrays; allowed: {', '.join(NAMES)}")
        named = dict(zip(NAMES, given, strict=False))
    else:
        raise TypeError(
            f"{type(given).__name__} holds no sequences; allowed: (inputs, targets) or "
            "(inputs, targets, loss_mask), or these arrays by name"
        )
    for name in named:
        if name not in NAMES:
            raise TypeError(
                f"there is no place for {name!r}; allowed: {', '.join(NAMES)}{nearest(name, NAMES)}"
            )
    for name in NEEDED:
        if named.get(name) is None:
            raise TypeError(f"{name} are missing; allowed: {', '.join(NAMES)}, the last if needed")
    return checked(**{name: array(name, part) for name, part in named.items() if part is not None})


def array(name: str, values) -> np.ndarray:
    """Return an array, or say that none can be made.

    Raises
    ------
    TypeError : NumPy, or the library that a tensor is from, refuses.
    """
    try:
        return np.asarray(values)
    except Exception as error:
        reason = " ".join(str(error).split())
        kind = type(values).__name__
        raise TypeError(f"{name}: no array can be made of this {kind}: {reason}") from None
