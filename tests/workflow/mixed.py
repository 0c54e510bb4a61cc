"""Several tiny experiments in one run: on a text of the user's own, and compared with a paper."""

import random

import project

TEXT = """
the a of and to in that it is was for on with as at by from this had not but what all were when we
there can an your which their said if do will each about how up out them then she many some so these
would other into has more her two like him see time could no make than first been its who now people
my made over did down only way find use may water long little very after words called just where
most know café naïve Straße señor œuvre
"""
SIZE = {
    "training": {"steps": 5, "batch_size": 4, "gradient_clip": None},
    "measurement": {"checkpoints": 2, "probe_batch": 2},
}
EXPERIMENTS = {
    **dict.fromkeys(("delayed_echo", "temporal_order", "remedies")),
    "words": SIZE
    | {
        "task": {"corpus": "my text.txt", "vocabulary": 50, "sequence_length": 6},
        "model": {"hidden_size": 4, "embedding_size": 3},
        "grid": {"activations": ["tanh"], "spectral_radii": [0.5, 1.0], "seeds": 2},
    },
    **{
        f"order_{length}": SIZE
        | {
            "task": {"name": "temporal_order", "sequence_length": length},
            "model": {"hidden_size": 4},
            "grid": {
                "activations": ["tanh"],
                "spectral_radii": [0.9],
                "seeds": 2,
                "remedies": {"none": {}, "clipping": {"gradient_clip": 1.0}},
            },
            "published": {"comparison": "pascanu2013"},
        }
        for length in (10, 12)
    },
}
CONFIGURED = ("--configfile", "tiny.yaml")
RUNS = {
    "words": {f"words/rnn_tanh_gaussian_rho{radius}" for radius in ("0.50", "1.00")},
    **{
        f"order_{length}": {
            f"order_{length}/rnn_tanh_gaussian_rho0.90{remedy}" for remedy in ("", "_clipping")
        }
        for length in (10, 12)
    },
}


def copy(folder):
    """Copy the project, and write the configuration and the text beside it."""
    project.tiny_copy(folder, project.TINY | {"experiments": EXPERIMENTS})
    (folder / "my text.txt").write_text(prose(20_000), encoding="utf-8")
    return folder


def prose(count):
    """Some English, about so many words of it: frequent words are frequent, paragraphs short."""
    draw, words = random.Random("prose"), TEXT.split()
    weights = [1 / rank for rank in range(1, len(words) + 1)]
    paragraphs = []
    for _ in range(count // 60):
        sentences = [
            " ".join(draw.choices(words, weights, k=draw.randint(8, 16))).capitalize() + "."
            for _ in range(5)
        ]
        paragraphs.append(" ".join(sentences))
    return "\n\n".join(paragraphs) + "\n"
