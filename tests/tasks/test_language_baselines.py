"""The word-count baselines against brute-force loops and closed forms."""

from collections import Counter
from itertools import pairwise
from math import exp, log

import numpy as np
import pytest

from gradient_horizon.tasks import language_baselines

# The letters of a text with pairs seen once, twice and more; z and q stand for words never seen.
WORDS = "abcdzq"
TRAIN = np.array([WORDS.index(letter) for letter in "abababcabdacdbabcbda"])
HELD_OUT = np.array([WORDS.index(letter) for letter in "abdzqacz"])
SIZE = len(WORDS)


def loop_bigram(train, size, before, word):
    pairs = Counter(pairwise(train))
    once = sum(count == 1 for count in pairs.values())
    twice = sum(count == 2 for count in pairs.values())
    discount = once / (once + 2 * twice)
    unigram = (list(train).count(word) + 1) / (len(train) + size)
    total = sum(count for (u, _), count in pairs.items() if u == before)
    if total == 0:
        return unigram
    followers = sum(u == before for u, _ in pairs)
    kept = max(pairs[before, word] - discount, 0) / total
    return kept + discount * followers / total * unigram


def every_pair(size):
    before, word = np.divmod(np.arange(size * size), size)
    return before, word


def test_unigram_by_hand():
    # 3 x a, 1 x b, and c never: add-one gives 4/7, 2/7, 1/7; the first held-out word is given.
    train, held_out = np.array([0, 1, 0, 0]), np.array([1, 0, 2])
    expected = exp(-(log(4 / 7) + log(1 / 7)) / 2)
    assert language_baselines.unigram_perplexity(train, held_out, 3) == pytest.approx(expected)


def test_bigram_agrees_with_a_loop():
    before, word = every_pair(SIZE)
    expected = [loop_bigram(TRAIN, SIZE, u, w) for u, w in zip(before, word, strict=True)]
    actual = language_baselines.bigram_probability(TRAIN, SIZE, before, word)
    np.testing.assert_allclose(actual, expected, rtol=1e-13)


def test_bigram_perplexity_agrees_with_a_loop():
    pairs = list(pairwise(HELD_OUT))
    expected = exp(-sum(log(loop_bigram(TRAIN, SIZE, u, w)) for u, w in pairs) / len(pairs))
    actual = language_baselines.bigram_perplexity(TRAIN, HELD_OUT, SIZE)
    assert actual == pytest.approx(expected, rel=1e-13)


@pytest.mark.parametrize(
    "train",
    [
        TRAIN,
        np.array([0, 1]),
        np.array([2, 2, 2, 2, 2]),  # no pair seen once
        np.arange(SIZE),  # no pair seen twice
        np.random.default_rng(0).integers(0, SIZE, 500).astype(np.int32),
    ],
)
def test_bigram_probabilities_sum_to_one_and_none_is_zero(train):
    before, word = every_pair(SIZE)
    table = language_baselines.bigram_probability(train, SIZE, before, word).reshape(SIZE, SIZE)
    np.testing.assert_allclose(table.sum(axis=1), 1.0, rtol=1e-13)
    assert table.min() > 0


def test_a_word_that_nothing_follows_leaves_the_unigram():
    word = np.arange(SIZE)
    actual = language_baselines.bigram_probability(TRAIN, SIZE, np.full(SIZE, 4), word)
    np.testing.assert_allclose(actual, language_baselines.unigram_probability(TRAIN, SIZE))


def test_large_vocabularies_do_not_overflow():
    # 70,000 squared does not fit into the int32 of the tokens.
    size = 70_000
    train = (TRAIN + size - SIZE).astype(np.int32)
    before, word = train[:-1], train[1:]
    expected = [loop_bigram(train, size, u, w) for u, w in pairwise(train)]
    actual = language_baselines.bigram_probability(train, size, before, word)
    np.testing.assert_allclose(actual, expected, rtol=1e-13)
