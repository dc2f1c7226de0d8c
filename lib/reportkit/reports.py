"""What stands in `reports/`: the site, always replaced as a whole, and the headline numbers of the default.

`reports/site` is a link to a folder beside it. A new site is made in a folder of its own and the link
replaced at the end, so a run that is killed leaves the old site as it was. `site.json` in the site says
what each page was made from.
"""

import csv
import io
import json
import os
import re
import shutil
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from reportkit import atomic, harmless
from reportkit.source import Project

RECORD = "site.json"
SUMMARY, SUMMARY_PDF = "summary.html", "summary.pdf"
BRIEF, BRIEF_PDF = "brief.html", "brief.pdf"
LOCK = ".site-lock"
FAILED = "failed"
MOST_WHAT_IFS = 20
MOST_FAILED = 20  # runs of which the failures are kept
ANSWERS = "<!-- answers: written by `make report` -->"
END_OF_ANSWERS = "<!-- end of answers -->"

# What a child leaves for the site, by kind. Whatever it leaves is copied and listed in the record.
PLACES = {
    "page": "{name}.html",
    "notebook": "notebooks/{name}.ipynb",
    "pdf": "{name}.pdf",
    "workbook": "{name}.xlsx",
    "data": "data/{name}_{part}.csv",
    "provenance": "{name}.provenance.json",
}
# What of it a reader is offered, and as what.
DOWNLOADS = {
    "pdf": "PDF",
    "workbook": "a workbook (XLSX)",
    "notebook": "the notebook with its code",
    "provenance": "the sources of every number (JSON)",
}
# The links to the other scenarios stand on a page between these marks: which there are is known when all are made.
SCENARIOS = "<!-- scenarios -->"
END_OF_SCENARIOS = "<!-- end of scenarios -->"
COLUMNS = ("key", "label", "value", "unit", "notebook", "inputs_sha256")


def site(project: Project) -> Path:
    """Where the site of a project stands."""
    return project.reports / "site"


def home(scenario: str) -> str:
    """Folder of a scenario within the site: the default is at its top."""
    return "" if scenario == "default" else f"{scenario}/"


def place(kind: str, name: str, part: str = "") -> str:
    """Where a file of the notebook `name` stands within its scenario's folder; `part` tells several of a kind apart."""
    return PLACES[kind].format(name=name, part=part)


def files_in(folder: Path) -> list[str]:
    """The files below a folder, as paths within it."""
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def files(scenario: str, content: Mapping) -> list[str]:
    """Files that a scenario has within the site, by the record."""
    left = [file for notebook in content["notebooks"] for file in notebook["files"]]
    return [home(scenario) + file for file in (*content["files"], *left)]


def copy(names: Sequence[str], source: Path, target: Path) -> None:
    """Copy files to the same places in another folder."""
    for name in names:
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source / name, target / name)


def links(record: Mapping[str, Mapping], scenario: str, page: str = "index.html") -> list[dict]:
    """Links from a page of a scenario to the same page of the others; to their index where they have no such page."""
    up = "" if scenario == "default" else "../"
    return [
        {
            "href": f"{up}{home(other)}{page if page in _pages(content) else 'index.html'}",
            "title": content["title"],
            "description": content["description"],
            "entry": _lead(content["notebooks"]),
        }
        for other, content in record.items()
        if other != scenario
    ]


def _lead(notebooks: Sequence[Mapping]) -> Mapping | None:
    """What a scenario says first: the entry of the notebook whose chart its index shows, or of the first."""
    entries = [notebook["entry"] for notebook in notebooks]
    return next((entry for entry in entries if entry.get("figure")), entries[0] if entries else None)


def _pages(content: Mapping) -> list[str]:
    return [*content["files"], *(page["href"] for page in content["pages"])]


def read_record(project: Project) -> dict[str, dict]:
    """What is in the site, by scenario; a scenario of which a file is missing counts as not there."""
    try:
        record = json.loads((site(project) / RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    found = {}
    for scenario, content in record.items() if isinstance(record, dict) else ():
        with suppress(AttributeError, KeyError, TypeError):  # of a version that said less, or of another hand
            if _is_whole(content) and all((site(project) / file).is_file() for file in files(scenario, content)):
                found[scenario] = content
    return found


def _is_whole(content: Mapping) -> bool:
    """Whether the record of a scenario has what is read of it; raises where it has another shape."""
    texts = [content["library"], content["title"], content["description"], *content["files"]]
    for page in content["pages"]:
        texts += [page["href"]]
    for notebook in content["notebooks"]:
        texts += [notebook["name"], notebook["key"], notebook["inputs_sha256"], *notebook["files"]]
        texts += [notebook["entry"]["title"], *notebook["entry"]["answer"]]
        for headline in notebook["entry"]["headlines"]:
            texts += [headline["key"], headline["label"], headline["unit"]]
            if isinstance(headline["value"], bool) or not isinstance(headline["value"], int | float | None):
                return False
    return all(isinstance(text, str) for text in texts)


def prune_what_ifs(project: Project) -> None:
    """Remove all but the last sites of other values, that of this project aside."""
    others = (path for path in project.reports.parent.glob("*") if path.name != project.what_if)
    atomic.keep_newest(others, MOST_WHAT_IFS - 1)


def work_folder(project: Project) -> TemporaryDirectory:
    """A folder for as long as it is needed. `remove_leftovers` finds it if we do not live to remove it."""
    return TemporaryDirectory(prefix=".site-work-", dir=project.reports, ignore_cleanup_errors=True)


def new_folder(project: Project) -> Path:
    """A folder for a new site."""
    folder = project.reports / f".site-new-{uuid.uuid4().hex[:12]}"
    folder.mkdir()
    return folder


def swap(project: Project, new: Path) -> None:
    """Make `new` the site, in one step."""
    link = project.reports / f".site-link-{new.name}"
    link.symlink_to(new.name)
    if site(project).is_dir() and not site(project).is_symlink():
        # Not made here, or copied without its links: kept aside until the new one stands.
        site(project).rename(project.reports / f".site-aside-{new.name}")
    os.replace(link, site(project))


def remove_leftovers(project: Project) -> None:
    """Remove what killed runs and earlier sites left; nothing while there is no site to keep."""
    if not site(project).exists():
        return
    for path in (*project.reports.glob(".site-*"), *project.reports.glob(f"{atomic.NEW}*")):
        if path.name != LOCK and path.resolve() != site(project).resolve():
            atomic.remove(path)


# Failures that are kept


def moment() -> str:
    """Now, as the name of a file that sorts by time."""
    return f"{datetime.now(UTC):%Y-%m-%dT%H%M%S.%fZ}"


def keep(project: Project, run: str, label: str, *, log: Path, notebook: Path | None = None) -> Path | None:
    """Keep the notebook and the log of a failure; the folder of the run, or None where it cannot be written.

    The failures of the last runs stay, also when a later run succeeds: they are what a bad night leaves to look at.
    """
    folder = project.reports / FAILED / run
    try:
        (folder / label).parent.mkdir(parents=True, exist_ok=True)
        for path, ending in ((notebook, ".ipynb"), (log, ".log")):
            if path and path.exists():
                shutil.copyfile(path, folder / f"{label}{ending}")
        atomic.keep_newest(folder.parent.glob("[0-9]*"), MOST_FAILED)
    except OSError:  # a full disk is what failures are made of
        return None
    return folder


# Runs one after another


@contextmanager
def locked(project: Project, say: Callable[[str], None]) -> Iterator[None]:
    """One run at a time, in a tidy folder: another one waits here. The lock goes with the process, however it ends."""
    waiting = "another report is being made here; waiting for it to end"
    with atomic.alone(project.reports / LOCK, lambda: say(waiting)):
        remove_leftovers(project)
        yield


def write_if_changed(path: Path, text: str) -> None:
    """Write a file in one step, unless it says that already."""
    if not path.is_file() or path.read_bytes() != text.encode():
        atomic.write(path, text)


def headlines(project: Project, record: Mapping[str, Mapping]) -> dict[str, dict]:
    """Label, value and unit of every headline of whole scenarios, by scenario, notebook and key.

    Where there is no whole default, as in a new checkout, its numbers are those of `headline_numbers.csv`.
    """
    whole = {scenario: content for scenario, content in record.items() if content.get("is_whole")}
    found = {
        f"{home(scenario)}{notebook['name']} {headline['key']}": {k: headline[k] for k in ("label", "value", "unit")}
        for scenario, content in whole.items()
        for notebook in content["notebooks"]
        for headline in notebook["entry"]["headlines"]
    }
    file = project.reports / "headline_numbers.csv"
    if "default" not in whole and file.is_file():
        # What somebody has changed, or saved in another encoding, tells of nothing that moved.
        with suppress(OSError, ValueError, KeyError, TypeError, csv.Error):
            found |= _kept_headlines(file.read_text(encoding="utf-8"))
    return found


def _kept_headlines(text: str) -> dict[str, dict]:
    found = {}
    for row in csv.DictReader(io.StringIO(text, newline="")):
        value = float(row["value"]) if row["value"] else None
        found[f"{row['notebook']} {row['key']}"] = {"label": row["label"], "value": value, "unit": row["unit"]}
    return found


def headline_numbers(notebooks: Sequence[Mapping]) -> str:
    """The headline numbers of a scenario's notebooks as CSV, one row each, by notebook and key."""
    rows = [
        (
            headline["key"],
            headline["label"],
            "" if headline["value"] is None else f"{headline['value']:.6g}",
            headline["unit"],
            notebook["name"],
            notebook["inputs_sha256"],
        )
        for notebook in notebooks
        for headline in notebook["entry"]["headlines"]
    ]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(sorted(rows, key=lambda row: (row[4], row[0])))
    return text.getvalue()


def with_answers(readme: str, notebooks: Sequence[Mapping]) -> str:
    """The README with today's answers between its two marks: each notebook's question, and its answer below."""
    before, mark, rest = readme.partition(ANSWERS)
    _, end, after = rest.partition(END_OF_ANSWERS)
    if not end:
        return readme
    blocks = []
    for notebook in notebooks:
        entry = notebook["entry"]
        answer = " ".join(" ".join(entry["answer"]).split()).replace("<", "&lt;")
        title = re.sub(r"([\\`*\[\]<>])", r"\\\1", " ".join(entry["title"].split()))
        blocks.append(f"**[{title}](notebooks/{notebook['name']}.ipynb)**\n\n> {harmless.visible(answer)}")
    return before + mark + "\n\n" + "\n\n".join([*blocks, ""]) + end + after
