"""Adapters: one module per input format, recognised by what a record holds, never by a file's name.

A file is cut into records before an adapter sees it: the elements of a JSON array, a single JSON object,
the lines of a JSON Lines file, or the rows of a CSV file (then all values are text). An adapter is a
module with

    NAME, VERSION   identity; raise VERSION when the same file would give other rows
    SOURCE          who measured, as shown to readers
    recognise(record) -> str | None
                    the table its rows belong to (a key of `measured.TABLES`), None if it is not this format
    rows(record, context) -> iterator of dicts
                    what the record says, in the fields of `measured.FIELDS` (for other tables: in the columns
                    of that table, configuration as in FIELDS). Most records give one row. Yield a
                    `RowProblem` in place of a row that cannot be used, or raise one for the whole record

Formats are told apart by the keys they alone have; the order of MODULES decides nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import Any

# In the adapters' own words: tokenfactory.measurements.adapters.<name>.
MODULES = (
    "inferencex_agg",
    "inferencex_api",
    "inferencex_dump",
    "inferencex_csv",
    "mlperf",
    "ml_energy",
    "plain_csv",
)

Row = Mapping[str, Any]


class RowProblem(Exception):
    """A row that cannot be used: the field that decides, and the reason in words."""

    def __init__(self, field_name: str | None, reason: str):
        # Both may hold what a file holds: a lone half of a character is no text to store.
        self.field, self.reason = (
            None if text is None else text.encode("utf-8", "backslashreplace").decode() for text in (field_name, reason)
        )
        super().__init__(self.reason)


@dataclass(frozen=True)
class Context:
    """What surrounds a record: the file's name, and the facts a person gave in `token-factory.yaml`.

    Facts fill what rows leave out (ingest does that after the adapter); an adapter reads them only where it
    cannot build a row without one.
    """

    file: str
    facts: Mapping[str, Any] = field(default_factory=dict)


@cache
def modules() -> tuple[ModuleType, ...]:
    """The adapters: these modules, and the layouts of load-test tools, which have one reader (`load_test`)."""
    found = tuple(import_module(f"{__name__}.{name}") for name in MODULES)
    return found + import_module(f"{__name__}.load_test").ADAPTERS


def named(name: str) -> ModuleType:
    """The adapter of this name."""
    return next(module for module in modules() if name == module.NAME)


def find(record: Row) -> tuple[ModuleType, str] | None:
    """The adapter that knows this record, and the table its rows belong to."""
    for module in modules():
        table = module.recognise(record)
        if table:
            return module, table
    return None


def copied(record: Row, names: Mapping[str, str]) -> dict[str, Any]:
    """The values of `record` that are there, under our names (`names`: theirs to ours)."""
    return {ours: record[theirs] for theirs, ours in names.items() if record.get(theirs) not in (None, "")}
