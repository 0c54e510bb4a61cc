"""Remedies as an axis of the grid: what a configuration may say, what stays the same, and names."""

import copy

import numpy as np
import pandas as pd
import pytest

from gradient_horizon.analysis import grid_points, variants
from gradient_horizon.config import configuration, grid
from gradient_horizon.config.configuration import ConfigError, resolve
from gradient_horizon.ground.seeds import generator
from gradient_horizon.networks.cells import registered
from gradient_horizon.report.figures import panels as drawn_panels
from gradient_horizon.tasks import delayed_echo
from gradient_horizon.training import grid_point

PATH = "experiments.echo.grid.remedies"
NAME = "small letters, digits and underscores, beginning with a letter, at most 30"
# The keys of a remedy are those of `training`, but for the steps that all have in common.
KEYS = [
    "cell",
    *configuration.schema()["properties"]["experiments"]["additionalProperties"]["properties"][
        "training"
    ]["properties"],
]
KEYS.remove("steps")


def config_with(remedies=None):
    """An experiment of one grid point for each remedy."""
    own = {
        "task": {"name": "delayed_echo", "lag": 3, "sequence_length": 12},
        "model": {"hidden_size": 8},
        "grid": {"spectral_radii": [1.2], "activations": ["tanh"], "seeds": 3},
    }
    if remedies is not None:
        own["grid"]["remedies"] = remedies
    return {"experiments": {"echo": own}}


def settings(remedies):
    """The settings of every run, by its remedy."""
    whole = resolve(config_with(remedies))
    runs = grid.runs(whole["experiments"]["echo"])
    return {run["remedy"]: grid.run_settings(whole, "echo", run) for run in runs}


def lines(remedies):
    with pytest.raises(ConfigError) as error:
        resolve(config_with(remedies))
    return error.value.lines


# The configuration


def test_without_remedies_there_is_the_plain_training():
    echo = resolve(config_with())["experiments"]["echo"]
    assert echo["grid"]["remedies"] == {"none": {}}
    assert [run["run"] for run in grid.runs(echo)] == ["rnn_tanh_gaussian_rho1.20"]


def test_a_remedy_is_completed_by_nothing_but_numbers():
    given = {"slow": {"learning_rate": 1, "gradient_clip": None}, "tight": {"gradient_clip": "0.1"}}
    before = copy.deepcopy(given)
    found = resolve(config_with(given))["experiments"]["echo"]["grid"]["remedies"]
    assert found == {
        "slow": {"learning_rate": 1.0, "gradient_clip": None},
        "tight": {"gradient_clip": 0.1},
    }
    assert type(found["slow"]["learning_rate"]) is float
    assert given == before


@pytest.mark.parametrize("nothing", [None, "null"])
def test_a_remedy_that_is_null_is_left_out(nothing):
    found = settings({"none": {}, "slow": nothing, "fast": {"learning_rate": 9}})
    assert list(found) == ["none", "fast"]


@pytest.mark.parametrize(
    ("remedies", "message"),
    [
        (
            {"a": {"learning_rte": 1}},
            f".a.learning_rte: unknown key; allowed: {', '.join(KEYS)}; "
            "did you mean 'learning_rate'?",
        ),
        ({"a": {"steps": 7}}, f".a.steps: unknown key; allowed: {', '.join(KEYS)}"),
        (
            {"a": {"learning_rate": 0}},
            ".a.learning_rate: 0.0 is not possible; allowed: number above 0, at most 1000",
        ),
        (
            {"a": {"learning_rate": float("nan")}},
            ".a.learning_rate: nan is not a finite number; allowed: number above 0, at most 1000",
        ),
        (
            {"a": {"optimiser": "sgdd"}},
            f".a.optimiser: 'sgdd' is not known; allowed: {', '.join(configuration.OPTIMISERS)}; "
            "did you mean 'sgd'?",
        ),
        (
            {"a": {"cell": "rn"}},
            f".a.cell: 'rn' is not known; allowed: {', '.join(configuration.CELLS)}, "
            "or `module:name`, a cell of your own; did you mean 'rnn'?",
        ),
        ({"a": 3}, f".a: 3 is not possible; allowed: the keys {', '.join(KEYS)}"),
        (
            {"Slow Rate": {}},
            f".Slow Rate: not possible as a name; allowed: {NAME}; did you mean 'slow_rate'?",
        ),
        (
            {"x" * 31: {}},
            f".{'x' * 31}: not possible as a name; allowed: {NAME}; did you mean '{'x' * 30}'?",
        ),
        (
            {"none": {"learning_rate": 2}},
            ".none: this name is for training as it is; allowed: {}, or another name",
        ),
        (
            {"a": None},
            ": {} is not possible; allowed: one remedy or more, each with keys of `training` "
            "(but `steps`) or `cell`, or without any",
        ),
    ],
)
def test_one_mistake(remedies, message):
    assert lines(remedies) == [f"{PATH}{message}"]


def test_a_batch_that_the_text_cannot_fill():
    whole = config_with({"none": {}, "large": {"batch_size": 99999}})
    whole["experiments"]["echo"]["task"] = {"name": "words", "sequence_length": 40}
    with pytest.raises(ConfigError) as error:
        resolve(whole)
    (line,) = error.value.lines
    assert line.startswith(f"{PATH}.large.batch_size: 99999 sequences of 40 words are more than")


# What a remedy changes, and what it does not


def test_runs_are_named_after_their_remedy():
    echo = resolve(config_with({"none": {}, "slow": {"learning_rate": 0.1}}))["experiments"]["echo"]
    names = [(run["run"], run["remedy"]) for run in grid.runs(echo)]
    assert names == [
        ("rnn_tanh_gaussian_rho1.20", "none"),
        ("rnn_tanh_gaussian_rho1.20_slow", "slow"),
    ]
    assert [row["remedy"] for row in grid.records(echo)] == ["none", "slow"]


def test_a_grid_without_remedies_does_not_speak_of_them():
    echo = resolve(config_with())["experiments"]["echo"]
    assert [list(row) for row in grid.records(echo)] == [
        ["run", "task", "cell", "activation", "initialisation", "radius"]
    ]


def test_a_remedy_changes_what_it_names_and_nothing_else():
    found = settings({"none": {}, "slow": {"learning_rate": 0.1, "gradient_clip": None}})
    assert found["slow"]["training"] == found["none"]["training"] | {
        "learning_rate": 0.1,
        "gradient_clip": None,
    }
    for remedy in found:
        del found[remedy]["training"]
    assert found["slow"] == found["none"]


def test_all_remedies_start_from_the_same_weights_and_see_the_same_data():
    found = settings({"none": {}, "slow": {"learning_rate": 0.1}, "batch": {"batch_size": 7}})
    facts = {"input_size": 4, "output_size": 4, "embedded": False}
    weights = [grid_point.weights_of(own, facts).flat for own in found.values()]
    drawn = [
        next(
            delayed_echo.batches(
                own["task"], {}, 5, generator(own["base_seed"], own["identity"], "data", 2)
            )
        )
        for own in found.values()
    ]
    assert weights[0].std() > 0
    for other, (inputs, targets) in zip(weights[1:], drawn[1:], strict=True):
        np.testing.assert_array_equal(other, weights[0])
        np.testing.assert_array_equal(inputs, drawn[0][0])
        np.testing.assert_array_equal(targets, drawn[0][1])


def test_another_cell_starts_from_the_same_weights(monkeypatch):
    monkeypatch.setitem(registered.REGISTERED, "twin", "rnn:Rnn")
    found = settings({"none": {}, "twin": {"cell": "twin"}})
    assert [own["cell"] for own in found.values()] == ["rnn", "twin"]
    assert "cell" not in found["twin"]["training"]
    facts = {"input_size": 4, "output_size": 4, "embedded": False}
    one, other = (grid_point.weights_of(own, facts)["W_hh"] for own in found.values())
    np.testing.assert_array_equal(one, other)


def test_a_cell_in_place_of_several():
    whole = config_with({"none": {}, "gated": {"cell": "gru"}})
    whole["experiments"]["echo"]["grid"]["cells"] = ["rnn", "lstm"]
    with pytest.raises(ConfigError) as error:
        resolve(whole)
    assert error.value.lines == [
        f"{PATH}.gated.cell: the runs of 2 cells would all be of this one; allowed: one cell in "
        "`cells`, or no `cell` here"
    ]


def test_the_mapped_sentence_is_one_without_a_remedy():
    remedies = {"slow": {"learning_rate": 0.1}, "none": {}}
    echo = resolve(config_with(remedies))["experiments"]["echo"]
    assert grid.mapped_run(echo)["remedy"] == "none"


# Names and lines


def rows(*known, radii=(1.0,)):
    return pd.DataFrame(
        [
            {**dict(zip(grid.VARIANT_AXES, variant, strict=True)), "radius": radius, "loss": 1.0}
            for variant in known
            for radius in radii
        ]
    ).assign(activation="tanh")


def test_variants_are_told_apart_by_what_differs():
    plain, clipped = ("rnn", "gaussian", "none"), ("rnn", "gaussian", "clip_by_value")
    normalised, other = ("layer_norm", "gaussian", "layer_norm"), ("rnn", "identity", "none")
    assert variants.variants(rows(plain, plain)) == {plain: ""}
    assert variants.variants(rows(plain, clipped)) == {plain: "plain", clipped: "clip by value"}
    assert list(variants.variants(rows(plain, normalised)).values()) == ["plain", "layer norm"]
    gated = [("gru", "gaussian", remedy) for remedy in ("none", "clip_by_value")]
    crossed = rows(plain, clipped, *gated)
    assert list(variants.variants(crossed).values())[1:3] == ["RNN, clip by value", "GRU, plain"]
    assert list(variants.variants(rows(plain, gated[0])).values()) == ["RNN", "GRU"]
    assert list(variants.variants(rows(plain, other)).values()) == ["gaussian", "identity"]
    table = rows(plain, clipped)
    # The activation is named only where there is more than one.
    assert grid_points.variant_label(table.iloc[1], table) == "clip by value"
    both = pd.concat([table, table.assign(activation="relu")], ignore_index=True)
    assert grid_points.variant_label(both.iloc[1], both) == "clip by value, tanh"
    assert len(variants.of_variant(table, clipped)) == 1


def test_colours_tell_remedies_apart_where_there_is_one_radius():
    known = [("rnn", "gaussian", name) for name in ("none", "slow", "fast")]
    styles = drawn_panels.line_styles(rows(*known))
    assert list(styles) == ["plain, radius 1", "slow, radius 1", "fast, radius 1"]
    assert len(looks(styles, "color")) == 3


def test_remedies_have_a_panel_for_each_radius():
    table = rows(*(("rnn", "gaussian", name) for name in ("none", "slow")), radii=(2.0, 1.0))
    panels = drawn_panels.panels_of(table)
    assert [title for title, _ in panels] == ["radius 1", "radius 2"]
    for _, part in panels:
        drawn = {variant[-1]: style for variant, _, style, _ in drawn_panels.lines_of(part)}
        for name, style in drawn_panels.line_styles(table).items():
            own = drawn[{"plain": "none"}.get(name, name)]
            assert looks({"": style}, "color", "linestyle") == looks(
                {"": own}, "color", "linestyle"
            )
    both = pd.concat([table, table.assign(activation="relu")])
    assert [title for title, _ in drawn_panels.panels_of(both)] == ["tanh", "ReLU"]
    styles = drawn_panels.line_styles(both)
    assert list(styles)[:2] == ["plain, radius 1", "plain, radius 2"]
    assert (len(looks(styles, "color")), len(looks(styles, "color", "marker"))) == (2, 4)
    crowd = rows(*(("rnn", "gaussian", name) for name in ("none", "slow")), radii=range(1, 8))
    assert [title for title, _ in drawn_panels.panels_of(crowd)] == ["tanh"]


def looks(styles, *keys):
    return {tuple(str(style.get(key)) for key in keys) for style in styles.values()}
