"""Strings from data, made harmless for where they are shown: a terminal, a page, a cell of a spreadsheet.

A text of somebody else may steer a terminal (ESC), turn the direction of what follows (U+202E), or be taken for a
formula. What cannot be seen is shown as its escape, so that a reader sees that it is there.
"""

import re

# C0 and C1 controls but for tab and line feed, and what changes the direction of a text or hides in it.
UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]"
)
# What a spreadsheet takes for a formula, at the beginning of a cell and of what it may take for one.
_FORMULA = re.compile(r"(^|[\r\n\t\x0b\x0c\x85\u2028\u2029])(?=[\s\x00-\x1f\u200b\ufeff]*[=+\-@＝＋－＠])")


def visible(text: str) -> str:
    """A text in which nothing is hidden; line feeds and tabs stay.

    >>> visible("a\\x1b[2J\\u202eb")
    'a\\\\u001b[2J\\\\u202eb'
    """
    return UNSEEN.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def one_line(text: str) -> str:
    """A text on one line of a terminal.

    >>> one_line("a\\nb\\tc")
    'a\\\\nb\\\\tc'
    """
    return visible(text).replace("\n", "\\n").replace("\t", "\\t")


def cell(value: object) -> object:
    """A value for a cell of a CSV file: a text that begins like a formula gets the quote that marks a text.

    A carriage return, which some programs take for the end of a row and CSV writers leave bare, becomes a line feed.

    >>> cell("=1+1"), cell("a\\r =1+1"), cell(-1), cell("a-b")
    ("'=1+1", "a\\n' =1+1", -1, 'a-b')
    """
    if not isinstance(value, str):
        return value
    marked = _FORMULA.sub(lambda match: f"{match[1]}'", value)
    return marked.replace("\r\n", "\n").replace("\r", "\n")
