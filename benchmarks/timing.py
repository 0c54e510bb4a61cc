"""Times by interleaved rounds and medians, in processor time, and the peak they are held against.

Other programs on the machine slow some rounds down; interleaving lets all contestants suffer alike,
and the median forgets the rounds that were hit.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import SimpleNamespace

import numpy as np

SHORTEST_ROUND = 0.02  # seconds; shorter work is repeated within a round


def medians(contestants: Mapping[str, Callable], rounds: int) -> dict[str, float]:
    """Return the median time of one call of each, in seconds of processor time."""
    repeats, times = {}, {name: [] for name in contestants}
    for name, call in contestants.items():
        call()
        repeats[name] = max(1, round(SHORTEST_ROUND / max(_time(call, 1), 1e-6)))
    for _ in range(rounds):
        for name, call in contestants.items():
            times[name].append(_time(call, repeats[name]))
    return {name: float(np.median(values)) for name, values in times.items()}


def _time(call: Callable, repeats: int) -> float:
    start = time.process_time()
    for _ in range(repeats):
        call()
    return (time.process_time() - start) / repeats


def products(dtype: str) -> dict[str, tuple[float, Callable]]:
    """Matrix products that show the peak: by name their number of operations and the call."""
    rng = np.random.default_rng(0)
    result = {}
    for name, shape in {"square": (1, 1000, 1000), "in cache": (8, 64, 64)}.items():
        left, right = rng.standard_normal((2, *shape)).astype(dtype)
        out = np.empty_like(left)
        call = lambda left=left, right=right, out=out: np.matmul(left, right, out=out)  # noqa: E731
        result[name] = 2.0 * shape[0] * shape[1] ** 3, call
    return result


@contextmanager
def timed_products() -> Iterator[SimpleNamespace]:
    """Have NumPy's matrix products of this block add up their `seconds` and their `operations`."""
    multiply, done = np.matmul, SimpleNamespace(seconds=0.0, operations=0.0)

    def timed(left, right, out=None):
        start = time.perf_counter()
        out = multiply(left, right, out=out)
        done.seconds += time.perf_counter() - start
        done.operations += 2.0 * out.size * left.shape[-1]
        return out

    np.matmul = timed
    try:
        yield done
    finally:
        np.matmul = multiply
