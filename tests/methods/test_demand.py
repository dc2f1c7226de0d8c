"""What sells where demand ends, and the fleet that earns most there, against numbers worked by hand."""

import math
from dataclasses import replace

import pytest

from tokenfactory.errors import ParameterError
from tokenfactory.formulas.power_figure import ALLIN_UTILITY, CRITICAL_IT, OnBasis
from tokenfactory.methods import demand, fleets
from tokenfactory.methods.demand import Demand, Plan

MTOK_A_YEAR = 8760 * 3600 / 1e6  # of one token a second


def system(name="X", gpu=10, rate=100.0, usd=1000.0, **more):
    powers = OnBasis(1.0, CRITICAL_IT), OnBasis(1.0, ALLIN_UTILITY)
    return fleets.System(name, "rack", gpu, *powers, rate, 0.0, usd_per_gpu_year=usd, **more)


SITE = fleets.Site(OnBasis(100.0, CRITICAL_IT))  # ten racks of ten GPUs of a kilowatt


def plan_of(num, market=None, **figures):
    return Plan(fleets.Fleet(SITE, (system(**figures),), (num,), 1.0, {}), market or Demand(1.0))


def test_beyond_demand_only_an_elasticity_above_one_sells_more():
    # 1,000 tokens a second are asked at 1 USD; 4,000 could be sold
    for elasticity, sold, price in ((0.0, 1000, 1.0), (1.0, 1000, 1.0), (2.0, 4000, 0.5)):
        market = Demand(1.0, 1000.0, elasticity)
        assert market.sold(4000.0) == sold
        assert market.price(market.sold(4000.0)) == pytest.approx(price, rel=1e-12)
        assert market.usd_per_year(4000.0) == pytest.approx(sold * price * MTOK_A_YEAR, rel=1e-12)
        assert market.sold(500.0) == 500.0 and market.price(500.0) == 1.0


def test_a_plan_sells_less_its_cost():
    plan = plan_of(2)  # 20 GPUs: 2,000 tok/s, 20,000 USD a year
    assert plan.gain_usd_per_year == pytest.approx(2000 * MTOK_A_YEAR - 20_000, rel=1e-12)
    assert plan.break_even_usd_per_mtok == pytest.approx(20_000 / (2000 * MTOK_A_YEAR), rel=1e-12)
    assert plan_of(0).break_even_usd_per_mtok is None
    assert plan.tok_per_day == 2000 * 86_400


@pytest.mark.parametrize("elasticity", [0.0, 1.5, 3.0])
def test_the_best_number_of_units_is_that_of_trying_all(elasticity):
    market = Demand(1.0, 2500.0, elasticity)
    best = demand.most_gain(SITE, [system()], market, utilisation_frac=1.0)
    tried = {num: plan_of(num, market).gain_usd_per_year for num in range(11)}
    assert best.fleet.num_serving[0] == max(tried, key=tried.get)
    assert best.gain_usd_per_year == pytest.approx(max(tried.values()), rel=1e-12)


def test_without_an_end_of_demand_it_is_the_fleet_of_most_gain():
    kinds = [system(), system("Y", gpu=8, rate=300.0, usd=5000.0)]
    best = demand.most_gain(SITE, kinds, Demand(0.5, math.inf, 2.0), utilisation_frac=0.6)
    assert best.fleet.num_units == fleets.most_gain(SITE, kinds, usd_per_mtok=0.5, utilisation_frac=0.6).num_units


def test_the_leader_and_the_next():
    kinds = [system(), system("Y", rate=90.0), system("Z", rate=0.001)]
    told = demand.lead(SITE, kinds, Demand(1.0), utilisation_frac=1.0)
    gain = [10_000 * MTOK_A_YEAR - 100_000, 9000 * MTOK_A_YEAR - 100_000]
    assert (told["first"], told["second"]) == ("X", "Y")
    assert (told["gain"], told["lead"]) == pytest.approx((gain[0], gain[0] - gain[1]), rel=1e-12)
    alone = demand.lead(SITE, kinds[2:], Demand(1.0), utilisation_frac=1.0)
    assert alone == {"first": None, "gain": None, "second": None, "lead": None}


def test_half_of_what_a_fleet_uses():
    assert "half of its capital" not in demand.halved(plan_of(4))
    halves = demand.halved(plan_of(4, usd_per_gpu=50.0))
    assert halves["half of its capital"].usd == 1000 and halves["half of its rack positions"].num_racks == 2
    assert halves["demand for half of its tokens"].tok_per_s == 2000
    assert demand.halved(plan_of(0)) == {}


def test_replacing_pays_back_what_it_costs_more():
    old, new = (fleets.most_tokens(SITE, [system(n, rate=r)]) for n, r in (("OLD", 10.0), ("NEW", 100.0)))
    costs = {"OLD": {"capital": 9.0, "resale": 100.0, "running": 500.0},
             "NEW": {"capital": 900.0, "resale": 0.0, "running": 700.0}}  # fmt: skip
    full, few = demand.replacements([old, new], ["OLD"], costs, usd_per_mtok=1.0, most_sales=2.0)
    kept, replaced = 1000 * MTOK_A_YEAR - 50_000, 10_000 * MTOK_A_YEAR - 70_000
    assert full["is_full"] and not few["is_full"] and few["new"].num_serving == (2,)
    assert full["outlay_usd"] == 100 * 900 - 100 * 100
    assert full["payback_year"] == pytest.approx(80_000 / (replaced - kept), rel=1e-12)
    assert few["replaced_usd_per_year"] == pytest.approx(2000 * MTOK_A_YEAR - 20 * 700, rel=1e-12)
    worse = demand.replacements([old, new], ["OLD"], costs, usd_per_mtok=1e-6, most_sales=2.0)
    assert worse[0]["payback_year"] == math.inf


def test_a_price_of_nothing_is_refused():
    with pytest.raises(ParameterError, match="above zero"):
        Demand(0.0)
    with pytest.raises(ParameterError, match="zero or more"):
        replace(Demand(1.0), elasticity=-1.0)
