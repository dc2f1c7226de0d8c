"""What a page says of its conditions: those that are not the conditions of the house, and of which days they are."""

import re

import pytest
import sample

from reportkit import conditions
from reportkit.source import House, Suite

HOUSE = (House("price_date", "latest", "prices of {}"), House("speed", 75.0, "{:g} tokens a second"))
SUITE = Suite(
    "T", "s", "a", (), ("", "", ""), {}, HOUSE, {"01": ("The claim's conditions", ""), "05": ("Each", "its own")}
)


def told(name, **values):
    return conditions.of(SUITE, name, {key: {"value": value} for key, value in values.items()})


@pytest.mark.parametrize(
    "name, values, said",
    [
        ("04_x", {"price_date": "latest", "speed": 75.0, "model": "m"}, None),
        ("04_x", {}, None),
        ("04_x", {"price_date": "2026-04-15"}, ("Only on this page", "prices of 15 April 2026")),
        ("01_x", {"speed": 116.0}, ("The claim's conditions", "116 tokens a second")),
        ("01_x", {"speed": 75.0}, None),
        ("05_x", {}, ("Each", "its own")),
    ],
)
def test_a_page_says_what_is_not_as_in_the_house(name, values, said):
    assert told(name, **values) == said


def ledger(rows, **parameters):
    known = {name: {"value": value, "kind": kind} for name, (value, kind) in parameters.items()}
    queries = {"q1": {"rows": list(rows)}}
    return {"parameters": known, "cells": {"c": {"queries": ["q1"]}}, "queries": queries, "rows": rows}


def test_the_days_of_prices_and_of_the_newest_tests():
    rows = {
        "p1": {"file": "price_book.csv", "effective_from": "2026-07-31"},
        "p2": {"file": "price_book.csv", "effective_from": "2026-03-18"},
        "t1": {"file": "points.csv", "gpu": "gb300", "evidence": "measured", "as_of": "2026-02-12"},
        "t2": {"file": "runs.csv", "gpu": "h200", "evidence": "derived", "date": "2026-09-10"},
    }
    assert conditions.as_of(ledger(rows, price_date=("latest", "date"))) == [
        "Newest price 31 July 2026",
        "Newest test 10 September 2026",
    ]
    parameters = {"price_date": ("2026-04-15", "date"), "subject": ("gb300", "gpu"), "baseline": ("b200", "gpu")}
    assert conditions.as_of(ledger(rows, **parameters)) == [
        "Prices of 15 April 2026",
        "Newest test of GB300 12 February 2026",
    ]
    assert conditions.as_of(ledger({})) == []


def test_only_tests_of_the_model_that_is_asked_for_count():
    rows = {
        "t1": {"file": "points.csv", "gpu": "a", "model": "m1", "evidence": "measured", "as_of": "2026-02-12"},
        "t2": {"file": "points.csv", "gpu": "a", "model": "m2", "evidence": "measured", "as_of": "2026-08-10"},
    }
    asked = {"price_date": ("2026-04-15", "date"), "subject": ("a", "gpu"), "baseline": ("b", "gpu")}
    assert conditions.as_of(ledger(rows, **asked, model=("m1", "model")))[1] == "Newest test of A 12 February 2026"
    assert conditions.as_of(ledger(rows, **asked))[1] == "Newest test of A 10 August 2026"
    rows["t2"]["left_out"] = "no speed per user"
    assert conditions.as_of(ledger(rows, **asked))[1] == "Newest test of A 12 February 2026"


def test_a_page_wears_its_conditions(sample_site):
    page = re.sub("</?abbr[^>]*>", "", (sample_site / "01_sample.html").read_text())  # terms explain themselves
    chip = '<p class="chip" data-k="01_sample/parameters"><strong>The claim&#39;s conditions:</strong>'
    assert f"{chip} prices of 15 April 2026, 75% utilisation</p>" in page
    assert "Prices of 15 April 2026." in page
    assert 'class="chip"' not in (sample_site / "02_other.html").read_text() and sample.PAGES
