"""Cost against scale: whole units counted one by one, and the tie of one rack with small nodes."""

import math

import numpy as np
import pytest

from tokenfactory.errors import ParameterError
from tokenfactory.methods import scale
from tokenfactory.methods.scale import Unit

# The point of the published claim, on InferenceX' hours and on the typical cost of owning of July 2026.
CLAIM = Unit("GB300", 72, 2.652, 5970.26), Unit("H200", 8, 1.41, 93.153)


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
    assert scale.usd_per_mtok([unit], [0.1 + 0.2, 3.0], utilisation_frac=0.1)[0] == pytest.approx([24e7, 24e7])


def test_at_large_scale_the_cost_is_that_of_divided_units():
    found = scale.usd_per_mtok(CLAIM, [1e16], utilisation_frac=0.6)[:, 0]
    assert found == pytest.approx(
        [u.usd_per_gpu_hour * 1e6 / (3600 * u.tok_per_s_per_gpu * 0.6) for u in CLAIM], rel=1e-3
    )


def test_efficient_from_where_it_stays_within_a_tenth():
    demands = np.geomspace(1e8, 1e13, 4000)
    usd = scale.usd_per_mtok(CLAIM[:1], demands, utilisation_frac=0.6)[0]
    efficient = scale.efficient_tok_per_day(demands, usd)
    assert (usd[demands >= efficient] <= usd.min() * 1.1).all()
    assert not (usd[demands >= 0.9 * efficient] <= usd.min() * 1.1).all()


@pytest.mark.parametrize(
    ("usd", "efficient"),
    [
        ([4.0, 3.0, 2.2, 2.0], 30.0),  # a tenth above the lowest is within it
        ([2.0, 2.1, 2.2, 2.0], 10.0),
        ([2.0, 3.0, 2.0, 3.0], None),
        ([3.0, 2.0, 3.0, 2.0], 40.0),  # it is the last rise that counts
        ([3.0, math.nan, 2.0, 2.0], 30.0),  # no cost is none within
    ],
)
def test_efficient_is_the_first_demand_after_which_no_cost_rises_again(usd, efficient):
    assert scale.efficient_tok_per_day([10, 20, 30, 40], np.array(usd)) == efficient


def test_crossings_are_told_at_the_larger_demand():
    usd = np.array([[1.0, 2.0, 2.0, 2.0], [2.0, 1.0, 1.0, 3.0]])
    assert scale.crossings(CLAIM, [10, 20, 30, 40], usd) == [
        scale.Crossing(20.0, "GB300", "H200"),
        scale.Crossing(40.0, "H200", "GB300"),
    ]


@pytest.mark.parametrize("demand", [0, -1, float("nan"), float("inf")])
def test_a_demand_is_above_zero(demand):
    with pytest.raises(ParameterError, match=r"^a demand must be"):
        scale.usd_per_mtok(CLAIM, [demand], utilisation_frac=0.6)


@pytest.mark.parametrize("use", [0, 1.2, -0.5])
def test_a_use_is_a_share(use):
    with pytest.raises(ParameterError, match="is not a utilisation"):
        scale.usd_per_mtok(CLAIM, [1e9], utilisation_frac=use)
    assert scale.usd_per_mtok(CLAIM, 1e9, utilisation_frac=1).shape == (2, 1)


@pytest.mark.parametrize("figures", [(0, 1.0, 10.0), (8, 0.0, 10.0), (8, 1.0, 0.0), (8, math.nan, 10.0)])
def test_a_unit_has_gpus_a_price_and_a_throughput(figures):
    with pytest.raises(ParameterError, match="a: GPUs, price and throughput of a unit must be above zero"):
        Unit("a", *figures)


def test_no_spare_is_fewer_than_none():
    with pytest.raises(ParameterError, match="-1 spare units"):
        scale.usd_per_mtok(CLAIM, [1e9], utilisation_frac=0.6, num_spare_units=-1)
