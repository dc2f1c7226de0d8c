"""The one schema of measured points, and the tables that come with it: rows of `measured.csv`.

Two vocabularies. `CONFIG_FIELDS`, `RUN_FIELDS` and `POINT_FIELDS` are what an adapter may state about a row, in the
source's words and per the source's GPUs; a flag may be a boolean or one of the texts true/false, on/off, 1/0. The
`TABLES` are what everybody else reads: normalised names, units in the column names, token and GPU scope explicit.
`ingest` is the way from one to the other. An adapter states a fact or leaves the field out; it never guesses.
"""

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple


class Column(NamedTuple):
    """One column: DuckDB type, unit ('' where it has none) and meaning."""

    name: str
    type: str
    unit: str
    meaning: str


def _read() -> dict[str, list[Column]]:
    found: dict[str, list[Column]] = {}
    with Path(__file__).with_suffix(".csv").open(encoding="utf-8", newline="") as file:
        for table, *column in list(csv.reader(file))[1:]:
            found.setdefault(table, []).append(Column(*column))
    return found


_ROWS = _read()
# What an adapter may state. Throughput is either per GPU (with `rate_scope`) or of the whole deployment.
CONFIG_FIELDS, RUN_FIELDS, POINT_FIELDS = (
    tuple(_ROWS[f"fields of a {what}"]) for what in ("configuration", "run", "point")
)
FIELDS = {c.name: c for c in (*CONFIG_FIELDS, *RUN_FIELDS, *POINT_FIELDS)}
LATENCIES = ("ttft", "tpot", "itl", "e2el")
STATISTICS = ("mean", "median", "p75", "p90", "p99")
LATENCY_NAMES = tuple(f"{statistic}_{latency}_s" for latency in LATENCIES for statistic in STATISTICS)
SPEED_OF = {"median": "interactivity_tok_per_s_per_user"}
SPEED_OF |= {s: f"{s}_interactivity_tok_per_s_per_user" for s in ("mean", "p75", "p90", "p99")}

# Facts a person may add in `token-factory.yaml` beside a file, for what its rows do not state.
FACTS = (
    *(c.name for c in CONFIG_FIELDS if c.name not in ("model_prefix", "mtp", "speculates", "is_own")),
    *("workload", "isl_tok", "osl_tok", "conc", "scenario", "offload_mode", "image", "date", "run_id", "run_url"),
    *("source_url", "accuracy_frac"),
)

REPAIRS = {c.name: c.meaning for c in _ROWS["repairs"]}  # what may be done to a point, by its code

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


@dataclass(frozen=True)
class Table:
    """A table of a snapshot: its columns, what it is, and what one row stands for."""

    columns: tuple[Column, ...]
    description: str
    grain: str


TABLES = {
    name: Table(tuple(_ROWS[name]), description, grain)
    for name, description, grain in (
        ("measured_points", "operating points that were measured", "one measured point"),
        ("runs", "runs of a benchmark", "one attempt of one run"),
        ("evaluations", "accuracy of served models", "one task on one configuration in one run"),
        ("reliability", "how many jobs succeeded", "one hardware on one day"),
        ("availability", "what the source has results for", "one series on one day"),
        ("excluded_rows", "rows that cannot be used, and why", "one row of a file"),
        ("ingested_files", "files that were looked at", "one file"),
    )
}
MEASURED_POINTS, RUNS, EVALUATIONS, RELIABILITY, AVAILABILITY, _, INGESTED_FILES = (t.columns for t in TABLES.values())
# What ran on what, in words that are the same everywhere.
_NUM_OF_CONFIGURATION = [c.name for c in MEASURED_POINTS].index("workload")
CONFIGURATION = tuple(c for c in MEASURED_POINTS[:_NUM_OF_CONFIGURATION] if c.name not in ("config_id", "model_raw"))


def own_columns(**kinds: str) -> tuple[Column, ...]:
    """Columns of a table that is nobody's but ours: names and DuckDB types."""
    return tuple(Column(name, kind, "", "") for name, kind in kinds.items())


def ddl(name: str, columns: tuple[Column, ...]) -> str:
    """CREATE TABLE of these columns."""
    return f"CREATE TABLE {name} (" + ", ".join(f'"{c.name}" {c.type}' for c in columns) + ")"
