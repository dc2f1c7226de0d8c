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
    assert Demand(1.0, 1000.0, 1.0).price(4000.0) == 1.0, "a lower price brings no more money: it stays"


def test_a_plan_sells_less_its_cost():
    plan = plan_of(2)  # 20 GPUs: 2,000 tok/s, 20,000 USD a year
    assert plan.gain_usd_per_year == pytest.approx(2000 * MTOK_A_YEAR - 20_000, rel=1e-12)
    assert plan.break_even_usd_per_mtok == pytest.approx(20_000 / (2000 * MTOK_A_YEAR), rel=1e-12)
    assert plan_of(0).break_even_usd_per_mtok is None
    assert plan.tok_per_day == 2000 * 86_400


@pytest.mark.parametrize(
    ("elasticity", "usd", "num"),
    # A unit sells 500 tok/s at half use and would be worth 15,768 USD a year. Beyond demand its last token brings
    # (1 - 1/e) of its price: at e = 3 and 9,000 USD a unit up to 1,000 (15,768 x 2/3 / 9,000)^3 tok/s, 3.2 units.
    [(0.0, 1000, 2), (1.5, 200, 9), (3.0, 900, 3), (3.0, 100, 9), (3.0, 1600, 0), (1.5, 1500, 0)],
)
def test_the_best_number_of_units_is_that_of_trying_all(elasticity, usd, num):
    market, site = Demand(1.0, 1000.0, elasticity), replace(SITE, num_spare_units=1)
    best = demand.most_gain(site, [system(usd=usd)], market, utilisation_frac=0.5)
    tried = {n: replace(best, fleet=replace(best.fleet, num_serving=(n,))).gain_usd_per_year for n in range(10)}
    assert best.fleet.num_serving[0] == max(tried, key=tried.get) == num
    assert best.gain_usd_per_year == pytest.approx(max(tried.values()), rel=1e-12)


def test_a_mixture_may_beat_each_system_alone():
    # 100 kW: 16 units of 6 kW make 10,560 tok/s, 10 of 10 kW 10,000; 15 and 1 make 10,900
    kinds, market = [system("A", gpu=6, rate=110.0), system("B", rate=100.0)], Demand(1.0, 20_000.0, 1.5)
    best = demand.most_gain(SITE, kinds, market, utilisation_frac=1.0)
    assert (best.fleet.num_serving, best.fleet.site) == ((15, 1), SITE)


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
    # of what sells 3,153.60 USD a year, one costs that and one half a dollar less
    even, little = system("even", rate=1.0, usd=31.536), system("little", rate=1.0, usd=31.531)
    told = demand.lead(SITE, [even, little], Demand(1.0), utilisation_frac=1.0)
    assert (told["first"], told["second"]) == ("little", None) and told["gain"] == pytest.approx(0.5)


def test_half_of_what_a_fleet_uses():
    assert "half of its capital" not in demand.halved(plan_of(4))
    warm = replace(system(usd_per_gpu=50.0), it=OnBasis(0.8, CRITICAL_IT), liquid_heat_frac=0.5)
    plan = plan_of(5)
    halves = demand.halved(replace(plan, fleet=replace(plan.fleet, systems=(warm,))))
    assert halves["half of its capital"].usd == 1250 and halves["half of its rack positions"].num_racks == 2
    assert halves["demand for half of its tokens"].tok_per_s == 2500
    assert halves["half of the liquid cooling it uses"].liquid_kw == 10  # half of 5 x 10 x 0.8 x 0.5
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
    assert (full["old"], full["new"], full["kept_usd_per_year"]) == (old, new, pytest.approx(kept, rel=1e-12))
    worse = demand.replacements([old, new], ["OLD"], costs, usd_per_mtok=1e-6, most_sales=2.0)
    assert worse[0]["payback_year"] == math.inf


@pytest.mark.parametrize(
    ("running", "resale", "payback"),
    # 100 GPUs sell 15,768 USD a year at half use, and the new ones ten times that.
    [(1419.12, 0.0, math.inf), (1419.115, 0.0, 90_000 / 0.5), (0.0, 1000.0, 0.0)],
)
def test_replacing_pays_back_where_it_earns_more(running, resale, payback):
    old, new = (fleets.most_tokens(SITE, [system(n, rate=r)], utilisation_frac=0.5)
                for n, r in (("OLD", 10.0), ("NEW", 100.0)))  # fmt: skip
    costs = {"OLD": {"capital": 9.0, "resale": resale, "running": 0.0},
             "NEW": {"capital": 900.0, "resale": 0.0, "running": running}}  # fmt: skip
    (full,) = demand.replacements([old, new], ["OLD"], costs, usd_per_mtok=1.0, most_sales=10.0)
    assert full["payback_year"] == pytest.approx(payback, rel=1e-6)
    (_, few) = demand.replacements([old, new], ["OLD"], costs, usd_per_mtok=1.0, most_sales=2.0)
    assert few["new"].num_serving == (2,) and few["new"].sold_tok_per_s == 1000.0


def test_a_price_of_nothing_is_refused():
    for wrong in ((0.0,), (1.0, 0.0), (1.0, 10.0, -1.0), (1.0, 10.0, math.inf)):
        with pytest.raises(
            ParameterError, match=r"^a price and a demand must be above zero, an elasticity zero or more$"
        ):
            Demand(*wrong)
    assert Demand(1.0, 0.5).sold(2.0) == 0.5
