"""Make the shipped kernel tables, architectures and acceptance lengths from the files of their owners.

`python tests/tools/reduce_kernels.py SHARED_DATA OUT` reads the folders `aiconfigurator-kernels`, `model-architectures`
and `golden-acceptance-lengths` and writes the CSV files of `data/` that are cut down from them. Only rows and columns
are left out; no number is changed. `tests/tools/test_reduce_kernels.py` holds the shipped files to this program.
"""

import sys
from pathlib import Path

import duckdb

AICONFIGURATOR = "ai-dynamo/aiconfigurator @ 095f58a51c4ca8e61b66ec108d86f223f8d559ce (2026-08-21)"
INFERENCEX = "SemiAnalysisAI/InferenceX @ 843c6254ff69b567f772f6a5fd97675af3d04431 (2026-08-21)"
OWNERS = {AICONFIGURATOR: "NVIDIA CORPORATION & AFFILIATES", INFERENCEX: "SemiAnalysis LLC"}

GPUS = ("h100", "h200", "b200", "b300", "gb200", "gb300")

ATTENTION = """
SELECT $gpu AS gpu, if(gemm_type = 'nvfp4', 'fp4', 'fp8') AS precision, num_heads, batch_size AS num_tokens,
       isl + step AS context_tok, latency AS latency_ms
FROM read_parquet($file)
WHERE gemm_type IN ('nvfp4', 'fp8_block') AND kv_cache_dtype = 'fp8' AND num_heads >= 8 AND step >= 256
ORDER BY ALL
"""

EXPERTS = """
SELECT $gpu AS gpu, if(moe_dtype = 'nvfp4', 'fp4', 'fp8') AS precision, moe_ep_size AS ep,
       replace(replace(distribution, 'power_law_', ''), '_eplb', '') AS skew, num_tokens,
       round(latency, 6) AS latency_ms
FROM read_parquet($file)
WHERE hidden_size = 7168 AND num_experts = 256 AND num_slots = 256 AND distribution LIKE '%_eplb'
ORDER BY ALL
"""

NVLINK = """
SELECT $gpu AS gpu, 'nvlink' AS link,
       if(kernel_source = 'NVLinkOneSided', 'trt-one-sided', 'trt-two-sided') AS library,
       if(moe_dtype = 'nvfp4', 'fp4', 'fp8') AS precision, moe_ep_size AS ep, num_tokens,
       round(any_value(latency) FILTER (op_name = 'alltoall_prepare'), 6) AS prepare_ms,
       round(any_value(latency) FILTER (op_name = 'alltoall_dispatch'), 6) AS dispatch_ms,
       round(any_value(latency) FILTER (op_name = 'alltoall_combine'), 6) AS combine_ms,
       round(any_value(latency) FILTER (op_name = 'alltoall_combine_low_precision'), 6) AS low_precision_combine_ms
FROM read_parquet($file) WHERE moe_dtype IN ('nvfp4', 'fp8') AND num_tokens <= 8192
GROUP BY ALL ORDER BY ALL
"""

DEEPEP = """
SELECT $gpu AS gpu, if(node_num = 1, 'nvlink', 'infiniband') AS link, $library AS library, 'fp8' AS precision,
       8 * node_num AS ep, num_token AS num_tokens, NULL AS prepare_ms,
       round(dispatch_avg_t_us / 1000, 6) AS dispatch_ms,
       round(combine_avg_t_us / 1000, 6) AS combine_ms, NULL AS low_precision_combine_ms
FROM read_parquet($file) WHERE hidden_size = 7168 AND num_topk = 8 AND num_experts = 256
ORDER BY ALL
"""

SYSTEMS = """
SELECT system AS gpu, coalesce(inter_rack_bw, inter_node_bw) / 1e9 AS scale_out_gb_per_s
FROM read_csv($file) ORDER BY gpu
"""

MODELS = {
    "deepseek-r1": "deepseek-r1-0528",
    "minimax-m2.5": "minimax-m2.5",
    "qwen3.5-397b-a17b": "qwen-3.5-397b",
    "kimi-k2.5": "kimi-k2.5",
    "kimi-k3": "kimi-k3",
    "gpt-oss-120b": "gpt-oss-120b",
    "minimax-m3": "minimax-m3",
    "deepseek-v3.2": "deepseek-v3.2",
    "deepseek-v4-pro": "deepseek-v4-pro",
}

# Which kind of attention a configuration describes; `other` has parts that its numbers alone do not count.
ARCHITECTURES = """
SELECT names.ours AS model, model AS model_printed,
       CASE WHEN model IN ('deepseek-v4-pro', 'kimi-k3') THEN 'other' WHEN index_topk IS NOT NULL THEN 'sparse-mla'
            WHEN kv_lora_rank IS NOT NULL THEN 'mla' WHEN model = 'gpt-oss-120b' THEN 'window-gqa'
            WHEN full_attention_interval IS NOT NULL THEN 'linear-gqa' ELSE 'gqa' END AS attention,
       num_hidden_layers::INT AS num_layers, coalesce(first_k_dense_replace, 0)::INT AS num_dense_layers,
       hidden_size::INT AS hidden_size, vocab_size::INT AS vocab_size,
       coalesce(n_routed_experts, num_local_experts, num_experts)::INT AS num_experts,
       coalesce(num_experts_per_tok, num_experts_per_token)::INT AS experts_per_tok,
       coalesce(n_shared_experts, num_shared_experts, (shared_expert_intermediate_size > 0)::INT, 0)::INT
           AS num_shared_experts,
       coalesce(moe_intermediate_size, intermediate_size)::INT AS expert_ffn_size,
       if(first_k_dense_replace > 0, coalesce(dense_intermediate_size, intermediate_size), NULL)::INT AS dense_ffn_size,
       num_attention_heads::INT AS num_heads, num_key_value_heads::INT AS num_kv_heads, head_dim::INT AS head_dim,
       q_lora_rank::INT AS q_lora_rank, kv_lora_rank::INT AS kv_lora_rank, qk_rope_head_dim::INT AS rope_dim,
       qk_nope_head_dim::INT AS nope_dim, v_head_dim::INT AS v_head_dim,
       if(model = 'gpt-oss-120b', num_hidden_layers / 2, NULL)::INT AS num_window_layers,
       if(model = 'gpt-oss-120b', sliding_window, NULL)::INT AS window_tok,
       (num_hidden_layers - num_hidden_layers // full_attention_interval)::INT AS num_linear_layers,
       (linear_num_key_heads * linear_key_head_dim)::INT AS linear_key_size,
       (linear_num_value_heads * linear_value_head_dim)::INT AS linear_value_size,
       index_topk::INT AS index_topk, (index_n_heads * index_head_dim)::INT AS index_size,
       index_head_dim::INT AS index_head_dim
FROM read_csv($file) JOIN (SELECT unnest($theirs) AS theirs, unnest($ours) AS ours) AS names ON names.theirs = model
ORDER BY names.ours
"""

ACCEPTANCE = """
SELECT replace(replace(parse_filename(file, true), '_', '-'), '-sample-method', '')
           || '-' || if(mode = 'thinking_on', 'thinking', 'plain') AS curve,
       replace(replace(replace(model, '-nvfp4', ''), '-fp8', ''), 'qwen3.5-397b-a17b', 'qwen-3.5-397b') AS model,
       mode = 'thinking_on' AS is_thinking, num_speculative_tokens AS depth, acceptance_length
FROM read_csv($file) ORDER BY curve, depth
"""

# Only recipes of DeepSeek-R1 that say how they decode and, with speculation, how many tokens they draft.
RECIPES = """
SELECT split_part(runner, '-', 1) AS gpu, 'deepseek-r1-0528' AS model, framework, precision, isl, osl, conc,
       decode_workers AS decode_num_workers, decode_tp, decode_ep, any_value(dp_attn) AS decode_dp_attention,
       if(spec_decoding = 'mtp', mtp_depth, 0) AS depth
FROM read_csv($file)
WHERE model_prefix = 'dsr1' AND decode_workers IS NOT NULL AND dp_attn IS NOT NULL
  AND (spec_decoding = 'none' OR mtp_depth IS NOT NULL)
GROUP BY ALL HAVING count(DISTINCT dp_attn) = 1 ORDER BY ALL
"""


def tables(shared: Path):
    """Name, owner and rows (with their column names) of each file that is written."""
    kernels, connection = shared / "aiconfigurator-kernels", duckdb.connect()

    def rows(sql, files, **values):
        found, names = [], []
        for keys, file in files:
            cursor = connection.execute(sql, {"file": str(file), **keys, **values})
            names = [column[0] for column in cursor.description]
            found += cursor.fetchall()
        return names, found

    def of_gpus(part):
        return [({"gpu": gpu}, kernels / f"{gpu}__{part}.parquet") for gpu in GPUS]

    new = "__comm__sglang__0.5.12__wideep_deepep_ll_perf.parquet"
    deepep = [({"gpu": gpu, "library": "deepep"}, kernels / (gpu + new)) for gpu in GPUS]
    # The older tables of H100 and H200 hold the same numbers: one measurement, kept once.
    old = kernels / "h100__comm__sglang__0.5.6.post2__wideep_deepep_ll_perf.parquet"
    deepep.append(({"gpu": "h100", "library": "deepep-hopper"}, old))
    nvlink = [({"gpu": "gb200"}, kernels / "gb200__comm__trtllm__1.3.0rc10__trtllm_alltoall_perf.parquet")]
    names, links = rows(NVLINK, nvlink)
    yield (
        "kernels_attention.csv",
        AICONFIGURATOR,
        rows(ATTENTION, of_gpus("mla__trtllm__1.3.0rc20__mla_generation_module_perf")),
    )
    yield "kernels_experts.csv", AICONFIGURATOR, rows(EXPERTS, of_gpus("moe__trtllm__1.3.0rc10__wideep_moe_perf"))
    yield "kernels_all_to_all.csv", AICONFIGURATOR, (names, links + rows(DEEPEP, deepep)[1])
    yield "kernel_systems.csv", AICONFIGURATOR, rows(SYSTEMS, [({}, kernels / "systems.csv")])
    named = {"theirs": list(MODELS), "ours": list(MODELS.values())}
    files = [(named, shared / "model-architectures" / "architectures.csv")]
    yield "model_architectures.csv", AICONFIGURATOR, rows(ARCHITECTURES, files)
    files = [({}, shared / "golden-acceptance-lengths" / "acceptance_lengths.csv")]
    yield "acceptance_lengths.csv", INFERENCEX, rows(ACCEPTANCE, files)
    files = [({}, shared / "inferencex-recipes" / "recipes.csv")]
    yield "serving_recipes.csv", INFERENCEX, rows(RECIPES, files)


def cell(value) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.10g}" if isinstance(value, float) else str(value)


def text(source: str, names: list[str], rows: list[tuple]) -> str:
    """A file: the notice of its owner, the columns, the rows."""
    notice = (
        "# Licensed under Apache License 2.0 - https://www.apache.org/licenses/LICENSE-2.0",
        f"# Copyright (c) {OWNERS[source]}. From {source}.",
        "# Cut down by Token Factory: rows and columns left out and renamed, no number changed. See NOTICE.",
    )
    lines = [*notice, ",".join(names), *(",".join(map(cell, row)) for row in rows)]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    for name, source, (names, rows) in tables(Path(sys.argv[1])):
        (Path(sys.argv[2]) / name).write_text(text(source, names, rows))
        print(f"{len(rows):>6} {name}")
