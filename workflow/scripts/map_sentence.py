"""Take the gradient of one held-out sentence apart by pairs of words, before and after training.

python map_sentence.py --settings JSON --train train.npz --data data.npz --output map.npz
"""

import numpy as np

from gradient_horizon.gradients import contributions, forward_pass
from gradient_horizon.ground import files, programs
from gradient_horizon.networks.cells import net_of
from gradient_horizon.networks.cells.dynamics import Dynamics, InexactError


def word_map(net: Dynamics, sentence: np.ndarray) -> np.ndarray:
    """log10 norm of what the prediction at t sends to W_hx through word k, (T, T).

    Parameters
    ----------
    net : one of a cell's `Dynamics`.
    sentence : (T+1,) int; the first T words are read, the last T predicted.
    """
    inputs, targets = sentence[:-1, None], sentence[1:, None]
    path = forward_pass.trace(net, inputs, targets, loss_mask=np.ones(len(inputs), dtype=bool))
    return contributions.pair_map(path, "W_hx")


def main() -> None:
    """Map the sentence for the first seed, at the first and the last checkpoint."""
    parser = programs.parser(__doc__)
    parser.add_argument("--settings", type=programs.settings, required=True)
    parser.add_argument("--train", required=True)
    parser.add_argument("--data", required=True)
    parser.add_argument("--output", required=True)
    arguments = parser.parse_args()
    trained, data = files.read_nets(arguments.train), files.read_arrays(arguments.data)
    ends = (0, len(trained["step"]) - 1)
    maps = [
        word_map(net_of(arguments.settings, files.weights_of(trained, kept, 0)), data["sentence"])
        for kept in ends
    ]
    files.write_arrays(
        arguments.output,
        {
            "step": trained["step"][list(ends)],
            "log10_contribution": np.stack(maps),
            "words": data["words"][data["sentence"]],
        },
    )


if __name__ == "__main__":
    programs.run(main, InexactError)
