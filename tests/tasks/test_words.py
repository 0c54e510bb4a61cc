"""A text as a task: what is trained on and held out, word by word and character by character."""

import numpy as np
import pytest

from gradient_horizon.tasks import corpus, words

SETTINGS = {"base_seed": 3, "experiment": "sample", "measurement": {"probe_batch": 7}}
SIDES = ("inputs", "targets")


def options(**changes):
    return {key: part["default"] for key, part in words.OPTIONS.items()} | changes


@pytest.mark.parametrize(("tokens", "batch", "steps"), [(200, 4, 6), (61, 3, 5), (26, 2, 12)])
def test_batches_of_words_are_contiguous(tokens, batch, steps):
    """Each token is its position: the target is the next one, and windows follow each other."""
    arrays = {"train": np.arange(tokens, dtype=np.int32)}
    chosen = options(sequence_length=steps)
    stream = words.batches(chosen, arrays, batch, np.random.default_rng(0))
    in_a_pass = (tokens // batch - 1) // steps
    starts = set()
    for _ in range(5):
        previous = None
        for _ in range(in_a_pass):
            inputs, targets = next(stream)
            assert inputs.shape == targets.shape == (steps, batch)
            np.testing.assert_array_equal(targets, (inputs + 1) % tokens)
            np.testing.assert_array_equal(np.diff(inputs, axis=0) % tokens, 1)
            if previous is None:
                starts.add(int(inputs[0, 0]))
                # The streams lie one after the other in the text.
                np.testing.assert_array_equal(np.diff(inputs[0]) % tokens, tokens // batch)
            else:
                np.testing.assert_array_equal(inputs[0], previous[-1])
            previous = targets
    assert len(starts) > 2  # every pass cuts the text anew


@pytest.fixture(scope="module")
def text(tmp_path_factory):
    """Two hundred paragraphs of twelve numbers, no two alike, on ten words altogether."""
    rng = np.random.default_rng(4)
    names = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
    paragraphs = [" ".join(rng.choice(names, 12)) + "." for _ in range(200)]
    path = tmp_path_factory.mktemp("text") / "text.txt"
    path.write_text("\n\n".join(paragraphs), encoding="utf-8")
    return path


def test_words_held_out_are_never_trained_on(text):
    chosen = options(corpus=str(text), sequence_length=8, held_out=0.2)
    prepared = words.prepare(chosen, SETTINGS)
    arrays = prepared.arrays
    everything = corpus.build_corpus(corpus.read_paragraphs(text), 1000, 0.2, 3)
    tokens = np.concatenate([everything.train, everything.held_out])
    assert len(tokens) == 200 * 13
    inputs, targets = arrays["evaluation_inputs"], arrays["evaluation_targets"]
    windows = inputs.shape[1]
    assert windows == (0.2 * len(tokens) - 1) // 8
    # The training part is the first, and evaluation goes on where it ends, without a gap.
    np.testing.assert_array_equal(arrays["train"], tokens[: len(arrays["train"])])
    assert len(arrays["train"]) == 0.8 * len(tokens)
    begin = len(arrays["train"])
    np.testing.assert_array_equal(inputs.T.ravel(), tokens[begin : begin + 8 * windows])
    np.testing.assert_array_equal(targets.T.ravel(), tokens[begin + 1 : begin + 8 * windows + 1])
    probe, evaluation = (
        {tuple(column) for column in np.vstack([arrays[f"{name}_{side}"] for side in SIDES]).T}
        for name in ("probe", "evaluation")
    )
    assert probe <= evaluation and len(probe) == 7
    assert arrays["loss_mask"].all() and arrays["loss_mask"].shape == (8,)


def test_facts_of_a_text(text):
    chosen = options(corpus=str(text), sequence_length=8, held_out=0.2)
    prepared = words.prepare(chosen, SETTINGS)
    facts = prepared.facts
    assert facts["input_size"] == facts["output_size"] == len(prepared.words) == 12
    assert facts["embedded"] is True and facts["unknown_rate"] == 0
    assert facts["token_count"] == facts["train_tokens"] + facts["held_out_tokens"] == 2600
    # Ten words at random, and a sentence end after twelve: little is to be known without memory.
    entropy = -(12 / 13 * np.log(12 / 130) + 1 / 13 * np.log(1 / 13))
    unigram, bigram = facts["baselines"].values()
    assert unigram == pytest.approx(entropy, abs=0.02)
    assert bigram == pytest.approx(entropy, abs=0.1)
    counts = np.bincount(prepared.arrays["train"])
    top = (prepared.arrays["evaluation_targets"] == counts.argmax()).mean()
    assert facts["chance_accuracy"] == pytest.approx(top)


def test_a_text_character_by_character(text):
    """Inputs, targets and baselines against what reading the file again says."""
    chosen = options(corpus=str(text), sequence_length=8, held_out=0.2, unit="character")
    prepared = words.prepare(chosen, SETTINGS)
    arrays, facts = prepared.arrays, prepared.facts
    paragraphs = text.read_text(encoding="utf-8").split("\n\n")
    assert facts["token_count"] == sum(len(paragraph) + 1 for paragraph in paragraphs)
    names = np.array(prepared.words)
    assert set(names) == {"<unk>", "</s>", *"\n".join(paragraphs).replace("\n", "")}
    train, inputs = arrays["train"], arrays["evaluation_inputs"]
    held_out = [*inputs.T.ravel(), arrays["evaluation_targets"][-1, -1]]
    written = "".join(names[[*train, *held_out]]).split("</s>")
    # Whole paragraphs in another order; the last one lacks what fills no sequence of eight.
    assert set(written[:-2]) <= set(paragraphs) and len(written) >= 200
    assert written[:-2] != paragraphs[: len(written) - 2]
    following = np.append(inputs.T.ravel()[1:], held_out[-1]).reshape(-1, 8).T
    np.testing.assert_array_equal(arrays["evaluation_targets"], following)
    assert facts["unknown_rate"] == 0 and facts["embedded"] is True
    assert facts["input_size"] == facts["output_size"] == len(names)
    counts = np.bincount(train, minlength=len(names)) + 1
    log_frequency = np.log(counts / counts.sum())[held_out[1:]]
    unigram, bigram = facts["baselines"].values()
    assert unigram == pytest.approx(-log_frequency.mean(), rel=1e-12)
    # Of ten words one letter tells much of the next.
    assert 0 < bigram < unigram - 0.5
    top = (arrays["evaluation_targets"] == counts.argmax()).mean()
    assert facts["chance_accuracy"] == pytest.approx(top)
    macros = words.numbers(chosen, facts)
    assert (macros["Unit"], macros["Tokens"]) == ("character", "characters and paragraph ends")
    assert macros["UnigramPerplexity"] == np.exp(unigram)
