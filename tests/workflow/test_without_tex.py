"""Where there is no TeX, everything but the PDF is made; where TeX comes later, only the PDF is."""

import re

import pytest

import project
from gradient_horizon.report.figures import OF_EVERY_RUN

DOCUMENTS = ["paper/paper.pdf", "paper/supplement.pdf"]


def test_everything_but_the_pdf(without_tex):
    made = without_tex.results
    assert "paper/numbers.tex" in made and "tables/summary.csv" in made
    assert {f"figures/{figure}_delayed_echo.pdf" for figure in OF_EVERY_RUN} <= set(made)
    assert not set(DOCUMENTS) & set(made)
    assert (without_tex.folder / "results" / "provenance.json").is_file()


def test_the_last_line_says_what_is_missing(without_tex):
    last = without_tex.printed.splitlines()[-1]
    assert last.startswith(
        "Everything but the PDF is made: no LaTeX was found. To add it: sudo apt"
    )
    assert "latexmk" in last


@pytest.mark.tex
def test_only_the_pdf_once_tex_is_there(without_tex, tiny):
    assert project.different(without_tex.results, tiny.results) == DOCUMENTS
    assert tiny.printed.splitlines()[-1] == "The paper is results/paper/paper.pdf."
    assert re.findall(r"\(Rule: (\w+)\)", tiny.printed) == ["build_paper", "all"]
