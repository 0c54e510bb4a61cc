"""The user's own cells: the good ones go into runs, each bad one has its line before any job."""

import numpy as np
import pytest

import guide
import own_modules
from gradient_horizon.config import configuration, grid
from gradient_horizon.networks import user_cell_checks
from gradient_horizon.networks.cells import CELLS, dynamics
from gradient_horizon.training import grid_point, loop

OPTIONS = {"leak": 0.3, "ring": 0.4, "chrono": None}
GOOD = [f"own_cells:{name}" for name in ("Simple", "Leaky", "Gru", "Lstm", "Diagonal")]
GOOD.append("my_cells:MinimalGatedUnit")
NO_CELL = "is no cell; allowed: a class, or an object of one, that is made from"
STEP = "allowed: finite states of the same shape"
DERIVATIVE = "where differences of `step` give ... allowed: the derivative, to 1e-06"
BAD = {
    "NoCell": f"NoCell {NO_CELL}",
    "word": f"word {NO_CELL}",
    "NeedsMore": "the module raises TypeError: NeedsMore.__init__() missing 1 required positional",
    "Unfinished": "step raises NotImplementedError (cell.py, line ",
    "OtherParts": "PARTS is ('hidden', 'memory'); allowed: ('hidden',) or ('hidden', 'cell')",
    "TakenName": "shapes has the name 'W_s'; allowed: a name as in Python, none of W_s, b_s, emb",
    "ThreeAxes": "shapes(3, 2) gives C the shape (2, 3, 2); allowed: one or two lengths above 0",
    "NarrowInput": "shapes(4, 4) gives W_hx the shape (4, 2); allowed: (4, 4)",
    "NothingRecurrent": "shapes has no W_hh, the weights that are taken apart; allowed: it has",
    "OtherRadius": "initialise gives `recurrent` the spectral radius 1.4 where 0.7 is asked for;",
    "NotFinite": "initialise leaves b_h not finite; allowed: finite numbers",
    "StepRaises": "step raises RuntimeError: not yet (bad_cells.py, line ",
    "OtherState": f"step of states of shape (2, 3) returns float64 of shape (2, 2); {STEP}",
    "Infinite": f"step of states of shape (2, 3) returns float64 of shape (2, 3); {STEP}",
    "InPlace": "step changes its arguments; allowed: to return new arrays",
    "MixedRows": "step of states of shape (2, 1, 3) is another one than of (2, 3); allowed: the",
    "FixedAxes": "step of states of shape (1, 2, 3) raises ValueError: ",
    "OneNetOnly": "the states of a population are others than those of its single nets; allowed:",
    "KeepsList": "step returns beside the states something else than a tuple of arrays with the",
    "KeepsStateFirst": "step keeps (2, 9) first; allowed: what phi is taken of, of the shape",
    "BackRaises": "back raises ZeroDivisionError: division by zero (bad_cells.py, line ",
    "OtherDrive": "back returns for the drive the shape (2, 8); allowed: (2, 9)",
    "MissingWeight": "back returns derivatives by W_hh; allowed: by W_hh, b_n",
    "OtherPairs": "back returns for W_hh something else; allowed: a list of pairs (delta, source)",
    "SlopeOff": f"the gradient of drive in training is ... {DERIVATIVE}",
    "Forgets": f"the gradient of drive in training is ... {DERIVATIVE}",
    "OtherSource": f"the gradient of W_hh in training is ... {DERIVATIVE}",
    "NoBias": f"the gradient of b_n in training is ... {DERIVATIVE}",
    "FewDigits": "the states of a population are others in float32 than in float64; allowed: the",
    "OtherFastForm": "the states of a population are others than those of its single nets",
    "OtherJacobian": f"the Jacobian is ... {DERIVATIVE}",
}


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """A folder with good cells and bad ones, in which the run is started."""
    texts = {
        name: (own_modules.HERE / f"{name}.py").read_text() for name in ("own_cells", "bad_cells")
    }
    texts["my_cells"] = guide.files()["my_cells.py"]
    with own_modules.in_folder(tmp_path, monkeypatch, texts):
        yield tmp_path


def config_with(*cells, remedies=None):
    own = {"cells": list(cells), "activations": ["tanh"], "spectral_radii": [0.9]}
    if remedies:
        own["remedies"] = remedies
    return {"experiments": {"echo": {"task": {"name": "delayed_echo"}, "grid": own}}}


def lines(*cells, **given):
    with pytest.raises(configuration.ConfigError) as error:
        configuration.resolve(config_with(*cells, **given))
    return error.value.lines


@pytest.mark.parametrize("cell", GOOD)
def test_what_is_right_is_resolved(cell):
    resolved = configuration.resolve(config_with("rnn", cell))
    runs = grid.runs(resolved["experiments"]["echo"])
    assert [run["cell"] for run in runs] == ["rnn", cell]
    assert runs[1]["run"] == f"{cell.replace(':', '.').lower()}_tanh_gaussian_rho0.90"
    assert configuration.resolve(resolved) == resolved
    assert cell not in set(CELLS) and CELLS[cell] is CELLS[cell]


@pytest.mark.parametrize("name", CELLS)
def test_the_registered_ones_pass(name):
    assert user_cell_checks.check(CELLS[name], OPTIONS) is None


def test_the_settings_of_the_model_reach_it():
    """The leak is part of the step, and so of what is checked."""
    whole = config_with("own_cells:Leaky")
    whole["experiments"]["echo"]["model"] = {"leak": 0.25}
    (run,) = grid.runs(configuration.resolve(whole)["experiments"]["echo"])
    assert run["cell"] == "own_cells:Leaky"


def test_a_limit_of_the_radius_holds_for_it(folder):
    (folder / "limited.py").write_text(
        "from own_cells import Simple\nclass Limited(Simple):\n    RADIUS_LIMIT = 0.8\n"
    )
    (line,) = lines("limited:Limited")
    assert "0.9 cannot be the radius of the cell `limited:Limited`; allowed: below 0.8" in line


@pytest.mark.parametrize("name", BAD)
def test_what_is_wrong_is_said(name):
    (line,) = lines("rnn", f"bad_cells:{name}")
    start = f"experiments.echo.grid.cells[1]: 'bad_cells:{name}': "
    first, *others = BAD[name].split(" ... ")
    assert line.startswith(start + first) and "; allowed: " in line and len(line) < 500
    assert all(part in line for part in others)


WRONG_NAMES = {
    "my_cell:MinimalGatedUnit": ("there is no module 'my_cell'", "my_cells:MinimalGatedUnit"),
    "my_cells:MinimalGated": (
        "the module 'my_cells' has no cell 'MinimalGated'",
        "my_cells:MinimalGatedUnit",
    ),
    "my_cells.py:MinimalGatedUnit": (
        "there is no module 'my_cells.py'",
        "my_cells:MinimalGatedUnit",
    ),
    "lstn:": ("not a name that can be imported", "lstm"),
    "../my_cells:Unit": ("not a name that can be imported", "my_cells:Unit"),
}


@pytest.mark.parametrize("name", WRONG_NAMES)
def test_names_that_lead_nowhere(name):
    (line,) = lines(name)
    said, near = WRONG_NAMES[name]
    assert line.startswith("experiments.echo.grid.cells[0]: ") and said in line
    assert line.partition("did you mean ")[2] == (f"'{near}'?" if near else "")


def test_all_mistakes_together_those_of_remedies_among_them(folder):
    (folder / "others.py").write_text("from my_cells import MinimalGatedUnit as minimalgatedunit\n")
    found = lines(
        "lstn",
        "my_cells:MinimalGatedUnit",
        "others:minimalgatedunit",
        remedies={"none": {}, "other": {"cell": "bad_cells:SlopeOff"}, "gru": {"cell": "grru"}},
    )
    path = "experiments.echo.grid"
    assert [line.partition(": ")[0] for line in found] == [
        *(f"{path}.cells[{i}]" for i in range(3)),
        *(f"{path}.remedies.{name}.cell" for name in ("gru", "other")),
    ]
    assert found[0].endswith("or `module:name`, a cell of your own; did you mean 'lstm'?")
    assert "'others:minimalgatedunit' would have one name in figures and tables" in found[1]
    assert "'my_cells:MinimalGatedUnit' would have one name in figures and tables" in found[2]
    assert "the gradient of drive in training" in found[4]


def test_a_cell_beside_a_wrong_model():
    """It is imported, so that its own line is there too, and not looked at further."""
    whole = config_with("bad_cells:SlopeOff", "bad_cells:NoCell")
    whole["experiments"]["echo"]["model"] = {"leak": 7}
    with pytest.raises(configuration.ConfigError) as error:
        configuration.resolve(whole)
    places = [line.partition(": ")[0] for line in error.value.lines]
    assert places == ["experiments.echo.grid.cells[1]", "experiments.echo.model.leak"]


def test_the_names_of_the_parts_are_those_that_are_measured():
    from gradient_horizon.gradients import measurement

    assert measurement.PARTS == dynamics.PARTS


def test_it_trains_as_its_fast_form_does():
    """From the configuration to the weights: the same draws, and steps equal but for rounding."""
    trained = []
    for cell in ("gru", "own_cells:Gru"):
        whole = config_with(cell)
        whole["experiments"]["echo"] |= {
            "task": {"name": "delayed_echo", "lag": 2, "sequence_length": 8},
            "model": {"hidden_size": 5},
            "training": {"steps": 6, "batch_size": 3, "truncation": 3, "precision": "float64"},
            "measurement": {"checkpoints": 2},
        }
        whole = configuration.resolve(whole)
        (run,) = grid.runs(whole["experiments"]["echo"])
        settings = grid.run_settings(whole, "echo", run) | {"identity": "echo/gru"}
        rng = np.random.default_rng(3)
        batches = [rng.integers(0, 4, (2, 8, 3)) for _ in range(40)]
        facts = {"input_size": 4, "output_size": 4, "embedded": False}
        streams = [iter(batches) for _ in range(5)]
        evaluation = tuple(batches[0])
        data = dict(zip(("evaluation_inputs", "evaluation_targets"), evaluation, strict=True))
        mask = np.ones(8, dtype=bool)
        descent, _ = grid_point.prepare(settings, facts, data | {"loss_mask": mask})
        trained.append(loop.train(descent, streams, evaluation, 6, 2, say=lambda _: None))
    for name in trained[0]:
        np.testing.assert_allclose(trained[1][name], trained[0][name], rtol=0, atol=1e-12)
    assert abs(trained[0]["W_hh"][1] - trained[0]["W_hh"][0]).max() > 1e-3
