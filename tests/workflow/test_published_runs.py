"""What was published beside what is measured: the configurations of two papers, and a tiny run."""

import csv

import pytest
import yaml
from snakemake.utils import update_config

import project
from gradient_horizon.config import configuration
from gradient_horizon.published import PUBLISHED

CLAIMS = {name: [claim.published for claim in paper.CLAIMS] for name, paper in PUBLISHED.items()}


def configured(*names):
    """The default configuration with the files of these names laid over it, resolved."""
    whole = {}
    for name in ("config", *names):
        update_config(whole, yaml.safe_load((project.ROOT / f"config/{name}.yaml").read_text()))
    return configuration.resolve(whole)["experiments"]


@pytest.mark.parametrize("name", PUBLISHED)
@pytest.mark.parametrize("overlay", ["", "_full"])
def test_the_configuration_of_a_paper_holds_nothing_else(name, overlay):
    experiments = configured(name, *([f"{name}{overlay}"] if overlay else []))
    assert {own["published"]["comparison"] for own in experiments.values()} == {name}
    lengths = {own["task"]["sequence_length"] for own in experiments.values()}
    # The papers' own lengths begin at 50 and at 150 steps.
    assert (min(lengths) >= {"pascanu2013": 50, "irnn2015": 150}[name]) == bool(overlay)


@pytest.mark.parametrize("name", PUBLISHED)
def test_what_the_configuration_of_a_paper_runs(tmp_path, name):
    folder = project.copy(tmp_path / "project")
    jobs = project.dry_run(folder, "--configfile", f"config/{name}.yaml")
    assert jobs["collect_published"] == {""}
    assert jobs["draw_figures"] == set(configured(name))


def test_the_table(mixed_run):
    with (mixed_run.folder / "results/tables/published.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["published"] for row in rows] == CLAIMS["pascanu2013"]
    found = {row["published"]: (row["here"], row["same_direction"]) for row in rows}
    here, verdict = found["the longer the sequence, the more clipping matters for success"]
    assert here.startswith("nets that only clipping solves: 0 of 2 at 10 steps, 0 of 2 at 12 (")
    assert verdict == "undecided"
    # No net was trained with the regulariser, and none is one of sigmoids.
    assert [row["here"] for row in rows].count("not in this run") == 4


def test_it_is_told_at_the_end(mixed_run):
    summary = (mixed_run.folder / "results/tables/published.txt").read_text()
    assert summary in mixed_run.printed
    assert summary.count("here: ") == len(CLAIMS["pascanu2013"])


@pytest.mark.tex
def test_it_is_in_the_paper(mixed_run):
    pdf = mixed_run.folder / "results/paper/paper.pdf"
    text = " ".join(project.succeed(["pdftotext"], mixed_run.folder, "-layout", pdf, "-").split())
    assert "Compared with what was published" in text
    assert "nets that only clipping solves" in text
    assert "Newcombe" in text and "??" not in text


def test_nothing_is_said_where_nothing_is_asked_for(tiny):
    assert not [name for name in tiny.results if "published" in name]
    assert "published" not in tiny.printed
    assert not [name for name, content in tiny.results.items() if b"Newcombe" in content]
