"""Hand-worked vectors of `reuse`: DeepSeek-R1's 35,136 cached values a token, and GB300's prefill."""

import formula_vectors
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenfactory.formulas import cost, finance, reuse

GB = 35.136  # a million tokens in FP8
FRESH = 2.31e6 / (3600 * 20_893)  # 0.030712
POOLS = dict(isl_tok=8192.0, osl_tok=1024.0, usd_per_mtok_fresh=0.0352587, usd_per_mtok_output=0.173550)
TARIFF = dict(
    cost_usd_per_mtok=0.1, isl_tok=8192.0, osl_tok=1024.0, usd_per_mtok_input=0.55, usd_per_mtok_output=2.19,
    usd_per_mtok_cached_input=0.14,
)  # fmt: skip

VECTORS = [
    # (512 + 64) * 61 values of one byte, of two
    (reuse.kv_gb_per_mtok, dict(kv_value_per_tok=(512 + 64) * 61, byte_per_value=1), 35.136),
    (reuse.kv_gb_per_mtok, dict(kv_value_per_tok=35_136, byte_per_value=2), 70.272),
    # 35.136 * 2100 / 128 = 576.45 USD over 35,040 h; 35.136 * 2400 / 128 = 658.8
    (reuse.storage_usd_per_mtok_hour, dict(gb_per_mtok=GB, usd_per_gb=2100 / 128, life_year=4), 0.0164512),
    (reuse.storage_usd_per_mtok_hour, dict(gb_per_mtok=GB, usd_per_gb=2400 / 128, life_year=4), 0.0188014),
    # 0.0307120 over the middle of both, 0.0176263; from 1.63 to 1.87 h at the ends
    (
        reuse.break_even_residence_h,
        dict(usd_per_mtok_fresh=FRESH, storage_usd_per_mtok_hour=0.0176263),
        1.742397,
    ),
    (
        reuse.break_even_residence_h,
        dict(usd_per_mtok_fresh=0.5, storage_usd_per_mtok_hour=0.1, usd_per_mtok_cached=0.2),
        3.0,
    ),
    # 8192 tokens are 0.287834 GB
    (reuse.load_ms, dict(num_tok=8192, gb_per_mtok=GB, gb_per_s=83.4), 3.451248),
    (reuse.load_ms, dict(num_tok=8192, gb_per_mtok=GB, gb_per_s=142), 2.027001),
    # 2.31 USD an hour, 60% used: 35.136 GB take 0.4213 s, of 0.00106944 USD each
    (
        reuse.loaded_usd_per_mtok,
        dict(usd_per_gpu_hour=2.31, gb_per_mtok=GB, gb_per_s=83.4, utilisation_frac=0.6),
        4.505514e-4,
    ),
    (reuse.prefill_ms, dict(num_tok=8192, tok_per_s=20_893), 392.0930),
    (reuse.input_usd_per_mtok, dict(usd_per_mtok_fresh=2.0, usd_per_mtok_cached=0.5, cached_frac=0.6), 1.1),
    # (8192 * 0.0352587 + 1024 * 0.17355) / 10^6; half of the first gone
    (reuse.request_usd, POOLS, 4.665545e-4),
    (reuse.request_usd, POOLS | dict(cached_frac=0.5), 3.221348e-4),
    # 8192 * (0.5 * 0.0352587 + 0.5 * 0.01) = 185.380
    (reuse.request_usd, POOLS | dict(cached_frac=0.5, usd_per_mtok_cached=0.01), 3.630948e-4),
    (reuse.min_cached_frac, POOLS | dict(usd_per_request=3.630948e-4, usd_per_mtok_cached=0.01), 0.5),
    (reuse.cached_total_frac, dict(isl_tok=8192, osl_tok=1024, cached_frac=0.563), 0.500444),
    # nine tokens of ten are input: (8 * 0.55 + 2.19) / 9 = 0.732222; 1 - 0.1 / 0.732222
    (reuse.tariff_margin_frac, TARIFF, 0.863429),
    # (8 * (0.563 * 0.14 + 0.437 * 0.55) + 2.19) / 9 = 0.527031; computed 1 - 0.563 * 8 / 9 = 0.499556
    (reuse.tariff_margin_frac, TARIFF | dict(cached_frac=0.563), 0.905213),
    # 500 GPUs sell 300 GPU-seconds a second; an agent takes 0.25 in 30
    (reuse.agents_per_mw, dict(kw_per_gpu=2.0, gpu_s_per_turn=0.25, s_per_turn=30, utilisation_frac=0.6), 36_000),
]
test_vector, test_same_result_for_every_kind_of_argument = formula_vectors.tests_of(VECTORS)


def test_the_ranges_as_they_are_quoted():
    """A million tokens: 35.14 GB of DRAM, what an hour of it costs, and about 1.7 hours of it for one use."""
    assert round(reuse.kv_gb_per_mtok(kv_value_per_tok=35_136, byte_per_value=1), 2) == 35.14
    store = [reuse.storage_usd_per_mtok_hour(gb_per_mtok=GB, usd_per_gb=p / 128, life_year=4) for p in (2100, 2400)]
    assert [round(usd, 4) for usd in store] == [0.0165, 0.0188]
    hours = [reuse.break_even_residence_h(usd_per_mtok_fresh=FRESH, storage_usd_per_mtok_hour=usd) for usd in store]
    assert [round(h, 1) for h in hours] == [1.9, 1.6]


def test_pools_of_a_deployed_system():
    """26 prefill and 16 decode GPUs were deployed; without a cache the mix asks for 26.0."""
    mix = dict(isl_tok=8192, osl_tok=1024, tok_per_s_per_prefill_gpu=20893.2, tok_per_s_per_decode_gpu=4244.7)
    assert 16 * cost.prefill_gpu_per_decode_gpu(**mix) == pytest.approx(26.0, abs=0.01)
    assert 16 * cost.prefill_gpu_per_decode_gpu(**mix, cached_frac=0.9) == pytest.approx(2.6, abs=0.001)


def test_a_request_costs_what_its_pools_are_paid():
    """The pools that keep both roles busy, paid by the hour, come to the sum of what the tokens cost."""
    for h in (0, 0.563, 0.9):
        mix = dict(isl_tok=8192, osl_tok=1024, tok_per_s_per_prefill_gpu=20893.2, tok_per_s_per_decode_gpu=4244.7)
        num_prefill = cost.prefill_gpu_per_decode_gpu(**mix, cached_frac=h)
        requests_per_s = 4244.7 / 1024  # of one decode GPU
        paid = 2.652 / 3600 * (num_prefill + 1) / requests_per_s
        assert reuse.request_usd(**POOLS, cached_frac=h) == pytest.approx(paid, rel=5e-6)


rate = st.floats(1e-3, 100)


@given(fresh=rate, out=rate, h=st.floats(0, 1), share=st.floats(0, 0.9))
def test_the_least_hit_rate_returns_where_it_came_from(fresh, out, h, share):
    tokens = dict(isl_tok=9000, osl_tok=300, usd_per_mtok_fresh=fresh, usd_per_mtok_output=out)
    cached = dict(usd_per_mtok_cached=share * fresh)
    paid = reuse.request_usd(**tokens, **cached, cached_frac=h)
    assert reuse.min_cached_frac(**tokens, **cached, usd_per_request=paid) == pytest.approx(h, abs=1e-6)


@given(c=rate, fresh=rate, out=rate, cached=rate)
def test_without_a_hit_rate_a_margin_is_what_it_always_was(c, fresh, out, cached):
    tariff = dict(usd_per_mtok_input=fresh, usd_per_mtok_output=out, usd_per_mtok_cached_input=cached)
    price = cost.blended_usd_per_mtok(**tariff, input_per_output=8192 / 1024)
    assert reuse.tariff_margin_frac(
        **tariff, cost_usd_per_mtok=c, isl_tok=8192, osl_tok=1024
    ) == finance.gross_margin_frac(cost_usd_per_mtok=c, price_usd_per_mtok=price)
