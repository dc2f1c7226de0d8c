"""The tables of a snapshot as views of a DuckDB connection."""

from pathlib import Path

from tokenfactory.warehouse import files, measured
from tokenfactory.warehouse.measured import CONFIGURATION, MEASURED_POINTS, own_columns

# The configurations that a snapshot keeps.
CONFIGS = (
    *own_columns(raw_config="INTEGER", config_id="INTEGER", problem_field="VARCHAR", problem="VARCHAR"),
    *own_columns(is_own="BOOLEAN", is_total_in_both="BOOLEAN"),
    *CONFIGURATION,
    *own_columns(model_raw="VARCHAR", raw_keys="VARCHAR", config_repairs="VARCHAR[]"),
)
# A point as it is stored: without what its configuration, run, file and adapter say (see POINTS_VIEW).
_STORED_KEYS = ("raw_config", "raw_run", "file_no")
_ELSEWHERE = {c.name for c in CONFIGS} | {"run_id", "run_attempt", "run_started_at", "run_url"}
_ELSEWHERE |= {"file_sha256", "adapter_version", "source"}
STORED = (*_STORED_KEYS, *(c.name for c in MEASURED_POINTS if c.name not in _ELSEWHERE))
# The tables a snapshot keeps beside those of `measured.TABLES`, and measured_points over them.
KEPT = ("stored_points", "configs", "run_facts", "documents", "adapters")
_FROM_ELSEWHERE = {
    "source_url": "coalesce(p.source_url, run_url)",
    "repairs": "list_sort(list_concat(config_repairs, coalesce(p.repairs, [])))",
    **{name: f"p.{name}" for name in STORED if name not in ("source_url", "repairs")},
}


def _once_per(key: str, table: str, *columns: str) -> str:
    """A table of which DuckDB knows that each key is there once: then it leaves out a join that no column needs."""
    return f"(SELECT {key}, {', '.join(f'any_value({c}) AS {c}' for c in columns)} FROM {table} GROUP BY {key})"


# The same configuration has the same number in every snapshot, and in the shipped points (measured_points.sql).
CONFIG_ID = f"(hash({', '.join(c.name for c in CONFIGURATION)}) >> 1)::BIGINT"
POINTS_VIEW = f"""
    CREATE VIEW snapshot_points AS
    SELECT {", ".join(f"{_FROM_ELSEWHERE.get(c.name, c.name)}::{c.type} AS {c.name}" for c in MEASURED_POINTS)}
    FROM stored_points AS p
    JOIN (SELECT * REPLACE ({CONFIG_ID} AS config_id) FROM configs) USING (raw_config)
    LEFT JOIN {_once_per("raw_run", "run_facts", "run_id", "run_attempt", "run_started_at", "run_url")} USING (raw_run)
    LEFT JOIN {_once_per("file_no", "documents", "file_sha256")} USING (file_no)
    LEFT JOIN {_once_per("adapter", "adapters", "adapter_version", "source")} USING (adapter)
"""


def attach_tables(connection, snapshot: str | Path | None) -> None:
    """Create views of a snapshot's tables; its points are `snapshot_points`.

    Without a snapshot the tables are there and empty, so that a query need not ask first.
    """
    if snapshot is None:
        for name, table in measured.TABLES.items():
            name = "snapshot_points" if name == "measured_points" else name
            connection.execute(measured.ddl(name, table.columns))
        return
    for name in (*KEPT, *(name for name in measured.TABLES if name != "measured_points")):
        path = str(Path(snapshot).absolute() / f"{name}.parquet").replace("'", "''")
        connection.execute(f"CREATE VIEW {name} AS SELECT * FROM read_parquet('{path}')")
    connection.execute(POINTS_VIEW)


def attach(connection, snapshot: str | Path) -> None:
    """The same where no warehouse is around: all measured points are the snapshot's; and the macros over them."""
    attach_tables(connection, snapshot)
    connection.execute("CREATE VIEW measured_points AS SELECT *, false AS is_known_wrong FROM snapshot_points")
    for macro in sorted((files.SQL / "latest").glob("*.sql")):
        connection.execute(macro.read_text())
