"""The configuration: what is said of a wrong one, and what a right one becomes."""

import copy
from pathlib import Path

import pytest
import yaml

from gradient_horizon.config import configuration, grid
from gradient_horizon.config.configuration import ConfigError, resolve
from gradient_horizon.ground.registry import Registry

FOLDER = Path(__file__).parents[2] / "config"
ECHO = "experiments.echo"
GRID = f"{ECHO}.grid"
NAME = "small letters, digits and underscores, beginning with a letter, at most 40"
BASE_SEED = "whole number at least 0, at most 4294967295"
SEEDS = "whole number at least 1, at most 1000"
EXPERIMENTS = "one experiment or more, each with a name"
OWN = {
    "activation": "`module:function`, a function of your own beside its derivative "
    "`function_slope`",
    "cell": "`module:name`, a cell of your own",
    "task": "`module:name`, a task of your own",
}
DELETED = object()


def changed(changes):
    """A small configuration that is right, with the values at some key paths changed."""
    whole = {
        "experiments": {
            "echo": {
                "task": {"name": "delayed_echo", "lag": 3, "sequence_length": 12},
                "grid": {"spectral_radii": [0.5, 1]},
            }
        }
    }
    for path, value in changes.items():
        *sections, key = path.split(".")
        part = whole
        for section in sections:
            part = part.setdefault(section, {})
        if value is DELETED:
            del part[key]
        else:
            part[key] = value
    return whole


def lines(changes):
    with pytest.raises(ConfigError) as error:
        resolve(changed(changes))
    assert str(error.value) == "\n".join(error.value.lines)
    return error.value.lines


def with_experiments(*names):
    """The same experiment under several names."""
    return {f"experiments.{name}": changed({})["experiments"]["echo"] for name in names}


# One mistake, one line


@pytest.mark.parametrize(
    ("radius", "message"),
    [
        (-1, "-1.0 is not possible"),
        (0, "0.0 is not possible"),
        (1e-9, "1e-09 is not possible"),
        (101, "101.0 is not possible"),
        (float("nan"), "nan is not a finite number"),
        (float("inf"), "inf is not a finite number"),
        ("-inf", "-inf is not a finite number"),
        (10**400, "inf is not a finite number"),
        (True, "true is not possible"),
        (None, "null is not possible"),
        ("one", "'one' is not possible"),
        ("2001-13-45", "'2001-13-45' is not possible"),
        ([1.0], "[1.0] is not possible"),
    ],
)
def test_radii_that_are_not_possible(radius, message):
    assert lines({f"{GRID}.spectral_radii": [1, radius]}) == [
        f"{GRID}.spectral_radii[1]: {message}; allowed: number at least 0.0001, at most 100"
    ]


@pytest.mark.parametrize(
    ("radii", "message"),
    [
        (1, "1 is not possible"),
        ("1", "1.0 is not possible"),
        ([], "[] is not possible"),
        (DELETED, "missing"),
        ([2, 1, 2, 1, 3], "given more than once: 1.0, 2.0"),
        ([1, 1.0], "given more than once: 1.0"),
        (["1.20", "1.2"], "given more than once: 1.2"),
    ],
)
def test_lists_of_radii_that_are_not_possible(radii, message):
    assert lines({f"{GRID}.spectral_radii": radii}) == [
        f"{GRID}.spectral_radii: {message}; allowed: list of one or more, all different: "
        "number at least 0.0001, at most 100"
    ]


@pytest.mark.parametrize(
    ("path", "names", "wrong", "near"),
    [
        (f"{GRID}.activations", configuration.ACTIVATIONS, "Tahn", "tanh"),
        (f"{GRID}.activations", configuration.ACTIVATIONS, "zzz", None),
        (f"{GRID}.activations", configuration.ACTIVATIONS, 3, None),
        (f"{GRID}.cells", configuration.CELLS, "rn", "rnn"),
        (f"{GRID}.initialisations", configuration.INITIALISATIONS, "gauss", "gaussian"),
        (f"{ECHO}.training.optimiser", configuration.OPTIMISERS, "SGD", "sgd"),
        (f"{ECHO}.task.name", configuration.TASKS, "delayed-echo", "delayed_echo"),
    ],
)
def test_an_unknown_name(path, names, wrong, near):
    in_list = path.endswith("s")
    suggestion = f"; did you mean '{near}'?" if near else ""
    own = f", or {OWN[names.kind]}" if isinstance(names, Registry) else ""
    assert lines({path: [wrong] if in_list else wrong}) == [
        f"{path}{'[0]' * in_list}: {wrong!r} is not known; allowed: "
        f"{', '.join(names)}{own}{suggestion}"
    ]


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("base_seed", "abc", f"'abc' is not possible; allowed: {BASE_SEED}"),
        ("base_seed", -1, f"-1 is not possible; allowed: {BASE_SEED}"),
        ("statistics.confidence", 1, "1.0 is not possible; allowed: number above 0, below 1"),
        (f"{GRID}.seeds", 0, f"0 is not possible; allowed: {SEEDS}"),
        (f"{GRID}.seeds", 2.5, f"2.5 is not possible; allowed: {SEEDS}"),
        (
            f"{ECHO}.training.gradient_clip",
            0,
            "0.0 is not possible; allowed: number above 0, or `null`",
        ),
        (
            f"{ECHO}.task.lag",
            12,
            "12 is not shorter than the sequence; allowed: 1 to 11 (sequence_length - 1)",
        ),
        (
            f"{ECHO}.task",
            DELETED,
            "missing; allowed: `name` and the options of the task of that name",
        ),
        (
            f"{ECHO}",
            3,
            "3 is not possible; allowed: the keys task, model, grid, training, measurement, "
            "published",
        ),
        ("experiments", None, f"null is not possible; allowed: {EXPERIMENTS}"),
        ("experiments", {}, f"{{}} is not possible; allowed: {EXPERIMENTS}"),
        ("experiments", {"echo": None}, f"{{}} is not possible; allowed: {EXPERIMENTS}"),
        ("experiments", DELETED, f"missing; allowed: {EXPERIMENTS}"),
    ],
)
def test_one_mistake(path, value, message):
    assert lines({path: value}) == [f"{path}: {message}"]


def test_more_checkpoints_than_steps():
    assert lines({f"{ECHO}.training.steps": 4}) == [
        f"{ECHO}.measurement.checkpoints: 6 checkpoints do not fit into 4 training steps; "
        "allowed: 2 to 5"
    ]
    resolve(changed({f"{ECHO}.training.steps": 5}))


@pytest.mark.parametrize(
    ("path", "known", "near"),
    [
        ("base_sede", "base_seed, statistics, checkpoints, experiments", "base_seed"),
        ("statistics.Resample", "confidence, resamples", "resamples"),
        (f"{ECHO}.gird", "task, model, grid, training, measurement, published", "grid"),
        (f"{ECHO}.task.lags", "name, sequence_length, lag, symbols", "lag"),
        (f"{ECHO}.task.vocabulary", "name, sequence_length, lag, symbols", None),
        (
            f"{ECHO}.model.hidden",
            "hidden_size, embedding_size, input_scale, leak, chrono, ring",
            "hidden_size",
        ),
        (
            f"{ECHO}.measurement.probe",
            "checkpoints, probe_batch, jacobian_distances",
            "probe_batch",
        ),
    ],
)
def test_an_unknown_key_at_each_level(path, known, near):
    suggestion = f"; did you mean '{near}'?" if near else ""
    assert lines({path: 1}) == [f"{path}: unknown key; allowed: {known}{suggestion}"]


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("My/Exp", "my_exp"),
        ("Words", "words"),
        ("10_lag", "lag"),
        ("x" * 41, "x" * 40),
        ("words\n", "words"),
        ("größe", "gr_e"),
        ("..", None),
        ("", None),
        (12, None),
    ],
)
def test_names_that_no_experiment_can_have(name, near):
    whole = changed({})
    whole["experiments"] = {name: whole["experiments"]["echo"]}
    with pytest.raises(ConfigError) as error:
        resolve(whole)
    (line,) = error.value.lines
    assert line.endswith(
        f": not possible as a name; allowed: {NAME}" + (f"; did you mean '{near}'?" if near else "")
    )


@pytest.mark.parametrize("name", ["checkpoints", "figures", "paper", "tables"])
def test_reserved_names(name):
    assert lines(with_experiments(name)) == [
        f"experiments.{name}: the folder results/{name} holds what all experiments share; "
        "allowed: any name but checkpoints, figures, paper, tables"
    ]


@pytest.mark.parametrize(
    ("first", "second", "macro"),
    [("lag_10", "lag_one_zero", "LagOneZero"), ("a_b", "a__b", "AB"), ("lag_1", "lag1", "LagOne")],
)
def test_names_that_would_be_one_in_the_paper(first, second, macro):
    assert lines(with_experiments(first, second)) == [
        f"experiments.{second}: in the paper's macros this name and '{first}' are both {macro}; "
        "allowed: names that differ in more than underscores and digits spelt out"
    ]


@pytest.mark.parametrize("whole", [None, [], ["a"], "text", 3])
def test_a_configuration_without_keys(whole):
    with pytest.raises(ConfigError, match=r"^the configuration: .* allowed: the keys base_seed, "):
        resolve(whole)


def test_a_configuration_that_contains_itself():
    radii = []
    radii.append(radii)
    assert lines({f"{GRID}.spectral_radii": radii}) == [
        "the configuration contains itself, or is nested too deeply"
    ]


# Several mistakes


def test_all_mistakes_at_once():
    changes = with_experiments("paper", "Other") | {
        "base_sed": 1,
        "statistics.resamples": 3,
        f"{GRID}.spectral_radii": [0, 1, -1],
        f"{GRID}.activations": ["rellu"],
        f"{ECHO}.modle": {},
        f"{ECHO}.task.lag": 40,
        f"{ECHO}.training.steps": 1,
    }
    assert [line.split(": ")[0] for line in lines(changes)] == [
        "base_sed",
        "experiments.Other",
        f"{GRID}.activations[0]",
        f"{GRID}.spectral_radii[0]",
        f"{GRID}.spectral_radii[2]",
        f"{ECHO}.measurement.checkpoints",
        f"{ECHO}.modle",
        f"{ECHO}.task.lag",
        "experiments.paper",
        "statistics.resamples",
    ]


# What is right


@pytest.mark.parametrize("file", sorted(FOLDER.glob("*.yaml")), ids=lambda file: file.name)
def test_the_configurations_that_come_with_the_project(file):
    """Each laid over the default and, a paper's lengths, over the paper's own."""
    whole = yaml.safe_load((FOLDER / "config.yaml").read_text())
    names = whole["experiments"].keys()
    below = FOLDER / file.name.replace("_full", "")
    for layer in dict.fromkeys((below, file)):
        overlay = yaml.safe_load(layer.read_text())
        whole = laid_over(whole, overlay)
        dropped = {name for name, own in overlay["experiments"].items() if own is None}
        # One that is mistyped would drop nothing; another would be added without what it must have.
        assert dropped <= names
        names = (names | overlay["experiments"].keys()) - dropped
        assert resolve(whole)["experiments"].keys() == names


def test_the_comparison_of_cells_has_them_all():
    overlay = yaml.safe_load((FOLDER / "cells.yaml").read_text())
    grid = overlay["experiments"]["delayed_echo"]["grid"]
    assert sorted(grid["cells"]) == sorted(configuration.REGISTRIES["cells"])


def laid_over(whole, overlay):
    """What Snakemake makes of a configuration laid over another."""
    result = copy.deepcopy(whole)
    for key, value in overlay.items():
        is_section = isinstance(value, dict) and isinstance(result.get(key), dict)
        result[key] = laid_over(result[key], value) if is_section else value
    return result


def test_defaults_and_types():
    given = changed({"statistics.confidence": "0.9", "base_seed": 7.0})
    before = copy.deepcopy(given)
    resolved = resolve(given)
    assert given == before
    assert resolve(resolved) == resolved
    assert resolved["statistics"] == {"confidence": 0.9, "resamples": 2000}
    assert type(resolved["base_seed"]) is int
    echo = resolved["experiments"]["echo"]
    assert [type(radius) for radius in echo["grid"]["spectral_radii"]] == [float, float]
    assert echo["grid"]["activations"] == ["sigmoid", "tanh", "relu", "softsign", "linear"]
    assert echo["grid"]["initialisations"] == ["gaussian"]
    assert echo["task"] == {"name": "delayed_echo", "lag": 3, "sequence_length": 12, "symbols": 4}
    assert echo["training"]["gradient_clip"] == 1.0


def test_numbers_and_lists_may_arrive_as_text():
    resolved = resolve(
        changed(
            {
                "base_seed": "12",
                f"{GRID}.spectral_radii": "[0.5, 1e-3]",
                f"{ECHO}.training.gradient_clip": "null",
                f"{ECHO}.training.learning_rate": "1e-3",
            }
        )
    )
    echo = resolved["experiments"]["echo"]
    assert resolved["base_seed"] == 12
    assert echo["grid"]["spectral_radii"] == [0.5, 0.001]
    assert (echo["training"]["gradient_clip"], echo["training"]["learning_rate"]) == (None, 0.001)


@pytest.mark.parametrize("nothing", [None, "null"])
def test_an_experiment_that_is_null_is_left_out(nothing):
    resolved = resolve(changed(with_experiments("other") | {"experiments.echo": nothing}))
    assert list(resolved["experiments"]) == ["other"]


# Names in paths


@pytest.mark.parametrize(
    ("radius", "label"),
    [
        (1, "1.00"),
        (0.5, "0.50"),
        (1.2, "1.20"),
        (1.25, "1.25"),
        (1.255, "1.255"),
        (100, "100.00"),
        (1e-4, "0.0001"),
        (0.1 + 0.2, "0.30000000000000004"),
    ],
)
def test_radius_labels(radius, label):
    assert grid.radius_label(radius) == label


def test_radii_that_differ_in_the_last_digit_have_paths_of_their_own():
    radii = [1.0, 1.0000000000000002, 1.001, 1.0010000000000001, 0.3, 0.1 + 0.2]
    resolved = resolve(changed({f"{GRID}.spectral_radii": radii, f"{GRID}.activations": ["tanh"]}))
    runs = grid.runs(resolved["experiments"]["echo"])
    assert [run["radius"] for run in runs] == radii
    assert len({run["run"] for run in runs}) == len(radii)


def test_an_unknown_key_does_not_hide_what_is_wrong_beside_it():
    found = lines({f"{ECHO}.task.lag": 12, f"{ECHO}.task.lags": 3})
    assert [line.split(":")[0] for line in found] == [f"{ECHO}.task.lag", f"{ECHO}.task.lags"]
