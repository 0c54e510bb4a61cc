"""What runs again when something changes: exactly what uses it, by dry runs in a finished copy."""

import contextlib
import os

import pytest

import project

ONCE = {""}
EXPERIMENTS = {"words", "delayed_echo", "temporal_order"}
ECHO = {
    f"delayed_echo/rnn_{activation}_gaussian_rho{radius}"
    for activation in ("sigmoid", "tanh", "linear")
    for radius in ("0.50", "1.00")
}
ORDER = {f"temporal_order/rnn_tanh_gaussian_rho{radius}" for radius in ("0.80", "1.20")}
WORDS = {
    f"words/rnn_{activation}_gaussian_rho{radius}"
    for activation in ("tanh", "relu")
    for radius in ("0.50", "1.00")
}
RUNS = WORDS | ECHO | ORDER

# From the end of the pipeline to its start; each includes what is downstream of it.
PAPER = {"build_paper": ONCE}
MAP_FIGURE = {"draw_sentence_map": {"words"}, **PAPER}
FIGURES = {"draw_figures": EXPERIMENTS, **MAP_FIGURE}
NUMBERS = {"write_numbers": ONCE, "record_provenance": ONCE, **PAPER}
AUDIT = {"audit_claims": ONCE, **NUMBERS}
TABLES = {"collect_tables": ONCE, "draw_figures": EXPERIMENTS, **AUDIT}
MAP = {"map_sentence": {"words/rnn_tanh_gaussian_rho1.00"}, **MAP_FIGURE}


def measured(runs):
    return {"measure_gradients": runs, **TABLES}


def mapped(runs):
    return {**measured(runs), **(MAP if runs & WORDS else {})}


def trained(runs):
    return {"train_networks": runs, **mapped(runs)}


def prepared(experiments):
    runs = {run for run in RUNS if run.partition("/")[0] in experiments}
    return {"prepare_task": experiments, **trained(runs)}


PREPARED = prepared(EXPERIMENTS)
EVERYTHING = {"write_grid": EXPERIMENTS, **PREPARED}

LIBRARY = "src/gradient_horizon"
# Of each stage what it alone uses; that the list behind a script's digest is whole, to the last
# module, is for test_digests to show.
EDITS = {
    f"{LIBRARY}/report/figures/distance.py": FIGURES,
    f"{LIBRARY}/report/figures.mplstyle": FIGURES,
    f"{LIBRARY}/report/paper_tables.py": NUMBERS,
    f"{LIBRARY}/audit/claims.py": AUDIT,
    f"{LIBRARY}/config/grid.py": {
        "write_grid": EXPERIMENTS,
        "draw_sentence_map": {"words"},
        **TABLES,
    },
    f"{LIBRARY}/analysis/slopes.py": TABLES,
    f"{LIBRARY}/gradients/contributions.py": measured(RUNS),
    f"{LIBRARY}/gradients/sentence_map.py": MAP,
    f"{LIBRARY}/gradients/forward_pass.py": mapped(RUNS),
    f"{LIBRARY}/training/loop.py": trained(RUNS),
    # What a run names is found by its name.
    f"{LIBRARY}/networks/cells/rnn.py": trained(RUNS),
    f"{LIBRARY}/tasks/task.py": PREPARED,
    f"{LIBRARY}/tasks/synthetic.py": prepared(EXPERIMENTS - {"words"}),
    f"{LIBRARY}/tasks/delayed_echo.py": prepared({"delayed_echo"}),
    f"{LIBRARY}/tasks/corpus.py": prepared({"words"}),
    "workflow/scripts/train_networks.py": trained(RUNS),
    "paper/main.tex": PAPER,
    "paper/task_words.tex": PAPER,
}
NO_JOB = [
    # What is to be made, and what is said at the end, is no part of any job.
    f"{LIBRARY}/report/targets.py",
    f"{LIBRARY}/report/closing.py",
    "workflow/report/figures/transport.rst",
    # Nothing is compared with a paper there.
    f"{LIBRARY}/published/pascanu2013.py",
    # No run there is of these cells and this task, and to register one is to add a line.
    f"{LIBRARY}/networks/cells/lru.py",
    f"{LIBRARY}/networks/cells/gates.py",
    f"{LIBRARY}/networks/cells/registered.py",
    f"{LIBRARY}/tasks/parity.py",
    f"{LIBRARY}/tasks/registered.py",
    "paper/task_parity.tex",
]
# A comment in each of these languages.
COMMENTS = {
    ".rst": "\n.. changed\n",
    ".py": "\n# changed\n",
    ".mplstyle": "\n# changed\n",
    ".tex": "%\n",
}


def plan(smoke, change=None):
    """What a dry run announces, with `change` laid over the smoke configuration."""
    overlay = []
    if change:
        overlay.append("change.yaml")
        project.write_yaml(smoke.folder / "change.yaml", change)
    return project.dry_run(smoke.folder, *project.SMOKE, *overlay)


def test_dates_alone(smoke):
    """As after a git checkout: every source is newer than every result."""
    sources = [
        path
        for path in smoke.folder.rglob("*")
        if path.is_file()
        and path.relative_to(smoke.folder).parts[0] not in ("results", "logs", ".snakemake")
    ]
    dates = {path: path.stat() for path in sources}
    assert len(dates) > 100
    for path in sources:
        os.utime(path)
    try:
        assert plan(smoke) == {}
    finally:
        for path, status in dates.items():
            os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def edited(smoke, file, mtime=None):
    """Add a comment to a file for a while."""
    path = smoke.folder / file
    return project.changed(path, lambda text: text + COMMENTS[path.suffix], mtime)


@pytest.mark.parametrize("file", EDITS)
def test_an_edit(smoke, file):
    with edited(smoke, file):
        assert plan(smoke) == EDITS[file]


def test_edits_of_what_no_job_uses(smoke):
    with contextlib.ExitStack() as edits:
        for file in NO_JOB:
            edits.enter_context(edited(smoke, file))
        assert plan(smoke) == {}


def test_a_cell_and_a_task_are_registered(smoke):
    """A file and a line each, and no job is run again."""
    library = smoke.folder / LIBRARY
    new = {"networks/cells": ("unit", "rnn", "unit:Rnn"), "tasks": ("coin", "parity", "coin")}
    with contextlib.ExitStack() as changes:
        for room, (name, like, place) in new.items():
            file = library / room / f"{name}.py"
            file.write_text((library / room / f"{like}.py").read_text())
            changes.callback(file.unlink)
            line = f'REGISTERED |= {{"{name}": "{place}"}}\n'
            lines = library / room / "registered.py"
            changes.enter_context(project.changed(lines, lambda text, line=line: text + line))
        assert plan(smoke) == {}
        runs = {"spectral_radii": [0.5], "cells": ["rnn", "unit"]}
        new_run = {"delayed_echo": {"grid": runs | {"activations": ["tanh"]}}}
        assert plan(smoke, {"experiments": new_run})["train_networks"] == {
            "delayed_echo/unit_tanh_gaussian_rho0.50"
        }


@pytest.mark.parametrize("file", [f"{LIBRARY}/report/figures.mplstyle", "paper/main.tex"])
def test_an_edit_older_than_the_results(smoke, file):
    """As from an unpacked archive, which keeps dates."""
    with edited(smoke, file, mtime=1577836800):  # 2020
        assert plan(smoke) == EDITS[file]


def test_after_all_edits_are_taken_back(smoke):
    assert plan(smoke) == {}


NEW = {
    f"delayed_echo/rnn_{activation}_gaussian_rho1.50"
    for activation in ("sigmoid", "tanh", "linear")
}
CHANGES = {
    "a radius more": (
        {"delayed_echo": {"grid": {"spectral_radii": [0.5, 1.0, 1.5]}}},
        {"write_grid": {"delayed_echo"}, **trained(NEW)},
    ),
    "a radius less": (
        {"delayed_echo": {"grid": {"spectral_radii": [1.0]}}},
        {"write_grid": {"delayed_echo"}, **TABLES},
    ),
    "the learning rate": ({"temporal_order": {"training": {"learning_rate": 0.2}}}, trained(ORDER)),
    "the size": ({"words": {"model": {"hidden_size": 13}}}, trained(WORDS)),
    "the probe batch": (
        {"delayed_echo": {"measurement": {"probe_batch": 5}}},
        {"prepare_task": {"delayed_echo"}, **trained(ECHO)},
    ),
    "the distances of Jacobians": (
        {"delayed_echo": {"measurement": {"jacobian_distances": [1, 5]}}},
        measured(ECHO),
    ),
    "an experiment less": (
        {"temporal_order": None},
        {**TABLES, "draw_figures": EXPERIMENTS - {"temporal_order"}},
    ),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_of_an_experiment(smoke, name):
    change, expected = CHANGES[name]
    assert plan(smoke, {"experiments": change}) == expected


def test_a_change_of_the_statistics(smoke):
    assert plan(smoke, {"statistics": {"resamples": 201}}) == TABLES


def test_another_seed(smoke):
    assert plan(smoke, {"base_seed": 7}) == PREPARED


@pytest.mark.parametrize("snakefile", ["Snakefile", "workflow/Snakefile"])
def test_another_working_directory(smoke, tmp_path, snakefile):
    elsewhere = tmp_path / "elsewhere"
    arguments = [
        *("--snakefile", smoke.folder / snakefile, "--directory", elsewhere, "--cores", "1"),
        *("--configfile", smoke.folder / "config/smoke.yaml"),
        *("--quiet", "host"),  # the default profile, found beside workflow/, names no jobs
    ]
    assert (
        project.jobs(project.succeed(project.SNAKEMAKE, tmp_path, "-n", *arguments)) == EVERYTHING
    )
    project.succeed([*project.SNAKEMAKE, "results/words/grid.csv"], tmp_path, *arguments)
    grid = "results/words/grid.csv"
    assert (elsewhere / grid).read_bytes() == (smoke.folder / grid).read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["elsewhere"]
