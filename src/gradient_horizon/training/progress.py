"""What training says of itself while it runs."""

import time
from collections.abc import Callable

import numpy as np


class Progress:
    """Says step, median loss, median gradient norm and time left, at most every two seconds."""

    def __init__(self, steps: int, say: Callable[[str], None], interval: float = 2.0):
        self.steps, self.say, self.interval = steps, say, interval
        self.start = self.last = time.monotonic()

    def report(self, step: int, loss: np.ndarray, norm: np.ndarray) -> None:
        """Report after `step` steps, if it is time to."""
        now = time.monotonic()
        if now - self.last < self.interval and step not in (1, self.steps):
            return
        self.last = now
        left = (now - self.start) / step * (self.steps - step)
        self.say(
            f"step {step}/{self.steps}  loss {np.median(loss):.4f}  "
            f"gradient norm {np.median(norm):.3g}  time left {left:.0f} s"
        )
