"""Recurrent cells, one file each.

A cell module has

`shapes(hidden_size, input_size)`
    the shapes of its weights in one net, by name: `W_hx`, which the input side reads, and `b_h`,
    which it adds where there is one, among them;
`initialise(net, rng, draw_recurrent, radius, scale, options)`
    draws them;
`Recurrence(activation, steps, batch, weights, options)`
    a population's recurrence for training (`recurrence.Recurrence`);
`Dynamics(activation, weights, options)`
    one net in float64 for measuring (`dynamics.Dynamics`).

and may have

`constrain(weights, radius)`
    brings the weights back to where they are to stay, after every training step;
`RADIUS_LIMIT`
    the spectral radius that it stays below;
`PARTS`
    the names of the parts that its state has: transport is measured, and drawn, for each apart.

`options` is the configuration's `model`.
"""

import numpy as np

from ..activations import ACTIVATIONS
from . import gru, layer_norm, leaky, lru, lstm, residual, rnn, scaled_orthogonal
from .dynamics import Dynamics

CELLS = {
    "rnn": rnn,
    "leaky": leaky,
    "residual": residual,
    "scaled_orthogonal": scaled_orthogonal,
    "lstm": lstm,
    "gru": gru,
    "layer_norm": layer_norm,
    "lru": lru,
}


def net_of(settings: dict, weights: dict[str, np.ndarray]) -> Dynamics:
    """Make the net of a grid point for measuring.

    Parameters
    ----------
    settings : `cell`, `activation` and `model`, as `grid.net_settings` gives them.
    weights : the net's arrays, by name.
    """
    activation = ACTIVATIONS[settings["activation"]]
    return CELLS[settings["cell"]].Dynamics(activation, weights, settings["model"])
