"""Text in, tokens out: hand-made texts, user files, and the documentation that is installed."""

import hashlib
import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from gradient_horizon.tasks import corpus, words

FUNCTION_WORDS = set(
    corpus.tokenise(
        "the a an of to in is are be for and or if with by this that it as not on from at which "
        "when will can has have may should must does do was were"
    )[:-1]
)


@pytest.fixture(scope="module")
def paragraphs():
    return corpus.docstring_paragraphs()


@pytest.fixture(scope="module")
def documentation(paragraphs):
    return corpus.build_corpus(paragraphs, 1000, 0.05, 0)


# Tokens


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The cat sat. The dog did not!", "the cat sat </s> the dog did not </s>"),
        ("No stop at the end", "no stop at the end </s>"),
        ("Some, e.g. This or i.e. That one.", "some e.g this or i.e that one </s>"),
        ("A rate of 3.14 in 2.4.6. Then 10.", "a rate of 3.14 in 2.4.6 </s> then 10 </s>"),
        ("Pass a numpy.ndarray. It is read.", "pass a numpy.ndarray </s> it is read </s>"),
        ("set_xlim moves the x-axis.", "set_xlim moves the x-axis </s>"),
        ("Don't; it’s (really) 'odd'.", "don't it's really odd </s>"),  # noqa: RUF001
        ("See Fig. 3 of Dr. J. R. Smith.", "see fig 3 of dr j r smith </s>"),
        ("He said no. She left.", "he said no </s> she left </s>"),
        ("Points, lines, etc. The end.", "points lines etc </s> the end </s>"),
        ("Lines etc. (see below) or x. Then y.", "lines etc see below or x </s> then y </s>"),
        ('"Really?" he asked. (Yes.) So.', "really he asked </s> yes </s> so </s>"),
        ("Wait... What?! -- Nothing .", "wait </s> what </s> nothing </s>"),
        ("?! ... --", ""),
        ("", ""),
        ("L’été, c’est où ? « Là-bas. » Oui.", "l'été c'est où </s> là-bas </s> oui </s>"),  # noqa: RUF001
        ("Größe, z. B. Länge. Ärger!", "größe z b länge </s> ärger </s>"),
        ("Он пришёл, т.е. вернулся. Да!", "он пришёл т.е вернулся </s> да </s>"),  # noqa: RUF001
        ("u\u0308ber e\u0301te\u0301", "über été </s>"),
    ],
)
def test_tokens(text, expected):
    assert " ".join(corpus.tokenise(text)) == expected


def test_a_long_run_without_white_space_takes_no_time():
    assert corpus.tokenise("ab" * 500_000) == ["ab" * 500_000, "</s>"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A cat.", ["A", " ", "c", "a", "t", ".", "</s>"]),
        (" a\n\t b  ", ["a", " ", "b", "</s>"]),
        ("u\u0308!", ["ü", "!", "</s>"]),
        ("猫", ["猫", "</s>"]),
        (" \n", []),
        ("", []),
    ],
)
def test_characters(text, expected):
    assert corpus.characters(text) == expected


# Files


def test_a_file_is_split_at_blank_lines(tmp_path):
    file = tmp_path / "text.txt"
    file.write_bytes("\ufeff\r\n First line\r\nsecond.  \r\n \t\r\n\r\nÉté.\r\n".encode())
    assert corpus.read_paragraphs(file) == ["First line\nsecond.", "Été."]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b" \n\t\r\n ", "is empty"),
        (b"\xef\xbb\xbf", "is empty"),
        (b"text\0text", "is a binary file, not UTF-8 text"),
        ("text".encode("utf-16"), "is a binary file, not UTF-8 text"),
        (b"caf\xe9 noir", "is not UTF-8 (at byte 3)"),
        (b"\xef\xbb\xbfcaf\xe9 noir", "is not UTF-8 (at byte 6)"),
    ],
)
def test_contents_that_are_no_text(tmp_path, content, message):
    file = tmp_path / "text.txt"
    file.write_bytes(content)
    with pytest.raises(corpus.OwnFileError) as error:
        corpus.read_paragraphs(file)
    assert str(error.value) == f"{file} {message}"


def test_paths_that_are_no_file(tmp_path, monkeypatch):
    with pytest.raises(corpus.OwnFileError, match=r"does not exist$"):
        corpus.read_paragraphs(tmp_path / "missing.txt")
    with pytest.raises(corpus.OwnFileError, match=r"is a folder, not a text file$"):
        corpus.read_paragraphs(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(corpus.OwnFileError, match=r"is no regular file$"):
        corpus.read_paragraphs(tmp_path / "pipe")

    def refuse(path):
        raise PermissionError(13, "Permission denied")

    (tmp_path / "secret.txt").touch()
    monkeypatch.setattr(Path, "read_bytes", refuse)  # the superuser may read everything
    with pytest.raises(corpus.OwnFileError, match=r"cannot be read \(Permission denied\)$"):
        corpus.read_paragraphs(tmp_path / "secret.txt")


# The corpus

TEXT = ["B b b a a.", "C a.  B c!", "...", "A b d."]
TOKENISED = "b b b a a </s>\nc a </s> b c </s>\na b d </s>"


def test_a_corpus_by_hand():
    built = corpus.build_corpus(TEXT, 3, 0.25, 0)
    assert built.sha256 == hashlib.sha256(TOKENISED.encode()).hexdigest()
    assert (built.token_count, built.paragraph_count) == (16, 3)
    assert (len(built.train), len(built.held_out)) == (12, 4)
    assert built.train.dtype == built.held_out.dtype == np.int32
    assert built.words[0] == "<unk>" and len(built.words) == 4
    tokens = np.concatenate([built.train, built.held_out])
    assert built.unknown_rate == np.mean(tokens == 0)


def test_paragraphs_are_shuffled_whole():
    texts = ["a b c", "a c b", "b a c", "b c a", "c a b", "c b a"]
    built = corpus.build_corpus(texts, 100, 0.1, 0)
    stream = " ".join(built.words[token] for token in [*built.train, *built.held_out])
    shuffled = stream.removesuffix(" </s>").split(" </s> ")
    assert shuffled != texts
    assert sorted(shuffled) == texts


def test_the_vocabulary_is_of_the_training_part_by_frequency_then_alphabet():
    built = corpus.build_corpus(["e e d d c c c b a x y z"] * 9, 4, 0.5, 0)
    counts = Counter(built.words[token] for token in built.train)
    assert built.words == ("<unk>", "c", "d", "e", "</s>")
    assert counts["<unk>"] == len(built.train) - sum(counts[w] for w in built.words[1:])


def test_a_word_of_the_held_out_part_alone_is_unknown():
    texts = [f"word{number} and more" for number in range(40)]
    built = corpus.build_corpus(texts, 1000, 0.25, 3)
    assert set(built.train) == set(range(1, len(built.words)))
    assert np.count_nonzero(built.held_out == 0) == pytest.approx(10, abs=1)


def test_the_seed_decides_the_order_and_only_that():
    texts = [f"sentence number {number}." for number in range(50)]
    first, again, other = (corpus.build_corpus(texts, 1000, 0.2, seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.train, again.train)
    assert first.words == again.words
    assert first.words != other.words
    assert first.sha256 == again.sha256 == other.sha256


def test_a_corpus_of_characters_by_hand():
    """Four times `ab ba` and its end: of six characters two are a and two b."""
    built = corpus.build_corpus(["ab  ba", "ab\nba"] * 2, 3, 0.25, 0, corpus.characters)
    assert built.sha256 == hashlib.sha256("\n".join(["a b   b a </s>"] * 4).encode()).hexdigest()
    assert (built.token_count, built.paragraph_count) == (24, 4)
    # The space and the end are as frequent as each other, and ` ` comes first in the alphabet.
    assert built.words == ("<unk>", "a", "b", " ")
    assert built.train.tolist() == [1, 2, 3, 2, 1, 0] * 3
    assert built.held_out.tolist() == [1, 2, 3, 2, 1, 0]
    assert built.unknown_rate == 4 / 24


@pytest.mark.parametrize("text", [[], ["..."], ["one"], ["one two three four"]])
def test_texts_too_short(text):
    with pytest.raises(corpus.OwnFileError, match="too few"):
        corpus.build_corpus(text, 10, 0.25, 0)


# The sentence to show


def sentence_of(held_out, **lengths):
    """The sentence chosen from words of one letter, `.` a sentence end and `?` unknown."""
    tokens = np.array(["?.abcdefgh".index(letter) for letter in held_out], dtype=np.int32)
    letters = ("<unk>", "</s>", *"abcdefgh")
    whole = corpus.Corpus(tokens, tokens, letters, "", len(tokens), 1, 0.0)
    chosen = corpus.held_out_sentence(whole, **lengths)
    return "".join("?.abcdefgh"[token] for token in chosen)


@pytest.mark.parametrize(
    ("held_out", "expected"),
    [
        ("abcd.ab.a?c.abc.cba.", ".abc."),  # the first without unknown words; abcd has no start
        ("a.ab?.a??.?ab.abcdefgh.", ".ab?."),  # the fewest, the first of them
        ("a.a.abcdefgh.", "a.a.ab"),  # none of that length
        ("abcabcabcabc", "abcabc"),
        ("ab", "ab"),
    ],
)
def test_held_out_sentence(held_out, expected):
    assert sentence_of(held_out, shortest=3, longest=4) == expected


# Streams


@pytest.mark.parametrize(("count", "batch"), [(20, 4), (23, 4), (5, 5), (7, 1), (3, 5)])
def test_streams_are_contiguous(count, batch):
    tokens = np.arange(100, 100 + count)
    cut = corpus.streams(tokens, batch)
    assert cut.shape == (count // batch, batch)
    for column in range(batch):
        for row in range(count // batch):
            assert cut[row, column] == tokens[column * (count // batch) + row]


# Documentation

DOCSTRING = '''"""Short title of the thing.

Return the `~numpy.ndarray` or :class:`frame <pandas.DataFrame>` of ``axis`` values that
*really* have **some** meaning, by `the guide <guide.html>`_ [1]_ of :meth:`.Axes.plot`.

.. versionadded:: 1.2
    Bodies of admonitions are paragraphs of whole sentences like any other one.

Parameters
----------
axis : int, This is a list and never a paragraph, however long it may ever become.
    The axis along which the values of the array are taken, one by one.
     \t
Notes
-----
The first paragraph after a title is kept, without the title above it.
    Calls such as f(x) = 3 make a paragraph of twelve words or more no prose.

- Items of a list are paragraphs of their own, joined with
  the lines that follow with the same indentation.
- Too short.

An example of what is not kept since it introduces code follows here::

    This looks like prose but it is indented code, so it is left out here.

.. math::

    Neither is this a paragraph although it has twelve words and a stop.

>>> This prompt is followed by words that are many and end in a stop.

======  ==========================================================
Column  Tables have words in columns that may well be whole sentences too.
======  ==========================================================

Styler.apply: Apply a function to the headers, by the column or by the row.

and this paragraph has no beginning although it has more than twelve words.

This paragraph has no end although it has more words than twelve in it
"""

def f():
    "A docstring of a single line has to be as long as a paragraph to be kept."
    raise ValueError("An error message of one line is no documentation even if it has many words.")

add_newdoc("place", "name", """
    What is written in C is documented by calls with strings of several lines.
    """)
'''
PROSE = [
    "Return the ndarray or frame of axis values that really have some meaning, by the guide of "
    "Axes.plot.",
    "Bodies of admonitions are paragraphs of whole sentences like any other one.",
    "The axis along which the values of the array are taken, one by one.",
    "The first paragraph after a title is kept, without the title above it.",
    "Items of a list are paragraphs of their own, joined with the lines that follow with the same "
    "indentation.",
    "A docstring of a single line has to be as long as a paragraph to be kept.",
    "What is written in C is documented by calls with strings of several lines.",
]


def make_package(folder, files):
    for name, source in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(source, encoding="utf-8")


def test_prose_of_a_module_by_hand(tmp_path, monkeypatch):
    make_package(tmp_path, {"sample/__init__.py": DOCSTRING})
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(corpus, "PACKAGES", ("sample",))
    assert sorted(corpus.docstring_paragraphs()) == sorted(PROSE)


def test_repetitions_tests_and_the_order_of_files(tmp_path, monkeypatch):
    sentence = "This is sentence number {} of a paragraph that has more than twelve words."
    one, two, three, four, test = ([sentence.format(number)] for number in range(5))
    sources = {
        "sample2/__init__.py": one + two,
        "sample2/b.py": two + three,  # half of it is new
        "sample2/a.py": one + two,
        "sample2/c/d.py": two + three + four,
        "sample2/tests/test_a.py": test,
        "sample2/conftest.py": test,
    }
    files = {name: f'"""{" ".join(sentences)}"""' for name, sentences in sources.items()}
    make_package(tmp_path, files)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(corpus, "PACKAGES", ("sample2",))
    expected = [" ".join(one + two), " ".join(two + three + four)]
    assert corpus.docstring_paragraphs() == expected
    forward = Path.rglob
    monkeypatch.setattr(Path, "rglob", lambda *given: reversed(list(forward(*given))))
    assert corpus.docstring_paragraphs() == expected


def test_the_documentation_is_english_prose_of_the_size_promised(paragraphs):
    assert 180_000 < sum(len(paragraph.split()) for paragraph in paragraphs) < 240_000
    spoken = [FUNCTION_WORDS.intersection(corpus.tokenise(text)) for text in paragraphs]
    assert np.mean([bool(some) for some in spoken]) > 0.99
    assert len(set(paragraphs)) == len(paragraphs)
    for paragraph in paragraphs:
        assert not re.search(r">>>|::|----|`|\*\*|\.\. |\n|  |%\(|\[\d+\]_", paragraph), paragraph
        assert re.search(r"[.!?][)\"']*$", paragraph), paragraph


def test_the_documentation_as_tokens(paragraphs, documentation):
    assert documentation.token_count > words.DOCSTRING_TOKENS["word"]
    characters = sum(len(corpus.characters(text)) for text in paragraphs)
    assert characters > words.DOCSTRING_TOKENS["character"]
    assert len(documentation.words) == 1001
    assert 0.05 < documentation.unknown_rate < 0.20
    sentence = corpus.held_out_sentence(documentation)
    assert 14 <= len(sentence) <= 22 and 0 not in sentence
    ends = [documentation.words[token] == "</s>" for token in sentence]
    assert ends[0] and ends[-1] and not any(ends[1:-1])


def test_another_process_reads_the_same_without_importing_anything(tmp_path, monkeypatch):
    sentence = "This is sentence number {} of a package that fails where it is imported."
    lines = [f'"""{sentence.format(number)}"""' for number in range(9)]
    make_package(tmp_path, {"sample3/__init__.py": "\n".join([*lines, "raise ImportError"])})
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(corpus, "PACKAGES", ("sample3",))
    built = corpus.build_corpus(corpus.docstring_paragraphs(), 1000, 0.25, 0)
    program = (
        f"import sys; sys.path.append({str(tmp_path)!r}); "
        "from gradient_horizon.tasks import corpus; corpus.PACKAGES = ('sample3',); "
        "built = corpus.build_corpus(corpus.docstring_paragraphs(), 1000, 0.25, 0); "
        "print(built.sha256, built.words, built.train.tolist())"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "12345"}
    output = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    ).stdout
    assert output == f"{built.sha256} {built.words} {built.train.tolist()}\n"
