"""The snapshots of a data folder: what is kept, how several become one, and how one is dropped."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Sequence
from pathlib import Path

from reportkit import atomic
from tokenfactory.errors import ParameterError, nearest
from tokenfactory.measurements.ingest import FileReport, parquet, read_manifest, use_again, write
from tokenfactory.measurements.tables import rows, sql
from tokenfactory.warehouse import files, measured
from tokenfactory.warehouse.attach import KEPT
from tokenfactory.warehouse.store import writing


def listed(snapshots: Path) -> list[dict]:
    """What each snapshot says of itself, that in use first.

    Returns
    -------
    name, created_at, num_files, num_points, files (with points), and is_in_use of each
    """
    newest_first = sorted(files.snapshots_in(snapshots), key=files.in_use, reverse=True)
    return [_told(snapshot, is_in_use=number == 0) for number, snapshot in enumerate(newest_first)]


def _told(snapshot: Path, is_in_use: bool) -> dict:
    said = read_manifest(snapshot)
    read = [file for file in said["files"] if file["num_points"]]
    return {
        "name": snapshot.name,
        "created_at": said["created_at"],
        "num_files": len(said["files"]),
        "num_points": sum(file["num_points"] for file in read),
        "files": [file["file"] for file in read],
        "is_in_use": is_in_use,
    }


def drop(snapshots: Path, name: str) -> str | None:
    """Remove a snapshot, in one step, and return the name of the one then in use.

    Raises
    ------
    ParameterError : there is none of that name; names the nearest
    DataError : the folder cannot be written
    """
    _check_known(snapshots, name)
    with writing(snapshots, "no snapshot was dropped: {}"):
        aside = snapshots / f"{atomic.NEW}{name}"  # what a kill leaves under this name, the next writer removes
        (snapshots / name).rename(aside)
        shutil.rmtree(aside)
    left = files.newest_snapshot(snapshots)
    return left.name if left else None


def _check_known(snapshots: Path, name: str) -> None:
    known = [path.name for path in files.snapshots_in(snapshots)]
    if name not in known:
        raise ParameterError(f"there is no snapshot {name!r}{nearest(name, known)}")


def merge(snapshots: Path, names: Sequence[str]) -> str:
    """Make one snapshot of several, which is then in use, and return its name; those it was made of stay.

    All their points count, each once: of a file that is in several, and of points of one configuration, load and run,
    those of the snapshot count that was in use last.

    Raises
    ------
    ParameterError : there is none of a name, or only one is named
    DataError : the folder cannot be written
    """
    for name in names:
        _check_known(snapshots, name)
    chosen = sorted({snapshots / name for name in names}, key=files.in_use, reverse=True)
    if len(chosen) < 2:
        raise ParameterError("name two snapshots or more to be made one")
    content = hashlib.sha256(" ".join(path.name for path in chosen).encode()).hexdigest()[:12]
    with writing(snapshots, "no snapshot was made: {}"):
        if made := next(snapshots.glob(f"[!.]*-{content}"), None):
            use_again(made)
            return made.name
        return write(snapshots, content, lambda connection, _: _load_all(connection, chosen)).name


_NUMBERS = {"file_no": "documents", "raw_config": "configs", "raw_run": "run_facts"}  # and the table that has them all


def _load_all(connection, chosen: Sequence[Path]) -> list[FileReport]:
    """The tables of snapshots, that in use last first, as the tables of one."""
    tables = [*(name for name in measured.TABLES if name != "measured_points"), *KEPT]
    first_of_next = dict.fromkeys(_NUMBERS, 0)
    for order, snapshot in enumerate(chosen):
        for name in tables:
            stored = connection.sql(f"SELECT *, {order} AS taken FROM read_parquet('{parquet(snapshot, name)}')")
            moved = ", ".join(f"{n} + {first_of_next[n]} AS {n}" for n in _NUMBERS if n in stored.columns)
            select = f"SELECT * {f'REPLACE ({moved})' if moved else ''} FROM stored"
            into = f"INSERT INTO {name} BY NAME" if order else f"CREATE TABLE {name} AS"
            connection.execute(f"{into} {select}")
        for number, name in _NUMBERS.items():
            (first_of_next[number],) = connection.execute(
                f"SELECT coalesce(max({number}) + 1, 0) FROM {name}"
            ).fetchone()
    connection.execute(sql("merge", TABLES=tables))
    return [FileReport(**row) for row in rows(connection.execute("FROM ingested_files"))]
