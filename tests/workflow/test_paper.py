"""The paper of the smoke run, as its reader sees it."""

import json
import re
import shutil
import subprocess

import pytest

import phrases
import project
from gradient_horizon.ground.latex import macro_prefix
from gradient_horizon.report import typesetting
from gradient_horizon.tasks import TASKS

pytestmark = pytest.mark.tex

EXPERIMENTS = ("words", "delayed_echo", "temporal_order")
# LaTeX's own commands with a capital letter that the paper may use.
LATEX_OWN = {
    *("Delta", "Gamma", "Lambda", "Phi", "Pi", "Psi", "Sigma", "Theta"),
    *("Big", "Bigl", "Bigr", "DeclareRobustCommand", "IfFileExists", "LTcapwidth", "LaTeX", "TeX"),
}


def tool(name, *arguments):
    return subprocess.run([name, *arguments], capture_output=True, text=True, check=True).stdout


@pytest.fixture(scope="module", params=["paper", "supplement"])
def pdf(smoke, request):
    return smoke.folder / "results" / "paper" / f"{request.param}.pdf"


def text_of(pdf):
    return tool("pdftotext", "-layout", pdf, "-")


@pytest.fixture(scope="module")
def text(pdf):
    return text_of(pdf)


@pytest.fixture(scope="module")
def macros(smoke):
    return json.loads((smoke.folder / "results" / "paper" / "numbers.json").read_text())


def test_pages_and_no_dates(pdf):
    information = tool("pdfinfo", pdf)
    assert int(re.search(r"^Pages: *(\d+)", information, re.MULTILINE)[1]) >= 5
    assert not re.search(r"^\w*Date:", information, re.MULTILINE)


def test_fonts(pdf):
    lines = tool("pdffonts", pdf).splitlines()[2:]
    # The columns from the right: object, object's generation, unicode, subset, embedded.
    assert lines and all(line.split()[-5] == "yes" for line in lines)
    assert not any("Type 3" in line for line in lines)


def test_nothing_is_unresolved(text):
    assert "Gradient Horizon" in text
    assert not re.findall(r".*(?:\?\?|\(\?|\?\)|\[\?).*", text)
    assert not re.findall(r".*\b(?:nan|inf)\b.*", text, re.IGNORECASE)


def test_what_the_text_is_compared_with(smoke, macros):
    paper = smoke.folder / "results" / "paper"
    text = text_of(paper / "paper.pdf")
    facts = json.loads((smoke.folder / "results" / "words" / "task.json").read_text())
    assert facts["corpus_sha256"] in text_of(paper / "supplement.pdf")
    assert "unigram" in text and "bigram" in text
    words = " ".join(text.split())
    assert f"nats, a perplexity of {macros['WordsBestPerplexity']} and an accuracy" in words


def test_the_log_has_no_complaint(smoke):
    log = (smoke.folder / "logs" / "build_paper.log").read_text()
    passes = re.split(r"^Run number \d+ of rule 'pdflatex'$", log, flags=re.MULTILINE)
    for document in ("main", "supplement"):
        # The first of TeX's passes cannot know the references yet.
        last = [text for text in passes if f"(./{document}.tex" in text][-1]
        assert not re.findall(r".*undefined.*|.*multiply.defined.*|.*Rerun to get.*", last)
        too_wide = re.findall(r"Overfull \\[hv]box \(([\d.]+)pt", last)
        assert all(float(points) <= 20 for points in too_wide), (document, too_wide)


def test_macros_used_are_macros_defined(smoke, macros):
    """Those of all experiments together, and those of each with its task."""
    sources = {
        path.stem: re.sub(r"(?<!\\)%.*", "", path.read_text())
        for path in (smoke.folder / "paper").glob("*.tex")
        if path.stem not in ("report", "remedies", "remedies_details")
    }
    rows = re.findall(r"\\claim\{\d+\}\{(\w+)\}", sources["audit_claims"])
    used = {f"Audit{name}{cell}" for name in rows for cell in ("Verdict", "Note", "Correct")}
    used |= set(re.findall(r"\\([A-Z][A-Za-z]*)", "".join(sources.values()))) - LATEX_OWN
    prefixes = dict(zip(EXPERIMENTS, map(macro_prefix, EXPERIMENTS), strict=True))
    assert {name for name in macros if not name.startswith(tuple(prefixes.values()))} == used
    of_tasks = {name: sources.pop(f"task_{name}") for name in TASKS}
    for experiment, prefix in prefixes.items():
        defined = {name.removeprefix(prefix) for name in macros if name.startswith(prefix)}
        text = "".join([*sources.values(), of_tasks[experiment]])
        used = set(re.findall(r"\\this\{([A-Z]\w*)\}", text))
        # Used only for a text, for the user's arrays, and for a task from elsewhere.
        optional = {"TokenCount", "Tokens", "UnknownRate", "Unit", "DataFile", "TaskDescription"}
        assert defined <= used <= defined | optional, prefix


def test_no_macro_is_a_sentence(macros):
    assert phrases.sentences(macros) == []


def test_the_macros_are_the_numbers(smoke, macros):
    """numbers.tex, which TeX reads, and numbers.json, which programs read, are the same."""
    lines = (smoke.folder / "results" / "paper" / "numbers.tex").read_text().splitlines()
    defined = dict(
        re.fullmatch(r"\\newcommand\{\\(\w+)\}\{(.*)\}", line).groups() for line in lines
    )
    assert defined == macros and len(lines) == len(macros)


@pytest.mark.parametrize(
    ("addition", "message"),
    [
        (r"\this{Mispelt}", "There is no number WordsMispelt"),
        (r"\Mispelt", "Undefined control sequence"),
        (r"\autoref{fig:nowhere}", "is not there: fig:nowhere"),
        (r"\citet{nobody1900}", "is not there: nobody1900"),
        (r"\includegraphics{missing}", "missing' not found"),
    ],
)
def test_what_leads_nowhere_stops_the_build(smoke, tmp_path, addition, message):
    """Else the tests above would not have to fail: TeX itself prints ?? and goes on."""
    engine = next(name for name in typesetting.COMMANDS if shutil.which(name, path=project.PATH))
    for folder, pattern in (
        ("paper", "*.*"),
        ("results/paper", "*.tex"),
        ("results/paper", "*.yaml"),
    ):
        for file in (smoke.folder / folder).glob(pattern):
            shutil.copy(file, tmp_path)
    shutil.copytree(smoke.folder / "results" / "figures", tmp_path, dirs_exist_ok=True)
    section = tmp_path / "experiment.tex"
    section.write_text(section.read_text() + addition)
    with pytest.raises(typesetting.PaperError, match=re.escape(message)):
        typesetting.build(engine, "main", sorted(tmp_path.iterdir()), tmp_path / "build")
