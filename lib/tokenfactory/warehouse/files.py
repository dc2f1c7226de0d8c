"""Where the data lies, and a fingerprint of everything the warehouse is built from.

No path depends on the working directory: nbval starts in a notebook's folder, papermill in its caller's.
"""

import hashlib
import json
import os
import re
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from reportkit import strict_yaml
from tokenfactory.errors import DataError

PROJECT = Path(__file__).parents[3]
ROOM = Path(__file__).parent
SQL = ROOM / "sql"
OWN_SECTIONS = re.compile(rb"^(prices|power|inputs):", re.MULTILINE)


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
    return max(snapshots_in(snapshots), key=in_use, default=None)


def snapshots_in(snapshots: Path) -> list[Path]:
    """The finished snapshots of a folder, by name."""
    return sorted(manifest.parent for manifest in Path(snapshots).glob("[!.]*/manifest.json"))


def in_use(snapshot: Path) -> tuple[int, datetime]:
    """What orders snapshots: the number that each was given when it became the newest, which no clock turns round.

    Older versions gave no number; among their snapshots the time decides.
    """
    try:
        said = json.loads((snapshot / "manifest.json").read_text(encoding="utf-8"))
        number = said.get("in_use_number", 0)
        if type(number) is not int:
            raise ValueError
        return number, datetime.fromisoformat(said.get("in_use_from") or said["created_at"]).astimezone(UTC)
    except (OSError, ValueError, LookupError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        place = f"{snapshot.name}/manifest.json"
        raise DataError(place, "is not readable; remove the folder it lies in, and ingest its files again") from error


def own_scenarios(data: Path) -> list[Path]:
    """The scenario files with prices, powers or inputs of their own, which the warehouse holds as rows."""
    found = []
    for path in sorted((Path(data) / "scenarios").glob("*.yaml")):
        with suppress(strict_yaml.NotUsable):  # whoever asks for it is told
            if OWN_SECTIONS.search(strict_yaml.read_bytes(path)):
                found.append(path)
    return found


def own_loads(data: Path) -> list[Path]:
    """The load curves of the reader: an hourly CSV file each."""
    return sorted(path for path in (Path(data) / "load").glob("*.csv") if path.is_file())


def tables(data: Path) -> list[Path]:
    """The CSV files of a data folder."""
    return sorted([*Path(data).glob("*.csv"), *Path(data).glob("benchmarks/*.csv")])


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
    found = [*tables(data), *own_loads(data), *_manifest(data)]
    return {path.relative_to(data).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in found}


def _manifest(data: Path) -> list[Path]:
    snapshot = newest_snapshot(data / "snapshots")
    return [snapshot / "manifest.json"] if snapshot else []


def fingerprint(data: Path | None = None) -> str:
    """Content hash of all that decides what the warehouse holds: data files, newest snapshot, views, loading code."""
    data = data or data_dir()
    content = [*tables(data), *_manifest(data), *own_scenarios(data), *own_loads(data)]
    return sha256_of([*content, *sorted(ROOM.glob("*.py")), *sorted(ROOM.glob("*.csv")), *sorted(SQL.rglob("*.sql"))])
