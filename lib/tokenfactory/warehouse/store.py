"""Build the warehouse: one DuckDB file, named by the content it was built from.

The file is a cache. A second build finds it and does nothing; changed data get a file of their own; a
build that dies leaves a temporary file that nobody opens. Readers open it read-only, any number at once.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from reportkit import atomic
from tokenfactory.errors import DataError
from tokenfactory.warehouse import files

# In the order of creation: each may read those before it.
VIEWS = (
    "price_ages",
    "price_on",
    "one_price",
    "prices_with",
    "power_on",
    "power_by",
    "hardware_specs",
    "decode_gpus",
    "measured_points",
    "latest/latest_points",
    "latest/latest_points_by_chain",
    "latest/latest_points_by_point",
    "point_gaps",
    "points",
    "point_scores",
    "excluded_points",
    "equal_speed_pairs",
    "claim_cells",
    "inputs_for",
    "tco_inputs_for",
    "lifetime_inputs_for",
    "input_grades",
    "moved",
    "measured_energy",
    "deployments",
    "prediction_scores",
)

# Asked for by every page, and by other views: their rows are worked out once, when the warehouse is built.
KEPT_AS_TABLE = ("points", "point_scores", "excluded_points")

# Extensions are not fetched: without a network that stalls, with one it is a surprise.
CONFIG = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "memory_limit": "1GB",  # unasked it takes four fifths of the machine, and ten million rows need no more than this
}

_KEEP = 5  # finished warehouses of earlier contents that are kept: going back costs nothing


def build(data: Path | None = None) -> Path:
    """Return the warehouse of the data folder, building it first if its content is new or the file does not open.

    Raises
    ------
    DataError : a file cannot be used, and its file, row and field are named; or the cache cannot be written, and the
        machine's reason is. The earlier warehouse stays.
    """
    data = data or files.data_dir()
    folder = files.cache_dir() / "warehouse"
    target = folder / f"{files.fingerprint(data)[:16]}.duckdb"
    if _is_whole(target):
        return target
    with writing(folder, "the warehouse cannot be written ({}); TOKENFACTORY_CACHE names another folder"):
        if not _is_whole(target):  # else another process has built it meanwhile
            with atomic.replacing(target, verify=_verify) as new:
                _load(data, new)
    for old in sorted(folder.glob("[!.]*.duckdb"), key=lambda f: f.stat().st_mtime, reverse=True)[_KEEP:]:
        old.unlink(missing_ok=True)
    return target


@contextmanager
def writing(folder: Path, sentence: str) -> Iterator[None]:
    """One writer in a folder at a time, without what killed ones left there; a full or read-only disk is one sentence.

    Raises
    ------
    DataError : the machine refuses a write; `sentence` has its reason in place of {}
    """
    try:
        with atomic.alone(folder / ".lock"):
            try:
                atomic.remove_leftovers(folder)
                yield
            finally:
                atomic.remove_leftovers(folder)
    except Exception as error:
        if reason := _refused_write(error):
            raise DataError(os.path.relpath(folder), sentence.format(reason)) from error
        raise


def _refused_write(error: Exception) -> str | None:
    """The machine's reason for not writing, which DuckDB tells as errors of its own; None for any other error."""
    if isinstance(error, OSError):
        return error.strerror or str(error)
    duckdb = sys.modules.get("duckdb")  # whoever did not import it had no error of it
    if not duckdb or not isinstance(error, duckdb.IOException | duckdb.FatalException | duckdb.TransactionException):
        return None
    first = str(error).splitlines()[0]
    return first.rpartition('": ')[2] or first


def _is_whole(path: Path) -> bool:
    """Whether a warehouse opens and has the view that is written into it last."""
    import duckdb

    if not path.is_file():
        return False
    try:
        with duckdb.connect(str(path), read_only=True, config=CONFIG) as connection:
            connection.execute(f"DESCRIBE {VIEWS[-1]}")
    except (duckdb.Error, OSError):
        return False
    return True


def _verify(path: Path) -> None:
    """Raise where a relation is missing or cannot be read: on a full disk DuckDB may end without an error."""
    import duckdb

    if not _is_whole(path):
        raise duckdb.IOException("not all of it arrived on the disk")
    with duckdb.connect(str(path), read_only=True, config=CONFIG) as connection:
        for (name,) in connection.execute("SELECT table_name FROM duckdb_tables()").fetchall():
            connection.execute(f'SELECT count(*) FROM "{name}"').fetchall()


def _load(data: Path, path: Path) -> None:
    import duckdb

    from tokenfactory.warehouse import catalogue, hours, own
    from tokenfactory.warehouse.attach import attach_tables
    from tokenfactory.warehouse.schema import TABLES, columns, read_files

    read = read_files(data)
    with duckdb.connect(str(path), config=CONFIG) as connection:
        connection.begin()  # one transaction for all: a commit for each statement took a third of the time
        connection.execute("CREATE TABLE files (file VARCHAR, num_rows BIGINT, sha256 VARCHAR)")
        declare(connection)
        for name, table in TABLES.items():
            for file in read[name]:
                place = file.path.relative_to(data).as_posix()
                _fill(connection, name, columns(table), file, place if table.has_several_files else None)
                _note(connection, data, file.path, len(file.rows))
        # What scenario files add.
        gpus, profiles = (
            frozenset(row[column] for file in read[name] for row in file.rows)
            for name, column in (("gpus", "gpu"), ("tco_inputs", "profile"))
        )
        for file, added in own.read(data, own.Known(gpus, profiles)).items():
            for name, rows in added.items():
                for row in rows:
                    places = ", ".join(f"${column}" for column in row)
                    connection.execute(f"INSERT INTO {name} ({', '.join(row)}) VALUES ({places})", row)
            _note(connection, data, data / "scenarios" / file, sum(map(len, added.values())))
        for path in files.own_loads(data):
            rows = hours.read(path)
            connection.executemany(
                f"INSERT INTO load_curves ({', '.join(rows[0])}) VALUES ({', '.join('?' * len(rows[0]))})",
                [list(row.values()) for row in rows],
            )
            _note(connection, data, path, len(rows))
        attach_tables(connection, files.newest_snapshot(data / "snapshots"))
        for view in VIEWS:
            connection.execute((files.SQL / f"{view}.sql").read_text())
        for name in KEPT_AS_TABLE:
            connection.execute(f"ALTER VIEW {name} RENAME TO {name}_as_made")
            connection.execute(f"CREATE TABLE {name} AS FROM {name}_as_made ORDER BY ALL")
        catalogue.comment(connection)
        connection.commit()
        connection.execute("CHECKPOINT")  # closing would do it too, and keep to itself that the disk is full


def _note(connection, data: Path, path: Path, num_rows: int) -> None:
    said = [path.relative_to(data).as_posix(), num_rows, files.sha256_of([path])]
    connection.execute("INSERT INTO files VALUES (?, ?, ?)", said)


def declare(connection) -> None:
    """Create the tables of `data/`, empty."""
    from tokenfactory.warehouse.schema import TABLES, columns

    for name, table in TABLES.items():
        declared = [f'"{column}" {kind}' for column, kind in columns(table).items()]
        declared += ['"file" VARCHAR'] if table.has_several_files else []  # a row says in which of them it stands
        connection.execute(f"CREATE TABLE {name} ({', '.join(declared)})")
    # Prices and powers of scenario files stand apart, so that nobody meets them who did not ask for them.
    connection.execute("CREATE TABLE own_prices AS FROM price_book LIMIT 0")
    connection.execute("CREATE TABLE own_powers AS SELECT *, '' AS owner FROM power_book LIMIT 0")


def _fill(connection, table: str, types: dict[str, str], file, place: str | None) -> None:
    """Insert the rows of a file, column by column name: its header may have any order.

    The file has just been checked line by line. DuckDB reads it again, with the types of the schema, because handing
    over Python's rows would import pyarrow and with it pandas, which takes longer than all the rest.
    """
    connection.execute(
        f"""INSERT INTO {table} BY NAME SELECT *{", $place AS file" if place else ""} FROM read_csv(
            $file, columns = $columns, header = true, skip = $skip, auto_detect = false, delim = ',', quote = '"',
            escape = '"', nullstr = '', dateformat = '%Y-%m-%d')""",
        {
            "file": str(file.path),
            "columns": {name: types[name] for name in file.header},
            "skip": file.num_notes,
            **({"place": place} if place else {}),
        },
    )
