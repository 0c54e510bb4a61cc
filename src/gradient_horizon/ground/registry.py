"""Registries: activations, cells and tasks by name."""

from collections.abc import Callable, Iterator, Mapping

from . import imports
from .names import nearest


class UnknownNameError(KeyError):
    """A name that is not registered, said in one line for the user."""

    def __str__(self) -> str:
        """Return the line itself, which a `KeyError` would put in quotes."""
        return self.args[0]


class Registry(Mapping):
    """Things of one kind by name; what is the user's own is imported when it is asked for.

    Its items are the registered ones alone.

    Parameters
    ----------
    kind : what they are, in a word for the user.
    registered : the things by name.  Or the dotted name of a module whose `REGISTERED` says in
        which module beside it each is, `module` or `module:name`: nothing is imported before it is
        asked for, and a job depends on no more than it uses.
    own : `own(name)` takes `module:name` and returns a thing of the user's.

    Raises
    ------
    UnknownNameError : for a name that is not registered and is none of the user's own.
    imports.UserCodeError : for one that is, and cannot be imported.
    """

    def __init__(self, kind: str, registered: Mapping | str, own: Callable[[str], object]):
        self.kind, self.own = kind, own
        self._registered = registered
        self._found: dict[str, object] = {}

    @property
    def _by_name(self) -> Mapping:
        """The things or, by the same names, the modules in which they are."""
        if not isinstance(self._registered, str):
            return self._registered
        package = self._registered.rpartition(".")[0]
        listed = imports.registered(f"{self._registered}:REGISTERED")
        return {name: f"{package}.{place}" for name, place in listed.items()}

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_name)

    def __len__(self) -> int:
        return len(self._by_name)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name in self._by_name

    def __getitem__(self, name: str):
        if name not in self._found:
            self._found[name] = _object(self._imported(name))
        return self._found[name]

    def find(self, given):
        """Return what a name stands for; what is no name stands for itself."""
        return self[given] if isinstance(given, str) else _object(given)

    def place(self, name: str) -> str | None:
        """Return `module:name` or `module`, where the code is; None of what is always imported."""
        if imports.SEPARATOR in name:
            return name
        return self._by_name[name] if isinstance(self._registered, str) else None

    def _imported(self, name: str):
        if name in self:
            known = self._by_name[name]
            return known if self.place(name) is None else imports.registered(known)
        if isinstance(name, str) and imports.SEPARATOR in name:
            return self.own(name)
        raise UnknownNameError(
            f"{name!r} is no known {self.kind}; allowed: {', '.join(self)}, or "
            f"`module:name` of your own{nearest(name, self)}"
        )


def _object(found):
    """Make an object of a class."""
    return found() if isinstance(found, type) else found
