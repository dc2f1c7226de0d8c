"""The brief: cells that notebooks name for it, on three sheets, with what they rest on; nothing where none is named."""

import re

import sample
from bs4 import BeautifulSoup

from reportkit import brief, index, page
from tokenfactory.source import SOURCE


def made(named):
    """The brief of the sample notebooks, with cells tagged by the kind of what they show."""
    notebooks = {name: make() for name, make in sample.NOTEBOOKS.items()}
    for cell in notebooks["01_sample"].cells:
        kinds = {
            kind for kind in ("headlines", "table", "answer") for o in cell.get("outputs", ()) if kind in str(o)[:400]
        }
        for sheet, kind in named.items():
            if kind in kinds:
                cell.metadata.setdefault("tags", []).append(f"brief-{sheet}")
    ledgers = {name: sample.make_ledger(notebook, name) for name, notebook in notebooks.items()}
    entries = [index.entry(notebook, name, ledgers[name]) for name, notebook in notebooks.items()]
    pages = [{"href": f"{name}.html", "title": name} for name in notebooks]
    return notebooks, brief.page(sample.frame(pages), entries, notebooks, ledgers)


def test_named_cells_stand_on_their_sheets_with_their_keys_and_parameters():
    notebooks, page = made({"answer": "answer", "assumptions": "table"})
    sheets = page.split("<main")[1].split("<section>")[1:]
    assert len(sheets) == 3
    for sheet, text in zip(brief.SHEETS, sheets, strict=True):
        wanted = [f"01_sample/{cell.id}" for cell in brief.cells(notebooks["01_sample"], sheet) if cell.outputs]
        assert re.findall(r'class="tf-out" data-k="([^"]+)"', text) == wanted
    assert brief.cells(notebooks["01_sample"], "answer") and not brief.cells(notebooks["01_sample"], "sensitivity")
    table = BeautifulSoup(sheets[2], "html.parser").find_all("table")[-1]
    told = dict([cell.get_text() for cell in row(["td", "th"])][:2] for row in table.select("tbody tr"))
    of_ledger = sample.parameters(notebooks["01_sample"])
    meanings = {name: p["meaning"][:1].upper() + p["meaning"][1:] for name, p in of_ledger.items()}
    assert set(meanings.values()) <= told.keys()
    assert told[meanings["utilisation_frac"]] == "75%", "the value in force, not the default"


def test_a_part_under_other_conditions_than_those_of_the_house_says_so(monkeypatch):
    monkeypatch.setattr(brief.conditions, "of", lambda suite, name, parameters: ("Only here", f"{name} at 3 o'clock"))
    sheet = BeautifulSoup(made({"answer": "answer"})[1], "html.parser").find("section")
    assert [chip.get_text() for chip in sheet.select(".chip")] == ["Only here: 01_sample at 3 o'clock"]
    assert sheet.select_one(".chip")["data-k"] == "01_sample/parameters"


def test_without_a_named_cell_there_is_no_brief():
    assert made({})[1] == ""


def test_days_and_identifiers_are_said_in_words():
    said = [("2026-04-15", "date", "15 April 2026"), ("owning_hyperscaler", "price_basis", "owning hyperscaler")]
    said += [("gb300", "gpu", "GB300"), (0.6, "frac", "60%"), (8192, "tok", "8,192 tokens"), (None, "s", "none")]
    said += [(0.083, "usd/kwh", "$0.083 per kWh"), (False, "flag", "no"), (20260415, "1", "20260415")]
    said += [("rental_3yr", "price_basis", "three-year rent"), ("dynamo-trt", "framework", "Dynamo TensorRT-LLM")]
    said += [("deepseek-r1-0528", "model", "DeepSeek-R1"), (75.0, "tok/s/user", "75 tokens a second per user")]
    assert [SOURCE.said(kind, value) for value, kind, _ in said] == [words for *_, words in said]


def test_what_a_zero_stands_for_is_its_value():
    limit = {"kind": "s", "meaning": "longest wait; 0: no limit"}
    assert page.meaning(limit | {"value": 0.0}, SOURCE.said) == ["Longest wait", "no limit"]
    assert page.meaning(limit | {"value": 1.5}, SOURCE.said) == ["Longest wait", "1.5 seconds"]
