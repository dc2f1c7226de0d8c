"""The tables of a snapshot as views of a DuckDB connection."""

from pathlib import Path

from tokenfactory.measurements import measured
from tokenfactory.measurements.repair import KEPT, POINTS_VIEW
from tokenfactory.warehouse import files


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
