"""Positions, labels, targets and masks of the tasks by hand, and what is kept from training."""

import re
from itertools import product
from pathlib import Path

import numpy as np
import pytest

import phrases
from gradient_horizon.config.configuration import ConfigError, resolve
from gradient_horizon.ground.seeds import generator
from gradient_horizon.tasks import TASKS, copy_memory, delayed_echo, parity, temporal_order

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "config/README.md"
SYNTHETIC = [name for name in TASKS if hasattr(TASKS[name], "draw")]
SETTINGS = {"base_seed": 3, "experiment": "sample", "measurement": {"probe_batch": 7}}


def options(name, **changes):
    defaults = {key: part.get("default") for key, part in TASKS[name].OPTIONS.items()}
    return defaults | changes


def columns(*batches):
    """The sequences of batches (T, B) or (T, B, D) as a set."""
    return {tuple(batch[:, b].ravel()) for batch in batches for b in range(batch.shape[1])}


def refused(name, **task):
    """What the configuration says of a task's options; nothing where they are right."""
    experiment = {"task": {"name": name, **task}, "grid": {"spectral_radii": [1]}}
    try:
        resolve({"experiments": {"sample": experiment}})
    except ConfigError as error:
        return error.lines
    return []


def least_loss(seen, answers):
    """Entropy of the answers given what is seen, both lists over equally likely cases, in nats."""
    together = {}
    for key, answer in zip(seen, answers, strict=True):
        together.setdefault(key, []).append(answer)
    loss = 0.0
    for group in together.values():
        counts = np.unique(group, return_counts=True)[1]
        loss -= (counts * np.log(counts / len(group))).sum()
    return loss / len(answers)


class Enumeration:
    """Stands for a random generator: every sequence of `symbols` on `steps`, each once."""

    def __init__(self, symbols, steps):
        self.numbers = np.array(list(product(range(symbols), repeat=steps))).T

    def integers(self, low, high, shape):
        assert (low, shape) == (0, self.numbers.shape) and high == self.numbers.max() + 1
        return self.numbers.copy()


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
    ("steps", "places"),
    [
        (100, (range(10, 20), range(50, 60))),
        (10, (range(1, 2), range(5, 6))),
        (15, (range(1, 3), range(7, 9))),
        (100, (range(10, 20), range(30, 40), range(60, 70))),
        (15, (range(1, 3), range(4, 6), range(9, 10))),
    ],
)
def test_order_by_hand(steps, places):
    count = len(places)
    chosen = options("temporal_order", sequence_length=steps, relevant_symbols=count)
    inputs, targets = temporal_order.draw(chosen, 3000, np.random.default_rng(2))
    relevant = inputs >= 4
    assert (relevant.sum(axis=0) == count).all() and inputs.max() == 5 and inputs.min() == 0
    found = np.nonzero(relevant.T)[1].reshape(-1, count)
    assert [set(column) for column in found.T] == [set(place) for place in places]
    classes = ["".join(order) for order in product("XY", repeat=count)]
    for sequence, place, label in zip(inputs.T, found, targets[-1], strict=True):
        assert classes[label] == "".join("XY"[sequence[p] - 4] for p in place)
    for values, size in ((targets[-1], len(classes)), (inputs[~relevant], 4)):
        # Four standard deviations of a frequency.
        allowed = 4 * np.sqrt((1 - 1 / size) / size / values.size)
        assert np.bincount(values) / values.size == pytest.approx([1 / size] * size, abs=allowed)
    prepared = temporal_order.prepare(chosen, SETTINGS)
    facts = prepared.facts
    assert np.flatnonzero(prepared.arrays["loss_mask"]).tolist() == [steps - 1]
    assert (facts["input_size"], facts["output_size"]) == (6, len(classes))
    assert facts["chance_accuracy"] == 1 / len(classes)
    assert list(facts["baselines"].values()) == pytest.approx([np.log(len(classes))], rel=1e-15)
    assert facts["relevant_distance"] == steps - 1 - places[0].start


@pytest.mark.parametrize("count", [1, 4, "many"])
def test_the_orders_are_of_two_or_three_symbols(count):
    (line,) = refused("temporal_order", relevant_symbols=count)
    assert line.startswith("experiments.sample.task.relevant_symbols: ")
    assert line.endswith("allowed: whole number at least 2, at most 3")
    assert refused("temporal_order", relevant_symbols=3) == []


# Copy memory


def test_copy_of_three_by_hand():
    """Arjovsky, Shah and Bengio (2016), section 4.1, with three symbols and a delay of four."""
    chosen = options("copy_memory", sequence_length=10, copied=3, symbols=8)

    class Three:
        def integers(self, low, high, shape):
            assert (low, high, shape) == (0, 8, (3, 1))
            return np.array([[5], [0], [7]])

    inputs, targets = copy_memory.draw(chosen, 1, Three())
    assert inputs.ravel().tolist() == [5, 0, 7, 8, 8, 8, 9, 8, 8, 8]
    assert targets.ravel().tolist() == [8, 8, 8, 8, 8, 8, 8, 5, 0, 7]


@pytest.mark.parametrize("blanks", [1, 10, 100, 500])
def test_the_memoryless_strategy_has_its_published_loss(blanks):
    chosen = options("copy_memory", sequence_length=blanks + 20)
    facts = copy_memory.prepare(chosen, SETTINGS).facts
    (baseline,) = facts["baselines"].values()
    assert baseline == pytest.approx(10 * np.log(8) / (blanks + 20), rel=1e-15)
    assert facts["relevant_distance"] == blanks + 10
    assert (facts["input_size"], facts["output_size"]) == (10, 9)
    assert facts["chance_accuracy"] == pytest.approx(1 - 10 / (blanks + 20) * 7 / 8, rel=1e-15)


def test_the_memoryless_loss_is_that_of_all_sequences_together():
    """Over all 3^3 of them: who knows the step, and the input there, can do no better."""
    chosen = options("copy_memory", sequence_length=8, copied=3, symbols=3)
    inputs, targets = copy_memory.draw(chosen, 27, Enumeration(3, 3))
    losses = [least_loss(inputs[t], targets[t]) for t in range(8)]
    assert losses == pytest.approx([0.0] * 5 + [np.log(3)] * 3, abs=1e-12)
    prepared = copy_memory.prepare(chosen, SETTINGS)
    assert prepared.arrays["loss_mask"].all() and len(prepared.arrays["loss_mask"]) == 8
    assert list(prepared.facts["baselines"].values()) == pytest.approx([np.mean(losses)])
    # And no more of them is right than of a guess.
    top = [np.bincount(row).max() / 27 for row in targets]
    assert prepared.facts["chance_accuracy"] == pytest.approx(np.mean(top))
    reading = least_loss(
        list(map(str, inputs[:3].T)), list(map(str, targets.T))
    )  # with memory nothing is left to lose
    assert reading == 0


@pytest.mark.parametrize(
    ("steps", "copied", "most"), [(20, 10, 9), (21, 11, 10), (3, 2, 1), (40, 40, 19)]
)
def test_what_is_copied_has_to_leave_a_delay(steps, copied, most):
    (line,) = refused("copy_memory", sequence_length=steps, copied=copied)
    assert line == (
        f"experiments.sample.task.copied: {copied} symbols, read and given back, leave no delay "
        f"in {steps} steps; allowed: 1 to {most}, or a sequence_length of at least {2 * copied + 1}"
    )
    assert refused("copy_memory", sequence_length=steps, copied=most) == []
    assert refused("copy_memory", sequence_length=2 * copied + 1, copied=copied) == []


# Parity


def test_parity_by_hand():
    chosen = options("parity", sequence_length=6)

    class Six:
        def integers(self, low, high, shape):
            assert (low, high, shape) == (0, 2, (6, 2))
            return np.array([[0, 1], [1, 1], [0, 1], [1, 1], [1, 0], [0, 1]])

    inputs, targets = parity.draw(chosen, 2, Six())
    assert inputs.T.tolist() == [[0, 1, 0, 1, 1, 0], [1, 1, 1, 1, 0, 1]]
    assert targets.T.tolist() == [[0, 1, 1, 0, 1, 1], [1, 0, 1, 0, 0, 1]]


@pytest.mark.parametrize("asked", ["last_step", "every_step"])
def test_parity_is_a_guess_without_any_one_of_the_bits(asked):
    """Over all 2^6 sequences, exactly: ln 2 for whoever misses a bit, 0 for who misses none."""
    steps = 6
    chosen = options("parity", sequence_length=steps, asked=asked)
    inputs, targets = parity.draw(chosen, 2**steps, Enumeration(2, steps))
    prepared = parity.prepare(chosen, SETTINGS)
    (chance,) = prepared.facts["baselines"].values()
    assert chance == pytest.approx(np.log(2), rel=1e-15)
    assert "relevant_distance" not in prepared.facts  # all bits matter alike
    assert (prepared.facts["input_size"], prepared.facts["output_size"]) == (2, 2)
    asked_at = np.flatnonzero(prepared.arrays["loss_mask"])
    assert asked_at.tolist() == ([5] if asked == "last_step" else [1, 2, 3, 4, 5])
    for t in asked_at:
        answers = targets[t].tolist()
        for missed in range(t + 1):
            others = np.delete(inputs[: t + 1], missed, axis=0).T.tolist()
            assert least_loss(map(tuple, others), answers) == pytest.approx(chance, rel=1e-12)
        assert least_loss(map(tuple, inputs[: t + 1].T.tolist()), answers) == 0
        assert np.mean(answers) == prepared.facts["chance_accuracy"] == 0.5
        # The answer before and the bit say it all, which is what makes every step learnable.
        near = zip(targets[t - 1].tolist(), inputs[t].tolist(), strict=True)
        assert least_loss(near, answers) == 0
    assert least_loss(inputs[0].tolist(), targets[0].tolist()) == 0  # hence no loss there


def test_parity_of_drawn_bits_is_even():
    inputs, targets = parity.draw(options("parity"), 4000, np.random.default_rng(5))
    # Four standard deviations of a frequency of 1/2 over all steps, and at the last one.
    assert inputs.mean() == pytest.approx(0.5, abs=4 * 0.5 / np.sqrt(inputs.size))
    assert targets[-1].mean() == pytest.approx(0.5, abs=4 * 0.5 / np.sqrt(4000))
    repeated = (inputs[1:] == inputs[:-1]).mean()
    assert repeated == pytest.approx(0.5, abs=4 * 0.5 / np.sqrt(inputs[1:].size))


def test_when_parity_is_asked_for():
    (line,) = refused("parity", asked="every_steps")
    assert line == (
        "experiments.sample.task.asked: 'every_steps' is not known; allowed: last_step, "
        "every_step; did you mean 'every_step'?"
    )
    (line,) = refused("parity", sequence_length=1)
    assert line.startswith("experiments.sample.task.sequence_length: 1 is not possible")


# All of them


@pytest.mark.parametrize("name", SYNTHETIC)
def test_what_is_measured_is_never_trained_on(name):
    chosen = options(name, sequence_length=40)
    arrays = TASKS[name].prepare(chosen, SETTINGS).arrays
    assert arrays["probe_inputs"].shape[:2] == arrays["probe_targets"].shape[:2] == (40, 7)
    assert arrays["evaluation_inputs"].shape[:2] == (40, 500)
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


@pytest.mark.parametrize("name", SYNTHETIC)
def test_preparing_again_gives_the_same(name):
    first, again = (TASKS[name].prepare(options(name), SETTINGS) for _ in range(2))
    other = TASKS[name].prepare(options(name), SETTINGS | {"experiment": "other"})
    for key, array in first.arrays.items():
        np.testing.assert_array_equal(array, again.arrays[key])
    assert (first.arrays["probe_inputs"] != other.arrays["probe_inputs"]).any()


def test_places_and_orders_in_words():
    """The second tenth of 20 steps and the sixth; of 10 steps each tenth is one step."""
    two = temporal_order.numbers(options("temporal_order", sequence_length=20), {})
    assert two["FirstPlace"] == "between steps 3 and 4"
    assert two["SecondPlace"] == "between steps 11 and 12"
    assert (two["ThirdPlace"], two["Orders"]) == (None, ("XX", "XY", "YX", "YY"))
    three = options("temporal_order", sequence_length=10, relevant_symbols=3)
    assert temporal_order.numbers(three, {})["ThirdPlace"] == "at step 7"


@pytest.mark.parametrize("name", TASKS)
def test_every_task_describes_its_options_and_its_level(name, tmp_path):
    numbers = np.random.default_rng(0).random((6, 80))
    np.savez(tmp_path / "own.npz", inputs=numbers, targets=numbers)
    (tmp_path / "text.txt").write_text("Some of these words come again and again. " * 300)
    own = {
        "words": {"corpus": str(tmp_path / "text.txt"), "held_out": 0.2},
        "arrays": {"file": str(tmp_path / "own.npz"), "tolerance": 0.2},
    }
    chosen = options(name, **own.get(name, {}))
    settings = SETTINGS | {"training": {"batch_size": 5}}
    assert list(TASKS[name].problems(chosen, settings)) == []
    prepared = TASKS[name].prepare(chosen, settings)
    assert prepared.facts["baselines"] and 0 < prepared.facts["chance_accuracy"] < 1
    numbers = prepared.arrays["evaluation_targets"].dtype.kind == "f"
    assert prepared.facts["loss"] == ("squared_error" if numbers else "cross_entropy")
    # The page of the configuration states the level of the default options.
    (row,) = re.findall(rf"^\| `{name}` \| (.*) \|$", PAGE.read_text(), re.MULTILINE)
    if name not in own:
        assert f"{max(prepared.facts['baselines'].values()):.3f}" in row
    macros = TASKS[name].numbers(chosen, prepared.facts)
    source = (ROOT / f"paper/task_{name}.tex").read_text()
    common = {"SequenceLength", "RelevantDistance", "TraceDistance", "NumbersOut", "Tolerance"}
    assert set(re.findall(r"\\this\{(\w+)\}", source)) - common == set(macros)
    texts = {name: value for name, value in macros.items() if isinstance(value, str)}
    assert phrases.sentences(texts) == []
    assert all(part["description"] for part in TASKS[name].OPTIONS.values())
