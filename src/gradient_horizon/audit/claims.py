"""The claims of the lecture note that this project grew from, and the verdict on each.

The note (in the notation of Stanford's course CS224d, 2015) derives why the gradients of recurrent
language models vanish and explode.  `paper/audit_claims.tex` has what it says and what is correct.
Which of the two is true is not typed anywhere: it follows from the errors that `equations`,
`jacobians` and `over_the_grid` measure.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from ..ground.latex import macro_prefix, number, percent

# Relative errors of exact identities: products and sums of some dozen factors and a few thousand
# terms, each rounded to 1e-16.  The same is allowed to the sum over distances.
ROUNDING = 1e-9

# Relative errors against central differences, whose own rounding errors `audited_net` keeps below
# a tenth of it.
DIFFERENCES = 1e-7

# The fraction of the grid points that may differ from the others by chance.
FEW = 0.05

HOLDS, CORRECTED, FAILS = "holds", "holds with a correction", "fails"
UNDECIDED = "undecided"

COLUMNS = ("claim", "name", "verdict", "note_value", "correct_value", "tolerance", "measured")


@dataclass(frozen=True)
class Claim:
    """One claim.

    Attributes
    ----------
    name : what the paper's macros call it.
    tolerance : the error that a true statement may have.
    numbers : what else is measured, by the names that its `Errors` have.
    """

    name: str
    tolerance: float
    numbers: tuple[str, ...] = ()


CONVENTIONS = tuple(
    f"{formula}By{derivative}"
    for formula in ("Note", "State", "Sum", "Gradient")
    for derivative in ("State", "Sum", "Gradient")
)

CLAIMS = {
    1: Claim("Recurrence", ROUNDING),
    2: Claim("Probabilities", ROUNDING),
    3: Claim("LossSlope", DIFFERENCES),
    4: Claim("Normalisation", ROUNDING, ("ratio", "steps")),
    5: Claim("ThreeWeights", ROUNDING),
    6: Claim("InnerDerivative", ROUNDING),
    7: Claim("ChainOrder", DIFFERENCES, ("distance",)),
    8: Claim("Conventions", DIFFERENCES, CONVENTIONS),
    9: Claim("Layout", DIFFERENCES, ("transposed",)),
    10: Claim("DoubleSum", ROUNDING, ("terms", "steps")),
    11: Claim("NormBound", 0.0, ("radius",)),
    12: Claim("SlopeBound", ROUNDING, ("supremum", "distance", "inflation")),
    13: Claim("PhaseDiagram", 0.0, ("above", "shrinking", "largest_bound")),
    14: Claim("Factors", ROUNDING, ("error", "transport", "state")),
    15: Claim("LearningSignal", FEW, ("points", "longer", "shorter", "gradient", "forward")),
    16: Claim("Explosion", FEW, ("nets", "clipped")),
}


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
class AuditedClaim:
    """A claim, by its number, with the errors that were measured."""

    number: int
    errors: Errors

    @property
    def claim(self) -> Claim:
        """The claim itself."""
        return CLAIMS[self.number]

    @property
    def verdict(self) -> str:
        """The verdict: the errors against the tolerance.

        The claim holds if the note's own reading is within the tolerance.  If it is not, the
        correct one must be, and must not reverse the note's conclusion.
        """
        note, correct = self.errors.note, self.errors.correct
        if math.isnan(note) or (correct is not None and math.isnan(correct)):
            return UNDECIDED
        if note <= self.claim.tolerance:
            return HOLDS
        if self.errors.contradicts or (correct is not None and correct > self.claim.tolerance):
            return FAILS
        return CORRECTED

    def row(self) -> dict:
        """Return its row of the table, by column."""
        errors, claim = self.errors, self.claim
        cells = (
            self.number,
            claim.name,
            self.verdict,
            errors.note,
            math.nan if errors.correct is None else errors.correct,
            claim.tolerance,
            "; ".join(f"{name}={errors.numbers.get(name, math.nan):.6g}" for name in claim.numbers),
        )
        return dict(zip(COLUMNS, cells, strict=True))

    def macros(self) -> dict[str, str]:
        """Return the macros of its row in the paper: verdict, errors and what else was measured."""
        errors = {"Note": self.errors.note, "Correct": self.errors.correct}
        if self.verdict == UNDECIDED:
            errors = dict.fromkeys(errors, math.nan)
        numbers = {
            macro_prefix(name): self.errors.numbers.get(name, math.nan)
            for name in self.claim.numbers
        }
        return {
            f"Audit{self.claim.name}Verdict": self.verdict,
            **{
                f"Audit{self.claim.name}{name}": number(value, 2)
                for name, value in (errors | numbers).items()
            },
        }


def largest(values: Iterable[float]) -> float:
    """Return the largest of the values that are known; nan if none is."""
    return max((value for value in values if not math.isnan(value)), default=math.nan)


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


def macros(audited: Sequence[AuditedClaim]) -> dict[str, str]:
    """Return the LaTeX macros of the paper's section on the audit, by name."""
    verdicts = [part.verdict for part in audited]
    counts = {"Holding": HOLDS, "Corrected": CORRECTED, "Failing": FAILS, "Undecided": UNDECIDED}
    return {
        "AuditClaims": number(len(audited)),
        "AuditRounding": number(ROUNDING, 2),
        "AuditDifferences": number(DIFFERENCES, 2),
        "AuditFew": percent(FEW),
        **{f"Audit{name}": number(verdicts.count(verdict)) for name, verdict in counts.items()},
        **{name: value for part in audited for name, value in part.macros().items()},
    }
