"""Next-word prediction on real English text: word vectors in, soft-max over the vocabulary out.

Character by character it is the same task, with characters for words.
The text is the documentation prose that comes with the installed NumPy, pandas and matplotlib, or
a UTF-8 file of the user's.  Training batches are contiguous streams cut into windows of the
sequence length; every window starts from h_0 = 0, also on the held-out part.
"""

from collections.abc import Callable
from difflib import get_close_matches
from importlib.metadata import version
from operator import ge

import numpy as np

from ..ground.user_files import check_place, sha256
from . import SEQUENCE_LENGTH, Percentage, Prepared
from . import corpus as corpora
from .language_baselines import bigram_perplexity, unigram_perplexity

DOCSTRINGS = "docstrings"
# No fewer tokens than this in the documentation of the pinned packages (a test holds it to that).
DOCSTRING_TOKENS = {"word": 150_000, "character": 1_000_000}
# What is counted as a token, by unit.
TOKENS = {"word": "words and sentence ends", "character": "characters and paragraph ends"}

OPTIONS = {
    "sequence_length": {**SEQUENCE_LENGTH, "default": 40},
    "corpus": {
        "type": "string",
        "minLength": 1,
        "default": DOCSTRINGS,
        "description": "`docstrings` (the documentation prose of the installed NumPy, pandas and "
        "matplotlib) or the path of a UTF-8 text file.",
        "allowed": "`docstrings` or a path",
    },
    "unit": {
        "type": "string",
        "enum": list(TOKENS),
        "default": "word",
        "description": "What is read and predicted at a step.",
    },
    "vocabulary": {
        "type": "integer",
        "minimum": 2,
        "maximum": 100_000,
        "default": 1000,
        "description": "How many of the most frequent words, or characters, are kept; the others "
        "are one unknown one.",
    },
    "held_out": {
        "type": "number",
        "exclusiveMinimum": 0,
        "maximum": 0.5,
        "default": 0.05,
        "description": "Part of the text, by position, that no net is trained on.",
        "unit": "fraction",
    },
}


def own_file(options: dict) -> str | None:
    """Return the user's text file, or None for the documentation prose."""
    return None if options["corpus"] == DOCSTRINGS else options["corpus"]


def tokeniser(options: dict) -> Callable[[str], list[str]]:
    """Return what splits a paragraph into words or into characters."""
    return {"word": corpora.tokenise, "character": corpora.characters}[options["unit"]]


def sources(options: dict) -> dict[str, str]:
    """Return what the text depends on: the packages' versions, or the sha256 of the file."""
    if path := own_file(options):
        return {path: sha256(path)}
    return {name: version(name) for name in ("matplotlib", "numpy", "pandas")}


def problems(options: dict, settings: dict):
    """Yield what is wrong with the text file, and a batch that the text cannot fill."""
    path, tokens = own_file(options), DOCSTRING_TOKENS[options["unit"]]
    wanted = settings["training"]["batch_size"], settings["measurement"]["probe_batch"]
    if path:
        try:
            check_place(path)
            tokens, tokenise = 0, tokeniser(options)
            # This runs whenever the workflow is read: no more is counted than has to be known.
            for paragraph in corpora.read_paragraphs(path):
                tokens += len(tokenise(paragraph))
                if all(map(ge, _capacity(options, tokens), wanted)):
                    break
        except ValueError as error:  # also Python's own, where the path has a null character
            near = (
                f"; did you mean '{DOCSTRINGS}'?" if get_close_matches(path, [DOCSTRINGS]) else ""
            )
            yield (
                "corpus",
                f"{error}; allowed: '{DOCSTRINGS}' or the path of a UTF-8 text file{near}",
            )
            return
    keys = ("training.batch_size", "measurement.probe_batch")
    parts = ("training", "held-out")
    for key, part, size, most in zip(keys, parts, wanted, _capacity(options, tokens), strict=True):
        if size > most:
            remedy = f"1 to {most}" if most else "a longer text or a smaller sequence_length"
            yield (
                key,
                f"{size} sequences of {options['sequence_length']} {options['unit']}s are more "
                f"than the {part} part of the corpus holds; allowed: {remedy}",
            )


def _capacity(options: dict, tokens: int) -> tuple[int, int]:
    """Count the sequences that the training and the held-out part of so many tokens hold."""
    steps = options["sequence_length"]
    train = round(tokens * (1 - options["held_out"]))
    # Every stream of a batch needs a token more than it has steps, to be predicted last.
    return train // (steps + 1), max(0, tokens - train - 1) // steps


def prepare(options: dict, settings: dict) -> Prepared:
    """Read the text, split it, and measure what simple word counts can predict of it.

    Raises
    ------
    OwnFileError : the text cannot be read.
    """
    path = own_file(options)
    paragraphs = corpora.read_paragraphs(path) if path else corpora.docstring_paragraphs()
    text = corpora.build_corpus(
        paragraphs,
        options["vocabulary"],
        options["held_out"],
        settings["base_seed"],
        tokeniser(options),
    )
    steps, size = options["sequence_length"], len(text.words)
    windows = (len(text.held_out) - 1) // steps
    end = windows * steps
    inputs = text.held_out[:end].reshape(windows, steps).T
    targets = text.held_out[1 : end + 1].reshape(windows, steps).T
    probe = np.linspace(0, windows - 1, settings["measurement"]["probe_batch"]).round().astype(int)
    most_frequent = np.bincount(text.train, minlength=size).argmax()
    # The baselines are scored on the very targets that the nets are scored on.
    scored = text.held_out[: end + 1]
    facts = {
        "input_size": size,
        "output_size": size,
        "embedded": True,
        "loss": "cross_entropy",
        "baselines": {
            "the unigram": float(np.log(unigram_perplexity(text.train, scored, size))),
            "the bigram": float(np.log(bigram_perplexity(text.train, scored, size))),
        },
        "chance_accuracy": float((targets == most_frequent).mean()),
        "corpus": options["corpus"],
        "corpus_sha256": text.sha256,
        "token_count": text.token_count,
        "paragraph_count": text.paragraph_count,
        "unknown_rate": text.unknown_rate,
        "train_tokens": len(text.train),
        "held_out_tokens": len(text.held_out),
    }
    arrays = {
        "loss_mask": np.ones(steps, dtype=bool),
        "evaluation_inputs": inputs,
        "evaluation_targets": targets,
        "probe_inputs": inputs[:, probe],
        "probe_targets": targets[:, probe],
        "train": text.train,
        "sentence": corpora.held_out_sentence(text),
    }
    return Prepared(arrays, facts, text.words)


def batches(options: dict, arrays: dict, batch_size: int, rng: np.random.Generator):
    """Yield windows of contiguous streams, going over the text again and again.

    Every pass starts at a random place, so that the windows are cut anew.
    """
    steps, tokens = options["sequence_length"], arrays["train"]
    while True:
        text = corpora.streams(np.roll(tokens, -rng.integers(len(tokens))), batch_size)
        for start in range(0, len(text) - steps, steps):
            yield text[start : start + steps], text[start + 1 : start + steps + 1]


def numbers(options: dict, facts: dict) -> dict:
    """Return what `paper/task_words.tex` says."""
    perplexities = {name: np.exp(loss) for name, loss in facts["baselines"].items()}
    return {
        "TextFile": own_file(options),
        "Unit": options["unit"],
        "Tokens": TOKENS[options["unit"]],
        "TokenCount": facts["token_count"],
        "ParagraphCount": facts["paragraph_count"],
        "Vocabulary": facts["input_size"] - 1,
        "UnknownRate": Percentage(facts["unknown_rate"]),
        "HeldOut": facts["held_out_tokens"],
        "UnigramPerplexity": perplexities["the unigram"],
        "BigramPerplexity": perplexities["the bigram"],
    }
