"""Every number of a page has a key that resolves: to queries, rows, sources, files as they are, and the code.

A crawler reads the sample pages and, where the environment variable TOKENFACTORY_SITE names a folder, every page of it.
"""

import hashlib
import html
import json
import os
import re
from html.parser import HTMLParser
from pathlib import Path

import nbformat
import pytest
import sample
from bs4 import BeautifulSoup

from reportkit import cache, evidence, harmless, provenance
from tokenfactory import warehouse
from tokenfactory.display import show
from tokenfactory.display.show import Headline
from tokenfactory.source import Project
from tokenfactory.warehouse.query import connect, replay

NUMBER = re.compile(r"\d[\d,.]*")
VOID = {"meta", "link", "img", "br", "hr", "input"}
SITE = os.environ.get("TOKENFACTORY_SITE")  # of one scenario
HEADINGS = {"h1", "h2", "h3", "time", "title"}


class Numbers(HTMLParser):
    """The numbers in the main part of a page, each with its key; those without one are text that an author typed."""

    def __init__(self, page: str):
        super().__init__()
        self.keyed, self.plain = [], []  # (key, number), (text, number)
        self._open: list[tuple[str, dict]] = []
        self._count = {"table": 0, "sentence": 0, "row": 0, "column": 0, "head": False}
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        attributes, count = dict(attributes), self._count
        if "tf-out" in attributes.get("class", ""):
            count |= {"table": 0, "sentence": 0}
        if tag in ("table", "caption"):
            count["table"] += tag == "table"
        elif tag in ("thead", "tbody"):
            count |= {"row": 0, "head": tag == "thead"}
        elif tag == "tr":
            count |= {"row": count["row"] + 1, "column": 0}
        elif tag in ("td", "th"):
            count["column"] += 1
        elif tag == "p" and self._is_in("tf-answer", "tf-note"):
            count["sentence"] += 1
        if tag not in VOID:
            self._open.append((tag, attributes))

    def handle_endtag(self, tag):
        while self._open and self._open.pop()[0] != tag:
            pass

    def _is_in(self, *names) -> bool:
        return any(set(names) & set(a.get("class", "").split()) for _, a in self._open)

    def _tags(self):
        return {tag for tag, _ in self._open}

    def _place(self) -> str:
        tags, count = self._tags(), self._count
        if tags & {"td", "th"}:
            row = "head" if count["head"] else f"r{count['row']}"
            return f"t{count['table']}.{row}.c{count['column']}"
        if "caption" in tags:
            return f"t{count['table']}.caption"
        if self._is_in("tf-answer", "tf-note") and "p" in tags:
            return f"s{count['sentence']}"
        return "title" if "figcaption" in tags else "text"

    def handle_data(self, text):
        tags = self._tags()
        if "main" not in tags or tags & {"script", "style", "nav"} or self._is_in("tf-from"):
            return
        keys = [a["data-k"] for _, a in self._open if "data-k" in a]
        is_tile = self._is_in("tf-tile")
        # A tile has the key of its number, on a page within that of the cell.
        key = "/".join(keys) if is_tile else f"{keys[-1]}/{self._place()}" if keys else None
        for number in NUMBER.findall(text):
            number = number.rstrip(".,")
            self.keyed.append((key, number)) if key else self.plain.append((text, number, tags))


def check_resolved(found: dict, folder: Path) -> None:
    assert found["queries"] or found["parameters"]
    assert len(found["code"]["library_sha256"]) >= 16 and len(found["code"]["cells_sha256"]) == 64
    for query in found["queries"].values():
        assert query["rows"] or query["files"] or "duckdb_views" in query["sql"] or query["relations"], query["sql"]
        assert set(query["rows"]) <= found["rows"].keys() and set(query["files"]) <= found["files"].keys()
    for row in found["rows"].values():
        assert row["file"] in found["files"]
        assert row.get("source_url", "https://").startswith(("https://", "http://")) or row["status"] == "guess"


def crawl(page: Path, typed: str) -> int:
    """Resolve every number of a page; returns how many there are."""
    ledgers, resolved, checked = {}, set(), set()
    numbers = Numbers(page.read_text(encoding="utf-8"))
    for key, _ in numbers.keyed:
        name = key.split("/")[0]
        if name == "archive":
            past = json.loads((page.parent / "archive.provenance.json").read_text(encoding="utf-8"))["runs"]
            behind = past[key.split("/")[1]]
            assert behind["files"] and len(behind["library_sha256"]) == 64 and behind["notebooks"]
            continue
        folder = page.parent
        if (folder / name).is_dir():  # a number of another scenario
            folder, key = folder / name, key.partition("/")[2]
            name = key.split("/")[0]
        about = folder / f"{name}.provenance.json"
        if about not in ledgers:
            ledgers[about] = json.loads(about.read_text(encoding="utf-8"))
        if (about, key) not in resolved:
            resolved.add((about, key))
            found = provenance.resolve(ledgers[about], key)
            behind = (about, *found["queries"], *found["parameters"])  # the same for all numbers of a cell
            if folder == page.parent and behind not in checked:
                checked.add(behind)
                check_resolved(found, folder)
    known = set(NUMBER.findall(typed)) | {number.rstrip(".,") for number in NUMBER.findall(typed)}
    without = [(text, number) for text, number, tags in numbers.plain if number not in known and not tags & HEADINGS]
    assert without == []
    return len(numbers.keyed)


def typed_in(notebooks) -> str:
    """What the authors of notebooks typed as text, as a page shows it."""
    text = "\n".join(html.unescape(c.source) for n in notebooks for c in n.cells if c.cell_type == "markdown")
    return harmless.visible(text)


@pytest.mark.parametrize("name", sample.PAGES)
def test_every_number_of_the_sample_pages_resolves(sample_site, name):
    typed = typed_in(make() for make in sample.NOTEBOOKS.values())
    assert crawl(sample_site / name, typed) > 5 or name == "02_other.html"


REAL = sorted(Path(SITE).absolute().glob("*.html")) if SITE else []


@pytest.mark.parametrize("page", REAL, ids=lambda page: f"{page.parent.name}-{page.stem}")
def test_every_number_of_the_site_resolves(page, project):
    notebooks = [nbformat.read(path, 4) for path in sorted((page.parent / "notebooks").glob("*.ipynb"))]
    scenarios = [path.read_text() for path in sorted((project / "data" / "scenarios").glob("*.yaml"))]
    assert crawl(page, "\n".join([typed_in(notebooks), *scenarios])) > 5


@pytest.mark.parametrize("page", [p for p in REAL if re.match(r"\d\d_", p.name)], ids=lambda page: page.stem)
def test_what_the_ledger_of_the_site_says_is_so(page, project):
    kept = json.loads(page.with_name(f"{page.stem}.provenance.json").read_text(encoding="utf-8"))
    for file, sha256 in kept["files"].items():
        assert hashlib.sha256((project / "data" / file).read_bytes()).hexdigest() == sha256
    assert kept["code"]["library_sha256"] == cache.library_hash(Project(project))
    lines = [
        {"sql": q["sql"], "params": q["parameters"], "result": q["result_sha256"]} for q in kept["queries"].values()
    ]
    assert replay(map(json.dumps, lines))
    db = connect(warehouse.build())
    urls = dict(db.query("SELECT price_id, source_url FROM price_book ORDER BY price_id").rows())
    urls |= dict(db.query("SELECT point_id, source_url FROM operating_points ORDER BY point_id").rows())
    assert all(row.get("source_url") == urls[name] for name, row in kept["rows"].items() if name in urls)


def test_the_crawler_finds_a_number_without_a_key_and_a_key_that_leads_nowhere(sample_site, tmp_path):
    page = (sample_site / "01_sample.html").read_text()
    (tmp_path / "01_sample.provenance.json").write_text((sample_site / "01_sample.provenance.json").read_text())
    typed = typed_in([sample.notebook()])

    def crawled(text):
        (tmp_path / "page.html").write_text(text)
        return crawl(tmp_path / "page.html", typed)

    with pytest.raises(AssertionError, match=r"777\.5"):
        crawled(page.replace("<h2>How it is computed</h2>", "<p>777.5</p>"))
    with pytest.raises(KeyError):
        crawled(page.replace('data-k="01_sample/c05"', 'data-k="01_sample/c99"'))
    with pytest.raises(AssertionError):
        crawled(page.replace('data-k="01_sample/c05"', ""))
    with pytest.raises(KeyError):
        crawled(page.replace('data-k="cost_ratio"', 'data-k="other_ratio"'))


# One ledger


@pytest.fixture(scope="module")
def kept():
    return sample.make_ledger(sample.notebook(), "01_sample")


def test_a_key_resolves_to_rows_sources_files_and_code(kept):
    found = provenance.resolve(kept, "01_sample/c05/s1")
    assert list(found["queries"]) == ["q1"] and found["rows"] == kept["rows"]
    assert found["sources"] == sorted({row["source_url"] for row in kept["rows"].values()})
    assert kept["queries"]["q1"]["cell"] == "c05"
    assert kept["queries"]["q1"]["files"] == ["price_book.csv"]
    assert set(kept["queries"]["q1"]["rows"]) == set(kept["rows"])
    assert all(row["gpu"] == "gb300" and row["source_url"] for row in kept["rows"].values())
    assert len(kept["files"]["price_book.csv"]) == 64
    assert json.loads(json.dumps(kept)) == kept


def test_headlines_have_their_own_keys_and_parameters_theirs(kept):
    assert kept["cells"]["c06"]["headlines"]["cost_ratio"] == 35.02
    assert provenance.resolve(kept, "01_sample/c06/cost_ratio")["code"] == kept["code"]
    found = provenance.resolve(kept, "01_sample/parameters/t1.r3.c2")["parameters"]
    assert found == {"utilisation_frac": kept["parameters"]["utilisation_frac"]}
    assert found["utilisation_frac"]["value"] == 0.75 and found["utilisation_frac"]["default"] == 0.6


@pytest.mark.parametrize(
    "key",
    ["02_other/c05/s1", "01_sample/c99/s1", "01_sample/c06/no_such", "01_sample/c05/cost_ratio", "01_sample/c05/r1 c2"],
)
def test_a_key_of_no_number_is_refused(kept, key):
    with pytest.raises(KeyError):
        provenance.resolve(kept, key)


def test_headlines_tell_how_they_are_known_each_by_what_it_says_else_by_all_that_its_cell_reads(kept):
    used = {row for label in kept["cells"]["c06"]["queries"] for row in kept["queries"][label]["rows"]}
    every = list(evidence.ways(*(kept["rows"][row] for row in used)))
    known = provenance.known(kept)
    assert known == {"cost_ratio": ["derived", "assumed"], "usd_per_mtok": every, "fourth": every} and every
    assert provenance.known(None) == {}


def test_a_file_and_a_parameter_tell_too_how_what_depends_on_them_is_known():
    cell = sample.code(show.headlines([Headline("k", "K", 1.0, "1", "1")]))
    told = {"queries": ["q1"], "parameters": ["use"]}
    parameters = {"use": {"meaning": "share of the hours; an assumption"}}
    query = {"q1": {"rows": [], "files": ["kernels_x.csv"]}}
    known = provenance._known(cell, told, query, {}, parameters, {"kernels_": "model"})
    assert known == {"k": ["model", "assumed"]}


def test_every_tile_has_the_words_of_its_evidence_and_every_mark_its_meaning(sample_site):
    page = BeautifulSoup((sample_site / "01_sample.html").read_text(), "html.parser")
    tiles = {tile["data-k"]: tile.select_one(".tf-tile-known") for tile in page.select(".tf-out .tf-tile")}
    assert tiles["cost_ratio"].get_text(" ", strip=True) == "◐ derived △ assumed"
    assert tiles["per_mw"] is None  # what was not measured is known in no way
    legend = page.select_one(".tf-known").get_text()
    marks = {mark.get_text() for tile in tiles.values() if tile for mark in tile.select("i[aria-hidden=true]")}
    assert {"◐", "△"} <= marks == {mark for mark, _ in evidence.MARKS.values() if mark in legend}


def test_a_finished_warehouse_stands_for_its_files():
    about = {"source": sample.SOURCE, "built": warehouse.build(), "files": {"finished.duckdb": "ab"}, "library": "c"}
    made = provenance.make(sample.notebook(), name="01_sample", parameters={}, trace=sample.TRACE, **about)
    assert made["files"] == {"finished.duckdb": "ab"}
