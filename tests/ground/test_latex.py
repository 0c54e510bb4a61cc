"""Macros, escaped text and numbers as LaTeX."""

import math
import re

import numpy as np
import pytest

from gradient_horizon.ground import latex


def plain(text):
    """Turn LaTeX back into what float() reads."""
    text = re.sub(r"\\ensuremath\{(.*)\}$", r"\1", text.replace(r"\ensuremath{-}", "-"))
    text = re.sub(r"\\times 10\^\{(-?\d+)\}", r"e\1", text)
    return text.replace(r"\,", "")


# Macros


@pytest.mark.parametrize("name", ["", "two words", "h99", "a_b", "a-b", "é", "a\n", "\\a", " a"])
def test_names_that_are_no_macro(name):
    macros = latex.Macros()
    with pytest.raises(ValueError, match="letters only"):
        macros[name] = "1"
    assert not macros


def test_a_macro_is_defined_once():
    macros = latex.Macros()
    macros["Loss"] = "0.5"
    with pytest.raises(ValueError, match="Loss is defined twice"):
        macros["Loss"] = "0.5"
    macros.add({"Loss": "0.6", "Other": "1"}, prefix="Words")
    with pytest.raises(ValueError, match="WordsLoss is defined twice"):
        macros.add({"Loss": "0.6"}, prefix="Words")
    assert macros.definitions() == (
        "\\newcommand{\\Loss}{0.5}\n\\newcommand{\\WordsLoss}{0.6}\n\\newcommand{\\WordsOther}{1}\n"
    )


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("words", "Words"),
        ("delayed_echo", "DelayedEcho"),
        ("lag_10", "LagOneZero"),
        ("a1b", "AOneB"),
        ("x__y_", "XY"),
    ],
)
def test_prefixes(name, expected):
    assert latex.macro_prefix(name) == expected
    assert latex.MACRO_NAME.fullmatch(expected)


# Text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain text.", "plain text."),
        ("100 % & more_", r"100 \% \& more\_"),
        ("#1 {a} $x$", r"\#1 \{a\} \$x\$"),
        ("a\\b", r"a\textbackslash{}b"),
        ("~/x^2", r"\textasciitilde{}/x\textasciicircum{}2"),
        ("\\{~}", r"\textbackslash{}\{\textasciitilde{}\}"),
    ],
)
def test_escape(text, expected):
    assert latex.escape(text) == expected


def test_no_special_character_is_left():
    everything = "".join(map(chr, range(32, 127)))
    escaped = latex.escape(everything)
    bare = re.sub(r"\\(textbackslash|textasciitilde|textasciicircum)\{\}|\\[&%$#_{}]", "", escaped)
    assert not set(bare) & set("&%$#_{}~^\\")


# Numbers


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0.0, "0"),
        (-0.0, "0"),
        (3, "3"),
        (40.0, "40"),
        (1234, r"1\,234"),
        (222919, r"222\,919"),
        (-1234, r"\ensuremath{-}1\,234"),
        (0.5, "0.500"),
        (math.pi, "3.14"),
        (-math.pi, r"\ensuremath{-}3.14"),
        (96.04, "96.0"),
        (123.4, "123"),
        (12345.6, "12346"),
        (0.00123, "0.00123"),
        (float("nan"), "--"),
        (None, "--"),
        (float("inf"), r"\ensuremath{\infty}"),
        (float("-inf"), r"\ensuremath{-\infty}"),
        (np.float32(0.25), "0.250"),
        (np.int64(7), "7"),
    ],
)
def test_numbers_by_hand(value, expected):
    assert latex.number(value) == expected


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("exponent", [-300, -20, -4, -3, -1, 0, 2, 4, 5, 6, 20, 300])
def test_numbers_read_back(exponent, sign):
    value = sign * 1.2345 * 10.0**exponent
    assert float(plain(latex.number(value))) == pytest.approx(value, rel=0.04)
    assert float(plain(latex.number(value, digits=5))) == pytest.approx(value, rel=1e-3)


@pytest.mark.parametrize(("fraction", "expected"), [(0.5, "50.0"), (0.12345, "12.3"), (1, "100.0")])
def test_percentages(fraction, expected):
    assert latex.percent(fraction) == expected + r"\,\%"


def test_intervals():
    assert latex.interval(0.512, 0.481, 0.552) == "0.512 [0.481, 0.552]"
    assert latex.interval(2.0, math.nan, math.nan) == "2"
    assert latex.interval(0.5, 0.4, 0.6, digits=2) == "0.50 [0.40, 0.60]"


# Tables


def test_a_table():
    assert latex.table("lr", ["a", "b"], [["x", "1"], ["y", "2"]]).splitlines() == [
        r"\begin{tabular}{lr}",
        r"\toprule",
        r"a & b \\",
        r"\midrule",
        r"x & 1 \\",
        r"y & 2 \\",
        r"\bottomrule",
        r"\end{tabular}",
    ]


def test_an_unknown_percentage():
    assert latex.percent(math.nan) == "--"


def test_whole_numbers_of_any_size():
    assert [latex.count(value) for value in (7, 1234, 1234567)] == ["7", r"1\,234", r"1\,234\,567"]


@pytest.mark.parametrize(
    ("names", "text"), [(["a"], "a"), (["a", "b"], "a and b"), ("abc", "a, b and c")]
)
def test_lists_of_names(names, text):
    assert latex.conjunction(names) == text
