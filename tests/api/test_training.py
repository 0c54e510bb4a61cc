"""`gh.train`: the nets of a run to the last bit, of tasks, functions and arrays alike."""

import inspect
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import gradient_horizon as gh
from gradient_horizon.api.arguments import rules
from gradient_horizon.config import configuration, grid
from gradient_horizon.ground import files
from gradient_horizon.tasks import Task, delayed_echo

SCRIPTS = Path(__file__).parents[2] / "workflow" / "scripts"
SMALL = {"hidden_size": 8, "seeds": 2, "steps": 12, "batch_size": 5, "probe_batch": 3}
ECHO = {"lag": 3, "sequence_length": 12}


def script(name, **arguments):
    """Run a script of the workflow as a rule does."""
    options = [part for key, value in arguments.items() for part in (f"--{key}", str(value))]
    done = subprocess.run(
        [sys.executable, SCRIPTS / f"{name}.py", *options], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def run_of(folder, experiment, name):
    """Train the one grid point of an experiment through the scripts; return `train.npz`."""
    config = configuration.resolve({"base_seed": 7, "experiments": {name: experiment}})
    (run,) = grid.runs(config["experiments"][name])
    data, probe, facts = (folder / file for file in ("data.npz", "probe.npz", "task.json"))
    settings = json.dumps(grid.task_settings(config, name))
    script("prepare_task", settings=settings, data=data, probe=probe, facts=facts)
    settings = json.dumps(grid.run_settings(config, name, run))
    output = folder / "train.npz"
    script("train_networks", settings=settings, data=data, facts=facts, output=output)
    return output


def experiment(task, grid, training=(), model=()):
    return {
        "task": task,
        "grid": {"activations": ["tanh"], "seeds": 2, **grid},
        "model": {"hidden_size": 8, **dict(model)},
        "training": {"steps": 12, "batch_size": 5, **dict(training)},
        "measurement": {"probe_batch": 3},
    }


@pytest.mark.parametrize(
    ("task", "grid", "training", "model"),
    [
        (("delayed_echo", ECHO), {"radius": 1.2}, {}, {}),
        (("adding", {"sequence_length": 12}), {"radius": 0.9}, {"optimiser": "adam"}, {}),
        (
            ("delayed_echo", ECHO),
            {"radius": 0.8, "cell": "scaled_orthogonal", "initialisation": "orthogonal"},
            {
                "learning_rate": 0.1,
                "truncation": 4,
                "regulariser": "pascanu_2013_code",
                "gradient_clip": None,
                "gradient_clip_value": 0.1,
            },
            {},
        ),
        (
            ("temporal_order", {"sequence_length": 12}),
            {"radius": 1.1},
            {"optimiser": "momentum", "flossing": {"exponents": 3, "steps": 5}},
            {},
        ),
        (
            ("delayed_echo", ECHO),
            {"radius": 1.0, "cell": "leaky"},
            {"precision": "float64"},
            {"leak": 0.25},
        ),
    ],
    ids=["echo", "adding", "constrained", "flossed", "leaky"],
)
def test_it_trains_the_nets_of_a_run_to_the_last_bit(tmp_path, task, grid, training, model):
    (name, options), axes = task, dict(grid)
    training = dict(training)
    training.setdefault(
        "learning_rate", {"adam": 0.01, "momentum": 0.1}.get(training.get("optimiser"), 1.0)
    )
    whole = experiment(
        {"name": name, **options},
        {
            "spectral_radii": [axes["radius"]],
            "cells": [axes.get("cell", "rnn")],
            "initialisations": [axes.get("initialisation", "gaussian")],
        },
        training,
        model,
    )
    expected = run_of(tmp_path, whole, "an_experiment")
    trained = gh.train(
        gh.task(name, **options),
        **SMALL,
        **axes,
        **training,
        **model,
        name="an_experiment",
        base_seed=7,
    )
    trained.save(tmp_path / "ours.npz")
    assert (tmp_path / "ours.npz").read_bytes() == expected.read_bytes()
    probe = files.read_arrays(tmp_path / "probe.npz")
    assert probe.keys() == trained.probe.keys()
    for part, array in probe.items():
        np.testing.assert_array_equal(trained.probe[part], array)


def test_threads_of_the_caller_change_nothing(tmp_path):
    """Training is on one BLAS thread, and the caller's own number is there again afterwards."""
    code = (
        "import sys, threadpoolctl, gradient_horizon as gh\n"
        "counts = lambda: [pool['num_threads'] for pool in threadpoolctl.threadpool_info()]\n"
        "import numpy; before = counts()\n"
        "gh.train('delayed_echo', hidden_size=64, seeds=1, steps=3).save(sys.argv[1])\n"
        "assert counts()[:len(before)] == before"
    )
    written = []
    for threads in ("1", "2"):
        path = tmp_path / f"{threads}.npz"
        done = subprocess.run(
            [sys.executable, "-c", code, path],
            env={**__import__("os").environ, "OPENBLAS_NUM_THREADS": threads},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        written.append(path.read_bytes())
    assert written[0] == written[1]


def sequences(kinds, steps=12, count=40):
    """Arrays of the two kinds of inputs and targets."""
    rng = np.random.default_rng(0)
    symbols = rng.integers(0, 4, (steps, count))
    vectors = rng.normal(size=(steps, count, 2))
    inputs = vectors if kinds[0] == "vectors" else symbols
    targets = np.cumsum(vectors, axis=0)[..., :1] if kinds[1] == "numbers" else symbols // 2
    return inputs, targets, np.arange(steps) > 3


@pytest.mark.parametrize(
    "kinds", [("symbols", "classes"), ("vectors", "numbers"), ("vectors", "classes")]
)
def test_arrays_are_those_of_a_file(tmp_path, kinds):
    inputs, targets, loss_mask = sequences(kinds)
    file = tmp_path / "own.npz"
    np.savez(file, inputs=inputs, targets=targets, loss_mask=loss_mask)
    task = {"name": "arrays", "file": str(file), "held_out": 0.25}
    whole = experiment(task, {"spectral_radii": [0.9]}, {"learning_rate": 0.1})
    expected = run_of(tmp_path, whole, "arrays")
    own = gh.task((inputs, targets, loss_mask), held_out=0.25)
    by_name = gh.task(np.load(file), held_out=0.25)
    for task in (own, by_name):
        trained = gh.train(task, **SMALL, radius=0.9, learning_rate=0.1, base_seed=7)
        trained.save(tmp_path / "ours.npz")
        assert (tmp_path / "ours.npz").read_bytes() == expected.read_bytes()


def test_a_function_that_draws_the_echo_is_the_echo():
    def delayed(count, rng):
        return delayed_echo.draw({**ECHO, "symbols": 4}, count, rng)

    own = gh.task(delayed, loss_mask=np.arange(12) >= 3)
    task = gh.task("delayed_echo", **ECHO)
    expected, trained = (gh.train(part, **SMALL, name="echo") for part in (task, own))
    for name, array in expected.weights.items():
        np.testing.assert_array_equal(trained.weights[name], array)
    np.testing.assert_array_equal(trained.probe["inputs"], expected.probe["inputs"])
    assert repr(own) == "task('delayed', loss=None, tolerance=0.04)"


def test_an_object_with_the_functions_of_a_task_is_one():
    class Again(Task):
        """The echo, once again."""

        OPTIONS = delayed_echo.OPTIONS

        def prepare(self, options, settings):
            return delayed_echo.prepare(options, settings)

        def batches(self, options, data, batch_size, rng):
            return delayed_echo.batches(options, data, batch_size, rng)

    assert repr(gh.task(Again, **ECHO)) == "task('Again', sequence_length=12, lag=3, symbols=4)"
    own = gh.task(Again(), **ECHO)
    task = gh.task("delayed_echo", **ECHO)
    expected, trained = (gh.train(part, **SMALL, name="echo") for part in (task, own))
    np.testing.assert_array_equal(trained.losses, expected.losses)


def test_what_is_left_out_is_what_the_configuration_has():
    defaults = {
        name: part.default
        for name, part in inspect.signature(gh.train).parameters.items()
        if name in rules()
    }
    chosen = {"batch_size": 20, "learning_rate": 1.0, "checkpoints": 6, "probe_batch": 20}
    given = {"initialisation": "gaussian", "radius": 1.0, "name": None, "seeds": 5}
    for name, value in defaults.items():
        assert given.get(name, rules()[name].get("default")) == chosen.get(name, value), name
    assert rules().keys() - defaults.keys() == {"jacobian_distances"}


def test_sizes_that_are_left_out_fit_few_sequences():
    inputs, targets, _ = sequences(("symbols", "classes"), count=12)
    trained = gh.train((inputs, targets), hidden_size=4, seeds=1, steps=2)
    assert trained.steps.tolist() == [0, 1, 2]
    assert trained.probe["inputs"].shape == (12, 1)
    assert repr(trained).splitlines()[1].startswith("kept at 0, 1, 2; held-out loss from ")


def test_the_nets_are_those_whose_weights_were_kept():
    trained = gh.train(gh.task("delayed_echo", **ECHO), **SMALL)
    for seed in range(2):
        for place, step in enumerate(trained.steps):
            net = trained.net(seed, step)
            for name, array in net.weights.items():
                np.testing.assert_array_equal(array, trained.weights[name][place, seed])
                assert array.dtype == np.float64
    assert trained.net(1).weights["W_hh"][0, 0] == trained.weights["W_hh"][-1, 1, 0, 0]


def test_progress_is_said_where_it_is_asked_for(capsys):
    lines = []
    gh.train("delayed_echo", **SMALL, say=lines.append)
    assert lines[0].startswith("step 1/12  loss ") and lines[-1].startswith("step 12/12")
    assert capsys.readouterr().out == ""
