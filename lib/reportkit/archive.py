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
import sys
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from reportkit import atomic, cache, workers
from reportkit.errors import DataError, ParameterError, nearest
from reportkit.plan import Job
from reportkit.source import Project, Source, given

KEEP = 90  # runs; those before them go, but for the first of each month
RECORD = "run.json"
LIMIT_S = 3600  # for making a report again
FORMAT = 1  # raise it when a record gets another shape; runs of another one are passed over
_NEW = ".new-"


def sha256(content: bytes) -> str:
    """The hash of some bytes, in hexadecimal digits."""
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


def sources(project: Project, jobs: Sequence[Job]) -> dict[str, Callable[[], bytes]]:
    """The files a run is made from, by their path in a checkout."""
    found = {f"lib/{name}": path.read_bytes for name, path in cache.code(project.source.packages).items()}
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
    if not given(project.source):
        found |= {f"data/{place}": path.read_bytes for place, path in project.source.archived().items()}
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
    data, library : fingerprints of what the notebooks read and of the code they used
    jobs : the notebooks of whole scenarios
    contents : what the site's record says of these scenarios, finished pages included
    entries : of the cache, by key
    """
    source, objects = project.source, {}

    def keep(content: bytes) -> str:
        objects[name := sha256(content)] = content
        return name

    named = {path: keep(read()) for path, read in sources(project, jobs).items()}
    told = _told(jobs, contents)
    facts = {"data": data, "library": library, "files": named, "scenarios": told}
    content = sha256(json.dumps(facts, sort_keys=True).encode())
    keys = sorted({n["key"] for content in told.values() for n in content["notebooks"]})
    record = {
        "id": f"{made_on}-{content[:8]}",
        "made_on": made_on,
        **{
            f"{group}_as_of": _newest(objects.get(named.get(f"data/{first}")), source.date_columns)
            for group, (first, *_) in source.groups.items()
        },
        **facts,
        "packages": cache.packages(),
        "is_warehouse_given": given(source) is not None,
        "executions": {
            key: {"executed": keep(entries[key].executed.read_bytes()), "trace": keep(_trace(entries[key]))}
            for key in keys
        },
    }
    return Run(record, objects.__getitem__)


def _told(jobs: Sequence[Job], contents: Mapping[str, Mapping]) -> dict[str, dict]:
    """What a run says, by scenario."""
    values = {(job.scenario, job.notebook.name): job.values for job in jobs}

    def notebook(scenario: str, kept: Mapping) -> dict:
        entry, name = kept["entry"], kept["name"]
        same = {key: kept[key] for key in ("name", "key", "inputs_sha256")}
        about = {"parameters": values[scenario, name], "headlines": entry["headlines"]}
        return same | {"title": entry["title"]} | about

    return {
        scenario: {"title": content["title"], "notebooks": [notebook(scenario, kept) for kept in content["notebooks"]]}
        for scenario, content in contents.items()
    }


# The archive


def folder(project: Project) -> Path:
    """Where the runs of a project are kept."""
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
    texts += [text for item in (*record["files"].items(), *record["packages"].items()) for text in item]
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


def find(project: Project, runs: Sequence[Run], name: str) -> Run:
    """The run of an id, of the beginning of one, or of `latest` and `previous`; `runs` has the newest first."""
    if not runs:
        raise ParameterError(f"no run is kept here yet; make one with '{project.source.command} report'")
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


def prepare(project: Project, run: Run, changes: Mapping[str, Mapping], runs: Sequence[Run]) -> None:
    """Write a run beside its place. `keep` gives it its name; nothing else sees it before."""
    number = max((r.record["number"] for r in runs), default=0) + 1
    record = {"format": FORMAT, **run.record, "number": number, "changes": dict(changes)}
    new = []
    try:
        for name in sorted(_objects(record)):
            if not _is_kept(project, name):
                new.append(_object(project, name))
                atomic.write(new[-1], gzip.compress(run.read(name), 6, mtime=0))
        text = json.dumps(record, indent=1, ensure_ascii=False) + "\n"
        atomic.write(folder(project) / f"{_NEW}{run.id}" / RECORD, text)
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


def report(root: Path, source: Source, scratch: Path, arguments: Sequence[str]) -> str:
    """Let the library that lies in a checkout make its report, with a cache in `scratch`; why it could not, or ""."""
    names, log = source.variables, root / "log"
    log.unlink(missing_ok=True)
    command = [sys.executable, "-c", source.program, "report", *arguments]
    left_out = (names.built, names.trace, "SOURCE_DATE_EPOCH")
    environment = {key: value for key, value in os.environ.items() if key not in left_out} | {
        "PYTHONPATH": str(root / "lib"),
        names.data: str(root / "data"),
        names.cache: str(scratch / "cache"),
    }
    # This process may have used threads, so it must not fork.
    with workers.child(_become, (command, environment, root), log=log, method="spawn") as process:
        process.join(LIMIT_S)
        if process.exitcode == 0:
            return ""
    lines = log.read_text(errors="replace").strip().splitlines() or ["the process left no word"]
    start = f"{source.command}: "
    return next((line for line in lines if line.startswith(start)), lines[-1]).removeprefix(start)


def _become(call: tuple[list[str], dict[str, str], Path]) -> None:
    command, environment, folder = call
    os.chdir(folder)
    os.execve(command[0], command, environment)
