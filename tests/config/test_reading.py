"""Configuration files that Snakemake could not read, or would read otherwise than meant."""

import json

import pytest
from snakemake.settings.types import ConfigSettings
from snakemake.utils import update_config

from gradient_horizon.config import reading


def problems(tmp_path, content, name="my.yaml"):
    file = tmp_path / name
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return [line.removeprefix(f"{file}: ") for line in reading.problems(file)]


KEYS = "a configuration has keys and values, such as `base_seed: 1`"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("experiments:\n  - [a\n", "not YAML (line 3, column 1): expected ',' or ']', but got"),
        ("a: 1\n\tb: 2\n", "not YAML (line 2, column 1): found character '\\t'"),
        ("a: !!python/object:os.system x", "not YAML (line 1, column 4): could not determine"),
        ("a: *missing", "not YAML (line 1, column 4): found undefined alias"),
        ("? [1]\n: 2\n", "not YAML (line 1, column 3): found unhashable key"),
        ("a: 2001-13-45", "not YAML: month must be in 1..12"),
        ("a: \x01", "not YAML: unacceptable character"),
        ("[" * 5000, "not YAML: maximum recursion depth exceeded"),
        (b"a: caf\xe9", "not UTF-8 text (at byte 6)"),
        (b"\xff\xfea\0", "not UTF-8 text (at byte 0)"),
        ("", KEYS),
        ("# only a comment\n", KEYS),
        ("- a\n- b\n", KEYS),
        ("text", KEYS),
        ("[1]", KEYS),
    ],
)
def test_what_is_no_configuration(tmp_path, content, message):
    (line,) = problems(tmp_path, content)
    assert line.startswith(message)
    assert len(line.splitlines()) == 1


def test_paths_that_are_no_file(tmp_path):
    missing = tmp_path / "missing.yaml"
    assert reading.problems(missing) == [f"{missing}: No such file or directory"]
    assert reading.problems(tmp_path) == [f"{tmp_path}: Is a directory"]


def test_keys_that_are_given_twice(tmp_path):
    text = "a: 1\nb:\n  c: 1\n  d: 2\n  c: 3\nl:\n  - {x: 1, x: 2}\na: 2\n"
    assert problems(tmp_path, text) == [
        "the key 'a' is given twice (line 8, column 1)",
        "the key 'c' is given twice (line 5, column 3)",
        "the key 'x' is given twice (line 7, column 12)",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "a: 1\nb: {a: 1}\n",
        "base: &base {x: 1}\none: {<<: *base, x: 2}\ntwo: {<<: *base, x: 3}\n",
        "a: &a [1, {x: 2}]\nb: *a\nc: *a\n",
        "a: &a\n  b: *a\n",
        json.dumps({"a": {"b": [1.0]}}),
        json.dumps({"a": {"b": [1.0]}}, indent="\t"),
    ],
)
def test_what_is_a_configuration(tmp_path, text):
    assert problems(tmp_path, text) == []


LAYERS = [
    "a: {b: {x: 1, y: 2}, c: 3}\nd: [1, 2]\ne: {f: 1}\ng: {h: 1}\n",
    "a: {b: null, c: {z: 1}}\nd: [3]\ne: {}\ng: 5\n",
    "a: {b: {y: 4}}\ng: {i: 2}\nj: {k: {l: 1}}\n",
]


@pytest.mark.parametrize("count", [1, 2, 3])
def test_files_are_laid_over_one_another_as_by_snakemake(tmp_path, count):
    """Their own order counts: all of them together are laid over the default."""
    default, *files = (tmp_path / f"{place}.yaml" for place in range(count))
    for file, text in zip((default, *files), LAYERS, strict=False):
        file.write_text(text)
    together = ConfigSettings(configfiles=files).overwrite_config
    assert reading.merged(files) == together
    whole = ConfigSettings(configfiles=[default]).overwrite_config
    update_config(whole, together)
    assert reading.merged(files, default) == whole


def test_the_default_is_the_folders_own_if_it_has_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    default = reading.default_file()
    assert default.is_file() and default.parts[-2:] == ("config", "config.yaml")
    (tmp_path / "config").mkdir()
    (tmp_path / "config/config.yaml").touch()
    assert reading.default_file().absolute() == tmp_path / "config/config.yaml"
