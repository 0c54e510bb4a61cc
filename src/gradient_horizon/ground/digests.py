"""The library modules that a script uses, and a digest of their code.

Rules carry the digest as a parameter: a change in a module runs again just the stages that use
it, however old the file's date is.
"""

import ast
import hashlib
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from . import imports
from .project import PACKAGE


@cache
def modules(script: Path) -> tuple[Path, ...]:
    """Return `script` and the library files that it imports, transitively, sorted."""
    return _reachable([script.resolve()], PACKAGE.parent, PACKAGE.name)


def digest(script: Path, *others: Path) -> str:
    """Return the sha256 of a script, of all library code that it imports, and of other files."""
    return _sha256([*modules(script), *others])


def place_digest(place: str) -> str:
    """Return the sha256 of the code of what a registry imports, and of what that imports.

    Of the user's own, only what its module imports from its own package counts or, where it lies in
    the folder in which the run is started, from that folder.

    Parameters
    ----------
    place : `module:name` or `module`, as `registry.Registry.place` has it.

    Raises
    ------
    imports.UserCodeError : a module of the user's cannot be imported.
    """
    module = place.partition(imports.SEPARATOR)[0]
    folder, package = PACKAGE.parent, module.partition(".")[0]
    if package != PACKAGE.name:
        file = Path(imports.user_module(place).__file__)
        folder = file.parents[module.count(".") + (file.name == "__init__.py")]
        package = None if folder == Path.cwd() else package
    return _sha256(place_modules(module, folder, package))


def place_modules(module: str, folder: Path, package: str | None) -> tuple[Path, ...]:
    """Return the files of a module and of what it imports, transitively, sorted.

    Parameters
    ----------
    module : its dotted name below `folder`.
    folder : where its top-level package lies.
    package : only what is imported from this package counts; None for all that is in the folder.
    """
    return _reachable(_files(tuple(module.split(".")), folder), folder, package)


def _reachable(waiting: list[Path], folder: Path, package: str | None) -> tuple[Path, ...]:
    """Files and what they import from a folder, or from one package in it, transitively, sorted."""
    found = set()
    while waiting:
        file = waiting.pop()
        if file not in found:
            found.add(file)
            waiting += _imported(file, file.read_bytes(), folder, package)
    return tuple(sorted(found))


def _sha256(files: Iterable[Path]) -> str:
    total = hashlib.sha256()
    for file in files:
        total.update(file.name.encode())
        total.update(file.read_bytes())
    return total.hexdigest()[:16]


@cache  # most modules are used by several scripts
def _imported(file: Path, source: bytes, folder: Path, package: str | None) -> set[Path]:
    """The files that importing what one file imports runs, of a folder or one package in it."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):  # Python cannot import it either
        return set()
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {tuple(alias.name.split(".")) for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = tuple((node.module or "").split(".")) if node.module else ()
            if node.level:
                place = file.parent
                for _ in range(node.level - 1):
                    place = place.parent
                base = (*place.relative_to(folder).parts, *base)
            # `from package import name` may mean a module of the package.
            names |= {(*base, alias.name) for alias in node.names} | {base}
    return {
        path
        for name in names
        if package is None or name[:1] == (package,)
        for path in _files(name, folder)
    }


def _files(name: tuple[str, ...], folder: Path) -> list[Path]:
    """Files that importing a dotted name runs: every package on the way, then the module."""
    files = []
    for depth in range(1, len(name) + 1):
        place = folder.joinpath(*name[:depth])
        files += [path for path in (place / "__init__.py", place.with_suffix(".py"))]
    return [path for path in files if path.is_file()]
