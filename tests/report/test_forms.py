"""The paper's sentences in each of their forms, typeset and read back."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

import small_run
from gradient_horizon.ground.latex import Macros
from gradient_horizon.report import typesetting

pytestmark = pytest.mark.tex

PAPER = Path(__file__).parents[2] / "paper"
DOCUMENT = r"""\documentclass[a4paper]{article}
\input{preamble}
\renewcommand{\includegraphics}[2][]{}
\renewcommand{\autoref}[1]{there}
\begin{document}
%s
\end{document}
"""
NUMBERS = small_run.numbers()
TABLES = ("activations_echo", "remedies_cures", "learnability")


@pytest.fixture
def read(tmp_path):
    """Typeset some LaTeX with the macros of the small run, some of them changed; its text."""
    if typesetting.find_engine() is None or shutil.which("pdftotext") is None:
        pytest.skip("not installed: latexmk or tectonic, pdftotext")

    def typeset(body, changes=None):
        sources = tmp_path / "sources"
        sources.mkdir(exist_ok=True)
        macros = Macros()
        macros.add({**NUMBERS, **(changes or {})})
        written = {
            "numbers.tex": macros.definitions(),
            "case.tex": DOCUMENT % body,
            **{f"{name}.tex": "" for name in TABLES},
        }
        for name, text in written.items():
            (sources / name).write_text(text)
        names = [path for path in PAPER.glob("*.tex") if path.name not in ("main.tex",)]
        pdf = typesetting.build(
            typesetting.find_engine(), "case", [*names, *sources.iterdir()], tmp_path / "build"
        )
        command = ["pdftotext", "-layout", pdf, "-"]
        text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        text = re.sub(r"-\n\s*(?=[a-z])", "", text).replace("\N{MINUS SIGN}", "-")
        return " ".join(text.split())

    return typeset


def experiment(file="experiment", name="echo", prefix="Echo"):
    return rf"\experimentis{{{name}}}{{{prefix}}}\input{{{file}}}"


def changed(**values):
    return {f"Echo{name}": value for name, value in values.items()}


def test_an_experiment(read):
    text = read(experiment() + r" \boundexcess")
    for sentence in (
        "At every step one of 4 symbols is drawn",
        "the gradient is clipped at norm 1. The grid combines activations (tanh and ReLU) with",
        "4 grid points with 4 networks each",
        "a perplexity of 3.00 and an accuracy of 50.0 %;",
        "The loss of guessing is 1.40 nats (perplexity 4.06); networks do better at 2 of the 4 "
        "grid points. No network diverged.",
        "Distance 2 is the farthest at which a relevant input leaves its trace",
        "At all 4 grid points the horizon for",
        "above zero with its whole interval up to distance 2.",
        "the worst-case bound grows with distance at all 4 grid points; at 4 of these the signal",
        "the bound lies a median of 1.5 per step above the measurement before training, and the "
        "mean field is off by 0.35 in the median.",
        "After training it is off by 0.45, at most by 0.60 (ReLU networks of radius 1.5);",
        "depends on inputs up to 5 steps back (the task asks for 3 steps); 99 % of their gradient",
        "At 4 grid points both horizons are known.",
        "At distance 2, half of the longest, the bound lies a median of",
    ):
        assert sentence in text, sentence
    assert "??" not in text and "--" not in text


def test_what_is_not_known(read):
    unknown = dict.fromkeys(
        (
            *("TraceDistance", "RelevantDistance", "HorizonLoss", "BoundGap", "BestForwardHorizon"),
            *("MeanFieldGapBefore", "ClipNorm", "BoundExcessBefore"),
        ),
        "--",
    )
    counts = {"GrowingBounds": "0", "HorizonsKnown": "0", "InputAlike": "1", "Diverged": "1"}
    more = {"SignalReach": "none", "Truncation": "5", "FlossingSteps": "20"}
    text = read(
        experiment() + r" \boundexcess", changed(**unknown, **counts, **more, FlossingExponents="1")
    )
    for sentence in (
        "the gradient is not clipped; it is truncated to blocks of 5 steps; before training, 1 "
        "exponent is flossed for 20 steps.",
        "1 network diverged and stayed frozen from then on.",
        "over all grid points, is not defined.",
        "At 1 of the 4 grid points the horizon for",
        "above zero with its whole interval at no distance.",
        "grows with distance at no grid point. No worst-case bound is known for these cells (th",
        "Mean-field theory covers the simple cell only.",
        "At no grid point have the networks learnt to use their inputs. there shows both.",
        "No worst-case bound is known for these cells. 1",
    ):
        assert sentence in text, sentence
    assert "trace" not in text.partition("What is learnt")[2]


def test_a_mean_field_without_a_bound(read):
    text = read(experiment(), changed(BoundGap="--"))
    assert "No worst-case bound is known for these cells (there), but in the slope" in text
    assert "the mean field is off by 0.35 in the median before training." in text


def test_a_squared_error_and_a_single_grid_point(read):
    squared = {"NumbersOut": "yes", "LossName": "mean squared error", "LossUnit": ""}
    baselines = r"\baseline{guessing}{1}{--}{1}"
    values = {**squared, "Baselines": baselines, "Points": "1", "Tolerance": "0.04"}
    text = read(experiment(), changed(**values, ClipValue="0.5", SignalReach="all"))
    for sentence in (
        "and 50.0 % of the answers are less than 0.04 off; it is reached",
        "The mean squared error of guessing is 1; networks do better at the only grid point.",
        "clipped at norm 1 and then at value 0.5. The grid",
        "1 grid point with 4 networks each",
        "with its whole interval at all distances.",
    ):
        assert sentence in text, sentence
    assert "nats" not in text and "perplexity" not in text


def test_a_task_from_elsewhere(read):
    text = read(
        experiment(),
        changed(
            TaskFile="task_unheard_of", TaskName="delayed guess", TaskDescription="Guess late."
        ),
    )
    assert "The task is delayed guess, on sequences of 6 steps. Guess late." in text


@pytest.mark.parametrize("body", [r"\this{Mispelt}", r"\ifknown{\this{Mispelt}}{one}{other}"])
def test_a_number_that_does_not_exist_stops_the_build(read, body):
    with pytest.raises(typesetting.PaperError, match="There is no number EchoMispelt"):
        read(r"\experimentis{echo}{Echo}" + body)


def test_remedies(read):
    start = (
        r"\remedystart{radius 0.8}{1}{6}{\emph{adam} (0.30 [0.2, 0.4])}{\emph{slow} (-0.1)}"
        r"{\emph{momentum}}{1}\remedystart{radius 1.2}{3}{6}{}{}{}{4}"
    )
    text = read(experiment("remedies", "cures", "Cures"), {"CuresRemedyStarts": start})
    assert (
        "At radius 0.8, 1 of 6 plain networks solves the task; accuracy is raised by adam (0.30 "
        "[0.2, 0.4]); accuracy is lowered by slow (-0.1); the interval of momentum includes zero. "
        "At radius 1.2, 3 of 6 plain networks solve the task; the intervals of the others include "
        "zero. A remedy that does not differ clearly"
    ) in text
    assert "a step of the remedy adam is the most expensive: it takes 1.250 times" in text


def main_text(start, end):
    """A part of main.tex, from one text up to another."""
    text = (PAPER / "main.tex").read_text()
    return text[text.index(start) : text.index(end)]


def test_all_experiments_together(read):
    theory = main_text(r"\paragraph{Theory and measurement.}", "% Only where the configuration")
    text = read(theory + main_text(r"\paragraph{Conclusion.}", r"\paragraph{Reproducibility.}"))
    assert "Over all grid points the median difference between the measured slope and" in text
    assert "while the bound lies a median of 1.5 above the measurement. After" in text
    assert "what the bound allows, over all grid points after training." in text


def test_all_experiments_together_with_less_known(read):
    theory = main_text(r"\paragraph{Theory and measurement.}", "% Only where the configuration")
    body = theory + main_text(r"\paragraph{Conclusion.}", r"\paragraph{Reproducibility.}")
    text = read(body, {"MeanFieldPoints": "2", "BoundedPoints": "1", "RankedExperiments": "0"})
    assert "Over the 2 grid points for which both are known the median" in text
    assert "over the 1 grid point with a bound after training." in text
    assert "No task of this run has a distance that is known to matter." in text
    text = read(body, {"MeanFieldGapBefore": "--", "BoundExcess": "--", "BoundGap": "--"})
    assert "No worst-case bound is known for these cells. Mean-field theory covers" in text
    assert text.endswith("exact for the network at hand. 1")


def test_an_audit_that_measured_nothing_or_something(read):
    section = (PAPER / "audit.tex").read_text().partition(r"\subsection{Why")[0]
    section = section.replace(r"\citet{pascanu2013}", "others") + r"\label{sec:reversed}"
    text = read(section)
    assert "16 claims: 0 hold, 0 hold with a correction, and 0 fail; this run leaves 16 un" in text
    assert "Equations are not tested in this run" in text
    assert text.count("undecided") >= 16 and "The ratio is" not in text
    counts = {"AuditHolding": "1", "AuditCorrected": "13", "AuditFailing": "2"}
    claim = {"AuditNormalisationVerdict": "holds", "AuditNormalisationRatio": "12.5"}
    nets = {"AuditUndecided": "0", "AuditNets": "tanh, of radius 1"}
    text = read(section, counts | claim | nets)
    assert "16 claims: 1 holds, 13 hold with a correction, and 2 fail. The verdicts" in text
    assert "nearest to 1 (tanh, of radius 1): as" in text
    assert "12.5" in text


def report(section, end):
    """A section of report.tex, and its macros, none of them known."""
    text = (PAPER / "report.tex").read_text()
    module = re.search(r"\\newcommand\{\\module\}.*\n", text)[0]
    body = text[text.index(section) : text.index(end)]
    names = set(re.findall(r"\\([A-Z][A-Za-z]*)", body)) - set(NUMBERS)
    return module + body, dict.fromkeys(names, "--")


def test_what_a_net_is(read):
    body, unknown = report(r"\section{The net", r"\section{What was measured}")
    given = {"Layer": "nn.GRU", "HiddenUnits": "4", "Outputs": "1", "InputKind": "one-hot"}
    given |= {"InputSymbols": "6", "NumbersOut": "no", "LayerModule": "--", "ReadoutModule": "head"}
    given |= {"UnusedTensors": r"\texttt{a}, ...", "Batch": "3", "Steps": "7", "LossSteps": "7"}
    text = read(body, unknown | given)
    for sentence in (
        "nn.GRU with 4 hidden units, read out into 1 class. Its inputs are 6 symbols, one-hot. In",
        "the recurrent layer is the net itself and the read-out head. These tensors take no part",
        "has 3 sequences of 7 steps; every step carries a loss. On it the mean cross-entropy is",
    ):
        assert sentence in text, sentence


def test_what_was_found_of_a_net(read):
    body, unknown = report(r"\section{What was found}", r"\begin{figure}")
    text = read(body, unknown)
    for sentence in (
        "The gradient of the recurrent weights is exactly zero on this batch.",
        "The sequences are too short for a slope, or the signal is lost too soon.",
        "The batch has too few sequences or steps to measure the rise of the loss.",
    ):
        assert sentence in text, sentence
    assert "Backpropagation" not in text and "the cell state" not in text
    given = {"HorizonDistance": "5", "HorizonCensored": "yes", "Distances": "7", "KeptSteps": "7"}
    given |= {"SlopeFactor": "0.5", "CellPart": "2", "RiseMeasured": "yes", "ForwardHorizon": "4"}
    text = read(body, unknown | given)
    for sentence in (
        "99 % comes from within distance 5. That is a lower bound: without the farthest quarter",
        "Backpropagation cut off anywhere within the sequence loses more than 1 % of it.",
        "for this cell no bound of a step follows from the weights alone.",
        "and the part in the cell state 2 times. The loss depends on inputs up to 4 steps back.",
    ):
        assert sentence in text, sentence
    text = read(body, unknown | given | {"KeptSteps": "6", "TruncationCensored": "yes"})
    assert "keeps 6 steps or more loses at most 1 % of it, as far as sequences of this" in text
