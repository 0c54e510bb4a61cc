"""The user's own tasks: good ones are prepared as any, each bad one has its line before any job."""

import numpy as np
import pytest

import guide
import own_modules
from gradient_horizon.config import configuration, grid
from gradient_horizon.gradients import measurement
from gradient_horizon.networks.cells import net_of
from gradient_horizon.report import paper_parts
from gradient_horizon.tasks import TASKS
from gradient_horizon.training import grid_point

NO_TASK = "is no task; allowed: a class, or an object of one, that is made from"
BAD = {
    "NoTask": f"NoTask {NO_TASK} `gradient_horizon.tasks.Task`",
    "with_facts": f"with_facts {NO_TASK}",
    "Unfinished": "prepare raises NotImplementedError (task.py, line ",
    "NoDescription": "OPTIONS has 'lag': {'type': 'integer'}; allowed: another key than `name`, w",
    "NoSchema": "OPTIONS has for 'lag' what is no JSON Schema: 'whole' is not valid under any of",
    "OwnName": "OPTIONS has 'name': {",
    "ProblemsRaise": "problems raises KeyError: 'lag' (bad_tasks.py, line ",
    "OddProblems": "problems yields something else than a key and a text; allowed: both",
    "PreparesNothing": "prepare returns dict; allowed: `gradient_horizon.tasks.Prepared`",
    "NoLength": "facts lack sequence_length; allowed: they are there",
    "NoLoss": "facts lack loss, baselines; allowed: they are there",
    "OtherLoss": "the loss 'squared_eror' is not known; allowed: cross_entropy, squared_error",
    "NumpyFacts": "facts cannot be written: Object of type int64 is not JSON serializable; allowed",
    "NoBaselines": "the fact baselines is {}; allowed: one loss or more, each by the name of who",
    "NoSymbols": "the fact input_size is 0; allowed: a whole number above 0",
    "FewSymbols": "evaluation_inputs are from 0 to 1; allowed: (7, S) integers from 0 to 0, or (7",
    "FewClasses": "evaluation_targets are from 0 to 1; allowed: (6, S) integers from 0 to 0",
    "Numbers": "evaluation_targets are int64 of the shape (6, 500); allowed: (6, S, 2) finite flo",
    "Embedded": "evaluation_inputs are float64 of the shape (7, 500, 2); allowed: (7, S) integers",
    "NoTolerance": "the fact tolerance is None; allowed: a number, as answers are numbers",
    "NoNorm": "the fact input_squared_norm is None; allowed: the mean of the squared norms of the",
    "OtherWidth": "evaluation_inputs are float64 of the shape (7, 500, 2); allowed: (7, S) intege",
    "NoMask": "the array loss_mask is none of steps; allowed: (T,) bool, true at one step or",
    "NumberMask": "the array loss_mask is none of steps; allowed: (T,) bool, true at one step or",
    "LongMask": "evaluation_inputs are int64 of the shape (7, 500); allowed: (8, S) integers from",
    "Lists": "words is no array of numbers; allowed: a NumPy array of numbers",
    "NoEvaluation": "evaluation_inputs are missing; allowed: (7, S) integers from 0 to 1, or (7,",
    "SmallProbe": "probe_inputs has 1 sequences; allowed: 20, as `measurement` says",
    "SmallBatches": "a batch's inputs are int64 of the shape (7, 19); allowed: (7, 20) integers f",
    "FewBatches": "batches come to an end; allowed: an endless iterator",
    "OtherBatches": "a batch's targets are from 1 to 2; allowed: (6, 20) integers from 0 to 1",
    "BatchesOfOne": "the task raises ValueError: not enough values to unpack (expected 2, got 1)",
    "Restless": "batches of the same generator differ from one time to the next; allowed: all that",
}


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """A folder with good tasks and bad ones, in which the run is started."""
    texts = {"bad_tasks": (own_modules.HERE / "bad_tasks.py").read_text()}
    texts["my_tasks"] = guide.files()["my_tasks.py"]
    with own_modules.in_folder(tmp_path, monkeypatch, texts):
        yield tmp_path


def config_with(name, **options):
    own = {"activations": ["tanh"], "spectral_radii": [0.9], "seeds": 2}
    return {"experiments": {"mine": {"task": {"name": name, **options}, "grid": own}}}


def lines(config):
    with pytest.raises(configuration.ConfigError) as error:
        configuration.resolve(config)
    return error.value.lines


@pytest.mark.parametrize("name", ["bad_tasks:Bits", "bad_tasks:Sums", "my_tasks:Majority"])
def test_a_good_one_is_trained_and_measured(name):
    whole = config_with(name)
    whole["experiments"]["mine"]["training"] = {"steps": 3, "batch_size": 4}
    whole["experiments"]["mine"]["measurement"] = {"checkpoints": 2}
    whole = configuration.resolve(whole)
    experiment = whole["experiments"]["mine"]
    (run,) = grid.runs(experiment)
    assert (run["task"], run["run"]) == (name, "rnn_tanh_gaussian_rho0.90")
    options, task = experiment["task"], TASKS[name]
    prepared = task.prepare(options, grid.task_settings(whole, "mine"))
    arrays, facts = prepared.data(), prepared.facts
    settings = grid.run_settings(whole, "mine", run)
    trained = grid_point.train(settings, facts, arrays, say=lambda line: None)
    weights = {key: trained[key][-1, 1] for key in ("W_hh", "W_hx", "b_h", "W_s", "b_s")}
    net = net_of(grid.net_settings(whole, "mine", run), weights)
    _, row = measurement.measure(net, prepared.probe())
    assert row["residual"] < 1e-12 and np.isfinite(row["probe_loss"])


def test_the_options_of_the_guide():
    whole = configuration.resolve(config_with("my_tasks:Majority"))
    assert whole["experiments"]["mine"]["task"] == {
        "name": "my_tasks:Majority",
        "sequence_length": 15,
    }
    path = "experiments.mine.task.sequence_length: "
    (line,) = lines(config_with("my_tasks:Majority", sequence_length=4))
    assert line == f"{path}an even number of bits may have no majority; allowed: odd"
    (line,) = lines(config_with("my_tasks:Majority", sequence_length=1))
    assert line == f"{path}1 is not possible; allowed: whole number at least 3, at most 100000"
    (line,) = lines(config_with("my_tasks:Majority", sequence_lenght=7))
    assert line.endswith(
        "unknown key; allowed: name, sequence_length; did you mean 'sequence_length'?"
    )


def test_the_docstring_is_what_the_paper_says():
    text = paper_parts.task_macros({"name": "my_tasks:Majority"}, {})["TaskDescription"]
    assert text.startswith(
        "At each step a bit is drawn. At the last, the net is to say which of the"
    )
    assert "\n" not in text and "  " not in text


@pytest.mark.parametrize("name", BAD)
def test_what_is_wrong_is_said(name):
    (line,) = lines(config_with(f"bad_tasks:{name}"))
    start = f"experiments.mine.task.name: 'bad_tasks:{name}': "
    assert line.startswith(start + BAD[name]) and "; allowed: " in line and len(line) < 500


WRONG_NAMES = {
    "my_task:Majority": ("there is no module 'my_task'", "my_tasks:Majority"),
    "my_tasks:Majorty": ("the module 'my_tasks' has no task 'Majorty'", "my_tasks:Majority"),
    "delayed_ecko:": ("not a name that can be imported", "delayed_echo"),
    "delayed_ecko": ("'delayed_ecko' is not known; allowed: words, delayed_echo,", "delayed_echo"),
}


@pytest.mark.parametrize("name", WRONG_NAMES)
def test_names_that_lead_nowhere(name):
    (line,) = lines(config_with(name, sequence_length=7))
    said, near = WRONG_NAMES[name]
    assert line.startswith("experiments.mine.task.name: ") and said in line
    assert line.endswith(f"; did you mean '{near}'?")


def test_all_mistakes_together():
    """What is wrong with the training hides neither the task's name nor is it looked at with it."""
    whole = config_with("bad_tasks:NoTask")
    whole["experiments"]["mine"]["training"] = {"steps": 0}
    whole["experiments"]["other"] = config_with("bad_tasks:Speechless")["experiments"]["mine"]
    whole["experiments"]["third"] = {
        **config_with("bad_tasks:NoBaselines")["experiments"]["mine"],
        "training": {"batch_size": -1},
    }
    places = [line.partition(": ")[0] for line in lines(whole)]
    assert places == [
        "experiments.mine.task.name",
        "experiments.mine.training.steps",
        "experiments.other.task.name",
        "experiments.third.training.batch_size",
    ]
