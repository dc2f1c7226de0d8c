"""All notebooks of a scenario as one workbook: a dashboard with charts, and sheets for models and tables of each page.

The case on the dashboard (1 low, 2 middle, 3 high) chooses for every input of every model the low end of its range, its
printed value or the high end; a model with a `case_number` of its own takes that in the place of ranges. Everything
follows in live formulas, those of the notebooks.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from nbformat import NotebookNode

from reportkit import outputs, xlsx
from reportkit.page import NOT_SHOWN, finding_of, title
from reportkit.provenance import tags
from reportkit.text import day, unit_words

CASES = ("low", "middle", "high")
CASE = "Case"  # the name of its cell
OWN_CASE = "case_number"  # an input that is a case itself
MOST_COLUMNS = 4  # of a model on the dashboard
MOST_CHARTS = 4  # of models, beside that of the ranges
_CHOICE_NOTE = "Every input of every model at the low end of its range (1), as printed (2), or at the high end (3)."


def write_all(
    notebooks: Mapping[str, NotebookNode], path: Path, *, about: str, made_on: str, known: Mapping | None = None
) -> None:
    """Write the workbook of all executed notebooks of a scenario, by name, under the title `about`.

    `known` says how each headline number is known, by its key, as the ledgers have it.
    """
    file = xlsx.File(path, about, made_on)
    try:
        dashboard = file.sheet("Dashboard", (52, 44, 14, 26, 40, 3, 50, 24, *[14] * MOST_COLUMNS))
        results = []
        file.book.define_name(CASE, "='Dashboard'!$B$4")
        for model in (model for made in notebooks.values() for model in _shown(made, "model") if model["lines"]):
            results += _model_sheet(file, model)
        ranges = [found for made in notebooks.values() for found in _shown(made, "table") if _ends(found)]
        for name, made in notebooks.items():
            _tables_sheet(file, _in_words(name), list(_shown(made, "table")))
        _title(file, dashboard, about, f"Made on {day(made_on)}")
        ends = (_write_findings(file, dashboard, 5, notebooks, known or {}), _write_live(file, dashboard, 5, results))
        below = max(ends)
        _charts(file, dashboard, below + 1, results, ranges)
        dashboard.activate()
    finally:
        file.book.close()


def _shown(made: NotebookNode, kind: str) -> Sequence[Mapping]:
    return outputs.find(outputs.outputs_of(cell for cell in made.cells if not NOT_SHOWN & tags(cell)), kind)


def _in_words(name: str) -> str:
    """03_cost_sensitivity -> Cost sensitivity."""
    return re.sub(r"^\d+_", "", name).replace("_", " ").capitalize()


def _sheet_name(about: str) -> str:
    """What a model computes, in as many whole words as a sheet's name can hold."""
    while len(about) > 28:
        about = re.split(r"[, ]+[^, ]*$", about)[0]
    return about


# Models


def of_case(row: Mapping, cell: Mapping, has_own_case: bool) -> tuple[float, float, float]:
    """The value of an input in the three cases."""
    value = cell["value"]
    if row["name"] == OWN_CASE:
        return 1, 2, 3
    ends = [cell.get(end) for end in ("low", "high")]
    if has_own_case or any(not isinstance(end, int | float) for end in ends):
        return value, value, value
    return ends[0], value, ends[1]


def _model_sheet(file: xlsx.File, model: Mapping) -> Iterator[tuple]:
    """A model with its inputs in three cases and its lines below; yields its results and where they stand."""
    columns = {outputs.ALL: "All", **model["columns"]}
    sheet = file.sheet(_sheet_name(model["about"]), (44, 22, *[13] * 4 * len(columns), 14, 60))
    file.text(sheet, 0, 0, model["about"], bold=True, font_size=13)
    file.text(sheet, 1, 0, "Shaded cells are yours to change. The first columns hold the case chosen on the dashboard.")
    heads = [f"{name}, {case}" for case in CASES for name in columns.values()]
    file.head(sheet, 3, ["Input", "Unit", *(f"{name}, now" for name in columns.values()), *heads, "Status", "Source"])
    file.forget_names()
    has_own_case = any(row["name"] == OWN_CASE for row in model["inputs"])
    for at, row in enumerate(model["inputs"], 4):
        file.texts(sheet, at, [row["label"], unit_words(row["unit"])])
        for place, column in enumerate(columns, 2):
            if cell := row["cells"].get(column):
                _input(file, sheet, (at, place, len(columns)), row, of_case(row, cell, has_own_case))
                file.name(row["name"], column, sheet, at, place)
        told = [{cell[key] for cell in row["cells"].values() if cell.get(key)} for key in ("status", "source_url")]
        file.texts(sheet, at, ("; ".join(sorted(texts)) for texts in told), start=2 + 4 * len(columns))
    top = 5 + len(model["inputs"])
    xlsx.write_lines(file, sheet, top, model)
    sheet.freeze_panes(4, 1)
    sheet.set_landscape()
    sheet.fit_to_pages(1, 0)
    for at, line in enumerate(model["lines"], top + 4):
        if line["is_result"]:
            yield model, line, sheet.get_name(), at


def _input(file: xlsx.File, sheet, at: tuple[int, int, int], row: Mapping, values: Sequence[float]) -> None:
    """An input: what counts now, and its three values."""
    line, place, num_columns = at
    looks = {"num_format": xlsx.number_format(row["unit"], max(values, key=abs))}
    places = [place + num_columns * number for number in (1, 2, 3)]
    for column, value in zip(places, values, strict=True):
        sheet.write_number(line, column, value, file.style(**looks, bg_color="#fff3c4", border=4))
    cells = ",".join(xlsx.address(line, column) for column in places)
    sheet.write_formula(line, place, f"=CHOOSE({CASE},{cells})", file.style(**looks), values[1])


# Tables


def _tables_sheet(file: xlsx.File, name: str, tables: Sequence[Mapping]) -> None:
    if not tables:
        return
    most = max(len(table["columns"]) for table in tables)
    sheet, top = file.sheet(name, (44, *[18] * (most - 1))), 0
    for table in tables:
        top = xlsx.write_rows(file, sheet, top, table) + 2
    sheet.set_landscape()
    sheet.fit_to_pages(1, 0)


# The dashboard


def _title(file: xlsx.File, sheet, about: str, made: str) -> None:
    """The top of the dashboard, with the cell of the case; and how it prints."""
    file.text(sheet, 0, 0, about, bold=True, font_size=18)
    sheet.set_row(0, 26)
    file.text(sheet, 1, 0, made)
    file.text(sheet, 3, 0, "Case (1 low, 2 middle, 3 high)", bold=True)
    sheet.write_number(3, 1, 2, file.style(bg_color="#fff3c4", border=1, bold=True, align="center", font_size=14))
    sheet.data_validation(3, 1, 3, 1, {"validate": "list", "source": [1, 2, 3]})
    file.text(sheet, 3, 2, _CHOICE_NOTE)
    sheet.set_landscape()
    sheet.set_paper(9)
    sheet.set_margins(0.3, 0.3, 0.4, 0.4)
    sheet.fit_to_pages(1, 1)


def _write_findings(file: xlsx.File, sheet, top: int, notebooks: Mapping, known: Mapping) -> int:
    """What each page found, and its first numbers, as they are printed there; returns the row below."""
    file.head(sheet, top, ["What each page found, as printed", "Key number", "Value", "Unit", "How known"])
    row = top + 1
    for name, made in notebooks.items():
        headlines = [h for told in _shown(made, "headlines") for h in told["headlines"]][:2]
        said = finding_of(made) or title(made) or name
        sheet.merge_range(row, 0, row + max(len(headlines), 2) - 1, 0, "", file.style(text_wrap=True))
        file.text(sheet, row, 0, said.replace("**", ""), text_wrap=True)
        for at, item in enumerate(headlines, row):
            file.text(sheet, at, 1, item["label"])
            file.number(sheet, at, 2, item["value"], item["unit"])
            file.text(sheet, at, 3, _unit(item["unit"]), indent=1)
            file.text(sheet, at, 4, ", ".join(known.get(item["key"], ())))
        row += max(len(headlines), 2)
    return row


def _write_live(file: xlsx.File, sheet, top: int, results: Sequence[tuple]) -> int:
    """The results of every model, live; below each other, with the columns of each; returns the row below."""
    row, last = top, None
    for model, line, name, at in results:
        if model is not last:
            columns = list(model["columns"].values())
            some = "" if len(columns) <= MOST_COLUMNS else f" ({MOST_COLUMNS} of {len(columns)}, all on its sheet)"
            looks = {"bold": True, "bottom": 1}
            file.texts(sheet, row, [model["about"] + some, "Unit"], start=6, shrink=False, align="left", **looks)
            file.texts(sheet, row, columns[:MOST_COLUMNS], start=8, shrink=True, align="right", **looks)
            row, last = row + 1, model
        file.text(sheet, row, 6, line["label"])
        file.text(sheet, row, 7, _unit(line["unit"]), indent=1)
        for place, column in enumerate(list(model["columns"])[:MOST_COLUMNS], 2):
            if cell := line["cells"].get(column):
                file.result(sheet, row, place + 6, f"='{name}'!{xlsx.address(at, place)}", cell, line["unit"])
        row += 1
    return row


def _unit(unit: str) -> str:
    """A unit beside a number whose own format says per cent."""
    return "" if unit == "frac" else unit_words(unit)


def _charts(file: xlsx.File, sheet, top: int, results: Sequence[tuple], ranges: Sequence[Mapping]) -> None:
    """A chart of the first result of each model that compares systems, and one of the ranges."""
    firsts = {}
    for model, line, name, at in results:
        if 1 < len(line["cells"]) <= MOST_COLUMNS:
            firsts.setdefault(model["about"], (model, line, name, at))
    for number, (model, line, name, at) in enumerate(list(firsts.values())[:MOST_CHARTS]):
        chart, last = file.book.add_chart({"type": "column"}), 1 + len(model["columns"])
        heads = at - next(i for i, one in enumerate(model["lines"]) if one is line) - 1
        chart.add_series({
            "name": line["label"], "categories": [name, heads, 2, heads, last], "values": [name, at, 2, at, last],
            "data_labels": {"value": True}, "gap": 60, "fill": {"color": "#2f6fb3"},
        })  # fmt: skip
        chart.set_title({"name": f"{model['about']}: {line['label']}", "name_font": {"size": 11}, "overlay": False})
        chart.set_legend({"none": True})
        chart.set_y_axis({"visible": False, "major_gridlines": {"visible": False}})
        chart.set_size({"width": 460, "height": 300})
        sheet.insert_chart(top + 15 * (number // 2), 0, chart, {"x_offset": 475 * (number % 2)})
    for table in ranges[:1]:
        _ranges_chart(file, sheet, top, table)


def _ends(table: Mapping) -> int | None:
    """Where the columns low, middle and high of a table begin; None where it has none."""
    heads = [column["header"].lower() for column in table["columns"]]
    return next((at for at in range(1, len(heads)) if tuple(heads[at : at + 3]) == CASES), None)


def _ranges_chart(file: xlsx.File, sheet, top: int, table: Mapping) -> None:
    """Low, middle and high of every row on one log axis, as lines from end to end."""
    helper, first = file.sheet("Low, middle, high", (60, 14, 14, 14)), _ends(table)
    file.head(helper, 0, ["What", *(case.capitalize() for case in CASES)])
    rows = [row for row in table["rows"] if all(isinstance(cell, Mapping) for cell in row[first : first + 3])]
    for at, row in enumerate(rows, 1):
        file.text(helper, at, 0, ", ".join(outputs.cell_text(cell).replace("**", "") for cell in row[:first]))
        for place, cell in enumerate(row[first : first + 3], 1):
            file.number(helper, at, place, cell["value"], table["columns"][first]["unit"])
    chart, name = file.book.add_chart({"type": "line"}), helper.get_name()
    for place, (case, shape) in enumerate(zip(CASES, ("diamond", "circle", "diamond"), strict=True), 1):
        chart.add_series({
            "name": case.capitalize(), "line": {"none": True},
            "categories": [name, 1, 0, len(rows), 0], "values": [name, 1, place, len(rows), place],
            "marker": {"type": shape, "size": 7, "fill": {"color": "#2f6fb3"}, "border": {"color": "#2f6fb3"}},
        })  # fmt: skip
    chart.set_high_low_lines({"line": {"color": "#2f6fb3", "width": 2}})
    chart.set_y_axis({"log_base": 10, "num_format": "$0.00", "major_gridlines": {"visible": True}})
    chart.set_x_axis({"num_font": {"rotation": -45, "size": 8}})
    chart.set_title({"name": table["caption"].replace("**", ""), "name_font": {"size": 11}})
    chart.set_legend({"none": True})
    chart.set_size({"width": 900, "height": 600})
    sheet.insert_chart(top, 6, chart)
