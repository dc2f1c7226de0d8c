"""A site with all that it was made from, as one zip that a stranger can check and make again.

    site/  data/  lib/  notebooks/  requirements.lock  ...  SHA256SUMS

`sha256sum --check SHA256SUMS` holds in the unpacked folder, and `verify` reads the zip as it is. The same site gives
the same bytes.
"""

import json
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from reportkit import archive, atomic, cache, plan, reports, ro_crate
from reportkit.errors import DataError, ParameterError
from reportkit.source import Project, given

SUMS = "SHA256SUMS"
SITE, DATA = "site", "data"
BESIDE = ("LICENSE", "NOTICE", "README.md", "Makefile", "pyproject.toml")  # of a checkout, where it has them
MOST_BYTES = 2_000_000_000  # of an unpacked bundle: more than that no report has
_DAY = (1980, 1, 1, 0, 0, 0)  # the first that a zip can tell


@dataclass(frozen=True)
class Bundle:
    """A bundle, or a site alone, that lies unpacked."""

    root: Path | None  # of the checkout that made it; None: there is only the site
    site: Path  # the folder of the pages
    record: Mapping[str, Mapping]  # what the site says of itself, by scenario


def checkout(project: Project, record: Mapping[str, Mapping]) -> dict[str, Callable[[], bytes]]:
    """The files that the scenarios of a record are made from, by their path in a checkout."""
    jobs = plan.make(project, list(record)).jobs
    found = archive.sources(project, jobs)
    found |= {f"{DATA}/{place}": path.read_bytes for place, path in project.source.files().items()}
    return found | {name: (project.root / name).read_bytes for name in BESIDE if (project.root / name).is_file()}


def write(project: Project, path: Path) -> Path:
    """Write the bundle of the site; ParameterError where it is not there, or not of the data and code there are now."""
    record = reports.read_record(project)
    command = project.source.command
    if not record:
        raise ParameterError(f"there is no site yet; make one with '{command} report'")
    if given(project.source):
        raise ParameterError("a bundle holds the data of a site, and a finished warehouse does not tell them")
    _check_current(project, record)
    site = reports.site(project)
    contents = {f"{SITE}/{name}": (site / name).read_bytes for name in reports.files_in(site.resolve())}
    contents |= checkout(project, record)
    sums = []
    with atomic.replacing(path) as new, zipfile.ZipFile(new, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as made:
        for name, read in sorted(contents.items()):
            sums.append(f"{archive.sha256(content := read())}  {name}\n")
            _add(made, name, content)
        _add(made, SUMS, "".join(sums).encode())
    return path


def _add(made: zipfile.ZipFile, name: str, content: bytes) -> None:
    info = zipfile.ZipInfo(name, _DAY)
    info.external_attr, info.create_system, info.compress_type = 0o644 << 16, 3, zipfile.ZIP_DEFLATED
    made.writestr(info, content)


def _check_current(project: Project, record: Mapping[str, Mapping]) -> None:
    """Refuse a site that its checkout would not make any more."""
    hashes, library = project.source.hashes(), cache.library_hash(project)
    for scenario, content in record.items():
        read = {file: sha256 for notebook in content["notebooks"] for file, sha256 in notebook["data"].items()}
        changed = sorted(file for file, sha256 in read.items() if hashes.get(file) != sha256)
        keys = {job.notebook.name: cache.key(job, library) for job in plan.make(project, [scenario]).jobs}
        if content["library"] != library:
            changed.append("the code")
        elif content.get("is_whole"):
            changed += [n["name"] for n in content["notebooks"] if keys.get(n["name"]) != n["key"]]
        if changed:
            again = f"run '{project.source.command} report' first"
            raise ParameterError(f"scenario '{scenario}': {changed[0]} has changed since the site was made; {again}")


@contextmanager
def opened(place: Path) -> Iterator[Bundle]:
    """A bundle or a site, unpacked for as long as it is looked at; DataError where it is neither."""
    if place.is_dir():
        yield _found(place, place)
        return
    folder = Path(tempfile.mkdtemp(prefix="bundle-"))
    try:
        _unpack(place, folder)
        yield _found(folder, place)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _unpack(place: Path, folder: Path) -> None:
    try:
        with zipfile.ZipFile(place) as packed:
            if sum(member.file_size for member in packed.infolist()) > MOST_BYTES:
                raise DataError(place, f"unpacks to more than {MOST_BYTES:,} bytes, which no report has")
            for name in packed.namelist():
                if not name.endswith("/"):
                    archive.place(folder, name, packed.read(name))
    except (OSError, zipfile.BadZipFile, zipfile.LargeZipFile, NotImplementedError, RuntimeError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error) or "it cannot be unpacked"
        raise DataError(place, f"is no bundle: {reason}") from None


def _found(folder: Path, place: Path) -> Bundle:
    root = folder if (folder / SITE / reports.RECORD).is_file() and (folder / SUMS).is_file() else None
    site = folder / SITE if root else folder
    try:
        record = json.loads((site / reports.RECORD).read_text(encoding="utf-8"))
        json.loads((site / ro_crate.MANIFEST).read_text(encoding="utf-8"))["@graph"]
        is_site = bool(record) and all(content["notebooks"] for content in record.values())
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        is_site = False
    if not is_site:
        raise DataError(place, f"is no bundle and no site: it has no {reports.RECORD} with a {ro_crate.MANIFEST}")
    return Bundle(root, site, record)
