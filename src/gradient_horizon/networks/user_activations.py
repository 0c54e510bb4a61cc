"""Activations of the user's own: a function and its derivative, imported by their names.

`my_activations:mish` is the function `mish` of the module `my_activations`, and `mish_slope` beside
it is its derivative.  The module is looked for in the environment and in the folder where the run
is started.  Importing a module runs it: this is the one place where the configuration may name
code, and it does so by the names that an import statement would have, never by a path.
"""

import importlib
import re
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np

from ..ground.files import FileError
from ..ground.names import nearest

SEPARATOR = ":"
SLOPE = "_slope"
# A module as in `import`, and a function whose name can stand in a path and in LaTeX.
NAME = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z]\w*", re.ASCII)
LONGEST_NAME = 100
GUESS = "; did you mean"
ALLOWED = (
    "`module:function`, at most 100 letters without accents, digits and underscores, of a module "
    "in this folder or the environment that has `function` and `function_slope`"
)

# The forward pass takes an activation to lie on its asymptotes from this |a| on.
FARTHEST = 2.0**500
# What is larger beyond this |a| than before it, by more than this, has no bound.
BEND = 2.0**250
ROUNDING = 1e-9

# Where the largest slope and value are looked for: activations have their structure near 0.
FINE = np.linspace(-40.0, 40.0, 80_001)
TAIL = np.geomspace(40.0, FARTHEST, 2000)
PLACES = np.concatenate([-TAIL[:0:-1], FINE, TAIL[1:]])
# The highest places of the grid that are looked at more closely, so many times 50-fold.
PEAKS, REFINEMENTS = 8, 7


class OwnActivationError(FileError):
    """A function of the user's that cannot be used, said in one line."""


def label(name: str) -> str:
    """Name a function as figures and tables do: `my_activations:hard_mish` is hard mish."""
    return " ".join(filter(None, name.partition(SEPARATOR)[2].split("_")))


def load(name: str) -> dict:
    """Import an activation and find its bounds.

    Parameters
    ----------
    name : `module:function`.

    Returns
    -------
    The attributes of `activations.Activation`.  The bounds are the largest |phi'| and |phi| for
    |a| <= 2^500 on a grid, refined around its highest places: exact to rounding but for peaks
    narrower than the grid, 0.001 near 0.  Where phi still grows beyond 2^250 its bound is inf.

    Raises
    ------
    OwnActivationError : the module cannot be imported or lacks one of the two functions.
    """
    return described_by(label(name), *functions(name))


def described_by(label: str, value: Callable, slope: Callable) -> dict:
    """Return what `load` does, of a function and its derivative."""
    value, slope = elementwise(value), elementwise(slope)
    size, beyond = np.abs(value(PLACES)), np.abs(PLACES) > BEND
    rises = size[beyond].max() > (1.0 + ROUNDING) * size[~beyond].max()
    return {
        "label": label,
        "value": value,
        "slope": slope,
        "slope_from_value": None,
        "slope_bound": _largest(slope),
        "value_bound": np.inf if rises else _largest(value),
    }


def functions(name: str) -> tuple[Callable, Callable]:
    """Import a function and its derivative.

    Raises
    ------
    OwnActivationError : the name is none, the module cannot be imported or lacks one of the two.
    """
    if len(name) > LONGEST_NAME or not NAME.fullmatch(name):
        likely = re.sub(r"\.py(?=:)", "", name).replace("/", ".").strip(".")
        hint = f"{GUESS} '{likely}'?" if likely != name and NAME.fullmatch(likely) else ""
        raise OwnActivationError(f"not a name that can be imported; allowed: {ALLOWED}{hint}")
    module = import_module_of(name)
    function = name.partition(SEPARATOR)[2]
    return tuple(_function_of(module, wanted) for wanted in (function, function + SLOPE))


def import_module_of(name: str) -> ModuleType:
    """Import the module of `module:function`, of the environment or the working folder.

    Raises
    ------
    OwnActivationError : there is none, or importing it fails, in whatever way.
    """
    module, _, function = name.partition(SEPARATOR)
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.append(here)  # last, so that no file there takes the place of a package
    importlib.invalidate_caches()
    writes_bytecode = sys.dont_write_bytecode
    # Compiled files are told from their source by its date and size, which an edit may leave.
    sys.dont_write_bytecode = True
    try:
        return importlib.import_module(module)
    except (Exception, SystemExit) as error:
        missing = error.name if isinstance(error, ModuleNotFoundError) else None
        if missing and f"{module}.".startswith(f"{missing}."):
            files = [path.stem for path in Path.cwd().glob("*.py")]
            hint = nearest(module, files, after=SEPARATOR + function)
            message = f"there is no module '{missing}'; allowed: {ALLOWED}{hint}"
        else:
            what = f"the module '{module}' cannot be imported: {described(error)}"
            message = f"{what}; allowed: one that can"
        raise OwnActivationError(message) from error
    finally:
        sys.dont_write_bytecode = writes_bytecode


def _function_of(module: ModuleType, name: str) -> Callable:
    """Return a function of a module.

    Raises
    ------
    OwnActivationError : it has none of that name.
    """
    found = getattr(module, name, None)
    if callable(found):
        return found
    whole = name.removesuffix(SLOPE)
    message = f"the module '{module.__name__}' has no function '{name}'; allowed: {ALLOWED}"
    if whole != name and hasattr(module, whole):
        raise OwnActivationError(message)
    top = Path(module.__name__.split(".")[0])
    own = [path for path in (top.with_suffix(".py"), top / "__init__.py") if path.exists()]
    if own and not Path(getattr(module, "__file__", None) or "/").is_relative_to(Path.cwd()):
        message += f" ({own[0]} is not read: the environment has another module of that name)"
    pairs = [key for key in vars(module) if callable(getattr(module, key + SLOPE, None))]
    near = nearest(whole, pairs, before=module.__name__ + SEPARATOR)
    raise OwnActivationError(message + near)


def elementwise(function: Callable) -> Callable:
    """Turn a function of an array into one that keeps its precision and takes `out`."""

    def call(a, out=None):
        with np.errstate(all="ignore"):
            result = function(a)
            out = np.empty_like(a) if out is None else out
            out[...] = result
        return out

    return call


def described(error: BaseException) -> str:
    """Say what kind of an error it is, and what it says, in a line that is not too long."""
    return f"{type(error).__name__}: {' '.join(str(error).split())}"[:200].rstrip(" :")


def _largest(function: Callable) -> float:
    """Largest |f| for |a| <= 2^500, as far as a grid and its refinements show."""
    size = np.abs(function(PLACES))
    largest = size.max()
    inner = size[1:-1]
    tops = 1 + np.flatnonzero((inner >= size[:-2]) & (inner >= size[2:]))
    for top in tops[np.argsort(size[tops], kind="stable")[-PEAKS:]]:
        low, high = PLACES[top - 1], PLACES[top + 1]
        for _ in range(REFINEMENTS):
            closer = np.linspace(low, high, 101)
            size_there = np.abs(function(closer))
            place = size_there.argmax()
            largest = max(largest, size_there[place])
            low, high = closer[max(place - 1, 0)], closer[min(place + 1, 100)]
    return float(largest)
