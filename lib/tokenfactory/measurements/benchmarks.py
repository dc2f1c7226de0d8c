"""Measured points as CSV files of facts that ship in `data/benchmarks/`: compact, with their owner's notice, sorted.

`tokenfactory export PATH... --name NAME` reads files of any known format as `ingest` does, with the same repairs, and
writes one CSV per model and year: only points of fixed lengths that InferenceX measured, only the columns that the
pool of points needs. Six digits are kept, which is more than two runs of one recipe agree to.
"""

import csv
import hashlib
import io
import re
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tokenfactory.errors import DataError
from tokenfactory.measurements import ingest, tables
from tokenfactory.warehouse import files
from tokenfactory.warehouse.attach import attach
from tokenfactory.warehouse.schema import TABLES

NOTICE = (
    "# Licensed under Apache License 2.0 — https://www.apache.org/licenses/LICENSE-2.0",
    "# Copyright {year} SemiAnalysis LLC. Data from InferenceX (https://github.com/SemiAnalysisAI/InferenceX).",
    "# Attribution to InferenceX is required for any derivative work.",
    "# Unofficial: facts of public runs, re-expressed by Token Factory; not an official InferenceX result.",
)
RUN_PAGE = "https://github.com/SemiAnalysisAI/InferenceX/actions/runs/"


@dataclass(frozen=True)
class Exported:
    """What an export wrote, and how it differs from what stood there."""

    path: Path
    num_rows: int
    num_added: int
    num_removed: int
    num_changed: int

    def text(self) -> str:
        if not (self.num_added or self.num_removed or self.num_changed):
            return f"{self.path.name}: {self.num_rows} rows, as before"
        changes = f"{self.num_added} added, {self.num_changed} changed, {self.num_removed} no longer there"
        return f"{self.path.name}: {self.num_rows} rows ({changes})"


def export(paths: Sequence[str | Path], folder: Path, *, name: str) -> list[Exported]:
    """Write the InferenceX points of some files into `folder`, one CSV per model and year.

    Parameters
    ----------
    paths : files, folders and zips of any known format; a snapshot's folder counts as what it was made from
    name : how the files' names begin

    Raises
    ------
    DataError : nothing could be read, or no InferenceX point of fixed lengths was in it
    """
    with tempfile.TemporaryDirectory() as place:
        rows = _rows(ingest.ingest(paths, place).snapshot)
    if not rows:
        raise DataError(str(paths[0]), "holds no InferenceX point of fixed lengths that has a day")
    folder.mkdir(parents=True, exist_ok=True)
    parts: dict[str, list[dict]] = {}
    for row in rows:
        parts.setdefault(f"{name}_{row['model']}_{row['date'].year}.csv", []).append(row)
    return [_write(folder / file, part) for file, part in sorted(parts.items())]


def days() -> dict[str, str]:
    """The day of every run that ships, by its number: some files of these runs leave it out."""
    found: dict[str, str] = {}
    for path in sorted((files.data_dir() / "benchmarks").glob("*.csv")):
        for row in _by_name(path.read_text(encoding="utf-8")).values():
            run, day = re.search("/runs/([0-9]+)", row.get("run_url") or ""), row.get("date") or ""
            if run and re.fullmatch(r"\d{4}-\d\d-\d\d", day):
                found[run[1]] = day
    return found


def _rows(snapshot: Path) -> list[dict]:
    """The points that ship, named and sorted."""
    import duckdb

    columns = list(TABLES["benchmarks"].columns)
    with duckdb.connect() as connection:
        attach(connection, snapshot)
        chosen = ", ".join(name for name in columns if name not in ("point_id", "evidence"))
        rows = tables.rows(connection.execute(tables.sql("shipped", COLUMNS=chosen, RUN_PAGE=RUN_PAGE)))
    identity = [c for c in columns if c in _IDENTITY]
    rows.sort(key=lambda row: [str(row[c]).rjust(12) for c in identity] + [row["date"], row["run_id"] or ""])
    return _named(rows, identity)


_IDENTITY = {
    *("gpu", "model", "framework", "precision", "spec_decoding", "is_disagg", "is_multinode", "num_gpu"),
    *(f"{role}_{what}" for role in ("prefill", "decode") for what in ("tp", "ep", "dp_attention", "num_workers")),
    *("num_prefill_gpu", "num_decode_gpu", "isl_tok", "osl_tok", "conc"),
}


def _named(rows: Iterable[dict], identity: Sequence[str]) -> list[dict]:
    """Give each row a name that stays: its run, GPU, concurrency, and what stands for the rest of its configuration."""
    named = []
    for row in rows:
        run = row.pop("run_id") or str(row["date"])
        rest = hashlib.sha256(repr([row[c] for c in identity]).encode()).hexdigest()[:6]
        named.append({"point_id": f"ix-{run}-{row['gpu']}-c{row['conc']}-{rest}", "evidence": "measured", **row})
    return named


def text(rows: Sequence[dict], notice: Sequence[str] = NOTICE) -> str:
    """A file of `data/benchmarks/`: the notice, the header, the rows."""
    names = [c for c in TABLES["benchmarks"].columns if any(row.get(c) not in (None, []) for row in rows)]
    year = max(row["date"].year for row in rows)
    stated = [{name: row.get(name) for name in names} for row in rows]
    return "".join(f"{line.format(year=year)}\n" for line in notice) + table(stated)


def table(rows: Sequence[dict]) -> str:
    """Rows as CSV, with the columns of the first."""
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow(rows[0])
    writer.writerows([[_cell(value) for value in row.values()] for row in rows])
    return written.getvalue()


def _cell(value) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:.6g}"
    return " ".join(value) if isinstance(value, list) else str(value)


def _write(path: Path, rows: Sequence[dict]) -> Exported:
    old = _by_name(path.read_text(encoding="utf-8")) if path.exists() else {}
    content = text(rows)
    new = _by_name(content)
    path.write_text(content, encoding="utf-8")
    changed = sum(new[name] != old[name] for name in new.keys() & old.keys())
    return Exported(path, len(new), len(new.keys() - old.keys()), len(old.keys() - new.keys()), changed)


def _by_name(content: str) -> dict[str, dict]:
    lines = [line for line in content.splitlines() if not line.startswith("#")]
    return {row["point_id"]: row for row in csv.DictReader(lines)}
