"""A cache in tiers: hits of each room, and what input costs where hits are loaded from where they lie."""

from dataclasses import replace

import numpy as np
import pytest

from tokenfactory.methods import tiers
from tokenfactory.methods.cache import Curve
from tokenfactory.methods.pools import Pools
from tokenfactory.methods.tiers import Tier

# A block of 1,000 tokens takes 1 GB: 1,000 GB a million. 4 blocks catch 1, 2, 3, 4 of ten asked for.
CURVE = Curve(np.array([0, 1, 2, 3, 4]), 10)
POOLS = Pools({}, prefill_tok_per_s=1000.0, decode_tok_per_s=100.0, usd_per_gpu_s=0.001)
HOW = {"block_tok": 1000, "gb_per_mtok": 1000.0}


def fill(*rooms_gb):
    kinds = [Tier(str(i), room / 1000, 100.0 / 10**i, 8.766) for i, room in enumerate(rooms_gb)]
    return tiers.fill(kinds, CURVE, POOLS, **HOW, life_year=1.0)


def test_each_tier_adds_its_room_and_its_loading():
    # a computed million costs 1 USD; loading one 0.01 USD from the first memory, 0.1 from the second
    first, second = fill(1.0, 2.0)
    assert (first.tier.name, second.tier.name) == ("0", "1")
    assert (first.room_tb, first.hit_frac) == pytest.approx((0.001, 0.1))
    assert first.input_usd_per_mtok == pytest.approx(0.9 + 0.1 * 0.01)
    assert (second.room_tb, second.hit_frac) == pytest.approx((0.003, 0.3))
    assert second.input_usd_per_mtok == pytest.approx(0.7 + 0.1 * 0.01 + 0.2 * 0.1)
    # 1,000 GB at 8.766 USD over 8,766 hours: a dollar an hour, so a prefix that spares 0.99 is worth 0.99 hours
    assert first.residence_h == pytest.approx(0.99, rel=1e-3)


def test_twice_the_price_of_a_gpu_is_twice_the_price_of_input():
    dear = replace(POOLS, usd_per_gpu_s=0.002)
    (found,) = tiers.fill([Tier("0", 0.001, 100.0, 8.766)], CURVE, dear, **HOW, life_year=1.0)
    assert found.input_usd_per_mtok == pytest.approx(2 * (0.9 + 0.1 * 0.01))


def test_a_memory_without_end_hits_all_that_repeats():
    assert fill(1.0, float("inf"))[-1].hit_frac == pytest.approx(0.4) and fill() == []


def test_what_hits_spare_and_memory_costs_in_an_hour():
    prices = {"gb_per_s": 100.0, "storage_usd_per_mtok_hour": 3.0}
    saved, paid = tiers.usd_per_hour(CURVE, POOLS, **HOW, hours=2.0, **prices)
    assert saved == pytest.approx(np.arange(5) * 0.99 * 0.001 / 2, rel=1e-12)
    assert paid == pytest.approx(np.arange(5) * 0.003, rel=1e-12)
