"""Numbers, names and tables as LaTeX, and the macros that the paper reads them from.

The sentences are in `paper/*.tex`. A macro is a number, a name, a list of names, a phrase of a few
words, or one of a few texts that the paper chooses a sentence by: yes or no, or -- for what is not
known.
"""

import math
import re
from collections.abc import Iterable, Mapping

MACRO_NAME = re.compile(r"[A-Za-z]+")
DIGITS = ("Zero", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine")
SPECIAL = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    **{character: "\\" + character for character in "&%$#_{}"},
}


class Macros(dict):
    """LaTeX macros by name; a name that is no macro name, or is there already, raises."""

    def __setitem__(self, name: str, value: str) -> None:
        """Define a macro.

        Raises
        ------
        ValueError : the name has anything but letters, or is defined already.
        """
        if not MACRO_NAME.fullmatch(name):
            raise ValueError(f"{name!r} cannot be the name of a LaTeX macro: letters only")
        if name in self:
            raise ValueError(f"the macro {name} is defined twice")
        super().__setitem__(name, str(value))

    def add(self, macros: Mapping[str, str], prefix: str = "") -> None:
        """Define several macros, `prefix` before the name of each.

        Raises
        ------
        ValueError : as for a single one.
        """
        for name, value in macros.items():
            self[prefix + name] = value

    def definitions(self) -> str:
        r"""Return a line `\newcommand{...}{...}` for each macro."""
        return "".join(f"\\newcommand{{\\{name}}}{{{value}}}\n" for name, value in self.items())


def macro_prefix(name: str) -> str:
    """Turn the name of an experiment into letters: lag_10 becomes LagOneZero."""
    words = re.sub(r"\d", lambda digit: f"_{DIGITS[int(digit[0])]}_", name).split("_")
    return "".join(word[:1].upper() + word[1:] for word in words)


def escape(text: str) -> str:
    r"""Write any text so that LaTeX prints it; what is not ASCII is shown as \xe9 or \u4e2d."""
    text = text.encode("ascii", "backslashreplace").decode()
    return "".join(SPECIAL.get(character, character) for character in text)


def number(value: float, digits: int = 3) -> str:
    """Write a number with so many significant digits, as text that works inside and out of maths.

    Whole numbers below a million are written out; very large and very small ones are written as
    powers of ten with a digit less.
    """
    if value is None or math.isnan(value):
        return "--"
    if math.isinf(value):
        return r"\ensuremath{\infty}" if value > 0 else r"\ensuremath{-\infty}"
    if value == 0:
        return "0"
    if float(value).is_integer() and abs(value) < 1e6:
        return count(int(value)).replace("-", r"\ensuremath{-}")
    if 1e-3 <= abs(value) < 1e5:
        exponent = int(f"{abs(value):.{digits - 1}e}".split("e")[1])  # of the rounded value
        decimals = max(0, digits - 1 - exponent)
        text = f"{value:.{decimals}f}"
        return text.replace("-", r"\ensuremath{-}")
    mantissa, exponent = f"{value:.{max(digits - 2, 0)}e}".split("e")
    return rf"\ensuremath{{{mantissa}\times 10^{{{int(exponent)}}}}}"


def count(value: int) -> str:
    """Write a whole number out, in groups of three digits: 1 234 567."""
    return f"{value:,}".replace(",", r"\,")


def percent(fraction: float) -> str:
    """Write a fraction as a percentage with one decimal."""
    if math.isnan(fraction):
        return number(fraction)
    return f"{100 * fraction:.1f}\\,\\%"


def interval(median: float, low: float, high: float, digits: int = 3) -> str:
    """Write a median with its interval: 0.51 [0.48, 0.55]."""
    if any(math.isnan(end) for end in (low, high)):
        return number(median, digits)
    return f"{number(median, digits)} [{number(low, digits)}, {number(high, digits)}]"


def table(
    columns: str,
    head: Iterable[str],
    rows: Iterable[Iterable[str]],
    over_the_head: str = "",
    long_caption: str = "",
) -> str:
    """Return a booktabs table with a head and rows, all cells LaTeX already.

    Parameters
    ----------
    columns : LaTeX's column specification.
    head : the column titles.
    rows : the cells of every row.
    over_the_head : a line above the titles.
    long_caption : if given, the table is a longtable with this caption and may need several pages.
    """
    heading = [r"\toprule", over_the_head, " & ".join(head) + r" \\", r"\midrule"]
    heading = [line for line in heading if line]
    environment = "tabular"
    if long_caption:
        environment = "longtable"
        first = [rf"\caption{{{long_caption}}} \\", *heading, r"\endfirsthead"]
        heading = [*first, *heading, r"\endhead"]
    lines = [
        rf"\begin{{{environment}}}{{{columns}}}",
        *heading,
        *(" & ".join(row) + r" \\" for row in rows),
        r"\bottomrule",
        rf"\end{{{environment}}}",
    ]
    return "\n".join(lines) + "\n"


def switch(condition: bool) -> str:
    """Write what the paper chooses a sentence by: yes or no."""
    return "yes" if condition else "no"


def conjunction(names: Iterable[str]) -> str:
    """List names as a sentence does: a, b and c."""
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last
