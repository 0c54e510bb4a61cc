"""What the gated cells share: how their weights are stacked and drawn, and their sigmoid."""

import numpy as np

from ..activations import ACTIVATIONS
from .dynamics import InexactError

sigmoid = ACTIVATIONS["sigmoid"].value
sigmoid_slope = ACTIVATIONS["sigmoid"].slope


def parts(rows: np.ndarray, count: int) -> list[np.ndarray]:
    """View the last axis of `rows` (..., count * N) as `count` parts (..., N)."""
    size = rows.shape[-1] // count
    return [rows[..., number * size : (number + 1) * size] for number in range(count)]


def to_slopes(values: np.ndarray, scratch: np.ndarray) -> None:
    """Turn the values of sigmoids into their slopes, in place; `scratch` is overwritten."""
    np.multiply(values, values, out=scratch)
    values -= scratch


def draw_stacked(net: dict, rng, draw_recurrent, radius: float, scale: float) -> None:
    """Draw `W_hh` (k N, N), each N x N block with the exact radius, and `W_hx`, in place.

    Parameters
    ----------
    net, rng, draw_recurrent, radius, scale : as for the simple cell's `initialise`.
    """
    size = net["W_hh"].shape[1]
    for block in net["W_hh"].reshape(-1, size, size):
        block[...] = draw_recurrent(rng, size, radius)
    net["W_hx"][...] = rng.normal(0.0, scale, net["W_hx"].shape)


def chrono_bias(rng: np.random.Generator, size: int, longest: float) -> np.ndarray:
    """Draw the biases (N,) of gates that keep: ln U[1, T_max - 1], `longest` being T_max.

    Tallec and Ollivier (2018), equation 16: a gate sigmoid(ln(T - 1)) = 1 - 1/T forgets within
    about T steps, so that the units' times are spread evenly up to T_max.  The draws are from a
    stream of their own: all weights drawn from `rng` are the same with them and without.
    """
    return np.log(rng.spawn(1)[0].uniform(1.0, longest - 1.0, size))


def require_finite(states: np.ndarray) -> None:
    """Refuse states (T+1, B, S) that an activation without bounds has let grow beyond all floats.

    Raises
    ------
    InexactError : some state is infinite or no number.
    """
    finite = np.isfinite(states).all(axis=(1, 2))
    if not finite.all():
        raise InexactError(
            f"the states leave the floating-point numbers at step {np.argmin(finite)} of "
            f"{len(states) - 1}; such a gated net cannot be taken apart: a smaller radius or a "
            "bounded activation, such as tanh, keeps them"
        )
