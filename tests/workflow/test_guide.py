"""What `docs/extending.md` adds, laid over a tiny run as its reader would: from end to end."""

import csv

import pytest
import yaml

import guide
import project

CELL, TASK, ACTIVATION = "my_cells:MinimalGatedUnit", "my_tasks:Majority", "my_activations:mish"
PAGE = guide.files()
ECHO = project.TINY["experiments"]["delayed_echo"]
REMEDIES = yaml.safe_load(PAGE["my_remedy.yaml"])["experiments"]["delayed_echo"]["grid"]
# All of it smaller, and the remedies in an experiment of their own.
SMALL = {
    "experiments": {
        "delayed_echo": {"grid": {"spectral_radii": [0.8]}},
        "remedied": ECHO
        | {
            "task": ECHO["task"] | {"name": "delayed_echo"},
            "grid": REMEDIES | {"activations": ["tanh"], "seeds": 2},
        },
        "majority": {
            "model": {"hidden_size": 4},
            "grid": {"cells": ["lru"], "spectral_radii": [0.8], "seeds": 2},
            "training": {"steps": 5, "batch_size": 4},
            "measurement": {"checkpoints": 2, "probe_batch": 2},
        },
    }
}
LAYERS = ["tiny.yaml", "my_cell.yaml", "my_activation.yaml", "my_task.yaml", "small.yaml"]
# All tables and texts, and figures with names of the reader's own in them.
TARGETS = ["results/paper/numbers.json", "results/figures/slopes_delayed_echo.pdf"]

UNIT, MISH = "my_cells.minimalgatedunit", "my_activations.mish"
RUNS = {
    *(f"delayed_echo/{cell}_{phi}" for cell in ("rnn", UNIT) for phi in ("tanh", MISH)),
    "majority/lru_tanh",
}
RUNS = {f"{run}_gaussian_rho0.80" for run in RUNS} | {
    f"remedied/rnn_tanh_gaussian_rho{radius}{remedy}"
    for radius in ("0.80", "1.20")
    for remedy in ("", "_cautious", "_gated")
}


def those_with(text):
    return {run for run in RUNS if text in run}


@pytest.fixture(scope="module")
def guided(tmp_path_factory):
    """A finished run."""
    folder = project.tiny_copy(tmp_path_factory.mktemp("guide") / "project")
    for file, text in PAGE.items():
        (folder / file).write_text(text)
    # What a module imports from the folder is part of it.
    (folder / "my_cells.py").write_text("import my_helper\n" + PAGE["my_cells.py"])
    for file in ("my_helper.py", "my_other.py"):
        (folder / file).write_text("")
    project.write_yaml(folder / "small.yaml", SMALL)
    project.succeed(project.RUN_WORKFLOW, folder, "--configfile", *LAYERS, "--", *TARGETS)
    return folder


def plan(folder):
    return project.dry_run(folder, "--configfile", *LAYERS, "--", *TARGETS)


def test_every_run_is_in_the_tables(guided):
    assert plan(guided) == {}
    with (guided / "results/tables/summary.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {f"{row['experiment']}/{row['run']}" for row in rows} == RUNS
    assert all(float(row["residual"]) < 1e-12 for row in rows)
    assert {row["cell"] for row in rows if row["remedy"] == "gated"} == {CELL}
    assert {row["task"] for row in rows} == {"delayed_echo", TASK}
    assert {row["activation"] for row in rows} == {"tanh", ACTIVATION}
    with (guided / "results/tables/slopes.csv").open() as file:
        assert ACTIVATION in {row["activation"] for row in csv.DictReader(file)}
    assert not list(guided.glob("__pycache__"))


def test_the_paper_names_them(guided):
    folder = guided / "results/paper"
    texts = {path.name: path.read_text() for path in folder.glob("*.tex")}
    echo = texts["activations_delayed_echo.tex"]
    assert "MinimalGatedUnit" in echo and "mish" in echo and "my\\_" not in echo
    assert "cautious" in texts["remedies_remedied.tex"]
    said = "At each step a bit is drawn. At the last, the net is to say which of the two"
    assert said in texts["numbers.tex"]


@pytest.mark.parametrize(
    ("file", "prepared", "trained"),
    [
        ("my_cells.py", set(), those_with(UNIT) | those_with("_gated")),
        ("my_helper.py", set(), those_with(UNIT) | those_with("_gated")),
        ("my_other.py", set(), set()),
        ("my_activations.py", set(), those_with(MISH)),
        ("my_tasks.py", {"majority"}, those_with("majority")),
        ("src/gradient_horizon/networks/cells/lru.py", set(), those_with("lru")),
    ],
)
def test_an_edit_runs_again_what_uses_it(guided, file, prepared, trained):
    with project.changed(guided / file, lambda text: text + "# changed\n"):
        found = plan(guided)
    assert found.get("prepare_task", set()) == prepared
    assert found.get("train_networks", set()) == found.get("measure_gradients", set()) == trained
    assert bool(found) == bool(trained)


def test_an_edit_that_makes_the_cell_wrong(guided):
    wrong = lambda text: text.replace("(1 - f) * signal", "f * signal")  # noqa: E731
    with project.changed(guided / "my_cells.py", wrong):
        output, code = project.call(project.SNAKEMAKE, guided, "-n", "--configfile", *LAYERS)
    assert code == 1 and "Traceback" not in output
    errors = [line for line in output.splitlines() if line.startswith("config error: ")]
    assert [line.split(": ")[1] for line in errors] == [
        "experiments.delayed_echo.grid.cells[1]",
        "experiments.remedied.grid.remedies.gated.cell",
    ]
    assert all(f"'{CELL}': the gradient of drive in training is " in line for line in errors)
    assert plan(guided) == {}
