"""A wrong configuration at the command line: lines that say what to do, and nothing touched."""

import re
import shlex
import sys

import pytest

from project import ROOT, SNAKEMAKE, call, jobs, succeed

SNAKEMAKE = [*SNAKEMAKE, "--snakefile", str(ROOT / "Snakefile")]
RUN_WORKFLOW = [sys.executable, str(ROOT / "workflow/scripts/run_workflow.py"), *SNAKEMAKE[1:]]

WRONG = """
base_sed: 1
statistics: {resamples: 3}
experiments:
  My/Exp: {task: {name: delayed_echo}, grid: {spectral_radii: [1]}}
  delayed_echo:
    task: {lag: 40}
    grid: {spectral_radii: [-1, .nan, 1], activations: [tahn]}
  words: {task: {corpus: missing.txt}}
"""
WRONG_KEYS = [
    "base_sed",
    "experiments.My/Exp",
    "experiments.delayed_echo.grid.activations[0]",
    "experiments.delayed_echo.grid.spectral_radii[0]",
    "experiments.delayed_echo.grid.spectral_radii[1]",
    "experiments.delayed_echo.task.lag",
    "experiments.words.task.corpus",
    "statistics.resamples",
]


def errors(command, folder, *arguments):
    """The errors of a command that has to end with nothing worse."""
    output, code = call(command, folder, *arguments)
    assert code != 0, output
    assert "Traceback" not in output and 'File "' not in output
    return re.findall(r"^config error: (.*)$", output, re.MULTILINE)


def contents(folder):
    return {
        path.relative_to(folder): (path.stat().st_mtime_ns, path.is_file() and path.read_bytes())
        for path in folder.rglob("*")
    }


def test_all_mistakes_are_said_and_nothing_is_touched(tmp_path):
    earlier = tmp_path / "results" / "delayed_echo" / "rnn_tanh_gaussian_rho1.00" / "train.npz"
    earlier.parent.mkdir(parents=True)
    earlier.write_bytes(b"earlier")
    (tmp_path / "results" / "delayed_echo" / "grid.csv").write_text("run\n")
    (tmp_path / "my.yaml").write_text(WRONG)
    before = contents(tmp_path / "results")
    # Not a dry run: it would start jobs if it could.
    lines = errors(SNAKEMAKE, tmp_path, "--cores", "1", "--configfile", "my.yaml")
    assert [line.split(": ")[0] for line in lines] == WRONG_KEYS
    assert lines[2].endswith("; did you mean 'tanh'?")
    assert contents(tmp_path / "results") == before
    assert not (tmp_path / "logs").exists()


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["experiments=3"], "experiments: 3 is not possible; allowed: one experiment or more"),
        (
            ["experiments={delayed_echo: {grid: {spectral_radii: [0.5, -inf]}}}"],
            "experiments.delayed_echo.grid.spectral_radii[1]: -inf is not a finite number; ",
        ),
        (
            ["experiments={words: {grid: {seed: 1}}}"],
            "experiments.words.grid.seed: unknown key; allowed: cells, activations,",
        ),
    ],
)
def test_one_wrong_key_on_the_command_line(tmp_path, arguments, line):
    found = errors(SNAKEMAKE, tmp_path, "-n", "--config", *arguments)
    assert [error[: len(line)] for error in found] == [line]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("experiments: null", "experiments: null is not possible; allowed: one experiment or more"),
        ("experiments: &a {words: {grid: &b {seeds: [*b]}}}", "the configuration contains itself"),
        ("a: 1\na: 2", "my.yaml: the key 'a' is given twice (line 2, column 1)"),
        ("experiments:\n  - [a\n", "my.yaml: not YAML (line 3, column 1)"),
        ("", "my.yaml: a configuration has keys and values"),
        ("- a", "my.yaml: a configuration has keys and values"),
        ("\udcff", "my.yaml: not UTF-8 text (at byte 0)"),
        (None, "my.yaml: No such file or directory"),
    ],
)
def test_files_that_are_no_configuration(tmp_path, content, message):
    if content is not None:
        (tmp_path / "my.yaml").write_text(content, errors="surrogateescape")
    (line,) = errors(RUN_WORKFLOW, tmp_path, "-n", "--configfile", "my.yaml")
    assert line.replace(f"{tmp_path}/", "").startswith(message)


@pytest.mark.parametrize("target", ["results/figures/slopes_words.pdf", "all"])
@pytest.mark.parametrize("content", [None, b"\x89PNG", b"a,b"], ids=["missing", "png", "csv"])
def test_a_target_that_is_taken_for_a_configuration(tmp_path, target, content):
    (tmp_path / "my.yaml").write_text("base_seed: 1\n")
    if content is not None:
        (tmp_path / target).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / target).write_bytes(content)
    (line,) = errors(RUN_WORKFLOW, tmp_path, "-n", "--configfile", "my.yaml", target)
    assert line.startswith(f"{target}: ")
    assert line.endswith("if this is what is to be made, put it before, or after `--`")


@pytest.mark.parametrize("content", ["experiments:\n  - [a\n", "\udcff"])
def test_the_default_file_is_no_configuration(tmp_path, content):
    file = tmp_path / "config" / "config.yaml"
    file.parent.mkdir()
    file.write_text(content, errors="surrogateescape")
    (line,) = errors(SNAKEMAKE, tmp_path, "-n")
    assert line.startswith("config/config.yaml: ")


@pytest.mark.parametrize("content", ["experiments:\n  - [a\n", "- a"])
def test_snakemake_alone_says_less_but_ends_cleanly(tmp_path, content):
    (tmp_path / "my.yaml").write_text(content)
    assert errors(SNAKEMAKE, tmp_path, "-n", "--configfile", "my.yaml") == []


# What config/README.md promises


ONE_FIGURE = re.findall(
    r"^    ((?:snakemake|make) .*results/figures/.*)$",
    (ROOT / "config/README.md").read_text(),
    re.MULTILINE,
)


@pytest.mark.parametrize("command", ["snakemake", "make"])
def test_one_figure_alone(tmp_path, command):
    """What stands there, as a dry run; `make paper` hands ARGS on."""
    (text,) = (text for text in ONE_FIGURE if text.startswith(f"{command} "))
    words = shlex.split(text)
    if command == "make":
        assert words[:2] == ["make", "paper"]
        start, words = RUN_WORKFLOW, shlex.split(words[2].removeprefix("ARGS="))
    else:
        start, words = SNAKEMAKE, words[1:]
    (tmp_path / "my.yaml").write_text("experiments: {remedies: null}\n")
    planned = jobs(succeed([*start, "--quiet", "host", "--dry-run"], tmp_path, *words))
    assert planned["draw_figures"] == {"words"}
    assert planned["write_grid"] == {"words", "delayed_echo", "temporal_order"}
    assert not {"build_paper", "draw_sentence_map", "write_numbers"} & planned.keys()


OTHERS = {"temporal_order", "remedies"}


@pytest.mark.parametrize(
    ("arguments", "experiments"),
    [
        (["--configfile", "mine.yaml"], {"mine", "words", "delayed_echo", *OTHERS}),
        (["--configfile", "mine.yaml", "--replace-workflow-config"], {"mine"}),
        (["--configfile", "mine.yaml", "drop.yaml"], {"mine", *OTHERS}),
        (["--config", "experiments={words: null, delayed_echo: null}"], OTHERS),
    ],
)
def test_laying_over_dropping_and_replacing(tmp_path, arguments, experiments):
    (tmp_path / "mine.yaml").write_text(
        "experiments:\n  mine: {task: {name: delayed_echo}, grid: {spectral_radii: [1.0]}}\n"
    )
    (tmp_path / "drop.yaml").write_text("experiments: {words: null, delayed_echo: null}\n")
    output, code = call(SNAKEMAKE, tmp_path, "-n", "results/tables/summary.csv", *arguments)
    assert code == 0, output
    assert set(re.findall(r"results/(\w+)/grid.csv$", output, re.MULTILINE)) == experiments


def test_one_key_from_the_command_line_the_way_make_passes_it(tmp_path):
    run = [sys.executable, str(ROOT / "workflow/scripts/run_workflow.py")]
    arguments = ("--snakefile", str(ROOT / "Snakefile"), "-n", "--quiet", "--config")
    printed, code = call(run, tmp_path, *arguments, "base_seed=abc")
    assert code == 1 and "config error: base_seed: 'abc' is not possible" in printed
    succeed(run, tmp_path, *arguments, "base_seed=7", "experiments={words: null}")
