"""The InferenceX database as JSON: one array per table, joined here by the ids (texts or numbers).

`benchmark_results` may have millions of rows, so DuckDB reads it (`stage` does, with COLUMNS). Where DuckDB
refuses the file because of one bad row, `rows` reads it record by record and names the row.
"""

from collections.abc import Iterator

from tokenfactory.measurements.adapters import Context, Row, RowProblem, copied
from tokenfactory.measurements.adapters import inferencex_api as api
from tokenfactory.measurements.adapters.inferencex_agg import METRICS, POINT, evaluation

NAME, VERSION = "inferencex_dump", 2
SOURCE = "InferenceX"

# The tables other rows refer to. They must be read first, and give no rows of their own but runs.
CONFIGS, RUNS, RESULTS = "configs", "workflow_runs", "benchmark_results"
CHANGELOG, EVALUATIONS = "changelog_entries", "eval_results"


# Every table has one of these fields.
TELLING = (b'"github_run_id"', b'"spec_method"', b'"config_id"', b'"config_keys"')


def table_of(record: Row) -> str | None:
    """Which table of the database a record is from."""
    keys = record.keys()
    if {"id", "github_run_id", "head_sha"} <= keys:
        return RUNS
    if {"id", "hardware", "spec_method", "decode_tp"} <= keys and not {"metrics", "conc"} & keys:
        return CONFIGS
    if {"workflow_run_id", "config_id", "metrics"} <= keys and "hardware" not in keys:
        return EVALUATIONS if "task" in keys else RESULTS
    if {"workflow_run_id", "config_keys", "base_ref"} <= keys:
        return CHANGELOG
    return None


def recognise(record: Row) -> str | None:
    return {
        RUNS: "runs",
        CONFIGS: "configs",
        RESULTS: "measured_points",
        EVALUATIONS: "evaluations",
        CHANGELOG: "changelog",
    }.get(table_of(record) or "")


def rows(record: Row, context: Context) -> Iterator[dict]:
    table = table_of(record)
    if table == CONFIGS:
        yield {"config_key": str(record["id"]), **api.config(record)}
    elif table == RUNS:
        yield copied(record, api.RUN)
    elif table == CHANGELOG:
        append_only = bool(record.get("append_only") or record.get("append-only"))
        yield {"workflow_run_id": str(record["workflow_run_id"]), "is_append_only": append_only}
    else:
        metrics = record["metrics"]
        if not isinstance(metrics, dict):
            raise RowProblem("metrics", "is not an object")
        row = {"config_key": str(record["config_id"]), **copied(record, POINT)}
        row["workflow_run_id"] = str(record["workflow_run_id"])
        yield row | (
            evaluation({}, metrics | {"task": record["task"]}) if table != RESULTS else api.point(record, metrics)
        )


# ---- the same for DuckDB ------------------------------------------------------------------------

# Numbers are read as DOUBLE and checked: DuckDB would round 1.5 to a whole number without a word.
COLUMNS = {
    "workflow_run_id": "VARCHAR",
    "config_id": "VARCHAR",
    "benchmark_type": "VARCHAR",
    "date": "VARCHAR",
    "isl": "DOUBLE",
    "osl": "DOUBLE",
    "conc": "DOUBLE",
    "image": "VARCHAR",
    "error": "VARCHAR",
    "offload_mode": "VARCHAR",
    "recipe_fingerprint": "VARCHAR",
    "metrics": "STRUCT(" + ", ".join(f'"{name}" DOUBLE' for name in METRICS) + ")",
}
