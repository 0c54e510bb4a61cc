"""The programs in examples/ run as a user starts them, print their answer and draw a figure."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
NAMES = sorted(path.stem for path in EXAMPLES.glob("*.py"))


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


def test_there_are_three():
    assert NAMES == ["own_activation", "own_arrays", "own_cell"]


@pytest.mark.parametrize("name", NAMES)
def test_each_says_how_it_is_started(name):
    text = (EXAMPLES / f"{name}.py").read_text(encoding="utf-8")
    assert f"python examples/{name}.py folder" in text
    assert len(text.splitlines()) < 80


def test_the_signal_of_an_own_activation_grows_with_the_radius(output):
    row = re.compile(r"(\d\.\d) +(\d+\.\d) +\d+\.\d +\d\.\d+$", re.MULTILINE)
    rows = row.findall(output("own_activation"))
    assert len(rows) == 12
    before = [float(reach) for _, reach in rows[:3]]
    assert [radius for radius, _ in rows[:3]] == ["0.5", "1.0", "1.5"]
    assert before == sorted(before) and before[2] > 2 * before[0]


def test_nets_that_learn_a_moving_mean_look_as_far_back(output):
    reaches = [
        int(reach) for reach in re.findall(r"arises within (\d+) steps", output("own_arrays"))
    ]
    assert len(reaches) == 6 and reaches[0] < 8 <= reaches[-1] < 20
    (near,) = re.findall(r"(\d+)% of the gradient of the input weights", output("own_arrays"))
    assert int(near) > 85


def test_an_own_cell_learns_what_the_simple_cell_does_not(output):
    losses = [
        float(loss)
        for loss in re.findall(r"held-out loss from \d.\d+ to (\d.\d+)", output("own_cell"))
    ]
    assert len(losses) == 2 and losses[1] < losses[0]
    residuals = re.findall(r"is the gradient to (\S+)", output("own_cell"))
    assert len(residuals) == 4 and all(float(residual) < 1e-12 for residual in residuals)
