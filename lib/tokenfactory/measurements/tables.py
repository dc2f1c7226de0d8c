"""The tables of a snapshot in DuckDB: the connection, the queries in `sql/`, and rows of Python into a table.

A file of `sql/` is a template of jinja2, which fills in names of columns that `measured.csv` lists and limits.
"""

from functools import cache
from pathlib import Path

from tokenfactory.warehouse import attach, measured
from tokenfactory.warehouse.measured import Column
from tokenfactory.warehouse.store import CONFIG

_MEMORY = "1GB"  # of DuckDB; what does not fit goes to the disk
_SPEEDS = tuple(measured.SPEED_OF.values())
_NUMBERS = [c.name for c in measured.MEASURED_POINTS if c.type == "DOUBLE" and c.name != "repeats_spread_frac"]
_MEDIANS = [name for name in _NUMBERS if name not in _SPEEDS]
_OF_ALL_REPEATS = ("raw_run", "num_sources", "repeats_spread_frac", "repairs")
NAMES = {
    "measured": measured,
    "STORED": attach.STORED,
    "CONFIG_ID": attach.CONFIG_ID,
    "NUMBERS": [c for c in measured.POINT_FIELDS if c.type == "DOUBLE"],
    "POWER_FIELDS": [c.name for c in measured.POINT_FIELDS if "joules" in c.name or "power_w" in c.name],
    "SPEEDS": _SPEEDS,
    "TAILS": ("p75", "p90", "p99"),
    # Of somebody's own repeats: what is the median, and what is that of the last one which states it.
    "MEDIANS": _MEDIANS,
    "OTHERS": [name for name in attach.STORED if name not in (*_NUMBERS, *_OF_ALL_REPEATS)],
    # Exports print few digits, so the identities are held to a part in a thousand, times of tokens to one in a hundred.
    "RATE_TOLERANCE": 1e-3,
    "TIME_TOLERANCE": 1e-2,
    "SAME": 1e-9,  # two rows are the same measurement when their throughput and speed agree to this
}


def connect(path: Path | None = None):
    """A DuckDB connection for the tables of a snapshot."""
    import duckdb

    connection = duckdb.connect(str(path or ":memory:"), config=CONFIG | {"memory_limit": _MEMORY})
    # The small tables are built first and looked up: swapped, the order of the rows would be lost.
    connection.execute("SET disabled_optimizers = 'join_order,build_side_probe_side'")
    return connection


@cache
def _templates():
    import jinja2

    folder = jinja2.FileSystemLoader(Path(__file__).parent / "sql")
    templates = jinja2.Environment(loader=folder, undefined=jinja2.StrictUndefined)
    templates.globals |= NAMES
    return templates


def sql(name: str, **values) -> str:
    """The text of `sql/NAME.sql`."""
    return _templates().get_template(f"{name}.sql").render(values)


def rows(found) -> list[dict]:
    """The rows of a query, each by the names of its columns."""
    names = [column[0] for column in found.description]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


_ARROW = {"VARCHAR": "string", "BIGINT": "int64", "INTEGER": "int32", "DOUBLE": "float64", "DATE": "date32"}


def insert(connection, table: str, columns: tuple[Column, ...], rows: list[dict]) -> None:
    """Append rows to a table; what a row does not state is NULL."""
    import pyarrow as pa

    if not rows:
        return
    kinds = {**{kind: getattr(pa, name)() for kind, name in _ARROW.items()}, "BOOLEAN": pa.bool_()}
    kinds["VARCHAR[]"] = pa.list_(pa.string())
    connection.register("incoming", pa.Table.from_pylist(rows, pa.schema([(c.name, kinds[c.type]) for c in columns])))
    connection.execute(f"INSERT INTO {table} SELECT * FROM incoming")
    connection.unregister("incoming")


def create(connection, table: str, columns: tuple[Column, ...], rows: list[dict]) -> None:
    """Make a table of these rows."""
    connection.execute(measured.ddl(table, columns))
    insert(connection, table, columns, rows)
