"""Take the gradient of every kept net apart by distance, in float64, on the probe batch.

python measure_gradients.py --activation tanh --train train.npz --probe probe.npz
    --contributions contributions.parquet --summary summary.parquet
"""

import numpy as np
import pandas as pd
from gradient_horizon import command_line, contributions, files
from gradient_horizon.activations import ACTIVATIONS, Activation
from gradient_horizon.horizon import horizon
from gradient_horizon.initialise import largest_singular_value, spectral_radius

WEIGHTS = ("W_hh", "W_hx", "b_h", "W_s", "b_s", "embedding")


class InexactError(Exception):
    """The contributions of one net do not add up to its gradient."""


def measure(activation: Activation, weights: dict, probe: dict) -> tuple[dict, dict]:
    """Measure one net.

    Parameters
    ----------
    activation : phi.
    weights : the net's arrays, by name.
    probe : `inputs` and `targets` (T, B) int, `loss_mask` (T,) bool.

    Returns
    -------
    The columns of its rows of `contributions.parquet`, each (T,), and of its row of
    `summary.parquet`.

    Raises
    ------
    InexactError : the sum over distances is not the gradient by backpropagation through time, to
        a relative 1e-9.
    """
    recurrent = weights["W_hh"].astype(np.float64)
    path = contributions.trace(activation, weights, **probe)
    measured = contributions.by_distance(path, recurrent)
    if not measured.residual <= contributions.LARGEST_RESIDUAL:
        raise InexactError(
            f"the contributions differ from the gradient by a relative {measured.residual:.2g}, "
            f"allowed {contributions.LARGEST_RESIDUAL:g}"
        )
    steps = len(measured.share)
    log10_bound = contributions.log10_bound(recurrent, activation.slope_bound, steps)
    with np.errstate(over="ignore", invalid="ignore"):
        rows = {
            "distance": np.arange(steps),
            "contribution": 10.0**measured.log10_contribution,
            "log10_contribution": measured.log10_contribution,
            "share": measured.share,
            "signed_share": measured.signed_share,
            "transport": 10.0**measured.log10_transport,
            "log10_transport": measured.log10_transport,
            "extinct": measured.extinct,
            "incoherent": 10.0**measured.log10_incoherent,
            "log10_incoherent": measured.log10_incoherent,
            "coherence": 10.0 ** (measured.log10_contribution - measured.log10_incoherent),
            "bound": 10.0**log10_bound,
            "log10_bound": log10_bound,
            "residual": np.full(steps, measured.residual),
        }
    h99, censored = horizon(measured.share)
    return rows, {
        "probe_loss": path.loss,
        "probe_accuracy": path.accuracy,
        "spectral_radius": spectral_radius(recurrent),
        "sigma_max": largest_singular_value(recurrent),
        "log10_gradient_norm": measured.log10_gradient_norm,
        "residual": measured.residual,
        "h99": h99,
        "h99_censored": censored,
    }


def main() -> None:
    """Measure every seed at every checkpoint, write two tables."""
    parser = command_line.parser(__doc__)
    parser.add_argument("--activation", required=True)
    parser.add_argument("--train", required=True)
    parser.add_argument("--probe", required=True)
    parser.add_argument("--contributions", required=True)
    parser.add_argument("--summary", required=True)
    arguments = parser.parse_args()
    trained, probe = files.read_arrays(arguments.train), files.read_arrays(arguments.probe)
    activation = ACTIVATIONS[arguments.activation]
    tables, summary = [], []
    for net, seed in enumerate(trained["seed"].tolist()):
        for kept, step in enumerate(trained["step"].tolist()):
            weights = {name: trained[name][kept, net] for name in WEIGHTS if name in trained}
            rows, row = measure(activation, weights, probe)
            tables.append(pd.DataFrame({"seed": seed, "step": step, **rows}))
            summary.append(
                {
                    "seed": seed,
                    "step": step,
                    "loss": trained["held_out_loss"][kept, net],
                    "accuracy": trained["held_out_accuracy"][kept, net],
                    "diverged_at": trained["diverged_at"][net],
                    **row,
                }
            )
    files.write_table(arguments.contributions, pd.concat(tables, ignore_index=True))
    files.write_table(arguments.summary, pd.DataFrame(summary))


if __name__ == "__main__":
    command_line.run(main, InexactError)
