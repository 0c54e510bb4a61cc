"""The user's own cells, activations and tasks in a configuration, checked before any job starts."""

from collections.abc import Container, Iterator

from ..ground.imports import LONGEST_NAME, SEPARATOR, label
from ..networks import user_activation_checks, user_cell_checks
from ..networks.activations import ACTIVATIONS
from ..tasks import user_task_checks
from . import grid


def problems(config, wrong: Container[tuple], kind: str) -> Iterator[tuple[tuple, str]]:
    """Find what of the user's own in a configuration cannot be used.

    Parameters
    ----------
    config : completed, however wrong it is.
    wrong : the key paths of mistakes found before; what lies below one is not looked at.
    kind : "activation", "cell" or "task".

    Yields
    ------
    The key path of each item and what is wrong with it.
    """
    items = dict(_items(config, wrong, kind))
    labels: dict[str, set[str]] = {}
    for name in items.values():
        labels.setdefault(_label(name), set()).add(name)
    known: dict[tuple, str | None] = {}
    for keys, name in items.items():
        if SEPARATOR not in name:
            continue
        message = _problem(config, wrong, keys[1], name, kind, known)
        others = sorted(labels[_label(name)] - {name})
        if message:
            yield keys, f"{name[:LONGEST_NAME]!r}: {message}"
        elif others and kind != "task":
            yield (
                keys,
                f"{name!r} and '{others[0]}' would have one name in figures and tables; allowed: "
                "names that differ in more than underscores and capital letters",
            )


def _label(name: str) -> str:
    """Return what figures and tables call a thing, in small letters."""
    if SEPARATOR in name:
        return label(name).casefold()
    return (ACTIVATIONS[name].label if name in ACTIVATIONS else name.replace("_", " ")).casefold()


def _right(keys: tuple, wrong: Container[tuple]) -> bool:
    """Tell whether no mistake was found at a key path or above it."""
    return not any(keys[:depth] in wrong for depth in range(len(keys) + 1))


def _items(config, wrong: Container[tuple], kind: str) -> Iterator[tuple[tuple, str]]:
    """Yield the key path and the name of every thing of a kind."""
    for keys, value in _places(config, wrong, kind):
        if _right(keys, wrong):
            yield keys, value


def _places(config, wrong: Container[tuple], kind: str) -> Iterator[tuple[tuple, str]]:
    """Yield where a configuration names things of a kind, and what it names."""
    for name, experiment in (
        config["experiments"].items() if _right(("experiments",), wrong) else ()
    ):
        where = ("experiments", name)
        # The validator loses the places of mistakes beside a name that is None.
        if not isinstance(name, str) or not _right(where, wrong):
            continue
        if kind == "task":
            if _right((*where, "task"), wrong):
                yield (*where, "task", "name"), experiment["task"].get("name")
            continue
        listed, remedies = (*where, "grid", f"{kind}s"), (*where, "grid", "remedies")
        if _right(listed, wrong):
            for place, value in enumerate(experiment["grid"][f"{kind}s"]):
                yield (*listed, place), value
        if kind == "cell" and _right(remedies, wrong):
            for remedy, changes in experiment["grid"]["remedies"].items():
                if _right((*remedies, remedy), wrong) and "cell" in changes:
                    yield (*remedies, remedy, "cell"), changes["cell"]


def _problem(config, wrong, experiment: str, name: str, kind: str, known: dict) -> str | None:
    """Say what is wrong with one thing; what is asked for again is not looked at again."""
    own = config["experiments"][experiment]

    def usable(*sections: str) -> bool:
        return all(
            keys[:3] != ("experiments", experiment, part) for keys in wrong for part in sections
        )

    if kind == "activation":
        if (name,) not in known:
            known[name,] = user_activation_checks.problem(name)
        return known[name,]
    if kind == "cell":
        options = own["model"] if usable("model") else None
        key = name, str(options)
        if key not in known:
            known[key] = user_cell_checks.problem(name, options)
        return known[key]
    given = None
    if usable("task", "training", "measurement") and ("base_seed",) not in wrong:
        given = own["task"], grid.task_settings(config, experiment), own
    return user_task_checks.problem(name, given)
