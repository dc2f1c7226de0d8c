"""Tariffs against costs: hand-worked, and against the formulas of a sale without a cache."""

import random

import pytest

from tokenfactory.formulas import cost, finance
from tokenfactory.methods.tariffs import Sale, income_usd_per_mtok, nearest_mix

R1 = {"usd_per_mtok_input": 0.55, "usd_per_mtok_output": 2.19, "usd_per_mtok_cached_input": 0.14}
HITS = (0.0, 0.563, 0.9)


def sale(tariff=R1, tput=9000.0, **more):
    about = dict(isl=8192, osl=1024, usd_per_gpu_hour=2.31, utilisation_frac=0.6) | more
    return Sale(tariff, "gb300", tput_per_gpu=tput, **about)


def test_income_is_that_of_the_mix():
    # (8 (0.1 x 0.55 + 0.9 x 0.14) + 2.19) / 9
    assert income_usd_per_mtok(R1, input_per_output=8, cached_frac=0.9) == pytest.approx(0.404222, rel=1e-5)
    assert income_usd_per_mtok(R1, input_per_output=8) == pytest.approx((8 * 0.55 + 2.19) / 9, rel=1e-12)
    assert sale().margin_frac() == sale().margin_frac(0)


def test_a_tariff_without_a_price_of_cached_input_bills_it_as_input():
    silent = R1 | {"usd_per_mtok_cached_input": None}
    assert [sale(silent).income(h) for h in HITS] == pytest.approx([sale().income(0)] * 3)
    assert [sale(silent).margin_frac(h) > sale().margin_frac(h) for h in HITS] == [False, True, True]


def test_without_a_cache_the_margin_is_that_of_the_whole_cost():
    rng = random.Random(15)
    for _ in range(200):
        tariff = {name: rng.uniform(0.01, 5) for name in R1}
        one = sale(tariff, rng.uniform(10, 2e4), usd_per_gpu_hour=rng.uniform(1, 9), utilisation_frac=rng.random())
        plain = finance.gross_margin_frac(cost_usd_per_mtok=one.usd_per_mtok, price_usd_per_mtok=one.income())
        assert one.margin_frac(0) == pytest.approx(plain, rel=1e-12)
        assert one.cost_at(one.needed_frac) == pytest.approx(one.income())


def test_a_hit_saves_its_arithmetic():
    # 90 % of 8,192 of 9,216 tokens are hits: a fifth is computed, so the cost of 0.1188 becomes 0.02377 of 0.4042
    assert sale().usd_per_mtok == pytest.approx(
        cost.usd_per_mtok(usd_per_gpu_hour=2.31, tok_per_s_per_gpu=9000, utilisation_frac=0.6)
    )
    assert sale().margin_frac(0.9) == pytest.approx(1 - 0.2 * 0.118827 / 0.404222, rel=1e-5)


def test_what_was_not_measured_has_no_cost():
    one = sale(tput=None)
    assert (one.usd_per_mtok, one.margin_frac(0.5), one.needed_frac) == (None, None, None) and one.income() > 0


def test_the_nearest_mix_is_nearest_in_proportion():
    mixes = [(8192, 1024), (1024, 1024), (1024, 8192)]
    assert [nearest_mix(mixes, ratio) for ratio in (0, 0.3, 0.5, 2.7, 2.9, 100)] == [
        mixes[2], mixes[2], mixes[1], mixes[1], mixes[0], mixes[0],
    ]  # fmt: skip
    assert nearest_mix([], 0) is None
