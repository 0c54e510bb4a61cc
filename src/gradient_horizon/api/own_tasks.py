"""Tasks of the user's own: arrays that are in no file, and functions that draw sequences."""

from collections.abc import Callable, Mapping
from typing import ClassVar

import numpy as np

from ..ground.user_arrays import Sequences, check_range
from ..tasks import Task as BaseTask
from ..tasks import arrays, synthetic
from .catalogues import called
from .sequences import sequences

# So many sequences show what a function draws.
SHOWN = 500


class ArraysTask(BaseTask):
    """The task `arrays`, on arrays that are there.

    Parameters
    ----------
    own : the sequences.
    """

    OPTIONS: ClassVar = {name: part for name, part in arrays.OPTIONS.items() if name != "file"}

    def __init__(self, own: Sequences):
        arrays.check(own)
        self.sequences = own

    def sizes(self, options: Mapping) -> tuple[int, int]:
        """Count the sequences that are trained on and those held out."""
        count = self.sequences.inputs.shape[1]
        held_out = arrays.held_out_size(options, count)
        return count - held_out, held_out

    def problems(self, options, settings):
        """Yield what does not go together with the sequences."""
        return arrays.misfits(self.sequences, options, settings)

    def prepare(self, options, settings):
        """Split the sequences."""
        return arrays.split(self.sequences, options, settings, {})

    def batches(self, options, data, batch_size, rng):
        """Yield the training part in ever new orders."""
        return arrays.batches(options, data, batch_size, rng)


class DrawnTask(BaseTask):
    """A task whose sequences a function draws, ever new ones.

    Parameters
    ----------
    function : `draw(count, rng)`, which returns inputs and targets of `count` sequences.
    loss_mask : (T,) bool; None where every step has a target.
    symbols, classes : how many there are of inputs and targets that are integers; None for as many
        as the first `SHOWN` sequences show.
    """

    OPTIONS: ClassVar = {name: arrays.OPTIONS[name] for name in ("loss", "tolerance")}

    def __init__(
        self,
        function: Callable,
        loss_mask=None,
        symbols: int | None = None,
        classes: int | None = None,
    ):
        self.function, self.loss_mask = function, loss_mask
        self.sizes_of = {"inputs": symbols, "targets": classes}
        first = self._drawn(SHOWN, np.random.default_rng(0))
        self.loss_mask, self.squared_norm = first.loss_mask, 1.0
        for name, values in zip(self.sizes_of, first, strict=False):
            if values.dtype.kind == "f":
                self.sizes_of[name] = values.shape[2]
            elif self.sizes_of[name] is None:
                self.sizes_of[name] = int(values.max()) + 1
        if first.inputs.dtype.kind == "f":
            self.squared_norm = float(np.square(first.inputs).sum(axis=2).mean())

    def prepare(self, options, settings):
        """Draw the probe and the evaluation sequences."""
        facts = {
            "input_size": self.sizes_of["inputs"],
            "output_size": self.sizes_of["targets"],
            "embedded": False,
            "input_squared_norm": self.squared_norm,
            **{name: value for name, value in options.items() if value is not None},
        }
        return synthetic.prepare(self._pair, options, settings, self.loss_mask, facts)

    def batches(self, options, data, batch_size, rng):
        """Yield fresh sequences for ever."""
        while True:
            yield self._pair(options, batch_size, rng)

    def _pair(self, options, count: int, rng) -> tuple[np.ndarray, np.ndarray]:
        """Draw inputs and targets, as registered tasks do."""
        return self._drawn(count, rng)[:2]

    def _drawn(self, count: int, rng: np.random.Generator) -> Sequences:
        """Call the function, and check what it returns."""
        name, drawn = called(self.function), self.function(count, rng)
        if not isinstance(drawn, tuple) or len(drawn) != 2:
            raise TypeError(f"task: {name}(count, rng) is to return inputs and targets, two arrays")
        own = sequences((*drawn, self.loss_mask))
        if own.inputs.shape[1] != count:
            raise ValueError(
                f"task: {name}({count}, rng) returns inputs {np.shape(drawn[0])}; allowed: "
                f"(T, {count}) or (T, {count}, D), time first"
            )
        for part, values in zip(self.sizes_of, own, strict=False):
            if values.dtype.kind != "f" and self.sizes_of[part] is not None:
                check_range(part, values, self.sizes_of[part])
        return own
