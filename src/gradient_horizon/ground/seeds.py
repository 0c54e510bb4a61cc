"""Random streams: one for each grid point, seed and purpose, whatever else is in the grid."""

import hashlib

import numpy as np


def generator(base_seed: int, identity: str, purpose: str, seed: int = 0) -> np.random.Generator:
    """Return the random stream of one net for one purpose.

    Parameters
    ----------
    base_seed : the configuration's `base_seed`.
    identity : what the stream belongs to, such as "words/rnn_tanh_gaussian_rho1.00".
    purpose : "weights", "data" or "probe": streams that must not share numbers.
    seed : the number of the net in its population.

    Names enter through their sha256, so the stream of a grid point does not depend on which
    other points the grid has.
    """
    digest = hashlib.sha256(f"{identity}\n{purpose}".encode()).digest()
    words = np.frombuffer(digest, dtype="<u4").tolist()
    return np.random.default_rng(np.random.SeedSequence([base_seed, *words, seed]))
