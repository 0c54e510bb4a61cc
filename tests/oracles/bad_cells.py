"""Cells that cannot be used; what is wrong with each is what `test_user_cells.BAD` says."""

import numpy as np

from gradient_horizon.networks.cells import Cell, leaky, rnn
from own_cells import Gru, Simple


class NoCell:
    BLOCKS = 1


word = "no cell"


class NeedsMore(Simple):
    def __init__(self, size):
        self.size = size


class Unfinished(Cell):
    pass


class OtherParts(Simple):
    PARTS = ("hidden", "memory")


class TakenName(Simple):
    def shapes(self, hidden_size, input_size):
        return super().shapes(hidden_size, input_size) | {"W_s": (hidden_size,)}


class ThreeAxes(Simple):
    def shapes(self, hidden_size, input_size):
        return super().shapes(hidden_size, input_size) | {"C": (2, hidden_size, 2)}


class NarrowInput(Simple):
    def shapes(self, hidden_size, input_size):
        return super().shapes(hidden_size, input_size) | {"W_hx": (hidden_size, 2)}


class NothingRecurrent(Simple):
    def shapes(self, hidden_size, input_size):
        return {"W_hx": (hidden_size, input_size)}


class OtherRadius(Simple):
    def initialise(self, net, rng, draw_recurrent, radius, scale, options):
        super().initialise(net, rng, draw_recurrent, 2 * radius, scale, options)


class NotFinite(Simple):
    def initialise(self, net, rng, draw_recurrent, radius, scale, options):
        super().initialise(net, rng, draw_recurrent, radius, scale, options)
        net["b_h"][0] = np.nan


class StepRaises(Simple):
    def step(self, net, state, drive):
        raise RuntimeError("not\nyet")


class OtherState(Simple):
    def step(self, net, state, drive):
        new, kept = super().step(net, state, drive)
        return new[..., :-1], kept


class Infinite(Simple):
    def step(self, net, state, drive):
        new, kept = super().step(net, state, drive)
        return np.full_like(new, np.inf), kept


class InPlace(Simple):
    def step(self, net, state, drive):
        drive += state @ net.weights["W_hh"].mT
        return net.phi.value(drive), (drive, state)


class MixedRows(Simple):
    def step(self, net, state, drive):
        return super().step(net, state, drive - drive.mean(axis=-2, keepdims=True))


class FixedAxes(Simple):
    def step(self, net, state, drive):
        a = np.einsum("bn,mn->bm", state, net.weights["W_hh"]) + drive
        return net.phi.value(a), (a, state)


class OneNetOnly(Simple):
    def step(self, net, state, drive):
        weights = net.weights["W_hh"]
        a = state @ (weights if weights.ndim == 2 else weights[0]).mT + drive
        return net.phi.value(a), (a, state)


class KeepsList(Simple):
    def step(self, net, state, drive):
        new, kept = super().step(net, state, drive)
        return new, list(kept)


class KeepsStateFirst(Gru):
    def step(self, net, state, drive):
        new, kept = super().step(net, state, drive)
        return new, (drive, *kept)


class BackRaises(Simple):
    def back(self, net, kept, signal):
        return 1 / 0


class OtherDrive(Gru):
    def back(self, net, kept, signal):
        before, drive, slopes = super().back(net, kept, signal)
        return before, drive[..., :-1], slopes


class MissingWeight(Gru):
    def back(self, net, kept, signal):
        before, drive, slopes = super().back(net, kept, signal)
        return before, drive, {"W_hh": slopes["W_hh"]}


class OtherPairs(Gru):
    def back(self, net, kept, signal):
        before, drive, slopes = super().back(net, kept, signal)
        return before, drive, slopes | {"W_hh": [slopes["W_hh"][0][::-1]]}


class SlopeOff(Simple):
    def back(self, net, kept, signal):
        before, drive, slopes = super().back(net, kept, 1.001 * signal)
        return before, drive, slopes


class Forgets(Simple):
    def back(self, net, kept, signal):
        before, drive, slopes = super().back(net, kept, signal)
        return 0.0 * before, drive, slopes


class OtherSource(Simple):
    def back(self, net, kept, signal):
        before, drive, _ = super().back(net, kept, signal)
        return before, drive, {"W_hh": [(drive, net.phi.value(kept[0]))]}


class NoBias(Gru):
    def back(self, net, kept, signal):
        before, drive, slopes = super().back(net, kept, signal)
        return before, drive, slopes | {"b_n": 0.0 * slopes["b_n"]}


class FewDigits(Simple):
    def step(self, net, state, drive):
        return super().step(net, state, (drive + 1e6) - 1e6)


class OtherFastForm(Simple):
    Recurrence, Dynamics = leaky.Recurrence, rnn.Dynamics


class OtherJacobian(Simple):
    class Dynamics(rnn.Dynamics):
        def unroll(self, drive):
            unrolled = super().unroll(drive)
            unrolled.recurrent = 1.01 * unrolled.recurrent
            return unrolled
