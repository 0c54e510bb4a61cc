"""What a configuration, a text or a document says is never run as code."""

import ast
import re

import pytest

import project
from gradient_horizon.report import typesetting

SOURCES = sorted(
    path for folder in ("src", "workflow") for path in (project.ROOT / folder).rglob("*.py")
)
RULES = sorted((project.ROOT / "workflow/rules").glob("*.smk"))
FORBIDDEN_MODULES = {
    "pickle",
    "cPickle",
    "dill",
    "joblib",
    "marshal",
    "shelve",
    "urllib",
    "requests",
}
FORBIDDEN_CALLS = {"eval", "exec", "compile", "__import__", "system", "popen", "getoutput"}
UNSAFE_YAML = {
    "load",
    "load_all",
    "full_load",
    "unsafe_load",
    "Loader",
    "FullLoader",
    "UnsafeLoader",
}
FORBIDDEN_KEYWORDS = {"allow_pickle", "shell"}


def unsafe(tree):
    """Yield what could run or fetch anything that data asks for."""
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                yield from (
                    name.name for name in names if name.name.split(".")[0] in FORBIDDEN_MODULES
                )
            case ast.ImportFrom(module=str(module)) if module.split(".")[0] in FORBIDDEN_MODULES:
                yield module
            case ast.Call(func=ast.Name(id=name)) if name in FORBIDDEN_CALLS:
                yield name
            case ast.Call(func=ast.Attribute(value=value, attr=name)) if name in FORBIDDEN_CALLS:
                if ast.unparse(value) != "re":
                    yield name
            case ast.keyword(arg=name, value=value) if name in FORBIDDEN_KEYWORDS:
                if not (isinstance(value, ast.Constant) and value.value is False):
                    yield f"{name}={ast.unparse(value)}"
            case ast.Attribute(value=ast.Name(id="yaml"), attr=name) if name in UNSAFE_YAML:
                yield f"yaml.{name}"


def test_no_code_from_data():
    found = {source: [*unsafe(ast.parse(source.read_text()))] for source in SOURCES}
    assert {source: names for source, names in found.items() if names} == {}


def test_code_is_imported_by_its_name_in_one_place_alone():
    """What the configuration names so is code, and the documentation says so."""
    importing = [source for source in SOURCES if "import_module(" in source.read_text()]
    # The package's face imports its own public names, from a list that stands there.
    assert [source.name for source in importing] == ["__init__.py", "imports.py"]
    assert importing[0].parent.name == "gradient_horizon"


@pytest.mark.parametrize(
    "code",
    [
        "import pickle",
        "from urllib.request import urlopen",
        "eval(text)",
        "os.system(text)",
        "np.load(path, allow_pickle=True)",
        "subprocess.run(text, shell=flag)",
        "yaml.load(text)",
    ],
)
def test_what_would_be_found(code):
    assert list(unsafe(ast.parse(code)))


@pytest.mark.parametrize("rules", RULES, ids=lambda rules: rules.name)
def test_all_that_goes_into_a_shell_command_is_quoted(rules):
    commands = re.findall(r"\n    shell:\n((?:        .*\n?)+)", rules.read_text())
    fields = [field for command in commands for field in re.findall(r"\{([^}]*)\}", command)]
    assert [field for field in fields if not field.endswith(":q")] == []
    assert len(commands) == len(re.findall(r"\n    shell:", rules.read_text()))


def test_a_file_name_is_no_command(tmp_path):
    folder = tmp_path / "project"
    name = "a'; touch broken; $(touch broken2) `touch broken3` \"&& touch broken4.txt"
    text = "Words of all kinds are in these sentences, and then there are more of them.\n\n" * 300
    experiment = {
        "task": {"name": "words", "corpus": name, "vocabulary": 20, "sequence_length": 6},
        "grid": {"spectral_radii": [1.0]},
        "training": {"batch_size": 2},
        "measurement": {"probe_batch": 2},
    }
    others = dict.fromkeys(("delayed_echo", "temporal_order", "words", "remedies"))
    project.tiny_copy(folder, {"experiments": {**others, "evil": experiment}})
    (folder / name).write_text(text)
    arguments = ("--cores", "1", "--configfile", "tiny.yaml", "--", "results/evil/data.npz")
    project.succeed(project.SNAKEMAKE, folder, *arguments)
    assert (folder / "results/evil/data.npz").is_file()
    assert not list(folder.rglob("broken*"))


@pytest.mark.tex
def test_a_document_starts_no_program(tmp_path):
    source = tmp_path / "main.tex"
    source.write_text(
        r"\documentclass{article}\begin{document}\immediate\write18{touch broken}x\end{document}"
    )
    engine = typesetting.find_engine()
    assert typesetting.build(engine, "main", [source], tmp_path / "build").is_file()
    assert not list(tmp_path.rglob("broken"))
