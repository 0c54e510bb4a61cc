"""Registries: names, what they stand for, and when it is imported."""

import subprocess
import sys

import pytest

import own_modules
from gradient_horizon.ground.registry import Registry, UnknownNameError
from gradient_horizon.networks.activations import ACTIVATIONS, REGISTERED
from gradient_horizon.networks.cells import CELLS, Cell, registered
from gradient_horizon.tasks import TASKS, Task
from gradient_horizon.tasks import registered as registered_tasks

every = pytest.mark.parametrize("registry", [ACTIVATIONS, CELLS, TASKS], ids=lambda one: one.kind)


@every
def test_its_items_are_the_registered_ones(registry):
    assert len(registry) == len(list(registry)) == len(dict(registry))
    for name in registry:
        assert name in registry and registry[name] is registry[name] is registry.find(name)
    assert list(ACTIVATIONS) == list(REGISTERED)
    assert list(CELLS) == list(registered.REGISTERED)
    assert list(TASKS) == list(registered_tasks.REGISTERED)


@every
def test_what_is_no_name_stands_for_itself(registry):
    own = object()
    assert registry.find(own) is own
    assert registry.find(list) == []


@every
@pytest.mark.parametrize("name", ["", "lst", "registered", "cell", "__init__", 3, None, ("a",)])
def test_an_unknown_name_has_one_line(registry, name):
    assert name not in registry
    with pytest.raises(UnknownNameError) as error:
        registry[name]
    line = str(error.value)
    assert line.startswith(f"{name!r} is no known {registry.kind}; allowed: ")
    assert "`module:name` of your own" in line and "\n" not in line
    assert registry.get(name, 7) == 7
    if registry is CELLS and name == "lst":
        assert line.endswith("; did you mean 'lstm'?")


def test_a_line_more_is_all_that_it_takes(monkeypatch):
    monkeypatch.setitem(registered.REGISTERED, "twin", "rnn:Rnn")
    assert list(CELLS)[-1] == "twin"
    assert type(CELLS["twin"]) is type(CELLS["rnn"]) and CELLS["twin"] is not CELLS["rnn"]
    assert CELLS.place("twin") == "gradient_horizon.networks.cells.rnn:Rnn"
    assert TASKS.place("parity") == "gradient_horizon.tasks.parity"
    assert ACTIVATIONS.place("tanh") is None
    assert ACTIVATIONS.place("mine:mish") == CELLS.place("mine:mish") == "mine:mish"


def test_a_users_own_is_imported_once_and_is_no_item(tmp_path, monkeypatch):
    text = (
        "from gradient_horizon.networks.cells import Cell\n"
        "from gradient_horizon.tasks import Task\n"
        "class Mine(Cell):\n    pass\n"
        "mine = Mine()\n"
        "class Flip(Task):\n    pass\n"
    )
    with own_modules.in_folder(tmp_path, monkeypatch, {"my_things": text}):
        assert isinstance(CELLS["my_things:Mine"], Cell)
        assert CELLS["my_things:Mine"] is CELLS["my_things:Mine"]
        import my_things

        assert CELLS["my_things:mine"] is my_things.mine
        assert isinstance(TASKS["my_things:Flip"], Task)
        assert not {name for one in (CELLS, TASKS) for name in one if ":" in name}
        assert "my_things:Mine" not in CELLS


def test_a_mapping_is_read_as_it_is():
    things = {"one": 1}
    registry = Registry("number", things, own=len)
    things["two"] = 2
    assert dict(registry) == {"one": 1, "two": 2} and registry["a:bc"] == 4


def test_nothing_is_imported_before_it_is_asked_for():
    code = (
        "import sys\n"
        "from gradient_horizon.networks.cells import CELLS\n"
        "from gradient_horizon.tasks import TASKS\n"
        "def own():\n"
        "    return {name.split('.', 1)[1] for name in sys.modules"
        " if name.startswith(('gradient_horizon.tasks.', 'gradient_horizon.networks.cells.'))}\n"
        "before = own()\n"
        "CELLS['lru'], TASKS['parity']\n"
        "print(*sorted(before))\nprint(*sorted(own() - before))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    before, after = done.stdout.splitlines()
    assert before.split() == [
        *(f"networks.cells.{name}" for name in ("cell", "dynamics", "recurrence", "stepwise")),
        "tasks.task",
    ]
    assert after.split() == [
        *(f"networks.cells.{name}" for name in ("lru", "registered")),
        *(f"tasks.{name}" for name in ("parity", "registered", "synthetic")),
    ]
