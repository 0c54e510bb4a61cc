"""A loss that the library does not have, from its one file to the tables.

Its gradient and its influence are tested in `test_vector_measurement.py`.
"""

import json
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest

from gradient_horizon.gradients import measurement
from gradient_horizon.ground import digests, files
from gradient_horizon.networks.activations import ACTIVATIONS
from gradient_horizon.networks.cells import rnn
from new_losses import HUBER, Huber


@pytest.mark.filterwarnings("error")
def test_a_scalar_linear_net_whose_answer_is_beyond_floating_point():
    """Far from its target Huber's loss is a distance: e_T = s, whatever the size of the state.

    The first input alone is not zero: h_T = w^(T-1) u x, dE/dw = s (T - 1) w^(T-2) u x.
    """
    w, u, s, x, steps = 4.0, 0.3, 0.7, 1.5, 1000
    matrices = {"W_hh": w, "W_hx": u, "W_s": s}
    net = {name: np.array([[value]]) for name, value in matrices.items()}
    net |= {"b_h": np.zeros(1), "b_s": np.zeros(1)}
    inputs = np.zeros((steps, 1, 1))
    inputs[0] = x
    probe = {"inputs": inputs, "targets": np.zeros_like(inputs), "loss": Huber()}
    probe["loss_mask"] = np.arange(steps) == steps - 1
    rows, row = measurement.measure(rnn.Dynamics(ACTIVATIONS["linear"], net), probe)
    expected = np.log10(s * (steps - 1) * u * x) + (steps - 2) * np.log10(w)
    assert row["log10_gradient_norm"] == pytest.approx(expected, rel=1e-12)
    np.testing.assert_allclose(rows["share"][:-1], 1 / (steps - 1), rtol=1e-10)
    assert row["probe_loss"] == np.inf


DRIVER = """
import json
from gradient_horizon.config import configuration, grid
experiment = {
    "task": {"name": "arrays", "file": "my_data.npz", "loss": "huber", "tolerance": 0.5},
    "model": {"hidden_size": 8},
    "grid": {"spectral_radii": [0.9], "activations": ["tanh"], "seeds": 2},
    "training": {"steps": 150, "batch_size": 8, "learning_rate": 0.1},
    "measurement": {"checkpoints": 2, "probe_batch": 4},
}
config = configuration.resolve({"experiments": {"own": experiment}})
run = grid.runs(config["experiments"]["own"])[0]
print(json.dumps({
    "prepare_task": grid.task_settings(config, "own"),
    "train_networks": grid.run_settings(config, "own", run),
    "measure_gradients": grid.measure_settings(config, "own", run),
}))
"""
WORDS = """
import json
from gradient_horizon.report.loss_words import LOSSES
from gradient_horizon.tasks import TASKS
options, facts = (json.load(open(f"{name}.json")) for name in ("options", "facts"))
print(TASKS["arrays"].numbers(options, facts)["RightAnswer"])
print(json.dumps([LOSSES["huber"].column, LOSSES["huber"].axis]))
"""
ARGUMENTS = {
    "prepare_task": ("data.npz", "probe.npz", "facts.json"),
    "train_networks": ("data.npz", "facts.json", "output.npz"),
    "measure_gradients": (
        *("output.npz", "probe.npz", "data.npz", "facts.json"),
        *(f"{table}.parquet" for table in ("contributions", "summary", "spectra", "influence")),
    ),
}


@pytest.fixture
def library(tmp_path):
    """A copy of the library with Huber's loss in it: its file, its import and its entry."""
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(digests.PACKAGE, tmp_path / "src" / "gradient_horizon", ignore=ignore)
    losses = tmp_path / "src" / "gradient_horizon" / "networks" / "losses"
    (losses / "huber.py").write_text(HUBER)
    registry = losses / "__init__.py"
    text = registry.read_text()
    first, entry = "from .loss import Loss\n", "LOSSES = {\n"
    assert first in text and entry in text
    text = text.replace(first, f"from .huber import Huber\n{first}")
    registry.write_text(text.replace(entry, f'{entry}    "huber": Huber,\n'))
    return tmp_path / "src"


def test_from_the_configuration_to_the_tables(library, tmp_path):
    rng = np.random.default_rng(3)
    inputs = rng.standard_normal((8, 60))
    targets = np.zeros_like(inputs)
    targets[1:] = inputs[:-1]
    np.savez(tmp_path / "my_data.npz", inputs=inputs, targets=targets)
    environment = {**os.environ, "PYTHONPATH": str(library)}

    def call(*command):
        process = subprocess.run(
            [sys.executable, *map(str, command)],
            capture_output=True,
            text=True,
            env=environment,
            cwd=tmp_path,
            timeout=100,
        )
        assert process.returncode == 0, process.stderr
        return process.stdout

    settings = json.loads(call("-c", DRIVER))
    scripts = digests.PACKAGE.parents[1] / "workflow" / "scripts"
    for name, paths in ARGUMENTS.items():
        arguments = ["--settings", json.dumps(settings[name])]
        for path in paths:
            read = name == "measure_gradients" and path == "output.npz"
            arguments += ["--train" if read else f"--{path.split('.')[0]}", path]
        call(scripts / f"{name}.py", *arguments)
    files.write_json(tmp_path / "options.json", settings["prepare_task"]["task"])
    said, words = call("-c", WORDS).splitlines()
    assert said == "every number is less than 0.5 off"
    assert json.loads(words) == ["held-out mean Huber loss", "training mean Huber\nloss"]
    facts = files.read_json(tmp_path / "facts.json")
    assert facts["loss"] == "huber"
    trained, data = (files.read_arrays(tmp_path / f"{name}.npz") for name in ("output", "data"))
    # Better than always answering the mean, by the loss that was asked for.
    (level,) = facts["baselines"].values()
    off = abs(data["evaluation_targets"] - data["train_targets"].mean())
    assert level == pytest.approx(np.where(off < 1, off**2 / 2, off - 0.5).mean(), rel=1e-13)
    assert (trained["held_out_loss"][-1] < 0.5 * level).all()
    summary = files.read_table(tmp_path / "summary.parquet")
    assert summary["residual"].max() < 1e-12 and np.isfinite(summary["probe_loss"]).all()
    last = summary[summary["step"] == 150]
    assert (last["accuracy"] > 0.8).all()
    # What has to be remembered is one step back: neither gradient nor influence go far.
    assert last["h99"].max() <= 6 and np.isfinite(last["forward_horizon"]).all()
