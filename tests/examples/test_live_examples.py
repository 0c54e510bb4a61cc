"""The programs in examples/live/ run as a user starts them, and what they print holds."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="no PyTorch")

EXAMPLES = Path(__file__).parents[2] / "examples" / "live"
NAMES = sorted(path.stem for path in EXAMPLES.glob("*.py"))
WITHIN = re.compile(r"of the gradient of `(\S+)` arises within (?:at least )?(\d+) steps?")


@pytest.fixture(scope="module")
def output(tmp_path_factory):
    """Start a program once; what it prints."""
    printed = {}

    def run(name):
        if name not in printed:
            folder = tmp_path_factory.mktemp(name) / "figures"
            done = subprocess.run(
                [sys.executable, EXAMPLES / f"{name}.py", folder], capture_output=True, text=True
            )
            assert done.returncode == 0 and done.stderr == "", done.stderr
            assert (folder / f"{name}.png").read_bytes()[:4] == b"\x89PNG"
            printed[name] = done.stdout
        return printed[name]

    return run


def numbers(pattern, text):
    """Return the numbers that the groups of a pattern find, row by row."""
    return [tuple(map(float, found.groups())) for found in re.finditer(pattern, text)]


def test_there_are_eight():
    assert len(NAMES) == 8


@pytest.mark.parametrize("name", NAMES)
def test_each_says_how_it_is_started(name):
    text = (EXAMPLES / f"{name}.py").read_text(encoding="utf-8")
    assert f"python examples/live/{name}.py folder" in text
    assert len(text.splitlines()) < 100


@pytest.mark.parametrize("name", NAMES)
def test_the_sum_over_distances_is_the_gradient_of_autograd(name, output):
    residuals = re.findall(r"the sum over distances is autograd's gradient to (\S+)", output(name))
    assert residuals and all(float(residual) < 1e-12 for residual in residuals)


def test_chunks_keep_less_of_a_language_model_than_truncating_everywhere(output):
    text = output("language_model")
    assert "on 8 sequences of 140 steps" in text and "truncating at 35 keeps" in text
    rows = numbers(r" +(\d+) +(\d\.\d+) +(\d+)\.0 +(\d\.\d+)\n", text)
    assert [step for step, *_ in rows] == [0, 160]
    assert rows[1][1] < 0.6 * rows[0][1]  # it learns
    ((everywhere, chunks),) = numbers(r"everywhere keep (\S+)%, chunks of 35 keep (\S+)%", text)
    # Errors at all places of a chunk go back 17 steps on average.
    assert 80.0 < chunks < everywhere - 1.0
    assert chunks == pytest.approx(100.0 * rows[1][3], abs=0.1)


def test_attention_spares_the_encoder_the_long_way_back(output):
    text = output("translation")
    assert [name for name, _ in WITHIN.findall(text)] == ["encoder", "decoder"] * 2
    assert text.count("on 64 sequences of 8 steps") == 2
    without, attending = numbers(r"(\d+)% are right; .* arises (\d\.\d+) steps", text)
    assert attending[0] > without[0] > 15 and attending[1] < 0.9 * without[1]
    # Only what attends has its earlier states in what it reads.
    assert text.index("`decoder` gives comes back to it") > text.index("without attention")


def test_a_tagger_looks_both_ways_over_packed_lines(output):
    text = output("tagger")
    ((ignored, targets),) = re.findall(r"note: (\S+) of (\S+) targets are -100", text)
    ((lines, longest),) = numbers(r"on (\d+) sequences of (\d+) steps", text)
    assert int(targets.replace(",", "")) == lines * longest
    assert 0 < int(ignored.replace(",", "")) < lines * longest
    ((back, ahead),) = numbers(r"looks (\d+) characters back and (\d+) ahead", text)
    ((_, reach),) = WITHIN.findall(text)
    assert 10 < min(back, ahead) <= int(reach) + 5 and max(back, ahead) < longest


def test_lower_layers_of_a_forecaster_learn_from_farther_back(output):
    text = output("forecaster")
    assert "on 42 sequences of 72 steps" in text
    ((ours, naive),) = numbers(r"error is (\d+) MW, (\d+) MW if", text)
    assert 20.0 < ours < naive  # the noise alone is 20 MW
    (hours,) = re.findall(r"from the first to the last: (.*)", text)
    first, middle, last = map(int, hours.split(", "))
    assert first > middle > last > 5


def test_a_forget_bias_of_3_reaches_farther_than_one_of_0(output):
    text = output("runoff")
    assert "on 19 sequences of 365 steps" in text
    zero, three = numbers(r"bias_\d.lstm learns from (\d+) days; .* within (\S+) days", text)
    assert three[0] > 2 * zero[0] and three[1] > 3 * zero[1]
    assert WITHIN.findall(text) == [
        ("bias_0.lstm", f"{zero[0]:.0f}"),
        ("bias_3.lstm", f"{three[0]:.0f}"),
    ]


def test_masks_keep_the_signal_of_a_policy_within_its_episodes(output):
    text = output("policy")
    turns = [right for _, right in numbers(r"update (\d+): (\d+)% turn right", text)]
    assert turns[0] < 65 and turns[-1] > 80
    ((without,),) = numbers(r"without masks the farthest distance is (\d+)", text)
    ((masked,),) = numbers(r"with masks the farthest distance is (\d+)", text)
    ((longest, steps),) = numbers(r"episodes have at most (\d+) steps of (\d+)", text)
    assert masked == longest - 1 and longest < without < steps
    assert "on 32 sequences of 40 steps" in text


def test_steps_of_speech_are_frames_of_the_convolution(output):
    text = output("speech")
    assert "on 64 sequences of 60 steps" in text  # of 1920 samples, 32 to a frame
    ((right, frames, time),) = numbers(r"(\d+)% of the frames .*; (\d+) frames are (\d+) ms", text)
    assert right > 75 and time == 8 * frames
    assert WITHIN.findall(text) == [("gru", f"{frames:.0f}")] and frames > 5


def test_training_lets_leaky_units_reach_over_the_window_that_they_average(output):
    text = output("leaky_units")
    rows = numbers(r"step (\d+): loss (\S+), (\d+) steps", text)
    assert [step for step, *_ in rows] == [0, 75, 150]
    losses, reaches = zip(*(row[1:] for row in rows), strict=True)
    assert losses[2] < 0.1 * losses[0] and reaches[0] < 20 <= reaches[2]
    ((tau,),) = numbers(r"longest tau is now (\S+) steps", text)
    assert 1.0 < tau < 5.0
    assert WITHIN.findall(text) == [("cell", f"{reaches[2]:.0f}")]
