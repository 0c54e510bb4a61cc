"""What `import gradient_horizon` gives: few names, loaded when they are used, with examples."""

import ast
import doctest
import importlib
import pkgutil
import re
import subprocess
import sys
from pathlib import Path

import pytest

import gradient_horizon as gh
from gradient_horizon import api

NAMES = sorted(gh.__all__)
MODULES = ["gradient_horizon", "gradient_horizon.networks.cells.cell"] + [
    f"gradient_horizon.api.{module.name}" for module in pkgutil.iter_modules(api.__path__)
]


def test_the_names_are_few_and_are_there():
    assert len(NAMES) == 9
    assert dir(gh) == sorted([*NAMES, "live", "__version__"])
    assert all(getattr(gh, name) is not None for name in NAMES)


def test_the_import_loads_nothing_else():
    """Not even NumPy: whoever asks for the version alone waits for nothing."""
    script = (
        "import sys, gradient_horizon\n"
        "gradient_horizon.__version__\n"
        "print([name for name in ('numpy', 'pandas', 'yaml', 'matplotlib') if name in sys.modules])"
    )
    output = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert output.stdout == "[]\n", output.stderr


def test_no_use_loads_pyplot_or_settings_of_threads():
    script = (
        "import os, sys\n"
        "before = dict(os.environ)\n"
        "import gradient_horizon as gh\n"
        "trained = gh.train('delayed_echo', hidden_size=4, seeds=1, steps=1)\n"
        "gh.measure(trained.net(), trained.probe).plot()\n"
        "print('matplotlib' in sys.modules, 'matplotlib.pyplot' in sys.modules)\n"
        "print(dict(os.environ) == before)"
    )
    output = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert output.stdout == "True False\nTrue\n", output.stderr


def test_a_name_that_is_not_there():
    with pytest.raises(AttributeError, match="has no attribute 'mesure'") as error:
        gh.mesure  # noqa: B018
    assert error.value.name == "mesure" and error.value.obj is gh


def test_code_that_only_imports_the_package_does_not_depend_on_the_interface():
    """Jobs carry a digest of what they import, found in the text."""
    from gradient_horizon.ground import digests

    script = Path(__file__).parents[2] / "workflow" / "scripts" / "train_networks.py"
    names = {path.relative_to(digests.PACKAGE.parents[1]) for path in digests.modules(script)}
    assert names and not [path for path in names if "api" in path.parts]


def test_editors_know_the_same_names():
    stub = Path(gh.__file__).with_suffix(".pyi").read_text(encoding="utf-8")
    named = {
        alias.asname: f"{node.module}.{alias.name}"
        for node in ast.parse(stub).body
        if isinstance(node, ast.ImportFrom) and node.module
        for alias in node.names
    }
    assert named == {name: f"{place}.{name}" for name, place in gh._PLACES.items()}


@pytest.mark.parametrize("name", NAMES)
def test_every_name_has_a_docstring_with_an_example(name):
    part = getattr(gh, name)
    text = part.__doc__ or type(part).__doc__
    before, _, after = text.partition("\n    Examples\n    --------\n")
    assert "Parameters\n    ----------\n" in before or "Attributes\n    ----------\n" in before
    assert ">>> " in after


@pytest.mark.parametrize("name", MODULES)
def test_examples_in_docstrings_give_what_they_say(name):
    options = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    found = doctest.testmod(importlib.import_module(name), optionflags=options)
    assert found.failed == 0


def test_the_lines_of_the_readme_run_as_they_stand(tmp_path):
    readme = Path(__file__).parents[2] / "README.md"
    blocks = re.findall(r"```python\n(.*?)```", readme.read_text(encoding="utf-8"), re.DOTALL)
    (lines,) = [block for block in blocks if "gh.train(" in block]
    assert len(lines.splitlines()) <= 10
    done = subprocess.run(
        [sys.executable, "-c", lines], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("99 % of the gradient arises within ")
    assert (tmp_path / "share.png").exists() and (tmp_path / "folder" / "summary.csv").exists()
