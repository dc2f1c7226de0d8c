"""Rows of a Parquet file as those of a CSV file: texts, so that a layout is known by the same columns in both."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tokenfactory.errors import DataError
from tokenfactory.measurements.normalise import shown
from tokenfactory.warehouse.store import CONFIG

if TYPE_CHECKING:
    from tokenfactory.measurements.documents import Document

PARQUET = b"PAR1"
MOST_ROWS_A_BYTE = 250  # equal cells take hardly any place: a small file may unpack to more rows than anybody measured
_AT_ONCE = 1_000  # rows in Python
# Lists and records stay what they are, as in JSON: the API nests its numbers under `metrics`.
_NESTED = ("STRUCT", "MAP", "UNION")


def records(document: "Document") -> Iterator[tuple[int, dict[str, Any]]]:
    """Index and content of every row of a Parquet file. Raises DataError where it cannot be read."""
    import duckdb

    with (
        document.on_disk(Path(tempfile.gettempdir())) as path,
        duckdb.connect(config=CONFIG | {"threads": 1}) as connection,
    ):
        try:
            (num_rows,) = connection.execute("SELECT num_rows FROM parquet_file_metadata($1)", [str(path)]).fetchone()
            if num_rows > MOST_ROWS_A_BYTE * max(path.stat().st_size, 4096):
                raise DataError(document.name, f"holds more than {MOST_ROWS_A_BYTE} rows a byte")
            if num_rows == 0:
                raise DataError(document.name, "has a header, but no rows")
            columns = connection.execute("FROM read_parquet($1) LIMIT 0", [str(path)]).description
            cells = ", ".join(_cell(column, str(kind)) for column, kind, *_ in columns)
            found, index = connection.execute(f"SELECT {cells} FROM read_parquet($1)", [str(path)]), 0
            while rows := found.fetchmany(_AT_ONCE):
                for row in rows:
                    yield index, {column: cell for (column, *_), cell in zip(columns, row, strict=True)}
                    index += 1
        except duckdb.Error as error:
            raise DataError(document.name, f"is not a readable Parquet file: {shown(error)}") from error


def _cell(column: str, kind: str) -> str:
    quoted = '"' + column.replace('"', '""') + '"'
    # An empty cell is an empty text, as in CSV: the column is there, and states nothing.
    return quoted if kind.startswith(_NESTED) or kind.endswith("]") else f"coalesce({quoted}::VARCHAR, '')"
