"""An executed notebook as a workbook: its answer and headline numbers, its tables, its sources; and where the notebook
describes a build-up (`tokenfactory.display.workbook`), its inputs and live formulas.

Text comes from data, so it is written as text, whatever it begins with. A formula may hold numbers, arithmetic and
names of this workbook's own cells and nothing else. The same notebook gives the same bytes.
"""

import html
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from html.parser import HTMLParser
from pathlib import Path

import xlsxwriter
from nbformat import NotebookNode

from reportkit import provenance
from reportkit.page import NOT_SHOWN, title
from tokenfactory.display import show, workbook
from tokenfactory.errors import DataError

CELL = re.compile(r"\{([a-z][a-z0-9_]*)@([^{}@]+)\}")
ARITHMETIC = re.compile(r"[-+*/^()=0-9.eE]*")
LONGEST_TEXT = 32_767  # characters that a cell can hold

# What a printed number looks like, and how a spreadsheet prints the same one.
PRINTED = (
    (re.compile(r"(-?)\$([0-9,]+(?:\.([0-9]+))?)"), "$#,##0{}", 1),
    (re.compile(r"(-?)([0-9,]+(?:\.([0-9]+))?) %"), "0{} %", 100),
    (re.compile(r"(-?)([0-9,]+(?:\.([0-9]+))?)x"), '#,##0{}"x"', 1),
    (re.compile(r"(-?)([0-9][0-9,]*(?:\.([0-9]+))?)"), "#,##0{}", 1),
)


def printed_number(text: str) -> tuple[float, str] | None:
    """A number as a table prints it, and the format that prints it so again; None for any other text."""
    for form, number_format, per in PRINTED:
        if found := form.fullmatch(text):
            sign, digits, decimals = found.groups()
            value = float(sign + digits.replace(",", "")) / per
            return value, number_format.format("." + "0" * len(decimals) if decimals else "")
    return None


class _Tables(HTMLParser):
    """The tables that `show.table` wrote: caption, rows of texts, and the addresses they link to."""

    def __init__(self, text: str):
        super().__init__()
        self.tables: list[dict] = []
        self._place: list[str] | None = None
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        if tag == "table":
            self.tables.append({"caption": [], "rows": []})
        elif tag == "caption":
            self._place = self.tables[-1]["caption"]
        elif tag == "tr":
            self.tables[-1]["rows"].append([])
        elif tag in ("th", "td"):
            self._place = []
            self.tables[-1]["rows"][-1].append({"text": self._place, "is_number": ("class", "tf-number") in attrs})
        elif tag == "a" and self.tables:
            self.tables[-1]["rows"][-1][-1]["url"] = dict(attrs).get("href")

    def handle_endtag(self, tag):
        if tag in ("caption", "th", "td"):
            self._place = None

    def handle_data(self, data):
        if self._place is not None:
            self._place.append(data)


def _outputs(notebook: NotebookNode) -> list[Mapping]:
    shown = [c for c in notebook.cells if c.cell_type == "code" and not NOT_SHOWN & set(c.metadata.get("tags", ()))]
    return [output.data for cell in shown for output in cell.outputs if "data" in output]


def _starts(data: Mapping, kind: str) -> bool:
    return data.get("text/html", "").startswith(f'<div class="tf-{kind}">')


class _File:
    """One file being written: where the next row goes, and how things look."""

    def __init__(self, path: Path, about: str, made_on: str):
        self.book = xlsxwriter.Workbook(path, {"strings_to_formulas": False, "strings_to_urls": False})
        self.book.set_properties({"title": about, "created": datetime.fromisoformat(made_on)})
        self.book.set_calc_mode("auto")
        self._formats: dict[tuple, object] = {}
        self._names: dict[tuple[str, str], str] = {}
        self._taken: set[str] = set()

    def style(self, **looks):
        """A format; the same looks give the same one."""
        key = tuple(sorted(looks.items()))
        if key not in self._formats:
            self._formats[key] = self.book.add_format({"valign": "top", **looks})
        return self._formats[key]

    def sheet(self, name: str, widths: Sequence[int]):
        """A sheet; what spreadsheets refuse in its name is left out."""
        name = re.sub(r"[\[\]:*?/\\']", " ", name)[:31].strip() or "Sheet"
        while name.lower() in self._taken:
            name = f"{name[:28]} {len(self._taken)}"
        self._taken.add(name.lower())
        made = self.book.add_worksheet(name)
        for column, width in enumerate(widths):
            made.set_column(column, column, width)
        made.hide_gridlines(2)
        return made

    def text(self, sheet, row: int, column: int, value: object, **looks) -> None:
        if value == "":
            return
        sheet.write_string(row, column, str(value)[:LONGEST_TEXT], self.style(**looks))

    def head(self, sheet, row: int, texts: Sequence[str]) -> None:
        for column, text in enumerate(texts):
            self.text(sheet, row, column, text, bold=True, bottom=1, text_wrap=True)

    def name(self, name: str, column: str, sheet, row: int, place: int) -> None:
        """Give a cell the name by which formulas know it."""
        spoken = name if column == workbook.ALL else f"{name}_{re.sub(r'[^A-Za-z0-9]', '_', column)}"
        if spoken.lower() in {other.lower() for other in self._names.values()}:
            spoken = f"{spoken}_{len(self._names)}"
        address = xlsxwriter.utility.xl_rowcol_to_cell(row, place, row_abs=True, col_abs=True)
        self.book.define_name(spoken, f"='{sheet.get_name()}'!{address}")
        self._names[name, column] = spoken

    def formula(self, text: str) -> str:
        """A formula of the description with this file's names in it, if it is arithmetic and nothing else."""
        if not ARITHMETIC.fullmatch(CELL.sub("", text)):
            raise DataError("workbook", f"{text[:60]!r} is not arithmetic on cells of the workbook")
        try:
            return "=" + CELL.sub(lambda cell: self._names[cell[1], cell[2]], text)
        except KeyError as error:
            raise DataError("workbook", f"a formula names the cell {error.args[0]}, which does not exist") from None


def number_format(unit: str, value: float) -> str:
    if unit == "frac":
        return "0.0%"
    if unit.startswith("usd"):
        return "$#,##0" if abs(value) >= 1000 else "$#,##0.00" if abs(value) >= 10 else "$#,##0.0000"
    return '#,##0.0"x"' if unit == "1" else "#,##0" if abs(value) >= 1000 else "#,##0.####"


def write(notebook: NotebookNode, path: Path, *, name: str, made_on: str) -> None:
    """Write the workbook of an executed notebook.

    Parameters
    ----------
    name : of the notebook, without its ending
    made_on : ISO date of making, which the file carries as the day of its creation
    """
    outputs, question = _outputs(notebook), title(notebook) or name
    described = [data[workbook.MIME] for data in outputs if workbook.MIME in data]
    if len(described) > 1:
        raise DataError(f"{name}.ipynb", "a notebook describes at most one workbook")
    file = _File(path, question, made_on)
    try:
        results = file.sheet("Results", (44, 18, 18, 70))
        inputs = [_write_inputs(file, book) for book in described]
        for book in described:
            _write_lines(file, book)
        _write_results(file, results, question, name, made_on, outputs, described)
        _write_parameters(file, notebook, name)
        tables = [table for data in outputs if _starts(data, "table") for table in _Tables(data["text/html"]).tables]
        if any(show.PROVENANCE_MIME in data for data in outputs):
            *tables, _ = tables  # the last one says where the numbers come from, which has a sheet of its own
        for number, table in enumerate(tables, 1):
            _write_table(file, number, table)
        _write_sources(file, outputs, tables, described)
        (inputs or [results])[0].activate()
    finally:
        file.book.close()


def _write_inputs(file: _File, book: Mapping):
    columns = {workbook.ALL: workbook.ALL, **book["columns"]}
    sheet = file.sheet("Inputs", (38, 14, *[16] * len(columns), 30, 14, 60))
    file.text(sheet, 0, 0, f"{book['about']}: the inputs", bold=True, font_size=13)
    file.text(sheet, 1, 0, "Change a shaded cell and everything computes again. Where all systems share an input, it "
              f"stands in the column '{workbook.ALL}'.")  # fmt: skip
    file.head(sheet, 3, ["Input", "Unit", *columns.values(), "Range", "Status", "Source"])
    for row, given in enumerate(book["inputs"], 4):
        file.text(sheet, row, 0, given["label"])
        file.text(sheet, row, 1, given["unit"])
        for place, column in enumerate(columns, 2):
            if cell := given["cells"].get(column):
                looks = {"num_format": number_format(given["unit"], cell["value"]), "bg_color": "#fff3c4", "border": 4}
                sheet.write_number(row, place, cell["value"], file.style(**looks))
                file.name(given["name"], column, sheet, row, place)
                most = 1 if given["unit"] == "frac" else 1e12
                sheet.data_validation(row, place, row, place, {
                    "validate": "decimal", "criteria": "between", "minimum": 0, "maximum": most,
                    "error_title": given["label"][:32], "error_message": f"must be from 0 to {most:g} {given['unit']}",
                })  # fmt: skip
        place = 2 + len(columns)
        for offset, text in enumerate(_details(given, columns), place):
            file.text(sheet, row, offset, text)
    sheet.freeze_panes(4, 1)
    return sheet


def _details(given: Mapping, columns: Mapping[str, str]) -> list[str]:
    """Range, status and source of an input; said once where all columns agree."""
    details = []
    for say in (
        lambda cell: f"{cell['low']:.6g} to {cell['high']:.6g}" if cell.get("low") != cell.get("high") else None,
        lambda cell: cell.get("status"),
        lambda cell: cell.get("source_url"),
    ):
        texts = {columns[column]: text for column, cell in given["cells"].items() if (text := say(cell))}
        is_one = len(texts) == len(given["cells"]) and len(set(texts.values())) == 1
        spoken = texts.values() if is_one else (f"{column}: {text}" for column, text in texts.items())
        details.append("; ".join(dict.fromkeys(spoken)))
    return details


def _write_lines(file: _File, book: Mapping) -> None:
    sheet = file.sheet("Build-up", (38, 14, *[16] * len(book["columns"]), 90))
    file.text(sheet, 0, 0, f"{book['about']}: line by line", bold=True, font_size=13)
    file.text(sheet, 1, 0, "Every number here is a formula; the words of the last column are the names of the cells.")
    file.head(sheet, 3, ["Line", "Unit", *book["columns"].values(), "Computed as"])
    for row, line in enumerate(book["lines"], 4):
        looks = {"bold": True} if line["is_result"] else {}
        file.text(sheet, row, 0, line["label"], **looks)
        file.text(sheet, row, 1, line["unit"])
        for place, column in enumerate(book["columns"], 2):
            if cell := line["cells"].get(column):
                style = file.style(num_format=number_format(line["unit"], cell["value"]), **looks)
                sheet.write_formula(row, place, file.formula(cell["formula"]), style, cell["value"])
                file.name(line["name"], column, sheet, row, place)
        file.text(sheet, row, 2 + len(book["columns"]), _spoken(line, book["columns"]))
    sheet.freeze_panes(4, 1)


def _spoken(line: Mapping, columns: Mapping[str, str]) -> str:
    """The formula of a line with the names of its rows, and of columns where it reads more than one."""
    formula = next(iter(line["cells"].values()))["formula"]
    is_across = len({column for _, column in CELL.findall(formula)} - {workbook.ALL}) > 1
    return CELL.sub(lambda cell: f"{cell[1]} of {columns[cell[2]]}" if is_across else cell[1], formula)


def _write_results(file, sheet, question, name, made_on, outputs, described) -> None:
    file.text(sheet, 0, 0, question, bold=True, font_size=14)
    file.text(sheet, 1, 0, f"Made on {made_on} by the notebook {name}.ipynb, which holds the code and the conditions.")
    row = 3
    for data in outputs:
        if _starts(data, "answer"):
            for sentence in re.findall("<p>(.*?)</p>", data["text/html"], re.DOTALL):
                text = html.unescape(re.sub("</?strong>", "", sentence))
                sheet.merge_range(row, 0, row, 3, "", file.style(text_wrap=True))
                file.text(sheet, row, 0, text, text_wrap=True)
                sheet.set_row(row, 16 * (1 + len(text) // 130))
                row += 1
    for book in described:
        row += 1
        file.text(sheet, row, 0, f"{book['about']}: computed from the sheet Inputs", bold=True)
        columns = book["columns"]
        file.head(sheet, row + 1, ["Result", "Unit", *columns.values()])
        row += 2
        for line in (line for line in book["lines"] if line["is_result"]):
            file.text(sheet, row, 0, line["label"])
            file.text(sheet, row, 1, line["unit"])
            for place, column in enumerate(columns, 2):
                if cell := line["cells"].get(column):
                    style = file.style(num_format=number_format(line["unit"], cell["value"]))
                    formula = file.formula(f"{{{line['name']}@{column}}}")
                    sheet.write_formula(row, place, formula, style, cell["value"])
            row += 1
    if headlines := [item for data in outputs for item in data.get(show.HEADLINES_MIME, {}).get("headlines", ())]:
        row += 1
        file.text(sheet, row, 0, "Headline numbers, as the page was made", bold=True)
        file.head(sheet, row + 1, ["Number", "Value", "Unit", "Holds for"])
        row += 2
        for item in headlines:
            file.text(sheet, row, 0, item["label"])
            if item["value"] is None:
                file.text(sheet, row, 1, show.NOT_MEASURED)
            else:
                looks = {"num_format": number_format(item["unit"], item["value"])}
                sheet.write_number(row, 1, item["value"], file.style(**looks))
            file.text(sheet, row, 2, item["unit"])
            file.text(sheet, row, 3, item["note"], text_wrap=True)
            row += 1


def _write_parameters(file: _File, notebook: NotebookNode, name: str) -> None:
    if parameters := provenance.parameters(notebook, name):
        sheet = file.sheet("Parameters", (28, 28, 20, 90))
        file.text(sheet, 0, 0, "What was assumed for every number of this report", bold=True, font_size=13)
        file.head(sheet, 2, ["Parameter", "Value", "Unit or kind", "Meaning"])
        for row, (about, parameter) in enumerate(parameters.items(), 3):
            texts = (about, parameter["value"], show.words(parameter["kind"]), parameter["meaning"])
            for column, text in enumerate(texts):
                file.text(sheet, row, column, text)


def _write_table(file: _File, number: int, table: Mapping) -> None:
    caption, rows = "".join(table["caption"]), table["rows"]
    texts = [["".join(cell["text"]) for cell in row] for row in rows]
    columns = zip(*texts, strict=True)
    widths = [max(10, min(44, 2 + max(len(text) for text in column[1:] or ("",)))) for column in columns]
    sheet = file.sheet(f"T{number} {caption}", widths)
    file.text(sheet, 0, 0, caption, bold=True, font_size=13)
    file.head(sheet, 2, texts[0] if texts else [])
    for row, (cells, line) in enumerate(zip(rows[1:], texts[1:], strict=True), 3):
        for column, (cell, text) in enumerate(zip(cells, line, strict=True)):
            if cell["is_number"] and (found := printed_number(text)):
                sheet.write_number(row, column, found[0], file.style(num_format=found[1]))
            else:
                file.text(sheet, row, column, text, **({"align": "right"} if cell["is_number"] else {}))
    sheet.freeze_panes(3, 1)


def _write_sources(file: _File, outputs, tables, described) -> None:
    sheet = file.sheet("Sources", (40, 12, 16, 28, 24))
    file.text(sheet, 0, 0, "Where the numbers come from", bold=True, font_size=13)
    row = 2
    if rows := [line for data in outputs for line in data.get(show.PROVENANCE_MIME, {}).get("rows", ())]:
        keys = {"table": "Table", "num_rows": "Rows read", "sources": "Distinct sources", "dates": "Dates"}
        file.head(sheet, row, [*keys.values(), "Fingerprint of the rows"])
        for line in rows:
            row += 1
            for column, key in enumerate((*keys, "sha256")):
                if isinstance(line[key], int):
                    sheet.write_number(row, column, line[key], file.style())
                elif line[key] is not None:
                    file.text(sheet, row, column, line[key])
        row += 2
    linked = [cell["url"] for table in tables for line in table["rows"] for cell in line if cell.get("url")]
    linked += [
        cell["source_url"]
        for book in described
        for given in book["inputs"]
        for cell in given["cells"].values()
        if "source_url" in cell
    ]
    if linked:
        file.head(sheet, row, ["Pages that the tables and inputs of this workbook name"])
        for url in sorted(set(linked)):
            row += 1
            file.text(sheet, row, 0, url)
