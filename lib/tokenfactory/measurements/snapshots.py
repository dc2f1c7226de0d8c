"""The snapshots of a data folder: what is kept, and how one is dropped."""

from __future__ import annotations

import shutil
from pathlib import Path

from reportkit import atomic
from tokenfactory.errors import ParameterError, nearest
from tokenfactory.measurements.ingest import read_manifest
from tokenfactory.warehouse import files
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
    known = [path.name for path in files.snapshots_in(snapshots)]
    if name not in known:
        raise ParameterError(f"there is no snapshot {name!r}{nearest(name, known)}")
    with writing(snapshots, "no snapshot was dropped: {}"):
        aside = snapshots / f"{atomic.NEW}{name}"  # what a kill leaves under this name, the next writer removes
        (snapshots / name).rename(aside)
        shutil.rmtree(aside)
    left = files.newest_snapshot(snapshots)
    return left.name if left else None
