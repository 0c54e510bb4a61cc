"""The smoke configuration from end to end: tables, figures, logs, and nothing else."""

import platform
import re

import matplotlib.image
import pandas as pd
import project
import pytest
import yaml
from gradient_horizon import verification

SMOKE = yaml.safe_load((project.ROOT / "config" / "smoke.yaml").read_text())["experiments"]
AXES = {"experiment", "run", "task", "cell", "activation", "initialisation", "radius"}
SPREAD = ("", "_low", "_high")
COLUMNS = {
    "contributions": {
        *("seed", "step", "distance", "contribution", "log10_contribution", "share"),
        *("signed_share", "transport", "log10_transport", "incoherent", "coherence", "bound"),
        "residual",
    },
    "contributions_median": {
        *("step", "distance", "log10_bound"),
        *(f"share{end}" for end in SPREAD),
        *(f"log10_transport{end}" for end in SPREAD),
        *(f"coherence{end}" for end in SPREAD),
    },
    "learning_curves": {"step", *(f"loss{end}" for end in SPREAD)},
    "summary": {
        *("seed", "step", "loss", "accuracy", "diverged_at", "spectral_radius", "sigma_max"),
        *("log10_gradient_norm", "residual", "h99", "h99_censored"),
    },
    "summary_median": {
        *("step", "h99_censored", "residual", "diverged", "seeds"),
        *(f"{column}{end}" for column in ("loss", "accuracy", "h99") for end in SPREAD),
    },
}
FIGURES = {
    *("contribution", "horizon_over_training", "learning_curves", "phase_diagram", "transport"),
}


def rows(name, experiment):
    """How many rows of a table one experiment has."""
    grid, checkpoints = experiment["grid"], experiment["measurement"]["checkpoints"]
    distances = experiment["task"]["sequence_length"]
    runs = len(grid["activations"]) * len(grid["spectral_radii"])
    return {
        "contributions": runs * grid["seeds"] * checkpoints * distances,
        "contributions_median": runs * checkpoints * distances,
        "learning_curves": runs * experiment["training"]["steps"],
        "summary": runs * grid["seeds"] * checkpoints,
        "summary_median": runs * checkpoints,
    }[name]


def files(folder, *patterns):
    return [path for pattern in patterns for path in sorted(folder.rglob(pattern))]


@pytest.mark.tex
def test_it_says_where_the_paper_is(smoke):
    assert smoke.printed.splitlines()[-1] == "The paper is results/paper/paper.pdf."


@pytest.mark.parametrize("name", COLUMNS)
def test_tables(smoke, name):
    stem = smoke.folder / "results" / "tables" / name
    table = pd.read_parquet(f"{stem}.parquet")
    assert set(table.columns) >= AXES | COLUMNS[name]
    counts = table["experiment"].value_counts(sort=False).to_dict()
    assert counts == {experiment: rows(name, part) for experiment, part in SMOKE.items()}
    keys = [key for key in (*AXES, "seed", "step", "distance") if key in table]
    assert not table.duplicated(keys).any()
    again = pd.read_csv(f"{stem}.csv", float_precision="round_trip")
    pd.testing.assert_frame_equal(again, table, check_exact=True, check_dtype=False)


def test_no_table_is_left_out(smoke):
    names = {path.name for path in (smoke.folder / "results" / "tables").iterdir()}
    assert names == {f"{name}.{ending}" for name in COLUMNS for ending in ("csv", "parquet")}


@pytest.mark.parametrize("ending", ["pdf", "png"])
def test_figures_are_all_there(smoke, ending):
    found = {path.stem for path in files(smoke.folder / "results" / "figures", f"*.{ending}")}
    wanted = {f"{figure}_{experiment}" for figure in FIGURES for experiment in SMOKE}
    assert found == wanted | {"sentence_map_words"}


def test_figures_show_something(smoke):
    for path in files(smoke.folder / "results" / "figures", "*.png"):
        pixels = matplotlib.image.imread(path)[..., :3]
        assert pixels.shape[1] == 1300  # the text's width, at 200 dots an inch
        assert (pixels < 0.5).any(axis=2).mean() > 0.002, path.name


def test_figures_carry_their_fonts(smoke):
    for path in files(smoke.folder / "results" / "figures", "*.pdf"):
        content = path.read_bytes()
        assert content.startswith(b"%PDF") and content.rstrip().endswith(b"%%EOF")
        descriptors = re.findall(rb"/Type /FontDescriptor\b.*?\bendobj", content, re.DOTALL)
        assert descriptors and all(b"/FontFile2 " in one for one in descriptors), path.name
        assert b"/Type3" not in content, path.name


def test_training_says_how_it_goes(smoke):
    logs = files(smoke.folder / "logs" / "train_networks", "*.log")
    assert len(logs) == 12
    line = r"step {0}/{0}  loss \d+\.\d+  gradient norm \S*\d\S*  time left 0 s"
    for log in logs:
        steps = SMOKE[log.parent.name]["training"]["steps"]
        assert re.fullmatch(line.format(steps), log.read_text().splitlines()[-1]), log


def test_nothing_half_made_is_left(smoke):
    assert files(smoke.folder, ".part-*") == []


# The host's name is no word of any result, but it may be part of one where it is very short.
HOST = re.escape(platform.node()) or "localhost"
TELLTALE = re.compile(
    rf"\b{HOST}\b|\d\d:\d\d:\d\d|\b20\d\d-\d\d-\d\d\b|(?<![\w.)}}])/\w[\w.-]*/\w|[A-Z]:\\\w"
)


def test_no_time_host_or_place_is_told(smoke):
    texts = files(smoke.folder / "results", "*.csv", "*.json", "*.tex", "*.yaml")
    assert len(texts) > 20
    for path in texts:
        if path.name != "provenance.json":
            assert TELLTALE.findall(path.read_text()) == [], path.name
    place = str(smoke.folder).encode()
    assert [name for name, content in smoke.results.items() if place in content] == []


def test_the_provenance_may_tell_the_time(smoke):
    """It does, which shows that the search above would find one."""
    text = (smoke.folder / "results" / "provenance.json").read_text()
    assert TELLTALE.search(text)


def test_the_results_are_those_of_the_reference(smoke):
    reference = project.ROOT / "tests/reference"
    assert verification.differences(smoke.folder / "results", reference, "smoke") == []
