"""What the warehouse holds, in words: a comment on every table, column, view and macro, for whoever looks inside.

The words are those of the schema and of the headers in `sql/`; DuckDB keeps them, so that the duckdb shell,
`db.tables()` and `db.describe("points")` all show the same.
"""

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING

from tokenfactory.errors import ParameterError, nearest
from tokenfactory.warehouse import files, measured
from tokenfactory.warehouse.schema import TABLES

if TYPE_CHECKING:
    import duckdb
    import polars as pl


def header(sql: str) -> str:
    """The comment in front of a view, without its example, on one line."""
    return " ".join(line for line in _comment_lines(sql) if not line.startswith("Example: "))


def example(sql: str) -> str:
    """A question that can be asked of a view or macro: the one in its header, or its first rows."""
    written = next((line for line in _comment_lines(sql) if line.startswith("Example: ")), None)
    return written.removeprefix("Example: ") if written else f"FROM {name_of(sql)} ORDER BY ALL LIMIT 5"


def name_of(sql: str) -> str:
    """What a file of `sql/` creates: CREATE MACRO price_on(day) -> price_on."""
    return re.search(r"CREATE (?:VIEW|MACRO) (\w+)", sql)[1]


def _comment_lines(sql: str) -> list[str]:
    lines = itertools.takewhile(lambda line: line.startswith("--"), sql.splitlines())
    return [line.removeprefix("--").strip() for line in lines]


def column_words() -> dict[str, str]:
    """Each column's unit and meaning, as `[usd/gpu/h] price of ...`; the first table that has it decides."""
    of_data = (column for table in TABLES.values() for column in table.columns.values())
    of_snapshots = (column for table in measured.TABLES.values() for column in table.columns)
    words = {}
    for column in (*of_data, *of_snapshots):
        words.setdefault(column.name, f"[{column.unit}] {column.meaning}" if column.unit else column.meaning)
    return words


def comment(connection: duckdb.DuckDBPyConnection) -> None:
    """Write the words into the database that was just built, in one go."""
    words = {name: (t.description, t.grain) for name, t in (*measured.TABLES.items(), *TABLES.items())}
    views = {name_of(sql): header(sql) for sql in (path.read_text() for path in sorted(files.SQL.rglob("*.sql")))}
    meanings = column_words()
    comments = []
    for name, kind in connection.execute(f"SELECT name, kind FROM ({_ASKABLE}) ORDER BY name").fetchall():
        text = views.get(name) or ("; one row is ".join(words[name]) if name in words else "")
        if text:
            kind = "macro table" if kind == "macro" else kind
            comments.append(f"COMMENT ON {kind} {name} IS {_quoted(text)}")
    known = """SELECT table_name, column_name FROM duckdb_columns()
               WHERE NOT internal AND NOT ends_with(table_name, '_as_made') ORDER BY ALL"""
    for table, column in connection.execute(known).fetchall():
        if column in meanings:
            comments.append(f'COMMENT ON COLUMN {table}."{column}" IS {_quoted(meanings[column])}')
    connection.execute(";\n".join(comments))


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


_ASKABLE = """
    SELECT view_name AS name, '' AS arguments, 'view' AS kind, comment FROM duckdb_views() WHERE NOT internal
    UNION SELECT function_name, '(' || array_to_string(parameters, ', ') || ')', 'macro', comment
      FROM duckdb_functions() WHERE function_type = 'table_macro' AND NOT internal
    UNION SELECT table_name, '', 'table', comment FROM duckdb_tables() WHERE NOT internal
"""


def tables(connection) -> pl.DataFrame:
    """Name, kind and meaning of everything that can be asked, views before tables; a view that is kept stands once."""
    return connection.sql(
        f"""WITH kept AS (SELECT view_name FROM duckdb_views() WHERE ends_with(view_name, '_as_made'))
            FROM (SELECT name || arguments AS name, if(name || '_as_made' IN (FROM kept), 'view', kind) AS kind,
                         comment AS meaning
                  FROM ({_ASKABLE}) WHERE name NOT IN (FROM kept))
            ORDER BY array_position(['view', 'macro', 'table'], kind), name"""
    ).pl()


def describe(connection, name: str) -> pl.DataFrame:
    """Column, type and meaning (with unit) of a table or view; for a macro, of what `FROM macro(...)` takes.

    Raises
    ------
    ParameterError : nothing of that name is there; names the nearest
    """
    found = connection.sql(
        """SELECT column_name AS "column", lower(data_type) AS type, comment AS meaning FROM duckdb_columns()
           WHERE NOT internal AND table_name = $name ORDER BY column_index""",
        params={"name": name},
    ).pl()
    if found.is_empty():
        known = tables(connection)
        macro = known.filter(known["name"].str.split("(").list.first() == name)
        if macro.is_empty():
            names = known["name"].str.split("(").list.first().to_list()
            raise ParameterError(f"the warehouse has no table or view {name!r}{nearest(name, names)}")
        return macro
    return found
