"""The user's own text as the corpus, from end to end."""

import json
import random

import pytest

import project

TEXT = """
the a of and to in that it is was for on with as at by from this had not but what all were when we
there can an your which their said if do will each about how up out them then she many some so these
would other into has more her two like him see time could no make than first been its who now people
my made over did down only way find use may water long little very after words called just where
most know café naïve Straße señor œuvre
"""
OPTIONS = {
    "words": {
        "task": {"corpus": "my text.txt", "vocabulary": 50, "sequence_length": 6},
        "model": {"hidden_size": 4, "embedding_size": 3},
        "grid": {"activations": ["tanh"], "spectral_radii": [1.0], "seeds": 2},
        "training": {"steps": 5, "batch_size": 4},
        "measurement": {"checkpoints": 2, "probe_batch": 2},
    },
    "delayed_echo": None,
    "temporal_order": None,
    "remedies": None,
}
RUN = "words/rnn_tanh_gaussian_rho1.00"
ONCE = {""}
EVERYTHING_BUT_THE_GRID = {
    "prepare_task": {"words"},
    "train_networks": {RUN},
    "measure_gradients": {RUN},
    "map_sentence": {RUN},
    "collect_tables": ONCE,
    "audit_claims": ONCE,
    "draw_figures": {"words"},
    "draw_sentence_map": {"words"},
    "write_numbers": ONCE,
    "record_provenance": ONCE,
    "build_paper": ONCE,
}


def prose(count):
    """Some English, about so many words of it: frequent words are frequent, paragraphs short."""
    draw, words = random.Random("prose"), TEXT.split()
    weights = [1 / rank for rank in range(1, len(words) + 1)]
    paragraphs = []
    for _ in range(count // 60):
        sentences = [
            " ".join(draw.choices(words, weights, k=draw.randint(8, 16))).capitalize() + "."
            for _ in range(5)
        ]
        paragraphs.append(" ".join(sentences))
    return "\n\n".join(paragraphs) + "\n"


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    """A finished run on the text, whatever there is of TeX."""
    changes = project.TINY | {"experiments": OPTIONS}
    folder = project.tiny_copy(tmp_path_factory.mktemp("own") / "project", changes)
    (folder / "my text.txt").write_text(prose(20_000), encoding="utf-8")
    project.succeed(project.RUN_WORKFLOW, folder, "--configfile", "tiny.yaml")
    return folder


def plan(folder):
    output = project.succeed(project.SNAKEMAKE, folder, "-n", "--configfile", "tiny.yaml")
    return project.jobs(output)


def test_the_text_is_what_is_learnt(own):
    facts = json.loads((own / "results" / "words" / "task.json").read_text())
    assert facts["corpus"] == "my text.txt"
    assert 19_000 < facts["token_count"] < 23_000
    assert facts["input_size"] == 51
    assert 1 < facts["baselines"]["the unigram"] < 4
    summary = (own / "results" / "tables" / "summary.csv").read_text().splitlines()
    assert len(summary) == 1 + 2 * 2


@pytest.mark.tex
def test_the_paper_says_so(own):
    facts = json.loads((own / "results" / "words" / "task.json").read_text())
    said = {"paper": "the file my text.txt", "supplement": facts["corpus_sha256"]}
    for document, words in said.items():
        pdf = own / "results" / "paper" / f"{document}.pdf"
        text, code = project.call(["pdftotext"], own, "-layout", pdf, "-")
        assert code == 0 and words in " ".join(text.split())


# A date of None is now.
@pytest.mark.parametrize("mtime", [None, 1577836800], ids=["now", "2020"])
def test_another_text(own, mtime):
    assert plan(own) == {}
    with project.changed(own / "my text.txt", lambda text: text + "\nAnother one.\n", mtime):
        assert plan(own) == EVERYTHING_BUT_THE_GRID
    assert plan(own) == {}
