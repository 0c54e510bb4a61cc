"""One net and one batch, its equations as plain loops, and derivatives by differences.

What the audit holds the readings of a claim against: nothing here is shared with the forward and
backward passes that are audited, but for the activations, which the differences check.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from ..networks.activations import Activation
from ..networks.cells import rnn
from ..numerics.population import Weights
from ..training.network import Network
from .claims import DIFFERENCES

# Differences change what they vary by about this much: the formula of fourth order leaves out
# terms of its fourth power, and rounding errors are divided by it.
STEP = 1e-3
# Differences are taken in so many directions, logits or units, at the most.
DIRECTIONS = 64


@dataclass(frozen=True)
class Net:
    """A net and a batch.

    Attributes
    ----------
    activation : phi.
    weights : float64 arrays of one net of simple cells.
    inputs, targets : (T, B) int.
    loss_mask : (T,) bool.
    """

    activation: Activation
    weights: dict[str, np.ndarray]
    inputs: np.ndarray
    targets: np.ndarray
    loss_mask: np.ndarray

    def window(self, steps: int, sequences: int) -> "Net":
        """Keep the last steps of the first sequences, up to the last step that carries a loss."""
        end = int(np.flatnonzero(self.loss_mask)[-1]) + 1
        part = slice(max(0, end - steps), end)
        inputs, targets = self.inputs[part, :sequences], self.targets[part, :sequences]
        return replace(self, inputs=inputs, targets=targets, loss_mask=self.loss_mask[part])

    def dynamics(self) -> rnn.Dynamics:
        """Return the net as measuring sees it."""
        return rnn.Dynamics(self.activation, self.weights)


@dataclass(frozen=True)
class Loop:
    """A forward pass by one matrix-vector product after the other.

    Attributes
    ----------
    vector : (T, B, D), x_t.
    pre_activation, slope : (T, B, N), a_t and phi'(a_t).
    state : (T+1, B, N), h_0 ... h_T.
    """

    vector: np.ndarray
    pre_activation: np.ndarray
    slope: np.ndarray
    state: np.ndarray


def forward(net: Net) -> Loop:
    """Run the equations of the recurrence literally."""
    weights = net.weights
    table = weights.get("embedding", np.eye(weights["W_hx"].shape[1]))
    vector = table[net.inputs]
    steps, batch = net.inputs.shape
    pre_activation = np.empty((steps, batch, len(weights["b_h"])))
    state = np.zeros((steps + 1, *pre_activation.shape[1:]))
    for t, b in np.ndindex(steps, batch):
        carried = weights["W_hh"] @ state[t, b]
        pre_activation[t, b] = carried + weights["W_hx"] @ vector[t, b] + weights["b_h"]
        state[t + 1, b] = net.activation.value(pre_activation[t, b])
    return Loop(vector, pre_activation, net.activation.slope(pre_activation), state)


def logits(net: Net, state: np.ndarray) -> np.ndarray:
    """W_s h + b_s for states (..., N)."""
    return state @ net.weights["W_s"].T + net.weights["b_s"]


def softmax(values: np.ndarray) -> np.ndarray:
    """Soft-max over the last axis."""
    exponentials = np.exp(values - values.max(axis=-1, keepdims=True))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


def cross_entropy(values: np.ndarray, target: np.ndarray) -> np.ndarray:
    """-sum_j y_j log yhat_j in full, of logits (..., V) and one-hot y (..., V)."""
    shifted = values - values.max(axis=-1, keepdims=True)
    log_probability = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return -(target * log_probability).sum(axis=-1)


def one_hot(net: Net) -> np.ndarray:
    """y_t, (T, B, V)."""
    outputs = len(net.weights["b_s"])
    result = np.zeros((*net.targets.shape, outputs))
    np.put_along_axis(result, net.targets[..., None], 1.0, axis=-1)
    return result


def step_errors(net: Net, loop: Loop) -> np.ndarray:
    """e_t = dE/dh_t through E_t alone, (T, B, N), zero where a step carries no loss."""
    slope = softmax(logits(net, loop.state[1:])) - one_hot(net)
    slope *= net.loss_mask[:, None, None] / (net.loss_mask.sum() * net.inputs.shape[1])
    return slope @ net.weights["W_s"]


def signals(net: Net, loop: Loop) -> Iterator[tuple[int, int, np.ndarray, np.ndarray]]:
    """Yield t, b, e_t and the signals delta_{t,0} ... delta_{t,t} (t+1, N), steps from 0."""
    errors = step_errors(net, loop)
    for t, b in np.ndindex(net.inputs.shape):
        if net.loss_mask[t]:
            signal, deltas = errors[t, b], np.empty((t + 1, errors.shape[2]))
            for k in reversed(range(t + 1)):
                deltas[k] = loop.slope[k, b] * signal
                signal = net.weights["W_hh"].T @ deltas[k]
            yield t, b, errors[t, b], deltas


def backpropagated(net: Net) -> dict[str, np.ndarray]:
    """The gradient of every weight by backpropagation through time, as training computes it."""
    shapes = {name: array.shape for name, array in net.weights.items()}
    weights, gradient = (Weights(shapes, 1, np.float64) for _ in range(2))
    for name, array in net.weights.items():
        weights[name][0] = array
    network = Network("rnn", net.activation, weights, net.loss_mask, net.inputs.shape[1])
    network.loss_and_gradient(net.inputs[..., None], net.targets[..., None], gradient)
    return {name: gradient[name][0].copy() for name in net.weights}


def relative(reading: np.ndarray, truth: np.ndarray) -> float:
    """Frobenius norm of the difference over that of the truth; nan where the truth is zero."""
    norm = np.linalg.norm(truth)
    return float(np.linalg.norm(reading - truth) / norm) if norm > 0.0 else float("nan")


def derivative(function: Callable, point: np.ndarray, directions: int, step: float) -> np.ndarray:
    """Central differences of fourth order by the first entries of a vector.

    Parameters
    ----------
    function : takes (R, M), returns (R, ...), row by row.
    point : (M,).
    directions : how many entries are varied.
    step : by how much.

    Returns
    -------
    (directions, ...), all nan where rounding may have added a relative tenth of `DIFFERENCES`.
    """
    moves = step * np.eye(min(directions, len(point)), len(point))
    near, far = (
        function(point + scale * moves) - function(point - scale * moves) for scale in (1.0, 2.0)
    )
    result = (8.0 * near - far) / (12.0 * step)
    rounding = np.finfo(float).eps * np.abs(function(point[None])).max() / step
    noise = rounding * np.sqrt(result.size)
    return result if noise < 0.1 * DIFFERENCES * np.linalg.norm(result) else result * np.nan
