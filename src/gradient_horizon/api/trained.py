"""Nets that were trained: their weights over time, and each of them as a net to be measured."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from ..ground import files
from ..ground.names import count_of
from ..tasks import Prepared
from .catalogues import ACTIVATIONS, CELLS
from .nets import Net
from .tasks import Task


class Trained:
    """Nets that were trained side by side, with their weights over time.

    Attributes
    ----------
    steps : (K,), the training steps after which the weights were kept, from 0 on.
    weights : the weights by name, each (K, P, ...) for P nets.
    losses, gradient_norms : (steps, P), before each step.
    held_out_losses, held_out_accuracies : (K, P), on sequences that no net was trained on.
    diverged_at : (P,), the step at which a net left the finite numbers; -1 where it did not.
    probe : `inputs`, `targets` and `loss_mask` of the batch that is put aside for measuring.
    held_out : the same of all sequences that no net was trained on.
    """

    def __init__(self, task: Task, settings: Mapping, prepared: Prepared, arrays: Mapping):
        self.task, self._settings, self._facts = task, settings, prepared.facts
        self._arrays = dict(arrays)
        self.steps, self.diverged_at = arrays["step"], arrays["diverged_at"]
        self.weights = {name: arrays[name] for name in arrays if name not in files.CURVES}
        self.losses, self.gradient_norms = arrays["loss"], arrays["gradient_norm"]
        self.held_out_losses = arrays["held_out_loss"]
        self.held_out_accuracies = arrays["held_out_accuracy"]
        self.probe, data = prepared.probe(), prepared.data()
        self.held_out = {name: data[f"evaluation_{name}"] for name in ("inputs", "targets")}
        self.held_out["loss_mask"] = data["loss_mask"]

    def __repr__(self) -> str:
        """Say what was trained and how far it came, in two lines."""
        population = len(self.diverged_at)
        before, after = np.median(self.held_out_losses[[0, -1]], axis=1)
        net, diverged = self.net(), int((self.diverged_at >= 0).sum())
        return (
            f"{count_of(population, 'net')} of {net.hidden_size} {net.cell} units "
            f"({net.activation}) trained on {self.task.name} for {self.steps[-1]} steps\n"
            f"kept at {', '.join(map(str, self.steps))}; held-out loss from {before:.3g} to "
            f"{after:.3g} (median); {diverged or 'none'} diverged"
        )

    def net(self, seed: int = 0, step: int | None = None) -> Net:
        """Return one net at one step of its training.

        Parameters
        ----------
        seed : which of the nets, counted from 0.
        step : one of `steps`; the last if left out.

        Raises
        ------
        ValueError : there is no such net, or its weights were not kept at that step.

        Examples
        --------
        >>> import gradient_horizon as gh
        >>> trained = gh.train("delayed_echo", hidden_size=8, seeds=2, steps=5)
        >>> trained.net(seed=1, step=0)
        <net of 8 rnn units (tanh) with 4 outputs>
        >>> trained.net(seed=2)
        Traceback (most recent call last):
        ...
        ValueError: seed: there is no net 2; allowed: 0 to 1
        """
        population = len(self.diverged_at)
        if seed not in range(population):
            raise ValueError(f"seed: there is no net {seed}; allowed: 0 to {population - 1}")
        step = self.steps[-1] if step is None else step
        if step not in self.steps:
            kept = ", ".join(map(str, self.steps))
            raise ValueError(f"step: no weights were kept at {step}; allowed: {kept}")
        place = list(self.steps).index(step)
        weights = {name: array[place, seed] for name, array in self.weights.items()}
        cell_name, cell = CELLS.find(self._settings["cell"])
        activation_name, phi = ACTIVATIONS.find(self._settings["activation"])
        dynamics = cell.Dynamics(phi, weights, self._settings["model"])
        answers = {key: self._facts[key] for key in ("loss", "tolerance") if key in self._facts}
        return Net(cell_name, activation_name, dynamics, answers)

    def save(self, path: str | Path) -> None:
        """Write everything into an `.npz`: the `train.npz` of a run.

        Raises
        ------
        gradient_horizon.ground.files.FileError : it cannot be written.
        """
        files.write_arrays(path, self._arrays)
