"""The audit of NVIDIA's table of April 2026, as worked by hand with exact fractions."""

import pytest

from tokenfactory.errors import TokenFactoryError
from tokenfactory.methods.audit import UNITS, Constants, audit_table, flops_per_dollar_alike
from tokenfactory.methods.rounding import (
    CONVENTIONS,
    NO_WAY,
    Cell,
    Interval,
    judge,
    odd_cells,
    ratio_by_convention,
    ratios_of_throughputs,
)
from tokenfactory.methods.rounding import throughput_of_cells as cells_of

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
    assert list(ratio_by_convention(RATIOS, ratios)) == ["rounded to the nearest 5"]


def test_each_ratio_alone_can_be_explained_otherwise(ratios):
    assert judge(RATIOS["tput"], ratios["tput"]) == "only if rounded up"
    assert judge(RATIOS["mw"], ratios["mw"]) == "only if rounded to the nearest 5"
    assert judge(Cell("34x", 34, 1), ratios["cost"]) == "follows"


def test_corrupted_cells_contradict_each_other():
    """906,000 tok/s per GPU was quoted; the cost and megawatt cells beside it say about 6,000."""
    column = cells_of(usd_per_gpu_hour=2.652, kw_per_gpu=2.10, **GB300 | {"tput": Cell("906,000", 906e3, 1e3)})
    assert column["all"].is_empty
    assert not (column["cost"] & column["mw"]).is_empty
    assert odd_cells(column) == ["tput"]
    assert judge(RATIOS["tput"], column["all"]) == "the values contradict each other"


def test_nothing_explains_a_ratio_far_off(ratios):
    assert judge(Cell("100x", 100, 1), ratios["tput"]) == "does not follow"
    assert list(ratio_by_convention(RATIOS | {"tput": Cell("100x", 100, 1)}, ratios)) == []


@pytest.mark.parametrize(
    ("convention", "expected"),
    list(zip(CONVENTIONS, [(64.5, 65.5), (65, 66), (64, 65), (62.5, 67.5)], strict=True)),
)
def test_conventions(convention, expected):
    assert RATIOS["tput"].interval(convention) == Interval(*expected)


# --- a whole table, from the rows of claims.csv


def claim(row, cell, printed, value, ulp, subject="gb300", baseline="h200"):
    if cell != "ratio":
        subject, baseline = (subject if cell == "subject" else baseline), None
    return {
        "claim_id": f"{cell}-{row}", "row": row, "cell": cell, "subject": subject, "baseline": baseline,
        "printed": printed, "value": value, "printed_ulp": ulp, "unit": "x" if cell == "ratio" else UNITS[row],
    }  # fmt: skip


NVIDIA = [
    claim("rate", "baseline", "$1.41", 1.41, 0.01), claim("rate", "subject", "$2.65", 2.65, 0.01),
    claim("rate", "ratio", "2x", 2, 1),
    claim("flops_per_dollar", "baseline", "2.8", 2.8, 0.1), claim("flops_per_dollar", "subject", "5.6", 5.6, 0.1),
    claim("flops_per_dollar", "ratio", "2x", 2, 1),
    claim("tput", "baseline", "90", 90, 10), claim("tput", "subject", "6,000", 6000, 1000),
    claim("tput", "ratio", "65x", 65, 1),
    claim("mw", "baseline", "54K", 54e3, 1e3), claim("mw", "subject", "2.8M", 2.8e6, 1e5),
    claim("mw", "ratio", "50x", 50, 1),
    claim("cost", "baseline", "$4.20", 4.2, 0.01), claim("cost", "subject", "$0.12", 0.12, 0.01),
    claim("cost", "ratio", "35x", 35, 1),
]  # fmt: skip
PRICES = [Constants("neocloud", 3.30, 1.74), Constants("hyperscaler", 2.652, 1.41)]
POWERS = [Constants("board", 1.4, 0.7), Constants("all-in", 2.10, 1.73)]
PFLOPS = [
    Constants("both dense", 15, 1.979), Constants("both sparse", 20, 3.958), Constants("FP8 dense", 5, 1.979),
    Constants("dense against sparse", 15, 3.958),
]  # fmt: skip


def altered(row, cell, **change):
    return [c | change if (c["row"], c["cell"]) == (row, cell) else c for c in NVIDIA]


def without(*rows):
    return [c for c in NVIDIA if c["row"] not in rows]


def test_the_nvidia_table_says_what_was_worked_out_by_hand():
    found = audit_table(NVIDIA, PRICES, POWERS, PFLOPS)
    assert (found.subject, found.baseline, found.is_consistent) == ("gb300", "h200", True)
    assert (found.price.name, found.power.name) == ("hyperscaler", "all-in")
    assert (found.throughput["subject"]["all"].low, found.throughput["subject"]["all"].high) == pytest.approx(
        (5893.33, 5985), rel=1e-6
    )
    assert (found.ratios["cost"].low, found.ratios["cost"].high) == pytest.approx((33.56, 34.1632), rel=2e-6)
    # R in [63.1214, 63.7283] when all three ratios are rounded to fives: 52.5 * 2.10 / 1.73 = 63.7283
    (convention,) = found.conventions
    ratio = found.conventions[convention]
    assert convention == "rounded to the nearest 5"
    assert (ratio.low, ratio.high) == pytest.approx((63.1214, 63.7283), rel=1e-6)
    assert found.from_printed == pytest.approx(
        {"rate": 1.87943, "flops_per_dollar": 2, "tput": 66.6667, "mw": 51.8519, "cost": 35}, rel=1e-5
    )
    assert found.verdicts["rate"] == "follows" and found.verdicts["mw"] == "only if rounded to the nearest 5"
    assert found.ratios["flops_per_dollar"].low == pytest.approx(5.65611 / 2.80709, rel=1e-5)
    assert found.cells["cost", "baseline"] == Cell("$4.20", 4.2, 0.01)
    one_ratio = [c for c in NVIDIA if c["cell"] != "ratio" or c["row"] == "mw"]
    assert list(audit_table(one_ratio, PRICES, POWERS, PFLOPS).from_printed) == ["mw"], "only what is printed is judged"


def test_flops_per_dollar_are_explained_by_the_mix_alone():
    (only,) = audit_table(NVIDIA, PRICES, POWERS, PFLOPS).flops
    assert (only.name, only.how) == ("dense against sparse", "cut off and rounded")
    assert (only.subject, only.baseline) == pytest.approx((5.65611, 2.80709), rel=1e-6)
    assert audit_table(NVIDIA, PRICES, POWERS, PFLOPS[:3]).flops == []


def test_power_from_the_cells_alone():
    # 85 to 95 tok/s over 53,500 to 54,500 per MW; 5,500 to 6,500 over 2.75M to 2.85M
    kw = audit_table(NVIDIA, PRICES, POWERS, PFLOPS).kw_from_cells
    assert (kw["baseline"].low, kw["baseline"].high) == pytest.approx((1.55963, 1.77570), rel=1e-5)
    assert (kw["subject"].low, kw["subject"].high) == pytest.approx((1.92982, 2.36364), rel=1e-5)


def test_the_same_throughputs_at_every_published_price_and_power():
    found = audit_table(NVIDIA, PRICES, POWERS, PFLOPS)
    # R in [63.1214, 64.2560] times 1.74 / 3.30 and 1.41 / 2.652; times 0.7 / 1.4 and 1.73 / 2.10
    ends = {name: (ratio.low, ratio.high) for of in found.elsewhere.values() for name, ratio in of.items()}
    assert list(found.elsewhere) == ["cost", "mw"]
    assert ends["neocloud"] == pytest.approx((33.2822, 33.8804), rel=2e-6)
    assert ends["hyperscaler"] == pytest.approx((33.56, 34.1632), rel=2e-6)
    assert ends["board"] == pytest.approx((31.5607, 32.1280), rel=2e-6)
    assert ends["all-in"] == pytest.approx((52.0000, 52.9347), rel=2e-6)
    assert audit_table(altered("tput", "subject", value=906e3), PRICES, POWERS, PFLOPS).elsewhere == {}


def test_of_several_explanations_the_rounded_ones_come_first():
    # 5.6 and 2.8 are 5.60 and 2.80 rounded, and 5.68 and 2.88 cut off
    pairs = [Constants(name, new * 2.652, old * 1.41) for name, new, old in (("cut", 5.68, 2.88), ("round", 5.6, 2.8))]
    assert [found.name for found in audit_table(NVIDIA, PRICES, POWERS, pairs).flops] == ["round", "cut"]


def test_flops_per_dollar_like_for_like():
    new = {"FP4 DENSE": 15, "FP4 SPARSE": 20, "FP8 DENSE": 5, "FP8 SPARSE": 10}
    old = {"FP8 DENSE": 1.979, "FP8 SPARSE": 3.958}
    # 15/1.979, 20/3.958, 5/1.979 and 10/3.958 over a price ratio of 1.88085
    assert flops_per_dollar_alike(new, old, PRICES[1]) == pytest.approx(
        {"best DENSE": 4.02987, "best SPARSE": 2.68658, "FP8 DENSE": 1.34329, "FP8 SPARSE": 1.34329}, rel=1e-5
    )
    assert flops_per_dollar_alike(new, {"FP8 SPARSE": 3.958}, PRICES[1]).keys() == {"best SPARSE", "FP8 SPARSE"}


def test_the_mutated_quotation_contradicts_itself_and_its_cell_is_named():
    found = audit_table(
        altered("tput", "subject", printed="906,000", value=906e3, printed_ulp=1e3), PRICES, POWERS, PFLOPS
    )
    assert not found.is_consistent
    assert found.odd == {"subject": ["tput"], "baseline": []}
    assert set(found.ratios) == {"flops_per_dollar"} and found.conventions == {}


@pytest.mark.parametrize(
    ("change", "odd", "ratio"),
    [
        # two cells that contradict each other while throughput fits both: both are named
        (("cost", "baseline", 4.41), {"baseline": ["mw", "cost"]}, None),
        (("tput", "subject", 906e3), {"subject": ["tput"]}, ("tput", NO_WAY)),
        (("mw", "baseline", 154e3), {"baseline": ["mw"]}, ("mw", NO_WAY)),
        # at the price that the other column's rate has, this column fits: it is its rate that does not
        (("rate", "baseline", 2.82), {"baseline": ["rate"]}, ("rate", NO_WAY)),
        (("flops_per_dollar", "subject", 56.0), {"subject": ["flops_per_dollar"]}, ("flops_per_dollar", NO_WAY)),
        (("tput", "ratio", 165), {}, ("tput", NO_WAY)),
    ],
    ids=lambda value: "-".join(map(str, value)) if isinstance(value, tuple) else "",
)
def test_what_contradicts_itself_is_named_with_all_its_cells(change, odd, ratio):
    found = audit_table(altered(*change[:2], value=change[2]), PRICES, POWERS, PFLOPS)
    assert found.odd == {"subject": [], "baseline": []} | odd
    assert found.contradicts_itself
    # ratios of printed values are judged although a column contradicts itself
    assert found.printed_verdicts.keys() == {"rate", "tput", "mw", "cost", "flops_per_dollar"}
    assert {row for row, how in found.printed_verdicts.items() if how == NO_WAY} == ({ratio[0]} if ratio else set())


def test_the_printed_table_does_not_contradict_itself():
    found = audit_table(NVIDIA, PRICES, POWERS, PFLOPS)
    assert not found.contradicts_itself and set(found.printed_verdicts.values()) == {"follows"}


def test_a_rate_that_no_price_explains_is_named_beside_the_cost_that_rests_on_it():
    cells = [c for c in altered("rate", "baseline", value=2.82) if (c["row"], c["cell"]) != ("rate", "subject")]
    assert audit_table(cells, PRICES[:1], POWERS, PFLOPS).odd["baseline"] == ["rate", "cost"]
    # a price that fits this column is no witness where the other column's rate speaks against it
    of_one = [Constants("of one alone", 9.0, 1.41)]
    assert audit_table(altered("rate", "baseline", value=2.82), of_one, POWERS, PFLOPS).odd["baseline"][0] == "rate"
    assert len(audit_table(altered("rate", "baseline", value=2.82), of_one, POWERS, PFLOPS).odd["baseline"]) > 1
    # nor one under which another cell of this column stays odd
    both = [c | {"value": 154e3} if (c["row"], c["cell"]) == ("mw", "baseline") else c
            for c in altered("rate", "baseline", value=2.82)]  # fmt: skip
    assert audit_table(both, PRICES, POWERS, PFLOPS).odd["baseline"] == ["rate", "tput", "mw", "cost"]


def test_only_a_multiple_of_five_was_rounded_to_one():
    assert judge(Cell("2x", 2, 1), Interval(0.93, 0.95)) == NO_WAY
    assert judge(Cell("5x", 5, 1), Interval(3.1, 3.2)) == "only if rounded to the nearest 5"


def test_of_two_cells_neither_is_the_odd_one():
    found = audit_table([c for c in altered("tput", "subject", value=906e3) if c["row"] != "mw"], PRICES, [], [])
    assert found.odd["subject"] == ["tput", "cost"]


def test_without_constants_that_fit_the_printed_rate_is_all_there_is():
    found = audit_table(NVIDIA, PRICES[:1], POWERS, PFLOPS)
    assert found.price is None
    # at a rate known to the cent: 1.405e6 / (3600 * 4.205) to 1.415e6 / (3600 * 4.195)
    cell = found.throughput["baseline"]["cost"]
    assert (cell.low, cell.high) == pytest.approx((92.8128, 93.6962), rel=1e-6)
    assert found.is_consistent and found.ratios == {} and found.flops == []


def test_missing_inputs():
    found = audit_table(without("rate", "mw", "flops_per_dollar"), [], [], [])
    assert (found.price, found.power, found.kw_from_cells) == (None, None, {})
    assert list(found.throughput["subject"]) == ["tput", "all"]
    with pytest.raises(
        TokenFactoryError, match=r"^a column without a throughput, megawatt or cost cell says nothing about throughput$"
    ):
        audit_table(without("tput", "mw", "cost"), PRICES, POWERS, PFLOPS)
    with pytest.raises(TokenFactoryError, match="without a throughput, megawatt or cost cell"):
        audit_table(without("rate", "tput", "mw"), [], POWERS, PFLOPS)  # a cost without a price


@pytest.mark.parametrize(
    ("claims", "message"),
    [
        (altered("cost", "subject", unit="tok_per_s_per_gpu"), "claim subject-cost: a cost subject cell is in usd"),
        (altered("mw", "ratio", unit="tok_per_s_per_mw"), "claim ratio-mw: a mw ratio cell is in x, not in tok"),
        (altered("tput", "baseline", value=None), "claim baseline-tput: a cell of a table needs its value"),
        (altered("tput", "baseline", printed_ulp=None), "claim baseline-tput: a cell of a table needs its value"),
        ([*NVIDIA, NVIDIA[0]], "claim baseline-rate: the table has its rate baseline cell twice"),
        (altered("cost", "subject", subject="b200"), "has one subject in all its cells, not b200, gb300$"),
        (altered("cost", "ratio", baseline="h100"), "a printed table has one baseline in all its cells, not h1"),
        ([c for c in NVIDIA if c["cell"] == "subject"], "a printed table has one baseline in all its cells, not no"),
    ],
)  # fmt: skip
def test_tables_that_cannot_be_read(claims, message):
    with pytest.raises(TokenFactoryError, match=message):
        audit_table(claims, PRICES, POWERS, PFLOPS)
