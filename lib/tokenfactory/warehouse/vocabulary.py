"""What GPUs, models and number formats are called: rows of `data/`, so that a new one needs no code.

Read as plain text and kept, because colours and adapters ask thousands of times; the warehouse checks the same files
by the schema. A data folder without such a file has the shipped names: H200 is a GPU in an empty folder too.
A file that cannot be read names nothing: whoever builds the warehouse is told what is wrong with it.
"""

import csv
from functools import cache
from pathlib import Path

from tokenfactory.warehouse import files


def gpus() -> dict[str, dict[str, str]]:
    """The row of each GPU, by its key."""
    return {row["gpu"]: row for row in _rows("gpus.csv") if row.get("gpu")}


def models() -> dict[str, str]:
    """Our name of a model, by each name it is known under."""
    return _by_alias("models.csv", "model")


def named_models() -> tuple[dict[str, str], ...]:
    """The row of each model."""
    return _rows("models.csv")


def precisions() -> dict[str, str]:
    """Our name of a number format, by each name it is known under."""
    return _by_alias("precisions.csv", "precision")


def colours() -> dict[str, str]:
    """The colour of each GPU in charts."""
    return {gpu: row["colour"] for gpu, row in gpus().items() if row.get("colour")}


def _by_alias(file: str, key: str) -> dict[str, str]:
    rows = _rows(file)
    return {alias: row[key] for row in rows for alias in (row[key], *(row.get("aliases") or "").split())}


def _rows(file: str) -> tuple[dict[str, str], ...]:
    path = files.data_dir() / file
    if not path.exists():
        path = files.PROJECT / "data" / file
    try:
        return _read(path, path.stat().st_mtime_ns)
    except (OSError, UnicodeDecodeError, csv.Error):
        return ()


@cache
def _read(path: Path, changed_ns: int) -> tuple[dict[str, str], ...]:
    with path.open(newline="", encoding="utf-8-sig") as lines:
        return tuple(csv.DictReader(lines))
