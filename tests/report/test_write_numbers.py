"""What the paper reads of an experiment on a text, by words or by characters."""

import numpy as np
import pandas as pd
import pytest

import write_numbers

GRID = {
    "cells": ["rnn"],
    "activations": ["tanh"],
    "initialisations": ["gaussian"],
    "spectral_radii": [1.0],
    "remedies": {"none": {}},
    "seeds": 1,
}
ECHO = {"task": {"name": "delayed_echo", "lag": 2}, "grid": GRID}


def text(unit):
    return {"task": {"name": "words", "unit": unit}, "grid": GRID}


@pytest.mark.parametrize(
    ("unit", "counted"),
    [("word", "words and sentence ends"), ("character", "characters and paragraph ends")],
)
def test_a_text_in_its_units(unit, counted):
    own = {"token_count": 12345, "unknown_rate": 0.125, "corpus_sha256": "abc"}
    written = write_numbers.texts(
        {"own_text": text(unit), "echo": ECHO}, {"own_text": own, "echo": {}}
    )
    assert written == (
        f"The text of own text has 12,345 {counted}, of which 12.5\\,\\% are the unknown {unit}; "
        "the sha256 of its tokens is\\\\\n{\\footnotesize\\texttt{abc}}.\n\n"
    )


def test_the_file_of_the_users_own_arrays():
    experiments = {"own_arrays": {"task": {"name": "arrays"}, "grid": GRID}, "echo": ECHO}
    own = {"file": "my_data.npz", "file_sha256": "abc"}
    assert write_numbers.texts(experiments, {"own_arrays": own, "echo": {}}) == (
        "The sequences of own arrays are my\\_data.npz, whose sha256 is\\\\\n"
        "{\\footnotesize\\texttt{abc}}.\n\n"
    )


@pytest.mark.parametrize(
    ("experiment", "mapped"), [(text("word"), True), (text("character"), False), (ECHO, False)]
)
def test_sentences_are_mapped_word_by_word_only(experiment, mapped):
    experiments = {"own_text": experiment}
    assert ("{sentence_map}" in write_numbers.sections(experiments, "details")) == mapped
    assert "{sentence_map}" not in write_numbers.sections(experiments, "experiment")


def test_the_parts_of_the_state_are_shown_where_they_are_known():
    distances = pd.DataFrame({"experiment": ["echo", "cells"], "share": [0.5, 0.5]})
    assert write_numbers.by_part({"contributions_median": distances}) == set()
    distances["log10_transport_cell"] = [np.nan, -np.inf]
    known = write_numbers.by_part({"contributions_median": distances})
    assert known == {"cells"}
    experiments = {"echo": ECHO, "cells": ECHO}
    details = write_numbers.sections(experiments, "details", known)
    assert details.count(r"\input{transport_parts}") == 1
    assert details.index("{cells}") < details.index("{transport_parts}")
    assert "{transport_parts}" not in write_numbers.sections(experiments, "experiment", known)
