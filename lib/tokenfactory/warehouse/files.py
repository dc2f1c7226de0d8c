"""Where the data lies, and a fingerprint of everything the warehouse is built from.

No path depends on the working directory: nbval starts in a notebook's folder, papermill in its caller's.
"""

import hashlib
import json
import os
import re
from datetime import datetime
from pathlib import Path

from tokenfactory.errors import DataError

PROJECT = Path(__file__).parents[3]
ROOM = Path(__file__).parent
SQL = ROOM / "sql"
OWN_SECTIONS = re.compile(rb"^(prices|inputs):", re.MULTILINE)


def data_dir() -> Path:
    """The folder of the shipped data; the environment variable TOKENFACTORY_DATA names another one."""
    return Path(os.environ.get("TOKENFACTORY_DATA") or PROJECT / "data")


def cache_dir() -> Path:
    """The folder of what can be made again; the environment variable TOKENFACTORY_CACHE names another one."""
    return Path(os.environ.get("TOKENFACTORY_CACHE") or PROJECT / ".cache")


def newest_snapshot(snapshots: Path) -> Path | None:
    """The snapshot of ingested or pulled measurements that was made or asked for again last; None where there is none.

    Raises
    ------
    DataError : a snapshot has no readable manifest
    """
    manifests = Path(snapshots).glob("[!.]*/manifest.json")
    made = [(in_use_from(manifest), manifest.parent) for manifest in manifests]
    return max(made)[1] if made else None


def in_use_from(manifest: Path) -> datetime:
    """When a snapshot became the newest one."""
    try:
        said = json.loads(manifest.read_text())
        return datetime.fromisoformat(said.get("in_use_from") or said["created_at"])
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        place = f"{manifest.parent.name}/{manifest.name}"
        raise DataError(place, "is not readable; remove the folder it lies in, and ingest its files again") from error


def own_scenarios(data: Path) -> list[Path]:
    """The scenario files with prices or inputs of their own, which the warehouse holds as rows."""
    found = sorted((Path(data) / "scenarios").glob("*.yaml"))
    return [path for path in found if OWN_SECTIONS.search(path.read_bytes())]


def sha256_of(files) -> str:
    """One hash of the names and bytes of `files`, in their order."""
    digest = hashlib.sha256()
    for file in files:
        content = file.read_bytes()
        digest.update(f"{file.name}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()


def hashes() -> dict[str, str]:
    """SHA-256 of each file that the warehouse is built from, by its place in the data folder.

    A finished warehouse, named by TOKENFACTORY_WAREHOUSE, stands for all files that it was built from.
    """
    if finished := os.environ.get("TOKENFACTORY_WAREHOUSE"):
        return {Path(finished).name: hashlib.sha256(Path(finished).read_bytes()).hexdigest()}
    data = data_dir()
    snapshot = newest_snapshot(data / "snapshots")
    found = [*sorted(data.glob("*.csv")), *([snapshot / "manifest.json"] if snapshot else [])]
    return {path.relative_to(data).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in found}


def fingerprint(data: Path | None = None) -> str:
    """Content hash of all that decides what the warehouse holds: data files, newest snapshot, views, loading code."""
    data = data or data_dir()
    snapshot = newest_snapshot(data / "snapshots")
    content = [*sorted(data.glob("*.csv")), *([snapshot / "manifest.json"] if snapshot else []), *own_scenarios(data)]
    code = (ROOM / "schema.py", ROOM / "own.py", ROOM / "store.py")
    return sha256_of([*content, *code, *sorted(SQL.rglob("*.sql"))])
