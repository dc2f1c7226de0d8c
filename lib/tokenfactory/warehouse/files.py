"""Where the data lies, and a fingerprint of everything the warehouse is built from.

No path depends on the working directory: nbval starts in a notebook's folder, papermill in its caller's.
"""

import hashlib
import os
from pathlib import Path

PROJECT = Path(__file__).parents[3]
ROOM = Path(__file__).parent
SQL = ROOM / "sql"


def data_dir() -> Path:
    """The folder of the shipped data; the environment variable TOKENFACTORY_DATA names another one."""
    return Path(os.environ.get("TOKENFACTORY_DATA") or PROJECT / "data")


def cache_dir() -> Path:
    """The folder of what can be made again; the environment variable TOKENFACTORY_CACHE names another one."""
    return Path(os.environ.get("TOKENFACTORY_CACHE") or PROJECT / ".cache")


def sha256_of(files) -> str:
    """One hash of the names and bytes of `files`, in their order."""
    digest = hashlib.sha256()
    for file in files:
        content = file.read_bytes()
        digest.update(f"{file.name}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()


def fingerprint(data: Path | None = None) -> str:
    """Content hash of all that decides what the warehouse holds: data files, views and loading code."""
    data = data or data_dir()
    code = [ROOM / "schema.py", ROOM / "store.py", *sorted(SQL.glob("*.sql"))]
    return sha256_of([*sorted(data.glob("*.csv")), *code])
