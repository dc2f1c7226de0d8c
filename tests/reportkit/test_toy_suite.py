"""Reportkit runs a suite that has nothing to do with tokens, and needs nothing of tokenfactory for it."""

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import openpyxl
import pytest
import toy
from small_project import write_notebook

TESTS = Path(__file__).parent


class Suite:
    def __init__(self, root: Path, lib: Path):
        self.root, self.lib, self.site = root, lib, root / "reports" / "site"

    def report(self) -> dict:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("TOKENFACTORY_")}
        environment = kept | {"PYTHONPATH": os.pathsep.join([str(self.lib), str(TESTS)]), "SOURCE_DATE_EPOCH": "0"}
        command = [sys.executable, str(TESTS / "toy.py"), str(self.root)]
        done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=300)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


@pytest.fixture(scope="module")
def suite(tmp_path_factory, project):
    root = tmp_path_factory.mktemp("fruit")
    (root / "data").mkdir()
    (root / "data" / "prices.csv").write_text(toy.PRICES)
    cells = (toy.READ, toy.ANSWER, toy.HEADLINE, toy.TABLE)
    write_notebook(root / "notebooks" / "01_apples.ipynb", *cells, parameters=toy.PARAMETERS, title="What do two cost?")
    pears = toy.PARAMETERS.replace("apple", "pear")
    only = ("import toy\nfrom reportkit import outputs\nprice = toy.ask('price', fruit=fruit)\n", toy.HEADLINE)
    write_notebook(root / "notebooks" / "02_pears.ipynb", *only, parameters=pears, title="And pears?")
    made = Suite(root, project / "lib")
    assert made.report() == {"executed": ["01_apples", "02_pears"], "unchanged": []}
    return made


def test_pages_workbooks_and_provenance_are_made_of_what_the_cells_left(suite):
    page = (suite.site / "01_apples.html").read_text()
    assert "<p><strong>2 kg</strong> of apple cost $5.</p>" in page
    assert '<p class="tf-flip">Unless it rains.</p>' in page
    assert '<td class="tf-number" data-label="A kilogram">$2.5</td>' in page
    assert "<title>What do two cost? | Default | Fruit</title>" in page
    index = (suite.site / "index.html").read_text()
    assert "What fruit costs today." in index and 'data-k="01_apples/' in index and "Token Factory" not in index + page
    book = openpyxl.load_workbook(suite.site / "01_apples.xlsx")
    assert [row[1].value for row in book["T1 Prices"].iter_rows(min_row=4)] == [2.5, 3.25, 4]
    assert "Unless it rains." in [cell.value for cell in book["Results"]["A"]]
    ledger = json.loads((suite.site / "01_apples.provenance.json").read_text())
    assert [query["rows"] for query in ledger["queries"].values()] == [["apple"], ["apple", "pear", "plum"]]
    assert ledger["parameters"]["kg"] == {"value": 2.0, "default": 2.0, "kind": "kg", "meaning": "how much"}


def test_only_what_a_changed_row_decides_runs_again(suite):
    assert suite.report() == {"executed": [], "unchanged": ["01_apples", "02_pears"]}
    (suite.root / "data" / "prices.csv").write_text(toy.PRICES.replace("2.5", "5"))
    assert suite.report() == {"executed": ["01_apples"], "unchanged": ["02_pears"]}
    (run, *_) = json.loads((suite.site / "archive.provenance.json").read_text())["runs"].values()
    assert run["files"].keys() == {"prices.csv"}
    assert "data: prices.csv, apple: usd_per_kg 2.5 -&gt; 5" in (suite.site / "feed.xml").read_text()


def test_no_module_of_reportkit_imports_tokenfactory(project):
    imported = {
        name.partition(".")[0]
        for path in (project / "lib" / "reportkit").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([node.module or ""] if isinstance(node, ast.ImportFrom) else [a.name for a in node.names])
    }
    assert "reportkit" in imported and "tokenfactory" not in imported
