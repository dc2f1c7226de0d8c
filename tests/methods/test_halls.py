"""How many racks fit: one definition, whoever asks, against 53 racks worked out by hand."""

import math
from dataclasses import replace
from datetime import date

import pytest

from tokenfactory.errors import InfeasibleError
from tokenfactory.formulas.power_figure import ALLIN_UTILITY, BOARD_TDP, CRITICAL_IT, OnBasis
from tokenfactory.methods import fleets
from tokenfactory.methods.halls import Assumptions, Ground, alone
from tokenfactory.warehouse.schema import TABLES, read_table

DAY = date(2026, 9, 8)


@pytest.fixture(scope="module")
def assumed(project):
    return Assumptions.of_rows(read_table(TABLES["site_inputs"], project / "data" / "site_inputs.csv"))


@pytest.fixture(scope="module")
def figures(project):
    rows = read_table(TABLES["power_book"], project / "data" / "power_book.csv")
    return {
        row["gpu"]: row
        for row in rows
        if row["basis"] == ALLIN_UTILITY
        and row["provider"] == "InferenceX TCO"
        and row["effective_from"]
        and row["effective_from"] <= DAY
        and (row["effective_to"] or date.max) > DAY
    }


def system(assumed, figures, gpu, unit="rack", num_gpu=72, **how):
    powers = assumed.powers(gpu, figures[gpu], **how)
    return assumed.system(gpu, powers, unit=unit, gpu_per_unit=num_gpu, tok_per_s_per_gpu=1000.0)


def test_racks_of_gb300_in_ten_megawatts(assumed, figures):
    gb300 = system(assumed, figures, "gb300")
    # 2.12 kW of IT power times a PUE of 1.12, for 72 GPUs, and a tenth kept free: 10,000 / 1.1 / 170.957 = 53.2
    assert gb300.utility.value == pytest.approx(2.12 * 1.12)
    assert not [name for name, row in assumed.rows.items() if row["low"] is None or row["high"] is None]
    assert (gb300.unit, gb300.units_per_rack, gb300.usd_per_gpu_year) == ("rack", 1, 0.0)
    hall = assumed.hall(site_mw=10, basis=ALLIN_UTILITY)
    assert (hall.power.value, hall.liquid_kw) == (10_000, 10_000), "all of it may leave by liquid"
    assert (hall.air_kw_per_rack, hall.liquid_kw_per_rack) == tuple(
        assumed.value("max_kw_per_rack", kind) for kind in ("air", "liquid")
    )
    fleet = fleets.most_tokens(hall, [gb300])
    assert fleet.num_units == (53,) == (math.floor(10_000 / 1.1 / (2.12 * 1.12 * 72)),)
    assert fleet.num_serving == (52,)


def test_nodes_share_a_rack_as_cooling_allows(assumed, figures):
    h200 = system(assumed, figures, "h200", "node", 8)
    # 30 kW of air carry two servers of 8 x 1.37 kW; the builder would allow four.
    assert (h200.units_per_rack, h200.liquid_heat_frac) == (2, 0)
    assert h200.utility.value == pytest.approx(1.37 * 1.4)


def test_a_rack_is_bought_whole_and_a_node_too_warm_for_a_rack_has_one_alone(assumed, figures):
    assert system(assumed, figures, "gb300", "rack", 8).units_per_rack == 1
    assert system(assumed, figures, "h200", "node", 16).units_per_rack == 1  # 21.9 kW of the 30 of air
    assert system(assumed, figures, "h200", "node", 72).units_per_rack == 1


def test_the_power_published_for_a_whole_rack(assumed, figures):
    it, utility = assumed.powers("gb300", figures["gb300"], gpu_per_rack=72)
    assert (it.value, utility.value) == pytest.approx((142 / 72, 142 / 72 * 1.12))
    assert it.sources == {assumed.rows["kw_per_rack", "gb300"]["source_url"]}


def test_an_air_only_hall_holds_no_liquid_rack(assumed, figures):
    hall = assumed.hall(site_mw=10, basis=CRITICAL_IT, liquid_frac=0.0)
    with pytest.raises(InfeasibleError, match="liquid"):
        fleets.most_tokens(hall, [system(assumed, figures, "gb300")])


def test_no_headroom_and_no_spares_are_a_division(assumed, figures):
    hall = replace(assumed.hall(site_mw=10, basis=CRITICAL_IT, num_spares=0), headroom_frac=0.0)
    assert fleets.most_tokens(hall, [system(assumed, figures, "gb300")]).num_units == (65,)  # 10,000 / 152.64


def test_power_that_was_printed_for_the_meter_leads_back_to_the_servers(assumed, figures):
    days = {"effective_from": date(2026, 3, 18), "effective_to": date(2026, 7, 14)}
    printed = figures["gb300"] | days | {"kw_per_gpu": 2.10}
    it, utility = assumed.powers("gb300", printed)
    # the builder's own facility: 1.123 times the servers' power
    assert (it.value, utility.value) == pytest.approx((2.10 / 1.123, 2.10))
    assert (it.basis, utility.basis) == (CRITICAL_IT, ALLIN_UTILITY)


@pytest.fixture(scope="module")
def ground(assumed, figures):
    units = {"gb300": {"unit": "rack", "gpu_per_unit": 72}, "h200": {"unit": "node", "gpu_per_unit": 8},
             "strange": {"unit": "node", "gpu_per_unit": 8}}  # fmt: skip
    return Ground(assumed, units, figures, {"gb300": 3.0})


def test_what_is_not_known_of_a_gpu_keeps_it_out_of_a_hall(ground):
    assert ground.lacks("gb300") == ""
    assert ground.lacks("strange") == "power figure and no way of cooling"
    assert ground.lacks("nobody's") == "size of a unit and no power figure and no way of cooling"
    assert [one.name for one in ground.systems({"strange": 9.0, "h200": 900.0})] == ["H200"]


def test_the_systems_of_a_hall_carry_their_year_their_capital_and_their_power(ground):
    gb300, h200 = ground.systems({"gb300": 13_000.0, "h200": 900.0}, usd_per_gpu={"gb300": 65_000.0})
    assert (gb300.tok_per_s_per_gpu, h200.tok_per_s_per_gpu) == (13_000, 900)
    assert (gb300.usd_per_gpu_year, h200.usd_per_gpu_year) == (3.0 * 8760, 0.0)
    assert (gb300.usd_per_gpu, h200.usd_per_gpu) == (65_000, None)
    assert gb300.utility.value == pytest.approx(2.12 * 1.12)
    (rack,) = ground.systems({"gb300": 1.0}, is_whole_rack=True)
    assert rack.it.value == pytest.approx(142 / 72), "the power that is published for the whole rack"
    (low,), (high,) = (ground.systems({"gb300": 1.0}, pue=end) for end in ("low", "high"))
    assert low.utility.value < gb300.utility.value < high.utility.value


def test_a_hall_is_filled_with_each_system_alone_or_says_why_not(ground):
    hall = ground.assumed.hall(site_mw=10, basis=ALLIN_UTILITY, liquid_frac=0.0)
    found, obstacles = alone(hall, ground.systems({"gb300": 1.0, "h200": 1.0}), utilisation_frac=0.5)
    assert [fleet.systems[0].name for fleet in found] == ["H200"]
    assert list(obstacles) == ["GB300"] and "liquid" in obstacles["GB300"]
    assert found[0].utilisation_frac == 0.5


def test_a_hall_in_watts_of_the_board_says_that_no_system_has_such(ground):
    found, obstacles = alone(fleets.Site(OnBasis(1000, BOARD_TDP)), ground.systems({"h200": 1.0}), utilisation_frac=0.5)
    assert found == [] and BOARD_TDP in obstacles["H200"]
