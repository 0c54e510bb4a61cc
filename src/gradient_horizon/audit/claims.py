r"""The claims of the lecture note that this project grew from, and the verdict on each.

The note (in the notation of Stanford's course CS224d, 2015) derives why the gradients of recurrent
language models vanish and explode.  For each claim stand here what it says and what is correct;
which of the two is true is not typed but follows from the errors that `audit_equations`,
`audit_jacobians` and `audit_findings` measure.
"""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from ..ground.latex import conjunction, number, percent, table

# Relative errors of exact identities: products and sums of some dozen factors and a few thousand
# terms, each rounded to 1e-16.  The same is allowed to the sum over distances.
ROUNDING = 1e-9

# Relative errors beside central differences, whose own rounding errors `audit_net` keeps below a
# tenth of it.
DIFFERENCES = 1e-7

# The part of the grid points that chance may set apart from the others.
FEW = 0.05

HOLDS, CORRECTED, FAILS = "holds", "holds with a correction", "fails"
UNDECIDED = "undecided"

COLUMNS = (
    "claim",
    "says",
    "verdict",
    "correct",
    "measures",
    "note_value",
    "correct_value",
    "tolerance",
)


@dataclass(frozen=True)
class Claim:
    """One claim.

    Attributes
    ----------
    says, correct : the claim, and the correct statement, in LaTeX.
    measures : what is measured, in LaTeX; <name> stands for one of the numbers of its `Errors`.
    tolerance : the error that a true statement may have.
    """

    says: str
    correct: str
    measures: str
    tolerance: float


@dataclass(frozen=True)
class Errors:
    """How far the note's reading of a claim is from what is measured, and how far the correct one.

    Attributes
    ----------
    note, correct : the two errors, nan where nothing could be measured; `correct` is None where
        the correct statement only denies the note's and so has no error of its own.
    contradicts : whether what was measured contradicts what the note concludes.
    numbers : what else was measured, by name.
    """

    note: float
    correct: float | None
    contradicts: bool = False
    numbers: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Finding:
    """A claim with what was measured of it."""

    number: int
    claim: Claim
    errors: Errors

    @property
    def verdict(self) -> str:
        """The verdict: the errors against the tolerance.

        The note's own reading within the tolerance holds, whatever else is true.  Where it is
        not, the correct one must be, and must not turn the note's conclusion round.
        """
        note, correct = self.errors.note, self.errors.correct
        if math.isnan(note) or (correct is not None and math.isnan(correct)):
            return UNDECIDED
        if note <= self.claim.tolerance:
            return HOLDS
        if self.errors.contradicts or (correct is not None and correct > self.claim.tolerance):
            return FAILS
        return CORRECTED

    @property
    def measures(self) -> str:
        """What was measured, in LaTeX, with the numbers that are named there."""
        return re.sub(
            r"<(\w+)>",
            lambda name: number(self.errors.numbers.get(name[1], math.nan), 2),
            self.claim.measures,
        )

    def measured(self) -> tuple[str, str, str]:
        """Say in LaTeX what was measured, and the errors as written and corrected."""
        if self.verdict == UNDECIDED:
            return "Not measured in this run", "--", "--"
        correct = self.errors.correct
        return (
            self.measures,
            number(self.errors.note, 2),
            "--" if correct is None else number(correct, 2),
        )

    def row(self) -> dict:
        """Its row of the table, by column."""
        errors, claim = self.errors, self.claim
        cells = (
            self.number,
            claim.says,
            self.verdict,
            claim.correct,
            self.measures,
            errors.note,
            math.nan if errors.correct is None else errors.correct,
            claim.tolerance,
        )
        return dict(zip(COLUMNS, cells, strict=True))


def finding(number: int, errors: Errors) -> Finding:
    """Put a claim, by its number, and its errors together."""
    return Finding(number, CLAIMS[number], errors)


def largest(values: Iterable[float]) -> float:
    """Return the largest of the values that are known; nan if none is."""
    known = [value for value in values if not math.isnan(value)]
    return max(known, default=math.nan)


def worst(errors: Sequence[Errors]) -> Errors:
    """Sum up several nets: a claim must hold for each of them.

    Returns
    -------
    The largest of either error and of every other number; nan where no net could decide it.
    """
    names = dict.fromkeys(name for part in errors for name in part.numbers)
    return Errors(
        largest(part.note for part in errors),
        largest(part.correct for part in errors),
        contradicts=any(part.contradicts for part in errors),
        numbers={
            name: largest(part.numbers.get(name, math.nan) for part in errors) for name in names
        },
    )


def audit_table(findings: Sequence[Finding]) -> str:
    """Return the paper's table of all claims, which goes over several pages."""
    rows = []
    for part in findings:
        measures, note, correct = part.measured()
        texts = map(_ragged, (part.claim.says, part.verdict, part.claim.correct, measures))
        rows.append([rf"\addlinespace[2pt] {part.number}", *texts, note, correct])
    caption = (
        r"The claims of the lecture note, with verdicts from what was measured, and the errors of "
        r"the note's reading and of the correct one.\label{tab:audit}"
    )
    columns = r"@{}rp{0.185\textwidth}p{0.08\textwidth}p{0.245\textwidth}p{0.235\textwidth}rr@{}"
    head = ["", "the note says", "verdict", "correct", "measured", "as written", "corrected"]
    return table(columns, head, rows, long_caption=caption)


def audit_numbers(findings: Sequence[Finding]) -> dict[str, str]:
    """Return the LaTeX macros of the paper's section on the audit, by name."""
    counts = {
        verdict: sum(part.verdict == verdict for part in findings)
        for verdict in (HOLDS, CORRECTED, FAILS, UNDECIDED)
    }
    conventions = {part.number: part.errors.numbers for part in findings}.get(8, {})
    return {
        "AuditClaims": number(len(findings)),
        "AuditRounding": number(ROUNDING, 2),
        "AuditDifferences": number(DIFFERENCES, 2),
        "AuditFew": percent(FEW),
        "AuditVerdicts": conjunction(
            f"{number(count)} {_plural(verdict, count)}"
            for verdict, count in counts.items()
            if count
        ),
        **{
            f"Audit{reading}{truth}": number(conventions.get(f"{reading}{truth}", math.nan), 2)
            for reading in ("Note", "State", "Sum", "Gradient")
            for truth in ("ByState", "BySum", "ByGradient")
        },
    }


def _plural(verdict: str, count: int) -> str:
    """Write a verdict as the verb of so many claims."""
    if verdict == UNDECIDED:
        return f"{'is' if count == 1 else 'are'} left undecided by this run"
    if count == 1:
        return verdict
    return verdict.replace("holds", "hold").replace("fails", "fail")


def _ragged(text: str) -> str:
    r"""Set a cell without stretched spaces; `\\` keeps its meaning, the end of the row."""
    return rf"\raggedright\let\\\tabularnewline {text}"


CLAIMS = {
    1: Claim(
        r"$h_t=\sigma(W^{(hh)}h_{t-1}+W^{(hx)}x_{[t]})$",
        r"With its bias, $h_t=\phi(W_{hh}h_{t-1}+W_{hx}x_t+b_h)$: the state is taken after the "
        r"activation. $x_t$, $x_{[t]}$ and $x^{(t)}$ are one vector.",
        r"States against a plain loop; as written, without the bias",
        ROUNDING,
    ),
    2: Claim(
        r"$\hat y_t=\softmax(W^{(S)}h_t)$ predicts the next word",
        r"True; it rests on $h_{t-1}$ and $x_t$ and on nothing else.",
        r"Row sums minus 1; corrected, $\hat y_t$ from $h_{t-1}$ and $x_t$ alone",
        ROUNDING,
    ),
    3: Claim(
        r"$J^{(t)}=-\sum_j y_{t,j}\log\hat y_{t,j}$",
        r"True; its derivative by the logits is $\hat y_t-y_t$.",
        r"$\hat y_t-y_t$ against central differences; corrected, $e_t$ likewise",
        DIFFERENCES,
    ),
    4: Claim(
        r"$J=\frac1T\sum_t J^{(t)}$, later $E=\sum_t E_t$",
        r"The $1/T$ was dropped and $J$ renamed to $E$: as written, $E=TJ$. The mean over the "
        r"steps that carry a loss is meant.",
        r"$\sum_t E_t$ relative to $J$, minus 1; the ratio is <ratio> for <steps> steps",
        ROUNDING,
    ),
    5: Claim(
        r"$\tfrac{\partial E}{\partial W}=\sum_t\tfrac{\partial E_t}{\partial W}$",
        r"True, for three different weights: $W_s$ has terms of distance 0 only, $W_{hx}$ pairs "
        r"$\delta_{t,k}$ with $x_k$, and $W_{hh}$ with $h_{k-1}$.",
        r"The three sums, step by step, against backpropagation through time; corrected, pair by "
        r"pair",
        ROUNDING,
    ),
    6: Claim(
        r"$\tfrac{\partial E_t}{\partial W}=\sum_{k=1}^t\tfrac{\partial E_t}{\partial\hat y_t}"
        r"\tfrac{\partial\hat y_t}{\partial h_t}\tfrac{\partial h_t}{\partial h_k}"
        r"\tfrac{\partial h_k}{\partial W}$",
        r"$\partial h_k/\partial W$ must be the \emph{immediate} partial derivative, $h_{k-1}$ "
        r"held fixed. The total one counts a path again at every step that it passes.",
        r"The sum over $(t,k)$ against backpropagation through time; as written, with the total "
        r"derivative",
        ROUNDING,
    ),
    7: Claim(
        r"$\tfrac{\partial h_t}{\partial h_k}=\prod_{j=k+1}^t"
        r"\tfrac{\partial h_j}{\partial h_{j-1}}$",
        r"True with the newest factor leftmost, $J_tJ_{t-1}\cdots J_{k+1}$, and $I$ for $t=k$: "
        r"matrices do not commute.",
        r"Central differences over <distance> steps; as written, the factors multiplied in the "
        r"order of their index",
        DIFFERENCES,
    ),
    8: Claim(
        r"$\tfrac{\partial h_j}{\partial h_{j-1}}=W\transposed\diag[f'(j_{j-1})]$, and ``why is it "
        r"reversed?''",
        r"Three conventions are mixed (Section~\ref{sec:reversed}): $\diag(\phi'(a_j))W_{hh}$, "
        r"$W_{hh}\diag(\phi'(a_{j-1}))$ and $W_{hh}\transposed\diag(\phi'(a_j))$. The $j$ in $f'$ "
        r"is a slip for $h$.",
        r"Central differences over one step; as written, against the nearest of the three",
        DIFFERENCES,
    ),
    9: Claim(
        r"$\partial h_j/\partial h_{j-1}$ is the $D_n\times D_n$ matrix of all "
        r"$\partial h_{j,m}/\partial h_{j-1,n}$",
        r"True, a row for each output $m$. $D_n$ is a slip for $D_h$, the number of hidden units.",
        r"Entries against central differences; the transposed matrix is off by up to <transposed>",
        DIFFERENCES,
    ),
    10: Claim(
        r"$\tfrac{\partial E}{\partial W}=\sum_{t=1}^T\sum_{k=1}^t\tfrac{\partial E_t}{\partial "
        r"\hat y_t}\cdots\tfrac{\partial h_k}{\partial W}$",
        r"True, given the corrections to 6 and 7; $T(T+1)/2$ terms where every step carries a "
        r"loss.",
        r"All <terms> terms of <steps> steps, one by one, against backpropagation through time; "
        r"corrected, collected by distance",
        ROUNDING,
    ),
    11: Claim(
        r"$\bigl\lVert\tfrac{\partial h_j}{\partial h_{j-1}}\bigr\rVert\le\beta_W\beta_h$",
        r"True in the 2-norm, with $\beta_W=\sigma_{\max}(W_{hh})$ and $\beta_h=\sup\phi'$. The "
        r"spectral radius does not bound it.",
        r"Part of the Jacobians that violate it; with the spectral radius for $\beta_W$, up to "
        r"<radius>",
        0.0,
    ),
    12: Claim(
        r"$\sigma'\le 1$, and so the equality $\bigl\lVert\tfrac{\partial h_t}{\partial h_k}"
        r"\bigr\rVert=(\beta_W\beta_h)^{t-k}$ holds",
        r"$\sigma'\le\frac14$, and it is an upper bound: $\norm{\partial h_t/\partial h_k}\le"
        r"(\beta_W/4)^{t-k}$. The slip inflates it by $4^{t-k}$.",
        r"Relative gap of the equality for $t=k+1$; corrected, excess over the bound. On a grid "
        r"$\sup\sigma'=<supremum>$, which at distance <distance> is a factor of <inflation>",
        ROUNDING,
    ),
    13: Claim(
        r"$\beta_W\beta_h$ far above or far below 1 makes the gradient explode or vanish",
        r"Below 1 suffices to vanish; above 1 is only necessary to explode.",
        r"Part of the grid points where transport goes the other way before training. Above 1 are "
        r"<above>; at <shrinking> of them it shrinks, up to a bound of <largest_bound> a step",
        0.0,
    ),
    14: Claim(
        r"A large $t-k$ is the contribution of distant words",
        r"$t-k$ is the distance. The contribution of a pair is the product of $\norm{e_t}$, of the "
        r"transport $\norm{\delta_{t,k}}/\norm{e_t}$ and of $\norm{h_{k-1}}$.",
        r"Decades by which contributions scatter around their transport; corrected, relative error "
        r"of the product. Of the variance of their logarithm up to <error> is due to $\norm{e_t}$ "
        r"and up to <state> to $\norm{h_{k-1}}$",
        ROUNDING,
    ),
    15: Claim(
        r"Where gradients vanish, distant words hardly contribute to the prediction",
        r"How far the learning signal reaches and how far back what was read matters are two "
        r"things; each has to be measured.",
        r"Part of <points> grid points, after training, whose two horizons differ: words matter "
        r"from farther back than the gradient comes from at <longer>, from less far at <shorter> "
        r"(medians <forward> and <gradient>)",
        FEW,
    ),
    16: Claim(
        r"The title promises exploding gradients",
        r"They do explode, but the note comes to no conclusion on it and names no remedy. Clipping "
        r"the gradient's norm is one.",
        r"Part of the grid points where transport grows before training; corrected, part of the "
        r"<nets> nets that diverged although clipped. Clipping acted on <clipped> of their steps",
        FEW,
    ),
}
