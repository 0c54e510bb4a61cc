"""The gradient by pairs of words against loops, in the library and through the script."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

import map_sentence
import naive
from gradient_horizon.gradients import contributions, forward_pass, sentence_map
from gradient_horizon.ground import digests, files
from gradient_horizon.networks.activations import ACTIVATIONS
from gradient_horizon.networks.cells import rnn
from naive import STEPS, draw_batch

DENSE = np.ones(STEPS, dtype=bool)


def traced(activation, net, inputs, targets):
    return forward_pass.trace(rnn.Dynamics(ACTIVATIONS[activation], net), inputs, targets, DENSE)


def by_loops(activation, net, inputs, targets, weight):
    """log10 of the norm of what target t sends to the weight through step k, (T, T)."""
    expected = np.full((STEPS, STEPS), np.nan)
    for (_, t, k), _, _, delta, state in naive.pairs(activation, net, inputs, targets, DENSE):
        source = {"W_hh": state, "W_hx": net["embedding"][inputs[k, 0]]}[weight]
        with np.errstate(divide="ignore"):
            expected[t, k] = np.log10(np.linalg.norm(delta) * np.linalg.norm(source))
    return expected


@pytest.mark.parametrize("weight", ["W_hh", "W_hx"])
@pytest.mark.parametrize("activation", naive.NAMES)
def test_pair_map(activation, weight):
    net, inputs, targets = draw_batch(7, batch=1, embedding_size=4)
    result = sentence_map.pair_map(traced(activation, net, inputs, targets), weight)
    expected = by_loops(activation, net, inputs, targets, weight)
    np.testing.assert_allclose(result, expected, rtol=0, atol=1e-12)
    assert np.isneginf(result[:, 0]).all() == (weight == "W_hh")


def test_the_pair_map_adds_up_to_the_incoherent_sums():
    net, inputs, targets = draw_batch(8, batch=1)
    path = traced("softsign", net, inputs, targets)
    pair = 10.0 ** sentence_map.pair_map(path, "W_hh")
    sums = [np.diagonal(pair, -d).sum() for d in range(STEPS)]
    expected = contributions.by_distance(path).log10_incoherent
    np.testing.assert_allclose(10.0**expected, sums, rtol=1e-12)


def test_the_script_maps_the_first_seed_before_and_after_training(tmp_path):
    rng = np.random.default_rng(9)
    words = np.array(["a", "b", "c", "d", "e"])
    sentence = rng.integers(0, len(words), STEPS + 1)
    # Two seeds at three steps; what is predicted is a word.
    nets = [[naive.draw_net(rng, naive.SIZE, 5, len(words), 4) for _ in range(2)] for _ in range(3)]
    weights = {name: np.array([[net[name] for net in row] for row in nets]) for name in nets[0][0]}
    files.write_arrays(tmp_path / "train.npz", weights | {"step": np.array([0, 3, 8])})
    files.write_arrays(tmp_path / "data.npz", {"sentence": sentence, "words": words})
    settings = {"cell": "rnn", "activation": "tanh", "model": {}}
    command = [sys.executable, map_sentence.__file__, "--settings", json.dumps(settings)]
    for name in ("train.npz", "data.npz", "output.npz"):
        command += [f"--{name[:-4]}", str(tmp_path / name)]
    environment = {**os.environ, "PYTHONPATH": str(digests.PACKAGE.parent)}
    subprocess.run(command, env=environment, check=True, timeout=100)
    found = files.read_arrays(tmp_path / "output.npz")
    assert found["step"].tolist() == [0, 8]
    assert found["words"].tolist() == words[sentence].tolist()
    for result, kept in zip(found["log10_contribution"], (0, 2), strict=True):
        inputs, targets = sentence[:-1, None], sentence[1:, None]
        expected = by_loops("tanh", nets[kept][0], inputs, targets, "W_hx")
        np.testing.assert_allclose(result, expected, rtol=0, atol=1e-12)
