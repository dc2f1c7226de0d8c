"""The brief: three sheets for readers who print, made of cells that notebooks name for them.

A cell with the tag `brief-answer`, `brief-sensitivity` or `brief-assumptions` stands on that sheet, in reading order.
Nothing is computed here: the first sheet also has the sentences that say what would turn the other answers, and the
third one the parameters behind the cells and the days of their data.
"""

from collections.abc import Callable, Mapping, Sequence
from html import escape
from pathlib import Path

from nbformat import NotebookNode

from reportkit import charts, conditions, markdown, outputs, provenance, tables
from reportkit.page import DRAW, meaning, render
from reportkit.provenance import tags
from reportkit.source import Frame
from reportkit.text import said

SHEETS = {"answer": "The answer", "sensitivity": "What moves it", "assumptions": "What is assumed"}
# The height of a chart of one view, so that a sheet holds what stands on it and rows of bars keep their labels apart.
FIGURE_PX = {"answer": 130, "sensitivity": 225, "assumptions": 140}


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
    say: Callable[[str, object], str] = said,
) -> str:
    """The brief of a scenario; empty where no cell is named for it.

    Parameters
    ----------
    entries : what `index.entry` says of each notebook
    notebooks, ledgers : each executed notebook, and what its numbers rest on, by name
    """
    order = [name for _, names in frame.suite.by_question(list(notebooks)) for name in names]
    named = {entry["name"]: entry for entry in entries}

    def part(name: str, found: Sequence[NotebookNode], height_px: int) -> dict:
        chip = conditions.of(frame.suite, name, ledgers[name]["parameters"])
        looks = {"known": provenance.known(ledgers[name]), "height_px": height_px}
        return {**named[name], "chip": chip, "html": "".join(_block(name, cell, looks) for cell in found)}

    sheets = {title: [part(n, found, FIGURE_PX[sheet]) for n in order if (found := cells(notebooks[n], sheet))]
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
        parameters=_parameters({name: ledgers[name]["parameters"] for name in used}, say),
    )


def _block(name: str, cell: NotebookNode, looks: Mapping) -> str:
    if cell.cell_type == "markdown":
        return markdown.to_html(cell.source, notebook=name)
    shown = "".join(_output(output, **looks) for output in outputs.outputs_of([cell]))
    return f'<div class="tf-out" data-k="{name}/{escape(cell.id)}">{shown}</div>'


def _output(output: Mapping, *, known: Mapping, height_px: int) -> str:
    if spec := outputs.chart_of(output):
        return charts.figure({**spec, "height": height_px} if "height" in spec else spec)
    kind = outputs.kind_of(output)
    if kind == "table":
        return tables.to_html(output[outputs.mime(kind)])
    more = {"known": known} if kind == "headlines" else {}
    return outputs.to_html(kind, output[outputs.mime(kind)], **more) if kind else ""


def _parameters(of_each: Mapping[str, Mapping], say: Callable[[str, object], str]) -> list[dict]:
    """The parameters of the cells: a line for each value with the pages that use it, and its key on the first."""
    pages: dict[tuple, list[str]] = {}
    for name, parameters in of_each.items():
        for told in parameters.values():
            line = tuple(meaning(told, say))
            pages.setdefault(line, []).append(name)
    first = {what: place for place, (what, _) in reversed([*enumerate(pages)])}
    return [
        {
            "cells": [*line, ", ".join(name.partition("_")[0] for name in pages[line])],
            "key": f"{pages[line][0]}/parameters",
        }
        for line in sorted(pages, key=lambda line: first[line[0]])
    ]
