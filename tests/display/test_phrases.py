"""Sentences are built of these: each is looked at as a reader meets it."""

import math
from datetime import date

import pytest

from tokenfactory.display import phrases


@pytest.mark.parametrize(
    ("times", "words"),
    [
        (34.08, "34 times less"),
        (5.96, "6.0 times less"),
        (2.0, "2.0 times less"),
        (1.9, "47% less"),  # 1 - 1/1.9 = 0.4737
        (1.0, "as much"),
        (0.8, "25% more"),  # 1/0.8 = 1.25
        (0.5, "2.0 times as much"),
        (math.nan, "not measured"),
    ],
)
def test_a_ratio_of_costs(times, words):
    assert phrases.ratio(times) == words


def test_a_band_names_its_unit_once():
    assert phrases.ratio_band(28.1, 41.2) == "between 28 and 41 times less"
    assert phrases.ratio_band(0.9, 3.0) == "between 11% more and 3.0 times less"
    assert phrases.ratio_band(3.01, 3.02) == "3.0 times less"


@pytest.mark.parametrize(
    ("value", "words"),
    [(0.1234, "$0.12"), (4.2, "$4.20"), (391_234_000, "$391 million"), (-2.5e9, "-$2.50 billion"), (60_799, "$60,799")],
)
def test_money(value, words):
    assert phrases.money(value) == words


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ((0.01118, 0.01139), ["$0.0112", "$0.0114"]),  # both would be $0.011, and differ by 2%
        ((4.201, 4.204), ["$4.201", "$4.204"]),
        ((391.2e6, 391.4e6), ["$391.2 million", "$391.4 million"]),
        ((60_799.2, 60_799.4), ["$60,799.2", "$60,799.4"]),
        ((0.0112, 0.0112), ["$0.011", "$0.011"]),  # the same amount
        ((0.12, 4.2), ["$0.12", "$4.20"]),
        ((0.12, None, math.nan), ["$0.12", "not measured", "not measured"]),
        ((0.1200001, 0.1200002), ["$0.12", "$0.12"]),  # no reader sees the difference
    ],
)
def test_two_amounts_of_a_sentence_look_different_where_they_are(values, words):
    assert phrases.apart(*values) == words


def test_what_a_token_costs_on_two_systems_can_be_told_apart():
    assert phrases.spent({"b200": 0.01118, "mi355x": 0.01139}) == "**$0.0112 on B200** and **$0.0114 on MI355X**"
    assert phrases.money_band(0.0451, 0.0449) == "$0.0451 to $0.0449"


def test_days_speeds_lengths_and_engines():
    assert phrases.day(date(2026, 4, 15)) == phrases.day("2026-04-15") == "15 April 2026"
    assert phrases.day(None) == "an unknown day"
    assert phrases.speed(116.86) == "117 tokens a second per user"
    assert phrases.lengths(8192, 1024) == "8,192 tokens in, 1,024 out"
    assert phrases.engine("dynamo-trt") == "Dynamo TensorRT-LLM"
    assert phrases.engine(None) == "engine not stated"
