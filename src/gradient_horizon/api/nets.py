"""One net, to be measured: of trained ones, or made from weights."""

from collections.abc import Mapping

import numpy as np

from ..ground.names import nearest
from ..networks.activations import Activation
from ..networks.cells.dynamics import Dynamics
from ..networks.readout import shapes as readout_shapes
from ..tasks import TOLERANCE
from ..tasks.arrays import OPTIONS
from . import arguments, sequences
from .catalogues import ACTIVATIONS, CELLS


class Net:
    """One net in float64, with what its answers cost.

    Attributes
    ----------
    cell, activation : their names.
    dynamics : the net as it is measured.
    answers : what an answer costs and when it is right: `loss`, a name, where it is not the default
        of its targets, and `tolerance`.
    """

    def __init__(self, cell: str, activation: str, dynamics: Dynamics, answers: Mapping):
        self.cell, self.activation = cell, activation
        self.dynamics, self.answers = dynamics, answers

    @property
    def weights(self) -> dict[str, np.ndarray]:
        """The arrays by name, in float64."""
        return self.dynamics.weights

    @property
    def hidden_size(self) -> int:
        """N."""
        return self.dynamics.hidden_size

    def __repr__(self) -> str:
        """Say what the net is."""
        units = f"{self.hidden_size} {self.cell} units ({self.activation})"
        return f"<net of {units} with {len(self.weights['W_s'])} outputs>"


def net(
    cell,
    weights: Mapping[str, np.ndarray],
    *,
    activation: str | Activation = "tanh",
    leak: float = 0.5,
    loss: str | None = None,
    tolerance: float = TOLERANCE,
) -> Net:
    """Make a net of weights from anywhere.

    Parameters
    ----------
    cell : the name of a registered cell, one of `gh.CELLS`, or one of your own, a `gh.Cell`.
    weights : the arrays by name: those of the cell, for `rnn` W_hh (N, N), W_hx (N, D) and b_h
        (N,), and those of the read-out, W_s (V, N) and b_s (V,).  With `embedding` (V_in, D) the
        inputs are symbols with trained vectors; without it they are vectors of length D, or D
        symbols with unit vectors.
    activation : the name of a registered activation, one of `gh.ACTIVATIONS`, or an
        `gh.Activation`.
    leak : the part of the state that a step of the cell `leaky` renews.
    loss : what an answer costs: cross_entropy for classes, squared_error for numbers, each the
        default of such targets.
    tolerance : how near to its target a number has to be to count as right.

    Returns
    -------
    What `gh.measure` takes.

    Raises
    ------
    ValueError : a name is not known, or a weight missing, not known, of another shape or not
        finite.
    TypeError : something is of a type that is not possible.

    Examples
    --------
    The state shrinks to a fifth at every step, and so does the learning signal:

    >>> import gradient_horizon as gh
    >>> net = gh.net(
    ...     "rnn",
    ...     {"W_hh": [[0.2]], "W_hx": [[1.0]], "b_h": [0.0], "W_s": [[1.0]], "b_s": [0.0]},
    ...     activation="linear",
    ... )
    >>> net
    <net of 1 rnn units (linear) with 1 outputs>
    >>> measured = gh.measure(net, ([[[1.0]], [[0.0]], [[0.0]]], [[[0.0]], [[0.0]], [[1.0]]]))
    >>> [round(value, 9) for value in measured.distances["transport"]]
    [1.0, 0.2, 0.04]

    Weights that do not fit are named:

    >>> gh.net("gru", net.weights)
    Traceback (most recent call last):
    ...
    ValueError: weights: b_n is missing; the cell gru has W_hh (3, 1), W_hx (3, 1), b_h (3,), ...
    """
    name, cell = CELLS.find(cell)
    label, phi = ACTIVATIONS.find(activation)
    if not isinstance(weights, Mapping):
        raise TypeError(f"weights: {type(weights).__name__} has no names; allowed: arrays by name")
    given = {key: _floats(f"weights: {key}", array) for key, array in weights.items()}
    _check_shapes(given, name, cell)
    options = arguments.checked({"leak": leak})
    answers = arguments.checked({"loss": loss, "tolerance": tolerance}, OPTIONS)
    return Net(name, label, cell.Dynamics(phi, given, options), answers)


def _floats(name: str, values) -> np.ndarray:
    """Return an array of finite floats."""
    array = sequences.array(name, values)
    if array.dtype.kind not in "iuf":
        raise TypeError(f"{name} is of type {array.dtype}; allowed: numbers")
    if not np.isfinite(array).all():
        raise ValueError(f"{name} is not finite everywhere")
    return array.astype(np.float64)


def _check_shapes(given: Mapping[str, np.ndarray], name: str, cell) -> None:
    """Refuse weights that are not those of one net of a cell."""
    for key, axes in (("W_s", 2), ("W_hx", 2), ("embedding", 2)):
        if key not in given and key != "embedding":
            raise ValueError(f"weights: {key} is missing{_hint(key, given)}")
        if key in given and given[key].ndim != axes:
            raise ValueError(f"weights: {key} has the shape {given[key].shape}; allowed: two axes")
    (outputs, size), width = given["W_s"].shape, given["W_hx"].shape[1]
    shapes = {**cell.shapes(size, width), **readout_shapes(size, outputs)}
    if "embedding" in given:
        shapes["embedding"] = (len(given["embedding"]), width)
    needed = f"the cell {name} has " + ", ".join(f"{key} {shape}" for key, shape in shapes.items())
    for key in shapes:
        if key not in given:
            raise ValueError(f"weights: {key} is missing; {needed}")
    for key, array in given.items():
        if key not in shapes:
            raise ValueError(f"weights: {key} is not known; {needed}{nearest(key, shapes)}")
        if array.shape != shapes[key]:
            raise ValueError(f"weights: {key} has the shape {array.shape}; {needed}")


def _hint(key: str, given: Mapping) -> str:
    """Tell what there is."""
    return f"; there are {', '.join(given) or 'none'}{nearest(key, given)}"
