"""Strings that attack a terminal, a page or a spreadsheet."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reportkit import harmless

BEFORE = [
    "",
    " ",
    "\t",
    "\r",
    "\n",
    "\r\n",
    "\x0b",
    "\xa0",
    "\ufeff",
    "\u200b",
    "\u2003",
    "x\r",
    "x\n",
    "x\t",
    "x\r\n \t",
]


@pytest.mark.parametrize("before", BEFORE)
@pytest.mark.parametrize("formula", ["=1+1", "+1", "-1", "@SUM(A1)", "＝1", "＋1", "－1", "＠A"])
def test_no_cell_begins_a_formula_whatever_stands_before_it(before, formula):
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow([harmless.cell(before + formula), "next"])
    written = text.getvalue()
    assert "\r" not in written
    ((cell, other),) = csv.reader(io.StringIO(written, newline=""))
    assert other == "next"
    for part in cell.replace("\t", "\n").split("\n"):
        assert not part.strip("\ufeff\u200b \xa0\u2003\x0b").startswith(tuple("=+-@＝＋－＠")), repr(cell)


def test_what_is_no_formula_stays_as_it_is():
    for value in ("a=b", "2026-04-15", "deepseek-r1", "a\nb", 5, -5.5, None, True, "", "x - y"):
        assert harmless.cell(value) == value


@given(st.text(max_size=20))
def test_what_is_shown_hides_nothing(text):
    shown = harmless.visible(text)
    assert not harmless.UNSEEN.search(shown) and harmless.visible(shown) == shown
    assert "\n" not in harmless.one_line(text) and "\t" not in harmless.one_line(text)


def test_names_of_all_languages_stay_as_they_are():
    for text in ("Île-de-France", "東京", "naïve\xa0prix", "émoji 🙂", "שלום"):
        assert harmless.one_line(text) == text
