"""Whether a site says what its manifest, its notebooks and its data say, for somebody who did not make it.

Four things are compared, each with what it was made from: files with the hashes of the manifest; pages, overviews,
chart data and workbooks with the executed notebooks beside them; the recorded queries and rows with the data; and,
where it is asked for, the notebooks with themselves executed again. Nothing is fetched. Code of a bundle runs only when
its notebooks are to run again.
"""

import json
import tempfile
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256
from itertools import zip_longest
from math import isclose
from pathlib import Path
from xml.etree import ElementTree

import nbformat
from bs4 import BeautifulSoup, Tag

from reportkit import archive, bundle, cache, index, outputs, page, plan, reports, ro_crate, site, xlsx
from reportkit.bundle import DATA, SUMS, Bundle
from reportkit.errors import InputError
from reportkit.page import NOT_SHOWN
from reportkit.provenance import tags
from reportkit.source import Project

SAME = 1e-9  # of a number that is computed again
UNREADABLE = (OSError, ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError, zipfile.BadZipFile)
UNREADABLE += (ElementTree.ParseError,)


@dataclass(frozen=True)
class Difference:
    """A file that does not say what it should: where in it, and how."""

    file: str
    sentence: str
    place: str = ""

    def __str__(self) -> str:
        return f"{self.file}{', ' if self.place else ''}{self.place}: {self.sentence}"


@dataclass
class Findings:
    """What a verification found, and how much it looked at."""

    differences: list[Difference] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    remarks: list[str] = field(default_factory=list)

    def differ(self, file: str, sentence: str, place: str = "") -> None:
        self.differences.append(Difference(file, sentence, place))

    def compare(self, file: str, found: Mapping, wanted: Mapping, of: str) -> None:
        """Say where one of two mappings has something else than the other."""
        for place in [*wanted, *(place for place in found if place not in wanted)]:
            here, there = found.get(place), wanted.get(place)
            is_number = isinstance(here, int | float) and isinstance(there, int | float)
            if not (isclose(here, there, rel_tol=SAME, abs_tol=1e-300) if is_number else here == there):
                told = ["nothing" if one is None else repr(one) for one in (here, there)]
                self.differ(file, f"says {told[0]}, {of} {told[1]}", place)

    def lines(self) -> list[str]:
        """What a terminal is told: every difference, what could not be looked at, and whether all holds."""
        counted = ", ".join(f"{number:,} {what}" for what, number in self.counts.items())
        verdict = f"differs in {len(self.differences):,} places" if self.differences else "holds"
        return [*map(str, self.differences), *self.remarks, f"{verdict}: {counted}"]


def verify(place: Path, project: Project, *, is_rerun: bool = False, say: Callable[[str], None]) -> Findings:
    """Everything in a bundle, or in a site, that is not what it should be.

    Parameters
    ----------
    project : whose program reads the data; a site without a bundle around it is held against its data
    is_rerun : execute the notebooks again, too, and compare every number
    """
    with bundle.opened(place) as found, tempfile.TemporaryDirectory(prefix="verify-") as work:
        findings = Findings()
        _files(found, findings)
        for scenario, content in found.record.items():
            _Scenario(found, project, reports.home(scenario), content, findings).look()
        _against_data(found, project, findings)
        if is_rerun:
            _again(found, project, Path(work), findings, say)
        return findings


# Files


def _files(found: Bundle, findings: Findings) -> None:
    """Every file against the hash that the manifest of the site has, and that of the bundle."""
    graph = json.loads((found.site / ro_crate.MANIFEST).read_text(encoding="utf-8"))["@graph"]
    hashes = {one["@id"]: one.get("sha256") for one in graph if one.get("@type") == "File"}
    _hashed(found.site, hashes, {ro_crate.MANIFEST}, ro_crate.MANIFEST, findings)
    if found.root:
        lines = (found.root / SUMS).read_text(encoding="utf-8").splitlines()
        pairs = dict(reversed(line.split("  ", 1)) for line in lines if "  " in line)
        told = (f"{bundle.SITE}/{one.file}" for one in findings.differences)
        _hashed(found.root, pairs, {SUMS, *told}, SUMS, findings)


def _hashed(folder: Path, hashes: Mapping, but: set[str], manifest: str, findings: Findings) -> None:
    there = set(reports.files_in(folder.resolve()))
    for name in sorted((there | hashes.keys()) - but):
        if name not in there:
            findings.differ(name, f"is missing; {manifest} has it")
        elif name not in hashes:
            findings.differ(name, f"has been added; {manifest} does not have it")
        elif sha256((folder / name).read_bytes()).hexdigest() != hashes[name]:
            findings.differ(name, f"is not the file whose hash {manifest} has")
    findings.counts["files"] += len(there)


# Pages and what stands beside them


def shown(part: Tag | BeautifulSoup) -> dict[str, str]:
    """What a part of a page says, by where: values of tiles, cells of tables, sentences."""
    found = {}
    for mark in part.select("th > sup"):  # leads to the source of a row
        mark.extract()
    for term in part.select("abbr"):  # explained on its page alone
        term.unwrap()
    part.smooth()

    def text(tag: Tag) -> str:
        return " ".join(tag.get_text(" ").split())

    for tile in part.select(".tf-tile"):
        found[f"number '{text(tile.select_one('.tf-tile-label'))}'"] = text(tile.select_one(".tf-tile-value"))
    tables = [table for table in part.select("table") if not table.find_parent("figure")]
    for number, table in enumerate(tables, 1):
        name = text(table.caption) if table.caption else str(number)
        heads = [text(head) for head in table.select("thead th")]
        for row, line in enumerate(table.select("tbody tr"), 1):
            cells = [text(cell) for cell in line.find_all(["th", "td"])]
            for head, cell in zip_longest(heads, cells, fillvalue=""):
                found[f"table {number} '{name}', row {row} ('{cells[0]}'), column '{head}'"] = cell
    for number, sentence in enumerate(part.select(".tf-answer > p, .tf-note > p"), 1):
        if not sentence.find_parent("figure"):
            found[f"sentence {number}"] = text(sentence)
    return found


def blocks(notebook: nbformat.NotebookNode) -> dict[str, dict[str, str]]:
    """What the pages of an executed notebook must say, by cell."""
    found = {}
    for cell in notebook.cells:
        if cell.cell_type == "code" and cell.get("outputs") and not tags(cell) & NOT_SHOWN:
            made = [(kind, data) for data in outputs.outputs_of([cell]) if (kind := outputs.kind_of(data))]
            parts = [outputs.to_html(kind, data[outputs.mime(kind)]) for kind, data in made]
            found[cell.id] = shown(BeautifulSoup("".join(parts), "html.parser"))
    return found


def values(notebook: nbformat.NotebookNode) -> dict[str, float | None]:
    """The numbers themselves behind what an executed notebook shows, and those of its model, by where."""
    found = {}
    for cell in notebook.cells:
        shows = outputs.outputs_of([cell])
        for headline in (h for told in outputs.find(shows, "headlines") for h in told["headlines"]):
            found[f"{cell.id}, number '{headline['label']}'"] = headline["value"]
        for number, table in enumerate(outputs.find(shows, "table"), 1):
            for row, line in enumerate(table["rows"], 1):
                for column, one in zip(table["columns"], line, strict=True):
                    if isinstance(one, Mapping) and "value" in one:
                        where = f"table {number} '{table['caption']}', row {row}, column '{column['header']}'"
                        found[f"{cell.id}, {where}"] = one["value"]
        for line in (line for model in outputs.find(shows, "model") for line in model["lines"]):
            for column, one in line["cells"].items():
                found[f"{cell.id}, model '{line['label']}' of {column}"] = one["value"]
    return found


@dataclass(frozen=True)
class _Scenario:
    """The pages of a scenario, held against its executed notebooks."""

    found: Bundle
    project: Project
    home: str
    content: Mapping
    findings: Findings
    wanted: dict[str, Mapping[str, str]] = field(default_factory=dict)  # what cells say, by key

    def look(self) -> None:
        parts = {
            reports.place("page", n["name"]): partial(self._notebook, n["name"], n["entry"])
            for n in self.content["notebooks"]
        }
        parts[site.workbook_name(self.project)] = self._whole_workbook
        for file, compare in parts.items():
            try:
                compare()
            except FileNotFoundError:
                continue  # the manifest has named it
            except UNREADABLE as error:
                self.findings.differ(f"{self.home}{file}", f"cannot be compared with its notebook: {error}")
        for name in ("index.html", reports.SUMMARY):
            if (self.found.site / self.home / name).is_file():
                self._overview(name)
        if (self.found.site / self.home / reports.BRIEF).is_file():
            self._brief(f"{self.home}{reports.BRIEF}")

    def _path(self, kind: str, name: str) -> Path:
        return self.found.site / self.home / reports.place(kind, name)

    def _notebook(self, name: str, entry: Mapping) -> None:
        findings, executed = self.findings, nbformat.read(self._path("notebook", name), as_version=4)
        ledger = json.loads(self._path("provenance", name).read_text(encoding="utf-8"))
        made = index.entry(executed, name, ledger)
        file = f"{self.home}{reports.place('page', name)}"
        wanted = {f"{name}/{cell}": said for cell, said in blocks(executed).items()}
        self._page(file, wanted)
        self.wanted.update(wanted)
        told = {h["key"]: h["value"] for h in made["headlines"]}
        kept = {key: value for cell in ledger["cells"].values() for key, value in cell.get("headlines", {}).items()}
        findings.compare(f"{self.home}{reports.place('provenance', name)}", kept, told, "the notebook")
        record = {h["key"]: h["value"] for h in entry["headlines"]}
        findings.compare(f"{self.home}{reports.RECORD}", record, told, f"{name}.ipynb")
        for place, rows in page.data_files(executed, name).items():
            self._lines(place, rows)
        about = {"name": name, "made_on": self.content["made_on"], "parameters": ledger["parameters"]}
        about |= {"known": made["known"]}
        write = partial(xlsx.write, executed, **about)
        self._workbook(f"{self.home}{reports.place('workbook', name)}", write)
        findings.counts["headline numbers"] += len(told)
        findings.counts["cells and sentences"] += sum(map(len, wanted.values()))

    @property
    def _maker(self) -> Project:
        return Project(self.found.root or self.project.root, self.project.source)

    def _page(self, file: str, wanted: Mapping[str, Mapping[str, str]]) -> None:
        text = (self.found.site / file).read_text(encoding="utf-8")
        there = {b["data-k"]: b for b in BeautifulSoup(text, "html.parser").select(".tf-out[data-k]")}
        for key, said in wanted.items():
            if key in there:
                self.findings.compare(f"{file}, {key}", shown(there[key]), said, "its notebook")
            elif said:
                self.findings.differ(file, "is not on the page", key)

    def _brief(self, file: str) -> None:
        text = (self.found.site / file).read_text(encoding="utf-8")
        for block in BeautifulSoup(text, "html.parser").select(".brief .tf-out[data-k]"):
            said = self.wanted.get(block["data-k"], {})
            self.findings.compare(f"{file}, {block['data-k']}", shown(block), said, "its notebook")

    def _overview(self, name: str) -> None:
        """The tiles of an overview against the record, which has been held against the notebooks."""
        wanted = {
            f"{n['name']}/{cell}/{headline['key']}": headline["text"].replace("**", "")
            for n in self.content["notebooks"]
            for cell, headline in zip(n["entry"]["keys"]["headlines"], n["entry"]["headlines"], strict=True)
        }
        soup = BeautifulSoup((self.found.site / self.home / name).read_text(encoding="utf-8"), "html.parser")
        tiles = {t["data-k"]: t.select_one(".tf-tile-value").get_text() for t in soup.select(".tf-tile[data-k]")}
        names = {n["name"] for n in self.content["notebooks"]}  # tiles of other scenarios are on their own pages
        tiles = {key: text for key, text in tiles.items() if key.split("/")[0] in names}
        self.findings.compare(
            f"{self.home}{name}", tiles, {k: v for k, v in wanted.items() if k in tiles}, "its notebook"
        )

    def _lines(self, place: str, rows: str) -> None:
        here = (self.found.site / self.home / place).read_text(encoding="utf-8").splitlines()
        pairs = enumerate(zip_longest(here, rows.splitlines()), 1)
        for number, (said, wanted) in ((n, pair) for n, pair in pairs if pair[0] != pair[1]):
            self.findings.differ(f"{self.home}{place}", f"says {said!r}, the chart {wanted!r}", f"row {number}")

    def _whole_workbook(self) -> None:
        made, ledgers = (read(self.content, self.found.site / self.home) for read in (site.executed, site.ledgers_of))
        write = partial(site.write_workbook, self.project, self.content, made, ledgers)
        self._workbook(f"{self.home}{site.workbook_name(self.project)}", write)

    def _workbook(self, file: str, write: Callable[[Path], None]) -> None:
        """Every cell of a workbook; only where it was made by the same code as is here, for layouts change."""
        if self.content["library"] == cache.library_hash(self._maker):
            with tempfile.TemporaryDirectory() as folder:
                write(again := Path(folder, "again.xlsx"))
                self.findings.compare(file, xlsx.cells(self.found.site / file), xlsx.cells(again), "its notebook")


# Data


def _ledgers(found: Bundle) -> Iterator[tuple[str, Mapping]]:
    for scenario, content in found.record.items():
        for notebook in content["notebooks"]:
            name = reports.home(scenario) + reports.place("provenance", notebook["name"])
            try:
                yield name, json.loads((found.site / name).read_text(encoding="utf-8"))
            except UNREADABLE:
                continue  # the manifest has named it


def _against_data(found: Bundle, project: Project, findings: Findings) -> None:
    """Every file, row and query that the pages name, against the data of the bundle, or those that are here."""
    ledgers = list(_ledgers(found))
    named = {file: digest for _, ledger in ledgers for file, digest in ledger["files"].items()}
    folder = found.root / DATA if found.root else None
    here = {f: folder / f for f in named} if folder else {f: p for f, p in project.source.files().items() if f in named}
    hashes = {f: sha256(p.read_bytes()).hexdigest() for f, p in here.items() if p.is_file()}
    changed = sorted(file for file, digest in named.items() if hashes.get(file) != digest)
    if changed and not folder:
        findings.remarks.append(f"not held against data: {changed[0]} here is not the file that the site was made from")
        return
    for file in changed:
        findings.differ(f"{DATA}/{file}", "is not the file that the pages were made from")
    try:
        built = project.source.build(folder)
    except InputError as error:
        findings.differ(DATA, str(error))
        return
    lineages, told = project.source.lineage(built), set()
    for name, ledger in ledgers:
        _rows(ledger, lineages.rows(ledger["rows"]), told, findings)
        _queries(name, ledger, project, built, findings)


def _rows(ledger: Mapping, there: Mapping[str, Mapping], told: set[str], findings: Findings) -> None:
    """The rows of data that a ledger names; each is told once."""
    for row, was in ledger["rows"].items():
        now = json.loads(json.dumps(there.get(row)))
        if now == was or row in told:
            continue
        told.add(row)
        file = f"{DATA}/{was['file']}"
        if now is None:
            findings.differ(file, "is gone, and a page was made from it", f"row {row}")
        for key in was if now else ():
            if now.get(key) != was[key]:
                findings.differ(file, f"{key} is {now.get(key)!r}, the page read {was[key]!r}", f"row {row}")
    findings.counts["rows of data"] += len(ledger["rows"])


def _queries(name: str, ledger: Mapping, project: Project, built: Path, findings: Findings) -> None:
    asked = {
        label: json.dumps({"sql": q["sql"], "params": q["parameters"], "result": q["result_sha256"]})
        for label, q in ledger["queries"].items()
    }
    findings.counts["queries"] += len(asked)
    if project.source.replay(asked.values(), built):
        return
    for label, line in asked.items():
        if not project.source.replay([line], built):
            cells = [cell for cell in ledger["cells"].values() if label in cell["queries"]]
            numbers = [key for cell in cells for key in cell.get("headlines", {})]
            behind = f"; on it rest {', '.join(numbers)}" if numbers else ""
            findings.differ(name, f"gives another result on the data{behind}", f"query {label}")


# Once more


def _again(found: Bundle, project: Project, work: Path, findings: Findings, say: Callable[[str], None]) -> None:
    """Execute the notebooks of every scenario again, with the code of the bundle, and compare every number."""
    root = work / "checkout"
    if found.root:
        for name in reports.files_in(found.root):
            if not name.startswith(f"{bundle.SITE}/"):
                archive.place(root, name, (found.root / name).read_bytes())
    else:
        for name, read in bundle.checkout(project, found.record).items():
            archive.place(root, name, read())
    for scenario, content in found.record.items():
        say(f"executing {len(content['notebooks'])} notebooks of '{scenario}' again")
        given = _own_parameters(found, scenario)
        aside = reports.site(Project(root, project.source, plan.what_if(given) if given else ""))
        arguments = ["--scenario", scenario]
        arguments += [argument for n in content["notebooks"] for argument in ("--notebook", n["name"])]
        arguments += [argument for pair in given.items() for argument in ("--parameter", "=".join(pair))]
        if why := archive.report(root, project.source, work, arguments):
            findings.differ(f"{reports.home(scenario)}notebooks", f"cannot be executed again: {why}")
            continue
        for name in (notebook["name"] for notebook in content["notebooks"]):
            place = f"{reports.home(scenario)}{reports.place('notebook', name)}"
            try:
                _compare_runs(
                    place,
                    found.site / place,
                    (aside if aside.exists() else root / "reports" / "site") / place,
                    findings,
                )
            except UNREADABLE as error:
                findings.differ(place, f"cannot be compared with its new execution: {error}")


def _compare_runs(place: str, old: Path, new: Path, findings: Findings) -> None:
    before, after = (nbformat.read(path, as_version=4) for path in (old, new))
    was, now = ({f"{cell}, {where}": text for cell, said in blocks(made).items() for where, text in said.items()}
                for made in (before, after))  # fmt: skip
    findings.compare(place, was, now, "executed again")
    numbers = values(after)
    findings.compare(place, values(before), numbers, "executed again")
    findings.counts["numbers computed again"] += len(numbers)


def _own_parameters(found: Bundle, scenario: str) -> dict[str, str]:
    """The parameters that a command line gave to the pages of a scenario: each went to every notebook that has it."""
    if found.record[scenario].get("is_whole"):
        return {}
    alone = Bundle(found.root, found.site, {scenario: found.record[scenario]})
    given = {n: p["value"] for _, ledger in _ledgers(alone) for n, p in ledger["parameters"].items()
             if p["value"] != p["default"]}  # fmt: skip
    return {name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in given.items()}
