"""The audit of NVIDIA's table of April 2026, as worked by hand with exact fractions."""

import pytest

from tokenfactory.audit import CONVENTIONS, Cell, allowed, judge, ratios_of_throughputs, shared_conventions
from tokenfactory.audit import throughput_of_cells as cells_of
from tokenfactory.rounding import Interval

PRICE = {"subject": 2.652, "baseline": 1.41}
KW = {"subject": 2.10, "baseline": 1.73}
H200 = dict(tput=Cell("90", 90, 10), mw=Cell("54K", 54e3, 1e3), cost_per_mtok=Cell("4.20", 4.20, 0.01))
GB300 = dict(tput=Cell("6,000", 6e3, 1e3), mw=Cell("2.8M", 2.8e6, 1e5), cost_per_mtok=Cell("0.12", 0.12, 0.01))
RATIOS = {"tput": Cell("65x", 65, 1), "mw": Cell("50x", 50, 1), "cost": Cell("35x", 35, 1)}


@pytest.fixture
def implied():
    return {
        "subject": cells_of(usd_per_gpu_hour=2.652, kw_per_gpu=2.10, **GB300),
        "baseline": cells_of(usd_per_gpu_hour=1.41, kw_per_gpu=1.73, **H200),
    }


@pytest.fixture
def ratios(implied):
    return ratios_of_throughputs(
        implied["subject"]["all"], implied["baseline"]["all"], usd_per_gpu_hour=PRICE, kw_per_gpu=KW
    )


@pytest.mark.parametrize(
    ("side", "cell", "low", "high"),
    [
        ("baseline", "cost", 93.1431, 93.3651),
        ("baseline", "mw", 92.555, 94.285),
        ("baseline", "tput", 85, 95),
        ("baseline", "all", 93.1431, 93.3651),
        ("subject", "cost", 5893.33, 6405.80),
        ("subject", "mw", 5775, 5985),
        ("subject", "tput", 5500, 6500),
        ("subject", "all", 5893.33, 5985),
    ],
)
def test_throughput_that_each_cell_allows(implied, side, cell, low, high):
    interval = implied[side][cell]
    assert (interval.low, interval.high) == pytest.approx((low, high), rel=1e-6)


@pytest.mark.parametrize(
    ("row", "low", "high"),
    [
        ("rate", 1.88085, 1.88085),
        ("tput", 63.1214, 64.2560),
        ("mw", 52.0000, 52.9347),
        ("cost", 33.5600, 34.1632),
    ],
)
def test_ratios_that_the_values_allow(ratios, row, low, high):
    assert (ratios[row].low, ratios[row].high) == pytest.approx((low, high), rel=2e-6)


def test_the_printed_ratios_are_explained_by_fives_alone(ratios):
    assert shared_conventions(RATIOS, ratios) == ["rounded to the nearest 5"]


def test_each_ratio_alone_can_be_explained_otherwise(ratios):
    assert judge(RATIOS["tput"], ratios["tput"]) == "only if rounded up"
    assert judge(RATIOS["mw"], ratios["mw"]) == "only if rounded to the nearest 5"
    assert judge(Cell("34x", 34, 1), ratios["cost"]) == "follows"


def test_corrupted_cells_contradict_each_other():
    """906,000 tok/s per GPU was quoted; the cost and megawatt cells beside it say about 6,000."""
    column = cells_of(usd_per_gpu_hour=2.652, kw_per_gpu=2.10, **GB300 | {"tput": Cell("906,000", 906e3, 1e3)})
    assert column["all"].is_empty
    assert not (column["cost"] & column["mw"]).is_empty
    assert judge(RATIOS["tput"], column["all"]) == "the values contradict each other"


def test_nothing_explains_a_ratio_far_off(ratios):
    assert judge(Cell("100x", 100, 1), ratios["tput"]) == "does not follow"
    assert shared_conventions(RATIOS | {"tput": Cell("100x", 100, 1)}, ratios) == []


@pytest.mark.parametrize(
    ("convention", "expected"),
    list(zip(CONVENTIONS, [(64.5, 65.5), (65, 66), (64, 65), (62.5, 67.5)], strict=True)),
)
def test_conventions(convention, expected):
    assert allowed(RATIOS["tput"], convention) == Interval(*expected)
