"""What stands behind the result of a query: the rows it read, and the files of the data folder they are from.

A query that names one of its rows is easy to follow; one that counts or averages is not. So the same question is
asked again for every column of the rows that its conditions let through, and what of it is the name of a row of
`data/` is a row that was read. Where rows have no names, the files are all there is to say.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import cache, cached_property
from pathlib import Path

from tokenfactory.warehouse import measured
from tokenfactory.warehouse.attach import KEPT
from tokenfactory.warehouse.own import POWER, QUOTE
from tokenfactory.warehouse.query import connect
from tokenfactory.warehouse.schema import TABLES

MOST_ROWS = 2000  # that are named of one query: who reads more asks the query itself
NO_NAMES = ("gpu", "model", "precision")  # keys that stand in many tables and so name no row
SNAPSHOT = "snapshot_points"  # the table of points of a snapshot, which have names in the view points
_OWN = {"own_prices": "price_id", "own_powers": "power_id"}  # the tables of rows of scenario files, and their names
_NAMED_IN = {SNAPSHOT: ("points", "point_id"), **{table: (table, key) for table, key in _OWN.items()}}
SNAPSHOT_TABLES = {SNAPSHOT, *KEPT, *measured.TABLES} - {"measured_points"}
_TEXTS = ("VARCHAR", "VARCHAR[]")  # kinds of columns that may hold names
# What is told of a row, where its table has it.
_ABOUT = (
    "gpu", "model", "basis", "usd_per_gpu_hour", "kw_per_gpu", "parameter", "printed", "value", "unit", "status",
    "evidence", "effective_from", "effective_to", "observed_on", "as_of", "date", "accessed", "source_url",
)  # fmt: skip


@dataclass(frozen=True)
class Lineage:
    """Of one query.

    relations : tables, views and macros it names
    files : files of the data folder that these were loaded from
    rows : names of the rows it read, in the order of the alphabet; empty where rows have no names, or too many have
    num_rows : how many of the rows it read have names
    """

    relations: list[str]
    files: list[str]
    rows: list[str]
    num_rows: int


class Archive:
    """A warehouse that is asked where its answers come from."""

    def __init__(self, path: Path | str):
        self._connection = connect(path)._connection
        # A notebook asks the same question of many days and systems, and all its questions are of a few views.
        self._tree, self._relations, self._files, self._wider = map(
            cache, (self._tree, self._relations, self._files, self._wider)
        )

    def _fetch(self, sql: str, parameters=None) -> list[tuple]:
        return self._connection.execute(sql, parameters).fetchall()

    def lineage(self, sql: str, parameters: Mapping) -> Lineage:
        """What stands behind a query, as it was traced."""
        relations = self._relations(sql)
        files = {file for name in relations for file in self._files(name)}
        rows, num_rows = [], 0
        for table, num_of_table, names in self._rows(sql, parameters):
            # A text may be the name of a row elsewhere: load curve and workload of DeepSeek's day have the same one.
            is_behind = self._files(table) <= files
            rows += names if is_behind else (own := [name for name in names if name in self._own_rows])
            num_rows += num_of_table if is_behind else len(own)
        own_files = {self._own_rows[name] for name in self._own_rows.keys() & rows}
        rows = sorted(rows) if num_rows <= MOST_ROWS else []
        return Lineage(relations, sorted(files | own_files), rows, num_rows)

    def rows(self, names: Iterable[str]) -> dict[str, dict]:
        """File, source and conditions of rows, by their names; without those that no row has.

        `left_out` says why a published row is not among the points that are compared.
        """
        asked = f"SELECT name, table_name FROM {self._row_names} WHERE name IN $names"
        table_of = dict(self._fetch(asked, {"names": sorted(set(names))}))
        told, wanted = {}, sorted(table_of)
        for table in sorted(set(table_of.values())):
            relation, key = _NAMED_IN.get(table) or (table, TABLES[table].key[0])
            frame = self._connection.sql(f"SELECT * FROM {relation} WHERE {key} IN $names", params={"names": wanted})
            columns = frame.columns
            for row in frame.fetchall():
                row = dict(zip(columns, row, strict=True))
                about = {c: row[c] for c in _ABOUT if row.get(c) is not None}
                plain = {c: v if isinstance(v, str | int | float) else str(v) for c, v in about.items()}
                told[row[key]] = {
                    "file": row.get("file") or self._own_rows.get(row[key]) or min(self._files(table)),
                    **plain,
                }
        left_out = "SELECT point_id, reason FROM excluded_points WHERE point_id IN $names"
        for name, reason in self._fetch(left_out, {"names": list(told)}):
            told[name]["left_out"] = reason
        return {name: told[name] for name in wanted if name in told}

    # The rows

    @cached_property
    def _row_names(self) -> str:
        """The table of the names of all rows that have one, and of the table of each; where several have it, the last.

        It is DuckDB's, which compares them with what a query read: of a large snapshot that is millions of rows.
        """
        keys = [(n, t.key[0]) for n, t in TABLES.items() if len(t.key) == 1 and t.key[0] not in NO_NAMES]
        named = [(key, table, table) for table, key in keys] + [(key, table, table) for table, key in _OWN.items()]
        named.append(("point_id", SNAPSHOT, "points WHERE origin IN ('snapshot', 'own')"))
        names = " UNION ALL ".join(
            f"SELECT {key} AS name, '{table}' AS table_name, {number} AS number FROM {relation}"
            for number, (key, table, relation) in enumerate(named)
        )
        self._connection.execute(
            f"CREATE TEMP TABLE row_names AS SELECT name, arg_max(table_name, number) AS table_name FROM ({names}) "
            "WHERE name IS NOT NULL GROUP BY name"
        )
        return "row_names"

    def _rows(self, sql: str, parameters: Mapping) -> list[tuple[str, int, list[str]]]:
        """By table, how many rows with names a query read, and their names; of a snapshot only as many as are named."""
        import duckdb

        for wider in self._wider(sql):
            # A parameter that only the columns or the order named is not asked for any more.
            named = {name: value for name, value in parameters.items() if re.search(rf"\${name}\b", wider)}
            try:
                self._connection.execute(f"SELECT * FROM ({wider}) LIMIT 0", named)
                kinds = [str(kind) for _, kind, *_ in self._connection.description]
                single, lists = ([f"c{i}" for i, kind in enumerate(kinds) if kind == one] for one in _TEXTS)
                texts = [f"[{', '.join(single)}]"] * bool(single) + lists  # a list for each was five times slower
                columns = ", ".join(f"c{i}" for i in range(len(kinds)))
                return texts and self._fetch(
                    f"""SELECT table_name, count(*),
                               if(table_name = '{SNAPSHOT}', min(name, {MOST_ROWS}), list(name))
                        FROM {self._row_names}
                        SEMI JOIN (SELECT unnest({" || ".join(texts)}) AS text FROM ({wider}) AS w({columns}))
                            ON name = text
                        GROUP BY table_name ORDER BY table_name""",
                    named,
                )
            except duckdb.Error:
                continue
        return []

    def _wider(self, sql: str) -> list[str]:
        """The query with all columns of what it reads: beside its own, which conditions may name, or in their place."""
        node = self._tree(sql).get("node", {})
        if node.get("type") != "SELECT_NODE":
            return []
        star = self._tree("SELECT * FROM files")["node"]["select_list"]
        node = {**node, "modifiers": []}
        beside = [] if node["group_expressions"] else [{**node, "select_list": star + node["select_list"]}]
        ungrouped = {"group_expressions": [], "group_sets": [], "having": None, "qualify": None}
        return [self._sql(wider) for wider in (*beside, {**node, "select_list": star, **ungrouped})]

    def _tree(self, sql: str) -> dict:
        tree = json.loads(self._fetch("SELECT json_serialize_sql($sql)", {"sql": sql})[0][0])
        return {} if tree["error"] else tree["statements"][0]

    def _sql(self, node: Mapping) -> str:
        tree = {"error": False, "statements": [{"node": node, "named_param_map": []}]}
        return self._fetch("SELECT json_deserialize_sql($tree)", {"tree": json.dumps(tree)})[0][0]

    # The files

    @cached_property
    def _definitions(self) -> dict[str, str]:
        """The query behind each view and macro."""
        views = self._fetch("SELECT view_name, sql FROM duckdb_views() WHERE NOT internal")
        macros = self._fetch(
            """SELECT function_name, macro_definition FROM duckdb_functions()
               WHERE function_type = 'table_macro' AND NOT internal"""
        )
        return {name: re.sub(r"^CREATE VIEW .*? AS ", "", sql, flags=re.DOTALL) for name, sql in views} | dict(macros)

    @cached_property
    def _snapshot(self) -> list[str]:
        found = re.search(r"([^/']+)/ingested_files[.]parquet", self._definitions.get("ingested_files", ""))
        return [f"snapshots/{found[1]}/manifest.json"] if found else []

    @cached_property
    def _own_rows(self) -> dict[str, str]:
        """The scenario file of every price, power and input of owning that stands in one."""
        rows = self._fetch(
            """SELECT price_id, basis FROM own_prices UNION ALL SELECT power_id, owner FROM own_powers
               UNION ALL SELECT key, profile FROM tco_inputs"""
        )
        named = ((name, re.sub(f"^({QUOTE}|{POWER})_", "", whose)) for name, whose in rows)
        placed = ((name, f"scenarios/{whose}.yaml") for name, whose in named)
        return {name: file for name, file in placed if file in self._all_files}

    @cached_property
    def _all_files(self) -> list[str]:
        return [file for (file,) in self._fetch("SELECT file FROM files ORDER BY file")]

    @cached_property
    def _known(self) -> set[str]:
        return {name for (name,) in self._fetch("SELECT table_name FROM duckdb_tables()")} | self._definitions.keys()

    def _relations(self, sql: str) -> list[str]:
        """The relations that a query names itself, of those that the warehouse knows."""
        tree = self._tree(sql)
        names = set(_named(tree)) if tree else set(re.findall(r"\w+", sql))
        return sorted(names & self._known)

    def _files(self, relation: str) -> set[str]:
        if relation in SNAPSHOT_TABLES:
            return set(self._snapshot)
        if relation == "files":
            return set(self._all_files)
        if relation in _OWN:  # of many scenario files, those count whose rows were read
            return set()
        if relation in TABLES:
            return {file for file in self._all_files if fnmatch(file, TABLES[relation].file)}
        inner = self._relations(self._definitions.get(relation) or self._definitions.get(f"{relation}_as_made", ""))
        return {file for name in inner if name != relation for file in self._files(name)}


def _named(tree) -> Iterator[str]:
    """Names of tables and table functions within the tree of a query."""
    if isinstance(tree, Mapping):
        if tree.get("type") == "BASE_TABLE":
            yield tree["table_name"]
        elif tree.get("type") == "TABLE_FUNCTION":
            yield tree["function"]["function_name"]
        for inner in tree.values():
            yield from _named(inner)
    elif isinstance(tree, list):
        for inner in tree:
            yield from _named(inner)
