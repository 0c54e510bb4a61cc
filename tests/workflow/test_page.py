"""The page that Snakemake makes of a finished run: results with captions, by category."""

import re
from pathlib import Path

import pytest

import project
from gradient_horizon.report.figures import FIGURES, OF_EVERY_RUN

EXPERIMENTS = ("words", "delayed_echo", "temporal_order")
TABLES = {"audit", "learnability", "slopes", "summary_median"}


@pytest.fixture(scope="module")
def html(smoke, tmp_path_factory):
    page = tmp_path_factory.mktemp("page") / "report.html"
    project.succeed(project.SNAKEMAKE, smoke.folder, "--report", page, *project.SMOKE)
    return page.read_text()


def test_what_is_on_it_and_where(html, smoke):
    categories = project.page_data(html, "categories")
    figures = categories.pop("Figures")
    assert set(figures) == set(EXPERIMENTS)
    for experiment, files in figures.items():
        own = ["sentence_map"] if experiment == "words" else []
        wanted = {f"results/figures/{name}_{experiment}.png" for name in (*OF_EVERY_RUN, *own)}
        assert set(files) == wanted
    (tables,) = categories.pop("Tables").values()
    assert set(tables) == {f"results/tables/{name}.csv" for name in TABLES}
    documents = {f"results/paper/{name}" for name in ("paper.pdf", "supplement.pdf")}
    found = {file for files in categories.pop("Documents", {}).values() for file in files}
    assert found == {file for file in documents if (smoke.folder / file).is_file()}
    assert categories == {}


def test_every_result_has_a_title_and_a_caption_of_its_own(html):
    results = project.page_data(html, "results")
    assert len(results) >= 3 * len(OF_EVERY_RUN) + 1 + len(TABLES)
    captions = {re.sub("<.*?>|\n", " ", result["caption"]).strip() for result in results.values()}
    assert len(captions) == len(results)  # those of a figure name the experiment
    for caption in captions:
        assert re.fullmatch(r"[^{}]{60,}[.]", caption), caption
    of_words = [file for file in results if file.endswith("_words.png")]
    for file in of_words:
        name = Path(file).stem.removesuffix("_words")
        assert results[file]["labels"] == {"result": FIGURES[name].title}
        assert results[file]["caption"].startswith("<p>words: ")
    assert len(of_words) == len(OF_EVERY_RUN) + 1
    assert all(result["data_uri"].startswith("data:") for result in results.values())


def test_the_page_says_what_the_run_is_about(html):
    assert "How far back does a recurrent net" in project.page_data(html, "workflow-desc")
