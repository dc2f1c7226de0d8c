"""The workbook beside a page: what is in it, that nothing of the data can act, and that a spreadsheet computes it."""

import csv
import shutil
import subprocess
import zipfile
from datetime import datetime
from pathlib import Path

import nbformat
import nbformat.v4 as nb
import openpyxl
import pytest
import sample
from executed import execute
from sample import HOSTILE, code

from reportkit import outputs, xlsx
from tokenfactory.display import show, workbook
from tokenfactory.display.show import Column, Headline, percent, times, usd
from tokenfactory.errors import DataError

MADE_ON = "2026-04-05"
FORMULAS = ("=1+1", "+1", "-1+2", "@SUM(1)", '=HYPERLINK("http://example.org")', "{=1}", "\t=1")


def write(path, *cells, name="01_x", made_on=MADE_ON):
    made = nb.new_notebook(cells=list(cells))
    known = {"k": ["published", "assumed"]}
    xlsx.write(made, path, name=name, made_on=made_on, parameters=sample.parameters(made), known=known)
    return openpyxl.load_workbook(path)


def texts(sheet):
    return [[cell.value for cell in row] for row in sheet.iter_rows()]


def everything(book):
    return [cell for sheet in book for row in sheet.iter_rows() for cell in row if cell.value is not None]


def build_up():
    book = workbook.Workbook("An hour", {"gb300": "GB300", "h200": "H200"})
    life = {"value": 4.0, "low": 3.0, "high": 6.0, "unit": "year", "status": "guess", "source_url": "https://life.org"}
    years = book.inputs("life_year", "life", {"gb300": life, "h200": life})
    price = book.inputs("usd_per_gpu", "price", {"gb300": 60_000.0, "h200": 30_000.0}, "usd")
    hour = {gpu: price[gpu] / years[gpu] / 8760 for gpu in price}
    hour = book.line("hour", "Hour", "usd/gpu/h", hour, is_result=True)
    book.line("ratio", "Times dearer", "1", {"gb300": hour["gb300"] / hour["h200"]}, is_result=True)
    return book


def notebook():
    tiles = show.headlines([Headline("k", "A price", 2.652, "usd/gpu/h", "$2.65", "of a day"),
                            Headline("n", "Nothing", None, "1", "not measured")])  # fmt: skip
    rows = [{"gpu": "GB300", "cost": 0.1234, "share": 0.6, "where": show.source("https://example.org/a")}]
    columns = {"gpu": "System", "cost": Column("USD", usd), "share": Column("Share", percent), "where": "Source"}
    read = {"table": "price_book", "num_rows": 12, "sources": 3, "dates": None, "sha256": "ab12"}
    return [
        nb.new_markdown_cell("# What does it cost?"),
        code(source="x: int = 1  # [tok] a length", tags=["parameters"]),
        code(show.answer(["It costs **$2.65**."]), tags=["answer"]),
        code(tiles, tags=["answer"]),
        code(show.table(rows, columns, "Costs: [by] system"), tags=["table"]),
        code(build_up(), tags=["table"]),
        code(show.provenance([read]), tags=["provenance"]),
    ]


@pytest.fixture
def book(tmp_path):
    return write(tmp_path / "x.xlsx", *notebook())


def test_a_table_has_its_numbers_as_they_were_computed_and_its_note(tmp_path):
    rows = [{"gpu": "GB300", "n": 3, "usd": 34.0755123, "ratio": 1 / 3, "share": 0.0184, "text": "$3 to $4"}]
    columns = {"gpu": "System", "n": "Count", "usd": Column("Cost", usd), "ratio": Column("Ratio", times)}
    columns |= {"share": Column("Share", percent), "text": Column("Range", is_number=True)}
    book = write(tmp_path / "x.xlsx", code(show.table(rows, columns, "A **b**", note="Per **token**.")))
    sheet = book["T1 A b"]
    assert [cell.value for cell in sheet[4]] == ["GB300", 3, 34.0755123, 0.333333333, 0.0184, "$3 to $4"]
    assert [cell.number_format for cell in sheet[4]][1:5] == ["#,##0", "$#,##0.00", '#,##0.0"x"', "0.0%"]
    assert sheet["F4"].alignment.horizontal == "right" and sheet["A6"].value == "Per token."


def test_what_would_change_the_answer_is_among_the_results(tmp_path):
    said = show.answer(["It is **so**.", show.flip("Above $5 it is not.")])
    column = [cell.value for cell in write(tmp_path / "x.xlsx", code(said))["Results"]["A"]]
    assert column[3:5] == ["It is so.", "Above $5 it is not."]


def test_inputs_results_and_sources_have_sheets_of_their_own(book):
    assert book.sheetnames == ["Results", "Inputs", "Build-up", "Parameters", "T1 Costs   by  system", "Sources"]
    results = texts(book["Results"])
    assert results[0][0] == "What does it cost?" and results[3][0] == "It costs $2.65."
    assert ["A price", 2.652, "$", "of a day", "published, assumed"] in results
    assert ["Nothing", "not measured", None, None, None] in results
    inputs = texts(book["Inputs"])
    assert ["Input", "Unit", "all", "GB300", "H200", "Range", "Status", "Source"] in inputs
    assert ["life", "years", 4, None, None, "3 to 6", "guess", "https://life.org"] in inputs
    assert ["price", "$", None, 60000, 30000, None, None, None] in inputs
    assert ["x", "1", "tok", "a length"] in texts(book["Parameters"])
    assert texts(book["T1 Costs   by  system"])[3] == ["GB300", 0.1234, 0.6, "example.org"]
    sources = texts(book["Sources"])
    assert ["price_book", 12, 3, None, "ab12"] in sources
    assert [line[0] for line in sources[-2:]] == ["https://example.org/a", "https://life.org"]


def test_formulas_are_live_and_carry_the_number_of_the_notebook(book, tmp_path):
    assert book["Build-up"]["C5"].value == "=usd_per_gpu_gb300/life_year/8760"
    assert book["Build-up"]["E5"].value == "usd_per_gpu/life_year/8760"
    assert book["Build-up"]["C6"].value == "=hour_gb300/hour_h200"
    assert book["Build-up"]["E6"].value == "hour of GB300/hour of H200"
    assert book["Results"]["C8"].value == "=hour_gb300"
    names = {name: target.attr_text for name, target in book.defined_names.items()}
    assert names["life_year"] == "'Inputs'!$C$5" and names["hour_h200"] == "'Build-up'!$D$5"
    shown = openpyxl.load_workbook(tmp_path / "x.xlsx", data_only=True)
    assert shown["Build-up"]["C5"].value == pytest.approx(60_000 / 4 / 8760)
    assert shown["Results"]["C9"].value == pytest.approx(2)


def test_an_input_out_of_its_range_is_refused_by_the_spreadsheet(tmp_path):
    made = workbook.Workbook("Use", {"a": "A"})
    use = made.inputs("utilisation_frac", "use", {"a": 0.6}, "frac")
    made.line("half", "Half", "frac", {"a": use["a"] / 2}, is_result=True)
    (rule,) = write(tmp_path / "x.xlsx", code(made))["Inputs"].data_validations.dataValidation
    assert (str(rule.sqref), rule.type, rule.formula1, rule.formula2) == ("D5", "decimal", "0", "1")


def test_a_page_without_tables_has_a_workbook_too(tmp_path):
    assert write(tmp_path / "x.xlsx", nb.new_markdown_cell("no heading")).sheetnames == ["Results", "Sources"]


def test_setup_is_not_in_the_workbook(tmp_path):
    hidden = code(show.table([{"a": 1}], {"a": "A"}, "Hidden"), tags=["setup"])
    assert len(write(tmp_path / "x.xlsx", hidden).sheetnames) == 2


def test_the_same_notebook_gives_the_same_bytes(tmp_path):
    for name in ("a", "b"):
        write(tmp_path / f"{name}.xlsx", *notebook())
    write(tmp_path / "later.xlsx", *notebook(), made_on="2026-04-06")
    first, second, later = ((tmp_path / f"{name}.xlsx").read_bytes() for name in ("a", "b", "later"))
    assert first == second != later
    made = openpyxl.load_workbook(tmp_path / "a.xlsx").properties
    assert made.created == made.modified == datetime(2026, 4, 5)  # of the page, not of the clock


@pytest.mark.parametrize("text", [*FORMULAS, HOSTILE])
def test_text_from_data_is_text_whatever_it_begins_with(tmp_path, text):
    tiles = show.headlines([Headline("k", text, 1.0, "usd", "$1", text)])
    table = show.table([{"a": text, "b": 1.5}], {"a": text, "b": "B"}, text, note=text)
    made = workbook.Workbook(text, {"a": text})
    cell = made.inputs("x", text, {"a": {"value": 1.0, "unit": text, "status": text, "source_url": text}})
    made.line("y", text, text, {"a": cell["a"] * 2}, is_result=True)
    question = nb.new_markdown_cell(f"# {text.strip()}")
    book = write(tmp_path / "x.xlsx", question, code(show.answer([text])), code(tiles), code(table), code(made))
    formulas = [cell.value for cell in everything(book) if cell.data_type == "f"]
    assert {formula.lower() for formula in formulas} == {"=x_a*2", "=y_a"}
    assert sum(text.strip() in str(cell.value) for cell in everything(book)) >= 8
    assert not any(cell.hyperlink for cell in everything(book))
    with zipfile.ZipFile(tmp_path / "x.xlsx") as parts:
        assert not [part for part in parts.namelist() if "external" in part.lower()]


def describing(formula):
    """A cell whose workbook has this formula in the place of one of its own."""
    content = build_up()._repr_mimebundle_()
    content[workbook.MIME]["lines"][0]["cells"]["gb300"]["formula"] = formula
    return code(nb.new_output("execute_result", data=content, execution_count=1))


@pytest.mark.parametrize(
    "formula",
    [
        "WEBSERVICE(1)",
        "{life_year@all}&1",
        "'http://example.org/[a.xls]b'!A1",
        "1;2",
        "cmd|' /C calc'!A0",
        "A1",
        "1+\n1",
    ],
)
def test_a_formula_that_is_more_than_arithmetic_is_refused(tmp_path, formula):
    with pytest.raises(DataError, match="is not arithmetic on cells of the workbook"):
        write(tmp_path / "x.xlsx", describing(formula))


def test_a_formula_of_a_cell_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"names the cell \('gone', 'gb300'\), which does not exist"):
        write(tmp_path / "x.xlsx", describing("{gone@gb300}*2"))


def test_one_workbook_a_notebook(tmp_path):
    with pytest.raises(DataError, match=r"^01_x\.ipynb: a notebook describes at most one workbook$"):
        write(tmp_path / "x.xlsx", code(build_up()), code(build_up()))


def test_the_page_says_what_the_workbook_is_and_links_to_it():
    from reportkit import page as kit

    frame = sample.frame([{"href": "01_x.html", "title": "x"}])
    page = kit.export(nb.new_notebook(cells=notebook()), frame, name="01_x")
    assert '<div class="tf-workbook"><p><strong>An hour.</strong> Change any input; <a href="01_x.xlsx"' in page
    assert page.count('<a href="01_x.xlsx" download>01_x.xlsx</a>') == 2


# The notebooks of the product, and a spreadsheet that computes them


def stored(project, name):
    path, *_ = sorted((project / "notebooks").glob(f"{name}_*.ipynb"))  # the tutorial shares a number
    return nbformat.read(path, as_version=4)


@pytest.mark.parametrize("name", [f"{number:02}" for number in range(10)])
def test_every_report_has_its_tables_in_a_workbook(project, tmp_path, name):
    made = stored(project, name)
    xlsx.write(made, tmp_path / "x.xlsx", name=name, made_on=MADE_ON, parameters={})
    book = openpyxl.load_workbook(tmp_path / "x.xlsx")
    assert ("Build-up" in book.sheetnames) == (name in ("01", "03", "07", "08", "09", "12"))
    tables = outputs.find(outputs.outputs_of(made.cells), "table")
    assert len([sheet for sheet in book.sheetnames if sheet.startswith("T")]) == len(tables)
    num_numbers = sum(isinstance(cell.value, int | float) for cell in everything(book))
    assert num_numbers > 20


OFFICE = shutil.which("soffice")
needs_office = pytest.mark.skipif(not OFFICE, reason="LibreOffice is not installed (Debian: libreoffice-calc)")


def recalculated(folder: Path, *books: Path) -> list:
    """The workbooks as LibreOffice computes them; the numbers that we wrote beside the formulas are taken out first."""
    for book in books:
        openpyxl.load_workbook(book).save(book)
    folder.mkdir()
    command = [OFFICE, f"-env:UserInstallation={(folder / 'profile').as_uri()}", "--headless", "--convert-to", "xlsx"]
    subprocess.run([*command, "--outdir", folder, *books], check=True, capture_output=True, timeout=240)
    return [openpyxl.load_workbook(folder / book.name, data_only=True) for book in books]


def described_by(made) -> dict:
    (found,) = (
        o.data[workbook.MIME] for c in made.cells for o in c.get("outputs", ()) if workbook.MIME in o.get("data", ())
    )
    return found


def check_equal(book, made):
    """Every line of the workbook as computed by LibreOffice is that of the notebook, within 0.01%."""
    lines = {line["label"]: line for line in described_by(made)["lines"]}
    columns = list(described_by(made)["columns"])
    num_checked = 0
    for label, _, *values in texts(book["Build-up"])[4:]:
        for column, value in zip(columns, values, strict=False):
            if column in lines[label]["cells"]:
                assert value == pytest.approx(lines[label]["cells"][column]["value"], rel=1e-4, abs=1e-6), (
                    label,
                    column,
                )
                num_checked += 1
    assert num_checked == sum(len(line["cells"]) for line in lines.values())


def headline_of(made, key):
    found = [h for told in outputs.find(outputs.outputs_of(made.cells), "headlines") for h in told["headlines"]]
    return next(h["value"] for h in found if h["key"] == key)


@needs_office
def test_libreoffice_computes_what_the_notebooks_computed(project, tmp_path):
    names = ("03", "07", "08", "09", "12")
    notebooks = [stored(project, name) for name in names]
    paths = [tmp_path / f"{name}.xlsx" for name in names]
    for made, path in zip(notebooks, paths, strict=True):
        xlsx.write(made, path, name=path.stem, made_on=MADE_ON, parameters={})
    for made, book in zip(notebooks, recalculated(tmp_path / "out", *paths), strict=True):
        check_equal(book, made)


@needs_office
def test_a_life_of_three_years_changes_workbook_and_notebook_alike(project, tmp_path):
    """The notebook runs again with a row of data that says three; in the workbook somebody types three."""
    data = shutil.copytree(project / "data", tmp_path / "data", ignore=shutil.ignore_patterns("snapshots"))
    with (data / "tco_inputs.csv").open(newline="") as lines:
        (row,) = (row for row in csv.DictReader(lines) if row["key"] == "typical-life-year")
    assert float(row["value"]) == 4
    row |= {"key": "three-life-year", "profile": "three", "value": "3", "low": "3"}
    with (data / "tco_inputs.csv").open("a", newline="") as lines:
        csv.DictWriter(lines, row, lineterminator="\n").writerow(row)
    three = execute(project, "07", tmp_path, data, profile="three")

    four = stored(project, "07")
    xlsx.write(four, tmp_path / "four.xlsx", name="07", made_on=MADE_ON, parameters={})
    book = openpyxl.load_workbook(tmp_path / "four.xlsx")
    (cell,) = (row[2] for row in book["Inputs"].iter_rows() if row[0].value == "life")
    assert cell.value == 4
    cell.value = 3
    book.save(tmp_path / "four.xlsx")
    (changed,) = recalculated(tmp_path / "out", tmp_path / "four.xlsx")
    check_equal(changed, three)
    hours = {label: values for label, _, *values in texts(changed["Build-up"])[4:]}["Owned hour"]
    for value, role in zip(hours, ("subject", "baseline"), strict=False):
        key = f"owned_usd_per_gpu_hour_{role}"
        assert value == pytest.approx(headline_of(three, key), rel=1e-4)
        assert value > 1.1 * headline_of(four, key)  # three years cost far more an hour than four


@needs_office
def test_the_cash_flows_of_a_life_are_those_of_the_case_whose_number_is_typed(project, tmp_path):
    made = stored(project, "12")
    assert list(described_by(made)["columns"].values()) == ["Conservative", "Moderate", "Advanced", "Chosen case"]
    paths = []
    for case in (1, 2, 3):
        paths.append(tmp_path / f"case-{case}.xlsx")
        xlsx.write(made, paths[-1], name="12", made_on=MADE_ON, parameters={})
        book = openpyxl.load_workbook(paths[-1])
        (cell,) = (c for row in book["Inputs"].iter_rows() if str(row[0].value).startswith("case in the last column")
                   for c in row[2:7] if isinstance(c.value, int | float))  # fmt: skip
        cell.value = case
        book.save(paths[-1])
    lines = {line["label"]: line for line in described_by(made)["lines"]}
    for case, book in enumerate(recalculated(tmp_path / "out", *paths), 1):
        rows = {label: values for label, _, *values in texts(book["Build-up"])[4:] if label.startswith(("Year", "Net"))}
        assert len(rows) == 8 * 8 + 1
        for label, values in rows.items():
            of_notebook = lines[label]["cells"][f"case_{case}"]["value"]
            assert values[case - 1] == pytest.approx(of_notebook, rel=1e-4, abs=1e-6), (label, case)
            assert values[3] == pytest.approx(of_notebook, rel=1e-4, abs=1e-6), (label, case)
    assert rows["Net present value of a GPU"][1] == pytest.approx(headline_of(made, "npv_usd_per_gpu"), rel=1e-4)


@needs_office
def test_a_choice_of_the_workbook_sets_its_inputs(tmp_path):
    made = workbook.Workbook("Speed", {"a": "A"})
    rate = made.inputs("rate", "Rate", {"a": 2.0}, "tok/s/gpu")
    made.line("twice", "Twice", "1", {"a": 2 * rate["a"]}, is_result=True)
    made.choice("pair", "Pair", [("Best", "fast", {"rate@a": 2.0}), ("Same", "slow", {"rate@a": 0.5})])
    path = tmp_path / "choice.xlsx"
    book = write(path, code(made, tags=["table"]))
    assert book["Inputs"]["C5"].value == "Best: fast" and book["Inputs"].data_validations.dataValidation
    book["Inputs"]["C5"].value = "Same: slow"
    book.save(path)
    (computed,) = recalculated(tmp_path / "out", path)
    assert texts(computed["Build-up"])[4][2] == 1.0
