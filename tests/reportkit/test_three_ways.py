"""Every model of every page, set to the same random states in three places: a browser, a spreadsheet and Python."""

import json
import os
import random
import re

import nbformat
import openpyxl
import pytest
from test_xlsx import needs_office, recalculated

from reportkit import controls, outputs, xlsx

NUM_STATES = 200 if os.environ.get("TOKENFACTORY_SOAK") else 20
BATCH = 20  # states of one workbook: LibreOffice takes minutes and gigabytes for hundreds of sheets
MODELS = ["01", "03", "07", "08", "09", "10", "11", "12"]
# All states in one call, each as an address that the page reads; what it shows for each.
SET = """states => states.map(state => {
  history.replaceState(null, "", "#" + new URLSearchParams(state));
  dispatchEvent(new HashChangeEvent("hashchange"));
  return Object.fromEntries([...document.querySelectorAll("output")].map(o => [o.name, +o.dataset.value]));
})"""


def model_of(project, name: str) -> dict:
    (path,) = (project / "notebooks").glob(f"{name}_*.ipynb")
    found = outputs.find(outputs.outputs_of(nbformat.read(path, as_version=4).cells), "model")
    assert found[0]["lines"]
    return found[0]


def random_states(model: dict) -> list[dict[str, float]]:
    """Legal values of every input: within its range, or half to one and a half of it; a case stays a case."""
    chance, states = random.Random(model["about"]), []

    def draw(row, cell):
        value, low, high = cell["value"], cell.get("low"), cell.get("high")
        if low is not None and high is not None:
            return chance.uniform(low, high)
        if row["name"].endswith("_number"):
            return float(chance.randint(1, 3))
        return min(value * chance.uniform(0.5, 1.5), 1.0 if row["unit"] == "frac" else 1e12)

    for _ in range(NUM_STATES):
        cells = {f"{row['name']}@{c}": draw(row, cell) for row in model["inputs"] for c, cell in row["cells"].items()}
        states.append(cells)
    return states


def by_python(model: dict, state: dict[str, float]) -> dict[str, float]:
    """Every line of the model by Python's own arithmetic on the text of its formula."""
    cells = dict(state)
    for line in model["lines"]:
        for column, cell in line["cells"].items():
            text = re.sub(r"\{([^{}]+)\}", r"cells['\1']", cell["formula"]).replace("^", "**").replace("=", "==")
            cells[f"{line['name']}@{column}"] = float(eval(text, {"cells": cells}))
    return {cell: value for cell, value in cells.items() if cell not in state}


@pytest.mark.parametrize("name", MODELS)
def test_a_page_in_a_browser_computes_what_python_does(project, browser, tmp_path, name):
    model = model_of(project, name)
    states, results = random_states(model), [row["name"] for row in model["lines"] if row["is_result"]]
    script = f'<script type="module">{controls.SCRIPT}</script>'
    place = tmp_path / "page.html"
    place.write_text(f"<!doctype html><meta charset=utf-8><body>{controls.to_html(model, name)}{script}")
    context = browser.new_context(offline=True)
    page = context.new_page()
    page.goto(place.as_uri())
    shown = page.evaluate(SET, [{key: repr(value) for key, value in state.items()} for state in states])
    printed = page.evaluate(SET, [{}])
    context.close()
    for state, said in zip(states, shown, strict=True):
        wanted = {cell: v for cell, v in by_python(model, state).items() if cell.partition("@")[0] in results}
        assert said == pytest.approx(wanted, rel=1e-9, abs=1e-9)
    base = {f"{r['name']}@{c}": x["value"] for r in model["lines"] if r["is_result"] for c, x in r["cells"].items()}
    assert printed[0] == pytest.approx(base, rel=1e-9, abs=1e-9)  # the state that was printed comes back


@needs_office
def test_a_spreadsheet_computes_what_python_does(project, tmp_path):
    models = {name: model_of(project, name) for name in MODELS}
    books = {}
    for name, model in models.items():
        states = random_states(model)[: NUM_STATES if NUM_STATES > 20 else 8]
        for i in range(0, len(states), BATCH):
            books[tmp_path / f"{name}_{i}.xlsx"] = model, states[i : i + BATCH]
    for path, (model, states) in books.items():
        write_copies(model, states, path)
    step = len(models)  # books of one start of LibreOffice
    for first in range(0, len(books), step):
        some = dict(list(books.items())[first : first + step])
        for book, (model, states) in zip(recalculated(tmp_path / f"out_{first}", *some), some.values(), strict=True):
            check_book(book, model, states)


def check_book(book, model: dict, states: list[dict[str, float]]) -> None:
    sheets = [sheet for sheet in book.sheetnames if sheet.startswith("Build-up")]
    for sheet, state in zip(sheets, states, strict=True):
        cells = by_python(model, state)
        rows = list(book[sheet].iter_rows(min_row=5, values_only=True))
        for line, row in zip(model["lines"], rows, strict=True):
            for column, value in zip(model["columns"], row[2:], strict=False):
                if column in line["cells"]:
                    there = cells[f"{line['name']}@{column}"]
                    assert value == pytest.approx(there, rel=1e-4, abs=1e-6), (model["about"], line["label"], column)


def write_copies(model: dict, states: list[dict[str, float]], path) -> None:
    """The model once for each state, all in one workbook, so that it is computed in one go."""
    file = xlsx.File(path, model["about"], "2026-04-05")
    for state in states:
        copy = json.loads(json.dumps(model)) | {"choices": []}
        for row in copy["inputs"]:
            for column, cell in row["cells"].items():
                cell["value"] = state[f"{row['name']}@{column}"]
        xlsx._write_inputs(file, file.sheet("Inputs", ()), copy)
        xlsx.write_lines(file, file.sheet("Build-up", ()), 0, copy)
    file.book.close()
    assert len(openpyxl.load_workbook(path, read_only=True).sheetnames) == 2 * len(states)
