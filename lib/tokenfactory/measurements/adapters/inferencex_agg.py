"""InferenceX aggregated rows (`agg_*.json`, `agg_bmk.json`, `agg_eval_all.json`, run statistics), all generations.

Fixed-length rows state seconds and tokens/s per GPU flat; agentic rows since July 2026 nest them in
`request_metrics`. `std_intvty` (1 / standard deviation) is the speed of nothing and is not read.
"""

import re
from collections.abc import Iterator

from tokenfactory.measurements import normalise
from tokenfactory.measurements.adapters import Context, Row, RowProblem, copied
from tokenfactory.warehouse.measured import CONFIG_FIELDS, LATENCIES, POINT_FIELDS, RUN_FIELDS, SPEED_OF, STATISTICS

NAME, VERSION = "inferencex_agg", 3
SOURCE = "InferenceX"

# What InferenceX calls the facts of a row, here and in its API and database: most as we do.
CONFIG = {c.name: c.name for c in CONFIG_FIELDS if c.name not in ("num_gpu", "dp", "speculates", "is_own")}
CONFIG |= {"hw": "hardware", "infmax_model_prefix": "model_prefix", "spec_method": "spec_decoding", "pcp_size": "pcp"}
POINT = {name: name for name in ("conc", "image", "recipe_fingerprint", "date", "error", *(c.name for c in RUN_FIELDS))}
POINT |= {"isl": "isl_tok", "osl": "osl_tok", "users": "conc"}
# Its numbers, there in `metrics`.
METRICS = {
    "tput_per_gpu": "total_tok_per_s_per_gpu",
    "output_tput_per_gpu": "output_tok_per_s_per_gpu",
    "input_tput_per_gpu": "input_tok_per_s_per_gpu",
    "median_intvty": "interactivity_tok_per_s_per_user",
    **{f"{s}_intvty": f"{s}_interactivity_tok_per_s_per_user" for s in STATISTICS if s != "median"},
    **{f"{s}_{latency}": f"{s}_{latency}_s" for s in STATISTICS for latency in LATENCIES},
    **{c.name: c.name for c in POINT_FIELDS if re.search("power|joules", c.name) and c.name != "system_power_w"},
    "num_requests_successful": "num_requests_ok",
    **{f"{where}_cache_hit_rate": f"{where}_cache_hit_frac" for where in ("gpu", "cpu", "external", "theoretical")},
}
# Flat agentic rows, before July 2026.
_OLD_AGENTIC = {"total_tput_tps": "total_tok_per_s", **{f"{s}_ttlt": f"{s}_e2el_s" for s in STATISTICS}}
_PER_GPU = {f"{kind}_tput_tps": f"{kind}_tok_per_s_per_gpu" for kind in ("total", "output", "input")}
_NESTED_STATISTICS = {"mean": "mean", "p50": "median", "p75": "p75", "p90": "p90"}


def recognise(record: Row) -> str | None:
    if "hw" in record:
        if "task" in record and ("em_strict" in record or "score" in record):
            return "evaluations"
        if "tput_per_gpu" in record or "request_metrics" in record or "total_tput_tps" in record:
            return "measured_points"
    if record and all(isinstance(v, dict) and {"n_success", "total"} <= v.keys() for v in record.values()):
        return "reliability"
    return None


def rows(record: Row, context: Context) -> Iterator[dict]:
    table = recognise(record)
    if table == "reliability":
        for name, jobs in record.items():
            yield {"hardware": name, "num_success": jobs["n_success"], "num_total": jobs["total"]}
        return
    row = copied(record, CONFIG) | copied(record, POINT)
    if table == "evaluations":
        lengths = normalise.lengths_in(str(record.get("source", "")))
        if lengths and "isl_tok" not in row and "osl_tok" not in row:  # older rows: only the path of their source says
            row["isl_tok"], row["osl_tok"] = lengths
        yield evaluation(row, record)
    else:
        pools = [str(record[name]).strip().lower() for name in ("prefill_hw", "decode_hw") if record.get(name)]
        if len(set(pools)) > 1:
            raise RowProblem("decode_hw", "prefill and decode run on different hardware; a point has one GPU")
        row["offload_mode"] = offload(record)
        if "mtp" not in row:
            row.setdefault("spec_decoding", "none")
        if "request_metrics" in record:
            yield row | _agentic(record)
        else:
            row |= copied(record, METRICS)
            if "users" in record or "total_tput_tps" in record:
                row |= {"workload": "agentic", "rate_scope": "deployed", **copied(record, _OLD_AGENTIC)}
            yield row


def evaluation(row: dict, record: Row) -> dict:
    """A row of evaluations: strict exact match where there is one, else the task's own score."""
    name = "em_strict" if record.get("em_strict") is not None else "score"
    return row | {
        "task": record["task"],
        "score_frac": record.get(name),
        "score_error_frac": record.get(f"{name}_se"),
        "num_samples": record.get("n_eff"),
    }


def offload(record: Row) -> str:
    """Whether the key-value cache may leave the GPU: none is off, anything else on."""
    for key in ("offload_mode", "offloading", "kv_offloading"):
        if record.get(key) is not None:
            return "off" if str(record[key]).lower() in ("none", "off", "false", "") else "on"
    return "off"


def _agentic(record: Row) -> dict:
    latency, throughput = _group(record, "request_metrics", "latency"), _group(record, "request_metrics", "throughput")
    row = {"workload": "agentic", "rate_scope": "deployed"}
    # Where the gap between full responses is stated, it replaces the gap between chunks.
    groups = {name: _group(latency, name) for name in ("ttft", "tpot", "e2el")}
    groups["itl"] = _group(latency, "full_response_itl") or _group(latency, "itl")
    for name, group in groups.items():
        row |= copied(group, {theirs: f"{ours}_{name}_s" for theirs, ours in _NESTED_STATISTICS.items()})
    # Where times per output token are stated, they are what a user sees: a gap may stand for several tokens.
    for statistic, speed in SPEED_OF.items():
        time = row.get(f"{statistic}_tpot_s")
        if isinstance(time, int | float) and time > 1e-300:
            row[speed] = 1 / time
    row |= copied(_group(throughput, "per_gpu"), _PER_GPU) | copied(record, METRICS)
    for where in ("request_metrics", "server_metrics"):
        row |= copied(_group(record, where, "cache"), METRICS)
    return row


def _group(record: Row, *path: str) -> Row:
    for key in path:
        record = record.get(key) or {}
        if not isinstance(record, dict):
            raise RowProblem(key, "is not an object")
    return record
