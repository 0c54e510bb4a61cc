"""The user's own text as the corpus, from end to end."""

import csv
import json

import pytest

import mixed
import project

ONCE = {""}
EVERYTHING_BUT_THE_GRID = {
    "prepare_task": {"words"},
    **dict.fromkeys(("train_networks", "measure_gradients"), mixed.RUNS["words"]),
    "map_sentence": {"words/rnn_tanh_gaussian_rho1.00"},
    "draw_figures": set(mixed.RUNS),
    "draw_sentence_map": {"words"},
    **dict.fromkeys(("collect_tables", "collect_published", "audit_claims"), ONCE),
    **dict.fromkeys(("write_numbers", "record_provenance", "build_paper"), ONCE),
}


@pytest.fixture
def own(mixed_run):
    """The folder of a finished run, whatever there is of TeX."""
    return mixed_run.folder


def plan(folder):
    return project.dry_run(folder, *mixed.CONFIGURED)


def test_the_text_is_what_is_learnt(own):
    facts = json.loads((own / "results" / "words" / "task.json").read_text())
    assert facts["corpus"] == "my text.txt"
    assert 19_000 < facts["token_count"] < 23_000
    assert facts["input_size"] == 51
    assert 1 < facts["baselines"]["the unigram"] < 4
    with (own / "results/tables/summary.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["experiment"] == "words"]
    assert len(rows) == 2 * 2 * 2


@pytest.mark.tex
def test_the_paper_says_so(own):
    facts = json.loads((own / "results" / "words" / "task.json").read_text())
    said = {"paper": "the file my text.txt", "supplement": facts["corpus_sha256"]}
    for document, words in said.items():
        pdf = own / "results" / "paper" / f"{document}.pdf"
        text, code = project.call(["pdftotext"], own, "-layout", pdf, "-")
        assert code == 0 and words in " ".join(text.split())


@pytest.mark.parametrize("mtime", [None, 1577836800], ids=["now", "2020"])
def test_another_text(own, mtime):
    """Whatever its date is."""
    with project.changed(own / "my text.txt", lambda text: text + "\nAnother one.\n", mtime):
        assert plan(own) == EVERYTHING_BUT_THE_GRID
    assert plan(own) == {}
