"""The library modules that a script uses, and a digest of their code.

Rules carry the digest as a parameter: a change in a module runs again just the stages that use
it, however old the file's date is.
"""

import ast
import hashlib
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).parent


@cache
def modules(script: Path) -> tuple[Path, ...]:
    """Return `script` and the library files that it imports, transitively, sorted."""
    found, waiting = set(), [script.resolve()]
    while waiting:
        file = waiting.pop()
        if file not in found:
            found.add(file)
            waiting += _imported(file, file.read_bytes())
    return tuple(sorted(found))


def digest(script: Path, *others: Path) -> str:
    """Return the sha256 of a script, of all library code that it imports, and of other files."""
    total = hashlib.sha256()
    for file in (*modules(script), *others):
        total.update(file.name.encode())
        total.update(file.read_bytes())
    return total.hexdigest()[:16]


@cache  # most modules are used by several scripts
def _imported(file: Path, source: bytes) -> list[Path]:
    """Library files that one file imports, packages' own files included."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {tuple(alias.name.split(".")) for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = tuple((node.module or "").split(".")) if node.module else ()
            if node.level:
                folder = file.parent
                for _ in range(node.level - 1):
                    folder = folder.parent
                base = (*folder.relative_to(PACKAGE.parent).parts, *base)
            # `from package import name` may mean a module of the package.
            names |= {(*base, alias.name) for alias in node.names} | {base}
    return [path for name in names if name[:1] == (PACKAGE.name,) for path in _files(name)]


def _files(name: tuple[str, ...]) -> list[Path]:
    """Files that importing a dotted name runs: every package on the way, then the module."""
    files = []
    for depth in range(1, len(name) + 1):
        place = PACKAGE.parent.joinpath(*name[:depth])
        files += [path for path in (place / "__init__.py", place.with_suffix(".py"))]
    return [path for path in files if path.is_file()]
