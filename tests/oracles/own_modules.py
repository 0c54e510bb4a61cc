"""Modules of a user's in the folder in which a run is started, for the time of a test."""

import sys
from contextlib import contextmanager
from pathlib import Path

from gradient_horizon.networks.activations import ACTIVATIONS
from gradient_horizon.networks.cells import CELLS
from gradient_horizon.tasks import TASKS

HERE = Path(__file__).parent


@contextmanager
def in_folder(folder, monkeypatch, texts):
    """Write modules by name, and start from there; nothing stays imported."""
    for registry in (ACTIVATIONS, CELLS, TASKS):
        monkeypatch.setattr(registry, "_found", {})
    for name, text in texts.items():
        (folder / f"{name}.py").write_text(text)
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.chdir(folder)
    before = set(sys.modules)
    yield folder
    for name in set(sys.modules) - before:
        if str(folder) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]
