"""Hand-worked vectors of `cost`. p = USD per GPU-hour, t = tok/s per GPU, u = utilisation."""

import formula_vectors
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenfactory.formulas import cost

H200 = dict(usd_per_gpu_hour=1.41, tok_per_s_per_gpu=93.25)
GB300 = dict(usd_per_gpu_hour=2.652, tok_per_s_per_gpu=5930.0)
# A disaggregated GB300 system: 26 prefill GPUs at 20,893.2 and 16 decode GPUs at 4,244.7 tok/s per GPU.
ROLES = dict(
    tok_per_s_per_prefill_gpu=20893.2, tok_per_s_per_decode_gpu=4244.7, num_prefill_gpu=26.0, num_decode_gpu=16.0
)
R1_TARIFF = dict(usd_per_mtok_input=0.55, usd_per_mtok_output=2.19, usd_per_mtok_cached_input=0.14)

VECTORS = [
    # 1.41e6 / (3600 * 93.25) = 1410000 / 335700
    (cost.usd_per_mtok, H200, 4.20018),
    # 4.200179 / 0.6
    (cost.usd_per_mtok, H200 | dict(utilisation_frac=0.6), 7.00030),
    # 2652000 / 21348000
    (cost.usd_per_mtok, GB300, 0.124227),
    (cost.usd_per_mtok, GB300 | dict(utilisation_frac=0.6), 0.207045),
    # InferenceX rows: 1300000 / 7200000; 2652000 / 36000000; 1950000 / 1501200
    (cost.usd_per_mtok, dict(usd_per_gpu_hour=1.30, tok_per_s_per_gpu=2000.0), 0.180556),
    (cost.usd_per_mtok, dict(usd_per_gpu_hour=2.652, tok_per_s_per_gpu=10000.0), 0.0736667),
    (cost.usd_per_mtok, dict(usd_per_gpu_hour=1.95, tok_per_s_per_gpu=417.0), 1.298961),
    # output and input tokens of the same rows, each charged the whole price: 1300000 / 800000 and 1300000 / 6400000,
    # 2652000 / 3999996 and 2652000 / 32000004, 1950000 / 166788 and 1950000 / 1334412
    (cost.usd_per_mtok, dict(usd_per_gpu_hour=1.30, tok_per_s_per_gpu=222.2222), 1.625),
    (cost.usd_per_mtok, dict(usd_per_gpu_hour=1.30, tok_per_s_per_gpu=1777.7778), 0.203125),
    (cost.usd_per_mtok, dict(usd_per_gpu_hour=2.652, tok_per_s_per_gpu=1111.11), 0.663001),
    (cost.usd_per_mtok, dict(usd_per_gpu_hour=2.652, tok_per_s_per_gpu=8888.89), 0.0828750),
    (cost.usd_per_mtok, dict(usd_per_gpu_hour=1.95, tok_per_s_per_gpu=46.33), 11.691489),
    (cost.usd_per_mtok, dict(usd_per_gpu_hour=1.95, tok_per_s_per_gpu=370.67), 1.461318),
    # 16 prefill and 32 decode GPUs: in total, per GPU of the role as InferenceX prints it, and over all 48
    (cost.usd_per_mtok, dict(usd_per_gpu_hour=2.31, tok_per_s_per_gpu=10000.0), 0.0641667),
    (cost.usd_per_mtok, dict(usd_per_gpu_hour=2.31, tok_per_s_per_gpu=1666.667), 0.385),
    (cost.usd_per_mtok, dict(usd_per_gpu_hour=2.31, tok_per_s_per_gpu=26666.667), 0.0240625),
    (cost.usd_per_mtok, dict(usd_per_gpu_hour=2.31, tok_per_s_per_gpu=1666.667 * 32 / 48), 0.5775),
    (cost.usd_per_mtok, dict(usd_per_gpu_hour=2.31, tok_per_s_per_gpu=26666.667 * 16 / 48), 0.0721875),
    # 16 of 48 GPUs, back to the GPUs of the role: 26666.667 * 16 / 48 * 48 / 16
    (
        cost.tok_per_s_per_role_gpu,
        dict(tok_per_s_per_deployed_gpu=8888.889, num_gpu=48.0, num_role_gpu=16.0),
        26666.667,
    ),
    # a price of one's own: 2500000 / 36000000
    (cost.usd_per_mtok, dict(usd_per_gpu_hour=2.5, tok_per_s_per_gpu=10000.0), 0.0694444),
    # each role charged with its own GPUs: 2652000 / (3600 * 20893.2), 2652000 / (3600 * 4244.7)
    (cost.usd_per_mtok, dict(usd_per_gpu_hour=2.652, tok_per_s_per_gpu=20893.2), 0.0352587),
    (cost.usd_per_mtok, dict(usd_per_gpu_hour=2.652, tok_per_s_per_gpu=4244.7), 0.173550),
    # 2652000 / 360
    (cost.tok_per_s_per_gpu_from_usd_per_mtok, dict(usd_per_gpu_hour=2.652, usd_per_mtok=0.10), 7366.67),
    (
        cost.tok_per_s_per_gpu_from_usd_per_mtok,
        dict(usd_per_gpu_hour=2.652, usd_per_mtok=0.10, utilisation_frac=0.6),
        12277.8,
    ),
    # 0.124227 / 0.5; at 0.05 USD and 14,550.9 tok/s it is above 1: the price cannot be reached
    (cost.break_even_utilisation_frac, GB300 | dict(usd_per_mtok=0.5), 0.248454),
    (
        cost.break_even_utilisation_frac,
        dict(usd_per_gpu_hour=2.652, tok_per_s_per_gpu=14550.9, usd_per_mtok=0.05),
        1.01254,
    ),
    # 4.20018 * 3600 * 5930 / 1e6 = 1.41 * 63.5925
    (cost.break_even_usd_per_gpu_hour, dict(usd_per_mtok=1.41e6 / (3600 * 93.25), tok_per_s_per_gpu=5930.0), 89.6654),
    # 2.19 * 0.023 / 0.875 = 0.05037 / 0.875; 2.19 * 0.012 / 0.7 = 0.02628 / 0.7
    (
        cost.usd_per_finished_task,
        dict(usd_per_mtok=2.19, mtok_per_attempt=0.023, success_frac=0.875),
        0.0575657,
    ),
    (cost.usd_per_finished_task, dict(usd_per_mtok=2.19, mtok_per_attempt=0.012, success_frac=0.7), 0.0375429),
    # FP8 with sparsity, FP8 dense; FP4 dense, FP4 with sparsity, FP8 dense
    (cost.pflop_per_s_per_usd_per_hour, dict(pflop_per_s=3.958, usd_per_gpu_hour=1.41), 2.80709),
    (cost.pflop_per_s_per_usd_per_hour, dict(pflop_per_s=1.979, usd_per_gpu_hour=1.41), 1.40355),
    (cost.pflop_per_s_per_usd_per_hour, dict(pflop_per_s=15.0, usd_per_gpu_hour=2.652), 5.65611),
    (cost.pflop_per_s_per_usd_per_hour, dict(pflop_per_s=20.0, usd_per_gpu_hour=2.652), 7.54148),
    (cost.pflop_per_s_per_usd_per_hour, dict(pflop_per_s=5.0, usd_per_gpu_hour=2.652), 1.88537),
    # 86400 * 93.25; 86400 * 5930; ten megawatts of H200 at 60%: 86400 * 538985 * 0.6
    (cost.tok_per_day, dict(tok_per_s=93.25), 8056800),
    (cost.tok_per_day, dict(tok_per_s=5930.0), 512352000),
    (cost.tok_per_day, dict(tok_per_s=538985.0, utilisation_frac=0.6), 2.79410e10),
    # 1/9 and 8/9 of the total at 8192/1024
    (cost.output_scope, dict(total=10000.0, isl_tok=8192.0, osl_tok=1024.0), 1111.11),
    (cost.input_scope, dict(total=10000.0, isl_tok=8192.0, osl_tok=1024.0), 8888.89),
    # (3 * 0.55 + 2.19) / 4; hits at 56.3%; (8 * 0.55 + 2.19) / 9
    (cost.blended_usd_per_mtok, R1_TARIFF | dict(input_per_output=3.0), 0.960000),
    (cost.blended_usd_per_mtok, R1_TARIFF | dict(input_per_output=3.0, cached_frac=0.563), 0.786878),
    (cost.blended_usd_per_mtok, R1_TARIFF | dict(input_per_output=8.0), 0.732222),
    # a hit that costs nothing: (3 * 2 / 2 + 6) / 4
    (
        cost.blended_usd_per_mtok,
        dict(usd_per_mtok_input=2.0, usd_per_mtok_output=6.0, input_per_output=3.0, cached_frac=0.5),
        2.25,
    ),
    # three of four input tokens are fresh: 0.75 * 8 * 1000 / 4000
    (
        cost.prefill_gpu_per_decode_gpu,
        dict(
            isl_tok=8192.0,
            osl_tok=1024.0,
            tok_per_s_per_prefill_gpu=4000.0,
            tok_per_s_per_decode_gpu=1000.0,
            cached_frac=0.25,
        ),
        1.5,
    ),
    # 8 * 4244.7 / 20893.2; deployed was 26/16 = 1.625
    (
        cost.prefill_gpu_per_decode_gpu,
        dict(isl_tok=8192.0, osl_tok=1024.0, tok_per_s_per_prefill_gpu=20893.2, tok_per_s_per_decode_gpu=4244.7),
        1.62529,
    ),
]
test_vector, test_same_result_for_every_kind_of_argument = formula_vectors.tests_of(VECTORS)


def test_missing_stays_missing():
    frame = pl.DataFrame({"p": [1.41, None], "t": [None, 93.25]})
    cost_column = cost.usd_per_mtok(usd_per_gpu_hour=pl.col("p"), tok_per_s_per_gpu=pl.col("t"))
    assert frame.select(cost_column).to_series().to_list() == [None, None]


def test_zero_throughput_is_not_free():
    with pytest.raises(ZeroDivisionError):
        cost.usd_per_mtok(usd_per_gpu_hour=1.41, tok_per_s_per_gpu=0)


def test_deepseeks_published_day():
    """DeepSeek's inference overview: 226.75 nodes of 8 GPUs for 24 h at 2 USD; 608 G input, 168 G output tokens."""
    usd_per_day = 226.75 * 8 * 24 * 2
    assert usd_per_day == 87072
    tok_per_s_per_gpu = (608e9 + 168e9) / 86400 / (226.75 * 8)
    assert cost.usd_per_mtok(usd_per_gpu_hour=2, tok_per_s_per_gpu=tok_per_s_per_gpu) == pytest.approx(
        0.112206, rel=5e-6
    )
    # 87072 USD over 168,000 Mtok of output
    assert usd_per_day / 168e3 == pytest.approx(0.518286, rel=5e-6)


positive = st.floats(1e-3, 1e6)
share = st.floats(0.01, 1)


@given(p=positive, t=positive, u=share, k=st.floats(0.1, 10))
def test_cost_is_proportional_to_price_and_inverse_to_throughput_and_utilisation(p, t, u, k):
    base = cost.usd_per_mtok(usd_per_gpu_hour=p, tok_per_s_per_gpu=t, utilisation_frac=u)
    for changed in (
        cost.usd_per_mtok(usd_per_gpu_hour=k * p, tok_per_s_per_gpu=t, utilisation_frac=u),
        cost.usd_per_mtok(usd_per_gpu_hour=p, tok_per_s_per_gpu=t / k, utilisation_frac=u),
        cost.usd_per_mtok(usd_per_gpu_hour=p, tok_per_s_per_gpu=t, utilisation_frac=u / k),
    ):
        assert changed == pytest.approx(k * base, rel=1e-12)


@given(p=positive, t=positive, u=share)
def test_inverse_functions_return_where_they_came_from(p, t, u):
    c = cost.usd_per_mtok(usd_per_gpu_hour=p, tok_per_s_per_gpu=t, utilisation_frac=u)
    inverse = cost.tok_per_s_per_gpu_from_usd_per_mtok(usd_per_gpu_hour=p, usd_per_mtok=c, utilisation_frac=u)
    assert inverse == pytest.approx(t, rel=1e-12)
    assert cost.break_even_usd_per_gpu_hour(usd_per_mtok=c, tok_per_s_per_gpu=t, utilisation_frac=u) == pytest.approx(
        p, rel=1e-12
    )
    assert cost.break_even_utilisation_frac(usd_per_gpu_hour=p, tok_per_s_per_gpu=t, usd_per_mtok=c) == pytest.approx(
        u, rel=1e-12
    )


@given(p=positive, t=positive, u=share, h=st.floats(0, 0.99))
def test_a_cached_token_takes_no_gpu_time(p, t, u, h):
    """With a hit rate every formula is the one without it at the throughput of all tokens, cached ones included."""
    with_cache, billed = dict(tok_per_s_per_gpu=t, cached_total_frac=h), dict(tok_per_s_per_gpu=t / (1 - h))
    paid, priced = dict(usd_per_gpu_hour=p), dict(usd_per_mtok=p)
    for function, rest in (
        (cost.usd_per_mtok, paid | dict(utilisation_frac=u)),
        (cost.break_even_utilisation_frac, paid | dict(usd_per_mtok=u)),
        (cost.break_even_usd_per_gpu_hour, priced | dict(utilisation_frac=u)),
    ):
        assert function(**with_cache, **rest) == pytest.approx(function(**billed, **rest), rel=1e-12)
        assert function(tok_per_s_per_gpu=t, cached_total_frac=0, **rest) == function(tok_per_s_per_gpu=t, **rest)
    bare = cost.tok_per_s_per_gpu_from_usd_per_mtok(**paid, usd_per_mtok=u)
    assert cost.tok_per_s_per_gpu_from_usd_per_mtok(**paid, usd_per_mtok=u, cached_total_frac=h) == pytest.approx(
        (1 - h) * bare, rel=1e-12
    )


@given(p=positive, r_in=positive, r_out=positive, n_p=st.integers(1, 500), n_d=st.integers(1, 500))
def test_costs_of_the_roles_weighted_by_their_tokens_return_the_total_cost(p, r_in, r_out, n_p, n_d):
    t = (n_p * r_in + n_d * r_out) / (n_p + n_d)
    c_in, c_out, c_total = (cost.usd_per_mtok(usd_per_gpu_hour=p, tok_per_s_per_gpu=x) for x in (r_in, r_out, t))
    tok_in, tok_out = n_p * r_in, n_d * r_out
    assert (c_in * tok_in + c_out * tok_out) / (tok_in + tok_out) == pytest.approx(c_total, rel=1e-9)


@given(total=positive, isl=st.integers(1, 200_000), osl=st.integers(1, 200_000))
def test_scopes_add_up(total, isl, osl):
    parts = (
        cost.input_scope(total=total, isl_tok=isl, osl_tok=osl),
        cost.output_scope(total=total, isl_tok=isl, osl_tok=osl),
    )
    assert sum(parts) == pytest.approx(total, rel=1e-12)


def test_roles_of_a_disaggregated_system_share_its_cost():
    """Each kind of token charged with the GPUs that make it, weighted by its tokens, is the cost of all tokens."""
    hour, n_p, n_d = 2.652, ROLES["num_prefill_gpu"], ROLES["num_decode_gpu"]
    r_in, r_out = ROLES["tok_per_s_per_prefill_gpu"], ROLES["tok_per_s_per_decode_gpu"]
    c_in, c_out = (cost.usd_per_mtok(usd_per_gpu_hour=hour, tok_per_s_per_gpu=rate) for rate in (r_in, r_out))
    # (26 * 20,893.2 + 16 * 4,244.7) / 42 = 611,138.4 / 42 = 14,550.9; 2652000 / (3600 * 14550.9)
    total = cost.usd_per_mtok(usd_per_gpu_hour=hour, tok_per_s_per_gpu=(n_p * r_in + n_d * r_out) / (n_p + n_d))
    assert total == pytest.approx(0.0506268, rel=5e-6)
    made_in, made_out = n_p * r_in, n_d * r_out
    assert (c_in * made_in + c_out * made_out) / (made_in + made_out) == pytest.approx(total)
    # All cost on the output: 16 * 4,244.7 / 42 = 1,617.03 tok/s over all GPUs; 2652000 / (3600 * 1617.03)
    assert total * (made_in + made_out) / made_out == pytest.approx(0.455568, rel=5e-6)
