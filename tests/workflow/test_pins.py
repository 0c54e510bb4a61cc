"""One set of versions: conda's and pip's files name the same, and they go together."""

import ast
import asyncio
import json
import os
import re
import sys
import tomllib
from importlib.metadata import distributions, packages_distributions
from importlib.metadata import version as version_of
from pathlib import Path

import pytest
import rattler
import yaml
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from rattler.exceptions import SolverError

ROOT = Path(__file__).parents[2]
ENVIRONMENTS = [ROOT / "environment.yml", *sorted((ROOT / "workflow" / "envs").glob("*.yaml"))]
LOCK = (ROOT / "requirements.lock").read_text()
PIP_NAME = {"matplotlib-base": "matplotlib", "snakemake-minimal": "snakemake"}
CONDA_NAME = {pip: conda for conda, pip in PIP_NAME.items()}
# What the lock does not have: Python, what installs the project, TeX, and pdftotext for the tests.
ONLY_CONDA = {"pip", "python", "poppler", "tectonic"}
# What an environment has besides the lock: what has installed it, and the project.
BESIDES = {"pip", "setuptools", "wheel", "uv", "gradient-horizon"}


def conda_specs(file):
    return yaml.safe_load(file.read_text())["dependencies"]


def conda_pins(file):
    """Versions by conda's names."""
    return dict((*spec.split("="), None)[:2] for spec in conda_specs(file))


def pip_pins(text):
    """Versions by name, of those lines that hold for the running Python."""
    pins = {}
    for name, version, marker in re.findall(
        r"^([\w.-]+)==([^\s;]+)(?: ; (.*?))?(?: \\)?$", text, re.MULTILINE
    ):
        if not marker or Marker(marker).evaluate():
            assert name not in pins
            pins[name] = version
    return pins


def required():
    return pip_pins((ROOT / "requirements.in").read_text())


def locked():
    return pip_pins(LOCK)


def declared(extra=None):
    """What pyproject.toml says that the package needs, or an extra of it besides."""
    metadata = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lines = metadata["optional-dependencies"][extra] if extra else metadata["dependencies"]
    return {canonicalize_name(each.name): each.specifier for each in map(Requirement, lines)}


# The files among each other


def test_conda_and_pip_have_the_same_direct_dependencies():
    pins = conda_pins(ENVIRONMENTS[0])
    assert pins.keys() >= ONLY_CONDA
    shared = {PIP_NAME.get(name, name): version for name, version in pins.items()}
    assert {name: shared[name] for name in shared.keys() - ONLY_CONDA} == required()


def test_the_lock_has_the_versions_that_are_required():
    assert required().items() <= locked().items()
    assert len(locked()) > 60


def test_the_versions_of_a_run_are_among_those_that_the_package_allows():
    needed = declared() | declared("paper")
    assert needed.keys() <= required().keys()
    for name, specifier in needed.items():
        assert specifier.contains(required()[name]), name


def test_the_package_declares_what_the_library_imports():
    """The extra `paper` is for what only the workflow uses, `torch` for live models."""
    imported = set()
    for file in (ROOT / "src").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Import):
                imported |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                imported.add(node.module.split(".")[0])
    others = imported - sys.stdlib_module_names - {"gradient_horizon"}
    names = packages_distributions()
    found = {canonicalize_name(names.get(module, [module])[0]) for module in others}
    assert declared().keys() <= found
    assert found - declared().keys() == declared("paper").keys() | declared("torch").keys()


def test_the_versions_for_the_tests_of_live_models_are_allowed():
    pins = pip_pins((ROOT / "requirements-torch.txt").read_text()) | required()
    for name, specifier in declared("torch").items():
        assert specifier.contains(pins[name]), name


def test_pytorch_is_there_where_it_has_to_be():
    """Without it the tests of live models are skipped, which CI is not to take for a pass."""
    if os.environ.get("GRADIENT_HORIZON_TESTS_NEED") == "torch":
        pins = pip_pins((ROOT / "requirements-torch.txt").read_text())
        for name, pinned in pins.items():
            assert version_of(name).partition("+")[0] == pinned


@pytest.mark.parametrize("file", ENVIRONMENTS[1:], ids=lambda file: file.name)
def test_the_environments_of_rules_are_parts_of_the_whole(file):
    assert conda_pins(file).items() <= conda_pins(ENVIRONMENTS[0]).items()
    assert "python" in conda_pins(file)


def test_every_environment_that_a_rule_cites_is_there_and_cited():
    cited = set()
    for rules in (ROOT / "workflow" / "rules").glob("*.smk"):
        cited |= set(re.findall(r"\.\./envs/(\w+\.yaml)", rules.read_text()))
    assert cited == {file.name for file in ENVIRONMENTS[1:]}


@pytest.mark.parametrize("file", ENVIRONMENTS, ids=lambda file: file.name)
def test_conda_reads_every_line_strictly(file):
    content = yaml.safe_load(file.read_text())
    assert content.keys() <= {"name", "channels", "dependencies"}
    for spec in content["dependencies"]:
        assert isinstance(spec, str), "no section for pip"
        rattler.MatchSpec(spec, strict=True)
        assert re.fullmatch(r"[a-z0-9-]+=\d[\d.]*|poppler", spec)


@pytest.mark.parametrize("file", ENVIRONMENTS, ids=lambda file: file.name)
def test_channels(file):
    """Snakemake, its plugins and snakefmt are on bioconda alone."""
    channels = yaml.safe_load(file.read_text())["channels"]
    assert channels in (["conda-forge", "bioconda", "nodefaults"], ["conda-forge", "nodefaults"])
    only_there = {name for name in conda_pins(file) if name.startswith("snake")}
    assert "bioconda" in channels or not only_there


def test_the_lock_has_hashes_and_names_no_place_to_get_things_from():
    entries = re.split(r"\n(?! )", LOCK.strip())
    for entry in entries:
        head, *hashes = entry.split(" \\\n    ")
        assert re.match(r"[a-z0-9.-]+==[\w.]+( ; .*)?$", head), head
        assert hashes and all(re.fullmatch(r"--hash=sha256:[0-9a-f]{64}", each) for each in hashes)
    assert len(entries) >= len(locked())


# The files and the world


def test_what_is_installed_is_what_is_locked():
    prefix = Path(sys.prefix)
    if prefix != ROOT / ".venv" or (prefix / "conda-meta").is_dir():
        pytest.skip("not in the .venv that is made from requirements.lock")
    installed = {canonicalize_name(each.name): each.version for each in distributions()}
    besides = BESIDES | (for_live_models() - locked().keys())
    assert {name: installed[name] for name in installed.keys() - besides} == locked()


def for_live_models():
    """What PyTorch and Lightning need, and what that needs, of what is installed."""
    needs = {canonicalize_name(each.name): each.requires or () for each in distributions()}
    found, new = set(), {*pip_pins((ROOT / "requirements-torch.txt").read_text())}
    while new:
        found |= new
        lines = [Requirement(line) for name in new for line in needs.get(name, ())]
        new = {canonicalize_name(each.name) for each in lines} - found
    return found


def stub_channel(folder, others):
    """A conda channel of the locked packages and what they really require, and `others`."""
    stubs = {name: (version or "1", []) for name, version in conda_pins(ENVIRONMENTS[0]).items()}
    for each in distributions():
        name = canonicalize_name(each.name)
        if name in locked():
            requirements = [Requirement(line) for line in each.requires or ()]
            depends = [f"python {each.metadata['Requires-Python'] or ''}".strip()] + [
                f"{CONDA_NAME.get(canonicalize_name(needed.name), canonicalize_name(needed.name))} "
                f"{needed.specifier}".strip()
                for needed in requirements
                if not needed.marker or needed.marker.evaluate({"extra": ""})
            ]
            stubs[CONDA_NAME.get(name, name)] = (each.version, depends)
    versions = [*((name, version) for name, (version, _) in stubs.items()), *others]
    packages = {
        f"{name}-{version}-0.conda": {
            "name": name,
            "version": version,
            "build": "0",
            "build_number": 0,
            "depends": stubs[name][1],
            "subdir": "noarch",
        }
        for name, version in versions
    }
    file = folder / "repodata.json"
    file.write_text(json.dumps({"info": {"subdir": "noarch"}, "packages.conda": packages}))
    return rattler.SparseRepoData(rattler.Channel("stub"), "noarch", file)


def solve(folder, specs, others=()):
    """What conda would install, versions by conda's names."""
    channel = stub_channel(folder, others)
    records = asyncio.run(rattler.solve_with_sparse_repodata(specs, [channel]))
    return {record.name.normalized: str(record.version) for record in records}


@pytest.fixture
def complete():
    """Without the locked packages there is nothing to make the channel of."""
    if (
        not locked().items()
        <= {canonicalize_name(d.name): d.version for d in distributions()}.items()
    ):
        pytest.skip("the versions of requirements.lock are not installed")


def test_the_conda_environment_can_be_solved_and_is_the_lock(tmp_path, complete):
    solved = solve(tmp_path, conda_specs(ENVIRONMENTS[0]))
    assert {
        PIP_NAME.get(name, name): solved[name] for name in solved.keys() - ONLY_CONDA
    } == locked()


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("numpy=2.4.5", "No candidates were found for numpy"),
        ("numpy=1.20", "incompatible"),
        ("jsonschema=2.0", "incompatible"),
        ("python=3.10", "incompatible"),
    ],
)
def test_a_wrong_pin_cannot_be_solved(tmp_path, complete, spec, message):
    name = spec.partition("=")[0]
    pins = [other for other in conda_specs(ENVIRONMENTS[0]) if not other.startswith(f"{name}=")]
    assert len(pins) == len(conda_specs(ENVIRONMENTS[0])) - 1
    # These are in the channel, but are too old for what others of the lock require.
    others = [("numpy", "1.20"), ("jsonschema", "2.0"), ("python", "3.10")]
    with pytest.raises(SolverError, match=message):
        solve(tmp_path, [*pins, spec], others)
