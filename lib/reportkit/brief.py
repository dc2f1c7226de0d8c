"""The brief: three sheets for readers who print, made of cells that notebooks name for them.

A cell with the tag `brief-answer`, `brief-sensitivity` or `brief-assumptions` stands on that sheet, in reading order.
Nothing is computed here: the first sheet also has the sentences that say what would turn the other answers, and the
third one the parameters behind the cells and the days of their data.
"""

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

from nbformat import NotebookNode

from reportkit import charts, conditions, markdown, outputs, tables
from reportkit.page import DRAW, render
from reportkit.provenance import tags
from reportkit.source import Frame
from reportkit.text import day, words

SHEETS = {"answer": "The answer", "sensitivity": "What moves it", "assumptions": "What is assumed"}
FIGURE_PX = 140  # the height of a chart of one view: a sheet holds two or three


def cells(notebook: NotebookNode, sheet: str) -> list[NotebookNode]:
    """The cells of a notebook that stand on a sheet."""
    return [cell for cell in notebook.cells if f"brief-{sheet}" in tags(cell)]


def page(
    frame: Frame,
    entries: Sequence[Mapping],
    notebooks: Mapping[str, NotebookNode],
    ledgers: Mapping[str, Mapping],
    *,
    scratch: Path = Path(".cache"),
) -> str:
    """The brief of a scenario; empty where no cell is named for it.

    Parameters
    ----------
    entries : what `index.entry` says of each notebook
    notebooks, ledgers : each executed notebook, and what its numbers rest on, by name
    """
    order = [name for _, names in frame.suite.by_question(list(notebooks)) for name in names]
    named = {entry["name"]: entry for entry in entries}

    def part(name: str, found: Sequence[NotebookNode]) -> dict:
        chip = conditions.of(frame.suite, name, ledgers[name]["parameters"])
        return {**named[name], "chip": chip, "html": "".join(_block(name, cell) for cell in found)}

    sheets = {title: [part(n, found) for n in order if (found := cells(notebooks[n], sheet))]
              for sheet, title in SHEETS.items()}  # fmt: skip
    used = [name for name in order if any(cells(notebooks[name], sheet) for sheet in SHEETS)]
    if not used:
        return ""
    lead = named[used[0]]
    is_about_data = {name: name.startswith("00_") for name in order}
    others = [name for name in order if not is_about_data[name] and not cells(notebooks[name], "answer")]
    flips = [(named[name], named[name]["flips"]) for name in others if named[name]["flips"]]
    return render(
        "brief.html",
        scripts=[charts.library(scratch), DRAW],
        title=lead["finding"] or lead["title"],
        window=f"{frame.scenario}, in brief",
        frame=frame,
        description="",
        here="brief",
        lead=lead,
        sheets=sheets,
        flips=[(entry, outputs.to_html("answer", outputs.sentences(said))) for entry, said in flips],
        as_of=[(named[name], ". ".join(named[name]["as_of"])) for name in used if named[name]["as_of"]],
        parameters=_parameters({name: ledgers[name]["parameters"] for name in used}),
    )


def _block(name: str, cell: NotebookNode) -> str:
    if cell.cell_type == "markdown":
        return markdown.to_html(cell.source, notebook=name)
    shown = "".join(map(_output, outputs.outputs_of([cell])))
    return f'<div class="tf-out" data-k="{name}/{escape(cell.id)}">{shown}</div>'


def _output(output: Mapping) -> str:
    if spec := outputs.chart_of(output):
        return charts.figure({**spec, "height": FIGURE_PX} if "height" in spec else spec)
    kind = outputs.kind_of(output)
    if kind == "table":
        return tables.to_html(output[outputs.mime(kind)])
    return outputs.to_html(kind, output[outputs.mime(kind)]) if kind else ""


def _parameters(of_each: Mapping[str, Mapping]) -> list[dict]:
    """The parameters of the cells: a line for each value with the pages that use it, and its key on the first."""
    pages: dict[tuple, list[str]] = {}
    for name, parameters in of_each.items():
        for told in parameters.values():
            line = (told["meaning"], _said(told["value"]), words(told["kind"]))
            pages.setdefault(line, []).append(name)
    first = {meaning: place for place, (meaning, *_) in reversed([*enumerate(pages)])}
    return [
        {
            "cells": [*line, ", ".join(name.partition("_")[0] for name in pages[line])],
            "key": f"{pages[line][0]}/parameters",
        }
        for line in sorted(pages, key=lambda line: first[line[0]])
    ]


def _said(value: object) -> str:
    """A value as people say it: 2026-04-15 becomes 15 April 2026, own_use own use."""
    if not isinstance(value, str):
        return str(value)
    try:
        return day(value)
    except ValueError:
        return words(value)
