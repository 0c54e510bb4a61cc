"""Disks that are full, files that are broken, clocks that are wrong: one clear line, or nothing."""

import json
import os
import subprocess
import time

import numpy as np
import pytest

import project
from gradient_horizon.ground import files

TINY = ("--configfile", "tiny.yaml")
RUN = "results/delayed_echo/rnn_tanh_gaussian_rho1.00"


def errors(output):
    """The lines in which our own programs say what is wrong."""
    return {line for line in output.splitlines() if line.startswith("error: ")}


@pytest.fixture
def finished(without_tex, tmp_path):
    """A copy of a finished run, to be broken."""
    folder = tmp_path / "project"
    subprocess.run(["cp", "-a", without_tex.folder, folder], check=True)
    return folder


@pytest.fixture
def run_again(path_without_tex):
    """What starts a run once more; what it printed, and its exit code."""
    return lambda folder: project.call(project.RUN_WORKFLOW, folder, *TINY, path=path_without_tex)


@pytest.fixture
def small_disk(tmp_path):
    """Make a folder a disk of its own, so small that a run does not fit."""
    mounted = []

    def make(folder, size):
        folder.mkdir(exist_ok=True)
        command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
        if subprocess.run(command, capture_output=True).returncode != 0:
            pytest.skip("mounting a small disk is not allowed here")
        mounted.append(folder)

    yield make
    for folder in mounted:
        subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.parametrize("size", ["16k", "200k"])
def test_a_full_disk(without_tex, run_again, tmp_path, small_disk, size):
    folder = project.tiny_copy(tmp_path / "project")
    results = folder / "results"
    small_disk(results, size)
    output, code = run_again(folder)
    assert code == 1 and "No space left on device" in output
    assert "Traceback" not in output
    subprocess.run(["mount", "-o", "remount,size=64m", str(results)], check=True)
    output, code = run_again(folder)
    assert code == 0, output
    assert project.different(without_tex.results, project.results(folder)) == []


@pytest.mark.parametrize(
    ("file", "damage"),
    [
        (f"{RUN}/train.npz", "truncated"),
        ("results/delayed_echo/probe.npz", "emptied"),
        (f"{RUN}/summary.parquet", "overwritten"),
    ],
)
def test_a_broken_result_is_never_taken_for_whole(without_tex, run_again, finished, file, damage):
    place = finished / file
    content = place.read_bytes()
    half = len(content) // 2
    place.write_bytes(
        {"truncated": content[:half], "emptied": b"", "overwritten": content[:half] + bytes(half)}[
            damage
        ]
    )
    output, code = run_again(finished)
    assert code == 1 and "Traceback" not in output
    said = (f"cannot read {file}", f"{file} is not an .npz file")
    assert any(part in line for line in errors(output) for part in said), output
    place.unlink()
    output, code = run_again(finished)
    assert code == 0, output
    assert project.different(without_tex.results, project.results(finished)) == []


def test_a_weight_that_is_not_a_number_is_never_measured(without_tex, run_again, finished):
    """In a file that is whole otherwise, of one seed at one checkpoint."""
    file, place = f"{RUN}/train.npz", finished / RUN / "train.npz"
    trained = files.read_arrays(place)
    trained["W_hx"][-1, 1, 0, 0] = np.nan
    files.write_arrays(place, trained)
    output, code = run_again(finished)
    assert code == 1 and "Traceback" not in output and "Warning" not in output
    line = f"error: cannot use {file}: W_hx of seed 1 at step 5 is not finite"
    assert errors(output) == {line}, output
    assert not list((finished / RUN).glob("*.parquet"))
    place.unlink()
    output, code = run_again(finished)
    assert code == 0, output
    assert project.different(without_tex.results, project.results(finished)) == []


def test_results_that_cannot_be_written(run_again, tmp_path):
    folder = project.tiny_copy(tmp_path / "project")
    (folder / "results").write_text("a file where the folder should be")
    output, code = run_again(folder)
    assert code == 1 and "Traceback" not in output
    assert any("results" in line for line in errors(output)), output
    assert (folder / "results").read_text() == "a file where the folder should be"


@pytest.mark.parametrize("days", [-1000, 1000])
def test_a_clock_that_jumps(without_tex, run_again, finished, days):
    """What was made in the future, or long ago, is the same; a change is noticed all the same."""
    jump = time.time() + days * 86400
    for place, _, names in os.walk(finished):
        for name in names:
            os.utime(os.path.join(place, name), (jump, jump))
    output, code = run_again(finished)
    assert code == 0, output
    assert project.different(without_tex.results, project.results(finished)) == []
    with project.changed(finished / "tiny.yaml", lambda text: text.replace("steps: 5", "steps: 6")):
        assert project.dry_run(finished, *TINY)["train_networks"]


def test_nets_that_diverge(run_again, tmp_path):
    changes = {
        **project.TINY,
        "experiments": {
            **project.TINY["experiments"],
            "delayed_echo": {
                **project.TINY["experiments"]["delayed_echo"],
                "grid": {"activations": ["linear", "relu"], "spectral_radii": [100.0], "seeds": 2},
                "training": {
                    **{"steps": 40, "batch_size": 4, "learning_rate": 1000.0},
                    "gradient_clip": None,
                },
            },
        },
    }
    folder = project.tiny_copy(tmp_path / "project", changes)
    output, code = run_again(folder)
    assert code == 0, output
    table = (folder / "results/tables/summary.csv").read_text()
    assert "nan" not in table.lower() and len(table.splitlines()) == 9
    numbers = (folder / "results/paper/numbers.json").read_text()
    assert int(json.loads(numbers)["DelayedEchoDiverged"]) > 0
