"""config/README.md says what the schema says, and its examples can be run."""

import re
from pathlib import Path

import numpy as np
import pytest
import yaml

from gradient_horizon.config import configuration, reference
from gradient_horizon.networks import activations
from gradient_horizon.networks.cells import CELLS, registered
from gradient_horizon.tasks import TASKS

FOLDER = Path(__file__).parents[2] / "config"
PAGE = (FOLDER / "README.md").read_text(encoding="utf-8")
MARKS = f"{reference.BEGIN}\n{reference.END}"


def rows(tables):
    """Cells by key, of all tables together."""
    lines = re.findall(r"^\| (`.*) \|$", tables, re.MULTILINE)
    return {cells[0].strip("`"): cells[1:] for cells in (line.split(" | ") for line in lines)}


def test_the_page_is_what_the_schema_says():
    assert reference.insert(PAGE) == PAGE, "run `make docs`"


def keys(properties, prefix=""):
    for key, part in properties.items():
        yield f"{prefix}{key}"
        yield from keys(part.get("properties", {}), f"{prefix}{key}.")


def test_every_key_has_a_row():
    whole = configuration.schema()["properties"]
    expected = {*keys(whole)}
    for part in ("experiments", "checkpoints"):
        expected |= {*keys(whole[part]["additionalProperties"]["properties"])}
    for task in TASKS.values():
        expected |= set(task.OPTIONS)
    assert set(rows(reference.tables())) == expected


def test_rows_by_hand():
    found = rows(reference.tables())
    seeds = ["Nets of every grid point, trained side by side.", "", "`5`"]
    assert found["grid.seeds"] == [*seeds, "whole number at least 1, at most 1000"]
    cells = ", ".join(f"`{name}`" for name in CELLS)
    assert found["grid.cells"][2:] == [
        "`[rnn]`",
        f"list of one or more, all different: {cells}, or `module:name`, a cell of your own",
    ]
    assert found["grid.spectral_radii"][2] == found["task.name"][2] == "must be given"
    assert found["training.steps"][1:3] == ["steps", "`600`"]
    assert found["training.gradient_clip"][2:] == ["`1.0`", "number above 0, or `null`"]
    assert found["lag"] == [
        "How many steps later a symbol is to be repeated.",
        "steps",
        "`10`",
        "1 to sequence_length - 1",
    ]


def test_a_new_name_and_a_new_option_appear_by_themselves(monkeypatch):
    monkeypatch.setitem(activations.REGISTERED, "swish", activations.REGISTERED["tanh"])
    monkeypatch.setitem(registered.REGISTERED, "twin", "rnn:Rnn")
    monkeypatch.setitem(
        TASKS["delayed_echo"].OPTIONS,
        "noise",
        {"type": ["number", "null"], "default": None, "description": "One | two."},
    )
    found = rows(reference.tables().replace(r"\|", "or"))
    assert "`leaky_relu`, `swish`, or `module:function`, a" in found["grid.activations"][3]
    assert "`lru`, `twin`, or `module:name`, a cell" in found["grid.cells"][3]
    assert found["noise"] == ["One or two.", "", "`null`", "number, or `null`"]


@pytest.mark.parametrize(
    "page",
    [
        "",
        reference.BEGIN,
        reference.END,
        MARKS + MARKS,
        reference.BEGIN + MARKS,
        reference.END + MARKS,
        f"{reference.END}\n{reference.BEGIN}",
    ],
)
def test_a_page_without_its_marks(page):
    with pytest.raises(ValueError, match="must have the lines"):
        reference.insert(page)


def test_what_stands_around_the_tables_is_kept():
    once = reference.insert(f"before\n{MARKS}\nafter\n")
    assert once.startswith("before\n") and once.endswith("\nafter\n")
    assert reference.insert(once) == once


@pytest.mark.parametrize("text", re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL))
def test_examples_of_the_page(text, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("my_text.txt").write_text("A sentence of six words only. " * 5000)
    numbers = np.random.default_rng(0).random((6, 200, 2))
    np.savez("my_data.npz", inputs=numbers, targets=numbers)
    for name in ("net.safetensors", "probe.npz"):
        Path(name).touch()
    Path("my_activations.py").write_text(re.search(r"```python\n(.*?)```", PAGE, re.DOTALL)[1])
    whole = yaml.safe_load(
        (Path(configuration.__file__).parents[3] / "config/config.yaml").read_text()
    )
    example = yaml.safe_load(text)
    whole["checkpoints"] = example.get("checkpoints", {})
    for name, experiment in example.get("experiments", {}).items():
        if name not in whole["experiments"]:
            whole["experiments"][name] = experiment
        elif experiment is None:
            del whole["experiments"][name]
        else:
            for section, values in experiment.items():
                whole["experiments"][name][section] |= values
    configuration.resolve(whole)


def test_the_page_names_the_configurations_that_there_are():
    folder = FOLDER
    assert set(re.findall(r"^\| `(\w+\.yaml)`", PAGE, re.MULTILINE)) == {
        file.name for file in folder.glob("*.yaml")
    }
