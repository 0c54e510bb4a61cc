"""A text of the user's own in the configuration: can it be read, and does it fill the batches."""

import numpy as np
import pytest

from gradient_horizon.config.configuration import ConfigError, resolve
from gradient_horizon.tasks import corpus, words

ALLOWED = "allowed: 'docstrings' or the path of a UTF-8 text file"


def lines(path, batch_size=1, probe_batch=1, **options):
    """What is said of an experiment on a text; nothing where it is right."""
    task = {"name": "words", "corpus": str(path), "sequence_length": 4, **options}
    experiment = {
        "task": task,
        "grid": {"spectral_radii": [1]},
        "training": {"batch_size": batch_size},
        "measurement": {"probe_batch": probe_batch},
    }
    try:
        resolve({"experiments": {"text": experiment}})
    except ConfigError as error:
        return error.lines
    return []


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "does not exist"),
        (b"", "is empty"),
        (b" \n\n", "is empty"),
        (b"PK\x03\x04\0\0", "is a binary file, not UTF-8 text"),
        (b"caf\xe9", "is not UTF-8 (at byte 3)"),
    ],
)
def test_a_text_that_cannot_be_read(tmp_path, content, message):
    file = tmp_path / "text.txt"
    if content is not None:
        file.write_bytes(content)
    assert lines(file) == [f"experiments.text.task.corpus: {file} {message}; {ALLOWED}"]


def test_paths_that_no_file_can_have():
    (line,) = lines("nul\0l")
    assert line.startswith("experiments.text.task.corpus: ") and line.endswith(ALLOWED)
    (line,) = lines("x" * 5000)
    assert "cannot be read (File name too long)" in line
    (line,) = lines("")
    assert (
        line == "experiments.text.task.corpus: '' is not possible; allowed: `docstrings` or a path"
    )


def test_a_mistyped_name_of_the_documentation():
    assert lines("docstring") == [
        "experiments.text.task.corpus: docstring does not exist; "
        f"{ALLOWED}; did you mean 'docstrings'?"
    ]


@pytest.mark.parametrize("held_out", [0.2, 0.25, 0.33, 0.5])
@pytest.mark.parametrize("tokens", [30, 31, 32, 33, 34, 35, 36, 37, 50, 97])
def test_the_largest_batches_are_what_the_text_really_holds(tmp_path, tokens, held_out):
    file = tmp_path / "text.txt"
    file.write_text("word " * (tokens - 1))  # and a sentence end
    settings = {"base_seed": 0, "measurement": {"probe_batch": 1}}
    options = {key: part["default"] for key, part in words.OPTIONS.items()}
    options |= {"corpus": file, "sequence_length": 4, "held_out": held_out}
    prepared = words.prepare(options, settings)
    assert prepared.facts["token_count"] == tokens
    train, probe = len(prepared.arrays["train"]) // 5, prepared.arrays["evaluation_inputs"].shape[1]

    def batch_is_filled(size):
        batches = words.batches(options, prepared.arrays, size, np.random.default_rng(0))
        steps = len(corpus.streams(prepared.arrays["train"], size)) - 1
        return steps >= 4 and next(batches)[0].shape == (4, size)

    assert batch_is_filled(train) and not batch_is_filled(train + 1)
    assert lines(file, train, probe, held_out=held_out) == []
    assert lines(file, train + 1, probe + 1, held_out=held_out) == [
        f"experiments.text.measurement.probe_batch: {probe + 1} sequences of 4 words are more "
        f"than the held-out part of the corpus holds; allowed: 1 to {probe}",
        f"experiments.text.training.batch_size: {train + 1} sequences of 4 words are more than "
        f"the training part of the corpus holds; allowed: 1 to {train}",
    ]


def test_a_text_of_characters_holds_more_of_them(tmp_path):
    file = tmp_path / "text.txt"
    file.write_text("word " * 20)  # 99 characters, as the last space is none, and an end
    assert lines(file, 16, 4, held_out=0.2, unit="character") == []
    assert lines(file, 17, 5, held_out=0.2, unit="character") == [
        "experiments.text.measurement.probe_batch: 5 sequences of 4 characters are more than the "
        "held-out part of the corpus holds; allowed: 1 to 4",
        "experiments.text.training.batch_size: 17 sequences of 4 characters are more than the "
        "training part of the corpus holds; allowed: 1 to 16",
    ]


def test_a_unit_that_there_is_not():
    assert lines("docstrings", unit="characters") == [
        "experiments.text.task.unit: 'characters' is not known; allowed: word, character; "
        "did you mean 'character'?"
    ]


def test_a_text_too_short_for_one_sequence(tmp_path):
    file = tmp_path / "text.txt"
    file.write_text("Three words here.")
    for line in lines(file):
        assert line.endswith("allowed: a longer text or a smaller sequence_length")
    assert len(lines(file)) == 2


def test_no_more_is_counted_than_has_to_be_known(tmp_path, monkeypatch):
    file = tmp_path / "text.txt"
    file.write_text("Ten words are in every one of these small paragraphs.\n\n" * 1000)
    seen = []
    tokenise = corpus.tokenise
    monkeypatch.setattr(corpus, "tokenise", lambda text: seen.append(text) or tokenise(text))
    assert lines(file, batch_size=2, probe_batch=2, held_out=0.5) == []
    # Two sequences of four words and one to be predicted, twice: 18 or more of 11 tokens each.
    assert len(seen) == 2
    assert lines(file, batch_size=5000) != []
    assert len(seen) == 1002


def test_a_relative_path_stays_in_the_project(tmp_path, monkeypatch):
    inside = tmp_path / "project" / "texts"
    inside.mkdir(parents=True)
    for folder in (tmp_path, inside):
        (folder / "text.txt").write_text("Ten words are in every one of these small texts. " * 100)
    monkeypatch.chdir(tmp_path / "project")
    allowed = {"batch_size": 2, "probe_batch": 2}
    assert lines("texts/text.txt", **allowed) == []
    assert lines("texts/../texts/text.txt", **allowed) == []
    assert lines(tmp_path / "text.txt", **allowed) == []  # named in full: the user's own wish
    for path in ("../text.txt", "texts/../../text.txt", "./../text.txt"):
        (line,) = lines(path, **allowed)
        assert f"corpus: {path} leads out of the project; give it in full" in line
