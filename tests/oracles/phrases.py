"""Whether the paper's macros are numbers, names and phrases, and no sentences."""

import re

MOST_WORDS = 8


def longest(value):
    """How many words the longest item of a list has, and of any text that is no list."""
    items = re.split(r"[,;:()]|\band\b|\}\{", re.sub(r"\\([&%$#_])", r"\1", value))
    plain = (re.sub(r"\\[A-Za-z]+|[{}$\\]", " ", item) for item in items)
    return max(len(re.findall(r"\S*[A-Za-z]{2}\S*", item)) for item in plain)


def sentences(macros):
    """Names of the macros whose value is longer than a phrase, or ends like a sentence."""
    return [
        name
        for name, value in macros.items()
        if longest(value) > MOST_WORDS or re.search(r"[a-z]{2,}\.(?:\s|$)", value)
    ]
