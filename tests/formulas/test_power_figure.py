"""Power figures keep their basis through every formula; two bases never meet, and a factor must have a source."""

import importlib
import inspect
import itertools
import operator
import pkgutil
import re
from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tokenfactory.formulas
import tokenfactory.methods
from tokenfactory import ask_site, warehouse
from tokenfactory.errors import NotMeasuredError, ParameterError
from tokenfactory.formulas import finance, power, power_figure, reuse
from tokenfactory.formulas.power_figure import (
    ALLIN_UTILITY,
    BASES,
    BOARD_TDP,
    CHASSIS,
    CRITICAL_IT,
    Conversion,
    MixedBasisError,
    OnBasis,
    Period,
    of_row,
)
from tokenfactory.methods import audit, claims, fleets, load, rounding, serving
from tokenfactory.methods.rounding import Interval
from tokenfactory.warehouse.schema import TABLES

MARCH, JULY = date(2026, 3, 18), date(2026, 7, 14)
PAIRS = list(itertools.permutations(BASES, 2))
PUE = Conversion(1.12, CRITICAL_IT, ALLIN_UTILITY, "a survey")
OPERATIONS = [operator.add, operator.sub, operator.mul, operator.truediv]
COMPARISONS = [operator.lt, operator.le, operator.gt, operator.ge]


def kw(value, basis=CRITICAL_IT, since=None, until=None):
    return OnBasis(value, basis, Period(since, until), frozenset({f"source of {value}"}))


def test_the_bases_are_those_of_the_power_book():
    assert set(TABLES["power_book"].columns["basis"].values) == set(BASES)


@pytest.mark.parametrize(("one", "other"), PAIRS)
@pytest.mark.parametrize("operation", OPERATIONS + COMPARISONS)
def test_no_operation_mixes_two_bases(one, other, operation):
    with pytest.raises(MixedBasisError, match=f"{one} and {other} power do not mix"):
        operation(kw(2, one), kw(3, other))


def mixtures(one, other):
    """For each function of the library that takes power, every way in which it could mix two bases."""
    per_gpu = {"subject": kw(2.10, one), "baseline": kw(1.73, other)}
    throughput = {"subject": Interval(5893, 5985), "baseline": Interval(93.1, 93.4)}
    per_mw = {
        key: power.tok_per_s_per_mw(tok_per_s_per_gpu=throughput[key].low, kw_per_gpu=per_gpu[key]) for key in per_gpu
    }
    energy = 1e9 / 3600 * per_gpu["subject"] / 1000  # Wh of a million tokens at 1,000 a second
    point = dict(
        gpu="subject", framework="e", precision="fp8", spec_decoding="none", is_disaggregated=False, model="m",
        isl=1024, osl=1024, evidence="measured", as_of=None, source_url="",
        interactivity_tok_per_s_per_user=20.0, total_tok_per_s_per_gpu=400.0,
    )  # fmt: skip
    curves = serving.Curves.of([point], model="m", isl=1024, osl=1024)
    of_table = dict(usd_per_gpu_hour={}, kw_per_gpu=per_gpu, isl=1024, osl=1024)
    owned = dict(usd_per_gpu=3e4, wacc_frac=0.07, life_year=4, load_frac=0.8, pue=1.25, usd_per_kwh=0.08)
    yield power.tok_per_s_per_mw, lambda: per_mw["subject"] / per_mw["baseline"]
    of_gpu = [dict(kw_per_gpu=figure) for figure in per_gpu.values()]
    sales_of_mw = [finance.sales_usd_per_mw_year(tok_per_s_per_gpu=9, usd_per_mtok=1, **figure) for figure in of_gpu]
    yield finance.sales_usd_per_mw_year, lambda: sales_of_mw[0] - sales_of_mw[1]
    agents_of_mw = [reuse.agents_per_mw(gpu_s_per_turn=0.25, s_per_turn=30, **figure) for figure in of_gpu]
    yield reuse.agents_per_mw, lambda: agents_of_mw[0] / agents_of_mw[1]
    yield power.num_gpu_in_power, lambda: power.num_gpu_in_power(mw=kw(10, one), kw_per_gpu=per_gpu["baseline"])
    yield (
        power.tok_per_s_per_gpu_from_mw,
        lambda: power.tok_per_s_per_gpu_from_mw(tok_per_s_per_mw=per_mw["subject"], kw_per_gpu=per_gpu["baseline"]),
    )
    yield (
        rounding.ratios_of_throughputs,
        lambda: rounding.ratios_of_throughputs(*throughput.values(), usd_per_gpu_hour=per_gpu, kw_per_gpu=per_gpu),
    )
    yield serving.table, lambda: serving.table(curves, [20], ["subject"], **of_table)
    if one != ALLIN_UTILITY:  # carbon is that of the electricity at the meter
        yield power.gco2_per_mtok, lambda: power.gco2_per_mtok(wh_per_mtok=energy, gco2_per_kwh=367)
    if one != CRITICAL_IT:  # water, space and the energy under a PUE are those of the IT equipment
        yield power.l_water_per_mtok, lambda: power.l_water_per_mtok(it_wh_per_mtok=energy, l_per_kwh=0.3)
        yield (
            finance.owned_parts,
            lambda: finance.owned_parts(kw_per_gpu=kw(1, one), colocation_usd_per_kw_year=1560, **owned),
        )
    yield OnBasis.on, lambda: kw(10, one).on(other)
    yield power_figure.plain, lambda: power_figure.plain(kw(10, one), other)
    yield power_figure.check_together, lambda: power_figure.check_together([1.0, kw(1, one), kw(1, one), kw(1, other)])


@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_no_formula_of_the_library_mixes_two_bases(one, other):
    for function, mixture in mixtures(one, other):
        with pytest.raises(MixedBasisError):
            pytest.fail(f"{function.__name__} gave {mixture()}")


# Functions that take power and cannot mix bases, and why.
CANNOT_MIX = {
    ask_site.ground: "a day; the figures it reads carry their bases",
    rounding.throughput_of_cells: "one figure, for one column",
    audit.audit_table: "pairs of constants of one tier, which has one basis",
    claims.audit_set: "tiers, each of one basis",
    claims.check: "tiers, each of one basis",
    load.serve: "bare numbers, of one unit",
    serving.figures: "one figure, for one reading",
    fleets.footprint: "a fleet, whose systems carry both bases; test_site has it",
}


def test_every_function_that_takes_power_is_tried():
    tried = {function for one, other in PAIRS for function, _ in mixtures(one, other)}
    takes_power = re.compile(r"(^|_)(kw|mw|wh|kwh|powers?|j)(_|$)")
    rooms = [f"tokenfactory.{m.name}" for m in pkgutil.iter_modules(tokenfactory.__path__) if not m.ispkg]
    for package in (tokenfactory.formulas, tokenfactory.methods):
        rooms += [f"{package.__name__}.{module.name}" for module in pkgutil.iter_modules(package.__path__)]
    for name in rooms:
        if name in ("tokenfactory.ask", "tokenfactory.cli", "tokenfactory.codebook", power_figure.__name__):
            continue
        room = importlib.import_module(name)
        for name, function in inspect.getmembers(room, inspect.isfunction):
            is_public = function.__module__ == room.__name__ and not name.startswith("_")
            if is_public and any(map(takes_power.search, inspect.signature(function).parameters)):
                assert function in tried | CANNOT_MIX.keys(), f"{room.__name__}.{name} takes power: does it mix bases?"


def test_what_one_basis_is_needed_for_takes_it_and_bare_numbers():
    # 93.25 tok/s: 1.37 kW are 4081.024 Wh a million tokens, * 0.27 L/kWh = 1.10188; 1.73 kW 5153.41, * 0.369 = 1901.61
    wh = 1e9 / (3600 * 93.25)
    it, meter = wh * kw(1.37, CRITICAL_IT), wh * kw(1.73, ALLIN_UTILITY)
    for energy in (it, it.value):
        assert power.l_water_per_mtok(it_wh_per_mtok=energy, l_per_kwh=0.27) == pytest.approx(1.10188, rel=5e-6)
    for energy in (meter, meter.value):
        assert power.gco2_per_mtok(wh_per_mtok=energy, gco2_per_kwh=369) == pytest.approx(1901.61, rel=5e-6)
    # 1.37 kW * 0.8 * 1.25 * 0.08 USD/kWh; 1560 USD * 1.37 kW / 8760 h, and 12,000 USD * 1.37 kW * 0.109795 a year over
    # 8760 h: 0.07 / (1 - 1.07^-15)
    inputs = dict(usd_per_gpu=0, wacc_frac=0.07, life_year=4, load_frac=0.8, pue=1.25, usd_per_kwh=0.08)
    for space, usd in (
        (dict(colocation_usd_per_kw_year=1560), 0.243973),
        (dict(building_usd_per_kw=12_000, building_life_year=15), 0.206053),
    ):
        parts = finance.owned_parts(kw_per_gpu=kw(1.37), **inputs, **space)
        assert (parts["energy"], parts["space"]) == (pytest.approx(0.1096), pytest.approx(usd, rel=5e-6))


def test_formulas_take_a_figure_as_they_take_a_float():
    h200, gb300 = kw(1.73, ALLIN_UTILITY), kw(2.10, ALLIN_UTILITY)
    # 1000 * 93.25 / 1.73 = 53901.7; 1000 * 5930 / 2.10 = 2823810; their ratio 52.388
    per_mw = [power.tok_per_s_per_mw(tok_per_s_per_gpu=t, kw_per_gpu=w) for t, w in ((93.25, h200), (5930, gb300))]
    assert (per_mw[0].value, per_mw[0].exponent) == (pytest.approx(53901.7, abs=0.05), -1)
    assert per_mw[1] / per_mw[0] == pytest.approx(52.388, abs=5e-4)
    assert power.tok_per_s_per_gpu_from_mw(tok_per_s_per_mw=per_mw[0], kw_per_gpu=h200) == pytest.approx(93.25)
    assert power.num_gpu_in_power(mw=kw(10, ALLIN_UTILITY), kw_per_gpu=h200, gpu_per_unit=8) == 5776
    assert power.num_gpu_in_power(mw=kw(10, ALLIN_UTILITY), kw_per_gpu=gb300, gpu_per_unit=72) == 4752


def test_what_a_figure_may_be_combined_with():
    total = kw(2) + kw(3) * 2 - kw(1)
    assert (total.value, total.basis, total.exponent) == (7, CRITICAL_IT, 1)
    assert total.sources == {"source of 2", "source of 3", "source of 1"}
    assert kw(6) / kw(3) == 2
    assert ((kw(6) / 3).value, (kw(6) / 3).exponent) == (2, 1)
    assert isinstance(kw(6) / kw(3), float)
    inverse, square = 1 / kw(2), kw(6) * kw(3)
    assert ((inverse / kw(3)).exponent, square.exponent, (square / kw(3)).exponent) == (-2, 2, 1)
    assert (kw(1) + kw(1)).exponent == 1
    assert kw(2) < kw(3) <= kw(3) and kw(3) > kw(2) >= kw(2)
    compared = [kw(2) < kw(3), kw(3) < kw(2), kw(2) >= kw(3), kw(3) > kw(2)]
    assert compared == [True, False, False, True]  # a figure would be true whatever it holds
    assert {type(one) for one in compared} == {bool}
    for wrong in (lambda: kw(2) + 1, lambda: 1 - kw(2), lambda: kw(2) < 3, lambda: kw(2) + 1 / kw(2)):
        with pytest.raises(TypeError):
            wrong()


def test_an_array_on_either_side_stays_one_figure():
    throughput = np.array([93.25, 5930.0])
    for per_mw in (1000 * throughput / kw(2), 1000 * (1 / kw(2)) * throughput):
        assert isinstance(per_mw, OnBasis)
        assert per_mw.value.tolist() == [46625.0, 2965000.0]


def test_figures_that_never_held_together_do_not_mix():
    printed, revised = kw(1.73, ALLIN_UTILITY, MARCH, JULY), kw(2.12, ALLIN_UTILITY, JULY)
    says = (
        "the allin_utility_provisioned figure holds from 2026-07-14 to now and the other from 2026-03-18 to 2026-07-14"
    )
    with pytest.raises(MixedBasisError, match=says):
        revised / printed
    with pytest.raises(MixedBasisError, match="the other from ever to 2026-03-18: never together"):
        revised / kw(1.73, ALLIN_UTILITY, None, MARCH)
    together = printed + kw(1, ALLIN_UTILITY, date(2026, 5, 1))
    assert together.period == Period(date(2026, 5, 1), JULY)
    assert (printed + kw(1, ALLIN_UTILITY)).period == printed.period
    assert (kw(1) + kw(1)).period == Period()


@given(st.floats(1, 3), st.floats(0.1, 200), st.sampled_from([1, -1]))
def test_a_conversion_multiplies_power_and_divides_its_inverse(factor, value, exponent):
    conversion = Conversion(factor, CRITICAL_IT, ALLIN_UTILITY, "a survey")
    figure = OnBasis(value, CRITICAL_IT, exponent=exponent)
    there = figure.convert(conversion)
    assert there.value == pytest.approx(value * factor if exponent == 1 else value / factor)
    assert (there.basis, there.sources) == (ALLIN_UTILITY, {"a survey"})
    back = there.convert(conversion.inverse)
    assert (back.value, back.basis) == (pytest.approx(value), CRITICAL_IT)


@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_a_conversion_starts_on_its_own_basis_only(one, other):
    conversion = Conversion(2, one, other, "a survey")
    assert kw(1, one).convert(conversion).basis == other
    with pytest.raises(MixedBasisError, match="a survey"):
        kw(1, other).convert(conversion)


def test_a_conversion_holds_in_its_days_only():
    then = Conversion(1.263, CRITICAL_IT, ALLIN_UTILITY, "the revision", Period(MARCH, JULY))
    says = "the figure holds from 2026-07-14 to now and the factor of the revision from 2026-03-18 to 2026-07-14: never"
    with pytest.raises(MixedBasisError, match=f"^{says} together$"):
        kw(1.37, CRITICAL_IT, JULY).convert(then)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (lambda: OnBasis(1, "wall"), f"'wall' is not a power basis; known: {', '.join(BASES)}$"),
        (lambda: Conversion(1.2, CRITICAL_IT, "wall", "x"), "'wall' is not a power basis"),
        (lambda: Conversion(1.2, CRITICAL_IT, ALLIN_UTILITY, ""), "needs a source"),
        (lambda: Conversion(0.9, CRITICAL_IT, ALLIN_UTILITY, "x"), "a PUE of 0.9 is below 1"),
        (lambda: Conversion(0, BOARD_TDP, CHASSIS, "x"), "must be above zero"),
        (lambda: Conversion(float("nan"), BOARD_TDP, CHASSIS, "x"), "must be above zero"),
    ],
)
def test_what_makes_no_sense_is_refused_in_a_sentence(wrong, says):
    with pytest.raises(ParameterError, match=says) as caught:
        wrong()
    assert caught.value.exit_code == MixedBasisError.exit_code == 2
    assert "\n" not in str(caught.value)


# --- with the rows that ship -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def db():
    return warehouse.connect()


@pytest.fixture(scope="module")
def conversions(db):
    rows = db.query(
        """SELECT parameter, applies_to, value, basis, to_basis, effective_from, effective_to, source_url
           FROM site_inputs WHERE to_basis IS NOT NULL ORDER BY parameter, applies_to"""
    )
    return {(row["parameter"], row["applies_to"]): Conversion.of_row(row) for row in rows.iter_rows(named=True)}


def per_mw_ratio(h200, gb300):
    """GB300 over H200 at the middle of the throughputs that the printed table allows."""
    return (5930 / gb300) / (93.25 / h200)


def test_the_printed_ratio_per_megawatt_on_every_basis(db, conversions):
    meanings = [conversions["allin_meaning", "all"]]
    figure = {
        (gpu, on): of_row(db.power(gpu=gpu, basis=ALLIN_UTILITY, on=on), meanings)
        for gpu in ("h200", "gb300")
        for on in ("2026-04-15", "2026-07-14")
    }
    printed = [figure[gpu, "2026-04-15"] for gpu in ("h200", "gb300")]
    revised = [figure[gpu, "2026-07-14"] for gpu in ("h200", "gb300")]
    assert {f.basis for f in printed} == {ALLIN_UTILITY}
    assert {f.basis for f in revised} == {CRITICAL_IT}  # the label stayed, its meaning changed
    # 63.5925 * 1.73 / 2.10 = 52.388; 63.5925 * 1.37 / 2.12 = 41.095
    assert per_mw_ratio(*printed) == pytest.approx(52.388, abs=5e-4)
    assert per_mw_ratio(*revised) == pytest.approx(41.095, abs=5e-4)
    with pytest.raises(MixedBasisError):
        per_mw_ratio(printed[0], revised[1])
    # The revised figures with the facility that the first ones had: 1.37 * 1.263 = 1.73031 and 2.12 * 1.123 =
    # 2.38076 kW; 63.5925 * 1.73031 / 2.38076 = 46.218. The factors hold for figures of their time: to carry them
    # over is a decision, and taking their period away says so.
    factors = [conversions["facility_factor", cooling] for cooling in ("air", "liquid")]
    with pytest.raises(MixedBasisError):
        revised[0].convert(factors[0])
    consistent = [r.convert(replace(f, period=Period())) for r, f in zip(revised, factors, strict=True)]
    assert per_mw_ratio(*consistent) == pytest.approx(46.218, abs=5e-4)
    # The whole interval of throughputs that the printed values allow, 63.1214 to 64.2560: 52.0 to 52.9.
    ratios = rounding.ratios_of_throughputs(
        Interval(5893.33, 5985),
        Interval(93.1431, 93.3651),
        usd_per_gpu_hour={"subject": 2.652, "baseline": 1.41},
        kw_per_gpu={"subject": printed[1], "baseline": printed[0]},
    )
    assert (round(ratios["mw"].low, 1), round(ratios["mw"].high, 1)) == (52.0, 52.9)


def test_pue_leads_from_it_power_to_the_meter(db, conversions):
    h200 = of_row(db.power(gpu="h200", basis=ALLIN_UTILITY, on="2026-09-08"), [conversions["allin_meaning", "all"]])
    at_meter = h200.convert(conversions["pue", "air"])
    assert at_meter.value == pytest.approx(1.37 * 1.4)
    assert at_meter.basis == ALLIN_UTILITY
    assert len(at_meter.sources) == 2  # the book and its new label have one source, the PUE another


def test_a_row_keeps_its_days_and_its_source():
    row = {"basis": CHASSIS, "kw_per_gpu": 2.0, "effective_from": MARCH, "effective_to": JULY, "source_url": "x"}
    assert of_row(row) == OnBasis(2.0, CHASSIS, Period(MARCH, JULY), frozenset({"x"}))


def test_a_row_of_the_book_without_a_period_keeps_its_label(conversions):
    row = {"basis": ALLIN_UTILITY, "kw_per_gpu": 2.0, "effective_from": None, "effective_to": None, "source_url": "x"}
    assert of_row(row, [conversions["allin_meaning", "all"]]).basis == ALLIN_UTILITY


@pytest.mark.parametrize(
    ("basis", "on"), [("chassis", "2026-09-08"), (ALLIN_UTILITY, "2026-03-17"), ("rack_power_shelves", "2026-09-08")]
)
def test_no_power_row_on_the_basis_and_day_is_said_in_a_sentence(db, basis, on):
    with pytest.raises(NotMeasuredError, match=f"no {basis} power of gb300 .* on {on}") as caught:
        db.power(gpu="gb300", basis=basis, on=on)
    assert caught.value.exit_code == 2
