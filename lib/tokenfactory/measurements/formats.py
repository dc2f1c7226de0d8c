"""The layouts of load-test tools as data: where each version of a tool writes what we read.

A path names keys with `/` between them; a tuple of paths is tried in its order, and the first that is there counts.
`{}` in a time stands for the tool's word for a statistic. Times and rates have the unit of their format, unless the
tool writes a unit beside the number (`unit_beside`). The one reader is `adapters.load_test`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

Paths = str | tuple[str, ...]


@dataclass(frozen=True)
class Format:
    """One layout of one tool.

    `fields` are: num_ok, num_failed, num_done (failed and not), num_asked; total_tok_per_s, output_tok_per_s,
    input_tok_per_s, requests_per_s, duration, input_tok, output_tok (of all requests), output_tok_made; isl_/osl_ with
    asked, mean, min, max, each (a list); conc, rate, ramp, arrivals, mean_in_flight; data_set, data_set_differs, model,
    date, broken_off, whole (false: broken off), settings of the server.
    """

    name: str
    about: str  # the tool, its versions and files
    telling: tuple[str, ...]  # paths that are all there
    fields: Mapping[str, Paths]
    times: Mapping[str, Paths] = field(default_factory=dict)  # ttft, tpot, itl, e2el
    statistics: Mapping[str, Paths] = field(default_factory=dict)
    lacking: tuple[str, ...] = ()  # paths of which none is there
    unit: str = "s"  # of times
    unit_beside: str | None = None
    rows: str | None = None  # the list with one benchmark each
    closed_with_conc: bool = False  # a rate beside a number in flight is what the tool made of it
    counts_input: bool = True
    has_speed: bool = True
    is_flat: bool = False  # settings stand among the results, under any name
    always: str | None = None  # how requests arrive, where the tool knows one way only
    version: int = 2


_MEDIAN = {"mean": "mean", "median": "median", "p75": "p75", "p90": "p90", "p99": "p99"}
_FLAT_TIMES = {"ttft": "{}_ttft_ms", "tpot": "{}_tpot_ms", "itl": "{}_itl_ms", "e2el": ("{}_e2el_ms", "{}_latency_ms")}
_CLIENT = {
    "num_ok": "completed",
    "num_failed": "failed",
    "num_asked": "num_prompts",
    "duration": "duration@s",
    "total_tok_per_s": "total_token_throughput",
    "output_tok_per_s": "output_throughput",
    "input_tok_per_s": "input_throughput",
    "requests_per_s": "request_throughput",
    "input_tok": "total_input_tokens",
    "output_tok": "total_output_tokens",
    "isl_each": "input_lens",
    "osl_each": "output_lens",
    "conc": "max_concurrency",
    "rate": "request_rate",
    "ramp": "ramp_up_strategy",
    "model": "model_id",
    "date": "date",
}
_GENAI = {
    "num_ok": "request_count/avg",
    "num_failed": "error_request_count/avg",
    "num_done": "completed_request_count/avg",
    "total_tok_per_s": "total_token_throughput/avg",
    "output_tok_per_s": "output_token_throughput/avg",
    "requests_per_s": "request_throughput/avg",
    "duration": "benchmark_duration/avg",
    "input_tok": ("total_isl/avg", "total_input_sequence_length/avg"),
    "output_tok": ("total_osl/avg", "total_output_sequence_length/avg"),
    "mean_in_flight": "effective_concurrency/avg",
    **{
        f"{ours}_{what}": f"{theirs}_sequence_length/{stat}"
        for ours, theirs in (("isl", "input"), ("osl", "output"))
        for what, stat in (("mean", "avg"), ("min", "min"), ("max", "max"))
    },
    "broken_off": "was_cancelled",
    "whole": "is_complete",
    "date": "start_time",
}
_GENAI_TIMES = {
    "ttft": "time_to_first_token/{}",
    "tpot": "inter_token_latency/{}",
    "itl": "inter_chunk_latency/{}",
    "e2el": "request_latency/{}",
}
_GENAI_STATISTICS = {"mean": "avg", "median": "p50", "p75": "p75", "p90": "p90", "p99": "p99"}


def _guidellm(totals: Paths, strategy: str, **more: Paths) -> dict[str, Paths]:
    """What all reports of GuideLLM since 0.2 share, with what moved between the versions."""
    totals = (totals,) if isinstance(totals, str) else totals
    rates = {"total": "tokens_per_second", "output": "output_tokens_per_second", "input": "prompt_tokens_per_second"}
    lengths = (("isl", "prompt_token_count"), ("osl", "output_token_count"))
    return {
        "num_ok": tuple(f"{path}/successful" for path in totals),
        "num_failed": tuple(f"{path}/errored" for path in totals),
        **{f"{ours}_tok_per_s": f"metrics/{theirs}/successful/mean" for ours, theirs in rates.items()},
        "requests_per_s": "metrics/requests_per_second/successful/mean",
        "mean_in_flight": "metrics/request_concurrency/successful/mean",
        **{
            f"{ours}_{what}": f"metrics/{theirs}/successful/{what}"
            for ours, theirs in lengths
            for what in ("mean", "min", "max")
        },
        "conc": f"{strategy}/streams",
        "rate": f"{strategy}/rate",
        "ramp": f"{strategy}/rampup_duration",
        "arrivals": f"{strategy}/type_",
        "isl_asked": "asked/prompt_tokens",
        "osl_asked": "asked/output_tokens",
        "data_set": "asked/kind",
        **more,
    }


_GUIDELLM_TIMES = {
    "ttft": "metrics/time_to_first_token_ms/successful/{}",
    # Its time_per_output_token_ms counts the wait for the first token as well.
    "tpot": "metrics/inter_token_latency_ms/successful/{}",
    "e2el": "metrics/request_latency/successful/{}@s",
}
_GUIDELLM_STATISTICS = _MEDIAN | {p: f"percentiles/{p}" for p in ("p75", "p90", "p99")}
_INFERENCE_PERF = {
    "num_ok": "successes/count",
    "num_failed": "failures/count",
    **{f"{kind}_tok_per_s": f"successes/throughput/{kind}_tokens_per_sec" for kind in ("total", "output", "input")},
    "requests_per_s": "successes/throughput/requests_per_sec",
    **{
        f"{ours}_{what}": (f"successes/{new}/{what}", f"successes/{old}/{what}")
        for ours, new, old in (("isl", "prompt_tokens", "prompt_len"), ("osl", "output_tokens", "output_len"))
        for what in ("mean", "min", "max")
    },
    "conc": "load_summary/concurrency",
    "rate": "load_summary/requested_rate",
}
_LLMD_TIMES = {
    "ttft": "time_to_first_token/{}",
    "tpot": "time_per_output_token/{}",
    "itl": "inter_token_latency/{}",
    "e2el": "request_latency/{}",
}


def _llmd(inside: str, load: str, rates: Mapping[str, str]) -> dict[str, Paths]:
    return {
        "num_asked": f"{inside}/requests/total",
        "num_failed": f"{inside}/requests/failures",
        "num_cut_off": f"{inside}/requests/incomplete",
        **{name: f"{inside}/throughput/{theirs}" for name, theirs in rates.items()},
        **{
            f"{ours}_{what}": f"{inside}/requests/{theirs}/{what}"
            for ours, theirs in (("isl", "input_length"), ("osl", "output_length"))
            for what in ("mean", "min", "max")
        },
        "conc": tuple(f"{load}/{name}" for name in ("concurrency", "max_concurrency", "max-concurrency", "streams")),
        "rate": tuple(f"{load}/{name}" for name in ("rate_qps", "request_rate", "request-rate", "qps", "rate")),
        "settings": "deployment",
    }


_LLMD_STATISTICS = _MEDIAN | {"median": ("p50", "median")}

FORMATS = (
    Format(
        "vllm_serving",
        "Results of the serving benchmark of vLLM, 2024 to 0.25 (`vllm bench serve --save-result`, `vllm bench sweep`,"
        " `benchmark_serving.py`), and of InferenceX, made from it. Names of facts in `--metadata` are read.",
        ("completed", "duration", "request_throughput", "total_input_tokens"),
        _CLIENT,
        _FLAT_TIMES,
        _MEDIAN,
        lacking=("median_e2e_latency_ms", "median_ttft", "hw"),
        unit="ms",
        is_flat=True,
    ),
    Format(
        "inferencex_client",
        "Results of InferenceX' experimental client, which writes times in seconds.",
        ("completed", "duration", "median_ttft", "median_tpot"),
        _CLIENT,
        {name: f"{{}}_{name}" for name in ("ttft", "tpot", "itl", "e2el")},
        _MEDIAN,
        lacking=("hw",),
        is_flat=True,
    ),
    Format(
        "vllm_throughput",
        "Results of `vllm bench throughput`: the rate of all tokens, and no speed per user.",
        ("elapsed_time", "num_requests", "total_num_tokens", "tokens_per_second"),
        {
            "num_ok": "num_requests",
            "duration": "elapsed_time",
            "total_tok_per_s": "tokens_per_second",
            "total_tok": "total_num_tokens",
            "requests_per_s": "requests_per_second",
        },
        has_speed=False,
        is_flat=True,
        always="all requests at once",
        version=1,
    ),
    Format(
        "sglang_serving",
        "Results of SGLang's `bench_serving`, 2024 to now, JSON Lines. The server speaks for itself in `server_info`.",
        ("completed", "duration", "output_throughput", "median_e2e_latency_ms"),
        _CLIENT
        | {
            "total_tok_per_s": "total_throughput",
            "output_tok_made": "total_output_tokens_retokenized",
            "mean_in_flight": "concurrency",
            "isl_asked": "asked/isl",
            "osl_asked": "asked/osl",
            "range": "asked/range",
            "data_set": "asked/data_set",
            "data_set_differs": "data_set_differs",
            "settings": "deployment",
        },
        _FLAT_TIMES | {"e2el": "{}_e2e_latency_ms"},
        _MEDIAN,
        unit="ms",
    ),
    Format(
        "aiperf",
        "AIPerf's summary of a run, 0.10 to now, `profile_export_aiperf.json`.",
        ("request_throughput", "output_token_throughput", "input_config/models"),
        _GENAI
        | {
            "conc": "phase/concurrency",
            "rate": "phase/rate",
            "ramp": "phase/ramp",
            "arrivals": "phase/type",
            "isl_asked": "asked/prompts/isl/mean",
            "osl_asked": "asked/prompts/osl/mean",
            "data_set": "asked/type",
            "model": "input_config/models/items/0/name",
        },
        _GENAI_TIMES,
        _GENAI_STATISTICS,
        unit_beside="unit",
    ),
    Format(
        "aiperf_before_010",
        "AIPerf's summary of a run, 0.1 to 0.9, `profile_export_aiperf.json`.",
        ("request_throughput", "output_token_throughput", "input_config/endpoint"),
        _GENAI
        | {
            "conc": "input_config/loadgen/concurrency",
            "rate": ("input_config/loadgen/request_rate", "input_config/loadgen/user_centric_rate"),
            "ramp": (
                "input_config/loadgen/concurrency_ramp_duration",
                "input_config/loadgen/request_rate_ramp_duration",
                "input_config/input/fixed_schedule",
            ),
            "isl_asked": "input_config/input/prompt/input_tokens/mean",
            "osl_asked": "input_config/input/prompt/output_tokens/mean",
            "model": "input_config/endpoint/model_names/0",
        },
        _GENAI_TIMES,
        _GENAI_STATISTICS,
        lacking=("input_config/models", "input_config/perf_analyzer"),
        unit_beside="unit",
        version=1,
    ),
    Format(
        "genai_perf",
        "GenAI-Perf's summary of a run, `profile_export_genai_perf.json`.",
        ("request_throughput", "output_token_throughput", "input_config"),
        _GENAI
        | {
            "conc": ("input_config/concurrency", "input_config/perf_analyzer/stimulus/concurrency"),
            "rate": ("input_config/request_rate", "input_config/perf_analyzer/stimulus/request_rate"),
            "arrivals": "asked/arrivals",
            "isl_asked": ("input_config/synthetic_input_tokens_mean", "input_config/input/synthetic_tokens/mean"),
            "osl_asked": ("input_config/output_tokens_mean", "input_config/input/output_tokens/mean"),
            "model": ("input_config/model/0", "input_config/model_names/0", "input_config/model"),
        },
        _GENAI_TIMES,
        _GENAI_STATISTICS,
        lacking=("input_config/models", "input_config/loadgen", "aiperf_version"),
        unit_beside="unit",
        version=1,
    ),
    Format(
        "guidellm",
        "GuideLLM's report, 0.4 to 0.8 (`benchmarks.json`), with one benchmark per load.",
        ("metadata/guidellm_version", "benchmarks"),
        _guidellm(
            "metrics/request_totals",
            "config/strategy",
            model="config/backend/model",
            date=("start_time", "scheduler_metrics/start_time", "scheduler_state/start_time"),
        ),
        _GUIDELLM_TIMES,
        _GUIDELLM_STATISTICS,
        unit="ms",
        rows="benchmarks",
    ),
    Format(
        "guidellm_before_04",
        "GuideLLM's report, 0.2 and 0.3 (`benchmarks.json`), with one benchmark per load.",
        ("benchmarks/0/metrics/requests_per_second", "benchmarks/0/args"),
        _guidellm(
            ("request_totals", "run_stats/requests_made"),
            "args/strategy",
            model="worker/backend_model",
            date=("start_time", "run_stats/start_time"),
        ),
        _GUIDELLM_TIMES,
        _GUIDELLM_STATISTICS,
        lacking=("metadata/guidellm_version",),
        unit="ms",
        rows="benchmarks",
        version=1,
    ),
    Format(
        "inference_perf",
        "inference-perf's report of one stage, 0.1 to now, `stage_N_lifecycle_metrics.json`: one load each.",
        ("load_summary", "successes", "failures"),
        _INFERENCE_PERF,
        {name: f"successes/latency/{theirs}" for name, theirs in _LLMD_TIMES.items()},
        _MEDIAN,
        lacking=("successes/prompt_len/rate",),
        closed_with_conc=True,
    ),
    Format(
        "llmd_report",
        "llm-d's benchmark report 0.1, JSON or YAML. It holds the hardware and how much of it.",
        ("version", "metrics/throughput"),
        _llmd(
            "metrics",
            "scenario/load/args",
            {
                **{f"{kind}_tok_per_s": f"{kind}_tokens_per_sec" for kind in ("total", "output", "input")},
                "requests_per_s": "requests_per_sec",
            },
        )
        | {"model": "scenario/model/name", "date": "metrics/time/start"},
        {name: f"metrics/latency/{theirs}" for name, theirs in _LLMD_TIMES.items()},
        _LLMD_STATISTICS,
        unit_beside="units",
        version=1,
    ),
    Format(
        "llmd_report_02",
        "llm-d's benchmark report 0.2 and 0.2.1, JSON or YAML. It holds the hardware and how much of it.",
        ("version", "scenario", "results/request_performance"),
        _llmd(
            "results/request_performance/aggregate",
            "scenario/load/standardized",
            {
                **{f"{kind}_tok_per_s": f"{kind}_token_rate/mean" for kind in ("total", "output", "input")},
                "requests_per_s": "request_rate/mean",
            },
        )
        | {
            "isl_asked": "asked/isl",
            "osl_asked": "asked/osl",
            "date": "run/time/start",
        },
        {name: f"results/request_performance/aggregate/latency/{theirs}" for name, theirs in _LLMD_TIMES.items()},
        _LLMD_STATISTICS,
        unit_beside="units",
        version=1,
    ),
    Format(
        "mlcommons_endpoints",
        "`result_summary.json` of MLCommons endpoints. It counts output tokens alone.",
        ("n_samples_completed", "duration_ns", "output_sequence_lengths"),
        {
            "num_ok": "n_samples_completed",
            "num_failed": "n_samples_failed",
            "duration": "duration_ns",
            "output_tok_per_s": "tps",
            "output_tok": "output_sequence_lengths/total",
            "requests_per_s": "qps",
            "osl_mean": "output_sequence_lengths/avg",
            "osl_min": "output_sequence_lengths/min",
            "osl_max": "output_sequence_lengths/max",
            "conc": "run_config/load_pattern/target_concurrency",
            "rate": "run_config/load_pattern/target_qps",
            "arrivals": "run_config/load_pattern/type",
            "whole": "complete",
        },
        {name: f"{theirs}/{{}}" for name, theirs in (("ttft", "ttft"), ("tpot", "tpot"), ("e2el", "latency"))},
        {
            "mean": "avg",
            "median": ("median", "percentiles/50", "percentiles/50.0"),
            **{f"p{p}": (f"percentiles/{p}", f"percentiles/{p}.0") for p in (75, 90, 99)},
        },
        unit="ns",
        counts_input=False,
        version=1,
    ),
)

# ---- what is not read ---------------------------------------------------------------------------

# Records of tools whose numbers make no point: paths that are all there, and what to say.
FOREIGN = (
    (("avg_latency", "latencies"), "is of vllm bench latency: one batch, no throughput; use vllm bench serve"),
    (("model_filename", "avg_ts"), "is of llama-bench: no load of users; use llama-server and a load tool"),
    (
        ("results_num_completed_requests", "num_concurrent_requests"),
        "is of llmperf: no throughput of all tokens; use vllm bench serve, AIPerf or GuideLLM",
    ),
    (
        ("successes/prompt_len/rate", "load_summary"),
        "is server metrics of inference-perf, which are not read; name its stage_N_lifecycle_metrics.json files",
    ),
    (("Metric", "avg", "p99"), "is a table of AIPerf; name its profile_export_aiperf.json"),
    (("results", "request", "decode_times"), "is one request of GuideLLM 0.1; rerun with GuideLLM 0.2 or newer"),
    (("benchmarks/0/benchmarks/0/concurrencies",), "is of GuideLLM 0.1: no statistics; rerun with 0.2 or newer"),
    (("metadata/x_request_id", "metrics"), "is one request of AIPerf; name its profile_export_aiperf.json"),
    (("aggregation_type", "metrics"), "adds up several runs of AIPerf; name the profile_export_aiperf.json of each"),
    (("timeslices", "input_config"), "is slices of time of AIPerf; name its profile_export_aiperf.json"),
    (
        ("experiments", "version", "service_kind"),
        "is GenAI-Perf's raw requests; name its profile_export_genai_perf.json",
    ),
    (("median_itls_ms", "p99_itls_ms"), "is a summary without its load; name the file of the tool itself"),
    (("lm_eval_version",), "is an evaluation of lm-eval: no speed"),
    (("config/backend/name", "report/overall"), "is of optimum-benchmark; use vllm bench serve, AIPerf or GuideLLM"),
)
# Texts that are no JSON: what their beginning looks like, and which option writes JSON.
TEXTS = (
    (r"MLPerf Results Summary", "is an MLPerf log; name the summary_results.json of the round"),
    (r"Public ID\s*[\t,]|Model MLC", "is an export of the MLPerf results page; name the summary_results.json of the"
     " round"),
    (r"Serving Benchmark Result", "is what a serving benchmark prints; its JSON is written by"
     " --save-result (vllm bench serve) or --output-file (SGLang)"),
    (r"Offline Throughput Benchmark Result|Throughput: [\d.]+ requests/s", "is what a throughput benchmark prints;"
     " its JSON is written by --output-json (vLLM) or --result-filename (SGLang)"),
    (r"NVIDIA (GenAI-Perf|AIPerf) \|", "is a table that AIPerf prints; name its profile_export_aiperf.json"),
    (r"Benchmarks? (Info|Stats|Metadata)|guidellm benchmark", "is what GuideLLM prints; name its benchmarks.json"),
    (r"trtllm-bench|PYTORCH BACKEND|= PERFORMANCE OVERVIEW", "is what trtllm-bench prints; its report has no speed per"
     " user and load: use trtllm-serve with vllm bench serve or AIPerf"),
    (r"^\| *(model|test) ", "is a Markdown table; save it as CSV under the names of the plain template"),
    (r"\A\s*(?:\x1b\[[\d;]*m)?(?:\([^)]*\) )?(?:INFO|WARNING|ERROR|DEBUG|\[?\d{4}-\d\d-\d\d[ T]\d\d:)", "is a log;"
     " name the JSON file that the tool wrote beside it"),
    (r"<!doctype html|<html", "is a web page; save the JSON or CSV behind it"),
)  # fmt: skip

# ---- spellings ----------------------------------------------------------------------------------

# Names that people give to facts in metadata, CSV headers and token-factory.yaml, and ours.
SPELLINGS = {
    **dict.fromkeys(("num_gpus", "gpu_count", "n_gpus", "n_gpu", "ngpu", "ngpus", "gpus", "gpu_num"), "num_gpu"),
    **dict.fromkeys(("num_accelerators", "accelerator_count", "number_of_gpus", "world_size", "total_gpus"), "num_gpu"),
    **dict.fromkeys(("gpu", "gpu_type", "gpu_name", "gpu_model", "accelerator", "hw", "device_name"), "hardware"),
    **dict.fromkeys(("tensor_parallel_size", "tp_size", "tensor_parallel"), "tp"),
    **dict.fromkeys(("pipeline_parallel_size", "pp_size", "pipeline_parallel"), "pp"),
    **dict.fromkeys(("data_parallel_size", "dp_size", "data_parallel", "num_replicas", "replicas"), "dp"),
    **dict.fromkeys(("expert_parallel_size", "ep_size", "expert_parallel"), "ep"),
    **dict.fromkeys(("engine", "serving_engine", "server"), "framework"),
    **dict.fromkeys(("quantization", "quant", "weight_precision", "number_format"), "precision"),
    **dict.fromkeys(("speculative_method", "speculative_algorithm", "spec_method", "speculation"), "spec_decoding"),
    **dict.fromkeys(("disaggregated", "is_disagg", "disaggregation"), "disagg"),
    **dict.fromkeys(("isl", "input_len", "input_length", "random_input_len"), "isl_tok"),
    **dict.fromkeys(("osl", "output_len", "output_length", "random_output_len"), "osl_tok"),
    **dict.fromkeys(("concurrency",), "conc"),
}


def spelt(name: str) -> str:
    """Our name of a fact.

    >>> spelt("--tensor-parallel-size"), spelt("gpu_count"), spelt("other")
    ('tp', 'num_gpu', 'other')
    """
    key = name.lower().lstrip("-").replace("-", "_")
    return SPELLINGS.get(key, key)
