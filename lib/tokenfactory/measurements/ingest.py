"""Load files of any known format into an immutable snapshot: one table of measured points, and what did not get in.

A snapshot is a folder of Parquet files and a manifest, named by day and content. It is made under a
temporary name and renamed when it is complete, so a reader sees the old state or the new one. The same
files read by the same adapters are the same snapshot, and nothing is done.
"""

import errno
import hashlib
import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from datetime import date as Day
from pathlib import Path
from typing import Any

from reportkit import atomic, strict_yaml
from tokenfactory.errors import DataError
from tokenfactory.measurements import adapters
from tokenfactory.measurements.documents import SIDECAR, Document, unpacked
from tokenfactory.measurements.formats import spelt
from tokenfactory.measurements.normalise import shown
from tokenfactory.measurements.repair import refine
from tokenfactory.measurements.stage import Stage, comes_first
from tokenfactory.measurements.tables import connect, create
from tokenfactory.measurements.walk import walk
from tokenfactory.warehouse import files, measured, vocabulary
from tokenfactory.warehouse.attach import KEPT
from tokenfactory.warehouse.store import writing

MANIFEST = "manifest.json"
_KNOWN = ".known_files.json"
_KNOWN_DAYS = measured.own_columns(run_id="VARCHAR", day="VARCHAR")
_FORMAT = 4  # raise it when the same rows would give other tables
# Measured numbers hardly repeat: looking for a dictionary of them takes a third of the time to write.
_PARQUET = "FORMAT parquet, COMPRESSION lz4, DICTIONARY_SIZE_LIMIT 1000"
ATTRIBUTION = {
    "InferenceX": "InferenceX data (c) SemiAnalysis LLC, Apache-2.0, https://inferencex.semianalysis.com",
    "MLPerf Inference": "MLPerf Inference results, MLCommons, https://mlcommons.org/benchmarks/inference-datacenter/",
}


@dataclass(frozen=True)
class FileReport:
    """What became of one file. One without an adapter and without a problem is prose, and was passed over."""

    file: str
    file_sha256: str | None
    num_bytes: int | None
    adapter: str | None = None
    num_rows: int = 0
    num_points: int = 0
    num_merged: int = 0
    num_other: int = 0
    num_excluded: int = 0
    problem: str | None = None


@dataclass(frozen=True)
class IngestReport:
    """What an ingest did."""

    snapshot: Path
    is_new: bool
    files: list[FileReport] = field(repr=False)

    @property
    def not_read(self) -> list[FileReport]:
        return [f for f in self.files if f.problem]

    @property
    def passed_over(self) -> list[str]:
        return [f.file for f in self.files if not f.problem and not f.adapter]

    @property
    def exit_code(self) -> int:
        """0: all files were read; 3: some were not."""
        return 3 if self.not_read else 0

    def text(self) -> str:
        """The summary in words."""
        total = {k: sum(getattr(f, k) for f in self.files) for k in ("num_rows", "num_points", "num_merged")}
        total |= {k: sum(getattr(f, k) for f in self.files) for k in ("num_other", "num_excluded")}
        lines = [
            f"{self.snapshot.name}: {'made' if self.is_new else 'already there, nothing to do'}; it is in use now",
            f"{sum(f.adapter is not None for f in self.files)} files read: {total['num_rows']} rows ="
            f" {total['num_points']} points + {total['num_merged']} repeats merged"
            f" + {total['num_other']} of other tables + {total['num_excluded']} excluded",
        ]
        if passed := self.passed_over:
            more = f" and {len(passed) - 3} more" if len(passed) > 3 else ""
            lines.append(f"passed over, as they are no measurements: {', '.join(passed[:3])}{more}")
        if self.not_read:
            lines.append(f"{len(self.not_read)} files were not read:")
            lines += [f"  {f.file}: {f.problem}" for f in self.not_read]
        return "\n".join(lines)


class NoPointsError(DataError):
    """Files were read, and not one row became a point: no snapshot is made."""

    def __init__(self, files: list[FileReport], reasons: list[str]):
        self.files, self.reasons = files, reasons
        super().__init__("no snapshot was made", "not one row became a point")

    def text(self) -> str:
        """The first reasons, and what was not read."""
        not_read = [f"{f.file}: {f.problem}" for f in self.files if f.problem]
        return "\n".join(
            [f"{self}; the snapshot in use stays", *(f"  {why}" for why in (*self.reasons, *not_read[:3]))]
        )


def ingest(
    paths,
    snapshots_dir: str | Path,
    *,
    facts: Mapping[str, Any] | None = None,
    days: Mapping[str, str] | None = None,
    needs_points: bool = True,
) -> IngestReport:
    """Read files, folders and zips into a snapshot under `snapshots_dir`; the newest one is what readers use.

    Parameters
    ----------
    paths : files and folders
    snapshots_dir : folder of the snapshots, made when it is not there
    facts : what the rows do not state, by fields of `measured.FACTS`; the `token-factory.yaml` of a file's folder
        and of those above it, up to the folder that holds what was named, go before them, the nearest first
    days : the day of a run by its number, for rows and runs that do not say theirs (see `benchmarks.days`)
    needs_points : whether files without a point are an error; they would hide the snapshot that is in use

    Raises
    ------
    NoPointsError : not one row became a point
    DataError : the one file that was named could not be read
    """
    snapshots, paths = Path(snapshots_dir), [Path(p) for p in paths]
    given = _checked_facts(facts or {}, "the facts given")
    with writing(snapshots, "no snapshot was made: {}"):
        return _ingest(paths, snapshots, given, days or {}, needs_points)


def _ingest(
    paths: list[Path], snapshots: Path, given: dict, days: Mapping[str, str], needs_points: bool
) -> IngestReport:
    found, problems = walk(paths)
    known = _KnownFiles(snapshots / _KNOWN)
    found = [(name, path) for name, path in found if path.name != SIDECAR]
    beside = Sidecars(paths, given)
    sidecars = sorted({sidecar for _, path in found for sidecar in beside.of(path)})
    readable, hashed = [], [(f"{path.parent.name}/{SIDECAR}", known.sha256(path)) for path in sidecars]
    for name, path in found:
        try:
            hashed.append((name, known.sha256(path)))
            readable.append((name, path))
        except OSError as error:
            problems.append((name, f"cannot be read: {error.strerror}"))
    content = _content_hash(hashed, problems, given, days)
    known.save()

    def load(connection, work: Path) -> list[FileReport]:
        create(connection, "known_days", _KNOWN_DAYS, [{"run_id": run, "day": day} for run, day in days.items()])
        reports = _load(connection, work, readable, problems, known, beside)
        if needs_points and not any(r.num_points for r in reports):
            reasons = connection.execute(_FIRST_REASONS).fetchall()
            raise NoPointsError(reports, [reason for (reason,) in reasons])
        return reports

    made = next(snapshots.glob(f"[!.]*-{content}"), None)
    is_new = made is None
    made = made or write(snapshots, content, load)
    reports = [FileReport(**entry) for entry in read_manifest(made)["files"]]
    if needs_points and not any(f.num_points for f in reports):
        raise NoPointsError(reports, [])
    if newest(snapshots) != made:
        use_again(made)
    return IngestReport(made, is_new, reports)


newest = files.newest_snapshot


def read_manifest(snapshot: str | Path) -> dict:
    """What a snapshot says of itself: when it was made, from which files, with how many rows."""
    try:
        return json.loads((Path(snapshot) / MANIFEST).read_text())
    except (OSError, ValueError) as error:
        raise DataError(Path(snapshot).name, "is not a snapshot: it has no readable manifest.json") from error


# ---- making a snapshot --------------------------------------------------------------------------


def write(snapshots: Path, content: str, load: Callable[[Any, Path], list[FileReport]]) -> Path:
    """Write a snapshot of what `load` brings into the tables of a connection; `content` stands for it in the name."""
    now = datetime.now(UTC)
    target = snapshots / f"{now:%Y-%m-%d}-{content}"
    with atomic.replacing(target, verify=_verify) as folder:
        work = folder / "work"
        work.mkdir(parents=True)
        with connect(work / "stage.duckdb") as connection:
            reports = load(connection, work)
            tables = _write_tables(connection, folder)
            used = connection.execute(_SOURCES.format(parquet(folder, "stored_points"))).fetchall()
        shutil.rmtree(work)
        manifest = {
            "created_at": now.isoformat(timespec="microseconds"),
            "in_use_number": _next_number(snapshots),
            "format": _FORMAT,
            "adapters": {m.NAME: m.VERSION for m in adapters.modules()},
            "attribution": [ATTRIBUTION[source] for (source,) in used if source in ATTRIBUTION],
            "num_rows": tables,
            "files": [asdict(r) for r in reports],
        }
        (folder / MANIFEST).write_text(json.dumps(manifest, indent=1, ensure_ascii=False))
    return target


def _verify(snapshot: Path) -> None:
    """Raise where a table of a snapshot cannot be read, or has lost a row."""
    with connect() as connection:
        for table, num_rows in read_manifest(snapshot)["num_rows"].items():
            query = f"SELECT count(*) FROM read_parquet('{parquet(snapshot, table)}')"
            if connection.execute(query).fetchone() != (num_rows,):
                raise OSError(errno.EIO, f"{table} did not arrive on the disk as a whole")


def _next_number(snapshots: Path) -> int:
    return 1 + max((files.in_use(snapshot)[0] for snapshot in files.snapshots_in(snapshots)), default=0)


_FIRST_REASONS = """
    SELECT arg_min(file, row_index) || ', row ' || min(row_index) || ': ' || concat_ws(' ', field, reason)
    FROM excluded_rows GROUP BY field, reason ORDER BY count(*) DESC, field, reason LIMIT 3
"""
_SOURCES = "SELECT DISTINCT source FROM read_parquet('{}') JOIN adapters USING (adapter) ORDER BY source"


def _load(
    connection, work: Path, found: list, problems: list, known: "_KnownFiles", beside: "Sidecars"
) -> list[FileReport]:
    """Read all files into the tables of a snapshot; say what became of each."""
    stage, reports = Stage(connection, work), []
    documents: list[tuple[Document, dict, FileReport]] = []
    for name, path in found:
        try:
            inside, refused = unpacked(name, path)
            stated = beside.facts(path)
        except DataError as error:
            reports.append(FileReport(name, known.sha256(path), path.stat().st_size, problem=_said(error, name)))
            continue
        problems = [*problems, *refused]
        for document in inside:
            try:
                sha256 = known.sha256(path) if document.member is None else document.sha256()
                documents.append((document, stated, FileReport(document.name, sha256, document.num_bytes())))
            except DataError as error:
                problems.append((document.name, _said(error, document.name)))
    # Files that others refer to by id come first; within that, the order of the names decides.
    documents.sort(key=lambda d: (not comes_first(d[0]), d[0].name))
    for number, (document, stated, report) in enumerate(documents):
        try:
            used = stage.read(document, number, stated)
            documents[number] = (document, stated, replace(report, adapter=", ".join(used)))
        except DataError as error:
            documents[number] = (document, stated, replace(report, problem=_said(error, document.name)))
    known.check_unchanged()
    refine(stage, [(document.name, report.file_sha256) for document, _, report in documents])
    for number, points, merged, excluded, refused_late in connection.execute("FROM file_counts").fetchall():
        report = replace(
            documents[number][2],
            num_rows=stage.num_rows.get(number, 0),
            num_points=points,
            num_merged=merged,
            num_other=stage.num_other.get(number, 0) - refused_late,
            num_excluded=excluded,
        )
        if report.num_rows != points + merged + report.num_other + excluded:
            raise AssertionError(f"rows were lost: {report}")
        reports.append(report)
    reports += [FileReport(name, None, None, problem=problem) for name, problem in problems]
    if len(reports) < 2 and not any(r.adapter for r in reports):
        first = next((r for r in reports if r.problem), None)
        raise (
            DataError(first.file, first.problem) if first else DataError("nothing", "was named that holds measurements")
        )
    create(connection, "ingested_files", measured.INGESTED_FILES, [asdict(r) for r in reports])
    return reports


def _write_tables(connection, folder: Path) -> dict[str, int]:
    """Write every table of a snapshot; return their numbers of rows."""
    tables = {
        name: ", ".join(f'"{c.name}"::{c.type} AS "{c.name}"' for c in measured.TABLES[name].columns)
        for name in measured.TABLES
        if name != "measured_points"
    } | dict.fromkeys(KEPT, "*")
    num_rows = {}
    for name, columns in tables.items():
        query = f"COPY (SELECT {columns} FROM {name}) TO '{parquet(folder, name)}' ({_PARQUET})"
        (num_rows[name],) = connection.execute(query).fetchone()
    return num_rows


def parquet(folder: Path, table: str) -> str:
    """Where a table of a snapshot lies, within a text of SQL."""
    return str(folder / f"{table}.parquet").replace("'", "''")


def use_again(snapshot: Path) -> None:
    """Make a snapshot the newest one. Its tables stay as they are."""
    newest_now = {"in_use_number": _next_number(snapshot.parent)}
    newest_now["in_use_from"] = datetime.now(UTC).isoformat(timespec="microseconds")
    manifest = json.dumps(read_manifest(snapshot) | newest_now, indent=1, ensure_ascii=False)
    atomic.write(snapshot / MANIFEST, manifest)


def _said(error: DataError, file: str) -> str:
    return str(error).removeprefix(f"{file}: ")


# ---- what identifies content --------------------------------------------------------------------


def _content_hash(files: list[tuple[str, str]], problems: list, facts: dict, days: Mapping[str, str]) -> str:
    """Twelve digits that stand for files, their names (they may hold lengths and runs), adapters, facts and days."""
    versions = {m.NAME: m.VERSION for m in adapters.modules()}
    names = [sorted(vocabulary.gpus()), vocabulary.models(), vocabulary.precisions()]
    told = [_FORMAT, sorted(files), sorted(problems, key=str), versions, facts, names, days]
    everything = json.dumps(told, sort_keys=True)
    return hashlib.sha256(everything.encode()).hexdigest()[:12]


class _KnownFiles:
    """Hashes of files seen before: a file of 4 GB whose size and times did not change is not read again."""

    def __init__(self, path: Path):
        self._path = path
        try:
            self._entries = json.loads(path.read_text())
        except (OSError, ValueError):
            self._entries = {}
        self._now: dict[Path, list] = {}

    def sha256(self, path: Path) -> str:
        key, marks = str(path.absolute()), _marks(path)
        entry = self._entries.get(key)
        if not entry or entry[:-1] != marks:
            with path.open("rb") as stream:
                entry = self._entries[key] = [*marks, hashlib.file_digest(stream, "sha256").hexdigest()]
        self._now[path] = marks
        return entry[-1]

    def check_unchanged(self) -> None:
        for path, marks in self._now.items():
            if _marks(path) != marks:
                raise DataError(path.name, "changed while it was read; try again")

    def save(self) -> None:
        atomic.write(self._path, json.dumps(self._entries))


def _marks(path: Path) -> list[int]:
    status = path.stat()
    return [status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino]


# ---- facts --------------------------------------------------------------------------------------


class Sidecars:
    """The facts that hold for a file: those given, and of every `token-factory.yaml` from above what was named."""

    def __init__(self, paths: list[Path], given: dict):
        self._given = given
        roots = (path.absolute() if path.is_dir() else path.absolute().parent for path in paths)
        self._tops = {root.parent for root in roots}
        self._read: dict[Path, dict] = {}

    def of(self, path: Path) -> list[Path]:
        """The files of facts that hold for a file, the farthest first."""
        folders = [f for f in path.absolute().parents if any(f == top or top in f.parents for top in self._tops)]
        return [folder / SIDECAR for folder in reversed(folders) if (folder / SIDECAR).is_file()]

    def facts(self, path: Path) -> dict:
        """What holds for a file; the nearest word counts. Raises DataError."""
        found = dict(self._given)
        for sidecar in self.of(path):
            if sidecar not in self._read:
                self._read[sidecar] = _sidecar(sidecar)
            found |= self._read[sidecar]
        return found


def _sidecar(path: Path) -> dict:
    try:
        facts = strict_yaml.read(path)
    except strict_yaml.NotUsable as error:
        raise DataError(SIDECAR, str(error), row=error.line) from error
    if not isinstance(facts, dict):
        raise DataError(SIDECAR, "must hold lines of the form 'field: value'")
    return _checked_facts(facts, SIDECAR)


def _checked_facts(facts: Mapping[str, Any], where: str) -> dict:
    checked: dict[str, Any] = {}
    for given, value in facts.items():
        name = given if given in measured.FACTS else spelt(str(given))
        if name not in measured.FACTS:
            raise DataError(where, f"'{shown(given)}' is not one of {', '.join(measured.FACTS)}")
        if not isinstance(value, str | int | float | bool | Day):
            raise DataError(where, "must be one value", field=name)
        value = str(value) if isinstance(value, Day) else value
        if checked.setdefault(name, value) != value:
            raise DataError(where, "is given twice, with different values", field=name)
    return checked
