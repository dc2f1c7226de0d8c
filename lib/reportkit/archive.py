"""The runs of the past: what each one said, and all that is needed to make any of its headlines again.

`reports/runs/<run id>/run.json` tells a run; the files it was made from lie in `reports/runs/objects/`,
named by their content and so shared between runs. A run is written beside its place before the site is
swapped in, and gets its name after, so that a name stands for a site that was there to be read. When the
archive cannot be written, that is said, and the report arrives all the same.
"""

import csv
import gzip
import hashlib
import io
import json
import os
import shutil
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from reportkit import cache
from reportkit.plan import Job, Project
from tokenfactory.errors import DataError, ParameterError, nearest
from tokenfactory.warehouse import files

KEEP = 90  # runs; those before them go, but for the first of each month
LARGE_BYTES = 50_000_000  # a snapshot above this is named, not kept
RECORD = "run.json"
FORMAT = 1  # raise it when a record gets another shape; runs of another one are passed over
_NEW = ".new-"


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@dataclass(frozen=True)
class Run:
    """A run: its record, and the content of the objects the record names."""

    record: Mapping = field(repr=False)
    read: Callable[[str], bytes] = field(repr=False)

    @property
    def id(self) -> str:
        return self.record["id"]

    @property
    def files(self) -> Mapping[str, str]:
        """Hash of each file the run was made from, by its path in a checkout."""
        return self.record["files"]

    def file(self, path: str) -> bytes:
        return self.read(self.files[path])

    def notebooks(self, scenario: str) -> dict[str, Mapping]:
        """What the run says of the notebooks of a scenario; empty where it has no such scenario."""
        return {n["name"]: n for n in self.record["scenarios"].get(scenario, {"notebooks": ()})["notebooks"]}


# Telling a run


def _bare(document: Mapping) -> bytes:
    """A notebook without its stored outputs, which decide nothing."""
    bare = {"execution_count": None, "outputs": []}
    cells = [cell | bare if cell["cell_type"] == "code" else cell for cell in document["cells"]]
    return (json.dumps({**document, "cells": cells}, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()


def _snapshot(data: Path) -> tuple[Path | None, bool]:
    """The snapshot in use, and whether it is kept in the archive."""
    snapshot = files.newest_snapshot(data / "snapshots")
    if snapshot is None:
        return None, False
    return snapshot, sum(path.stat().st_size for path in snapshot.iterdir() if path.is_file()) <= LARGE_BYTES


def _sources(project: Project, jobs: Sequence[Job]) -> dict[str, Callable[[], bytes]]:
    """The files a run is made from, by their path in a checkout."""
    found = {f"lib/{name}": path.read_bytes for name, path in cache.code().items()}
    for job in jobs:
        document = job.notebook.document
        found[f"notebooks/{job.notebook.path.name}"] = lambda document=document: _bare(document)
    for name in sorted({job.scenario for job in jobs}):
        path = project.scenarios / f"{name}.yaml"
        if path.is_file():
            found[f"data/scenarios/{path.name}"] = path.read_bytes
    lock = project.root / "requirements.lock"
    if lock.is_file():
        found[lock.name] = lock.read_bytes
    if not os.environ.get("TOKENFACTORY_WAREHOUSE"):
        data = files.data_dir()
        found |= {f"data/{path.name}": path.read_bytes for path in sorted(data.glob("*.csv"))}
        snapshot, is_kept = _snapshot(data)
        if snapshot:
            kept = sorted(filter(Path.is_file, snapshot.iterdir())) if is_kept else [snapshot / "manifest.json"]
            found |= {f"data/snapshots/{snapshot.name}/{path.name}": path.read_bytes for path in kept}
    return found


def _newest(content: bytes | None, columns: Iterable[str]) -> str | None:
    """The newest of the dates in some columns of a CSV file."""
    rows = csv.DictReader(io.StringIO((content or b"").decode()))
    return max((row[c] for row in rows for c in columns if row.get(c)), default=None)


def _trace(entry: cache.Entry) -> bytes:
    return "".join(f"{line}\n" for line in entry.trace).encode()


def describe(
    project: Project,
    *,
    made_on: str,
    data: str,
    library: str,
    jobs: Sequence[Job],
    contents: Mapping[str, Mapping],
    entries: Mapping[str, cache.Entry],
) -> Run:
    """The run that has just been made, not kept yet.

    Parameters
    ----------
    made_on : ISO date
    data, library : fingerprints of what the notebooks read and of the code they used
    jobs : the notebooks of whole scenarios
    contents : what the site's record says of these scenarios, finished pages included
    entries : of the cache, by key
    """
    objects: dict[str, bytes] = {}

    def keep(content: bytes) -> str:
        objects[name := sha256(content)] = content
        return name

    named = {path: keep(read()) for path, read in _sources(project, jobs).items()}
    values = {(job.scenario, job.notebook.name): job.values for job in jobs}
    told = {
        scenario: {
            "title": content["title"],
            "notebooks": [
                {
                    "name": notebook["name"],
                    "title": notebook["entry"]["title"],
                    "key": notebook["key"],
                    "inputs_sha256": notebook["inputs_sha256"],
                    "parameters": values[scenario, notebook["name"]],
                    "headlines": notebook["entry"]["headlines"],
                }
                for notebook in content["notebooks"]
            ],
        }
        for scenario, content in contents.items()
    }
    facts = {"data": data, "library": library, "files": named, "scenarios": told}
    content = sha256(json.dumps(facts, sort_keys=True).encode())
    keys = sorted({n["key"] for content in told.values() for n in content["notebooks"]})
    record = {
        "id": f"{made_on}-{content[:8]}",
        "made_on": made_on,
        "price_as_of": _newest(objects.get(named.get("data/price_book.csv")), ("effective_from", "observed_on")),
        "power_as_of": _newest(objects.get(named.get("data/power_book.csv")), ("effective_from", "observed_on")),
        **facts,
        "packages": cache.packages(),
        "is_warehouse_given": bool(os.environ.get("TOKENFACTORY_WAREHOUSE")),
        "executions": {
            key: {"executed": keep(entries[key].executed.read_bytes()), "trace": keep(_trace(entries[key]))}
            for key in keys
        },
    }
    return Run(record, objects.__getitem__)


# The archive


def folder(project: Project) -> Path:
    return project.reports / "runs"


def _object(project: Project, name: str) -> Path:
    return folder(project) / "objects" / name[:2] / f"{name[2:]}.gz"


def _read_object(project: Project, name: str) -> bytes:
    try:
        content = gzip.decompress(_object(project, name).read_bytes())
    except (OSError, EOFError, zlib.error):
        raise DataError(f"reports/runs/objects/{name[:2]}/{name[2:]}.gz", "cannot be read any more") from None
    if sha256(content) != name:
        raise DataError(f"reports/runs/objects/{name[:2]}/{name[2:]}.gz", "is not what was kept under this name")
    return content


def _is_kept(project: Project, name: str) -> bool:
    """Whether an object is there and whole; one that was damaged is written again."""
    try:
        _read_object(project, name)
    except DataError:
        return False
    return True


def _read_run(project: Project, path: Path) -> Run | None:
    """A run of the archive; None where somebody has put something else."""
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        is_known = record["format"] == FORMAT and _has_shape(record)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError):
        return None
    if not is_known:
        return None
    return Run(record, lambda name: _read_object(project, name))


def _has_shape(record: Mapping) -> bool:
    """Whether a record has what is read of it; raises where it has another shape."""
    texts = [record[field] for field in ("id", "made_on", "data", "library")]
    texts += [text for item in record["files"].items() for text in item]
    for scenario in record["scenarios"].values():
        texts += [notebook["name"] for notebook in scenario["notebooks"]]
    for change in record["changes"].values():
        texts += [change["sentences"][0]]
    for execution in record["executions"].values():
        texts += [execution["executed"], execution["trace"]]
    return all(isinstance(text, str) for text in texts) and type(record["number"]) is int and bool(record["changes"])


def stored(project: Project) -> list[Run]:
    """The runs of the archive, the newest first."""
    paths = folder(project).glob(f"[!.]*/{RECORD}")
    found = [run for path in paths if (run := _read_run(project, path)) and run.id == path.parent.name]
    return sorted(found, key=lambda run: run.record["number"], reverse=True)


def find(runs: Sequence[Run], name: str) -> Run:
    """The run of an id, of the beginning of one, or of `latest` and `previous`; `runs` has the newest first."""
    if not runs:
        raise ParameterError("no run is kept here yet; make one with 'tokenfactory report'")
    if name in ("latest", "previous"):
        number = ("latest", "previous").index(name)
        if len(runs) <= number:
            raise ParameterError("there is no previous run; only one is kept here")
        return runs[number]
    found = [run for run in runs if run.id == name] or [run for run in runs if name and run.id.startswith(name)]
    if not found:
        raise ParameterError(f"run {name!r} is not known{nearest(name, ['latest', 'previous', *(r.id for r in runs)])}")
    if len(found) > 1:
        raise ParameterError(f"run {name!r} could be {' or '.join(run.id for run in found)}")
    return found[0]


def before(runs: Sequence[Run], run: Run, scenario: str) -> Run | None:
    """The run that told a scenario last before `run`."""
    number = next((r.record["number"] for r in runs if r.id == run.id), None)
    earlier = (r for r in runs if number is None or r.record["number"] < number)
    return next((r for r in earlier if scenario in r.record["scenarios"]), None)


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f"{_NEW}{path.name}")
    try:
        new.write_bytes(content)
        os.replace(new, path)
    except OSError:
        new.unlink(missing_ok=True)
        raise


def prepare(project: Project, run: Run, changes: Mapping[str, Mapping], runs: Sequence[Run]) -> None:
    """Write a run beside its place. `keep` gives it its name; nothing else sees it before."""
    number = max((r.record["number"] for r in runs), default=0) + 1
    record = {"format": FORMAT, **run.record, "number": number, "changes": dict(changes)}
    new = []
    try:
        for name in sorted(_objects(record)):
            if not _is_kept(project, name):
                new.append(_object(project, name))
                _write(new[-1], gzip.compress(run.read(name), 6, mtime=0))
        text = json.dumps(record, indent=1, ensure_ascii=False) + "\n"
        _write(folder(project) / f"{_NEW}{run.id}" / RECORD, text.encode())
    except OSError:
        for path in new:
            with suppress(OSError):
                path.unlink(missing_ok=True)
        shutil.rmtree(folder(project) / f"{_NEW}{run.id}", ignore_errors=True)
        raise


def _objects(record: Mapping) -> set[str]:
    executions = (name for execution in record["executions"].values() for name in execution.values())
    return {*record["files"].values(), *executions}


def keep(project: Project, published: Iterable[str], *, say: Callable[[str], None], num_kept: int = KEEP) -> None:
    """Give the prepared runs that the site shows their names, and let go of what need not be kept.

    `published` are the ids that the site names. A report that was killed after the swap has left its run
    prepared, and it gets its name now; what never became a site is removed.
    """
    prepared = list(folder(project).glob(f"{_NEW}*"))
    if not prepared:
        return
    published = set(published)
    try:
        for place in prepared:
            id_ = place.name.removeprefix(_NEW)
            if id_ in published and (place / RECORD).is_file() and not (folder(project) / id_).exists():
                os.rename(place, folder(project) / id_)
            else:
                shutil.rmtree(place, ignore_errors=True)
        _prune(project, num_kept)
    except OSError as error:
        say(f"reports/runs cannot be kept in order: {error.strerror or error}")


def to_keep(runs: Sequence[Run], num_kept: int = KEEP) -> list[Run]:
    """The newest runs and the first of each month; `runs` has the newest first."""
    first = {run.record["made_on"][:7]: run.id for run in runs}  # the oldest of a month comes last
    return [run for number, run in enumerate(runs) if number < num_kept or run.id in first.values()]


def _prune(project: Project, num_kept: int) -> None:
    runs = stored(project)
    kept = to_keep(runs, num_kept)
    kept_ids = {run.id for run in kept}
    for run in runs:
        if run.id not in kept_ids:
            shutil.rmtree(folder(project) / run.id, ignore_errors=True)
    named = {name for run in kept for name in _objects(run.record)}
    for path in (folder(project) / "objects").glob("*/*"):
        if path.parent.name + path.name.removesuffix(".gz") not in named:
            path.unlink(missing_ok=True)


# A checkout of a run


def place(root: Path, path: str, content: bytes) -> None:
    """Write a file of a run; a path that leads out of `root` is refused."""
    target = Path(os.path.normpath(root / path))
    if os.path.isabs(path) or target == root or not target.is_relative_to(root):
        raise DataError(RECORD, f"a run's file cannot lie at {path!r}")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content)


def place_snapshot(root: Path, run: Run) -> None:
    """Bring a snapshot that the archive only names: it must still be in the data folder."""
    for path, digest in run.files.items():
        parts = Path(path).parts
        if parts[:2] == ("data", "snapshots") and parts[-1] == "manifest.json":
            name = parts[2]
            if any(other != path and Path(other).parts[:3] == parts[:3] for other in run.files):
                return
            source = files.data_dir() / "snapshots" / name
            if not (source / "manifest.json").is_file() or sha256((source / "manifest.json").read_bytes()) != digest:
                raise DataError(f"data/snapshots/{name}", f"run {run.id} needs this snapshot, which is not here")
            shutil.copytree(source, root / "data" / "snapshots" / name, dirs_exist_ok=True)
