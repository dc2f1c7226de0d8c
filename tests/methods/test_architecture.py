"""Counts of each kind of attention, by hand from the sizes, and the totals that the makers publish."""

import math

import pytest

from tokenfactory.methods.architecture import Architecture
from tokenfactory.methods.decode import Gpu
from tokenfactory.warehouse.schema import TABLES, read_table


@pytest.fixture(scope="module")
def models(project):
    rows = read_table(TABLES["model_architectures"], project / "data" / "model_architectures.csv")
    return {row["model"]: Architecture.from_row(row) for row in rows if row["attention"] != "other"}


def test_grouped_queries_half_of_which_see_a_window(models):
    found = models["gpt-oss-120b"]
    # 36 layers: 2880 x (2 x 64 x 64 for queries and output, 2 x 8 x 64 for keys and values); a head for 201,088 words;
    # 128 experts of 3 x 2880 x 2880 in each layer, four of them for a token
    attention, head, expert = 36 * 2880 * (2 * 4096 + 2 * 512), 201_088 * 2880, 3 * 2880 * 2880
    assert (found.routed, found.router) == (36 * 128 * expert, 36 * 2880 * 128)
    assert found.other == attention + head + found.router
    assert found.active == attention + head + 36 * 4 * expert
    # 18 layers see everything and 18 the last 128 tokens; keys and values of 512 each
    assert (found.kv_per_tok, found.kv_window) == (2 * 512 * 18, 2 * 512 * 18 * 128)
    assert (found.flop_per_context_tok, found.sparse_tok, found.index_per_tok) == (4 * 4096 * 36, math.inf, 0)
    assert (found.num_heads, found.num_dense_layers, found.num_moe_layers) == (64, 0, 36)


def test_grouped_queries_that_see_everything(models):
    found = models["minimax-m2.5"]
    # 62 layers, 48 heads and 8 for keys and values, of 128 each
    assert found.other - found.router - 200_064 * 3072 == 62 * 3072 * (2 * 6144 + 2 * 1024)
    assert (found.kv_per_tok, found.kv_window, found.flop_per_context_tok) == (62 * 2 * 1024, 0, 62 * 4 * 6144)


def test_linear_attention_has_no_cache_and_its_other_layers_a_gate(models):
    found = models["qwen-3.5-397b"]
    # 45 of 60 layers are linear: two keys of 2048, three values of 8192; the other 15 have queries, gate and output of
    # 32 x 256, keys and values of 2 x 256
    full, linear = 15 * 4096 * (3 * 8192 + 2 * 512), 45 * 4096 * (2 * 2048 + 3 * 8192)
    shared, head = 60 * 3 * 4096 * 1024, 248_320 * 4096
    assert found.other == full + linear + shared + head + found.router
    assert (found.kv_per_tok, found.flop_per_context_tok) == (15 * 2 * 512, 15 * 4 * 8192)


def test_latent_attention_and_its_sparse_kind(models):
    dense, sparse = models["deepseek-r1-0528"], models["deepseek-v3.2"]
    # 512 + 64 values a layer; 128 heads read them for keys and 512 of them for values
    for found in (dense, sparse):
        assert (found.kv_per_tok, found.kv_window) == (61 * 576, 0)
        assert found.flop_per_context_tok == 61 * 128 * (2 * 576 + 2 * 512)
        assert (found.num_dense_layers, found.num_moe_layers, found.num_heads) == (3, 58, 128)
    # The indexer of the sparse kind: 1536 x 8192 and 7168 x 128 parameters a layer, 128 values a token and layer
    assert sparse.other - dense.other == 61 * (1536 * 8192 + 7168 * 128)
    assert (dense.sparse_tok, dense.index_per_tok) == (math.inf, 0)
    assert (sparse.sparse_tok, sparse.index_per_tok) == (2048, 61 * 128)


@pytest.mark.parametrize(
    ("model", "total", "active"),
    # As their makers print them, in billions; the input embedding is not in our count, nor are MTP layers.
    [("deepseek-r1-0528", 671, 37), ("gpt-oss-120b", 117, 5.1), ("minimax-m2.5", 230, 10), ("qwen-3.5-397b", 397, 17),
     ("kimi-k2.5", 1000, 32)],
)  # fmt: skip
def test_totals_are_those_of_the_makers(models, model, total, active):
    found = models[model]
    assert (found.other + found.routed) / 1e9 == pytest.approx(total, rel=0.035)
    assert found.active / 1e9 == pytest.approx(active, rel=0.06)


def test_a_gpu_from_its_row():
    row = {
        "gpu": "x", "hbm_tb_per_s": 8.0, "fp8_dense_pflops": 5.0, "fp4_dense_pflops": None, "bf16_dense_pflops": 2.5,
        "scale_up_gpus": 72, "scale_up_gb_per_s": 900.0, "scale_out_gb_per_s": 100.0,
    }  # fmt: skip
    found = Gpu.from_row(row)
    assert (found.name, found.hbm_byte_per_s, found.scale_up_gpus) == ("x", 8e12, 72)
    assert found.flop_per_s["fp8"] == 5e15 and "fp4" not in found.flop_per_s
    assert (found.scale_up_byte_per_s, found.scale_out_byte_per_s) == (9e11, 1e11)
    assert Gpu.from_row(row | {"scale_out_gb_per_s": None}).scale_out_byte_per_s is None
