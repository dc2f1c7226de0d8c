"""Cost against scale: whole units counted one by one, and the tie of one rack with small nodes."""

import math

import numpy as np
import pytest

from tokenfactory.errors import InfeasibleError, ParameterError
from tokenfactory.methods import scale
from tokenfactory.methods.scale import Unit

# The point of the published claim, on InferenceX' hours and on the typical cost of owning of July 2026.
CLAIM = Unit("GB300", 72, 2.652, 5970.26), Unit("H200", 8, 1.41, 93.153)
OWNED = Unit("GB300", 72, 3.5855, 5970.26), Unit("H200", 8, 2.3615, 93.153)


@pytest.mark.parametrize(("pair", "million"), [(CLAIM, 654), (OWNED, 528)])
def test_the_tie_of_one_rack(pair, million):
    assert round(scale.tie_tok_per_day(*pair, utilisation_frac=0.6) / 1e6) == million


def test_in_whole_nodes_the_tie_falls_where_one_more_node_is_needed():
    # One rack is 4,582.66 USD a day and a node 270.72: seventeen nodes are dearer, and the seventeenth is needed above
    # sixteen times 8 x 93.153 x 86,400 x 0.6 tokens.
    demands = np.linspace(6.0e8, 6.6e8, 601)
    found = scale.crossings(CLAIM, demands, scale.usd_per_mtok(CLAIM, demands, utilisation_frac=0.6))
    (crossing,) = found
    assert (crossing.below, crossing.above) == ("H200", "GB300")
    assert crossing.tok_per_day == pytest.approx(16 * 8 * 93.153 * 86_400 * 0.6, abs=1e5)


def test_every_demand_is_counted_in_whole_units():
    random = np.random.default_rng(3)
    units = [Unit(f"u{i}", int(n), p, t) for i, (n, p, t) in enumerate(
        zip(random.integers(1, 73, 9), random.uniform(1, 6, 9), random.uniform(50, 9000, 9), strict=True))]  # fmt: skip
    demands = 10 ** random.uniform(6, 13, 50)
    for spare in (0, 1):
        found = scale.usd_per_mtok(units, demands, utilisation_frac=0.55, num_spare_units=spare)
        for i, unit in enumerate(units):
            for j, demand in enumerate(demands):
                per_unit = unit.tok_per_s_per_gpu * unit.gpu_per_unit * 86_400 * 0.55
                number = next(n for n in range(math.floor(demand / per_unit), 10**9) if n * per_unit >= demand)
                usd = (number + spare) * unit.gpu_per_unit * unit.usd_per_gpu_hour * 24
                assert found[i, j] == pytest.approx(usd / demand * 1e6)


def test_a_demand_that_is_just_met_needs_no_unit_more():
    unit = Unit("a", 1, 1.0, 1 / 86_400)
    assert scale.num_units([unit], [0.1 + 0.2, 3.0], utilisation_frac=0.1).tolist() == [[3, 30]]


def test_at_large_scale_the_cost_is_that_of_divided_units():
    found = scale.usd_per_mtok(CLAIM, [1e16], utilisation_frac=0.6)[:, 0]
    assert found == pytest.approx([scale.divided_usd_per_mtok(u, utilisation_frac=0.6) for u in CLAIM], rel=1e-3)


def test_efficient_from_where_it_stays_within_a_tenth():
    demands = np.geomspace(1e8, 1e13, 4000)
    usd = scale.usd_per_mtok(CLAIM[:1], demands, utilisation_frac=0.6)[0]
    efficient = scale.efficient_tok_per_day(demands, usd)
    assert (usd[demands >= efficient] <= usd.min() * 1.1).all()
    assert not (usd[demands >= 0.9 * efficient] <= usd.min() * 1.1).all()


def test_what_no_fleet_meets_is_refused():
    with pytest.raises(InfeasibleError, match=r"tok_per_day: 1,000,000,000,000 tokens a day are asked, and 2 units"):
        scale.usd_per_mtok(CLAIM, [1e9, 1e12], utilisation_frac=0.6, max_units=2)
    few = scale.usd_per_mtok(CLAIM, [1e9], utilisation_frac=0.6, max_units=2)
    assert few[0, 0] > 0 and np.isnan(few[1, 0])


@pytest.mark.parametrize("demand", [0, -1, float("nan"), float("inf")])
def test_a_demand_is_above_zero(demand):
    with pytest.raises(ParameterError, match="a demand must be"):
        scale.usd_per_mtok(CLAIM, [demand], utilisation_frac=0.6)


@pytest.mark.parametrize("use", [0, 1.2, -0.5])
def test_a_use_is_a_share(use):
    with pytest.raises(ParameterError, match="is not a utilisation"):
        scale.usd_per_mtok(CLAIM, [1e9], utilisation_frac=use)
    with pytest.raises(ParameterError, match="must be above zero"):
        Unit("a", 8, 0.0, 10)
