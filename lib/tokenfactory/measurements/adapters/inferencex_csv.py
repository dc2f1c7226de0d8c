"""CSV exports of the InferenceX dashboard (inference chart, historical trend) and of its PowerX skill.

The chart's headers said GPU before August 2026 and Chip since. Rows that the trend chart extended to today
are no measurements and are left out.
"""

import re
from collections.abc import Iterator

from tokenfactory.measurements.adapters import Context, Row, RowProblem, copied
from tokenfactory.measurements.adapters import inferencex_api as api
from tokenfactory.measurements.adapters.inferencex_agg import METRICS, POINT
from tokenfactory.measurements.normalise import flag, run_of

NAME, VERSION = "inferencex_csv", 2
SOURCE = "InferenceX"

_STATISTICS = {"Mean": "mean", "Median": "median", "P75": "p75", "P90": "p90", "P99": "p99"}
_LATENCIES = {"TTFT": "ttft", "TPOT": "tpot", "ITL": "itl", "E2E Latency": "e2el"}
CHART = {
    "Model": "model",
    "Hardware Key": "hardware",
    "Framework": "framework",
    "Precision": "precision",
    "Spec Decoding": "spec_decoding",
    "Disaggregated": "disagg",
    "Is Multinode": "is_multinode",
    "TP": "tp",
    "EP": "ep",
    "DP Attention": "dp_attention",
    "Num Prefill GPUs": "num_prefill_gpu",
    "Num Decode GPUs": "num_decode_gpu",
    "ISL": "isl_tok",
    "OSL": "osl_tok",
    "Concurrency": "conc",
    "Date": "date",
    "Run URL": "run_url",
    "Throughput/GPU": "total_tok_per_s_per_gpu",
    "Output Throughput/GPU": "output_tok_per_s_per_gpu",
    "Input Throughput/GPU": "input_tok_per_s_per_gpu",
    **{f"{s} {n}": f"{stat}_{name}_s" for s, stat in _STATISTICS.items() for n, name in _LATENCIES.items()},
    **{f"{s} Interactivity": METRICS[f"{stat}_intvty"] for s, stat in _STATISTICS.items()},
}


def recognise(record: Row) -> str | None:
    if {"Hardware Key", "Concurrency", "Framework"} <= record.keys() and any("Throughput/" in key for key in record):
        return "measured_points"
    if {"hardware", "spec_method", "num_decode_gpu", "avg_power_w"} <= record.keys() and "metrics" not in record:
        return "measured_points"
    return None


def rows(record: Row, context: Context) -> Iterator[dict]:
    if "Hardware Key" not in record:
        yield api.config(record) | copied(record, POINT) | api.point(record, record)
        return
    record = {_old_header(header): cell for header, cell in record.items()}
    if record.get("Synthetic") and flag(record["Synthetic"], "Synthetic"):
        raise RowProblem("Synthetic", "extended to today by the dashboard, not measured")
    row = {"spec_decoding": "none", "offload_mode": "off", **copied(record, CHART)}
    row["hardware"] = str(row.get("hardware", "")).split("_", 1)[0]
    run_id, attempt = run_of(row.get("run_url"))
    yield row | ({"run_id": run_id, "run_attempt": attempt} if run_id else {})


def _old_header(header: str) -> str:
    """Headers as before August 2026, without the unit in brackets."""
    return re.sub(r"Chip(?=s?\b)", "GPU", re.sub(r"\s*\([^)]*\)$", "", header.strip()))
