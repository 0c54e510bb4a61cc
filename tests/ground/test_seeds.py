"""Random streams: every purpose its own, and the same in every process."""

import os
import subprocess
import sys
from itertools import product

import numpy as np

from gradient_horizon.ground import seeds


def first(*given):
    return seeds.generator(*given).integers(0, 2**63, 4).tolist()


def test_equal_names_give_equal_streams():
    assert first(1, "words/run", "weights", 3) == first(1, "words/run", "weights", 3)
    assert first(1, "words/run", "probe") == first(1, "words/run", "probe", 0)


def test_whatever_differs_gives_another_stream():
    names = product(
        [0, 1, 2**32 - 1],
        ["words/rnn_tanh", "words/rnn_relu", "a", ""],
        ["weights", "data", "probe", "evaluation"],
        [0, 1, 999],
    )
    streams = [tuple(first(*given)) for given in names]
    assert len(set(streams)) == len(streams) == 3 * 4 * 4 * 3
    numbers = np.ravel(streams)
    assert len(set(numbers.tolist())) == len(numbers)


def test_where_one_name_ends_matters():
    assert first(1, "ab", "c") != first(1, "a", "bc")


def test_another_process_draws_the_same():
    program = (
        "from gradient_horizon.ground.seeds import generator; "
        "print(generator(7, 'wörter/run', 'data', 2).integers(0, 2**63, 4).tolist())"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "4321"}
    output = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    ).stdout
    assert output == f"{first(7, 'wörter/run', 'data', 2)}\n"
