"""Whole racks and nodes: published counts, every limit, brute force, and bad input that names what binds."""

import itertools
import math
import os
import time
from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tokenfactory import warehouse
from tokenfactory.errors import NotMeasuredError, ParameterError
from tokenfactory.formulas import cost, power
from tokenfactory.formulas.power_figure import ALLIN_UTILITY, BASES, BOARD_TDP, CRITICAL_IT, MixedBasisError, OnBasis
from tokenfactory.methods import fleets
from tokenfactory.methods.fleets import (
    AIR,
    CAPITAL,
    DEMAND,
    GRANT,
    LIQUID,
    POWER,
    RACKS,
    InfeasibleError,
    Site,
    System,
    footprint,
    most_gain,
    most_tokens,
    obstacle,
    users_served,
)

NUM_RANDOM_CASES = 20_000 if os.environ.get("TOKENFACTORY_SOAK") else 1_000


def system(name="GB300", unit="rack", gpu_per_unit=72, it=2.12, pue=1.12, tok_per_s=5930.0, liquid=0.94, **more):
    figures = OnBasis(it, CRITICAL_IT), OnBasis(it * pue, ALLIN_UTILITY)
    return System(name, unit, gpu_per_unit, *figures, tok_per_s, liquid, **more)


def it_site(mw, **limits):
    return Site(OnBasis(1000 * mw, CRITICAL_IT), **limits)


def meter_site(mw, **limits):
    return Site(OnBasis(1000 * mw, ALLIN_UTILITY), **limits)


GB300 = system(usd_per_gpu=60_000.0, usd_per_gpu_year=20_000.0)
H200 = system("H200", "node", 8, 1.37, 1.4, 93.25, 0.0, units_per_rack=4, usd_per_gpu=30_000.0, usd_per_gpu_year=11_000)


# --- published counts --------------------------------------------------------------------------------------------


def test_a_megawatt_of_it_power():
    # 1000 / (2.12 * 72) = 6.55 racks: 6, 432 GPUs, 432 * 2.12 / 1000 = 91.6%
    # 1000 / (1.37 * 8) = 91.2 nodes: 91, 728 GPUs, 728 * 1.37 / 1000 = 99.7%
    for kind, units, gpus, share in ((GB300, 6, 432, 0.916), (H200, 91, 728, 0.997)):
        fleet = most_tokens(it_site(1), [kind])
        assert (fleet.num_units, fleet.num_gpu) == ((units,), gpus)
        assert fleet.power_frac == pytest.approx(share, abs=5e-4)


def test_ten_megawatts_at_the_meter():
    # 10000 / (1.73 * 8) = 722.5 nodes = 5776 GPUs; 10000 / (2.10 * 72) = 66.1 racks = 4752 GPUs
    h200 = replace(H200, utility=OnBasis(1.73, ALLIN_UTILITY))
    gb300 = replace(GB300, it=OnBasis(2.10 / 1.123, CRITICAL_IT), utility=OnBasis(2.10, ALLIN_UTILITY))
    assert [most_tokens(meter_site(10), [kind]).num_gpu for kind in (h200, gb300)] == [5776, 4752]


def test_racks_by_their_own_power():
    # 10000 / (1.15 * 142) = 61.2; 10000 / (1.15 * 132) = 65.9
    for kw_per_rack, racks in ((142, 61), (132, 65)):
        assert most_tokens(meter_site(10), [system(it=kw_per_rack / 72, pue=1.15)]).num_racks == racks


def test_tokens_of_a_site():
    # 722 * 8 * 93.25 = 538,612 tok/s; at 60% for a day 538,612 * 0.6 * 86,400 = 2.79217e10
    h200 = replace(H200, utility=OnBasis(1.73, ALLIN_UTILITY))
    fleet = most_tokens(meter_site(10), [h200], utilisation_frac=0.6)
    assert fleet.capacity_tok_per_s == pytest.approx(538_612)
    assert cost.tok_per_day(tok_per_s=fleet.sold_tok_per_s) == pytest.approx(2.79217e10, rel=1e-5)


def test_users_of_a_site():
    # The fleet calculator of InferenceX: 10 MW, 1.71 kW, 119.035 output tok/s per GPU at 50 tok/s per user.
    num_gpu = power.num_gpu_in_power(mw=10, kw_per_gpu=1.71)
    assert num_gpu == 5847
    assert users_served(output_tok_per_s=num_gpu * 119.035, tok_per_s_per_user=50) == 13_919
    assert users_served(output_tok_per_s=10, tok_per_s_per_user=0.5) == 20
    with pytest.raises(ParameterError, match="a speed must be above zero, not 0 tok/s per user"):
        users_served(output_tok_per_s=10, tok_per_s_per_user=0)


# --- what each limit does ----------------------------------------------------------------------------------------


def test_spares_take_room_and_make_nothing():
    alone = most_tokens(it_site(1), [H200])
    fleet = most_tokens(it_site(1, num_spare_units=1), [H200])
    assert (alone.num_serving, fleet.num_serving, fleet.num_spare, fleet.num_units) == ((91,), (90,), (1,), (91,))
    assert fleet.capacity_tok_per_s == 90 * 8 * 93.25
    # With one kind of system in use only one spare stands by.
    mixed = most_tokens(it_site(1, num_spare_units=1), [GB300, H200])
    assert mixed.num_spare == tuple(int(n > 0) for n in mixed.num_serving)


def test_what_a_unit_needs():
    # 72 * 2.12 = 152.64 kW, 94% of it by liquid; its price is asked for only where capital has an end
    needs = {POWER: 152.64, AIR: 9.1584, LIQUID: 143.4816, CAPITAL: 0}
    assert fleets.needs_of(it_site(1), system()) == pytest.approx(needs)
    assert fleets.needs_of(it_site(1, usd=1e9), GB300) == pytest.approx(needs | {CAPITAL: 4_320_000})


def test_headroom_is_kept_free_over_the_draw():
    # 1000 / 1.1 = 909.1 kW: 909.1 / 152.64 = 5.96 racks
    fleet = most_tokens(it_site(1, headroom_frac=0.1), [GB300])
    assert fleet.num_units == (5,)
    assert fleet.power_budget["headroom"] == pytest.approx(0.1 * 5 * 152.64)


def test_the_power_budget_adds_up():
    fleet = most_tokens(meter_site(10, headroom_frac=0.1, num_spare_units=1, liquid_kw=3000), [GB300, H200])
    assert all(n > 1 for n in fleet.num_serving)
    parts = fleet.power_budget
    racks, nodes = fleet.num_serving
    assert parts["serving"] == pytest.approx(racks * 152.64 + nodes * 10.96)
    assert parts["spares"] == pytest.approx(152.64 + 10.96)
    assert parts["cooling and losses"] == pytest.approx(0.12 * (racks + 1) * 152.64 + 0.4 * (nodes + 1) * 10.96)
    assert sum(parts.values()) == pytest.approx(10_000)
    assert 0 <= parts["stranded"] < 10.96 * 1.4 * 1.1
    assert "cooling and losses" in most_tokens(it_site(1), [H200]).power_budget
    assert most_tokens(it_site(1), [H200]).power_budget["cooling and losses"] == 0


def test_a_limit_on_liquid_mixes_the_fleet():
    # Liquid for 3000 / (0.94 * 152.64) = 20.9 racks; nodes take the rest: (10000 - 20 * 152.64) / 10.96 = 633.9
    fleet = most_tokens(it_site(10, liquid_kw=3000), [GB300, H200])
    assert fleet.num_units == (20, 633)
    assert fleet.stopped_by == {"GB300": (POWER, LIQUID), "H200": (POWER,)}
    # Air: the racks' own share first, 20 * 0.06 * 152.64 = 183.2; (1000 - 183.2) / 10.96 = 74.5 nodes
    fleet = most_tokens(it_site(10, liquid_kw=3000, air_kw=1000), [GB300, H200])
    assert fleet.num_units == (20, 74)
    assert fleet.stopped_by["H200"] == (AIR,)


def test_positions_hold_whole_racks_of_one_kind():
    fleet = most_tokens(it_site(1, num_racks=5), [H200])
    assert (fleet.num_units, fleet.num_racks, fleet.stopped_by) == ((20,), 5, {"H200": (RACKS,)})
    # A spare fills a position's last place or opens another.
    assert most_tokens(it_site(1, num_racks=5, num_spare_units=1), [H200]).num_serving == (19,)
    mixed = most_tokens(it_site(1, num_racks=7), [GB300, H200])
    assert mixed.num_units == (6, 4)
    assert mixed.num_racks == 7


def test_capital_and_demand():
    # 20 M USD / (72 * 60,000) = 4.6 racks, the rest 2.72 M / 240,000 = 11.3 nodes
    assert most_tokens(it_site(1, usd=20e6), [GB300, H200]).num_units == (4, 11)
    # A rack sells 72 * 5930 = 426,960 tok/s; for 1 M tok/s three racks are cheaper than any nodes.
    fleet = most_gain(it_site(1, tok_per_s=1e6), [GB300, H200], usd_per_mtok=1.0)
    assert (fleet.num_units, fleet.sold_tok_per_s) == ((3, 0), 1e6)
    assert set(fleet.stopped_by.values()) == {(DEMAND,)}


def test_a_demand_that_is_met_takes_no_more_power_than_it_must():
    # 400,000 tok/s: one rack of 152.6 kW, or 537 nodes of 5,885 kW; two racks would sell no more
    fleet = most_tokens(it_site(10, tok_per_s=400_000), [H200, GB300])
    assert fleet.num_units == (0, 1)


def test_a_unit_that_would_mostly_stand_idle_is_stopped_by_demand():
    # A node sells 746 tok/s: 117,630 USD a year at 5 USD, for 88,000. Of a second one 54 tok/s would be sold.
    fleet = most_gain(it_site(1, tok_per_s=800), [H200], usd_per_mtok=5.0)
    assert fleet.num_units == (1,)
    assert fleet.stopped_by == {"H200": (DEMAND,)}


def test_a_limit_is_told_only_where_one_more_unit_would_break_it():
    # Two nodes of 10.96 kW; three would sell 1,119 of the 2,000 tok/s that are asked for, at half use.
    fleet = most_tokens(it_site(0.022, tok_per_s=2000), [H200], utilisation_frac=0.5)
    assert (fleet.num_units, fleet.stopped_by) == ((2,), {"H200": (POWER,)})


def test_demand_alone_may_limit_a_site():
    # a rack sells 72 * 5930 = 426,960 tok/s: three for a million, with or without nodes to choose from
    endless = Site(OnBasis(math.inf, CRITICAL_IT), tok_per_s=1e6)
    assert most_tokens(endless, [GB300]).num_units == (3,)
    assert most_tokens(endless, [H200, GB300]).num_units == (0, 3)
    # 300 kW of liquid cool 2.09 racks, and say nothing of nodes
    assert most_tokens(replace(endless, liquid_kw=300), [GB300]).num_units == (2,)
    with pytest.raises(ParameterError, match=r"^nothing limits how many of H200 there are: "):
        most_tokens(Site(endless.power, liquid_kw=300), [GB300, H200])


def test_what_earns_just_its_cost_is_not_built():
    # a GPU that makes 1 tok/s sells 31.536 Mtok a year
    even = system("even", "node", 1, tok_per_s=1.0, usd_per_gpu_year=31.536)
    assert most_gain(it_site(1), [even], usd_per_mtok=1.0).num_units == (0,)
    assert most_gain(it_site(1), [even], usd_per_mtok=1.0000005).num_units == (471,)  # 1000 / 2.12


def test_most_tokens_are_made_however_few_a_unit_makes():
    slow = system("slow", "node", 1, tok_per_s=1e-3)
    assert most_tokens(it_site(1), [slow]).num_units == (471,)  # 1000 / 2.12


def test_what_just_fits_is_in_and_what_nearly_fits_is_not():
    tenth = system("tenth", "node", 1, it=0.1, pue=1.0)
    assert most_tokens(it_site(0.0003), [tenth]).num_units == (3,)  # 0.3 / 0.1 is 2.9999999999999996 in binary
    assert most_tokens(it_site(0.00029999), [tenth]).num_units == (2,)
    rack_kw = 2.12 * 72
    assert obstacle(it_site(1, liquid_kw_per_rack=rack_kw), GB300) is None
    found = obstacle(it_site(1, liquid_kw_per_rack=rack_kw * 0.999), GB300)
    assert found.limit == LIQUID and found.excess == pytest.approx(1 / 0.999)
    assert obstacle(it_site(rack_kw / 1000), GB300) is None
    found = obstacle(it_site(rack_kw / 1000, num_spare_units=1), GB300)
    assert found.excess == pytest.approx(2) and found.sentence.startswith("2 racks of GB300, spares counted, need")


@pytest.mark.parametrize("num_spare_units", [0, 1])
@pytest.mark.parametrize("mw", [50_000, 1_000_000, 1_000_000_000])
def test_a_site_of_any_size_has_a_plan_that_leaves_no_room_for_another_rack(mw, num_spare_units):
    site = it_site(mw, num_spare_units=num_spare_units)
    for plan in (most_tokens(site, [GB300, H200]), most_gain(site, [GB300, H200], usd_per_mtok=10.0)):
        assert not plan.broken_limits and plan.num_units[0] > 0
        assert plan.capacity_tok_per_s >= most_tokens(site, [GB300]).capacity_tok_per_s * (1 - 2e-9)


def test_what_is_left_of_a_large_site_is_filled():
    # 1e6 kW hold 6,551 racks of 152.64 kW; the 55.36 kW left hold 5 nodes of 10.96 kW
    assert most_tokens(it_site(1000), [GB300, H200]).num_units == (6551, 5)


def test_positions_and_demand_of_a_large_site_are_met_to_the_last_rack():
    many = most_tokens(it_site(1_000_000, num_racks=1_000_000), [GB300, H200])
    assert (many.num_units, many.num_racks) == ((1_000_000, 0), 1_000_000)
    # ten thousand racks sell what is asked for, and of those and nodes they draw the least
    wanted = 10_000 * 72 * 5930
    assert most_tokens(it_site(1_000_000, tok_per_s=wanted), [H200, GB300]).num_units == (0, 10_000)


def test_a_fleet_that_breaks_a_limit_loses_the_smallest_units_that_need_it():
    def trimmed(site, *counts):
        return fleets._trimmed(site, [GB300, H200], 1.0, list(counts), 0.0)

    # 7 * 152.64 kW are too much, and there is no node; liquid for 20.9 racks is no business of the nodes
    assert trimmed(it_site(1), 7, 0) == [6, 0]
    assert trimmed(it_site(10, liquid_kw=3000), 21, 5) == [20, 5]
    assert trimmed(it_site(1, num_racks=5), 6, 0) == [5, 0]
    assert trimmed(it_site(1, num_racks=6), 5, 5) == [5, 4]
    # the unit of fewest tokens, and not the one of fewest for each GPU: 6 * 152.64 + 7 * 10.96 = 992.6 kW
    fast = replace(H200, tok_per_s_per_gpu=5000)
    assert fleets._trimmed(it_site(1), [GB300, fast], 1.0, [6, 10], 0.0) == [6, 7]


def test_a_fleet_that_then_sells_too_little_is_none():
    def trimmed(count, least_tok_per_s, utilisation_frac=1.0):
        return fleets._trimmed(it_site(1), [GB300], utilisation_frac, [count], least_tok_per_s)

    rack = 72 * 5930
    assert trimmed(7, 7 * rack) is None
    assert trimmed(7, 6 * rack) == trimmed(6, 6 * rack * (1 + 1e-9)) == trimmed(6, 3 * rack, 0.5) == [6]
    assert trimmed(6, 6 * rack * (1 + 1e-8)) is trimmed(6, 6 * rack, 0.5) is None


def test_what_earns_nothing_is_not_built():
    # H200 sells 93.25 * 31.536 * 0.5 = 1,470 USD a GPU and year and costs 11,000
    fleet = most_gain(it_site(1), [H200], usd_per_mtok=0.5)
    assert fleet.num_units == (0,)
    assert fleet.gain_usd_per_year(0.5) == 0
    assert fleet.stopped_by == {"H200": ()}
    assert most_gain(it_site(1), [GB300, H200], usd_per_mtok=0.5).num_units == (6, 0)


def test_gain_is_sales_less_the_cost_of_all_units():
    fleet = most_gain(it_site(1, num_spare_units=1), [GB300], usd_per_mtok=0.5, utilisation_frac=0.6)
    # 5 racks * 72 * 5930 * 0.6 * 31.536 Mtok * 0.5 - 6 racks * 72 * 20,000
    assert fleet.num_units == (6,)
    assert fleet.gain_usd_per_year(0.5) == pytest.approx(5 * 72 * 5930 * 0.6 * 31.536 * 0.5 - 6 * 72 * 20_000)


def test_what_a_fleet_takes_from_outside():
    fleet = most_tokens(it_site(1), [GB300])
    outside = footprint(fleet, load_frac=0.8, gco2_per_kwh=367, l_per_it_kwh=0.27)
    # 915.84 kW of IT, 1,025.74 at the meter; * 0.8 * 8760 h = 6,418,207 and 7,188,392 kWh
    assert outside.mwh_per_year == pytest.approx(7188.39, rel=1e-5)
    assert outside.tco2_per_year == pytest.approx(7188.39 * 0.367, rel=1e-5)
    assert outside.m3_per_year == pytest.approx(6418.207 * 0.27, rel=1e-5)
    assert outside.tco2_per_year == pytest.approx(outside.mwh_per_year * 0.367, rel=1e-12)
    # The same as the formulas per token: 8760 h * 3600 s at full throughput, power at 80%.
    mtok = fleet.capacity_tok_per_s * 8760 * 3600 / 1e6
    wh = 1e9 * GB300.utility.value * 0.8 / (3600 * 5930)
    assert outside.tco2_per_year == pytest.approx(mtok * power.gco2_per_mtok(wh_per_mtok=wh, gco2_per_kwh=367) / 1e6)


# --- against brute force -----------------------------------------------------------------------------------------


def by_brute_force(site, systems, utilisation, price):
    """Every fleet there could be, one a row, and what it is worth in a year: -inf where it breaks a limit."""

    def of(per_system):
        return np.array([per_system(s) for s in systems], float)

    gpus, it, output = of(lambda s: s.gpu_per_unit), of(lambda s: s.it.value), of(lambda s: s.tok_per_s_per_gpu)
    draw = it if site.power.basis == CRITICAL_IT else of(lambda s: s.utility.value)
    most = np.floor(site.power.value / (draw * gpus) + 1e-6).astype(int)
    counts = np.array(list(itertools.product(*(range(n + 1) for n in most))))
    units = counts + site.num_spare_units * (counts > 0)
    liquid = of(lambda s: s.liquid_heat_frac)
    within = (
        (units @ (draw * gpus) * (1 + site.headroom_frac) <= site.power.value * GRANT)
        & (units @ (it * gpus * (1 - liquid)) <= site.air_kw * GRANT)
        & (units @ (it * gpus * liquid) <= site.liquid_kw * GRANT)
        & (np.ceil(units / of(lambda s: s.units_per_rack)).sum(axis=1) <= site.num_racks)
        & (units @ (of(lambda s: s.usd_per_gpu) * gpus) <= site.usd * GRANT)
    )
    sold = np.minimum(counts @ (output * gpus) * utilisation, site.tok_per_s)
    value = (
        sold * 31.536 if price is None else sold * 31.536 * price - units @ (of(lambda s: s.usd_per_gpu_year) * gpus)
    )
    return counts, np.where(within, value, -math.inf), units @ (it * gpus)


def small_case(seed):
    """A site and up to three systems with round numbers, so that limits are often hit exactly."""
    random = np.random.default_rng(seed)

    def coarse(low, high, step):
        return float(random.integers(round(low / step), round(high / step), endpoint=True) * step)

    def maybe(value):
        return value if random.random() < 0.5 else math.inf

    systems = [
        system(
            f"s{i}", "node", int(random.choice([1, 4, 8])), coarse(0.5, 3, 0.1), coarse(1, 1.6, 0.1),
            coarse(100, 3000, 50), float(random.choice([0.0, 0.5, 0.9, 1.0])),
            units_per_rack=int(random.integers(1, 4)), usd_per_gpu=coarse(10, 60, 5),
            usd_per_gpu_year=coarse(0, 20_000, 1000),
        )
        for i in range(random.integers(1, 4))
    ]  # fmt: skip
    kw = min(s.it.value * s.gpu_per_unit for s in systems) * coarse(1, 9, 0.25)
    output = max(s.tok_per_s_per_gpu * s.gpu_per_unit for s in systems)
    site = Site(
        OnBasis(kw, str(random.choice([CRITICAL_IT, ALLIN_UTILITY]))),
        headroom_frac=float(random.choice([0.0, 0.1])),
        air_kw=maybe(kw * coarse(0, 1, 0.1)),
        liquid_kw=maybe(kw * coarse(0, 1, 0.1)),
        num_racks=maybe(int(random.integers(1, 7))),
        usd=maybe(coarse(100, 2000, 50)),
        tok_per_s=maybe(output * coarse(0.5, 6, 0.25)),
        num_spare_units=int(random.integers(0, 3)),
    )
    return site, systems, float(random.choice([0.5, 1.0])), coarse(0.05, 1, 0.05) if random.random() < 0.5 else None


@given(st.integers(0, 2**32))
@settings(max_examples=NUM_RANDOM_CASES, deadline=None)
def test_no_fleet_is_better_than_the_plan(seed):
    site, systems, utilisation, price = small_case(seed)
    counts, values, it_kw = by_brute_force(site, systems, utilisation, price)
    fits = (values > -math.inf) & counts.any(axis=1)
    try:
        if price is None:
            fleet = most_tokens(site, systems, utilisation_frac=utilisation)
        else:
            fleet = most_gain(site, systems, usd_per_mtok=price, utilisation_frac=utilisation)
    except InfeasibleError as error:
        assert not fits.any()
        assert error.binding and all(limit in str(error) for limit in error.binding)
        return
    (row,) = np.flatnonzero((counts == fleet.num_serving).all(axis=1))
    planned = values[row]
    assert planned == pytest.approx(values.max(), rel=1e-8, abs=1e-6)
    if price is None and planned == site.tok_per_s * 31.536:  # all is sold: with no more power than it takes
        assert it_kw[row] == pytest.approx(it_kw[values == planned].min(), rel=1e-8)
    assert fleet.broken_limits == []
    if price is not None:
        assert fleet.gain_usd_per_year(price) == pytest.approx(planned, rel=1e-8, abs=1e-6)


@given(st.floats(0.05, 5), st.floats(0.5, 3), st.integers(1, 72))
@settings(max_examples=50, deadline=None)
def test_one_system_fits_as_often_as_a_division_says(mw, kw_per_gpu, gpu_per_unit):
    kind = system(gpu_per_unit=gpu_per_unit, it=kw_per_gpu)
    divided = power.num_gpu_in_power(mw=mw, kw_per_gpu=kw_per_gpu, gpu_per_unit=gpu_per_unit)
    if divided:
        assert most_tokens(it_site(mw), [kind]).num_gpu == divided
    else:
        with pytest.raises(InfeasibleError):
            most_tokens(it_site(mw), [kind])


# --- bad input ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (lambda: it_site(0), "a site needs power: 0 MW holds nothing"),
        (lambda: it_site(-1), "a site needs power: -1 MW"),
        (lambda: it_site(math.nan), "a site needs power"),
        (lambda: it_site(1, liquid_kw=-1), "liquid_kw of a site must be zero or more"),
        (lambda: it_site(1, headroom_frac=math.nan), "headroom_frac of a site"),
        (lambda: it_site(1, num_spare_units=-1), "-1 spare units"),
        (lambda: system(pue=0.9), "GB300: a PUE of 0.9 is below 1"),
        (lambda: system(it=0.0), "must be above zero"),
        (lambda: system(tok_per_s=math.nan), "must be above zero"),
        (lambda: system(tok_per_s=0.0), "must be above zero"),
        (lambda: system(units_per_rack=0), "must be above zero"),
        (lambda: system(liquid=1.2), "not a share of heat"),
        (lambda: most_tokens(it_site(1), []), "^a plan needs at least one system$"),
        (lambda: most_tokens(it_site(1), [H200, H200]), "^two systems of a plan have the same name$"),
        (lambda: most_tokens(it_site(1), [H200], utilisation_frac=0), "^0 is not a utilisation above 0 and up to 1$"),
        (lambda: most_tokens(it_site(1), [H200], utilisation_frac=1.5), "^1.5 is not a utilisation"),
        (lambda: most_gain(it_site(1), [H200], usd_per_mtok=0), "a price must be above zero"),
        (lambda: most_tokens(it_site(1, usd=1e9), [system()]), "capital of GB300 is asked for"),
    ],
)
def test_what_makes_no_sense_is_refused(wrong, says):
    with pytest.raises(ParameterError, match=says) as caught:
        wrong()
    assert caught.value.exit_code == 2
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("site", "kind", "binding", "says"),
    [
        (it_site(0.1), GB300, POWER, "one rack of GB300 needs 152.6 kW of power, and the site has 100.0 kW"),
        (it_site(0.16, headroom_frac=0.1), GB300, POWER, "the site has 145.5 kW after its headroom"),
        (it_site(0.2, num_spare_units=1), GB300, POWER, "2 racks of GB300, spares counted, need 305.3 kW"),
        (it_site(1, liquid_kw=0), GB300, LIQUID, "needs 143.5 kW of liquid cooling, and the site has 0.0 kW"),
        (it_site(1, air_kw=5), H200, AIR, "one node of H200 needs 11.0 kW of air cooling"),
        (it_site(1, num_racks=0), H200, RACKS, "needs 1 of racks, and the site has 0"),
        (it_site(1, usd=1e6), GB300, CAPITAL, "needs 4,320,000 USD of capital, and the site has 1,000,000 USD"),
        (it_site(1, air_kw_per_rack=30), H200, AIR, "a rack of H200 gives off 43.8 kW.* carries 30.0 kW"),
        (it_site(1, air_kw_per_rack=0), H200, AIR, "a rack of H200 gives off 43.8 kW.* carries 0.0 kW"),
        (it_site(1, liquid_kw_per_rack=132), GB300, LIQUID, "a rack of GB300 gives off 152.6 kW"),
    ],
)
def test_where_nothing_fits_the_limit_is_named(site, kind, binding, says):
    with pytest.raises(InfeasibleError, match=rf"nothing fits, for want of {binding}: .*{says}") as caught:
        most_tokens(site, [kind])
    assert caught.value.binding == (binding,)
    assert caught.value.exit_code == 2
    assert "\n" not in str(caught.value)


def test_of_many_that_do_not_fit_the_nearest_is_named_for_each_limit():
    with pytest.raises(InfeasibleError) as caught:
        most_tokens(it_site(0.01, liquid_kw=0), [H200, system("other", "node", 8, 1.3, liquid=0.0), GB300])
    assert str(caught.value) == (
        "nothing fits, for want of power: one node of other needs 10.4 kW of power, and the site has 10.0 kW"
    )
    with pytest.raises(InfeasibleError, match=r"liquid cooling: one node .* 10\.0 kW; one rack of GB300 ") as caught:
        most_tokens(it_site(1, air_kw=10, liquid_kw=0), [H200, GB300])
    assert caught.value.binding == (AIR, LIQUID)
    # 10.96 of 10 kW, 1,060 of 1,000 kW, and some of none
    with pytest.raises(InfeasibleError, match=r"^nothing fits, for want of power, air cooling and liquid cooling: "):
        most_tokens(it_site(1, air_kw=10, liquid_kw=0), [H200, GB300, system("large", "rack", 500, liquid=0.0)])


def test_what_does_not_fit_is_left_out_of_a_mixture_with_a_reason():
    fleet = most_tokens(it_site(1, liquid_kw=0, air_kw_per_rack=50), [GB300, H200])
    assert fleet.num_units == (0, 91)
    assert list(fleet.left_out) == ["GB300"]
    assert list(fleet.stopped_by) == ["H200"]
    assert "liquid cooling" in fleet.left_out["GB300"]


@pytest.mark.parametrize("basis", sorted(set(BASES) - {CRITICAL_IT, ALLIN_UTILITY}))
def test_a_site_on_another_basis_is_refused(basis):
    with pytest.raises(MixedBasisError, match=f"GB300 has no {basis} power"):
        most_tokens(Site(OnBasis(1000, basis)), [GB300])
    with pytest.raises(MixedBasisError):
        System("x", "node", 8, OnBasis(1, basis), OnBasis(2, ALLIN_UTILITY), 100, 0)
    with pytest.raises(MixedBasisError):
        System("x", "node", 8, OnBasis(1, CRITICAL_IT), OnBasis(2, basis), 100, 0)


def test_a_system_without_a_power_row_on_that_day():
    with pytest.raises(NotMeasuredError, match=r"no allin_utility_provisioned power of vr200 .* from 2026-08-26 on"):
        warehouse.connect().power(gpu="vr200", basis=ALLIN_UTILITY, on=date(2026, 4, 15))


# --- speed -------------------------------------------------------------------------------------------------------


def test_eight_systems_and_six_limits_are_planned_in_time():
    random = np.random.default_rng(5)
    systems = [
        system(f"s{i}", "node", int(g), float(kw), 1.3, float(t), float(liquid), units_per_rack=int(per_rack),
               usd_per_gpu=float(usd), usd_per_gpu_year=float(usd) / 3)
        for i, (g, kw, t, liquid, per_rack, usd) in enumerate(zip(
            random.choice([8, 72], 8), random.uniform(1.2, 2.5, 8), random.uniform(500, 6000, 8),
            random.choice([0, 0.94], 8), random.integers(1, 5, 8), random.uniform(2e4, 6e4, 8), strict=True))
    ]  # fmt: skip
    site = meter_site(
        20, headroom_frac=0.1, air_kw=6000, liquid_kw=9000, num_racks=300, usd=3e8, tok_per_s=2.5e7, num_spare_units=1
    )
    most_gain(site, systems, usd_per_mtok=0.3)  # imports the solver
    seconds = []
    for _ in range(3):
        started = time.process_time()
        most_gain(site, systems, usd_per_mtok=0.3)
        seconds.append(time.process_time() - started)
    assert min(seconds) < 0.3


def test_power_alone_may_be_board_power_nowhere():
    with pytest.raises(MixedBasisError, match=BOARD_TDP):
        GB300.kw_per_unit(BOARD_TDP)
