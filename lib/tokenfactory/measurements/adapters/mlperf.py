"""MLPerf Inference summary JSON (`summary_results.json`): language models in the datacenter suite.

`Tokens/s` counts output tokens of the whole system. There is no concurrency and no speed per user: a
scenario has latency limits instead, so these rows never stand beside fixed-length points.
"""

import re
from collections.abc import Iterator

from tokenfactory.measurements.adapters import Context, Row, RowProblem

NAME, VERSION = "mlperf", 1
SOURCE = "MLPerf Inference"


def recognise(record: Row) -> str | None:
    if {"Submitter", "Scenario", "Accelerator", "Performance_Result", "Performance_Units"} <= record.keys():
        return "measured_points"
    return None


def rows(record: Row, context: Context) -> Iterator[dict]:
    if record["Performance_Units"] != "Tokens/s":
        raise RowProblem("Performance_Units", f"is '{record['Performance_Units']}': not a rate of tokens")
    if record.get("Suite") != "datacenter":
        raise RowProblem("Suite", f"is '{record.get('Suite')}': only datacenter results are read")
    count, nodes = record.get("a#"), record.get("Nodes")
    if not isinstance(count, int) or not isinstance(nodes, int) or count < 1 or nodes < 1:
        raise RowProblem("a#", "does not say how many accelerators there are")
    if not isinstance(record.get("Model"), str):
        raise RowProblem("Model", "is missing")
    version = str(record.get("version", ""))
    row = {
        "hardware": record["Accelerator"],
        "model": record["Model"],
        "framework": _engine(str(record.get("Software", ""))),
        "precision": _precision(str(record.get("weight_data_types", ""))),
        "disagg": False,
        "is_multinode": nodes > 1,
        "num_gpu": count * nodes,
        "workload": "other",
        "scenario": f"{record['Model']} {record['Scenario']} {record.get('Category')} {version}".strip(),
        "run_id": f"mlperf-{version}-{record.get('ID')}-{record.get('Location')}",
        "source_url": record.get("Details"),
        "output_tok_per_s": record["Performance_Result"],
    }
    if record.get("has_power") and record.get("Power_Units") == "Watts":
        row["system_power_w"] = record.get("Power_Result")
    yield {name: value for name, value in row.items() if value is not None}


def _engine(software: str) -> str | None:
    for pattern, engine in (("vllm", "vllm"), ("sglang", "sglang"), ("tensorrt", "trt")):
        if re.search(pattern, software, re.IGNORECASE):
            return engine
    return None


def _precision(types: str) -> str | None:
    """Weights in one format, or mixed."""
    known = re.findall(r"fp4|fp8|bf16|fp16|int4|int8", types.lower())
    return None if not known else known[0] if len(set(known)) == 1 else "mixed"
