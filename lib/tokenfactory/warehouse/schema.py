"""The schema of `data/`, and the reader that enforces it.

`tables.csv` beside this module has a row per file of `data/`, `columns.csv` a row per column: its type (`?`: may be
empty), unit, range or vocabulary, and meaning. What no single column can say is in `rules.py`. The codebook
(`data/README.md`) and the typed DuckDB tables are made from the same rows. An empty cell is None: the source does not
state it. A file that breaks a rule is refused with one sentence that names the file, the row (line of the file) and
the field.
"""

import csv
import io
import itertools
import math
import operator
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date as Day
from functools import cached_property
from pathlib import Path

from tokenfactory.errors import DataError
from tokenfactory.warehouse import rules

LONGEST_CELL = 4000  # characters
PATTERNS = {
    "slug": re.compile(r"^[a-z0-9][a-z0-9.-]*$"),
    "gpu": re.compile(r"^[a-z0-9]+$"),
    "sha256": re.compile(r"^[0-9a-f]{64}$"),
    "colour": re.compile(r"^#[0-9a-f]{6}$"),
    "url": re.compile(r"^https?://\S+$"),
}
# A file has one way to write a value: not 1_000, not yes.
FORMS = {
    "int": (re.compile(r"-?[0-9]+"), int, "a whole number"),
    "float": (
        re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?"),
        float,
        "a number (plain digits, a point for decimals)",
    ),
    "bool": (re.compile(r"true|false"), "true".__eq__, "true or false"),
    "date": (re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}"), Day.fromisoformat, "a date (YYYY-MM-DD)"),
}
DUCKDB_TYPES = {"int": "BIGINT", "float": "DOUBLE", "bool": "BOOLEAN", "date": "DATE"}
BOUNDS = {">": (operator.gt, "above"), ">=": (operator.ge, "at least"), "<=": (operator.le, "at most")}


class Refused(ValueError):
    """What is wrong with a value, in words."""


@dataclass(frozen=True)
class Column:
    """One column of a file.

    kind : `text`, a key of PATTERNS (text of a form), or a key of FORMS
    values : the closed vocabulary of a text, where it has one
    bounds : of a number or day, as (">", 0)
    """

    name: str
    kind: str
    is_required: bool
    unit: str
    meaning: str
    values: tuple[str, ...] = ()
    bounds: tuple[tuple[str, object], ...] = ()

    @classmethod
    def of(cls, row: Mapping[str, str]) -> "Column":
        """The column of a row of `columns.csv`."""
        kind, allowed = row["type"].removesuffix("?"), row["allowed"]
        is_text = kind not in FORMS
        values = tuple(allowed.split("|")) if is_text and allowed else ()
        limit = Day.fromisoformat if kind == "date" else int
        words = [] if is_text else allowed.split()
        bounds = tuple((sign, limit(number)) for sign, number in zip(words[::2], words[1::2], strict=True))
        return cls(row["column"], kind, row["type"] == kind, row["unit"], row["meaning"], values, bounds)

    @property
    def duckdb_type(self) -> str:
        return DUCKDB_TYPES.get(self.kind, "VARCHAR")

    @cached_property
    def parse(self) -> Callable[[str], object]:
        """From a cell that is not empty to its value; raises Refused."""
        if self.kind not in FORMS:
            return self.check
        pattern, convert, form = FORMS[self.kind]
        matches, check, has_rule = pattern.fullmatch, self.check, bool(self.bounds) or self.kind == "float"

        def parse(cell: str):
            if not matches(cell):
                raise Refused(f"'{_shown(cell)}' is not {form}")
            try:
                value = convert(cell)
            except ValueError:  # the 30th of February, or more digits than Python takes
                reason = f"not {form}" if self.kind == "date" else "refused: it has too many digits"
                raise Refused(f"'{_shown(cell)}' is {reason}") from None
            return check(value) if has_rule else value

        return parse

    def check(self, value):
        """The value, which has the right type, if it is allowed; raises Refused."""
        if self.kind in FORMS:
            if self.kind == "float" and not math.isfinite(value):
                raise Refused(f"'{value}' is not a finite number")
            for sign, limit in self.bounds:
                holds, words = BOUNDS[sign]
                if not holds(value, limit):
                    given = f"{value:.15g}" if self.kind == "float" else value
                    raise Refused(f"{given} must be {words} {limit}")
        elif self.values:
            if value not in self.values:
                raise Refused(f"'{_shown(value)}' is not one of {', '.join(map(repr, self.values))}")
        elif len(value) > LONGEST_CELL:
            raise Refused(f"is longer than {LONGEST_CELL} characters")
        elif value == "":
            raise Refused("'' is refused: it is empty")
        elif self.kind in PATTERNS and not PATTERNS[self.kind].fullmatch(value):
            raise Refused(f"'{_shown(value)}' does not have the form {PATTERNS[self.kind].pattern}")
        return value

    def accept(self, value):
        """The same for a value of a YAML file, whose type is its own business; raises Refused."""
        right = {"int": int, "float": int | float, "bool": bool, "date": Day}.get(self.kind, str)
        if not isinstance(value, right) or (isinstance(value, bool) and self.kind != "bool"):
            given = _shown(str(value))
            form = FORMS[self.kind][2] if self.kind in FORMS else "text"
            raise Refused(f"'{given}' is not {form}" if self.kind == "date" else f"'{given}' is refused: write {form}")
        return self.check(float(value) if self.kind == "float" else value)


@dataclass(frozen=True)
class Table:
    """One file of `data/`, or several of one form, and the table it becomes.

    may_lack_columns : a column of which a file states nothing need not stand in it
    """

    name: str
    file: str
    key: tuple[str, ...]
    description: str
    grain: str
    columns: dict[str, Column]
    may_lack_columns: bool = False

    def files(self, folder: Path) -> list[Path]:
        """The files in the data folder: one that must be there, or all that match."""
        return sorted(folder.glob(self.file)) if self.has_several_files else [folder / self.file]

    @property
    def has_several_files(self) -> bool:
        return "*" in self.file

    @cached_property
    def steps(self) -> list[tuple]:
        """What a row is checked by: each column's name, whether it is required, its reader, and its rules."""
        rules_of = rules.OF_ROWS.get
        return [(n, c.is_required, c.parse, rules_of(f"{self.name}.{n}", ())) for n, c in self.columns.items()]


def _read_tables() -> dict[str, Table]:
    def rows(name: str) -> list[dict]:
        with (Path(__file__).with_name(name)).open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))

    columns: dict[str, dict[str, Column]] = {}
    for row in rows("columns.csv"):
        columns.setdefault(row["table"], {})[row["column"]] = Column.of(row)
    return {
        row["table"]: Table(
            row["table"],
            row["file"],
            tuple(row["key"].split()),
            row["meaning"],
            row["one_row_is"],
            columns[row["table"]],
            row["may_lack_columns"] == "true",
        )
        for row in rows("tables.csv")
    }


TABLES = _read_tables()


def columns(table: Table) -> dict[str, str]:
    """The columns of a table in their order, with their DuckDB types."""
    return {name: column.duckdb_type for name, column in table.columns.items()}


def checked(steps: Iterable[tuple], cells: Mapping) -> dict:
    """A row of typed values, None where nothing is given; the first thing wrong is raised as (field, sentence)."""
    row = {}
    for name, is_required, read, of_row in steps:
        cell = cells.get(name)
        try:
            if cell is not None:
                row[name] = value = read(cell)
            elif is_required:
                raise Refused("is empty, but must be given")
            else:
                row[name] = value = None
            for rule, also_empty in of_row:
                if (value is not None or also_empty) and (problem := rule(value, row)):
                    raise Refused(problem)
        except Refused as refused:
            raise Refused(name, str(refused)) from None
    return row


@dataclass(frozen=True)
class File:
    """What was read of one file: its header, how many lines of notice stand above that, and typed rows."""

    path: Path
    num_notes: int
    header: list[str]
    rows: list[dict]
    lines: list[int]


def read_table(table: Table, path: str | Path) -> list[dict]:
    """All rows of one file, typed; refuses the first thing that breaks the schema with a DataError."""
    return _read(table, [Path(path)])[0].rows


def read_all(folder: str | Path) -> dict[str, list[dict]]:
    """All files of a data folder by table name, and the rule between them: every gpu is a known one."""
    return {name: [row for file in read for row in file.rows] for name, read in read_files(folder).items()}


def read_files(folder: str | Path) -> dict[str, list[File]]:
    """The same, file by file."""
    read = {name: _read(table, table.files(Path(folder))) for name, table in TABLES.items()}
    rules.check_gpus(read)
    return read


def _read(table: Table, paths: Iterable[Path]) -> list[File]:
    read, seen = [], {}
    for path in paths:
        num_notes, header, records = _records(table, path)
        file = File(path, num_notes, header, [], [])
        for line, cells in records:
            try:
                row = checked(table.steps, cells)
            except Refused as refused:
                field, message = refused.args
                raise DataError(path.name, message, row=line, field=field) from None
            key = tuple(row[c] for c in table.key)
            if key in seen:
                there = f"row {seen[key][1]}" + ("" if seen[key][0] == path else f" of {seen[key][0].name}")
                message = f"{', '.join(map(str, key))} is already in {there}"
                raise DataError(path.name, message, row=line, field=table.key[0])
            seen[key] = path, line
            file.rows.append(row)
            file.lines.append(line)
        for check in rules.OF_FILES.get(table.name, ()):
            for i, field, message in check(file.rows):
                raise DataError(path.name, message, row=file.lines[i], field=field)
        read.append(file)
    return read


def _records(table: Table, path: Path) -> tuple[int, list[str], Iterable[tuple[int, dict[str, str]]]]:
    """Number of lines of notice, the header, and line number and filled cells of every record."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise DataError(path.name, f"cannot be read: {error.strerror}") from error
    try:
        text = raw.decode("utf-8-sig")  # spreadsheets put a mark in front
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise DataError(path.name, "is not UTF-8 text; save it as CSV in UTF-8", row=line) from error
    num_notes = num_notice_lines(text)
    lines = io.StringIO(text, newline="")
    for _ in range(num_notes):
        lines.readline()
    reader = csv.reader(lines, strict=True)
    try:
        header = next(reader, None)
    except csv.Error as error:
        raise DataError(path.name, f"is not well-formed CSV: {error}", row=num_notes + 1) from error
    if header is None:
        raise DataError(path.name, "is empty; the first line must name the columns")
    _check_header(table, path.name, header, num_notes + 1)
    return num_notes, header, _cells(path.name, reader, header, num_notes)


def _cells(file: str, reader, header: list[str], num_notes: int) -> Iterable[tuple[int, dict[str, str]]]:
    line = num_notes + reader.line_num + 1
    try:
        for cells in reader:
            if cells and len(cells) != len(header):
                raise DataError(file, f"has {len(cells)} cells, but there are {len(header)} columns", row=line)
            if cells:
                yield line, {name: cell for name, cell in zip(header, cells, strict=True) if cell != ""}
            line = num_notes + reader.line_num + 1
    except csv.Error as error:
        raise DataError(file, f"is not well-formed CSV: {error}", row=line) from error


def num_notice_lines(text: str) -> int:
    """How many lines that begin with # a file has before its columns: the notice of its owner."""
    return sum(1 for _ in itertools.takewhile(lambda line: line.startswith("#"), text.splitlines()))


def _check_header(table: Table, file: str, header: list[str], line: int) -> None:
    needed = [name for name, column in table.columns.items() if column.is_required or not table.may_lack_columns]
    for problem, names in (
        ("appears twice", [name for name, n in Counter(header).items() if n > 1]),
        ("is not a column of this file", [name for name in header if name not in table.columns]),
        ("is missing", [name for name in needed if name not in header]),
    ):
        if names:
            raise DataError(file, f"column '{_shown(names[0])}' {problem}", row=line)


def _shown(cell: str) -> str:
    return cell if len(cell) <= 60 else cell[:60] + "..."
