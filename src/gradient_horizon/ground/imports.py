"""Code that is imported by its name: what the library has registered, and what is the user's own.

`my_activations:mish` is what the module `my_activations` calls `mish`.  A user's module is looked
for in the environment and in the folder where the run is started.  Importing a module runs it: this
is the one place where the configuration may name code, and it does so by the names that an import
statement would have, never by a path.
"""

import importlib
import re
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

from .files import FileError
from .names import nearest

SEPARATOR = ":"
# A module as in `import`, and a name in it that can stand in a path and in LaTeX.
NAME = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z]\w*", re.ASCII)
LONGEST_NAME = 100
GUESS = "; did you mean"


class UserCodeError(FileError):
    """Code of the user's that cannot be used, said in one line."""


def registered(place: str):
    """Import `module:name` of the library, or a whole `module`."""
    module, _, name = place.partition(SEPARATOR)
    found = importlib.import_module(module)
    return getattr(found, name) if name else found


def label(name: str) -> str:
    """Name a thing as figures and tables do: `my_activations:hard_mish` is hard mish."""
    return " ".join(filter(None, name.partition(SEPARATOR)[2].split("_")))


def of_user(name: str, kind: str, allowed: str, meant: Callable[[object], bool]):
    """Import what the user calls `module:name`.

    Parameters
    ----------
    name : as the configuration has it.
    kind : what it is to be, in a word for the user.
    allowed : what is allowed, in words for the user.
    meant : tells whether another thing in the module is one that may have been meant.

    Raises
    ------
    UserCodeError : the name cannot be one, the module cannot be imported, or it has no such name.
    """
    module, key = user_module(name, allowed), name.partition(SEPARATOR)[2]
    if hasattr(module, key):
        return getattr(module, key)
    others = [other for other, value in vars(module).items() if meant(value)]
    raise not_found(module, kind, key, allowed, others)


def not_found(
    module: ModuleType, kind: str, key: str, allowed: str, others: Iterable[str] = ()
) -> UserCodeError:
    """Return the error that a module lacks a name; one of the `others` may have been meant."""
    top = Path(module.__name__.split(".")[0])
    own = [path for path in (top.with_suffix(".py"), top / "__init__.py") if path.exists()]
    message = f"the module '{module.__name__}' has no {kind} '{key}'; allowed: {allowed}"
    if own and not Path(getattr(module, "__file__", None) or "/").is_relative_to(Path.cwd()):
        message += f" ({own[0]} is not read: the environment has another module of that name)"
    return UserCodeError(message + nearest(key, others, before=module.__name__ + SEPARATOR))


def user_module(name: str, allowed: str = "a module that there is") -> ModuleType:
    """Import the module of `module:name`, of the environment or the working folder.

    Raises
    ------
    UserCodeError : the name cannot be one, there is no such module, or importing it fails, in
        whatever way.
    """
    if len(name) > LONGEST_NAME or not NAME.fullmatch(name):
        likely = re.sub(r"\.py(?=:)", "", name).replace("/", ".").strip(".")
        hint = f"{GUESS} '{likely}'?" if likely != name and NAME.fullmatch(likely) else ""
        raise UserCodeError(f"not a name that can be imported; allowed: {allowed}{hint}")
    module, _, key = name.partition(SEPARATOR)
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
            hint = nearest(module, files, after=SEPARATOR + key)
            message = f"there is no module '{missing}'; allowed: {allowed}{hint}"
        else:
            what = f"the module '{module}' cannot be imported: {described(error)}"
            message = f"{what}; allowed: one that can"
        raise UserCodeError(message) from error
    finally:
        sys.dont_write_bytecode = writes_bytecode


def described(error: BaseException) -> str:
    """Say what kind of an error it is, and what it says, in a line that is not too long."""
    return f"{type(error).__name__}: {' '.join(str(error).split())}"[:200].rstrip(" :")


@contextmanager
def calling(what: str) -> Iterator[None]:
    """Say in one line what goes wrong in code of the user's that is called in the block.

    Raises
    ------
    UserCodeError : it raises anything, with the place where.
    """
    try:
        yield
    except UserCodeError:
        raise
    except (Exception, SystemExit) as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
        place = f" ({Path(last.filename).name}, line {last.lineno})"
        raise UserCodeError(
            f"{what} raises {described(error)}{place}; allowed: what raises nothing"
        ) from error
