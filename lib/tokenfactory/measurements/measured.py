"""The one schema of measured points, and the tables that come with it.

Two vocabularies. `CONFIG_FIELDS`, `RUN_FIELDS` and `POINT_FIELDS` are what an adapter may state about a
row, in the source's words and per the source's GPUs. The `TABLES` are what everybody else reads:
normalised names, units in the column names, token and GPU scope explicit. `ingest` is the way from one to
the other. An adapter states a fact or leaves the field out; it never guesses.
"""

from dataclasses import dataclass
from typing import NamedTuple


class Column(NamedTuple):
    """One column: DuckDB type, unit ('' where it has none) and meaning."""

    name: str
    type: str
    unit: str
    meaning: str


# ---- what an adapter may state ------------------------------------------------------------------

_TP = "size of tensor parallelism"
_EP = "size of expert parallelism"
_PP = "size of pipeline parallelism"

# What ran on what. Values as printed: normalising is not the adapter's business. A flag may be a boolean
# or one of the texts true/false, on/off, 1/0.
CONFIG_FIELDS = (
    Column("hardware", "VARCHAR", "", "name of the GPU or system"),
    Column("model_prefix", "VARCHAR", "", "short model key of an InferenceX row; goes before `model`"),
    Column("model", "VARCHAR", "", "model name or path"),
    Column("framework", "VARCHAR", "", "serving engine"),
    Column("precision", "VARCHAR", "", "number format of the weights"),
    Column("spec_decoding", "VARCHAR", "", "speculative decoding method"),
    Column("mtp", "VARCHAR", "", "the older flag for the same"),
    Column("disagg", "VARCHAR", "", "flag: prefill and decode on different GPUs"),
    Column("is_multinode", "VARCHAR", "", "flag: more than one node"),
    Column("tp", "BIGINT", "", f"{_TP}, one engine for prefill and decode"),
    Column("pp", "BIGINT", "", f"{_PP}, one engine"),
    Column("pcp", "BIGINT", "", "size of prefill context parallelism, one engine"),
    Column("dp", "BIGINT", "", "copies of the engine, each on GPUs of its own"),
    Column("ep", "BIGINT", "", f"{_EP}, one engine"),
    Column("dp_attention", "VARCHAR", "", "flag: data-parallel attention, one engine"),
    Column("prefill_tp", "BIGINT", "", f"{_TP} of a prefill worker"),
    Column("prefill_pp", "BIGINT", "", f"{_PP} of a prefill worker"),
    Column("prefill_ep", "BIGINT", "", f"{_EP} of a prefill worker"),
    Column("prefill_dp_attention", "VARCHAR", "", "flag: data-parallel attention of prefill"),
    Column("prefill_num_workers", "BIGINT", "", "prefill workers"),
    Column("decode_tp", "BIGINT", "", f"{_TP} of a decode worker"),
    Column("decode_pp", "BIGINT", "", f"{_PP} of a decode worker"),
    Column("decode_ep", "BIGINT", "", f"{_EP} of a decode worker"),
    Column("decode_dp_attention", "VARCHAR", "", "flag: data-parallel attention of decode"),
    Column("decode_num_workers", "BIGINT", "", "decode workers"),
    Column("num_gpu", "BIGINT", "gpu", "all deployed GPUs, where the source states them as such"),
    Column("num_prefill_gpu", "BIGINT", "gpu", "the source's number of prefill GPUs"),
    Column("num_decode_gpu", "BIGINT", "gpu", "the source's number of decode GPUs"),
    Column("speculates", "VARCHAR", "", "flag: decoding is speculative, by a method that the row does not name"),
    Column("is_own", "VARCHAR", "", "flag: somebody's own measurement, so any GPU name is taken"),
)

RUN_FIELDS = (
    Column("run_id", "VARCHAR", "", "id of the run that measured the row"),
    Column("run_attempt", "BIGINT", "", "attempt of that run"),
    Column("run_url", "VARCHAR", "", "page of the run"),
    Column("run_started_at", "VARCHAR", "", "start of the run, ISO 8601"),
    Column("workflow_run_id", "VARCHAR", "", "the source's internal id of the run"),
)

LATENCIES = ("ttft", "tpot", "itl", "e2el")
STATISTICS = ("mean", "median", "p75", "p90", "p99")
_LATENCY_NAMES = {
    "ttft": "time to first token",
    "tpot": "time per output token after the first, of a request",
    "itl": "time between two output tokens",
    "e2el": "time of a whole request",
}
LATENCY_COLUMNS = tuple(
    Column(f"{statistic}_{latency}_s", "DOUBLE", "s", f"{_LATENCY_NAMES[latency]}: {statistic} over the requests")
    for latency in LATENCIES
    for statistic in STATISTICS
)
_SPEED = "output speed a user sees"
INTERACTIVITY_COLUMNS = (
    Column("interactivity_tok_per_s_per_user", "DOUBLE", "tok/s/user", f"{_SPEED}: median"),
    Column("mean_interactivity_tok_per_s_per_user", "DOUBLE", "tok/s/user", f"{_SPEED}: 1 / mean time"),
    Column("p75_interactivity_tok_per_s_per_user", "DOUBLE", "tok/s/user", f"{_SPEED}: slow tail, 1 / p75 time"),
    Column("p90_interactivity_tok_per_s_per_user", "DOUBLE", "tok/s/user", f"{_SPEED}: slow tail, 1 / p90 time"),
    Column("p99_interactivity_tok_per_s_per_user", "DOUBLE", "tok/s/user", f"{_SPEED}: slow tail, 1 / p99 time"),
)
SPEED_OF = dict(zip(("median", "mean", "p75", "p90", "p99"), (c.name for c in INTERACTIVITY_COLUMNS), strict=True))
CACHE_COLUMNS = (
    Column("gpu_cache_hit_frac", "DOUBLE", "frac", "share of input tokens found in the cache on the GPUs"),
    Column("cpu_cache_hit_frac", "DOUBLE", "frac", "share of input tokens found in the cache in host memory"),
    Column("external_cache_hit_frac", "DOUBLE", "frac", "share of input tokens found in an external cache"),
    Column("theoretical_cache_hit_frac", "DOUBLE", "frac", "share of input tokens an endless cache would hold"),
)

# What was measured. Throughput either per GPU (with `rate_scope`) or of the whole deployment.
POINT_FIELDS = (
    Column("workload", "VARCHAR", "", "fixed_length (the default), agentic, or other (a data set)"),
    Column("isl_tok", "BIGINT", "tok", "nominal input length"),
    Column("osl_tok", "BIGINT", "tok", "nominal output length"),
    Column("conc", "BIGINT", "", "requests in flight"),
    Column("requests_per_s", "DOUBLE", "req/s", "rate at which requests were sent, in an open loop"),
    Column("scenario", "VARCHAR", "", "what a workload of the kind other is: data set and load"),
    Column("offload_mode", "VARCHAR", "", "whether the key-value cache may leave the GPU"),
    Column("image", "VARCHAR", "", "container image"),
    Column("recipe_fingerprint", "VARCHAR", "", "the source's fingerprint of the launch recipe"),
    Column("date", "VARCHAR", "", "day of the run; the first ten characters count"),
    Column("source_url", "VARCHAR", "", "page that shows the row, where it is not the run"),
    Column("rate_scope", "VARCHAR", "", "role: input per prefill GPU, output per decode GPU; deployed: all GPUs"),
    Column("total_tok_per_s_per_gpu", "DOUBLE", "tok/s/gpu", "input and output tokens"),
    Column("output_tok_per_s_per_gpu", "DOUBLE", "tok/s/gpu", "output tokens, per the GPUs of rate_scope"),
    Column("input_tok_per_s_per_gpu", "DOUBLE", "tok/s/gpu", "input tokens, per the GPUs of rate_scope"),
    Column("total_tok_per_s", "DOUBLE", "tok/s", "input and output tokens of the whole deployment"),
    Column("output_tok_per_s", "DOUBLE", "tok/s", "output tokens of the whole deployment"),
    Column("input_tok_per_s", "DOUBLE", "tok/s", "input tokens of the whole deployment"),
    *INTERACTIVITY_COLUMNS,
    *LATENCY_COLUMNS,
    Column("avg_power_w", "DOUBLE", "w", "mean power of a GPU over all deployed GPUs"),
    Column("prefill_avg_power_w", "DOUBLE", "w", "mean power of a prefill GPU"),
    Column("decode_avg_power_w", "DOUBLE", "w", "mean power of a decode GPU"),
    Column("system_power_w", "DOUBLE", "w", "mean power of the whole system at the wall"),
    Column("joules_per_total_token", "DOUBLE", "j/tok", "energy per token, as printed"),
    Column("joules_per_output_token", "DOUBLE", "j/tok", "energy per output token, as printed"),
    Column("joules_per_input_token", "DOUBLE", "j/tok", "energy per input token, as printed"),
    Column("joules_per_successful_query", "DOUBLE", "j", "energy per request, as printed"),
    Column("prefill_joules_per_input_token", "DOUBLE", "j/tok", "energy of the prefill GPUs per input token"),
    Column("decode_joules_per_output_token", "DOUBLE", "j/tok", "energy of the decode GPUs per output token"),
    Column("power_metric_schema_version", "DOUBLE", "", "version of the energy fields; missing is 1"),
    Column("power_valid", "DOUBLE", "", "1: the source's checks passed; 0: they failed"),
    *CACHE_COLUMNS,
    Column("accuracy_frac", "DOUBLE", "frac", "score of the run's own accuracy check"),
    Column("num_requests_ok", "DOUBLE", "", "requests that succeeded"),
    Column("error", "VARCHAR", "", "why the source calls the row failed"),
)

FIELDS = {c.name: c for c in (*CONFIG_FIELDS, *RUN_FIELDS, *POINT_FIELDS)}

# Facts a person may add in `token-factory.yaml` beside a file, for what its rows do not state.
FACTS = (
    *(c.name for c in CONFIG_FIELDS if c.name not in ("model_prefix", "mtp", "speculates", "is_own")),
    *("workload", "isl_tok", "osl_tok", "conc", "scenario", "offload_mode", "image", "date", "run_id", "run_url"),
    *("source_url", "accuracy_frac"),
)

# ---- what everybody else reads ------------------------------------------------------------------

REPAIRS = {
    "num_gpu_was_tp_times_ep": "the stored GPU count was tensor x expert parallelism; the true one was used",
    "num_gpu_from_parallelism": "no usable GPU count was stored; the parallel sizes and workers give it",
    "pools_from_identity": "prefill and decode were both stored as the total; the throughput identity gives the split",
    "rates_were_per_deployed_gpu": "input and output rates were over all GPUs (before November 2025)",
    "framework_alias": "an older name of the framework was replaced",
    "hardware_suffix": "a runner or engine suffix was removed from the hardware name",
    "precision_alias": "the precision's brand name was replaced",
    "model_not_in_table": "the model is not in the table of known ones; its own name is used",
    "disagg_implied": "the framework or its decode workers say that it is disaggregated",
    "interactivity_from_time": "interactivity was missing; it is 1 / time per output token (agentic: between tokens)",
    "total_from_parts": "total throughput was missing; it is input plus output",
    "power_invalid_dropped": "the source calls its power measurement invalid; power and energy were removed",
    "energy_v1_converted": "version-1 energy counted one pool per token; converted to the whole deployment",
    "energy_disagrees_dropped": "energy per token and power did not agree within 1%; the energy was removed",
    "zero_latency_dropped": "a latency or speed of 0 means no sample; it was removed",
    "date_from_run": "the row has no date; another row of its run has",
    "run_from_same_measurement": "the row has no run; a row with the same configuration and values has",
    "date_from_run_number": "the run has no day; its number lies between those of runs whose days are known",
    "median_of_repeats": "own measurements of one setting on one day; the point is their median",
    "lengths_are_means": "the file has mean lengths alone; those of one line were brought to its longest",
    "tokens_were_as_asked": "output was counted as asked where answers ended early; the tokens made were counted",
    "speed_percentile_replaced": "a percentile of speeds was no slow tail; it is the speed of the time's percentile",
    "gpu_not_in_table": "the GPU is not in the table of known ones; its own name is used, and it has no price",
    "num_gpu_from_name": "the number of GPUs stood in the name of the hardware",
    "lengths_from_file_name": "input and output length stand in the file name only",
    "run_from_file_name": "the id of the run stands in the path only",
}

_CONFIG = (
    Column("config_id", "BIGINT", "", "number of the configuration (hardware, software, topology)"),
    Column("gpu", "VARCHAR", "", "GPU, normalised, as in hardware.csv"),
    Column("model", "VARCHAR", "", "language model, normalised, as in operating_points.csv"),
    Column("model_raw", "VARCHAR", "", "the model's name at the source"),
    Column("framework", "VARCHAR", "", "serving engine, normalised (trt is TensorRT-LLM)"),
    Column("precision", "VARCHAR", "", "number format of the weights; nvfp4 and mxfp4 are fp4"),
    Column("spec_decoding", "VARCHAR", "", "speculative decoding: none, mtp or another method"),
    Column("is_disagg", "BOOLEAN", "", "prefill and decode run on different GPUs"),
    Column("is_multinode", "BOOLEAN", "", "more than one node; NULL where the source does not say"),
    Column("num_gpu", "BIGINT", "gpu", "all deployed GPUs"),
    Column("num_prefill_gpu", "BIGINT", "gpu", "GPUs of the prefill pool; NULL where there are no pools"),
    Column("num_decode_gpu", "BIGINT", "gpu", "GPUs of the decode pool; NULL where there are no pools"),
    *(
        column
        for role in ("prefill", "decode")
        for column in (
            Column(f"{role}_tp", "BIGINT", "", f"{_TP} of a {role} worker; the engine's where there are no pools"),
            Column(f"{role}_ep", "BIGINT", "", f"{_EP} of a {role} worker; the engine's where there are no pools"),
            Column(f"{role}_dp_attention", "BOOLEAN", "", f"data-parallel attention of {role}"),
            Column(f"{role}_num_workers", "BIGINT", "", f"{role} workers; NULL where there are no pools"),
        )
    ),
)

MEASURED_POINTS = (
    *_CONFIG,
    Column("workload", "VARCHAR", "", "fixed_length, agentic (its total counts cached input) or other. Never mix them"),
    Column("isl_tok", "BIGINT", "tok", "nominal input length; real InferenceX requests draw 80-100% of it"),
    Column("osl_tok", "BIGINT", "tok", "nominal output length"),
    Column("conc", "BIGINT", "", "requests in flight"),
    Column("requests_per_s", "DOUBLE", "req/s", "rate at which requests were sent; NULL in a closed loop"),
    Column("scenario", "VARCHAR", "", "what a workload of the kind other is: data set and load"),
    Column("offload_mode", "VARCHAR", "", "whether the key-value cache may leave the GPU: off, on"),
    Column("image", "VARCHAR", "", "container image"),
    Column("recipe_fingerprint", "VARCHAR", "", "the source's fingerprint of the launch recipe"),
    Column("total_tok_per_s_per_gpu", "DOUBLE", "tok/s/gpu", "input and output tokens, over all deployed GPUs"),
    Column("output_tok_per_s_per_gpu", "DOUBLE", "tok/s/gpu", "output tokens, over all deployed GPUs"),
    Column("input_tok_per_s_per_gpu", "DOUBLE", "tok/s/gpu", "input tokens, over all deployed GPUs"),
    Column("output_tok_per_s_per_role_gpu", "DOUBLE", "tok/s/gpu", "output tokens, over the decode GPUs"),
    Column("input_tok_per_s_per_role_gpu", "DOUBLE", "tok/s/gpu", "input tokens, over the prefill GPUs"),
    *INTERACTIVITY_COLUMNS,
    *LATENCY_COLUMNS,
    Column("avg_power_kw_per_gpu", "DOUBLE", "kw/gpu", "mean power, over all deployed GPUs"),
    Column("prefill_power_kw_per_gpu", "DOUBLE", "kw/gpu", "mean power of a prefill GPU"),
    Column("decode_power_kw_per_gpu", "DOUBLE", "kw/gpu", "mean power of a decode GPU"),
    Column("j_per_total_tok", "DOUBLE", "j/tok", "energy of the whole deployment per input and output token"),
    Column("j_per_output_tok", "DOUBLE", "j/tok", "energy of the whole deployment per output token"),
    Column("j_per_input_tok", "DOUBLE", "j/tok", "energy of the whole deployment per input token"),
    Column("j_per_request", "DOUBLE", "j", "energy of the whole deployment per successful request"),
    Column("prefill_j_per_input_tok", "DOUBLE", "j/tok", "energy of the prefill GPUs per input token"),
    Column("decode_j_per_output_tok", "DOUBLE", "j/tok", "energy of the decode GPUs per output token"),
    Column("power_schema_version", "BIGINT", "", "version of the source's energy fields: 1 or 2"),
    Column("power_basis", "VARCHAR", "", "gpu_board: power of the GPU boards alone; system_wall: whole system, wall"),
    *CACHE_COLUMNS,
    Column("accuracy_frac", "DOUBLE", "frac", "score of the run's own accuracy check"),
    Column("identity_residual_frac", "DOUBLE", "frac", "how far input and output miss the total throughput"),
    Column("littles_law_ratio", "DOUBLE", "", "throughput x request time / tokens / conc; 1 where all is consistent"),
    Column("has_littles_law_gap", "BOOLEAN", "", "that ratio is outside 0.9 to 1.1"),
    Column("date", "DATE", "", "day of the run; NULL where the source does not say"),
    Column("run_id", "VARCHAR", "", "id of the run that measured the row"),
    Column("run_attempt", "BIGINT", "", "attempt of that run"),
    Column("run_started_at", "VARCHAR", "", "start of the run, ISO 8601"),
    Column("run_url", "VARCHAR", "", "page of the run"),
    Column("source", "VARCHAR", "", "who measured"),
    Column("source_url", "VARCHAR", "", "page that shows the row"),
    Column("file_sha256", "VARCHAR", "", "hash of the file the row was read from"),
    Column("row_index", "BIGINT", "", "place of the row in that file, from 0"),
    Column("adapter", "VARCHAR", "", "module that read it"),
    Column("adapter_version", "BIGINT", "", "version of that module"),
    Column("num_sources", "BIGINT", "", "rows that say the same, or repeat the setting, and were merged into this one"),
    Column("repeats_spread_frac", "DOUBLE", "frac", "(highest - lowest) / median throughput of its repeats"),
    Column("raw_keys", "VARCHAR", "", "the source's own values of the configuration, as JSON"),
    Column("repairs", "VARCHAR[]", "", "what was repaired: the codes of REPAIRS"),
)

# What of a measured point ships as a row of `data/benchmarks/`.
_SHIPPED = (
    *(c.name for c in _CONFIG if c.name not in ("config_id", "model_raw")),
    *("isl_tok", "osl_tok", "conc", "total_tok_per_s_per_gpu", "output_tok_per_s_per_gpu"),
    *("interactivity_tok_per_s_per_user", "median_ttft_s", "median_tpot_s", "mean_e2el_s", "p99_ttft_s", "p99_tpot_s"),
    *("avg_power_kw_per_gpu", "j_per_total_tok", "image", "date", "run_url", "repairs"),
)
_TPUT = "total_tok_per_s_per_gpu"
BENCHMARK_COLUMNS = (
    Column("point_id", "VARCHAR", "", "unique name of the point"),
    Column("evidence", "VARCHAR", "", "measured; derived: throughput worked out from measured latencies"),
    *(c for c in MEASURED_POINTS if c.name in _SHIPPED),
    Column(f"{_TPUT}_low", "DOUBLE", "tok/s/gpu", "low end of the band that holds 90%, of a derived point"),
    Column(f"{_TPUT}_high", "DOUBLE", "tok/s/gpu", "high end of that band"),
)

# The largest number of each unit that a measurement can be; 0 < x < SMALLEST is none either.
LARGEST = {
    **{"tok/s/gpu": 1e7, "tok/s": 1e11, "tok/s/user": 1e6, "req/s": 1e7, "s": 1e6, "w": 1e5, "j/tok": 1e6, "j": 1e9},
    **{"frac": 1.0, "": 1e12},
}
SMALLEST = 1e-9
LARGEST_TOK = 100_000_000  # of a prompt or an answer
LARGEST_CONC = 10_000_000

# The columns that make a curve: one configuration under one workload. Points of a line differ in conc.
LINE = ("config_id", "workload", "isl_tok", "osl_tok", "scenario", "offload_mode")
# The wider group a chart draws as one series, whatever the topology.
SERIES = (
    *("gpu", "model", "framework", "precision", "spec_decoding", "is_disagg", "workload", "isl_tok", "osl_tok"),
    *("scenario", "offload_mode"),
)

RUNS = (
    Column("run_id", "VARCHAR", "", "id of the run"),
    Column("run_attempt", "BIGINT", "", "attempt"),
    Column("workflow_run_id", "VARCHAR", "", "the source's internal id"),
    Column("date", "DATE", "", "day of the run"),
    Column("run_started_at", "VARCHAR", "", "start, ISO 8601"),
    Column("run_url", "VARCHAR", "", "page of the run"),
    Column("name", "VARCHAR", "", "name of the workflow"),
    Column("conclusion", "VARCHAR", "", "how it ended"),
    Column("commit_sha", "VARCHAR", "", "commit of the benchmark"),
    Column("is_append_only", "BOOLEAN", "", "the run only adds points to the one before; NULL where not stated"),
)

EVALUATIONS = (
    *(c for c in _CONFIG if c.name != "config_id"),
    Column("task", "VARCHAR", "", "evaluation task"),
    Column("isl_tok", "BIGINT", "tok", "nominal input length of the server's configuration"),
    Column("osl_tok", "BIGINT", "tok", "nominal output length of the server's configuration"),
    Column("conc", "BIGINT", "", "requests in flight"),
    Column("score_frac", "DOUBLE", "frac", "score: exact match (strict), else the task's own score"),
    Column("score_error_frac", "DOUBLE", "frac", "standard error of the score"),
    Column("num_samples", "BIGINT", "", "questions asked"),
    Column("date", "DATE", "", "day of the evaluation"),
    Column("run_url", "VARCHAR", "", "page of the run"),
    Column("file_sha256", "VARCHAR", "", "hash of the file the row was read from"),
    Column("row_index", "BIGINT", "", "place of the row in that file, from 0"),
    Column("raw_keys", "VARCHAR", "", "the source's own values of the configuration, as JSON"),
)

RELIABILITY = (
    Column("gpu", "VARCHAR", "", "GPU, normalised"),
    Column("hardware_raw", "VARCHAR", "", "name of the hardware at the source"),
    Column("date", "DATE", "", "day"),
    Column("num_success", "BIGINT", "", "jobs that succeeded"),
    Column("num_total", "BIGINT", "", "jobs that ran"),
)

AVAILABILITY = (
    Column("gpu", "VARCHAR", "", "GPU, normalised"),
    Column("model", "VARCHAR", "", "language model, normalised"),
    Column("framework", "VARCHAR", "", "serving engine, normalised"),
    Column("precision", "VARCHAR", "", "number format of the weights"),
    Column("spec_decoding", "VARCHAR", "", "speculative decoding"),
    Column("is_disagg", "BOOLEAN", "", "prefill and decode run on different GPUs"),
    Column("workload", "VARCHAR", "", "fixed_length or agentic"),
    Column("isl_tok", "BIGINT", "tok", "nominal input length"),
    Column("osl_tok", "BIGINT", "tok", "nominal output length"),
    Column("date", "DATE", "", "a day with results"),
)

EXCLUDED_ROWS = (
    Column("file", "VARCHAR", "", "file the row stands in"),
    Column("row_index", "BIGINT", "", "place of the row in that file, from 0"),
    Column("field", "VARCHAR", "", "field that decided"),
    Column("reason", "VARCHAR", "", "why the row cannot be used"),
    Column("belongs_to", "VARCHAR", "", "table the row would have gone to"),
    Column("file_sha256", "VARCHAR", "", "hash of that file"),
    Column("adapter", "VARCHAR", "", "module that read it"),
    Column("raw_keys", "VARCHAR", "", "the source's own values of the configuration, as JSON, where they were read"),
)

INGESTED_FILES = (
    Column("file", "VARCHAR", "", "file, relative to what was named; a member of a zip follows '!'"),
    Column("file_sha256", "VARCHAR", "", "hash of its bytes"),
    Column("num_bytes", "BIGINT", "", "size"),
    Column("adapter", "VARCHAR", "", "modules that read it; NULL: not read"),
    Column("num_rows", "BIGINT", "", "rows read"),
    Column("num_points", "BIGINT", "", "rows that became a measured point"),
    Column("num_merged", "BIGINT", "", "rows that repeat a point and were merged into it"),
    Column("num_other", "BIGINT", "", "rows that went to runs, evaluations, reliability or availability"),
    Column("num_excluded", "BIGINT", "", "rows in excluded_rows"),
    Column("problem", "VARCHAR", "", "why the file was not read; NULL: it was"),
)


@dataclass(frozen=True)
class Table:
    """A table of a snapshot: its columns, what it is, and what one row stands for."""

    columns: tuple[Column, ...]
    description: str
    grain: str


TABLES = {
    "measured_points": Table(MEASURED_POINTS, "operating points that were measured", "one measured point"),
    "runs": Table(RUNS, "runs of a benchmark", "one attempt of one run"),
    "evaluations": Table(EVALUATIONS, "accuracy of served models", "one task on one configuration in one run"),
    "reliability": Table(RELIABILITY, "how many jobs succeeded", "one hardware on one day"),
    "availability": Table(AVAILABILITY, "what the source has results for", "one series on one day"),
    "excluded_rows": Table(EXCLUDED_ROWS, "rows that cannot be used, and why", "one row of a file"),
    "ingested_files": Table(INGESTED_FILES, "files that were looked at", "one file"),
}


def ddl(name: str, columns: tuple[Column, ...]) -> str:
    """CREATE TABLE of these columns."""
    return f"CREATE TABLE {name} (" + ", ".join(f'"{c.name}" {c.type}' for c in columns) + ")"
