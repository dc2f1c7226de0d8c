"""One invented measurement in the layout of every tool and version that is read, from the tools' own documentation.

96 requests of 1,500 + 300 tokens in 24 s, 24 in flight: 4 requests/s, 6,000 + 1,200 tok/s. A request takes
0.04 s + 299 x 0.02 s = 6.02 s, so 4 x 6.02 = 24.08 are in flight; a user sees 50 tok/s.
"""

import copy

N, CONC, ISL, OSL, SECONDS = 96, 24, 1500, 300, 24.0
TTFT_S, TPOT_S, E2EL_S = 0.04, 0.02, 6.02
FACTS = "hardware: h200\nnum_gpu: 8\nframework: vllm\nprecision: fp8\nmodel: acme/demo\n"


def _flat(suffix: str, scale: float, *, e2el: str = "e2el") -> dict:
    times = {"ttft": TTFT_S, "tpot": TPOT_S, "itl": TPOT_S, e2el: E2EL_S}
    factors = {"mean": 1.0, "median": 1.0, "std": 0.1, "p90": 1.1, "p99": 1.25}
    return {f"{s}_{name}{suffix}": t * scale * f for name, t in times.items() for s, f in factors.items()}


_CLIENT = {
    **{"date": "20260102-030405", "model_id": "acme/demo", "tokenizer_id": "acme/demo", "num_prompts": N},
    **{"request_rate": "inf", "max_concurrency": CONC, "duration": SECONDS, "completed": N},
    **{"total_input_tokens": N * ISL, "total_output_tokens": N * OSL, "request_throughput": N / SECONDS},
    "output_throughput": N * OSL / SECONDS,
}
VLLM = _CLIENT | {
    **{"endpoint_type": "openai-chat", "backend": "openai-chat", "label": None, "burstiness": 1.0, "failed": 0},
    **{"request_goodput": None, "total_token_throughput": N * (ISL + OSL) / SECONDS, "max_output_tokens_per_s": 1400.0},
    **{"max_concurrent_requests": 25, "rtfx": 0.0, **_flat("_ms", 1000)},
}
VLLM_2024 = _CLIENT | {
    **{"backend": "vllm", "best_of": 1, "use_beam_search": False, "input_throughput": N * ISL / SECONDS},
    **{k: v for k, v in _flat("_ms", 1000).items() if "e2el" not in k},
    **{"input_lens": [ISL] * N, "output_lens": [OSL] * N, "ttfts": [TTFT_S] * N, "itls": [[TPOT_S] * 3] * N},
}
SGLANG = {
    **{"tag": None, "backend": "sglang", "dataset_name": "random", "request_rate": float("inf")},
    **{"max_concurrency": CONC, "sharegpt_output_len": None, "random_input_len": ISL, "random_output_len": OSL},
    **{"random_range_ratio": 1.0, "server_info": None, "duration": SECONDS, "completed": N, "accept_length": None},
    **{"total_input_tokens": N * ISL, "total_output_tokens": N * OSL, "total_output_tokens_retokenized": N * OSL - 9},
    **{"request_throughput": N / SECONDS, "input_throughput": N * ISL / SECONDS, "concurrency": 24.08},
    **{"output_throughput": N * OSL / SECONDS, "total_throughput": N * (ISL + OSL) / SECONDS},
    **_flat("_ms", 1000, e2el="e2e_latency"),
}


def _metric(unit: str, value: float, **more) -> dict:
    stats = dict.fromkeys(("avg", "p1", "p5", "p10", "p25", "p50", "p75", "min"), value)
    return {"unit": unit, **stats, "p90": value * 1.1, "p99": value * 1.25, "max": value * 1.25, "std": 0.0} | more


_GENAI = {
    "request_throughput": {"unit": "requests/sec", "avg": N / SECONDS},
    "request_latency": _metric("ms", E2EL_S * 1000),
    "request_count": {"unit": "requests", "avg": float(N)},
    "time_to_first_token": _metric("ms", TTFT_S * 1000),
    "inter_token_latency": _metric("ms", TPOT_S * 1000),
    "output_token_throughput": {"unit": "tokens/sec", "avg": N * OSL / SECONDS},
    # Percentiles of a speed run the other way: its p90 is a fast user.
    "output_token_throughput_per_user": _metric("tokens/sec/user", 1 / TPOT_S),
    "output_sequence_length": _metric("tokens", OSL, p90=OSL, p99=OSL, max=OSL),
    "input_sequence_length": _metric("tokens", ISL, p90=ISL, p99=ISL, max=ISL),
}
_AIPERF = _GENAI | {
    **{"benchmark_duration": {"unit": "sec", "avg": SECONDS}, "inter_chunk_latency": _metric("ms", 21.0)},
    **{"was_cancelled": False, "error_summary": [], "start_time": "2026-01-02T03:04:05.1"},
}
AIPERF_02 = _AIPERF | {
    "input_config": {
        "endpoint": {"model_names": ["acme/demo"], "type": "chat", "streaming": True},
        "input": {"prompt": {"input_tokens": {"mean": ISL}, "output_tokens": {"mean": OSL}}},
        "loadgen": {"concurrency": CONC, "request_count": N},
    }
}
AIPERF = _AIPERF | {
    **{"schema_version": "1.3", "aiperf_version": "0.11.0", "error_request_count": {"unit": "requests", "avg": 0.0}},
    "input_config": {
        "models": {"items": [{"name": "acme/demo"}]},
        "datasets": [{"name": "main", "type": "synthetic", "prompts": {"isl": {"mean": ISL}, "osl": {"mean": OSL}}}],
        "phases": [
            {"name": "warmup", "type": "concurrency", "concurrency": 4, "requests": 8},
            {"name": "profiling", "type": "concurrency", "concurrency": CONC, "requests": N},
        ],
    },
}
GENAI_PERF = _GENAI | {
    "input_config": {
        **{"model_names": ["acme/demo"], "subcommand": "profile", "perf_analyzer": {"stimulus": {"concurrency": CONC}}},
        "input": {"synthetic_tokens": {"mean": ISL, "stddev": 0}, "output_tokens": {"mean": OSL, "stddev": 0}},
    }
}
GENAI_PERF_OLD = _GENAI | {
    "input_config": {"model": ["acme/demo"], "concurrency": CONC, "request_rate": None, "streaming": True}
    | {"synthetic_input_tokens_mean": ISL, "output_tokens_mean": OSL}
}


def _guide(value: float) -> dict:
    percentiles = {"p50": value, "p75": value, "p90": value * 1.1, "p99": value * 1.25}
    found = {**dict.fromkeys(("mean", "median", "mode", "min", "max"), value), "count": N, "percentiles": percentiles}
    return {"successful": found, "errored": found | {"count": 0}, "incomplete": found | {"count": 0}}


_GUIDE_METRICS = {
    "requests_per_second": _guide(N / SECONDS),
    "request_concurrency": _guide(24.08),
    "request_latency": _guide(E2EL_S),
    "prompt_token_count": _guide(ISL),
    "output_token_count": _guide(OSL),
    "time_to_first_token_ms": _guide(TTFT_S * 1000),
    "time_per_output_token_ms": _guide(E2EL_S / OSL * 1000),
    "inter_token_latency_ms": _guide(TPOT_S * 1000),
    "prompt_tokens_per_second": _guide(N * ISL / SECONDS),
    "output_tokens_per_second": _guide(N * OSL / SECONDS),
    "tokens_per_second": _guide(N * (ISL + OSL) / SECONDS),
}
_TOTALS = {"successful": N, "errored": 0, "incomplete": 2, "total": N + 2}
_STRATEGY = {"type_": "concurrent", "streams": CONC}
GUIDELLM_02 = {
    "benchmarks": [
        {
            **{"type_": "generative_benchmark", "run_id": "y", "extras": {}, "request_totals": _TOTALS},
            "args": {"profile": {"type_": "concurrent", "streams": [CONC]}, "strategy": _STRATEGY, "max_number": N},
            "run_stats": {"start_time": 1767323045.0, "requests_made": _TOTALS},
            "worker": {"backend_model": "acme/demo"},
            "request_loader": {"data": f"prompt_tokens={ISL},output_tokens={OSL}"},
            **{"metrics": _GUIDE_METRICS, "start_time": 1767323045.0, "end_time": 1767323069.0},
        }
    ]
}
GUIDELLM_05 = {
    "metadata": {"version": 1, "guidellm_version": "0.5.0"},
    "args": {"data": [f'{{"prompt_tokens": {ISL}, "output_tokens": {OSL}}}'], "profile": "concurrent"},
    "benchmarks": [
        {
            "config": {
                "run_id": "x",
                "strategy": _STRATEGY | {"rampup_duration": 0.0},
                "backend": {"model": "acme/demo"},
            },
            "metrics": _GUIDE_METRICS | {"request_totals": _TOTALS},
            "scheduler_metrics": {"start_time": 1767323045.0},
        }
    ],
}
GUIDELLM_08 = GUIDELLM_05 | {
    "metadata": {"version": 2, "guidellm_version": "0.8.1"},
    "args": None,
    "config": {"spec": {"data": [{"kind": "synthetic_text", "prompt_tokens": ISL, "output_tokens": OSL}]}},
}


def _stats(value: float, middle: str = "median") -> dict:
    return {
        "mean": value,
        "min": value,
        middle: value,
        "p75": value,
        "p90": value * 1.1,
        "p99": value * 1.25,
        "max": value,
    }


_LATENCY = {"request_latency": E2EL_S, "time_to_first_token": TTFT_S, "time_per_output_token": TPOT_S}
_LATENCY |= {"inter_token_latency": TPOT_S, "normalized_time_per_output_token": E2EL_S / OSL}
_RATES = {"input_tokens_per_sec": N * ISL / SECONDS, "output_tokens_per_sec": N * OSL / SECONDS}
_RATES |= {"total_tokens_per_sec": N * (ISL + OSL) / SECONDS, "requests_per_sec": N / SECONDS}
INFERENCE_PERF = {
    "load_summary": {"count": N, "requested_rate": 96.0, "achieved_rate": 4.0, "concurrency": CONC},
    "successes": {"count": N, "latency": {k: _stats(v) for k, v in _LATENCY.items()}, "throughput": _RATES}
    | {"prompt_tokens": _stats(ISL), "output_tokens": _stats(OSL)},
    "failures": {"count": 0, "request_latency": None},
}
INFERENCE_PERF_OLD = copy.deepcopy(INFERENCE_PERF)  # before 0.4: a rate alone, and other names of the lengths
INFERENCE_PERF_OLD["load_summary"] = {"count": N, "requested_rate": 4.0, "achieved_rate": 4.0}
for _new, _old in (("prompt_tokens", "prompt_len"), ("output_tokens", "output_len")):
    INFERENCE_PERF_OLD["successes"][_old] = INFERENCE_PERF_OLD["successes"].pop(_new)

_REQUESTS = {"total": N, "failures": 0, "incomplete": 0}
_REQUESTS |= {f"{k}_length": {"units": "count", **_stats(v, "p50")} for k, v in (("input", ISL), ("output", OSL))}
_BR_LATENCY = {
    k: {"units": "s" if "token" not in k or "first" in k else "s/token", **_stats(v, "p50")}
    for k, v in _LATENCY.items()
}
LLMD_01 = {
    "version": "0.1",
    "scenario": {
        "model": {"name": "acme/demo", "quantization": "fp8"},
        "host": {
            "type": ["replica", "replica"],
            "accelerator": [{"model": "H200", "memory": 141, "count": 4, "parallelism": {"tp": 4, "dp": 1, "pp": 1}}]
            * 2,
        },
        "platform": {"engine": [{"name": "vllm/vllm-openai:v0.10", "args": {}}] * 2},
        "load": {"name": "vllm-benchmark", "args": {"max_concurrency": CONC, "request_rate": "inf"}},
    },
    "metrics": {"time": {"duration": SECONDS, "start": 1767323045.0}, "requests": _REQUESTS, "latency": _BR_LATENCY}
    | {"throughput": _RATES},
}
LLMD_02 = {
    "version": "0.2.1",
    "run": {"uid": "u", "time": {"start": "2026-01-02T03:04:05Z", "duration": "PT24S"}},
    "scenario": {
        "stack": [
            {
                "metadata": {"label": "vllm-svc-0"},
                "standardized": {
                    **{"kind": "inference_engine", "tool": "llm-d", "tool_version": "vllm:0.11", "role": "replica"},
                    **{"replicas": 2, "model": {"name": "acme/demo", "quantization": "fp8"}},
                    "accelerator": {"model": "NVIDIA-H200", "count": 4, "parallelism": {"tp": 4, "dp": 1, "pp": 1}},
                },
            },
            {"metadata": {"label": "epp-0"}, "standardized": {"kind": "generic", "tool": "scheduler"}},
        ],
        "load": {"standardized": {"tool": "inference-perf", "concurrency": CONC, "input_seq_len": {"value": ISL}}},
    },
    "results": {
        "request_performance": {
            "aggregate": {
                **{"requests": _REQUESTS, "latency": _BR_LATENCY},
                "throughput": {
                    f"{k}_token_rate": {"units": "tokens/s", "mean": v}
                    for k, v in (("input", 6000.0), ("output", 1200.0), ("total", 7200.0))
                }
                | {"request_rate": {"units": "queries/s", "mean": 4.0}},
            }
        }
    },
}


def _ns(seconds: float) -> dict:
    ns = seconds * 1e9
    percentiles = {"50": ns, "75": ns, "90": ns * 1.1, "99": ns * 1.25, "99.9": ns * 1.3}
    return {"total": ns * N, "min": ns, "max": ns * 1.3, "median": ns, "avg": ns, "percentiles": percentiles}


ENDPOINTS = {
    **{"version": "1.0", "git_sha": "a", "test_started_at": 0, "n_samples_issued": N, "n_samples_completed": N},
    **{"n_samples_failed": 0, "duration_ns": int(SECONDS * 1e9), "state": "complete", "complete": True},
    **{"ttft": _ns(TTFT_S), "tpot": _ns(TPOT_S), "latency": _ns(E2EL_S), "qps": 4.0, "tps": 1200.0},
    "output_sequence_lengths": {"total": N * OSL, "min": OSL, "max": OSL, "avg": OSL, "percentiles": {"50": OSL}},
    "run_config": {"load_pattern": {"type": "concurrency", "target_concurrency": CONC}},
}
THROUGHPUT = {"elapsed_time": SECONDS, "num_requests": N, "total_num_tokens": N * (ISL + OSL)}
THROUGHPUT |= {"requests_per_second": 4.0, "tokens_per_second": 7200.0}
IX_CLIENT = _CLIENT | {"burstiness": 1.0, "good_completed": None, "input_throughput": 6000.0, **_flat("", 1)}

# Layout: adapter and record. All but the last three are closed loops with input and output counted.
CLOSED = {
    "vllm_025": ("vllm_serving", VLLM),
    "inferencex_seconds": ("inferencex_client", IX_CLIENT),
    "sglang": ("sglang_serving", SGLANG),
    "aiperf_02": ("aiperf_before_010", AIPERF_02),
    "aiperf_011": ("aiperf", AIPERF),
    "genai_perf": ("genai_perf", GENAI_PERF),
    "genai_perf_old": ("genai_perf", GENAI_PERF_OLD),
    "vllm_2024": ("vllm_serving", VLLM_2024),
    "guidellm_02": ("guidellm_before_04", GUIDELLM_02),
    "guidellm_05": ("guidellm", GUIDELLM_05),
    "guidellm_08": ("guidellm", GUIDELLM_08),
    "inference_perf_07": ("inference_perf", INFERENCE_PERF),
    "llmd_01": ("llmd_report", LLMD_01),
    "llmd_021": ("llmd_report_02", LLMD_02),
}
OTHERS = {
    "inference_perf_02": ("inference_perf", INFERENCE_PERF_OLD),
    "endpoints": ("mlcommons_endpoints", ENDPOINTS),
    "vllm_throughput": ("vllm_throughput", THROUGHPUT),
}
ALL = CLOSED | OTHERS
