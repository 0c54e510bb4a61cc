"""What counting words can predict: unigram and interpolated bigram perplexity.

The yardsticks of a language model: one that cannot beat the unigram has learnt nothing but how
frequent words are, and one that beats the bigram uses more than the last word.
"""

import numpy as np


def unigram_perplexity(train: np.ndarray, held_out: np.ndarray, size: int) -> float:
    """Perplexity of held_out[1:] under the word frequencies of the training part.

    Parameters
    ----------
    train, held_out : (n,) int tokens below `size`, at least two of each.
    size : V, the number of words.
    """
    return _perplexity(unigram_probability(train, size)[held_out[1:]])


def bigram_perplexity(train: np.ndarray, held_out: np.ndarray, size: int) -> float:
    """Perplexity of held_out[1:], each word given the one before; see `bigram_probability`.

    Parameters
    ----------
    train, held_out : (n,) int tokens below `size`, at least two of each.
    size : V, the number of words.
    """
    return _perplexity(bigram_probability(train, size, held_out[:-1], held_out[1:]))


def unigram_probability(train: np.ndarray, size: int) -> np.ndarray:
    """Probability of every word, (V,), from its count in the training part.

    One is added to each count (Laplace's rule of succession), so that no word is impossible.
    """
    counts = np.bincount(train, minlength=size) + 1.0
    return counts / counts.sum()


def bigram_probability(
    train: np.ndarray, size: int, before: np.ndarray, word: np.ndarray
) -> np.ndarray:
    """Probability of each `word` given the word before it, by interpolated absolute discounting.

        p(w | u) = max(c(u, w) - D, 0) / c(u) + D n(u) / c(u) p(w)

    c(u, w) is how often w follows u in the training part, c(u) how often anything does, and n(u)
    the number of different words that do; p(w) is the unigram.  What the discount D takes from
    the seen pairs is given to the unigram, so the sum over w is 1; a word u that nothing follows
    leaves the unigram alone.  D = n1 / (n1 + 2 n2), where n1 and n2 pairs were seen once and
    twice, approximates the leave-one-out estimate: nothing is tuned on the held-out part.  Ney,
    Essen and Kneser (1994), Computer Speech and Language 8:1-38.

    Parameters
    ----------
    train : (n,) int tokens below `size`.
    size : V, the number of words.
    before, word : (m,) int tokens below `size`.
    """
    pairs, counts = np.unique(train[:-1].astype(np.int64) * size + train[1:], return_counts=True)
    once, twice = np.count_nonzero(counts == 1), np.count_nonzero(counts == 2)
    # Where every pair is seen again and again the estimate is 0, which would rule out new pairs.
    discount = once / (once + 2 * twice) if once else 0.5
    wanted = before.astype(np.int64) * size + word
    place = np.minimum(np.searchsorted(pairs, wanted), len(pairs) - 1)
    count = np.where(pairs[place] == wanted, counts[place], 0)
    total = np.bincount(train[:-1], minlength=size)[before]
    followers = np.bincount(pairs // size, minlength=size)[before]
    seen = np.maximum(total, 1)
    freed = np.where(total > 0, discount * followers / seen, 1.0)
    return np.maximum(count - discount, 0.0) / seen + freed * unigram_probability(train, size)[word]


def _perplexity(probability: np.ndarray) -> float:
    """Return e to the mean negative log-probability."""
    return float(np.exp(-np.log(probability).mean()))
