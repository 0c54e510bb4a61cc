"""Take the gradient of one held-out sentence apart by pairs of words, before and after training.

python map_sentence.py --settings JSON --train train.npz --data data.npz --output map.npz
"""

from gradient_horizon.gradients import sentence_map
from gradient_horizon.ground import files, programs
from gradient_horizon.networks.cells.dynamics import InexactError


def main() -> None:
    """Read the nets and the sentence, map it, write."""
    arguments = programs.arguments(__doc__, "train", "data", "output")
    trained, data = files.read_nets(arguments.train), files.read_arrays(arguments.data)
    sentence = data["sentence"]
    maps = sentence_map.before_and_after(arguments.settings, trained, sentence)
    files.write_arrays(arguments.output, {**maps, "words": data["words"][sentence]})


if __name__ == "__main__":
    programs.run(main, InexactError)
