"""One throughput on every basis of power, and a printed ratio under later figures, worked by hand."""

from datetime import date

import pytest

from tokenfactory.formulas.power_figure import ALLIN_UTILITY, CRITICAL_IT
from tokenfactory.methods import restate
from tokenfactory.methods.halls import Assumptions

FIRST, LATER = date(2026, 3, 18), date(2026, 7, 14)
BOTH = {"basis": CRITICAL_IT, "to_basis": ALLIN_UTILITY}


def assumption(parameter, applies_to, value, low=None, high=None, **more):
    row = {"parameter": parameter, "applies_to": applies_to, "value": value, "low": low, "high": high}
    days = {"effective_from": None, "effective_to": None, "basis": None, "to_basis": None}
    return row | days | {"source_url": "https://example.org"} | more


ASSUMED = Assumptions.of_rows(
    [
        assumption("allin_meaning", "all", 1.0, basis=ALLIN_UTILITY, to_basis=CRITICAL_IT, effective_from=LATER),
        assumption("pue", "air", 1.4, 1.25, 1.5, **BOTH),
        assumption("facility_factor", "air", 1.25, **BOTH, effective_from=FIRST, effective_to=LATER),
        assumption("pue", "liquid", 1.1, 1.0, 1.2, **BOTH),
        *(assumption("liquid_heat_frac", gpu, share) for gpu, share in (("x1", 0.0), ("x2", 0.0), ("wet", 0.9))),
    ]
)


def figure(gpu, kw, since, until=None, status="published"):
    days = {"effective_from": since, "effective_to": until, "source_url": "https://example.org"}
    return {"gpu": gpu, "basis": ALLIN_UTILITY, "kw_per_gpu": kw, "status": status} | days


BOOK = [figure("x1", 2.0, FIRST, LATER), figure("x2", 1.0, FIRST, LATER), figure("x1", 1.0, LATER),
        figure("x2", 1.0, LATER)]  # fmt: skip


def test_a_throughput_on_every_footing():
    found = restate.tok_per_s_per_mw(BOOK, {"x1": 1000.0, "x2": 100.0, "x3": 1.0}, ASSUMED)
    told = {(f.basis, f.since, f.labelled, f.how): known for f, known in found.items()}
    assert list(told) == sorted(told, key=lambda f: (f[0] == ALLIN_UTILITY, f[1], f[3])), (
        "the servers first, then by day"
    )
    # 1,000 tok/s over 2 kW; without the facility over 2 / 1.25 = 1.6 kW
    assert told[ALLIN_UTILITY, FIRST, "", ""] == {"x1": [500_000.0], "x2": [100_000.0]}
    assert told[CRITICAL_IT, FIRST, "", "less their facility"] == {"x1": [625_000.0], "x2": [125_000.0]}
    # the later label means IT power: 1 kW, and 1.25, 1.4 or 1.5 kW at the meter
    assert told[CRITICAL_IT, LATER, ALLIN_UTILITY, ""] == {"x1": [1e6], "x2": [1e5]}
    at_meter = told[ALLIN_UTILITY, LATER, "", "times PUE"]
    assert at_meter["x1"] == pytest.approx([800_000, 1e6 / 1.4, 1e6 / 1.5], rel=1e-12)
    low, high = restate.spread(at_meter, "x1", "x2")
    assert (low, high) == pytest.approx((10 / 1.2, 12.0), rel=1e-12)
    assert restate.spread(at_meter, "x1", "x9") is None


def test_a_system_with_liquid_has_the_facility_of_liquid_and_an_undated_figure_comes_last():
    book = [figure("wet", 2.0, None, status="estimate"), figure("wet", 1.0, LATER)]
    found = restate.tok_per_s_per_mw(book, {"wet": 1000.0}, ASSUMED)
    assert [(f.basis, f.since) for f in found] == [
        (CRITICAL_IT, LATER), (ALLIN_UTILITY, LATER), (ALLIN_UTILITY, None),
    ]  # fmt: skip
    at_meter = next(known for f, known in found.items() if f.how == "times PUE")
    assert at_meter == {"wet": pytest.approx([1e6, 1e6 / 1.1, 1e6 / 1.2], rel=1e-12)}


def test_a_figure_that_was_taken_over_is_not_carried():
    (only,) = restate.tok_per_s_per_mw([figure("x1", 2.0, FIRST, LATER, "estimate")], {"x1": 1.0}, ASSUMED)
    assert only.how == ""


def test_a_printed_ratio_moves_with_the_figures_alone():
    systems = {"subject": "x1", "baseline": "x2"}
    assert list(restate.power_sets(BOOK, systems, LATER, ASSUMED)) == [(LATER, "")], "no figures are later"
    others = [figure("x1", 9.0, None), figure("x3", 9.0, date(2026, 9, 1))]
    sets = restate.power_sets(BOOK + others, systems, FIRST, ASSUMED)
    assert list(sets) == [(FIRST, ""), (LATER, ""), (LATER, "with the facility of the first"), (LATER, "times PUE")]
    cell = {f"{role}_{part}": v for role, value in (("subject", 500_000.0), ("baseline", 100_000.0))
            for part, v in (("printed", "x"), ("value", value), ("ulp", 2.0))}  # fmt: skip
    rows = restate.printed_ratio({"mw": cell}, sets, {"subject": 1.0, "baseline": 1.0})
    assert [row["cells"] for row in rows] == pytest.approx([5.0, 10.0, 10.0, 10.0], rel=1e-9)
    for row in rows:
        assert row["span"].low < row["cells"] < row["span"].high < row["cells"] * 1.001
    assert [(row["since"], row["how"]) for row in rows] == list(sets)
    assert [(row["basis"], row["kw_subject"], row["kw_baseline"]) for row in rows[:2]] == [
        (ALLIN_UTILITY, 2.0, 1.0), (CRITICAL_IT, 1.0, 1.0),
    ]  # fmt: skip


def test_every_printed_cell_narrows_the_ratio():
    def cells(subject, baseline, ulp):
        ends = {"subject": subject, "baseline": baseline}
        return {f"{role}_{part}": v for role, value in ends.items()
                for part, v in (("printed", "x"), ("value", value), ("ulp", ulp))}  # fmt: skip

    sets = restate.power_sets(BOOK, {"subject": "x1", "baseline": "x2"}, FIRST, ASSUMED)
    # 1,000 and 100 tok/s over 2 and 1 kW; at 3.6 dollars an hour a million costs 1 and 10
    table = {"mw": cells(500_000.0, 100_000.0, 2000.0)}
    for name, more, high in (
        ("", {}, 5 * 1.002 / 0.99),
        ("tput", cells(1000.0, 100.0, 0.2), 5 * 1.0001 / 0.999),
        ("cost", cells(1.0, 10.0, 0.0002), 5 / 0.9999 * 1.00001),
    ):
        (row, *_) = restate.printed_ratio(table | ({name: more} if name else {}), sets, dict(subject=3.6, baseline=3.6))
        assert row["span"].high == pytest.approx(high, rel=1e-9)
