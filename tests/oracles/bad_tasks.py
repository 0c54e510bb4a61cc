"""Tasks that cannot be used; what is wrong with each is what `test_user_tasks.BAD` says."""

import numpy as np

from gradient_horizon.tasks import Prepared, Task
from gradient_horizon.tasks.synthetic import SyntheticTask


class Bits(SyntheticTask):
    """Name the bit that was read at the step before."""

    def draw(self, options, count, rng):
        bits = rng.integers(0, 2, (7, count))
        return bits, np.roll(bits, 1, axis=0)

    def loss_mask(self, options):
        return np.arange(7) >= 1

    def facts(self, options):
        return {
            "input_size": 2,
            "output_size": 2,
            "embedded": False,
            "loss": "cross_entropy",
            "baselines": {"guessing": float(np.log(2))},
            "chance_accuracy": 0.5,
            "sequence_length": 7,
        }


class Sums(Bits):
    """Give the sum of two numbers: vectors in, numbers out."""

    def draw(self, options, count, rng):
        numbers = rng.random((7, count, 2))
        return numbers, numbers.sum(axis=2, keepdims=True)

    def facts(self, options):
        numbers = {"output_size": 1, "loss": "squared_error", "tolerance": 0.1}
        return super().facts(options) | numbers | {"input_squared_norm": 2 / 3}


def with_facts(name, base=Bits, **changes):
    """A task with other facts; of None there is none."""

    def facts(self, options):
        whole = base.facts(self, options) | changes
        return {key: value for key, value in whole.items() if value is not None}

    return type(name, (base,), {"facts": facts, "__doc__": "A task."})


NoLength = with_facts("NoLength", sequence_length=None)
NoLoss = with_facts("NoLoss", loss=None, baselines=None)
OtherLoss = with_facts("OtherLoss", loss="squared_eror")
NumpyFacts = with_facts("NumpyFacts", output_size=np.int64(2))
NoBaselines = with_facts("NoBaselines", baselines={})
NoSymbols = with_facts("NoSymbols", input_size=0)
FewSymbols = with_facts("FewSymbols", input_size=1)
FewClasses = with_facts("FewClasses", output_size=1)
Numbers = with_facts("Numbers", loss="squared_error", tolerance=0.1)
Embedded = with_facts("Embedded", Sums, embedded=True)
NoTolerance = with_facts("NoTolerance", Sums, tolerance=None)
NoNorm = with_facts("NoNorm", Sums, input_squared_norm=None)
OtherWidth = with_facts("OtherWidth", Sums, input_size=3)


class NoTask:
    OPTIONS = {}  # noqa: RUF012


class Unfinished(Task):
    """Nothing yet."""


class NoDescription(Bits):
    OPTIONS = {"lag": {"type": "integer"}}  # noqa: RUF012


class NoSchema(Bits):
    OPTIONS = {"lag": {"type": "whole", "description": "Steps."}}  # noqa: RUF012


class OwnName(Bits):
    OPTIONS = {"name": {"type": "string", "description": "Whose.", "default": "mine"}}  # noqa: RUF012


class ProblemsRaise(Bits):
    def problems(self, options, settings):
        return options["lag"]


class OddProblems(Bits):
    def problems(self, options, settings):
        yield "lag", 7


class PreparesNothing(Bits):
    def prepare(self, options, settings):
        return super().prepare(options, settings).arrays


class NoMask(Bits):
    def loss_mask(self, options):
        return np.zeros(7, dtype=bool)


class NumberMask(Bits):
    def loss_mask(self, options):
        return np.arange(7)


class LongMask(Bits):
    def loss_mask(self, options):
        return np.ones(8, dtype=bool)


class Lists(Bits):
    def prepare(self, options, settings):
        prepared = super().prepare(options, settings)
        return Prepared(prepared.arrays | {"words": ["a", "b"]}, prepared.facts)


class NoEvaluation(Bits):
    def prepare(self, options, settings):
        prepared = super().prepare(options, settings)
        arrays = dict(prepared.arrays)
        del arrays["evaluation_inputs"]
        return Prepared(arrays, prepared.facts)


class SmallProbe(Bits):
    def prepare(self, options, settings):
        prepared = super().prepare(options, settings)
        few = {
            f"probe_{kind}": prepared.arrays[f"probe_{kind}"][:, :1]
            for kind in ("inputs", "targets")
        }
        return Prepared(prepared.arrays | few, prepared.facts)


class SmallBatches(Bits):
    def batches(self, options, arrays, batch_size, rng):
        return super().batches(options, arrays, batch_size - 1, rng)


class FewBatches(Bits):
    def batches(self, options, arrays, batch_size, rng):
        yield self.draw(options, batch_size, rng)


class OtherBatches(Bits):
    def batches(self, options, arrays, batch_size, rng):
        for inputs, targets in super().batches(options, arrays, batch_size, rng):
            yield inputs, targets + 1


class BatchesOfOne(Bits):
    def batches(self, options, arrays, batch_size, rng):
        for inputs, _ in super().batches(options, arrays, batch_size, rng):
            yield (inputs,)


class Restless(Bits):
    def draw(self, options, count, rng):
        return super().draw(options, count, np.random.default_rng())
