"""The library on the workloads."""

import sys
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "src"))

import numpy as np
from workloads import LARGEST_NORM, LEARNING_RATE, Workload, draw

import gradient_horizon  # noqa: F401  one BLAS thread: before NumPy
from gradient_horizon.gradients import contributions, forward_pass
from gradient_horizon.networks.activations import ACTIVATIONS
from gradient_horizon.networks.cells import rnn
from gradient_horizon.numerics.population import Weights
from gradient_horizon.training.network import Network
from gradient_horizon.training.optimisers import OPTIMISERS, clip_by_global_norm


def training(workload: Workload, dtype: str) -> tuple[Callable, Callable]:
    """Return a function that trains one step, and one that returns the weights by name."""
    arrays, inputs, targets = draw(workload)
    shapes = workload.shapes()
    weights = Weights(shapes, workload.population, np.dtype(dtype))
    gradient = Weights(shapes, workload.population, np.dtype(dtype))
    for name, array in arrays.items():
        weights[name][...] = array
    loss_mask = np.ones(workload.steps, dtype=bool)
    network = Network("rnn", "tanh", weights, loss_mask, workload.batch)
    optimiser = OPTIMISERS["sgd"](LEARNING_RATE)

    def step():
        network.loss_and_gradient(inputs, targets, gradient)
        clip_by_global_norm(gradient.flat, LARGEST_NORM)
        optimiser.update(weights.flat, gradient.flat)

    return step, lambda: {name: weights[name].copy() for name in shapes}


def decomposition(workload: Workload) -> Callable:
    """Return a function that runs one net forward and takes its gradient apart by distance.

    It returns, by distance, the norm of C_d, the mean over (t, b) of log10 norm(g) / norm(e), and
    the sum over (t, b) of norm(delta) norm(h); all (T,).
    """
    arrays, inputs, targets = draw(workload)
    net = {name: array[0] for name, array in arrays.items()}
    given = inputs[..., 0], targets[..., 0], np.ones(workload.steps, dtype=bool)

    def decompose():
        path = forward_pass.trace(rnn.Dynamics(ACTIVATIONS["tanh"], net), *given)
        result = contributions.by_distance(path)
        return (
            10.0**result.log10_contribution,
            result.log10_transport,
            10.0**result.log10_incoherent,
        )

    return decompose
