"""The one workbook of all pages: what is in it, and that a spreadsheet computes the notebooks' numbers in all cases."""

import re
import zipfile

import nbformat
import openpyxl
import pytest
from test_three_ways import by_python
from test_xlsx import needs_office, recalculated

from reportkit import outputs, workbook, xlsx

MADE_ON = "2026-04-05"


@pytest.fixture(scope="module")
def notebooks(project):
    paths = sorted((project / "notebooks").glob("[0-9][0-9]_*.ipynb"))
    return {path.stem: nbformat.read(path, as_version=4) for path in paths}


@pytest.fixture(scope="module")
def made(notebooks, tmp_path_factory):
    path = tmp_path_factory.mktemp("all") / "TokenFactory.xlsx"
    workbook.write_all(notebooks, path, about="Token Factory: Default", made_on=MADE_ON)
    return path


def models(notebooks):
    found = [m for made in notebooks.values() for m in outputs.find(outputs.outputs_of(made.cells), "model")]
    return [model for model in found if model["lines"]]


def lines_of(book, model) -> dict[str, float]:
    """The lines of a model as its sheet has them."""

    def has(sheet):
        return sheet["A1"].value == model["about"] and sheet["A3"].value is None and sheet["A4"].value == "Input"

    found = {}
    for sheet in filter(has, book):
        rows = list(sheet.iter_rows(min_row=6 + len(model["inputs"]), values_only=True))
        start = next(i for i, row in enumerate(rows) if row[0] == "Line") + 1
        for line, row in zip(model["lines"], rows[start:], strict=False):
            assert row[0] == line["label"]
            for column, value in zip(model["columns"], row[2:], strict=False):
                if column in line["cells"]:
                    found.setdefault(f"{line['name']}@{column}", []).append(value)
    return found


def test_a_dashboard_leads_with_findings_numbers_charts_and_a_case(made, notebooks):
    book = openpyxl.load_workbook(made)
    assert book.sheetnames[0] == "Dashboard" and book.active.title == "Dashboard"
    assert {"Cost sensitivity", "Power limited site", "Lifetime", "Own or rent"} <= set(book.sheetnames)
    assert not [name for name in book.sheetnames if "_" in name or len(name) > 31]
    sheet = book["Dashboard"]
    assert sheet["B4"].value == 2 and book.defined_names["Case"].attr_text == "'Dashboard'!$B$4"
    assert sheet.page_setup.orientation == "landscape" and sheet.sheet_properties.pageSetUpPr.fitToPage
    assert [cell.value for cell in book["Low, middle, high"][1]] == ["What", "Low", "Middle", "High"]
    last = max(cell.row for row in sheet.iter_rows() for cell in row if cell.value is not None)
    assert min(chart.anchor._from.row for chart in sheet._charts) >= last  # no chart lies upon a number
    assert isinstance(book["Low, middle, high"]["D2"].value, float) and book["Low, middle, high"].max_row > 10
    with zipfile.ZipFile(made) as parts:
        assert len([name for name in parts.namelist() if name.startswith("xl/charts/chart")]) >= 4


def test_each_headline_number_says_how_it_is_known(notebooks, tmp_path):
    key = outputs.find(outputs.outputs_of(notebooks["01_hopper_vs_blackwell"].cells), "headlines")[0]["headlines"][0][
        "key"
    ]
    known = {key: ["measured", "assumed"]}
    workbook.write_all(notebooks, tmp_path / "a.xlsx", about="A", made_on=MADE_ON, known=known)
    rows = list(
        openpyxl.load_workbook(tmp_path / "a.xlsx")["Dashboard"].iter_rows(min_row=6, max_col=5, values_only=True)
    )
    assert rows[0][4] == "How known" and [row[4] for row in rows[1:] if row[4]] == ["measured, assumed"]


def test_money_of_the_site_is_a_number(made):
    cells = [cell for row in openpyxl.load_workbook(made)["Power limited site"].iter_rows() for cell in row]
    assert sum(cell.number_format == '$#,##0.00,," million"' and abs(cell.value) >= 1e6 for cell in cells) > 10
    money = [
        cell.value for cell in cells if isinstance(cell.value, str) and re.fullmatch(r"-?\$[\d.,]+[KMBT]?", cell.value)
    ]
    assert money == []


def test_no_cell_says_a_raw_unit_or_a_number_with_an_exponent(made, notebooks):
    named = {model["about"] for model in models(notebooks)}
    book = openpyxl.load_workbook(made)
    for sheet in [book["Dashboard"], *(sheet for sheet in book if sheet["A1"].value in named)]:
        for cell in (cell for row in sheet.iter_rows() for cell in row if isinstance(cell.value, str)):
            is_raw = re.search(r"\b(frac|usd/\w+)\b|\d[eE]\+\d", cell.value)
            assert not is_raw or cell.data_type == "f" or "://" in cell.value, (
                sheet.title,
                cell.coordinate,
                cell.value,
            )


def test_the_same_notebooks_give_the_same_bytes(made, notebooks, tmp_path):
    workbook.write_all(notebooks, tmp_path / "again.xlsx", about="Token Factory: Default", made_on=MADE_ON)
    assert (tmp_path / "again.xlsx").read_bytes() == made.read_bytes()


def test_ends_of_ranges_are_the_cases_unless_a_model_has_its_own():
    ranged = {"value": 3.0, "low": 1.0, "high": 5.0}
    assert workbook.of_case({"name": "x"}, ranged, False) == (1, 3, 5)
    assert workbook.of_case({"name": "x"}, ranged, True) == (3, 3, 3)
    assert workbook.of_case({"name": "x"}, {"value": 2.0}, False) == (2, 2, 2)
    assert workbook.of_case({"name": "case_number"}, {"value": 2}, True) == (1, 2, 3)


@needs_office
def test_libreoffice_computes_the_notebooks_numbers_in_all_three_cases(made, notebooks, tmp_path):
    paths = []
    for case in (1, 2, 3):
        book = openpyxl.load_workbook(made)
        book["Dashboard"]["B4"] = case
        paths.append(tmp_path / f"case-{case}.xlsx")
        book.save(paths[-1])
    num_checked = 0
    for case, book in enumerate(recalculated(tmp_path / "out", *paths)):
        broken = [(s.title, c.coordinate) for s in book for row in s.iter_rows() for c in row if c.data_type == "e"]
        assert broken == []
        for model in models(notebooks):
            has_own = any(row["name"] == workbook.OWN_CASE for row in model["inputs"])
            given = {f"{row['name']}@{c}": float(workbook.of_case(row, cell, has_own)[case])
                     for row in model["inputs"] for c, cell in row["cells"].items()}  # fmt: skip
            there, wanted = lines_of(book, model), by_python(model, given)
            assert there.keys() == wanted.keys()
            for cell, value in wanted.items():
                assert any(one == pytest.approx(value, rel=1e-4, abs=1e-6) for one in there[cell]), (case, cell)
                num_checked += 1
            if case == 1:
                printed = {f"{r['name']}@{c}": x["value"] for r in model["lines"] for c, x in r["cells"].items()}
                assert wanted == pytest.approx(printed, rel=1e-4, abs=1e-6)
    assert num_checked > 900


def test_large_numbers_are_printed_in_words():
    assert xlsx.number_format("usd/year", 2.3e8) == '$#,##0.00,," million"'
    assert xlsx.number_format("tok/day", 2.7e12) == '#,##0.00,,,," trillion"'
    assert xlsx.number_format("frac", 0.5) == "0.0%" and xlsx.number_format("usd", 12.3) == "$#,##0.00"
