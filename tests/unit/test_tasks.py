"""Positions, labels, targets and masks of the tasks by hand, and what is kept from training."""

import numpy as np
import pytest
from gradient_horizon import corpus
from gradient_horizon.seeds import generator
from gradient_horizon.tasks import TASKS, delayed_echo, temporal_order, words

SETTINGS = {"base_seed": 3, "experiment": "sample", "measurement": {"probe_batch": 7}}


def options(name, **changes):
    return {key: part["default"] for key, part in TASKS[name].OPTIONS.items()} | changes


def columns(*batches):
    """The sequences of batches (T, B) as a set."""
    return {tuple(sequence) for batch in batches for sequence in batch.T.tolist()}


# Delayed echo


@pytest.mark.parametrize(("steps", "lag", "symbols"), [(12, 1, 2), (40, 10, 4), (7, 6, 9)])
def test_echo_repeats_what_was_read_a_lag_before(steps, lag, symbols):
    chosen = options("delayed_echo", sequence_length=steps, lag=lag, symbols=symbols)
    inputs, targets = delayed_echo.draw(chosen, 50, np.random.default_rng(0))
    assert inputs.shape == targets.shape == (steps, 50)
    assert set(np.unique(inputs)) == set(range(symbols))
    prepared = delayed_echo.prepare(chosen, SETTINGS)
    loss_mask = prepared.arrays["loss_mask"]
    assert loss_mask.tolist() == [False] * lag + [True] * (steps - lag)
    for t in np.flatnonzero(loss_mask):
        assert (targets[t] == inputs[t - lag]).all()
    facts = prepared.facts
    assert facts["input_size"] == facts["output_size"] == symbols
    assert facts["relevant_distance"] == lag
    assert facts["chance_accuracy"] == pytest.approx(1 / symbols)
    assert list(facts["baselines"].values()) == pytest.approx([np.log(symbols)])


def test_echo_symbols_are_independent_and_even():
    inputs, _ = delayed_echo.draw(options("delayed_echo"), 2000, np.random.default_rng(1))
    assert np.bincount(inputs.ravel()) / inputs.size == pytest.approx([0.25] * 4, abs=0.01)
    pairs = np.bincount((4 * inputs[:-1] + inputs[1:]).ravel()) / inputs[1:].size
    assert pairs == pytest.approx([1 / 16] * 16, abs=0.005)


@pytest.mark.parametrize(("lag", "wrong"), [(1, False), (39, False), (40, True), (41, True)])
def test_a_lag_has_to_be_shorter_than_the_sequence(lag, wrong):
    problems = list(delayed_echo.problems(options("delayed_echo", lag=lag), {}))
    assert [key for key, _ in problems] == ["lag"] * wrong
    assert all("1 to 39" in message for _, message in problems)


# Temporal order


@pytest.mark.parametrize(
    ("steps", "first", "second"),
    [
        (100, range(10, 20), range(50, 60)),
        (40, range(4, 8), range(20, 24)),
        (20, range(2, 4), range(10, 12)),
        (10, range(1, 2), range(5, 6)),
        (15, range(1, 3), range(7, 9)),
    ],
)
def test_order_by_hand(steps, first, second):
    chosen = options("temporal_order", sequence_length=steps)
    inputs, targets = temporal_order.draw(chosen, 3000, np.random.default_rng(2))
    relevant = inputs >= 4
    assert (relevant.sum(axis=0) == 2).all() and inputs.max() == 5 and inputs.min() == 0
    places = np.nonzero(relevant.T)[1].reshape(-1, 2)
    assert set(places[:, 0]) == set(first) and set(places[:, 1]) == set(second)
    for sequence, place, label in zip(inputs.T, places, targets[-1], strict=True):
        name = "".join("XY"[sequence[p] - 4] for p in place)
        assert ["XX", "XY", "YX", "YY"][label] == name
    assert np.bincount(targets[-1]) / 3000 == pytest.approx([0.25] * 4, abs=0.04)
    others = inputs[~relevant]
    assert np.bincount(others) / len(others) == pytest.approx([0.25] * 4, abs=0.02)


def test_order_is_asked_for_at_the_last_step():
    prepared = temporal_order.prepare(options("temporal_order", sequence_length=20), SETTINGS)
    assert np.flatnonzero(prepared.arrays["loss_mask"]).tolist() == [19]
    assert (prepared.facts["input_size"], prepared.facts["output_size"]) == (6, 4)
    assert prepared.facts["relevant_distance"] == 17  # from step 19 back to step 2
    assert list(prepared.facts["baselines"].values()) == pytest.approx([np.log(4)])


# Both of them


@pytest.mark.parametrize("name", ["delayed_echo", "temporal_order"])
def test_what_is_measured_is_never_trained_on(name):
    chosen = options(name, sequence_length=40)
    arrays = TASKS[name].prepare(chosen, SETTINGS).arrays
    assert arrays["probe_inputs"].shape == arrays["probe_targets"].shape == (40, 7)
    assert arrays["evaluation_inputs"].shape == (40, 500)
    trained = set()
    for seed in range(3):
        rng = generator(3, "sample/run", "data", seed)
        stream = TASKS[name].batches(chosen, arrays, 20, rng)
        new = columns(*(next(stream)[0] for _ in range(40)))
        assert len(new) == 800 and not new & trained  # nor do two nets share their data
        trained |= new
    probe, evaluation = columns(arrays["probe_inputs"]), columns(arrays["evaluation_inputs"])
    assert not trained & probe and not trained & evaluation and not probe & evaluation
    evaluation_numbers = arrays["evaluation_inputs"].ravel()[: arrays["probe_inputs"].size]
    assert (evaluation_numbers != arrays["probe_inputs"].ravel()).any()


@pytest.mark.parametrize("name", ["delayed_echo", "temporal_order"])
def test_preparing_again_gives_the_same(name):
    first, again = (TASKS[name].prepare(options(name), SETTINGS) for _ in range(2))
    other = TASKS[name].prepare(options(name), SETTINGS | {"experiment": "other"})
    for key, array in first.arrays.items():
        np.testing.assert_array_equal(array, again.arrays[key])
    assert (first.arrays["probe_inputs"] != other.arrays["probe_inputs"]).any()


# Words


@pytest.mark.parametrize(("tokens", "batch", "steps"), [(200, 4, 6), (61, 3, 5), (26, 2, 12)])
def test_batches_of_words_are_contiguous(tokens, batch, steps):
    """Each token is its position: the target is the next one, and windows follow each other."""
    arrays = {"train": np.arange(tokens, dtype=np.int32)}
    chosen = options("words", sequence_length=steps)
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
    chosen = options("words", corpus=str(text), sequence_length=8, held_out=0.2)
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
    assert columns(np.vstack([arrays["probe_inputs"], arrays["probe_targets"]])) <= columns(
        np.vstack([inputs, targets])
    )
    assert len(columns(arrays["probe_inputs"])) == 7
    assert arrays["loss_mask"].all() and arrays["loss_mask"].shape == (8,)


def test_facts_of_a_text(text):
    chosen = options("words", corpus=str(text), sequence_length=8, held_out=0.2)
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


@pytest.mark.parametrize("name", TASKS)
def test_every_task_describes_itself_and_its_options(name, text):
    own_text = {"corpus": str(text), "held_out": 0.2}
    chosen = options(name, **(own_text if name == "words" else {}))
    settings = SETTINGS | {"training": {"batch_size": 5}}
    assert list(TASKS[name].problems(chosen, settings)) == []
    prepared = TASKS[name].prepare(chosen, settings)
    assert prepared.facts["baselines"] and 0 < prepared.facts["chance_accuracy"] < 1
    assert len(TASKS[name].describe(chosen, prepared.facts)) > 100
    assert all(part["description"] for part in TASKS[name].OPTIONS.values())
