"""An executed notebook as a workbook: answer, headline numbers, tables, sources; of a model inputs and live formulas.

Text comes from data, so it is written as text, whatever it begins with. A formula may hold numbers, arithmetic and
names of this workbook's own cells and nothing else. The same notebook gives the same bytes.
"""

import re
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from xml.etree import ElementTree

import xlsxwriter
from nbformat import NotebookNode

from reportkit import outputs
from reportkit.errors import DataError
from reportkit.page import NOT_SHOWN, title
from reportkit.provenance import tags
from reportkit.text import NOT_MEASURED, unit_words, words

CELL = re.compile(r"\{([a-z][a-z0-9_]*)@([^{}@]+)\}")
ARITHMETIC = re.compile(r"[-+*/^()=0-9.eE]*")
LONGEST_TEXT = 32_767  # characters that a cell can hold


class File:
    """One file being written: where the next row goes, and how things look."""

    def __init__(self, path: Path, about: str, made_on: str):
        self.book = xlsxwriter.Workbook(path, {"strings_to_formulas": False, "strings_to_urls": False})
        self.book.set_properties({"title": about, "created": datetime.fromisoformat(made_on)})
        self.book.set_calc_mode("auto")
        self._formats: dict[tuple, object] = {}
        self._names: dict[tuple[str, str], str] = {}
        self._taken: set[str] = set()
        self._spoken: set[str] = set()

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

    def number(self, sheet, row: int, column: int, value: float | None, unit: str) -> None:
        if value is None:
            self.text(sheet, row, column, NOT_MEASURED)
        else:
            sheet.write_number(row, column, value, self.style(num_format=number_format(unit, value)))

    def result(self, sheet, row: int, column: int, formula: str, cell: Mapping, unit: str, **looks) -> None:
        """A formula, with the value that it has in the report."""
        style = self.style(num_format=number_format(unit, cell["value"]), **looks)
        sheet.write_formula(row, column, formula, style, cell["value"])

    def texts(self, sheet, row: int, texts: Iterable[object], *, start: int = 0, **looks) -> None:
        """Texts side by side, from a column on."""
        for column, text in enumerate(texts, start):
            self.text(sheet, row, column, text, **looks)

    def head(self, sheet, row: int, texts: Iterable[str]) -> None:
        self.texts(sheet, row, texts, bold=True, bottom=1, text_wrap=True)

    def name(self, name: str, column: str, sheet, row: int, place: int) -> None:
        """Give a cell the name by which formulas know it."""
        spoken = name if column == outputs.ALL else f"{name}_{re.sub(r'[^A-Za-z0-9]', '_', column)}"
        if spoken.lower() in self._spoken:
            spoken = f"{spoken}_{len(self._spoken)}"
        self._spoken.add(spoken.lower())
        self.book.define_name(spoken, f"='{sheet.get_name()}'!{address(row, place)}")
        self._names[name, column] = spoken

    def forget_names(self) -> None:
        """Let the next model of the file have cells of its own."""
        self._names = {}

    def formula(self, text: str) -> str:
        """A formula of the description with this file's names in it, if it is arithmetic and nothing else."""
        if not ARITHMETIC.fullmatch(CELL.sub("", text)):
            raise DataError("workbook", f"{text[:60]!r} is not arithmetic on cells of the workbook")
        try:
            return "=" + CELL.sub(lambda cell: self._names[cell[1], cell[2]], text)
        except KeyError as error:
            raise DataError("workbook", f"a formula names the cell {error.args[0]}, which does not exist") from None


def number_format(unit: str, value: float) -> str:
    """How a spreadsheet prints a number of a unit: never with an exponent, and large ones in words."""
    money, size = "$" if unit.startswith("usd") else "", abs(value)
    for least, commas, word in ((1e12, ",,,,", "trillion"), (1e9, ",,,", "billion"), (1e6, ",,", "million")):
        if size >= least:
            return f'{money}#,##0.00{commas}" {word}"'
    if unit == "frac":
        return "0.0%"
    if money:
        return "$#,##0" if size >= 1000 else "$#,##0.00" if size >= 10 else "$#,##0.0000"
    if unit == "x":
        return '#,##0.0"x"'
    return "#,##0" if size >= 1000 or float(value).is_integer() else "#,##0.####"


def write(
    notebook: NotebookNode, path: Path, *, name: str, made_on: str, parameters: Mapping, known: Mapping | None = None
) -> None:
    """Write the workbook of an executed notebook, made on a day with the parameters in force (see `Job.told`).

    `known` says how each headline number is known, by its key, as a ledger has it.
    """
    shown = outputs.outputs_of(cell for cell in notebook.cells if not NOT_SHOWN & tags(cell))
    question, described, tables = title(notebook) or name, outputs.find(shown, "model"), outputs.find(shown, "table")
    if len(described) > 1:
        raise DataError(f"{name}.ipynb", "a notebook describes at most one workbook")
    file = File(path, question, made_on)
    try:
        results = file.sheet("Results", (44, 18, 18, 70, 34))
        for book in described:
            num = len(book["columns"])
            inputs = file.sheet("Inputs", (38, 14, *[16] * (1 + num), 30, 14, 60))
            _write_inputs(file, inputs, book)
            write_lines(file, lines := file.sheet("Build-up", (38, 14, *[16] * num, 90)), 0, book)
            lines.freeze_panes(4, 1)
        about = f"Made on {made_on} by the notebook {name}.ipynb, which holds the code and the conditions."
        _write_results(file, results, question, about, shown, known or {})
        _write_parameters(file, parameters)
        for number, table in enumerate(tables, 1):
            _write_table(file, number, table)
        _write_sources(file, shown, tables, described)
        (inputs if described else results).activate()
    finally:
        file.book.close()


def _write_inputs(file: File, sheet, book: Mapping) -> None:
    columns = {outputs.ALL: outputs.ALL, **book["columns"]}
    file.text(sheet, 0, 0, f"{book['about']}: the inputs", bold=True, font_size=13)
    file.text(sheet, 1, 0, "Change a shaded cell and everything computes again. Where all systems share an "
              f"input, it stands in the column '{outputs.ALL}'.")  # fmt: skip
    file.head(sheet, 3, ["Input", "Unit", *columns.values(), "Range", "Status", "Source"])
    chosen = _write_choices(file, sheet, 4, book.get("choices", ()))
    for row, given in enumerate(book["inputs"], 4 + len(book.get("choices", ()))):
        file.texts(sheet, row, [given["label"], unit_words(given["unit"])])
        for place, column in enumerate(columns, 2):
            if cell := given["cells"].get(column):
                _write_input(file, sheet, (row, place), given, cell, chosen.get(f"{given['name']}@{column}"))
                file.name(given["name"], column, sheet, row, place)
        file.texts(sheet, row, _details(given, columns), start=2 + len(columns))
    sheet.freeze_panes(4, 1)


def _write_input(file: File, sheet, at: tuple[int, int], given: Mapping, cell: Mapping, formula: str | None) -> None:
    style = file.style(num_format=number_format(given["unit"], cell["value"]), bg_color="#fff3c4", border=4)
    if formula:
        sheet.write_formula(*at, formula, style, cell["value"])
    else:
        sheet.write_number(*at, cell["value"], style)
    most, said = (1, "100%") if given["unit"] == "frac" else (1e12, "1,000,000,000,000")
    sheet.data_validation(*at, *at, {
        "validate": "decimal", "criteria": "between", "minimum": 0, "maximum": most,
        "error_title": given["label"][:32], "error_message": f"must be from 0 to {said} {unit_words(given['unit'])}",
    })  # fmt: skip


def _write_choices(file: File, sheet, top: int, choices: Sequence[Mapping]) -> dict[str, str]:
    """A list to choose from for each choice, its options on a sheet of their own; returns the formulas they set."""
    formulas = {}
    for row, choice in enumerate(choices, top):
        options, cells = choice["options"], list(choice["options"][0]["cells"])
        listed = file.sheet(choice["label"], (60, *[22] * len(cells)))
        file.head(listed, 0, [choice["label"], *cells])
        for place, option in enumerate(options, 1):
            file.text(listed, place, 0, _option(option))
            for column, cell in enumerate(cells, 1):
                listed.write_number(place, column, option["cells"][cell])
        file.text(sheet, row, 0, choice["label"])
        file.text(sheet, row, 2, _option(options[0]), bg_color="#fff3c4", border=4)
        columns = [f"'{listed.get_name()}'!${c}$2:${c}${len(options) + 1}" for c in map(_letter, range(len(cells) + 1))]
        sheet.data_validation(row, 2, row, 2, {"validate": "list", "source": f"={columns[0]}"})
        for cell, values in zip(cells, columns[1:], strict=True):
            formulas[cell] = f"=INDEX({values},MATCH('{sheet.get_name()}'!$C${row + 1},{columns[0]},0))"
    return formulas


def _option(option: Mapping) -> str:
    return ": ".join(filter(None, (option["group"], option["label"])))


def _letter(column: int) -> str:
    return xlsxwriter.utility.xl_col_to_name(column)


def _details(given: Mapping, columns: Mapping[str, str]) -> list[str]:
    """Range, status and source of an input; said once where all columns agree."""
    details = []
    for say in (
        lambda cell: f"{_end(cell['low'])} to {_end(cell['high'])}" if cell.get("low") != cell.get("high") else None,
        lambda cell: cell.get("status"),
        lambda cell: cell.get("source_url"),
    ):
        texts = {columns[column]: text for column, cell in given["cells"].items() if (text := say(cell))}
        is_one = len(texts) == len(given["cells"]) and len(set(texts.values())) == 1
        spoken = texts.values() if is_one else (f"{column}: {text}" for column, text in texts.items())
        details.append("; ".join(dict.fromkeys(spoken)))
    return details


def _end(value: float) -> str:
    return f"{value:,.6f}".rstrip("0").rstrip(".")


def write_lines(file: File, sheet, top: int, book: Mapping) -> None:
    """The lines of a model from a row on."""
    file.text(sheet, top, 0, f"{book['about']}: line by line", bold=True, font_size=13)
    file.text(
        sheet, top + 1, 0, "Every number here is a formula; the words of the last column are the names of the cells."
    )
    file.head(sheet, top + 3, ["Line", "Unit", *book["columns"].values(), "Computed as"])
    for row, line in enumerate(book["lines"], top + 4):
        looks = {"bold": True} if line["is_result"] else {}
        file.text(sheet, row, 0, line["label"], **looks)
        file.text(sheet, row, 1, unit_words(line["unit"]))
        for place, column in enumerate(book["columns"], 2):
            if cell := line["cells"].get(column):
                file.result(sheet, row, place, file.formula(cell["formula"]), cell, line["unit"], **looks)
                file.name(line["name"], column, sheet, row, place)
        file.text(sheet, row, 2 + len(book["columns"]), _spoken(line, book["columns"]))


def _spoken(line: Mapping, columns: Mapping[str, str]) -> str:
    """The formula of a line with the names of its rows, and of columns where it reads more than one."""
    formula = next(iter(line["cells"].values()))["formula"]
    is_across = len({column for _, column in CELL.findall(formula)} - {outputs.ALL}) > 1
    return CELL.sub(lambda cell: f"{cell[1]} of {columns[cell[2]]}" if is_across else cell[1], formula)


def _write_results(
    file: File, sheet, question: str, about: str, shown: Sequence[Mapping], known: Mapping[str, Sequence[str]]
) -> None:
    file.text(sheet, 0, 0, question, bold=True, font_size=14)
    file.text(sheet, 1, 0, about)
    row = 3
    for sentence in (s for answer in outputs.find(shown, "answer") for s in answer["sentences"]):
        text = sentence["text"].replace("**", "")
        sheet.merge_range(row, 0, row, 3, "", file.style(text_wrap=True))
        file.text(sheet, row, 0, text, text_wrap=True)
        sheet.set_row(row, 16 * (1 + len(text) // 130))
        row += 1
    for book in outputs.find(shown, "model"):
        row = _write_model_results(file, sheet, row + 1, book)
    headlines = [item for found in outputs.find(shown, "headlines") for item in found["headlines"]]
    if headlines:
        _write_headlines(file, sheet, row + 1, headlines, known)


def _write_model_results(file: File, sheet, row: int, book: Mapping) -> int:
    """The results of a model; returns the row below them."""
    columns = book["columns"]
    file.text(sheet, row, 0, f"{book['about']}: computed from the sheet Inputs", bold=True)
    file.head(sheet, row + 1, ["Result", "Unit", *columns.values()])
    row += 2
    for line in (line for line in book["lines"] if line["is_result"]):
        file.texts(sheet, row, [line["label"], unit_words(line["unit"])])
        for place, column in enumerate(columns, 2):
            if cell := line["cells"].get(column):
                file.result(sheet, row, place, file.formula(f"{{{line['name']}@{column}}}"), cell, line["unit"])
        row += 1
    return row


def _write_headlines(file: File, sheet, row: int, headlines: Sequence[Mapping], known: Mapping) -> None:
    file.text(sheet, row, 0, "Headline numbers, as the page was made", bold=True)
    file.head(sheet, row + 1, ["Number", "Value", "Unit", "Holds for", "How known"])
    for place, item in enumerate(headlines, row + 2):
        file.text(sheet, place, 0, item["label"])
        file.number(sheet, place, 1, item["value"], item["unit"])
        file.text(sheet, place, 2, unit_words(item["unit"]))
        file.text(sheet, place, 3, item["note"], text_wrap=True)
        file.text(sheet, place, 4, ", ".join(known.get(item["key"], ())), text_wrap=True)


def _write_parameters(file: File, parameters: Mapping[str, Mapping]) -> None:
    if parameters:
        sheet = file.sheet("Parameters", (28, 28, 20, 90))
        file.text(sheet, 0, 0, "What was assumed for every number of this report", bold=True, font_size=13)
        file.head(sheet, 2, ["Parameter", "Value", "Unit or kind", "Meaning"])
        for row, (about, parameter) in enumerate(parameters.items(), 3):
            file.texts(sheet, row, (about, parameter["value"], words(parameter["kind"]), parameter["meaning"]))


def _write_table(file: File, number: int, table: Mapping) -> None:
    """A table on a sheet of its own."""
    columns = zip(*([outputs.cell_text(cell) for cell in row] for row in table["rows"]), strict=True)
    widths = [max(10, min(44, 2 + max(map(len, column), default=0))) for column in columns]
    sheet = file.sheet(f"T{number} {table['caption'].replace('**', '')}", widths)
    write_rows(file, sheet, 0, table)
    sheet.freeze_panes(3, 1)


def write_rows(file: File, sheet, top: int, table: Mapping) -> int:
    """A table from a row on, with the numbers themselves where the page has them as printed; returns the row below."""
    columns, row = table["columns"], top + 3
    file.text(sheet, top, 0, table["caption"].replace("**", ""), bold=True, font_size=13)
    file.head(sheet, top + 2, [column["header"] for column in columns])
    for row, cells in enumerate(table["rows"], top + 3):
        for place, (column, cell) in enumerate(zip(columns, cells, strict=True)):
            text = outputs.cell_text(cell).replace("**", "")
            if isinstance(cell, Mapping) and "value" in cell:
                file.number(sheet, row, place, cell["value"], column["unit"] or _unit_of(text))
            else:
                file.text(sheet, row, place, text, **({"align": "right"} if column["is_number"] else {}))
    if table["note"]:
        file.text(sheet, row + 2, 0, table["note"].replace("**", ""))
    return row + (3 if table["note"] else 1)


def _unit_of(text: str) -> str:
    """Money and shares by how the page prints them."""
    return "usd" if "$" in text else "frac" if text.endswith("%") else ""


def address(row: int, column: int) -> str:
    """A cell as formulas name it: $B$4."""
    return xlsxwriter.utility.xl_rowcol_to_cell(row, column, row_abs=True, col_abs=True)


def _write_sources(file: File, shown, tables, described) -> None:
    sheet = file.sheet("Sources", (40, 12, 16, 28, 24))
    file.text(sheet, 0, 0, "Where the numbers come from", bold=True, font_size=13)
    row = 2
    if rows := [line for found in outputs.find(shown, "provenance") for line in found["rows"]]:
        file.head(sheet, row, list(outputs.PROVENANCE_COLUMNS.values()))
        for line in rows:
            row += 1
            for column, key in enumerate(outputs.PROVENANCE_COLUMNS):
                if isinstance(line[key], int):
                    sheet.write_number(row, column, line[key], file.style())
                elif line[key] is not None:
                    file.text(sheet, row, column, line[key])
        row += 2
    linked = [
        cell["url"]
        for table in tables
        for line in table["rows"]
        for cell in line
        if isinstance(cell, Mapping) and "url" in cell
    ]
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


# Reading one


def cells(path: Path) -> dict[str, str]:
    """Formula and value of every cell of a workbook, by sheet and address."""
    space, found = {"s": "http://schemas.openxmlformats.org/spreadsheetml/2006/main"}, {}
    tag = f"{{{space['s']}}}c"
    with zipfile.ZipFile(path) as parts:
        texts = []
        if "xl/sharedStrings.xml" in parts.namelist():
            strings = ElementTree.fromstring(parts.read("xl/sharedStrings.xml"))
            texts = ["".join(one.itertext()) for one in strings.findall("s:si", space)]
        sheets = ElementTree.fromstring(parts.read("xl/workbook.xml")).findall(".//s:sheet", space)
        for number, sheet in enumerate(sheets, 1):
            for cell in ElementTree.fromstring(parts.read(f"xl/worksheets/sheet{number}.xml")).iter(tag):
                formula, value = (cell.findtext(f"s:{part}", "", space) for part in "fv")
                said = texts[int(value)] if cell.get("t") == "s" else value
                found[f"sheet '{sheet.get('name')}', cell {cell.get('r')}"] = f"={formula} {said}" if formula else said
    return found
