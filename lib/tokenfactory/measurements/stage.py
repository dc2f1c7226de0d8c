"""Raw rows of all files in DuckDB tables, as the sources state them: the step between adapters and `repair`.

A row repeats one of a few hundred configurations and runs, so those go to tables of their own, and a row
holds their numbers. Every cell is typed here; a row with a cell of no use goes to `raw_excluded`.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tokenfactory.errors import DataError
from tokenfactory.measurements import normalise
from tokenfactory.measurements.adapters import Context, RowProblem, find, inferencex_dump
from tokenfactory.measurements.adapters.inferencex_agg import METRICS
from tokenfactory.measurements.adapters.load_test import foreign
from tokenfactory.measurements.cells import _CONTROL, LONGEST_NAME, typed
from tokenfactory.measurements.documents import LARGEST_ELEMENT, Document, mentions, records
from tokenfactory.measurements.tables import create, insert, sql
from tokenfactory.warehouse import measured
from tokenfactory.warehouse.measured import CONFIG_FIELDS, POINT_FIELDS, RUN_FIELDS, Column, own_columns

_BATCH = 20_000  # rows in Python before they go to DuckDB
_UNKNOWN_AT_MOST = 100  # records without an adapter before a file is given up


_WHERE_READ = own_columns(file_no="INTEGER", row_index="BIGINT", adapter="VARCHAR", raw_config="INTEGER")
_FILE_NO = own_columns(file_no="INTEGER")
_OF_EVALUATION = (
    "task",
    "isl_tok",
    "osl_tok",
    "conc",
    "score_frac",
    "score_error_frac",
    "num_samples",
    "date",
    "run_url",
)
RAW_RUNS = (*own_columns(raw_run="INTEGER"), *RUN_FIELDS)
RAW = {
    "raw_points": (
        *_WHERE_READ,
        *own_columns(raw_run="INTEGER", reading_repairs="VARCHAR[]", problem_field="VARCHAR", problem="VARCHAR"),
        *(c._replace(type="DATE") if c.name == "date" else c for c in POINT_FIELDS),
    ),
    "raw_evaluations": (*_WHERE_READ, *(c for c in measured.EVALUATIONS if c.name in _OF_EVALUATION)),
    "raw_excluded": (*_WHERE_READ, *own_columns(field="VARCHAR", reason="VARCHAR", belongs_to="VARCHAR")),
    "raw_run_details": (*measured.RUNS, *_FILE_NO),
    "raw_reliability": (*measured.RELIABILITY, *_FILE_NO),
    "raw_availability": (*measured.AVAILABILITY, *_FILE_NO),
}
_CONFIG_NAMES = tuple(c.name for c in CONFIG_FIELDS)
_RUN_NAMES = tuple(c.name for c in RUN_FIELDS)


def _types(*columns: Column, **more: str) -> dict[str, str]:
    return {c.name: c.type for c in columns} | {"date": "DATE"} | more


# What the rows of each table may state, and its type. Flags of a configuration stay texts until it is normalised.
TYPES = {
    "measured_points": _types(*measured.FIELDS.values(), config_key="VARCHAR"),
    "evaluations": _types(*RAW["raw_evaluations"], *CONFIG_FIELDS, *RUN_FIELDS, *POINT_FIELDS, config_key="VARCHAR"),
    "availability": _types(*CONFIG_FIELDS, *POINT_FIELDS),
    "reliability": _types(*measured.RELIABILITY, hardware="VARCHAR"),
    "runs": _types(*measured.RUNS),
    "configs": _types(*CONFIG_FIELDS, config_key="VARCHAR"),
    "changelog": _types(*measured.RUNS),
}


class Stage:
    """The raw tables, and the numbers given to configurations and runs."""

    def __init__(self, connection, work: Path):
        self.connection, self.work = connection, work
        self.num_rows: dict[int, int] = {}  # of each file
        self.num_other: dict[int, int] = {}  # of them, rows that are no points
        self.first_rowid: dict[int, int] = {}  # of the files that DuckDB read
        self.configs: list[dict] = []
        self.runs: list[dict] = []
        self._config_numbers: dict[tuple, int] = {}
        self._run_numbers: dict[tuple, int] = {}
        # Ids of the database's own tables, by the folder or zip the dump lies in.
        self._config_of: dict[tuple[str, str], int] = {}
        self._run_of: dict[tuple[str, str], int] = {}
        self._append_only: dict[tuple[str, str], bool] = {}
        # Rows wait in Python: those of the file being read, which may yet turn out broken, and those of files read.
        # A file of many rows writes some of them early, in a transaction of its own.
        self._rows: dict[str, list[dict]] = {name: [] for name in RAW}
        self._waiting: dict[str, list[dict]] = {name: [] for name in RAW}
        self._has_written_early = False
        for name, of_table in RAW.items():
            create(connection, name, of_table, [])
        connection.execute("CREATE MACRO refused(which, why) AS {'field': which, 'reason': why}")

    # ---- files ----

    def read(self, document: Document, file_no: int, facts: Mapping[str, Any]) -> list[str]:
        """Read one file; return the adapters that knew its records. Raises DataError, and then keeps none of it."""
        if is_results(document):
            return self._read_results(document, file_no, facts)
        return self._read_records(document, file_no, facts)

    def _read_records(self, document: Document, file_no: int, facts: Mapping[str, Any]) -> list[str]:
        context, used, num_unknown, num_more = Context(document.name, facts), {}, 0, 0
        self.num_rows[file_no] = self.num_other[file_no] = 0
        try:
            for place, record in records(document):
                # A record of several rows moves those after it, so that an index stands for one row.
                index = place + num_more
                problem, known = (record, None) if isinstance(record, RowProblem) else (None, None)
                if problem is None and isinstance(record, dict):
                    known = find(record)
                if known:
                    used[known[0].NAME] = True
                    num_more += max(self._add_record(known, record, index, file_no, context) - 1, 0)
                    continue
                num_unknown += 1
                if not used and num_unknown >= _UNKNOWN_AT_MOST:
                    break
                reason = problem.reason if problem else foreign(record) or "is not a row of a known format"
                self._exclude(file_no, index, problem.field if problem else None, reason, None, None)
            if not used:
                raise DataError(document.name, _not_known(document))
        except DataError:
            self._forget(file_no)
            raise
        self._keep()
        return list(used)

    def _add_record(self, known: tuple, record: dict, first: int, file_no: int, context: Context) -> int:
        """Add the rows of a record from index `first` on; return how many there are, used or not."""
        module, table = known
        rows, num_rows = iter(module.rows(record, context)), 0
        while True:
            try:
                row = next(rows, None)
                if row is None:
                    return num_rows
                if isinstance(row, RowProblem):
                    raise row
                self._add(table, row, first + num_rows, file_no, context, module)
            except RowProblem as problem:
                self._exclude(file_no, first + num_rows, problem.field, problem.reason, table, module)
            num_rows += 1

    def _add(self, table: str, row: Mapping, index: int, file_no: int, context: Context, module) -> None:
        reading = row.get("reading_repairs", [])
        if table == "measured_points":
            row = {**context.facts, **{name: cell for name, cell in row.items() if name != "reading_repairs"}}
        cells = typed(row, TYPES[table])
        where = {"file_no": file_no, "row_index": index, "adapter": module.NAME}
        if table == "configs":
            key = _bundle(context.file), _needed(cells, "config_key")
            self._config_of[key] = self.config_number(cells)
        elif table == "changelog":
            key = _bundle(context.file), _needed(cells, "workflow_run_id")
            self._append_only[key] = self._append_only.get(key, True) and cells["is_append_only"]
        elif table == "runs":
            cells.setdefault("run_id", normalise.run_of(cells.get("run_url"))[0])
            if cells["run_id"] is None:
                raise RowProblem("run_id", "is missing")
            if "workflow_run_id" in cells:
                self._run_of[_bundle(context.file), cells["workflow_run_id"]] = self._run_number(_with_attempt(cells))
            self._put("raw_run_details", cells | {"file_no": file_no})
        elif table == "reliability":
            name = _needed(cells, "hardware")
            cells |= {"gpu": normalise.hardware(name), "hardware_raw": name, "file_no": file_no}
            self._put("raw_reliability", cells)
        elif table == "availability":
            self._put("raw_availability", _availability(cells) | {"file_no": file_no})
        else:
            repairs = reading + (_from_file_name(cells, context.file) if table == "measured_points" else [])
            where |= {"raw_config": self._config_of_row(cells, context.file)}
            where |= {"raw_run": self._run_of_row(cells, context.file), "reading_repairs": repairs}
            target = "raw_points" if table == "measured_points" else "raw_evaluations"
            cells |= where
            self._put(target, {c.name: cells[c.name] for c in RAW[target] if c.name in cells})
        self.num_rows[file_no] += 1
        self.num_other[file_no] += table != "measured_points"

    def _config_of_row(self, cells: dict, file: str) -> int:
        if "config_key" in cells:
            number = self._config_of.get((_bundle(file), cells["config_key"]))
            if number is None:
                raise RowProblem("config_id", f"{cells['config_key']} is not in configs.json")
            return number
        return self.config_number(cells)

    def _run_of_row(self, cells: dict, file: str) -> int | None:
        if "config_key" in cells:
            number = self._run_of.get((_bundle(file), _needed(cells, "workflow_run_id")))
            if number is None:
                raise RowProblem("workflow_run_id", f"{cells['workflow_run_id']} is not in workflow_runs.json")
            return number
        return self._run_number(cells)

    def config_number(self, cells: Mapping[str, Any]) -> int:
        """Number of a raw configuration."""
        key = tuple(cells.get(name) for name in _CONFIG_NAMES)
        if key not in self._config_numbers:
            self._config_numbers[key] = len(self.configs)
            stated = zip(_CONFIG_NAMES, key, strict=True)
            self.configs.append({name: value for name, value in stated if value is not None})
        return self._config_numbers[key]

    def _run_number(self, cells: Mapping[str, Any]) -> int | None:
        key = tuple(cells.get(name) for name in _RUN_NAMES)
        if key == (None,) * len(key):
            return None
        if key not in self._run_numbers:
            self._run_numbers[key] = len(self.runs)
            self.runs.append(dict(zip(_RUN_NAMES, key, strict=True)))
        return self._run_numbers[key]

    # ---- rows ----

    def _exclude(self, file_no: int, index: int, field: str | None, reason: str, table: str | None, module) -> None:
        self.num_rows[file_no] += 1
        cells = {"file_no": file_no, "row_index": index, "field": field, "reason": reason, "belongs_to": table}
        self._put("raw_excluded", cells | {"adapter": module.NAME if module else None})

    def _put(self, table: str, row: dict) -> None:
        self._rows[table].append(row)
        if len(self._rows[table]) >= _BATCH:
            if not self._has_written_early:
                self.connection.begin()
                self._has_written_early = True
            self._write(self._rows)

    def _keep(self) -> None:
        """The file is read: its rows count."""
        if self._has_written_early:
            self._write(self._rows)
            self.connection.commit()
            self._has_written_early = False
        for table, rows in self._rows.items():
            self._waiting[table] += rows
            rows.clear()

    def _forget(self, file_no: int) -> None:
        """The file is broken: none of its rows count."""
        if self._has_written_early:
            self.connection.rollback()
            self._has_written_early = False
        for rows in self._rows.values():
            rows.clear()
        self.num_rows[file_no] = self.num_other[file_no] = 0

    def _write(self, waiting: dict[str, list[dict]]) -> None:
        for table, rows in waiting.items():
            insert(self.connection, table, RAW[table], rows)
            rows.clear()

    def flush(self) -> None:
        """Bring all rows that wait in Python to DuckDB."""
        self._write(self._waiting)

    # ---- the database's table of results, which may have millions of rows ----

    def _read_results(self, document: Document, file_no: int, facts: Mapping[str, Any]) -> list[str]:
        import duckdb

        bundle = _bundle(document.name)
        for needed, known in (("configs.json", self._config_of), ("workflow_runs.json", self._run_of)):
            if not any(place == bundle for place, _ in known):
                raise DataError(document.name, f"refers to {needed}, which must lie beside it")
        self.flush()
        self._put_keys("config_keys", self._config_of, bundle)
        self._put_keys("run_keys", self._run_of, bundle)
        try:
            (first,) = self.connection.execute("SELECT coalesce(max(rowid) + 1, 0) FROM raw_points").fetchone()
            with document.on_disk(self.work) as path:
                (num_rows,) = self.connection.execute(_from_dump(), [file_no, str(path)]).fetchone()
            self.first_rowid[file_no] = first
        except duckdb.Error:
            # One row is enough for DuckDB to refuse the file without its field; record by record it has a name.
            return self._read_records(document, file_no, facts)
        self.num_rows[file_no] = num_rows
        return [inferencex_dump.NAME]

    def _put_keys(self, table: str, numbers: dict[tuple[str, str], int], bundle: str) -> None:
        mine = [{"key": key, "number": number} for (place, key), number in numbers.items() if place == bundle]
        self.connection.execute(f"DROP TABLE IF EXISTS {table}")
        create(self.connection, table, own_columns(key="VARCHAR", number="INTEGER"), mine)

    def append_only(self) -> list[tuple[str, bool]]:
        """Internal ids of runs with a changelog, and whether all its entries only add points."""
        return [(run, says) for (_, run), says in self._append_only.items()]


def _from_dump() -> str:
    return sql(
        "dump", METRICS=METRICS, COLUMNS=inferencex_dump.COLUMNS, LONGEST=LONGEST_NAME, CONTROL=_CONTROL,
        LARGEST_ELEMENT=LARGEST_ELEMENT, YEARS=(normalise.FIRST_YEAR, normalise.LAST_YEAR),
    )  # fmt: skip


def is_results(document: Document) -> bool:
    """Whether a file is the dump's table of results, which DuckDB reads."""
    return _table_of(document) == inferencex_dump.RESULTS


def comes_first(document: Document) -> bool:
    """Whether other files refer to this one by id."""
    return _table_of(document) in (inferencex_dump.CONFIGS, inferencex_dump.RUNS, inferencex_dump.CHANGELOG)


def _table_of(document: Document) -> str | None:
    try:
        if not mentions(document, inferencex_dump.TELLING):
            return None
        _, first = next(records(document))
    except DataError:
        return None
    return inferencex_dump.table_of(first) if isinstance(first, dict) else None


def _not_known(document: Document) -> str:
    _, first = next(records(document))
    if isinstance(first, RowProblem):
        subject = f"its column {normalise.shown(first.field)}" if first.field else "its first record"
        return f"is not of a known format: {subject} {first.reason}"
    if not isinstance(first, dict):
        return "is not of a known format: its first record is no object"
    if known := foreign(first):
        return known
    if "" in first:
        return "is not of a known format: its first line, which must name the columns, leaves some without a name"
    names = ", ".join(normalise.shown(name) for name in list(first)[:6])
    return f"is not of a known format: its first record has the fields {names}"


def _bundle(file: str) -> str:
    """The folder or zip a file lies in."""
    return re.sub(r"(^|[!/])[^!/]*$", "", file)


def _with_attempt(run: dict) -> dict:
    """A run of the database with the page its rows have in the API."""
    if "run_url" in run and "run_attempt" in run:
        return run | {"run_url": f"{run['run_url']}/attempts/{run['run_attempt']}"}
    return run


def _from_file_name(cells: dict, file: str) -> list[str]:
    """Fill what only the file's name says; return the repairs."""
    repairs = []
    if cells.get("workload") == "agentic":  # sessions have no nominal length, whatever a fact says of the others
        cells.pop("isl_tok", None), cells.pop("osl_tok", None)
    elif cells.get("workload") != "other" and "isl_tok" not in cells and "osl_tok" not in cells:
        lengths = normalise.lengths_in(file)
        if lengths:
            cells["isl_tok"], cells["osl_tok"] = lengths
            repairs.append("lengths_from_file_name")
    run = normalise.run_in(file)
    if run and "run_id" not in cells and "config_key" not in cells:
        cells["run_id"] = run
        repairs.append("run_from_file_name")
    return repairs


def _needed(cells: dict, name: str) -> Any:
    if name not in cells:
        raise RowProblem(name, "is missing")
    return cells[name]


def _availability(cells: dict) -> dict:
    gpu = normalise.hardware(_needed(cells, "hardware"))
    if gpu is None:
        raise RowProblem("hardware", f"unknown hardware '{normalise.shown(cells['hardware'])}'")
    return {
        "gpu": gpu,
        "model": normalise.model(None, cells.get("model"))[0],
        "framework": normalise.framework(cells.get("framework"))[0],
        "precision": normalise.precision(cells.get("precision")),
        "spec_decoding": normalise.spec_decoding(cells.get("spec_decoding")),
        "is_disagg": normalise.flag(cells.get("disagg"), "disagg"),
        **{name: cells.get(name) for name in ("workload", "isl_tok", "osl_tok", "date")},
    }
