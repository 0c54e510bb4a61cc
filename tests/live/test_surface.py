"""`gh.live`: its names and their examples, and what is said where PyTorch is missing."""

import ast
import doctest
import importlib
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import gradient_horizon as gh


def test_without_pytorch_one_line_says_what_to_install():
    script = (
        "import sys\n"
        "sys.modules['torch'] = None\n"
        "import gradient_horizon as gh\n"
        "try:\n    gh.live\n"
        "except ImportError as error:\n    print(error)"
    )
    output = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    needed = "gradient_horizon.live needs PyTorch: pip install 'gradient-horizon[torch]'"
    assert output.stdout == f"{needed}\n", output.stderr


def test_editors_know_it():
    stub = ast.parse(Path(gh.__file__).with_suffix(".pyi").read_text(encoding="utf-8"))
    (line,) = [node for node in stub.body if isinstance(node, ast.ImportFrom) and not node.module]
    assert [(alias.name, alias.asname) for alias in line.names] == [("live", "live")]


def test_every_name_has_an_example_that_is_right():
    pytest.importorskip("torch", reason="no PyTorch")
    assert gh.live.__all__ == ["Monitor", "Report", "TruncationWarning", "measure", "measure_step"]
    for name in ("Monitor", "measure", "measure_step"):
        assert ">>> " in getattr(gh.live, name).__doc__, name
    options = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    tried = 0
    for module in pkgutil.iter_modules(gh.live.__path__):
        loaded = importlib.import_module(f"gradient_horizon.live.{module.name}")
        found = doctest.testmod(loaded, optionflags=options)
        assert found.failed == 0
        tried += found.attempted
    assert tried > 15
