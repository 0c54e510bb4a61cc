"""Reading configuration files as Snakemake does, and saying why and where it could not.

Snakemake reads these files itself, but where it cannot it says little or shows a traceback, and
of a key that is given twice it silently takes the last.
"""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import yaml

from ..ground import project

DEFAULT = Path("config", "config.yaml")


def default_file() -> Path:
    """Return the configuration that others are laid over: this folder's, or the project's own."""
    return DEFAULT if DEFAULT.exists() else project.ROOT / DEFAULT


def merged(files: Sequence[str | Path], default: str | Path | None = None) -> dict:
    """Return what files without `problems` say together, as Snakemake reads them.

    Parameters
    ----------
    files : each is laid over those before it.
    default : what all of them are laid over, if anything.
    """
    together: dict = {}
    for file in files:
        _lay_over(together, _content(file))
    if default is None:
        return together
    whole = _content(default)
    _lay_over(whole, together)
    return whole


def _content(file: str | Path) -> dict:
    """Read a file that has no `problems`."""
    return _read(Path(file).read_text(encoding="utf-8"))[1]


def _lay_over(whole: dict, change: dict) -> None:
    """Put what a configuration says into another; of two mappings both count."""
    for key, value in change.items():
        if isinstance(value, dict):
            if not isinstance(whole.get(key), dict):
                whole[key] = {}
            _lay_over(whole[key], value)
        else:
            whole[key] = value


def problems(file: str | Path) -> list[str]:
    """Return one line for each reason why a YAML or JSON file cannot be the configuration."""
    try:
        text = Path(file).read_text(encoding="utf-8")
        repeated, content = _read(text)
    except UnicodeDecodeError as error:
        return [f"{file}: not UTF-8 text (at byte {error.start})"]
    except OSError as error:
        return [f"{file}: {error.strerror}"]
    except yaml.MarkedYAMLError as error:
        return [f"{file}: not YAML{_place(error.problem_mark)}: {error.problem}"]
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        return [f"{file}: not YAML: {' '.join(str(error).split())}"]
    if not isinstance(content, dict):
        return [f"{file}: a configuration has keys and values, such as `base_seed: 1`"]
    return [
        f"{file}: the key '{node.value}' is given twice{_place(node.start_mark)}"
        for node in repeated
    ]


def _read(text: str) -> tuple[list[yaml.ScalarNode], object]:
    """Return the keys that are given more than once, and the content as Snakemake reads it."""
    try:
        return [], json.loads(text)
    except ValueError:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        return list(_repeated_keys(root, set())), yaml.safe_load(text)


def _repeated_keys(node: yaml.Node | None, visited: set[int]) -> Iterator[yaml.ScalarNode]:
    """Find keys that stand in a mapping before; what an alias repeats is looked at once."""
    if node is None or isinstance(node, yaml.ScalarNode) or id(node) in visited:
        return
    visited.add(id(node))
    is_mapping = isinstance(node, yaml.MappingNode)
    names = set()
    for key in [key for key, _ in node.value] if is_mapping else []:
        if isinstance(key, yaml.ScalarNode):
            if key.value in names:
                yield key
            names.add(key.value)
    for inner in [value for _, value in node.value] if is_mapping else node.value:
        yield from _repeated_keys(inner, visited)


def _place(mark: yaml.Mark | None) -> str:
    """Say where in the file, as an editor counts."""
    return f" (line {mark.line + 1}, column {mark.column + 1})" if mark else ""
