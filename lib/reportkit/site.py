"""A site put together: overviews of each scenario, and on all pages the links between scenarios."""

import json
from collections.abc import Mapping
from pathlib import Path

import nbformat

from reportkit import brief, index, pdf, provenance, reports, ro_crate, workbook
from reportkit.changelog import History
from reportkit.reports import BRIEF, BRIEF_PDF, SUMMARY, SUMMARY_PDF
from reportkit.source import Frame, Project

PRINTED = {SUMMARY: SUMMARY_PDF, BRIEF: BRIEF_PDF}


def _frame(project: Project, content: Mapping) -> Frame:
    return Frame(project.source.suite, content["title"], content["made_on"], content["pages"])


def _entries(content: Mapping) -> list[Mapping]:
    return [notebook["entry"] for notebook in content["notebooks"]]


def write_overviews(project: Project, content: Mapping, folder: Path, browser: str | None) -> list[str]:
    """Write what is made of all notebooks of a scenario but its index; returns the names, that of the index too."""
    folder.mkdir(exist_ok=True)
    frame, entries, notebooks = _frame(project, content), _entries(content), executed(content, folder)
    ledgers = ledgers_of(content, folder)
    pages = {SUMMARY: index.summary(frame, entries)}
    more = {"scratch": project.scratch, "say": project.source.said}
    if sheets := brief.page(frame, entries, notebooks, ledgers, **more):
        pages[BRIEF] = sheets
    for name, page in pages.items():
        (folder / name).write_text(page, encoding="utf-8")
        if browser:
            printed = folder / PRINTED[name]
            pdf.print_page(page, printed, browser=browser, made_on=content["made_on"])
    book = workbook_name(project)
    write_workbook(project, content, notebooks, ledgers, folder / book)
    return ["index.html", *pages, *(PRINTED[name] for name in pages if browser), book]


def write_workbook(project: Project, content: Mapping, notebooks: Mapping, ledgers: Mapping, path: Path) -> None:
    """Write the one workbook of the executed notebooks of a scenario, by name, with what their numbers rest on."""
    known = {key: ways for ledger in ledgers.values() for key, ways in provenance.known(ledger).items()}
    about = f"{project.source.suite.title}: {content['title']}"
    workbook.write_all(notebooks, path, about=about, made_on=content["made_on"], known=known)


def workbook_name(project: Project) -> str:
    """Of the one workbook with all pages: TokenFactory.xlsx."""
    return f"{project.source.suite.title.replace(' ', '')}.xlsx"


def executed(content: Mapping, folder: Path) -> dict:
    """The executed notebooks of a scenario whose files are in a folder, by name."""
    names = [notebook["name"] for notebook in content["notebooks"]]
    return {name: nbformat.read(folder / reports.place("notebook", name), as_version=4) for name in names}


def ledgers_of(content: Mapping, folder: Path) -> dict:
    """What the numbers of these notebooks rest on, by name."""
    places = {n["name"]: folder / reports.place("provenance", n["name"]) for n in content["notebooks"]}
    return {name: json.loads(place.read_text(encoding="utf-8")) for name, place in places.items()}


def finish(project: Project, record: Mapping[str, Mapping], new: Path, past: History) -> None:
    """Write the index and the archive of each scenario, on all its pages the links to the others; swap the site in."""
    offered = {SUMMARY_PDF: "PDF", workbook_name(project): "one workbook (XLSX)", BRIEF: "a brief of three sheets"}
    offered |= {BRIEF_PDF: "the brief as PDF"}
    for scenario, content in record.items():
        home = new / reports.home(scenario)
        front = index.index(
            _frame(project, content),
            _entries(content),
            scenarios=reports.links(record, scenario),
            downloads=[{"href": h, "title": title} for h, title in offered.items() if h in content["files"]],
            changed=past.changed(content),
            scratch=project.scratch,
        )
        (home / "index.html").write_text(front, encoding="utf-8")
        more = past.write_pages(home, scenario, content)
        overviews = [page for page in ("index.html", SUMMARY, BRIEF) if page in content["files"]]
        for page in (*overviews, *more, *(page["href"] for page in content["pages"])):
            links = reports.links(record, scenario, page)
            text = (home / page).read_text(encoding="utf-8")
            text = index.with_scenarios(text, title=content["title"], here=page, links=links)
            (home / page).write_text(text, encoding="utf-8")
    (new / reports.RECORD).write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    manifest = ro_crate.manifest(new, reports.files_in(new), record, project.source)
    (new / ro_crate.MANIFEST).write_text(manifest, encoding="utf-8")
    reports.swap(project, new)
    reports.remove_leftovers(project)
