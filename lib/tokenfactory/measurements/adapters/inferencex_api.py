"""Answers of the public InferenceX API: benchmarks, history, availability, evaluations, reliability, workflow-info."""

from collections.abc import Iterator

from tokenfactory.measurements.adapters import Context, Row, RowProblem, copied
from tokenfactory.measurements.adapters.inferencex_agg import CONFIG, METRICS, POINT, evaluation, offload
from tokenfactory.measurements.normalise import run_of

NAME, VERSION = "inferencex_api", 2
SOURCE = "InferenceX"


def recognise(record: Row) -> str | None:
    if {"hardware", "metrics"} <= record.keys() and "spec_method" in record:
        return "evaluations" if "task" in record else "measured_points"
    if {"hardware", "n_success", "total"} <= record.keys():
        return "reliability"
    if {"hardware", "model", "spec_method", "date"} <= record.keys() and "conc" not in record:
        return "availability"
    if isinstance(record.get("runs"), list) and "changelogs" in record:
        return "runs"
    return None


def config(record: Row) -> dict:
    """The configuration of a row of the API or the database. An empty method of speculative decoding is none."""
    return {"spec_decoding": "none", **copied(record, CONFIG)}


def rows(record: Row, context: Context) -> Iterator[dict | RowProblem]:
    table = recognise(record)
    if table == "runs":
        yield from _runs(record)
    elif table == "reliability":
        jobs = {"hardware": "hardware", "date": "date", "n_success": "num_success", "total": "num_total"}
        yield copied(record, jobs)
    elif table == "availability":
        yield config(record) | copied(record, POINT) | {"workload": workload(record)}
    else:
        metrics = record["metrics"]
        if not isinstance(metrics, dict):
            raise RowProblem("metrics", "is not an object")
        row = config(record) | copied(record, POINT)
        if table == "evaluations":
            yield evaluation(row, metrics | {"task": record["task"]})
        else:
            yield row | point(record, metrics)


def point(record: Row, metrics: Row) -> dict:
    """The measured part of a row of the API or the database."""
    row = copied(metrics, METRICS) | {"workload": workload(record), "offload_mode": offload(record)}
    if row["workload"] == "agentic":
        row["rate_scope"] = "deployed"
    run_id, attempt = run_of(record.get("run_url"))
    if run_id:
        row |= {"run_id": run_id, "run_attempt": attempt}
    return row


def workload(record: Row) -> str:
    return "agentic" if record.get("benchmark_type") == "agentic_traces" else "fixed_length"


def _runs(record: Row) -> Iterator[dict | RowProblem]:
    """Runs of a workflow-info answer; a run is append-only when all its changelog entries say so."""
    append_only: dict[str, bool] = {}
    if not isinstance(record["changelogs"], list):
        raise RowProblem("changelogs", "is not a list")
    for entry in record["changelogs"]:
        if isinstance(entry, dict):
            says = bool(entry.get("append_only") or entry.get("append-only"))
            key = str(entry.get("workflow_run_id") or entry.get("run_id"))
            append_only[key] = append_only.get(key, True) and says
    for run in record["runs"]:
        if not isinstance(run, dict):
            yield RowProblem("runs", "an entry is not an object")
            continue
        row = copied(run, RUN)
        keys = [str(run[k]) for k in ("id", "workflow_run_id", "github_run_id") if run.get(k) is not None]
        known = [append_only[k] for k in keys if k in append_only]
        yield row | {"is_append_only": known[0] if known else None}


# Columns of a run, in the API and in the database.
RUN = {
    "id": "workflow_run_id",
    "github_run_id": "run_id",
    "run_id": "run_id",
    "run_attempt": "run_attempt",
    "html_url": "run_url",
    "run_url": "run_url",
    "run_started_at": "run_started_at",
    "date": "date",
    "name": "name",
    "conclusion": "conclusion",
    "head_sha": "commit_sha",
}
