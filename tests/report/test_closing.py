"""What is read last: where the documents are, or what the jobs that failed say."""

import pytest

from gradient_horizon.report import closing
from gradient_horizon.report.targets import Targets


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def finished(nets=(), published=None):
    """Targets of which all documents are there."""
    targets = Targets({}, nets, typeset=True)
    targets.papers = ["results/paper/paper.pdf", "results/paper/supplement.pdf"]
    if published:
        targets.published = ["results/paper/published.tex", "results/tables/published.txt"]
    return targets


def make(folder, *files, text=""):
    for file in files:
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_text(text)


def success(targets, typeset=True):
    return closing.success(targets, typeset, seen=lambda file: f"smoke/{file}")


def test_documents_are_named_as_seen_from_where_the_user_is(folder):
    targets = finished(nets=["one", "two"])
    reports = [f"results/checkpoints/{net}/report.pdf" for net in ("one", "two")]
    make(folder, "results/paper/paper.pdf", *reports)
    assert success(targets).splitlines() == [
        "The paper is smoke/results/paper/paper.pdf.",
        f"The reports on your nets are smoke/{reports[0]}, smoke/{reports[1]}.",
    ]


def test_a_document_that_was_not_asked_for_is_not_named(folder):
    """As where one figure alone was made."""
    assert success(finished(nets=["one"])) == "Done."
    make(folder, "results/checkpoints/one/report.pdf")
    assert success(finished(nets=["one"])).startswith("The report is smoke/")


def test_what_was_published_comes_first(folder):
    make(folder, "results/tables/published.txt", text="published, here\n")
    assert success(finished(published=True)) == "published, here\nDone."
    assert success(finished(published=True), typeset=False).startswith("published, here\nEvery")
    assert success(finished()) == "Done."


def test_without_tex_it_says_how_to_get_it():
    assert "no LaTeX was found" in success(finished(), typeset=False)


# As Snakemake writes it in full, and where it is quiet.
FULL = "    log: logs/train/a.log (check log file(s) for error details)\n"
QUIET = "Command 'python train.py --a > logs/train/b.log 2>&1' returned non-zero exit status 1.\n"


def test_jobs_that_failed_say_the_last_of_their_logs_once(folder):
    make(folder, "logs/train/a.log", text="".join(f"line {n}\n" for n in range(8)))
    make(folder, "logs/train/b.log", text="error: no\n")
    make(folder, "snakemake.log", text=f"{FULL}{QUIET}{FULL}    log: logs/gone.log (check\n")
    said = closing.failure(["snakemake.log"], seen=lambda file: f"smoke/{file}")
    assert said.splitlines() == [
        *("smoke/logs/train/a.log:", *(f"line {n}" for n in range(3, 8))),
        *("smoke/logs/train/b.log:", "error: no"),
    ]
