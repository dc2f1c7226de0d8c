"""Executed notebooks that need not run again.

A notebook is a function of its cells, its parameters, the library and the results of its queries. The
first three make the key of an entry; the queries and the hashes of their results are stored with it. So
a changed price runs again only those notebooks that read a changed row: the others' queries are replayed,
give what they gave, and the entry is marked as verified against the new data.
"""

import hashlib
import json
import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from reportkit import atomic
from reportkit.plan import Job
from reportkit.source import Project

MOST_ENTRIES = 200
SECONDS = "seconds.json"
HERE = Path(__file__).parent

# The packages whose versions decide what a notebook computes and how its page looks.
DECISIVE = (
    "altair", "duckdb", "ipython", "jinja2", "latex2mathml", "numpy", "pandas", "papermill", "polars", "pyarrow",
    "scipy", "vl-convert-python", "xlsxwriter",
)  # fmt: skip


def _sha256(*parts: bytes) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
    return digest.hexdigest()


def code(library: Sequence[Path]) -> dict[str, Path]:
    """The files of some packages, and of this one, by their place beside the package."""
    found = [(folder, path) for folder in (*library, HERE) for path in sorted(folder.rglob("*"))]
    return {
        path.relative_to(folder.parent).as_posix(): path
        for folder, path in found
        if path.is_file() and path.suffix != ".pyc"
    }


def environment(library: Sequence[Path]) -> dict[str, str]:
    """What notebooks and pages are made with, by name: a hash of their own code, and `packages`."""
    named = [part for name, path in code(library).items() for part in (name.encode(), path.read_bytes())]
    return {"code": _sha256(*named), **packages()}


def packages() -> dict[str, str]:
    """The versions, as they are installed, of Python and of what decides numbers and pages."""
    found = {"python": "{}.{}".format(*sys.version_info)}
    for name in DECISIVE:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "none"
    return found


def library_hash(project: Project) -> str:
    """Hash of the code that notebooks and pages are made with, and of the locked versions of all it stands on."""
    lock = project.root / "requirements.lock"
    made_with = json.dumps(environment(project.source.packages)).encode()
    return _sha256(lock.read_bytes() if lock.is_file() else b"", made_with)


def key(job: Job, library: str) -> str:
    """Names what a job computes, but for the data. Outputs stored in the notebook are no part of it."""
    cells = [[c["cell_type"], "".join(c["source"]), c["metadata"], c.get("id")] for c in job.notebook.document["cells"]]
    content = [job.notebook.name, cells, list(job.parameters.items()), library]
    return _sha256(json.dumps(content, sort_keys=True).encode())[:32]


@dataclass(frozen=True)
class Entry:
    """A folder with an executed notebook, the trace of its queries, and the data it was last verified against."""

    folder: Path

    @property
    def executed(self) -> Path:
        return self.folder / "executed.ipynb"

    @property
    def trace(self) -> list[str]:
        return (self.folder / "trace.jsonl").read_text(encoding="utf-8").splitlines()

    @property
    def data(self) -> str:
        return (self.folder / "data").read_text()

    @property
    def inputs_sha256(self) -> str:
        """Hash of all query results that the notebook was made from."""
        return _sha256(*(json.loads(line)["result"].encode() for line in self.trace))

    def verify(self, data: str) -> None:
        """Mark the entry as good for these data, and as used."""
        atomic.write(self.folder / "data", data)
        os.utime(self.folder)


def find(folder: Path, key_: str) -> Entry | None:
    """The entry of a key. It is whole if it is there: it got its name when it was complete."""
    entry = Entry(folder / key_)
    return entry if entry.folder.is_dir() else None


def store(folder: Path, key_: str, executed: Path, trace: Path, data: str) -> Entry:
    """Keep an executed notebook and its trace, in place of an earlier entry of the same key."""
    entry = Entry(folder / key_)
    atomic.remove(entry.folder)
    with atomic.replacing(entry.folder) as new:
        new.mkdir()
        shutil.copyfile(executed, new / "executed.ipynb")
        # A notebook without queries leaves no trace.
        (new / "trace.jsonl").write_bytes(trace.read_bytes() if trace.exists() else b"")
        (new / "data").write_text(data)
    return entry


def prune(folder: Path, keep: int = MOST_ENTRIES) -> None:
    """Remove the entries that were not used for longest, and with time what killed writers left."""
    atomic.keep_newest(filter(Path.is_dir, folder.iterdir()), keep)


def seconds(folder: Path) -> dict[str, float]:
    """How long each notebook took when it last ran here, as far as that is known."""
    try:
        return {str(name): float(took) for name, took in json.loads((folder / SECONDS).read_text()).items()}
    except (OSError, ValueError, AttributeError, TypeError):
        return {}


def keep_seconds(folder: Path, took: Mapping[str, float]) -> None:
    """Remember how long each notebook took, for the order of the next run."""
    atomic.write(folder / SECONDS, json.dumps(dict(took)))
