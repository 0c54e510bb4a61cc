"""Real English as token streams: the documentation prose of the installed packages, or a file."""

import ast
import hashlib
import inspect
import re
import unicodedata
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path

import numpy as np

from ..ground.seeds import generator
from ..ground.user_files import OwnFileError, reading

PACKAGES = ("matplotlib", "numpy", "pandas")
SENTENCE_END = "</s>"
UNKNOWN = "<unk>"
UNKNOWN_NUMBER = 0
# Shorter paragraphs are mostly labels rather than running text.
SHORTEST_PARAGRAPH = 12

# Tests are not installed everywhere, and numpy.distutils only where Python is older than 3.12.
_SKIPPED = {"tests", "testing", "_testing", "conftest.py", "distutils", "_pyinstaller"}

_WORD = re.compile(r"[^\W_]+(?:[-_.'][^\W_]+)*")
_APOSTROPHE = "\u2019"  # also the closing single quotation mark
_OPENERS, _CLOSERS = "([{\"'“\u2018«„¿¡", ")]}\"'”»“" + _APOSTROPHE
_ABBREVIATIONS = {"al", "approx", "bzw", "cf", "dr", "mr", "mrs", "ms", "prof", "resp", "st", "vs"}
_ABBREVIATIONS_BEFORE_NUMBERS = {"chap", "eq", "eqs", "fig", "figs", "no", "nr", "p", "pp", "vol"}

# Documentation is written in reStructuredText: what follows tells its prose from the rest.
_UNDERLINE = re.compile(r"\s*[-=~^\"'*+#_][-=~^\"'*+#_ ]{2,}")
_ITEM = re.compile(r"\s*(?:[-*+•]|\d+[.)]|\(\w\))\s+")
_ADMONITION = re.compile(
    r"\s*\.\. (?:note|warning|important|tip|hint|caution|attention|seealso|admonition"
    r"|versionadded|versionchanged|deprecated)::(?:\s+\d[\d.]*)?\s*"
)
_HIDES_WHAT_IS_INDENTED = re.compile(r"\.\. |.*::$|>>>|:\w[^`]*:(?: |$)")
_LITERAL = re.compile(r"``(.+?)``")
_INTERPRETED = re.compile(r"(?::[\w.+-]+)*:?`([^`]+)`_{0,2}")
_REMAINING_MARKUP = [
    (re.compile(r"(\*\*?)(?=\S)([^*]+)(?<=\S)\1"), r"\2"),
    (re.compile(r"\s*\[#?\w*\]_"), ""),  # a footnote's mark
    (re.compile(r"\|(\w+)\|"), r"\1"),
    (re.compile(r"\\ "), ""),
    (re.compile(r"(?<=\w)\(\)"), ""),
]
_NOT_PROSE = re.compile(
    r">>>|::|\.\. | : |\w\.\w+: |--|\.\.\.\.|[`|{}<>=\\^$%@#&*~]|\w\[|\w\((?!e?s\))|https?"
    r"|[\w,)]\s{2,}\w"  # a table's columns
)
_WHOLE_SENTENCES = re.compile(r"[A-Z(\"'][^.!?]*[a-z].*[.!?][)\"']*", re.DOTALL)


@dataclass(frozen=True)
class Corpus:
    """A tokenised text, split by position.

    Attributes
    ----------
    train, held_out : (n,) int32 token numbers; the held-out part comes last in the text.
    words : the word, or the character, of each token number, V in all; number 0 is `<unk>`.
    sha256 : of the tokenised text before it is shuffled: UTF-8, a line for each paragraph.
    token_count, paragraph_count : of the whole text.
    unknown_rate : the part of all tokens that are `<unk>`.
    """

    train: np.ndarray
    held_out: np.ndarray
    words: tuple[str, ...]
    sha256: str
    token_count: int
    paragraph_count: int
    unknown_rate: float


def read_paragraphs(path: str | Path) -> list[str]:
    """Read a UTF-8 text file and split it at blank lines.

    Raises
    ------
    OwnFileError : the file is missing, no regular file, unreadable, empty, binary or not UTF-8.
    """
    with reading(path, "a text file"):
        content = Path(path).read_bytes()
    if b"\0" in content:
        raise OwnFileError(f"{path} is a binary file, not UTF-8 text")
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise OwnFileError(f"{path} is not UTF-8 (at byte {error.start})") from None
    lines = (line.strip() for line in text.removeprefix("\ufeff").splitlines())
    paragraphs = [part for part in re.split(r"\n{2,}", "\n".join(lines).strip()) if part]
    if not paragraphs:
        raise OwnFileError(f"{path} is empty")
    return paragraphs


def docstring_paragraphs() -> list[str]:
    """Return the documentation prose of the installed matplotlib, NumPy and pandas.

    Paragraphs of whole sentences from the packages' sources, which are read, not imported.  Their
    markup is reduced to its words; code, tables, lists of parameters and tests are left out, and
    so are repetitions.  The text depends on the versions of the packages and on nothing else.
    """
    paragraphs = (
        paragraph
        for package in PACKAGES
        for file in _sources(package)
        for text in _documentation(file.read_text(encoding="utf-8"))
        for paragraph in _prose(text)
    )
    return list(_without_repetitions(paragraphs))


def tokenise(paragraph: str) -> list[str]:
    """Split a paragraph into lower-case words, each sentence followed by `</s>`.

    A word is a run of letters and digits of any script, together with the single hyphens,
    underscores, dots and apostrophes inside it: `one-dimensional`, `don't`, `numpy.ndarray`,
    `3.14`.  Other punctuation is dropped.  A number is a word like any other.
    """
    chunks = unicodedata.normalize("NFC", paragraph).split()
    tokens = []
    for chunk, following in pairwise([*chunks, ""]):
        tokens += _WORD.findall(chunk.lower().replace(_APOSTROPHE, "'"))
        # `tokens[-1:]` is empty or a sentence end where punctuation stands alone.
        last = not following or _ends_sentence(chunk, following)
        if last and tokens[-1:] not in ([], [SENTENCE_END]):
            tokens.append(SENTENCE_END)
    return tokens


def characters(paragraph: str) -> list[str]:
    """Split a paragraph into its characters, followed by `</s>`.

    Capitals and punctuation are kept as they are; white space of any length is one space.
    """
    text = " ".join(unicodedata.normalize("NFC", paragraph).split())
    return [*text, SENTENCE_END] if text else []


def build_corpus(
    paragraphs: list[str],
    vocabulary_size: int,
    held_out_fraction: float,
    seed: int,
    tokenise: Callable[[str], list[str]] = tokenise,
) -> Corpus:
    """Tokenise, shuffle the paragraphs, split by position, and number the words.

    Parameters
    ----------
    paragraphs : the text.
    vocabulary_size : how many of the most frequent words of the training part are kept, `</s>`
        among them; `<unk>` comes on top.  Words as frequent as each other go by the alphabet.
        All are kept if there are fewer.
    held_out_fraction : the part of the tokens, at the end, that is held out.
    seed : of the shuffling, without which the two parts would come from different chapters.
    tokenise : `tokenise` or `characters`, whose tokens are words here too.

    Raises
    ------
    OwnFileError : a part holds fewer than two tokens, so that there is nothing to predict.
    """
    tokenised = [tokens for tokens in map(tokenise, paragraphs) if tokens]
    sha256 = hashlib.sha256("\n".join(map(" ".join, tokenised)).encode()).hexdigest()
    order = generator(seed, "corpus", "shuffle").permutation(len(tokenised))
    text = [token for place in order for token in tokenised[place]]
    split = round(len(text) * (1 - held_out_fraction))
    if min(split, len(text) - split) < 2:
        raise OwnFileError(
            f"{len(text)} tokens are too few to train on {1 - held_out_fraction:.0%} of them and "
            f"to hold out the others"
        )
    counts = Counter(text[:split])
    kept = sorted(counts, key=lambda word: (-counts[word], word))[:vocabulary_size]
    words = (UNKNOWN, *kept)
    numbers = {word: number for number, word in enumerate(words)}
    tokens = np.array([numbers.get(word, UNKNOWN_NUMBER) for word in text], dtype=np.int32)
    return Corpus(
        train=tokens[:split],
        held_out=tokens[split:],
        words=words,
        sha256=sha256,
        token_count=len(tokens),
        paragraph_count=len(tokenised),
        unknown_rate=float((tokens == UNKNOWN_NUMBER).mean()),
    )


def held_out_sentence(corpus: Corpus, shortest: int = 12, longest: int = 20) -> np.ndarray:
    """Choose a held-out sentence to show word by word.

    Returns
    -------
    (n,) int32 tokens from the sentence end before it to its own, both included: of the sentences
    of `shortest` to `longest` words the first with the fewest unknown ones.  Where there is none,
    as in a very short text, the first tokens of the held-out part.
    """
    ends = np.flatnonzero(np.array(corpus.words)[corpus.held_out] == SENTENCE_END)
    sentences = [
        corpus.held_out[start : stop + 1]
        for start, stop in pairwise(ends)
        if shortest <= stop - start - 1 <= longest
    ]
    return min(
        sentences,
        key=lambda sentence: np.count_nonzero(sentence == UNKNOWN_NUMBER),
        default=corpus.held_out[: longest + 2],
    )


def streams(tokens: np.ndarray, batch_size: int) -> np.ndarray:
    """Cut a text into contiguous streams side by side.

    Returns
    -------
    (n, batch_size) with n = len(tokens) // batch_size; column b is the b-th piece of the text, and
    the few tokens that fill no row are left out.  `s[:-1]` are inputs and `s[1:]` their targets.
    """
    length = len(tokens) // batch_size
    return tokens[: length * batch_size].reshape(batch_size, length).T


def _ends_sentence(chunk: str, following: str) -> bool:
    """Tell whether a sentence ends between two neighbours in a text split at white space."""
    chunk, following = chunk.rstrip(_CLOSERS), following.lstrip(_OPENERS)
    if not chunk.endswith((".", "!", "?", "…")) or following[:1].islower():
        return False
    if not chunk.endswith("."):
        return True
    stem = chunk[:-1].lstrip(_OPENERS)
    letters = stem.split(".")
    if all(len(letter) == 1 and letter.isalpha() for letter in letters):
        # e.g. and U.S.; the initial of J. Smith; the first half of z. B.
        return not (len(letters) > 1 or stem.isupper() or re.match(r"[^\W\d_]\.", following))
    if following[:1].isdigit() and stem.lower() in _ABBREVIATIONS_BEFORE_NUMBERS:
        return False
    return stem.lower() not in _ABBREVIATIONS


def _sources(package: str) -> list[Path]:
    """Python files of an installed package in the order of their names, without its tests."""
    folder = Path(find_spec(package).origin).parent
    files = (path.relative_to(folder) for path in folder.rglob("*.py"))
    kept = (path for path in files if not _SKIPPED.intersection(path.parts))
    return [folder / path for path in sorted(kept, key=lambda path: path.as_posix())]


def _documentation(source: str) -> Iterator[str]:
    """Strings of a module that may hold documentation, unindented, the outermost first.

    Those that are statements of their own, as docstrings are, and those of several lines, as the
    documentation of compiled functions and the templates of decorators are.
    """
    nodes = deque([ast.parse(source)])
    while nodes:
        match node := nodes.popleft():
            case ast.Expr(value=ast.Constant(value=str(text))):
                yield inspect.cleandoc(text)
            case ast.Constant(value=str(text)) if "\n" in text:
                yield inspect.cleandoc(text)
            case _:
                nodes.extend(ast.iter_child_nodes(node))


def _prose(text: str) -> Iterator[str]:
    """Paragraphs of whole sentences, their markup reduced to its words."""
    for block in _blocks(text):
        if len(block.split()) < SHORTEST_PARAGRAPH:
            continue
        block = _LITERAL.sub(r"\1", block)
        block = _INTERPRETED.sub(_shown, block)
        for pattern, words in _REMAINING_MARKUP:
            block = pattern.sub(words, block)
        if _WHOLE_SENTENCES.fullmatch(block) and not _NOT_PROSE.search(block):
            yield " ".join(block.split())


def _blocks(text: str) -> Iterator[str]:
    """Runs of lines of equal indentation, joined, without titles and what is no running text."""
    lines: list[str] = []
    indentation = 0
    hidden_below = None
    for line in [*text.splitlines(), ""]:
        depth = len(line) - len(line.lstrip())
        if hidden_below is not None:
            if not line.strip() or depth > hidden_below:
                continue
            hidden_below = None
        opening = _ADMONITION.match(line) or _ITEM.match(line)
        if _UNDERLINE.fullmatch(line):
            lines = []  # the title above it, or a table's rows
            continue
        if lines and (opening or not line.strip() or indentation not in (None, depth)):
            yield " ".join(lines)
            lines = []
        words = line[opening.end() :].strip() if opening else line.strip()
        # The lines after an item's first may be indented in any way.
        indentation = None if opening else depth
        if words:
            lines.append(words)
        if _HIDES_WHAT_IS_INDENTED.match(words):
            hidden_below = depth


def _without_repetitions(paragraphs: Iterable[str]) -> Iterator[str]:
    """Leave out a paragraph when half of its sentences or more have occurred before.

    Related classes share most of their documentation, with a word changed here and there; what is
    held out would otherwise be known by heart.
    """
    seen: set[str] = set()
    for paragraph in paragraphs:
        text = " ".join(tokenise(paragraph)).removesuffix(SENTENCE_END)
        sentences = {sentence.strip() for sentence in text.split(SENTENCE_END)}
        if 2 * len(sentences & seen) < len(sentences):
            seen |= sentences
            yield paragraph


def _shown(markup: re.Match) -> str:
    """Return what a reader sees of interpreted text: a link's words, the end of `~a.long.name`."""
    words = re.sub(r"(?<=\S)\s*<[^<>]*>$", "", markup[1])
    return words.rsplit(".", 1)[-1].lstrip("~") if words.startswith("~") else words.lstrip("!.")
