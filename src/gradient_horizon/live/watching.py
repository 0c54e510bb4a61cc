"""While it takes long: a bar with the time left, and Ctrl-C that loses nothing."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tqdm.auto import tqdm


@contextmanager
def distance_bar(name: str, shown: bool) -> Iterator[Callable[[int, int], bool]]:
    """Show a bar over distances after five seconds; what is given never ends the walk.

    It is shown in a terminal or a notebook: a log would be full of it.
    """
    disable = None if shown else True
    with tqdm(desc=name, unit=" distances", delay=5.0, disable=disable, leave=False) as bar:

        def step(done: int, most: int) -> bool:
            bar.total = most
            bar.update(done - bar.n)
            return False

        yield step


@contextmanager
def interrupts() -> Iterator[Callable[[], bool]]:
    """Remember a first Ctrl-C instead of raising it; a second one is raised."""
    seen = []
    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    before = signal.getsignal(signal.SIGINT)

    def remember(number, frame) -> None:
        seen.append(number)
        signal.signal(signal.SIGINT, before)

    if callable(before):
        signal.signal(signal.SIGINT, remember)
    try:
        yield lambda: bool(seen)
    finally:
        if callable(before):
            signal.signal(signal.SIGINT, before)
